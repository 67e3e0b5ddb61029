//! Selects the text of a section that the student reads.

use super::super::Span;
use super::fence::Role;
use super::outline::{FencedBlock, OutlinePart, Section, line_end, line_start};

/// The section without comments and [`hidden`] parts.
pub(super) fn spans(section: &Section, hidden: &[Span], source: &str) -> Vec<Span> {
    let comments = section.parts.iter().filter_map(|part| match part {
        OutlinePart::Comment(span) => Some(span),
        _ => None,
    });
    without(section.span.clone(), hidden.iter().chain(comments).cloned().collect(), source)
}

/// The parts of an exercise that are for the author or are shown later. `role_of` returns the role
/// of a fence.
pub(super) fn hidden(
    section: &Section,
    details: &[Span],
    role_of: impl Fn(&FencedBlock) -> Role,
) -> Vec<Span> {
    let mut hidden = details.to_vec();
    let is_exercise = fences(section).any(|fence| role_of(fence) == Role::Exercise);
    for part in &section.parts {
        match part {
            OutlinePart::Tip { span, .. } if is_exercise => hidden.push(span.clone()),
            OutlinePart::Fence(fence) if is_exercise && is_hidden(role_of(fence)) => {
                let wrong = matches!(role_of(fence), Role::Wrong(_));
                let end = if wrong { note_end(section, fence) } else { fence.span.end };
                hidden.push(fence.span.start..end);
            }
            _ => {}
        }
    }
    hidden
}

/// The outermost `<details>` of an exercise that contain one of its blocks. One that is never
/// closed extends to the end of the section.
pub(super) fn hidden_details(
    section: &Section,
    role_of: impl Fn(&FencedBlock) -> Role,
) -> Vec<Span> {
    if !fences(section).any(|fence| role_of(fence) == Role::Exercise) {
        return Vec::new();
    }
    let mut regions = details_regions(section);
    regions.retain(|region| {
        fences(section).any(|fence| region.contains(&fence.span.start) && is_hidden(role_of(fence)))
    });
    regions
}

fn details_regions(section: &Section) -> Vec<Span> {
    let mut regions = Vec::new();
    let mut depth = 0_usize;
    let mut start = 0;
    for part in &section.parts {
        let OutlinePart::Details { opens, span } = part else { continue };
        match (opens, depth) {
            (true, _) => {
                if depth == 0 {
                    start = span.start;
                }
                depth += 1;
            }
            (false, 0) => {}
            (false, _) => {
                depth -= 1;
                if depth == 0 {
                    regions.push(start..span.end);
                }
            }
        }
    }
    if depth > 0 {
        regions.push(start..section.span.end);
    }
    regions
}

fn fences(section: &Section) -> impl Iterator<Item = &FencedBlock> {
    section.parts.iter().filter_map(|part| match part {
        OutlinePart::Fence(fence) => Some(fence),
        _ => None,
    })
}

fn is_hidden(role: Role) -> bool {
    role == Role::Exercise || role.needs_exercise()
}

/// The author's note under a wrong answer ends at the next fence, at the end of its `<details>`, or
/// with the section.
pub(super) fn note_end(section: &Section, wrong: &FencedBlock) -> usize {
    let fence = fences(section)
        .find(|fence| !fence.in_tip && fence.span.start >= wrong.span.end)
        .map(|fence| fence.span.start);
    let details = details_regions(section)
        .into_iter()
        .find(|region| region.contains(&wrong.span.start))
        .map(|region| region.end);
    fence.into_iter().chain(details).min().unwrap_or(section.span.end)
}

/// `whole` without the lines of the hidden spans and without blank remainders.
fn without(whole: Span, hidden: Vec<Span>, source: &str) -> Vec<Span> {
    let mut hidden: Vec<Span> =
        hidden.into_iter().map(|span| whole_lines(span, whole.end, source)).collect();
    hidden.sort_by_key(|span| span.start);
    let mut left = Vec::new();
    let mut at = whole.start;
    for span in hidden {
        if span.start > at {
            left.push(at..span.start);
        }
        at = at.max(span.end);
    }
    left.push(at..whole.end.max(at));
    left.retain(|span| !source[span.clone()].trim().is_empty());
    left
}

fn whole_lines(span: Span, limit: usize, source: &str) -> Span {
    let start = line_start(source, span.start);
    // A span that already ends with its line must not include the next one.
    let end = if source[..span.end].ends_with('\n') || span.is_empty() {
        span.end
    } else {
        line_end(source, span.end)
    };
    start..end.min(limit)
}
