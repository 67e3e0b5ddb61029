//! What the screen shows. Pure: values in, a frame of rendered text out.

use std::fmt::Write as _;
use std::time::Duration;

use super::console::{Frame, Size};
use super::keys;
use super::state::{State, View};
use crate::answers;
use crate::attempt::Run;
use crate::lesson::{Course, Exercise, Language, Lesson, Step};
use crate::present::judged::{self, Judged};
use crate::present::{self, markdown, plain, terminal, waiting};
use crate::progress::Record;
use crate::sanitize::ShownPath as _;

/// Longer lines are hard to read.
const WIDEST: usize = 100;

/// With fewer columns, two texts beside each other are cut too often.
const SIDE_BY_SIDE: usize = 100;

/// Background work is shown only if it takes longer.
const STATUS_DELAY: Duration = Duration::from_millis(300);

const WELCOME: &str = "\
# Welcome to redislings

You learn Redis by doing it, on real servers that are started for you and thrown away afterwards.

- **Read** a lesson step by step: space turns the page, `n` goes on, `b` goes back.
- **Answer** its exercises as you like: save a file in your own editor (`e` opens it), type at the \
Redis prompt (`p`), or use any other client.
- **See** what happened inside Redis: the checks below the text are ticked off while you work, and \
a verdict says what was found and why.

You decide when to move on: after passing, experiment, compare with the solution (`s`), then press \
`n`. Stuck? `h` gives a hint. The last lines of a screen list its keys, and `?` explains them all.

Your answers are plain files in the folder `answers`, yours to keep. Quit with `q` at any time; \
the next start resumes where you stopped.
";

const HELP: &str = "\
# Keys

| key     | what it does                                              |
|---------|-----------------------------------------------------------|
| space   | page down; ↑ ↓ PgUp PgDn Home End scroll too              |
| `n` `b` | next step, previous step                                  |
| `N`     | next open exercise, skipping the text between             |
| `l`     | list of lessons and exercises; `f` filters open and done  |
| `e` `E` | edit your answer; in another language                     |
| `c`     | check your answer file; saving it does the same           |
| `p`     | the Redis prompt on this step's own server                |
| `j`     | judge what you did on that server, crash included         |
| `o`     | start over by hand on a fresh server                      |
| `d`     | verdict; once more: all of it, with what Redis saw         |
| `h` `H` | next hint, previous hint                                  |
| `s`     | solution beside your answer, with the author's notes      |
| `x`     | reset to the starter; your answer is kept as a backup     |
| `r`     | run the example in the text (`1`, `2`, … if several)      |
| `t`     | back to the step's text                                   |
| `q`     | quit; Ctrl-C quits at once, Ctrl-Z suspends to the shell  |

What counts is what Redis did. While an exercise is open, every client at the lesson's address \
works on the exercise's own server: the prompt, `redis-cli`, a GUI, your program. Checks are \
ticked off as they are met; those that need a crash are judged at the end, with `j`. A file is \
always checked on a fresh server, and clients that connect meanwhile work on that one. (A server \
of your own, given by `--server`, waits until you press `p`.)

You can do the same without this screen: `redislings list`, `check`, `hint`, `solution`, `reset`, \
`export`; see `redislings --help`. For a screen reader, use `redislings --plain`.
";

/// The frame of a state, around its [`body`].
pub(super) fn view(state: &State<'_>, size: Size, body: String) -> Frame {
    let width = prose_width(size);
    // A verdict lists the checks itself.
    let has_checks = match state.view {
        View::Text | View::Hint(_) | View::Example => true,
        View::Verdict(_) => state.work.live.is_some(),
        View::Solution(_) | View::Welcome | View::List(_) | View::Help => false,
    };
    let mut checks = Vec::new();
    let mut checks_in_short = String::new();
    if let (Some(exercise), true) = (state.exercise(), has_checks) {
        let marks = state.work.marks(exercise);
        for (check, mark) in exercise.checks.iter().zip(&marks) {
            checks.push(present::checks::line(*mark, &check.sentence()));
        }
        checks_in_short = present::checks::in_short(&marks);
    }
    let (status, is_busy) = status_line(state, width);
    Frame {
        title: title(state.course, state.lesson(), state.at.1, &state.record),
        body,
        top: state.top,
        checks,
        checks_in_short,
        status,
        is_busy,
        keys: keys::labels(&state.situation()),
        keys_pressed: state.keys_pressed,
    }
}

