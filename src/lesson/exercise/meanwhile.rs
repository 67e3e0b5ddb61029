//! The `[[meanwhile]]` tables.

use toml::de::DeValue;

use super::super::problem::{did_you_mean, one_of};
use super::super::toml_table::{Entry, Toml, Value, entries};
use super::super::{Meanwhile, Trigger};
use super::{id, moments};

const KEYS: [&str; 2] = ["id", "when"];

/// Reads the tables and returns those without a problem.
pub(super) fn read(toml: &mut Toml<'_>, entry: Entry<'_>) -> Vec<Meanwhile> {
    let DeValue::Array(tables) = entry.value.get_ref() else {
        toml.wrong_type("meanwhile", entry.value, "written `[[meanwhile]]`");
        return Vec::new();
    };
    let mut all: Vec<Meanwhile> = Vec::new();
    for table in tables {
        let Some((meanwhile, entry)) = meanwhile(toml, table) else { continue };
        if all.iter().any(|earlier| earlier.id == meanwhile.id) {
            let message = format!("a second `[[meanwhile]]` with the id `{}`", meanwhile.id);
            toml.error(entry.value.span(), message, None);
        } else {
            all.push(meanwhile);
        }
    }
    all
}

fn meanwhile<'t>(toml: &mut Toml<'_>, table: &'t Value<'t>) -> Option<(Meanwhile, Entry<'t>)> {
    let DeValue::Table(keys) = table.get_ref() else {
        toml.wrong_type("meanwhile", table, "a table");
        return None;
    };
    let (mut named, mut when) = (None, None);
    for entry in entries(keys) {
        match entry.key {
            "id" => named = Some(entry),
            "when" => when = Some(entry),
            _ => toml.unknown_key(entry, "a meanwhile", &KEYS),
        }
    }
    let place = toml.file_span(table.span());
    if named.is_none() {
        let help = Some("add an `id`, for `at` of checks".to_owned());
        toml.missing(place.clone(), "the meanwhile has no `id`", help);
    }
    if when.is_none() {
        let help = Some(format!("say what it waits for: `when = \"{}\"`", Trigger::words()[0]));
        toml.missing(place, "the meanwhile has no `when`", help);
    }
    let when = when.and_then(|entry| trigger(toml, entry));
    let entry = named?;
    let id = own_id(toml, entry)?;
    Some((Meanwhile { id, when: when? }, entry))
}

fn own_id(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<String> {
    let id = id(toml, entry)?;
    if moments::WORDS.contains(&id.as_str()) {
        let help = Some("every exercise has this moment: choose another id".to_owned());
        let message = format!("`{id}` cannot be the id of a meanwhile");
        toml.error(entry.value.span(), message, help);
        return None;
    }
    Some(id)
}

fn trigger(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<Trigger> {
    let word = toml.string(entry)?;
    let trigger = Trigger::of(word);
    if trigger.is_none() {
        let help = did_you_mean(word, Trigger::words());
        let help = help.or_else(|| Some(format!("use {}", one_of(&Trigger::words()))));
        toml.error(entry.value.span(), format!("unknown trigger `{word}`"), help);
    }
    trigger
}
