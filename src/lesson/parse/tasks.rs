//! What a task asks for, sentence by sentence: `<!-- task: take-a-save -->`, and which check covers it.

use super::super::Span;
use super::super::exercise::{Head, is_kebab};
use super::super::problem::{Problems, did_you_mean};
use super::fence::Word;
use super::outline::{Part, Section};

/// A sentence that has an id.
struct Task<'s> {
    id: &'s Word,
    /// The whole comment.
    span: Span,
}

/// Says what is wrong with the tasks of a section and their covers; `hidden` is what the student does not see with it.
pub(super) fn check(
    section: &Section,
    hidden: &[Span],
    head: Option<&Head>,
    problems: &mut Problems,
) {
    let is_seen = |task: &Task<'_>| !hidden.iter().any(|span| span.contains(&task.span.start));
    let tasks = tasks(section);
    for task in tasks.iter().filter(|task| head.is_none() || !is_seen(task)) {
        let help = Some("mark a sentence that the student reads in an exercise".to_owned());
        problems.warning(task.span.clone(), "this is no task of an exercise", help);
    }
    let Some(head) = head else { return };
    let seen: Vec<Task<'_>> = tasks.into_iter().filter(is_seen).collect();
    check_ids(&seen, problems);
    check_covers(&seen, head, problems);
    if !seen.is_empty() {
        check_items(section, hidden, &seen, problems);
    }
}

fn tasks(section: &Section) -> Vec<Task<'_>> {
    let mut tasks = Vec::new();
    for part in &section.parts {
        if let Part::Task { id, span } = part {
            tasks.push(Task { id, span: span.clone() });
        }
    }
    tasks
}

fn check_ids(tasks: &[Task<'_>], problems: &mut Problems) {
    for (index, Task { id, .. }) in tasks.iter().enumerate() {
        if !is_kebab(&id.text) {
            let help = "use lower case letters and digits in words joined by `-`".to_owned();
            problems.error(id.span.clone(), format!("`{}` cannot be an id", id.text), Some(help));
        } else if tasks[..index].iter().any(|earlier| earlier.id.text == id.text) {
            let message = format!("a second task with the id `{}`", id.text);
            problems.error(id.span.clone(), message, None);
        }
    }
}

fn check_covers(tasks: &[Task<'_>], head: &Head, problems: &mut Problems) {
    let ids = || tasks.iter().map(|task| task.id.text.as_str());
    for (id, span) in &head.covers {
        if !ids().any(|known| known == id) {
            let help = did_you_mean(id, ids()).unwrap_or_else(|| {
                format!("end a sentence of the task with `<!-- task: {id} -->`")
            });
            problems.error(span.clone(), format!("unknown task `{id}`"), Some(help));
        }
    }
    let is_covered = |task: &&Task<'_>| head.covers.iter().any(|(id, _)| *id == task.id.text);
    // Where a line was no TOML, it may stand there.
    for task in tasks.iter().filter(|task| head.is_complete && !is_covered(task)) {
        let id = &task.id.text;
        let help = Some(format!("name it in a check: `covers = \"{id}\"`"));
        problems.warning(task.span.clone(), format!("no check covers the task `{id}`"), help);
    }
}

/// Numbered items are what a task asks for: where one is marked, one that is not was forgotten.
fn check_items(section: &Section, hidden: &[Span], tasks: &[Task<'_>], problems: &mut Problems) {
    for part in &section.parts {
        let Part::NumberedItem(item) = part else { continue };
        let is_seen = !hidden.iter().any(|span| span.contains(&item.start));
        if is_seen && !tasks.iter().any(|task| item.contains(&task.span.start)) {
            let help = Some("end it with `<!-- task: ID -->`".to_owned());
            let message = "this item has no task id, although others have one";
            problems.warning(item.start..item.start, message, help);
        }
    }
}
