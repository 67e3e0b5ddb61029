//! `course.toml`.

use std::path::Path;

use toml::de::DeValue;

use super::super::block::BlockText;
use super::super::problem::{Problem, Problems};
use super::super::toml_table::{Entry, Toml, entries};
use super::package::{Package, default_packages};

/// The format that this version reads.
const FORMAT: i64 = 1;
const KEYS: [&str; 4] = ["format", "title", "python", "server"];

pub(super) struct Settings {
    pub(super) title: Option<String>,
    pub(super) python_packages: Vec<Package>,
    pub(super) server_versions: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { title: None, python_packages: default_packages(), server_versions: Vec::new() }
    }
}

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
        let message = format!("format {number} needs a newer redislings");
        toml.error(entry.value.span(), message, help);
    } else if number < FORMAT {
        let help = Some(format!("write `format = {FORMAT}`"));
        toml.error(entry.value.span(), format!("there is no format {number}"), help);
    }
}

/// The entry `key` of a table that may have no other.
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

fn packages(toml: &mut Toml<'_>, entry: Entry<'_>) -> Vec<Package> {
    let mut packages: Vec<Package> = Vec::new();
    for (text, span) in toml.strings(entry, false) {
        let package = match Package::parse(text) {
            Ok(package) => package,
            Err(refusal) => {
                toml.error(span, refusal.message, Some(refusal.help));
                continue;
            }
        };
        if packages.iter().any(|other| other.clashes_with(&package)) {
            let message = format!("the package `{}` is listed twice", package.name());
            toml.error(span, message, None);
        }
        packages.push(package);
    }
    packages
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
    text.split_once(' ').is_some_and(|(server, version)| {
        matches!(server, "redis" | "valkey") && version.split('.').all(is_number)
    })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
