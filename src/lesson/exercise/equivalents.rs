//! The `[[equivalent]]` tables.

use toml::de::DeValue;

use super::super::toml_table::{Entry, Toml, Value, entries};
use super::super::{Equivalent, Language};

const KEYS: [&str; 2] = ["mutant", "because"];

/// Reads the tables and returns those without a problem.
pub(super) fn read(toml: &mut Toml<'_>, entry: Entry<'_>) -> Vec<Equivalent> {
    let DeValue::Array(tables) = entry.value.get_ref() else {
        toml.wrong_type("equivalent", entry.value, "written `[[equivalent]]`");
        return Vec::new();
    };
    let mut equivalents: Vec<Equivalent> = Vec::new();
    for table in tables {
        let Some((equivalent, entry)) = equivalent(toml, table) else { continue };
        if equivalents.iter().any(|earlier| earlier.mutant == equivalent.mutant) {
            let message = format!("a second `[[equivalent]]` for `{}`", equivalent.mutant);
            toml.error(entry.value.span(), message, None);
        } else {
            equivalents.push(equivalent);
        }
    }
    equivalents
}

fn equivalent<'t>(toml: &mut Toml<'_>, table: &'t Value<'t>) -> Option<(Equivalent, Entry<'t>)> {
    let DeValue::Table(keys) = table.get_ref() else {
        toml.wrong_type("equivalent", table, "a table");
        return None;
    };
    let (mut mutant, mut because) = (None, None);
    for entry in entries(keys) {
        match entry.key {
            "mutant" => mutant = Some(entry),
            "because" => because = Some(entry),
            _ => toml.unknown_key(entry, "an equivalent", &KEYS),
        }
    }
    let place = toml.file_span(table.span());
    if mutant.is_none() {
        let help = Some("name one: `mutant = \"redis/solution-1/without-line-2\"`".to_owned());
        toml.missing(place.clone(), "the equivalent has no `mutant`", help);
    }
    if because.is_none() {
        let help = Some("say why that answer is right: `because = \"…\"`".to_owned());
        toml.missing(place, "the equivalent has no `because`", help);
    }
    let because = because.and_then(|entry| toml.prose(entry));
    let entry = mutant?;
    let mutant = name(toml, entry)?;
    let span = toml.file_span(entry.value.span());
    Some((Equivalent { mutant, because: because?, span }, entry))
}

/// `redis/solution-2/without-line-4`. The caller that knows the solutions checks whether this one
/// exists.
fn name(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<String> {
    let name = toml.string(entry)?;
    let parts: Vec<&str> = name.split('/').collect();
    if matches!(parts[..], [language, _, change] if is_language(language) && !change.is_empty()) {
        return Some(name.to_owned());
    }
    let help = "write language, solution and change: `redis/solution-1/without-line-2`".to_owned();
    toml.error(entry.value.span(), format!("`{name}` cannot be a mutant"), Some(help));
    None
}

fn is_language(word: &str) -> bool {
    Language::ALL.iter().any(|language| language.word() == word)
}
