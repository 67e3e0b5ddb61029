//! The lines of the screen that do not scroll: the title, and what a student needs at an exercise.
//! Pure.

use super::pages::Scope;
use super::state::{State, View};
use crate::answers;
use crate::lesson::Exercise;
use crate::present::markdown::inline_code;
use crate::present::screen::{self, ProgressPart, spread};
use crate::present::{self, terminal, text};
use crate::sanitize::ShownPath as _;

/// When an answer's file is checked; in short if there is no room.
const CHECKED_WHEN: [&str; 2] = ["checked each time you save", "checked on save"];

/// The title line: the student's position and progress.
pub(super) fn title(state: &State<'_>, width: usize) -> String {
    let exercises = state.course.exercises().map(|(.., exercise)| exercise);
    let (passed, all) = state.record.tally(exercises);
    let course = ProgressPart { done: passed, all, words: format!("{passed} of {all} passed") };
    let (name, parts) = match state.view {
        // They belong to no step.
        View::Welcome
        | View::WelcomeBack
        | View::List(_)
        | View::Recall(_)
        | View::End(Scope::Course) => (&state.course.title, vec![course]),
        _ => {
            let (at, all) = (state.at.1 + 1, state.lesson().steps.len());
            let lesson = ProgressPart { done: at, all, words: format!("step {at} of {all}") };
            (&state.lesson().title, vec![lesson, course])
        }
    };
    if state.is_plain {
        let words = parts.iter().map(|part| part.words.as_str());
        return terminal::where_one_is(&words.chain([name.as_str()]).collect::<Vec<_>>());
    }
    screen::title(name, &parts, width)
}

/// Where the exercise is answered, and the warning that another program has port 6379.
pub(super) fn answer_lines(state: &State<'_>, exercise: &Exercise, width: usize) -> Vec<String> {
    let Some(language) = state.language() else { return Vec::new() };
    let path = format!("`{}`", answers::path(exercise, language).shown());
    let address = state.address.filter(|_| exercise.may_be_typed());
    let client = address.map(|address| format!("`redis-cli -p {}`", address.port()));
    let client = client.unwrap_or_default();
    let mut lines = spread(&code(&path), &CHECKED_WHEN, &code(&client), width);
    // A verdict and a solution need the rows, and the port is in the line above.
    let is_long = matches!(state.view, View::Verdict(_) | View::Solution(_));
    if let (Some(_), Some(address), false) = (&state.warning, state.address, is_long) {
        let warning = inline_code(&present::usual_port_taken_in_short(address));
        lines.extend(text::wrap(&warning, width, "").lines().map(str::to_owned));
    }
    lines
}

/// The checks in one line, and the server.
pub(super) fn checks_in_short(state: &State<'_>, exercise: &Exercise, width: usize) -> String {
    let checks = present::checks::in_short(&state.shown_marks(exercise));
    let server = terminal::faint(&state.server.replace('`', ""));
    let lines = spread(&checks, &[], &server, width);
    lines.into_iter().next().unwrap_or_default()
}

/// Code by itself: without colour, its place is enough to recognise it.
fn code(text: &str) -> String {
    inline_code(text).replace('`', "")
}
