//! `needs`: which check depends on which.

use super::super::Span;
use super::super::problem::did_you_mean;
use super::super::toml_table::Toml;

/// The `needs` of one check, with spans in the block.
pub(super) struct Needs<'t> {
    pub(super) id: String,
    pub(super) ids: Vec<(&'t str, Span)>,
}

/// Reports unknown ids, checks that need themselves, and cycles.
pub(super) fn check(toml: &mut Toml<'_>, all: &[Needs<'_>]) {
    for needs in all {
        for (id, span) in &needs.ids {
            if *id == needs.id {
                toml.error(span.clone(), format!("`{id}` needs itself"), None);
            } else if !all.iter().any(|other| other.id == *id) {
                let others =
                    all.iter().map(|other| other.id.as_str()).filter(|other| *other != needs.id);
                let help = did_you_mean(id, others);
                toml.error(span.clone(), format!("unknown check `{id}`"), help);
            }
        }
    }
    check_cycles(toml, all);
}

fn check_cycles(toml: &mut Toml<'_>, all: &[Needs<'_>]) {
    let mut reported: Vec<&str> = Vec::new();
    for needs in all.iter().filter(|needs| needs.ids.iter().all(|(id, _)| *id != needs.id)) {
        let Some(cycle) = cycle_through(&needs.id, all) else { continue };
        if cycle.iter().any(|id| reported.contains(id)) {
            continue;
        }
        let span = needs.ids.iter().find(|(id, _)| cycle.get(1) == Some(id));
        let span = span.map_or(0..0, |(_, span)| span.clone());
        let names: Vec<String> = cycle.iter().map(|id| format!("`{id}`")).collect();
        let message = format!("the checks need each other in a cycle: {}", names.join(" → "));
        toml.error(span, message, Some("remove one `needs`".to_owned()));
        reported.extend(cycle);
    }
}

/// A path from a check through its `needs` back to it; the check is at both ends.
fn cycle_through<'a>(start: &'a str, all: &'a [Needs<'_>]) -> Option<Vec<&'a str>> {
    let mut seen: Vec<&str> = Vec::new();
    let mut paths = vec![vec![start]];
    while let Some(path) = paths.pop() {
        let last = *path.last()?;
        let Some(needs) = all.iter().find(|needs| needs.id == last) else { continue };
        for (next, _) in &needs.ids {
            let extended: Vec<&str> = path.iter().copied().chain([*next]).collect();
            if *next == start {
                return Some(extended);
            }
            if !seen.contains(next) {
                seen.push(next);
                paths.push(extended);
            }
        }
    }
    None
}
