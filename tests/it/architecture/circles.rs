//! No files of one stage need each other in a circle.

use std::collections::{BTreeMap, BTreeSet};

use super::{code_of, sources};

/// A module's path below `src`: `["attempt", "look"]`.
type Module = Vec<String>;

/// Each module of a folder of `src`, with its code and without comments.
fn modules(folder: &str) -> BTreeMap<Module, String> {
    let mut modules = BTreeMap::new();
    for root in [folder.to_owned(), format!("{folder}.rs")] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(&root);
        let files = if path.exists() { sources(&root) } else { Vec::new() };
        for (path, source) in files {
            let module = module_of(&path);
            if module.last().is_none_or(|name| name != "tests") {
                let lines = code_of(&source).lines();
                let code: Vec<&str> =
                    lines.filter(|line| !line.trim_start().starts_with("//")).collect();
                modules.insert(module, code.join("\n"));
            }
        }
    }
    modules
}

fn module_of(path: &std::path::Path) -> Module {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let path = path.strip_prefix(root).unwrap().with_extension("");
    let mut module: Module =
        path.components().map(|part| part.as_os_str().to_str().unwrap().to_owned()).collect();
    if module.last().is_some_and(|name| name == "mod") {
        module.pop();
    }
    module
}

/// The paths that a `use` tree names: `a::{b, c::d}` names `a::b` and `a::c::d`.
fn expanded(tree: &str) -> Vec<String> {
    let Some((start, rest)) = tree.split_once('{') else {
        return vec![tree.split(" as ").next().unwrap().trim().to_owned()];
    };
    let inner = rest.trim_end().strip_suffix('}').unwrap();
    let (mut depth, mut parts) = (0, vec![String::new()]);
    for c in inner.chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if c == ',' && depth == 0 {
            parts.push(String::new());
        } else {
            parts.last_mut().unwrap().push(c);
        }
    }
    let parts = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty());
    parts.flat_map(expanded).map(|part| format!("{}{part}", start.trim())).collect()
}

/// The paths that begin with `crate`, `self` or `super`, in `use` lines and elsewhere.
fn paths_in(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let mut rest = code;
    while let Some(at) =
        ["crate::", "self::", "super::"].iter().filter_map(|name| rest.find(name)).min()
    {
        let path = &rest[at..];
        let is_use = rest[..at].ends_with("use ");
        let end = if is_use {
            path.find(';').unwrap()
        } else {
            path.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
                .unwrap_or(path.len())
        };
        paths.extend(expanded(&path[..end]));
        rest = &path[end..];
    }
    paths
}

/// The module of `known` that a path in `module` leads into.
fn target(path: &str, module: &Module, known: &BTreeMap<Module, String>) -> Option<Module> {
    let mut base = module.clone();
    let mut parts = path.split("::").filter(|part| !part.is_empty()).peekable();
    match parts.peek() {
        Some(&"crate") => base.clear(),
        Some(&"self") => {}
        _ => {
            base.pop();
        }
    }
    parts.next();
    while parts.next_if_eq(&"super").is_some() {
        base.pop();
    }
    base.extend(parts.map(str::to_owned));
    (1..=base.len()).rev().map(|length| base[..length].to_vec()).find(|at| known.contains_key(at))
}

/// Everything that can be reached from a module.
fn reached(from: &Module, needs: &BTreeMap<Module, BTreeSet<Module>>) -> BTreeSet<Module> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&Module> = needs[from].iter().collect();
    while let Some(module) = open.pop() {
        if reached.insert(module.clone()) {
            open.extend(&needs[module]);
        }
    }
    reached
}

#[test]
fn files_do_not_need_each_other_in_a_circle() {
    for folder in ["attempt", "verdict", "session"] {
        let modules = modules(folder);
        assert!(modules.len() > 5, "{folder}");
        let mut needs = BTreeMap::new();
        for (module, code) in &modules {
            let paths = paths_in(code);
            let found = paths.iter().filter_map(|path| target(path, module, &modules));
            let others: BTreeSet<Module> = found.filter(|other| other != module).collect();
            needs.insert(module.clone(), others);
        }
        for module in modules.keys() {
            assert!(!reached(module, &needs).contains(module), "{module:?} needs itself");
        }
    }
}

#[test]
fn paths_are_found_in_use_trees_and_in_code() {
    let code = "use crate::{a, b::{c, d as e}};\nfn f() { super::super::g::h(1) }";
    assert_eq!(paths_in(code), ["crate::a", "crate::b::c", "crate::b::d", "super::super::g::h"]);
}
