//! The dependencies between modules, as far as `use` lines show them.

mod circles;

use std::path::{Path, PathBuf};

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut paths = vec![root.join(folder)];
    while let Some(path) = paths.pop() {
        if path.is_file() {
            found.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
            continue;
        }
        for entry in std::fs::read_dir(&path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() || path.extension().is_some_and(|extension| extension == "rs") {
                paths.push(path);
            }
        }
    }
    found
}

fn users_of(text: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut users: Vec<String> = sources("")
        .into_iter()
        .filter(|(_, source)| source.contains(text))
        .map(|(path, _)| path.strip_prefix(&root).unwrap().display().to_string())
        .collect();
    users.sort();
    users
}

/// No file below `folder` uses a module in `forbidden`.
fn assert_does_not_use(folder: &str, forbidden: &[&str]) {
    for (path, source) in sources(folder) {
        for name in forbidden {
            let used =
                [format!("crate::{name}::"), format!("crate::{name};"), format!("crate::{name}}}")];
            let names_it = used.iter().any(|text| source.contains(text.as_str()));
            assert!(!names_it, "{} names crate::{name}", path.display());
        }
    }
}

#[test]
fn lessons_know_no_other_stage() {
    assert_does_not_use(
        "lesson",
        &[
            "server", "relay", "attempt", "verdict", "present", "session", "verify", "commands",
            "cli",
        ],
    );
}

#[test]
fn servers_know_no_other_stage() {
    assert_does_not_use(
        "server",
        &[
            "lesson", "relay", "attempt", "verdict", "present", "session", "verify", "commands",
            "cli",
        ],
    );
}

#[test]
fn the_relay_knows_no_stage() {
    assert_does_not_use(
        "relay",
        &[
            "lesson", "server", "attempt", "verdict", "present", "session", "verify", "commands",
            "cli",
        ],
    );
}

#[test]
fn attempts_do_not_judge_or_present() {
    assert_does_not_use("attempt", &["verdict", "present", "session", "verify", "commands", "cli"]);
}

#[test]
fn the_redis_prompt_knows_no_exercise() {
    let stages = ["lesson", "relay", "attempt", "verdict", "session", "verify", "commands", "cli"];
    assert_does_not_use("redis_prompt", &stages);
}

#[test]
fn the_verdict_does_no_io() {
    for folder in ["verdict.rs", "verdict"] {
        assert_does_not_use(
            folder,
            &["present", "session", "verify", "commands", "cli", "cleanup", "runtime"],
        );
        for (path, source) in sources(folder) {
            let does_io = source.contains("std::fs") || source.contains("std::process");
            assert!(!does_io, "{}", path.display());
        }
    }
}

/// A source file without its unit tests.
fn code_of(source: &str) -> &str {
    source.split("#[cfg(test)]\nmod tests {").next().unwrap()
}

#[test]
fn only_the_topic_of_snapshots_knows_background_saves() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let homes = ["topics/snapshots", "server", "redis_cli/commands.rs"];
    for (path, source) in sources("") {
        let path = path.strip_prefix(&root).unwrap();
        let is_at_home = homes.iter().any(|home| path.starts_with(home));
        for word in ["bgsave", "lastsave", "rdb_", "dump.rdb"] {
            let says = !is_at_home && source.contains(word);
            assert!(!says, "{} says {word}", path.display());
        }
    }
}

#[test]
fn only_the_topic_of_append_only_files_knows_their_rewrites() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let homes = ["topics/append_only", "server"];
    for (path, source) in sources("") {
        let path = path.strip_prefix(&root).unwrap();
        let is_at_home = homes.iter().any(|home| path.starts_with(home));
        for word in ["aof_rewrite_", "aof_last_", "bgrewriteaof"] {
            let is_test = path
                .components()
                .any(|part| Path::new(&part).file_stem().is_some_and(|name| name == "tests"));
            let says = !is_at_home && !is_test && code_of(&source).contains(word);
            assert!(!says, "{} says {word}", path.display());
        }
    }
}

#[test]
fn no_file_is_longer_than_400_lines() {
    for (path, source) in sources("") {
        assert!(source.lines().count() <= 400, "{}", path.display());
    }
}

#[test]
fn each_external_crate_has_one_home() {
    assert_eq!(
        users_of("testcontainers::"),
        [
            "server/container/credentials.rs",
            "server/container/engine.rs",
            "server/container/host.rs",
            "server/container/labels.rs",
            "server/container/pull.rs",
            "server/container/supervisor.rs"
        ]
    );
    assert_eq!(users_of("docker_credential::"), ["server/container/credentials.rs"]);
    assert_eq!(users_of("serde_java_properties::"), ["server/container/engine_address.rs"]);
    assert_eq!(users_of("inquire::"), ["ask.rs"]);
    assert_eq!(users_of("similar::"), ["present/diff.rs"]);
    assert_eq!(users_of("OffsetDateTime"), ["present/export.rs"]);
    assert_eq!(users_of("notify::"), ["session/watch.rs"]);
    assert_eq!(users_of("rustyline::"), ["redis_prompt/editor.rs"]);
    assert_eq!(users_of("indicatif::"), ["commands/waiting.rs"]);
    assert_eq!(users_of("quick_junit::"), ["present/verify/junit.rs"]);
    assert_eq!(users_of("supports_hyperlinks::"), ["present/theme.rs"]);
    assert_eq!(users_of("glob::"), ["verify/choice.rs"]);
    assert_eq!(users_of("clap::"), ["cli.rs", "cli/options.rs", "commands/mod.rs"]);
    assert_eq!(users_of("clap_complete::"), ["commands/shell_files.rs"]);
    assert_eq!(users_of("clap_mangen::"), ["commands/shell_files.rs"]);
    assert_eq!(
        users_of("pulldown_cmark::")
            .iter()
            .filter(|path| !path.starts_with("lesson/") && !path.starts_with("present/"))
            .count(),
        0
    );
}

/// `not_for_people` lists the lines that may print a path unchanged, with their files.
#[test]
fn paths_are_shown_to_people_without_control_characters() {
    let not_for_people = [
        ("attempt/program.rs", "kill_marked"),
        ("attempt/python/zygote.rs", "kill_marked"),
        ("answers.rs", "extension()"),
        ("commands/path.rs", "path.display()"),
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (path, source) in sources("") {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        for line in code_of(&source).lines().filter(|line| line.contains(".display()")) {
            let is_known =
                not_for_people.iter().any(|(file, part)| *file == name && line.contains(part));
            assert!(is_known || name.contains("tests"), "{name}: use `shown()` in {line}");
        }
    }
}