/// What is happening, otherwise what has just happened; and whether it changes all the time.
fn status_line(state: &State<'_>, width: usize) -> (String, bool) {
    // Short background work would only flicker.
    let background =
        state.background.as_ref().filter(|busy| busy.elapsed(state.now) >= STATUS_DELAY);
    let Some(busy) = state.work.busy.as_ref().or(background) else {
        let now = &state.work.now;
        let status = if now.is_empty() { &state.status } else { now };
        return (status.trim_end().to_owned(), false);
    };
    let elapsed = busy.elapsed(state.now);
    let progress =
        if busy.progress.is_empty() { String::new() } else { format!(": {}", busy.progress) };
    let text = format!("{:.1} s {}{progress}", elapsed.as_secs_f64(), busy.what);
    let mut line = waiting::line(&text, elapsed, Duration::ZERO, width);
    if state.work.busy.is_none() && !state.status.is_empty() {
        line = format!("{}\n{line}", state.status.trim_end());
    }
    (line, true)
}

fn prose_width(size: Size) -> usize {
    size.columns.clamp(20, WIDEST)
}

/// The text that scrolls. The time that passes does not change it.
pub(super) fn body(state: &State<'_>, size: Size) -> String {
    let width = prose_width(size);
    let (lesson, exercise) = (state.lesson(), state.exercise());
    match (&state.view, exercise, &state.work.judged, &state.work.example) {
        (View::Verdict(detail), Some(exercise), Some(judged), _) => {
            let judged = Judged {
                exercise: &exercise.id,
                server: &judged.server,
                answer: judged.answer.as_ref(),
                evidence: &judged.evidence,
                verdict: &judged.verdict,
                previous: state.work.previous.as_ref().map(|previous| &previous.verdict),
            };
            judged::judged(&judged, *detail, width)
        }
        (View::Hint(number), Some(exercise), ..) => hint(exercise, *number, width),
        (View::Solution(own), Some(exercise), ..) => solution(lesson, exercise, own, width),
        (View::Example, .., Some(run)) => example(run),
        (View::Welcome, ..) => markdown::render(&for_this_terminal(WELCOME), width),
        (View::Help, ..) => markdown::render(&for_this_terminal(HELP), width),
        (View::List(list), ..) => list.text(state.course, &state.record, state.at, width),
        _ => {
            let (address, warning) = (state.address.as_deref(), state.warning.as_deref());
            text(lesson, state.step(), address, warning, width)
        }
    }
}

/// The line-mode console has no pages to turn.
fn for_this_terminal(text: &str) -> String {
    if !plain::is_on() {
        return text.to_owned();
    }
    let lines = text.lines().filter(|line| !line.contains("PgUp"));
    let text = lines.collect::<Vec<_>>().join("\n");
    text.replace("space turns the page, ", "each command is a letter and Enter, ")
}

/// A step's text; for an exercise, also where to answer it.
fn text(
    lesson: &Lesson,
    step: &Step,
    address: Option<&str>,
    warning: Option<&str>,
    width: usize,
) -> String {
    let reading: Vec<&str> = step.reading.iter().map(|span| &lesson.source[span.clone()]).collect();
    let mut text = markdown::render(&reading.join("\n\n"), width);
    if let Some(exercise) = &step.exercise {
        text.push('\n');
        text.push_str(&markdown::render(&where_to_answer(exercise, address, warning), width));
    }
    text
}

