//! `course.toml`.

use std::path::Path;

use toml::de::DeValue;

use super::super::block::BlockText;
use super::super::pattern::matches;
use super::super::problem::{Problem, Problems};
use super::super::toml_table::{Entry, Toml};
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
    let toml = &mut toml;
    let [format, title, python, server] = toml.fields(&table, "`course.toml`", KEYS);
    let help = format!("add `format = {FORMAT}` at the top");
    toml.require(format, &(0..0), "`course.toml` has no `format`", help);
    if let Some(entry) = format {
        check_format(toml, entry);
    }
    let listed = python.and_then(|entry| only_entry(toml, entry, "packages"));
    let python_packages = listed.map_or_else(default_packages, |entry| packages(toml, entry));
    let supported = server.and_then(|entry| only_entry(toml, entry, "versions"));
    let server_versions = supported.map(|entry| versions(toml, entry)).unwrap_or_default();
    let title = title.and_then(|entry| toml.prose(entry));
    (Settings { title, python_packages, server_versions }, problems.into_sorted())
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
fn only_entry<'t>(toml: &mut Toml<'_>, entry: Entry<'t>, key: &str) -> Option<Entry<'t>> {
    let DeValue::Table(table) = entry.value.get_ref() else {
        toml.wrong_type(entry.key, entry.value, "a table");
        return None;
    };
    let [found] = toml.fields(table, &format!("`[{}]`", entry.key), [key]);
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

/// Servers and the beginnings of their versions.
pub(in super::super) fn versions(toml: &mut Toml<'_>, entry: Entry<'_>) -> Vec<String> {
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
    matches(r"(redis|valkey) \d+(\.\d+)*", text)
}
