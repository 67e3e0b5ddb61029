//! `needs`: which check waits for which.

use super::super::Span;
use super::super::problem::did_you_mean;
use super::super::toml_table::Toml;

/// The `needs` of one check, with places in the block.
pub(super) struct Needs<'t> {
    pub(super) id: String,
    pub(super) ids: Vec<(&'t str, Span)>,
}

/// Reports ids that no check has, checks that need themselves, and circles of checks.
pub(super) fn check(toml: &mut Toml<'_>, all: &[Needs<'_>]) {
    for needs in all {
        for (id, span) in &needs.ids {
            if *id == needs.id {
                toml.error(span.clone(), format!("`{id}` needs itself"), None);
            } else if !all.iter().any(|other| other.id == *id) {
                let others = all.iter().map(|it| it.id.as_str()).filter(|it| *it != needs.id);
                let help = did_you_mean(id, others);
                toml.error(span.clone(), format!("unknown check `{id}`"), help);
            }
        }
    }
    check_circles(toml, all);
}

fn check_circles(toml: &mut Toml<'_>, all: &[Needs<'_>]) {
    let mut told: Vec<&str> = Vec::new();
    for needs in all.iter().filter(|needs| needs.ids.iter().all(|(id, _)| *id != needs.id)) {
        let Some(circle) = circle_through(&needs.id, all) else { continue };
        if circle.iter().any(|id| told.contains(id)) {
            continue;
        }
        let span = needs.ids.iter().find(|(id, _)| circle.get(1) == Some(id));
        let span = span.map_or(0..0, |(_, span)| span.clone());
        let names: Vec<String> = circle.iter().map(|id| format!("`{id}`")).collect();
        let message = format!("the checks need each other in a circle: {}", names.join(" → "));
        toml.error(span, message, Some("leave one `needs` out".to_owned()));
        told.extend(circle);
    }
}

/// A way from a check over what it needs back to it: both ends are the check.
fn circle_through<'a>(start: &'a str, all: &'a [Needs<'_>]) -> Option<Vec<&'a str>> {
    let mut seen: Vec<&str> = Vec::new();
    let mut ways = vec![vec![start]];
    while let Some(way) = ways.pop() {
        let last = *way.last()?;
        let Some(needs) = all.iter().find(|needs| needs.id == last) else { continue };
        for (next, _) in &needs.ids {
            let extended: Vec<&str> = way.iter().copied().chain([*next]).collect();
            if *next == start {
                return Some(extended);
            }
            if !seen.contains(next) {
                seen.push(next);
                ways.push(extended);
            }
        }
    }
    None
}
