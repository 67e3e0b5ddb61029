//! What the screen shows. Pure: values in, a frame of rendered text out.

use std::fmt::Write as _;
use std::time::Duration;

use super::console::{Frame, Size};
use super::state::{State, View};
use super::{fixed_lines, keys, pages};
use crate::answers;
use crate::attempt::Run;
use crate::lesson::{Code, Exercise, FailingAnswer, Language, Lesson};
use crate::present::judged::{self, Judged};
use crate::present::markdown::inline_code;
use crate::present::text::display_width;
use crate::present::{self, markdown, plain, terminal, waiting};
use crate::sanitize::ShownPath as _;

/// Longer lines are hard to read.
const WIDEST: usize = 100;

/// With fewer columns, two texts beside each other are cut too often.
const SIDE_BY_SIDE: usize = 100;

/// How the lines about keys begin that the line-mode console does not have.
const PAGE_KEYS: [&str; 4] = ["| space ", "| `j` ", "| `g` ", "| `v` "];

/// Background work is shown only if it takes longer.
const STATUS_DELAY: Duration = Duration::from_millis(300);

/// From this time on, the screen says how to end a check.
const CANCEL_HINT_DELAY: Duration = Duration::from_secs(1);

const WELCOME: &str = "\
# Welcome to redislings

You learn Redis by doing it, on real servers that are started for you and thrown away afterwards.

- **Read** a lesson step by step: space turns the page and goes on at its end, `b` goes back. \
Prefer to work? `N` goes to the next exercise.
- **Answer** its exercises as you like: save a file in your own editor (`e` opens it), type at the \
prompt (`p`), or use any other client.
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
| space   | page down; at the end of a text, the next step            |
| `j` `k` | scroll a line; ↑ ↓ PgUp PgDn and the mouse wheel do too   |
| `g` `G` | top, end; Home and End do too                             |
| `n` `b` | next step, previous step; Enter goes on too               |
| `N`     | next open exercise, skipping the text between             |
| `l`     | list of all steps; there `/` searches, `d` `o` filter     |
| `e` `E` | edit your answer; in another language                     |
| `c`     | check what you did by hand, otherwise your answer file    |
| `p`     | the prompt: Redis commands on this step's own server      |
| `v`     | view the checks, or fold them to one line                 |
| `o`     | start over by hand on a fresh server                      |
| `d`     | verdict; again: all of it, with what Redis saw            |
| `h` `H` | next hint, previous hint                                  |
| `s`     | solution beside your answer, with the author's notes      |
| `x`     | reset to the starter; your answer is kept as a backup     |
| `r`     | run the example in the text (`1`, `2`, … if several)      |
| `t`     | back to the step's text                                   |
| Esc     | end a running check, as the first Ctrl-C does             |
| `q`     | quit, as Ctrl-C does; Ctrl-Z suspends to the shell        |

What counts is what Redis did. While an exercise is open, every client at the lesson's address \
works on the exercise's own server: the prompt, `redis-cli`, a GUI, your program. Checks are \
ticked off as they are met; those that need a crash are judged at the end, with `c`. A file is \
always checked on a fresh server, each time you save it; clients that connect meanwhile work on \
that one. (A server of your own, given by `--server`, waits until you press `p`.)

You can do the same without this screen: `redislings list`, `check`, `hint`, `solution`, `reset`, \
`export`; see `redislings --help`. For a screen reader, use `redislings --plain`.
";

/// The frame of a state, around its [`body`].
pub(super) fn view(state: &State<'_>, size: Size, body: String) -> Frame {
    let (status, is_busy) = status_line(state, prose_width(size));
    let situation = state.situation();
    let frame = Frame {
        title: fixed_lines::title(state, size.columns),
        body,
        top: state.top,
        cursor: match &state.view {
            View::List(list) => Some(list.cursor()),
            _ => None,
        },
        at_the_end: keys::at_the_end(&situation),
        status,
        is_busy,
        keys: keys::labels(&situation),
        keys_pressed: state.keys_pressed,
        ..Frame::default()
    };
    match (state.exercise(), &state.view) {
        (None, _) => frame,
        (_, view) if !view.is_about_a_step() => frame,
        (Some(exercise), _) => with_exercise(frame, state, exercise, size.columns),
    }
}

/// Adds what does not scroll at an exercise.
fn with_exercise(frame: Frame, state: &State<'_>, exercise: &Exercise, width: usize) -> Frame {
    let fixed =
        if state.is_plain { Vec::new() } else { fixed_lines::answer_lines(state, exercise, width) };
    // A verdict lists the checks itself.
    let has_checks = match state.view {
        View::Verdict(_) => state.work.live.is_some(),
        View::Solution(_) => false,
        _ => true,
    };
    let mut checks = Vec::new();
    if has_checks && state.lists_checks() {
        for (check, mark) in exercise.checks.iter().zip(state.shown_marks(exercise)) {
            checks.push(present::checks::line(mark, &check.sentence()));
        }
    }
    let in_short = has_checks.then(|| fixed_lines::checks_in_short(state, exercise, width));
    Frame {
        fixed,
        checks,
        are_checks_wanted: state.work.lists_checks == Some(true),
        checks_in_short: in_short.unwrap_or_default(),
        ..frame
    }
}

