//! Selects the text of a section that the student reads.

use super::super::{Span, line_start};
use super::alert::AlertKind;
use super::fence::Role;
use super::outline::{FencedBlock, OutlinePart, Section, line_end};

/// The section without comments and [`hidden`] parts.
pub(super) fn spans(section: &Section, hidden: &[Span], source: &str) -> Vec<Span> {
    let comments = section.parts.iter().filter_map(|part| match part {
        OutlinePart::Comment(span) => Some(span),
        _ => None,
    });
    without(section.span.clone(), hidden.iter().chain(comments).cloned().collect(), source)
}

/// The parts that are for the author or are shown later.
pub(super) fn hidden(section: &Section, details: &[Span]) -> Vec<Span> {
    let mut hidden = details.to_vec();
    let is_exercise = section.exercises().next().is_some();
    for part in &section.parts {
        match part {
            OutlinePart::Alert(AlertKind::Tip, ..) if !is_exercise => {}
            OutlinePart::Alert(_, span, _) => hidden.push(span.clone()),
            OutlinePart::Fence(block) if is_hidden(block) => {
                let wrong = matches!(block.fence.role, Role::Wrong(_));
                let end = if wrong { note_end(section, block) } else { block.span.end };
                hidden.push(block.span.start..end);
            }
            _ => {}
        }
    }
    hidden
}

/// The outermost `<details>` of an exercise that contain one of its blocks.
pub(super) fn hidden_details(section: &Section) -> Vec<Span> {
    let mut regions = details_regions(section);
    regions.retain(|region| {
        section.blocks().any(|block| region.contains(&block.span.start) && is_hidden(block))
    });
    regions
}

/// The outermost `<details>`. One that is never closed extends to the end of the section.
fn details_regions(section: &Section) -> Vec<Span> {
    let mut regions = Vec::new();
    let mut open = Vec::new();
    for part in &section.parts {
        let OutlinePart::Details(opens, span) = part else { continue };
        if *opens {
            open.push(span.start);
        } else if let Some(start) = open.pop()
            && open.is_empty()
        {
            regions.push(start..span.end);
        }
    }
    regions.extend(open.first().map(|start| *start..section.span.end));
    regions
}

fn is_hidden(block: &FencedBlock) -> bool {
    block.fence.role == Role::Exercise || block.fence.role.needs_exercise()
}

/// The author's note under a wrong answer ends at the next fence, at the end of its `<details>`, or
/// with the section.
pub(super) fn note_end(section: &Section, wrong: &FencedBlock) -> usize {
    let below = section.blocks().filter(|block| block.span.start >= wrong.span.end);
    let next = below.filter(|block| !block.in_alert).map(|block| block.span.start);
    let details = details_regions(section).into_iter();
    let around = details.filter(|region| region.contains(&wrong.span.start));
    next.chain(around.map(|region| region.end)).min().unwrap_or(section.span.end)
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
