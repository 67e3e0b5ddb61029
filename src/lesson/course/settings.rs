//! `course.toml`.

use std::path::Path;

use toml::de::DeValue;

use super::super::block::BlockText;
use super::super::problem::{Problem, Problems};
use super::super::toml_table::{Entry, Toml, entries};

/// The format that this version reads.
const FORMAT: i64 = 1;
const KEYS: [&str; 4] = ["format", "title", "python", "server"];
/// What Python answers import where no `course.toml` says otherwise; works from Python 3.9 on.
pub const DEFAULT_PACKAGE: &str = "redis==7.0.1";

/// What a `course.toml` says.
pub(super) struct Settings {
    pub(super) title: Option<String>,
    pub(super) python_packages: Vec<String>,
    pub(super) server_versions: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            title: None,
            python_packages: vec![DEFAULT_PACKAGE.to_owned()],
            server_versions: Vec::new(),
        }
    }
}

/// Reads the text of the file.
pub(super) fn parse(path: &Path, source: &str) -> (Settings, Vec<Problem>) {
    let mut problems = Problems::new(path, source);
    let block = BlockText::of_file(source);
    let (table, mut toml) = Toml::parse(&block, &mut problems);
    let mut settings = Settings::default();
    let mut has_format = false;
    for entry in entries(&table) {
        match entry.key {
            "format" => {
                has_format = true;
                check_format(&mut toml, entry);
            }
            "title" => settings.title = toml.prose(entry),
            "python" => {
                if let Some(entry) = sub_table(&mut toml, entry, "packages") {
                    settings.python_packages = packages(&mut toml, entry);
                }
            }
            "server" => {
                if let Some(entry) = sub_table(&mut toml, entry, "versions") {
                    settings.server_versions = versions(&mut toml, entry);
                }
            }
            _ => toml.unknown_key(entry, "`course.toml`", &KEYS),
        }
    }
    if !has_format {
        let help = Some(format!("add `format = {FORMAT}` at the top"));
        toml.missing(0..0, "`course.toml` has no `format`", help);
    }
    (settings, problems.into_sorted())
}

fn check_format(toml: &mut Toml<'_>, entry: Entry<'_>) {
    let Some(number) = toml.integer(entry, "an integer") else { return };
    if number > FORMAT {
        let help = Some("update redislings".to_owned());
        let message = format!("format {number} is made for a newer redislings");
        toml.error(entry.value.span(), message, help);
    } else if number < FORMAT {
        let help = Some(format!("write `format = {FORMAT}`"));
        toml.error(entry.value.span(), format!("there is no format {number}"), help);
    }
}

/// The entry `key` of a table that has no other.
fn sub_table<'t>(toml: &mut Toml<'_>, entry: Entry<'t>, key: &str) -> Option<Entry<'t>> {
    let DeValue::Table(table) = entry.value.get_ref() else {
        toml.wrong_type(entry.key, entry.value, "a table");
        return None;
    };
    let mut found = None;
    for sub_entry in entries(table) {
        if sub_entry.key == key {
            found = Some(sub_entry);
        } else {
            toml.unknown_key(sub_entry, &format!("`[{}]`", entry.key), &[key]);
        }
    }
    found
}

fn packages(toml: &mut Toml<'_>, entry: Entry<'_>) -> Vec<String> {
    let packages = toml.strings(entry, false);
    for (index, (package, span)) in packages.iter().enumerate() {
        let is_same = |(other, _): &(&str, _)| package_name(other) == package_name(package);
        if !is_pinned(package) {
            let help = Some(format!("pin it as in \"{DEFAULT_PACKAGE}\""));
            let message = format!("the package `{package}` is not pinned to a version");
            toml.error(span.clone(), message, help);
        } else if packages[..index].iter().any(is_same) {
            let message = format!("the package `{}` is named twice", package_name(package));
            toml.error(span.clone(), message, None);
        }
    }
    packages.into_iter().map(|(package, _)| package.to_owned()).collect()
}

fn versions(toml: &mut Toml<'_>, entry: Entry<'_>) -> Vec<String> {
    let versions = toml.strings(entry, false);
    for (version, span) in &versions {
        if !is_server_and_version(version) {
            let help = "write redis or valkey, a space and a version as in \"redis 7.0\"";
            let message = format!("`{version}` is not a server and its version");
            toml.error(span.clone(), message, Some(help.to_owned()));
        }
    }
    versions.into_iter().map(|(version, _)| version.to_owned()).collect()
}

/// `redis 7.0`, `valkey 9`: the version may be the beginning of one.
fn is_server_and_version(text: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    text.split_once(' ').is_some_and(|(server, version)| {
        matches!(server, "redis" | "valkey") && version.split('.').all(is_number)
    })
}

/// As pip compares names: `Redis_py[hiredis]==7.1` is `redis-py`.
fn package_name(package: &str) -> String {
    let name = package.split(['[', '=']).next().unwrap_or_default();
    name.to_lowercase().replace(['_', '.'], "-")
}

/// `name==version` or `name[extra]==version` and nothing that pip would take for an option.
fn is_pinned(package: &str) -> bool {
    let Some((name, version)) = package.split_once("==") else { return false };
    let starts_well = |text: &str| text.starts_with(|c: char| c.is_ascii_alphanumeric());
    let only = |text: &str, signs: &str| {
        text.chars().all(|c| c.is_ascii_alphanumeric() || signs.contains(c))
    };
    starts_well(name) && only(name, "._-[],") && starts_well(version) && only(version, ".!+_-")
}
