//! Pages that belong to no step: the welcome back, the end of a lesson and of the course, and
//! questions of recall. Pure.

mod end;
mod recall;

pub(super) use end::{Ending, Scope, ending};
pub(super) use recall::{Recall, recall};

use std::fmt::Write as _;

use crate::lesson::Course;
use crate::present::pages::{PageRow, rows};
use crate::present::terminal;
use crate::present::text::wrap;
use crate::progress::Record;

/// The page at the start of a session that continues.
pub(super) fn welcome_back(
    course: &Course,
    record: &Record,
    at: (usize, usize),
    width: usize,
) -> String {
    let lesson = &course.lessons[at.0];
    let step = &lesson.steps[at.1];
    let mut text = terminal::heading("Welcome back");
    let stopped = if step.title == lesson.title {
        format!("You stopped at the beginning of \"{}\".", lesson.title)
    } else {
        let number = at.1 + 1;
        format!("You stopped at step {number} of \"{}\": {}.", lesson.title, step.title)
    };
    let _ = writeln!(text, "\n{}\n", wrap(&stopped, width, ""));
    let go_on = PageRow { name: "Go on", text: "where you stopped".to_owned(), key: Some('n') };
    let ask = PageRow {
        name: "Recall",
        text: format!("{} first? (30 seconds, no grades)", questions_in_words(course, record)),
        key: Some('r'),
    };
    text + &rows(&[go_on, ask], width)
}

fn questions_in_words(course: &Course, record: &Record) -> &'static str {
    match Recall::of(course, record).map_or(0, |recall| recall.count()) {
        1 => "one question",
        2 => "two questions",
        _ => "three questions",
    }
}