fn where_to_answer(exercise: &Exercise, address: Option<&str>, warning: Option<&str>) -> String {
    let mut files: Vec<String> = Vec::new();
    for language in exercise.languages() {
        let path = answers::path(exercise, language);
        files.push(format!("`{}` ({})", path.shown(), language_name(language)));
    }
    let files = files.join(" or ");
    let mut text = format!("Your answer: {files}. Checked each time you save.\n");
    if let Some(address) = address.filter(|_| exercise.may_be_typed()) {
        let _ = writeln!(
            text,
            "\nOr work on this exercise's server by hand: the prompt (`p`) or any client at \
             `{address}`."
        );
    }
    if let Some(warning) = warning {
        let _ = writeln!(text, "\n{warning}.");
    }
    text
}

fn language_name(language: Language) -> &'static str {
    match language {
        Language::Python => "Python",
        Language::Redis => "Redis commands",
    }
}

fn hint(exercise: &Exercise, number: usize, width: usize) -> String {
    let Some(hint) = exercise.hints.get(number) else { return String::new() };
    let title = format!("hint {} of {}", number + 1, exercise.hints.len());
    format!("{}\n{}", terminal::heading(&title), markdown::render(hint, width))
}

/// What an example printed.
fn example(run: &Run) -> String {
    let printed = terminal::run(run);
    let title = terminal::heading("the example, on a fresh server");
    let printed =
        if printed.is_empty() { "the example printed nothing\n".to_owned() } else { printed };
    format!("{title}\n{printed}")
}

/// The student's own answers compared with the solutions, the solutions, and the author's notes on
/// known wrong answers.
fn solution(
    lesson: &Lesson,
    exercise: &Exercise,
    own: &[(Language, String)],
    width: usize,
) -> String {
    let mut text = String::new();
    for (language, own) in own {
        let mut solutions = exercise.solutions.iter().filter(|code| code.language == *language);
        if let Some(solution) = solutions.next() {
            let path = answers::path(exercise, *language).shown();
            text.push_str(&terminal::heading("compared with your answer"));
            text.push_str(&compared(own, &solution.text, &path, width));
            text.push('\n');
        }
    }
    for code in &exercise.solutions {
        let title = format!("a solution in {}", code.language);
        text.push_str(&terminal::heading(&title));
        text.push_str(&markdown::render(&lesson.source[code.span.clone()], width));
        text.push('\n');
    }
    text + &notes(lesson, exercise, width)
}

fn compared(own: &str, solution: &str, path: &str, width: usize) -> String {
    let names = (path, "solution");
    if width >= SIDE_BY_SIDE {
        present::diff::side_by_side(own, solution, names, width)
    } else {
        present::diff::unified(own, solution, names, width)
    }
}

/// The author's explanations of why each known wrong answer fails.
fn notes(lesson: &Lesson, exercise: &Exercise, width: usize) -> String {
    let mut text = String::new();
    for wrong in &exercise.wrong_answers {
        let note = lesson.source[wrong.note.clone()].trim();
        if note.is_empty() {
            continue;
        }
        if text.is_empty() {
            text.push_str(&terminal::heading("known wrong answers, and why"));
        }
        text.push('\n');
        text.push_str(&markdown::render(&lesson.source[wrong.code.span.clone()], width));
        text.push('\n');
        text.push_str(&markdown::render(note, width));
    }
    text
}

/// The title line: the student's position and progress.
fn title(course: &Course, lesson: &Lesson, step: usize, record: &Record) -> String {
    let all = course.exercises().count();
    let passed = course.exercises().filter(|(.., exercise)| record.has(&exercise.id)).count();
    let steps = lesson.steps.len();
    let place = format!("step {} of {steps}", step + 1);
    terminal::where_one_is(&[&place, &format!("{passed} of {all} passed"), &lesson.title])
}
