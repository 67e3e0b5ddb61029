//! The `[[equivalent]]` and `[[world]]` tables.

use toml::de::DeTable;

use super::super::pattern::matches;
use super::super::toml_table::{Entry, Toml};
use super::super::{Equivalent, Span, World};
use super::{kebab_id, settings};

/// The tables without a problem; `read` is given those before a table.
pub(super) fn each<T>(
    toml: &mut Toml<'_>,
    entry: Option<Entry<'_>>,
    read: impl Fn(&mut Toml<'_>, &DeTable<'_>, &Span, &[T]) -> Option<T>,
) -> Vec<T> {
    let mut all = Vec::new();
    for (table, place) in entry.map(|entry| toml.tables(entry)).unwrap_or_default() {
        let one = read(toml, table, &place, &all);
        all.extend(one);
    }
    all
}

pub(super) fn equivalent(
    toml: &mut Toml<'_>,
    table: &DeTable<'_>,
    place: &Span,
    earlier: &[Equivalent],
) -> Option<Equivalent> {
    let [mutant, because] = toml.fields(table, "an equivalent", ["mutant", "because"]);
    let help = "name one: `mutant = \"redis/solution-1/without-line-2\"`";
    toml.require(mutant, place, "the equivalent has no `mutant`", help);
    let help = "say why that answer is right: `because = \"…\"`";
    toml.require(because, place, "the equivalent has no `because`", help);
    let because = because.and_then(|entry| toml.prose(entry));
    let span = mutant?.value.span();
    let (mutant, because) = (mutant_name(toml, mutant?)?, because?);
    if earlier.iter().any(|earlier| earlier.mutant == mutant) {
        toml.error(span, format!("a second `[[equivalent]]` for `{mutant}`"), None);
        return None;
    }
    Some(Equivalent { mutant, because, span: toml.file_span(span) })
}

/// `redis/solution-2/without-line-4`. The caller that knows the solutions checks whether this one
/// exists.
fn mutant_name(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<String> {
    let name = toml.string(entry)?;
    // A glob: `*` also matches `/`.
    if matches("(python|redis)/[^/]*/[^/]+", name) || matches(r".*[*?\[].*", name) {
        return Some(name.to_owned());
    }
    let help = "write language, solution and change: `redis/solution-1/without-line-2`".to_owned();
    toml.error(entry.value.span(), format!("`{name}` cannot be a mutant"), Some(help));
    None
}

pub(super) fn world(
    toml: &mut Toml<'_>,
    table: &DeTable<'_>,
    place: &Span,
    earlier: &[World],
) -> Option<World> {
    let [name, server] = toml.fields(table, "a world", ["name", "server"]);
    let help = "add a `name`, for `world=` of a setup and `in` of checks";
    toml.require(name, place, "the world has no `name`", help);
    let settings = server.map(|entry| settings(toml, entry)).unwrap_or_default();
    let span = name?.value.span();
    let name = kebab_id(toml, name?)?;
    if earlier.iter().any(|earlier| earlier.name == name) {
        toml.error(span, format!("a second world with the name `{name}`"), None);
        return None;
    }
    Some(World { name, span: toml.file_span(span), settings, setup: Vec::new() })
}

/// The name of a world, as written in `in`.
pub(super) fn one_world(toml: &mut Toml<'_>, entry: Entry<'_>, worlds: &[World]) -> Option<String> {
    let names: Vec<(&str, &str)> =
        worlds.iter().map(|world| (world.name.as_str(), world.name.as_str())).collect();
    if names.is_empty() {
        let help = Some("describe the worlds: `[[world]]` with a `name`".to_owned());
        toml.error(entry.key_span(), "the exercise has no worlds", help);
        return None;
    }
    toml.choice(entry, "world", &names).map(str::to_owned)
}
