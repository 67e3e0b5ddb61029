//! The sentences of a task that have an id, `<!-- task: take-a-save -->`, and the checks that cover
//! them.

use std::collections::BTreeSet;

use super::super::Span;
use super::super::exercise::{Head, KEBAB, is_kebab};
use super::super::problem::{Problems, did_you_mean};
use super::info::FenceWord;
use super::outline::{OutlinePart, Section};

/// The id of a sentence, and the whole comment with it.
type Task<'s> = (&'s FenceWord, &'s Span);

/// Reports problems of a section's tasks and their covers; the student does not see `hidden`.
pub(super) fn check(
    section: &Section,
    hidden: &[Span],
    head: Option<&Head>,
    problems: &mut Problems,
) {
    let mut seen: Vec<Task<'_>> = Vec::new();
    for part in &section.parts {
        let OutlinePart::Task(id, span) = part else { continue };
        if head.is_some() && is_seen(span.start, hidden) {
            seen.push((id, span));
        } else {
            let help = Some("mark a sentence that the student reads in an exercise".to_owned());
            problems.warning(span.clone(), "this task is not part of an exercise", help);
        }
    }
    check_ids(&seen, problems);
    if let Some(head) = head {
        check_covers(section, &seen, head, problems);
    }
    if !seen.is_empty() {
        check_items(section, hidden, &seen, problems);
    }
}

/// Whether the student sees the text at `offset`.
fn is_seen(offset: usize, hidden: &[Span]) -> bool {
    !hidden.iter().any(|span| span.contains(&offset))
}

fn check_ids(tasks: &[Task<'_>], problems: &mut Problems) {
    let mut earlier = BTreeSet::new();
    for (id, _) in tasks {
        if !is_kebab(&id.text) {
            let message = format!("`{}` cannot be an id", id.text);
            problems.error(id.span.clone(), message, Some(KEBAB.to_owned()));
        } else if !earlier.insert(id.text.as_str()) {
            let message = format!("a second task with the id `{}`", id.text);
            problems.error(id.span.clone(), message, None);
        }
    }
}

fn check_covers(section: &Section, tasks: &[Task<'_>], head: &Head, problems: &mut Problems) {
    let ids: Vec<&str> = tasks.iter().map(|(id, _)| id.text.as_str()).collect();
    for (id, span) in &head.covers {
        let open = format!("<!-- task: {id}");
        if ids.contains(&id.as_str()) {
            continue;
        }
        if let Some(place) = problems.find(&open, &section.span) {
            let help = Some("end it with ` -->`".to_owned());
            problems.error(place, "the comment is never closed", help);
        } else {
            let help = did_you_mean(id, ids.iter().copied()).unwrap_or_else(|| {
                format!("end a sentence of the task with `<!-- task: {id} -->`")
            });
            problems.error(span.clone(), format!("unknown task `{id}`"), Some(help));
        }
    }
    if !head.is_complete {
        // A line that is not TOML may be the one that covers a task.
        return;
    }
    for (FenceWord { text: id, .. }, span) in tasks {
        if !head.covers.iter().any(|(covered, _)| covered == id) {
            let help = Some(format!("name it in a check: `covers = \"{id}\"`"));
            problems.warning((*span).clone(), format!("no check covers the task `{id}`"), help);
        }
    }
}

/// Numbered items are tasks: if some have an id, an item without one was forgotten.
fn check_items(section: &Section, hidden: &[Span], tasks: &[Task<'_>], problems: &mut Problems) {
    for part in &section.parts {
        let OutlinePart::NumberedItem(item) = part else { continue };
        if is_seen(item.start, hidden) && !tasks.iter().any(|(_, span)| item.contains(&span.start))
        {
            let help = Some("end it with `<!-- task: ID -->`".to_owned());
            let message = "this item has no task id, although others have one";
            problems.warning(item.start..item.start, message, help);
        }
    }
}