/// What is happening, otherwise what has just happened; and whether it changes all the time.
fn status_line(state: &State<'_>, width: usize) -> (String, bool) {
    // Short background work would only flicker.
    let background =
        state.background.as_ref().filter(|busy| busy.elapsed(state.now) >= STATUS_DELAY);
    if let View::List(list) = &state.view
        && let Some(search) = list.search()
    {
        return (format!("search: {search}▏"), false);
    }
    let Some(busy) = state.work.busy.as_ref().or(background) else {
        let now = &state.work.now;
        let status = if now.is_empty() { &state.status } else { now };
        return (inline_code(status.trim_end()), false);
    };
    let elapsed = busy.elapsed(state.now);
    let progress =
        if busy.progress.is_empty() { String::new() } else { format!(": {}", busy.progress) };
    let end = match state.awaited_run() {
        // Line mode prints the status only once.
        Some(_) if state.is_plain => " (Ctrl-C ends it)",
        // Nobody needs to know that of a check that takes a moment.
        Some(_) if elapsed < CANCEL_HINT_DELAY => "",
        Some(_) if state.escape_ends_a_run() => " (Esc ends it)",
        Some(_) => " (Ctrl-C ends it)",
        None => "",
    };
    let text = format!("{:.1} s{end} {}{progress}", elapsed.as_secs_f64(), busy.what);
    let mut line = inline_code(&waiting::line(&text, elapsed, Duration::ZERO, width));
    if !state.status.is_empty() {
        line = format!("{}\n{line}", inline_code(state.status.trim_end()));
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
        (View::Help(_), ..) => markdown::render(&for_this_terminal(HELP), width),
        (View::WelcomeBack, ..) => {
            pages::welcome_back(state.course, &state.record, state.at, width)
        }
        (View::Recall(recall), ..) => pages::recall(recall, state.course, width),
        (View::End(scope), ..) => pages::ending(&state.ending(*scope), &state.record, width),
        (View::List(list), ..) => list.text(state.course, &state.record, state.at, width),
        _ => text(state, width),
    }
}

/// The line-mode console has no pages to turn.
fn for_this_terminal(text: &str) -> String {
    if !plain::is_on() {
        return text.to_owned();
    }
    let lines = text.lines().filter(|line| !PAGE_KEYS.iter().any(|keys| line.starts_with(keys)));
    let text = lines.collect::<Vec<_>>().join("\n");
    text.replace("space turns the page and goes on at its end", "`n` and Enter goes on")
}

/// A step's text; in line mode, also where to answer its exercise.
fn text(state: &State<'_>, width: usize) -> String {
    let (lesson, step) = (state.lesson(), state.step());
    let reading: Vec<&str> = step.reading.iter().map(|span| &lesson.source[span.clone()]).collect();
    let mut text = markdown::render(&reading.join("\n\n"), width);
    if state.has_passed() {
        text = with_passed_mark(&text, width);
    }
    if let Some(exercise) = step.exercise.as_ref().filter(|_| state.is_plain) {
        text.push('\n');
        text.push_str(&markdown::render(&where_to_answer(state, exercise), width));
    }
    text
}

/// Marks the title, which is the first line.
fn with_passed_mark(text: &str, width: usize) -> String {
    let (title, rest) = text.split_once('\n').unwrap_or((text, ""));
    let mark = terminal::passed_mark();
    let fits = display_width(title) + 2 + display_width(&mark) <= width;
    let gap = if fits { "  " } else { "\n" };
    format!("{title}{gap}{mark}\n{rest}")
}

fn where_to_answer(state: &State<'_>, exercise: &Exercise) -> String {
    let files: Vec<String> = answers::paths(exercise)
        .map(|(language, file)| format!("`{}` ({})", file.shown(), language_name(language)))
        .collect();
    let files = files.join(" or ");
    let mut text = format!("Your answer: {files}. Checked each time you save.\n");
    if let Some(address) = state.address.filter(|_| exercise.may_be_typed()) {
        let _ = writeln!(
            text,
            "\nOr work on this exercise's server by hand: the prompt (`p`) or any client at \
             `{address}`."
        );
    }
    if let Some(warning) = &state.warning {
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
    // The language of the student's last answer comes first.
    let used = own.first().map(|(language, _)| *language);
    let mut solutions: Vec<&Code> = exercise.solutions.iter().collect();
    solutions.sort_by_key(|code| Some(code.language) != used);
    for code in solutions {
        let title = format!("a solution in {}", code.language);
        text.push_str(&terminal::heading(&title));
        text.push_str(&markdown::render(&lesson.source[code.span.clone()], width));
        text.push('\n');
    }
    text + &notes(lesson, exercise, used, width)
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
fn notes(lesson: &Lesson, exercise: &Exercise, used: Option<Language>, width: usize) -> String {
    let mut text = String::new();
    let mut wrong_answers: Vec<&FailingAnswer> = exercise.wrong_answers.iter().collect();
    wrong_answers.sort_by_key(|wrong| Some(wrong.code.language) != used);
    for wrong in wrong_answers {
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
