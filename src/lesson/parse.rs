//! Parses one markdown file into a [`Lesson`], without any I/O.

mod advice;
mod alert;
mod examples;
mod fence;
mod front_matter;
mod html;
mod info;
mod outline;
mod pages;
mod reading;
mod references;
mod redis_lines;
mod section;
mod slip;
mod tasks;

use std::path::Path;

use outline::Outline;
use references::References;

use super::lines::LineStarts;
use super::problem::Problems;
use super::{Lesson, Problem, Step};
use crate::sanitize::clean;

/// Reads one lesson. Returns the lesson only if no problem is an error, and the problems in the
/// order of the text.
pub fn parse(path: &Path, source: String) -> (Option<Lesson>, Vec<Problem>) {
    let mut problems = Problems::new(path, &source);
    let front = front_matter::read(&source);
    if let Some(at) = lone_carriage_return(&source) {
        let help = Some("save the file with Unix line endings".to_owned());
        problems.error(at..at, "a carriage return without a line feed", help);
        return (None, problems.into_sorted());
    }
    if source[front.end..].trim().is_empty() {
        let help = Some("begin with a title, such as `# Strings`, or remove the file".to_owned());
        problems.warning(0..0, "the lesson is empty", help);
    }
    let id = lesson_id(path);
    let Outline { title, sections, references } = outline::read(&source, front.end, &mut problems);
    let title = title.filter(|title| !title.is_empty()).or(front.title);
    let title = title.map_or_else(|| id.clone(), |title| clean(&title).into_owned());
    let has_exercise = has_exercise(&source);
    let ((summary, recall), _) = problems
        .forgiving_if(!has_exercise, "", |problems| pages::read(&sections, &source, problems));
    let several = sections.len() > 1;
    let mut steps: Vec<Step> = sections
        .into_iter()
        .filter(|section| !(several && section.is_only_a_title(&source)))
        .map(|section| section::step(section, &title, has_exercise, &source, &mut problems))
        .collect();
    examples::join(&mut steps, &mut problems);
    let usable = !problems.has_error();
    let path = path.to_owned();
    let line_starts = LineStarts::of(&source);
    let References { links, anchors, .. } = references;
    let lesson = usable.then(|| Lesson {
        id,
        path,
        source,
        line_starts,
        title,
        steps,
        summary,
        recall,
        links,
        anchors,
    });
    (lesson, problems.into_sorted())
}

/// Whether a lesson has an exercise, perhaps swallowed by something that was not closed.
fn has_exercise(source: &str) -> bool {
    source.lines().any(fence::begins_an_exercise)
}

/// Markdown ends a line there, editors and this program do not: every later position would be
/// reported wrongly.
pub(super) fn lone_carriage_return(source: &str) -> Option<usize> {
    let bytes = source.as_bytes();
    (0..bytes.len()).find(|&at| bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n'))
}

/// `04-snapshotting.md` is `snapshotting`.
fn lesson_id(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let (_, rest) = split_order(&stem);
    if rest.is_empty() { stem.into_owned() } else { rest.to_owned() }
}

/// The number that orders a file, and the rest: `04-a` is `("04", "a")`.
pub(super) fn split_order(stem: &str) -> (Option<&str>, &str) {
    let digits = stem.bytes().take_while(u8::is_ascii_digit).count();
    let (order, rest) = stem.split_at(digits);
    match rest.strip_prefix(['-', '_']) {
        Some(rest) if !order.is_empty() => (Some(order), rest),
        _ => (None, stem),
    }
}
