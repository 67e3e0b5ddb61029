//! A session through a lesson, without a terminal, a server or a file.

mod list;
mod pages;
mod prompt;
mod reading;
mod runs;
mod threads;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use super::console::{Frame, Key, Size};
use super::view::{body, view};
use super::worker::messages::{StepEvent, WorkerEvent};
use super::*;
use crate::lesson::parse;
use crate::progress::{Position, ProgressChange, Record};

const LESSON: &str = r#"# Lesson 1: Saving

Welcome.

## Reading

Read this.

## First

Do this.

> [!TIP]
> Look here.

> [!TIP]
> Look there.

```toml exercise
id = "of-the-session-first"

[[check]]
id = "saved"
says = "it is saved"
calls = { save = ">= 1" }
otherwise = "save it"
```

```redis starter fails=saved
PING
```

```redis solution
SAVE
```

## Second

Do that.

> [!TIP]
> Look up.

```toml exercise
id = "of-the-session-second"

[[check]]
id = "saved"
says = "it is saved"
calls = { save = ">= 1" }
otherwise = "save it"
```

```redis solution
SAVE
```
"#;

/// One input of the student, or an event.
enum ScriptInput {
    Press(Key),
    /// Answers yes or no to a question.
    Answer(bool),
    /// The worker cannot find a server.
    NoServer,
}

use ScriptInput::{Answer, NoServer, Press};

fn letter(letter: char) -> ScriptInput {
    Press(Key::Char(letter))
}

fn letters(letters: &str) -> Vec<ScriptInput> {
    letters.chars().map(letter).collect()
}

/// The keys that lead a new student to the first exercise.
const FIRST_EXERCISE: &str = "nnn";

/// A session whose requests are only noted, but for those of which something comes at once.
struct Script {
    state: State<'static>,
    record: Record,
    answers: VecDeque<bool>,
    frames: Vec<Frame>,
    /// The requests that nothing came of.
    requests: Vec<Request<'static>>,
    end: Option<SessionEnd>,
}

impl Script {
    fn start(record: Record) -> Self {
        Self::start_in(&COURSE, record)
    }

    fn start_in(course: &'static Course, record: Record) -> Self {
        let is_new = record == Record::default();
        let mut state = State::new(course, (record.clone(), is_new), false, Instant::now());
        let requests = state.begin("");
        let (answers, frames) = (VecDeque::new(), Vec::new());
        let mut script = Self { state, record, answers, frames, requests: Vec::new(), end: None };
        script.perform(requests);
        script.draw();
        script
    }

    fn presses(&mut self, letters: &str) {
        for letter in letters.chars() {
            self.happens(Event::Key(Key::Char(letter)));
        }
    }

    fn happens(&mut self, event: Event) {
        self.happens_after(Duration::ZERO, event);
    }

    fn happens_after(&mut self, time: Duration, event: Event) {
        let now = self.state.now + time;
        let requests = update(&mut self.state, event, now);
        self.perform(requests);
        self.draw();
    }

    fn worker_says(&mut self, event: WorkerEvent) {
        let (visit, run) = (Some(self.state.visit), None);
        self.happens(Event::Worker(StepEvent { visit, run, event }));
    }

    fn perform(&mut self, requests: Vec<Request<'static>>) {
        for request in requests {
            match request {
                Request::SaveProgress(change) => change.apply(&mut self.record),
                Request::ReadAnswers { asks_first, .. } => {
                    if !asks_first || self.says_yes() {
                        self.happens(Event::Answers(Vec::new()));
                    }
                }
                Request::Check(..) => self.happens(Event::NoAnswerFile),
                Request::Reset { exercises, is_whole_course } => {
                    if self.says_yes() {
                        let ids: Vec<String> =
                            exercises.iter().map(|exercise| exercise.id.clone()).collect();
                        ProgressChange::Forgotten(ids.clone()).apply(&mut self.record);
                        let record = self.record.clone();
                        let backups = Vec::new();
                        let exercises = ids;
                        let event = Event::Reset { exercises, is_whole_course, record, backups };
                        self.happens(event);
                    }
                }
                Request::Leave(end) => self.end = Some(end),
                request => self.requests.push(request),
            }
        }
    }

    fn says_yes(&mut self) -> bool {
        self.answers.pop_front().expect("an answer to a question")
    }

    fn draw(&mut self) {
        let size = Size { columns: 80, rows: 24 };
        let frame = view(&self.state, size, body(&self.state, size));
        let screen = layout::lay_out(&frame, size);
        let now = self.state.now;
        update(&mut self.state, Event::Shown(screen.shown), now);
        self.frames.push(frame);
    }

    /// What was printed at the prompt.
    fn printed(&mut self) -> String {
        let mut text = String::new();
        self.requests.retain(|request| match request {
            Request::Print(printed) | Request::PrintWrapped(printed) => {
                text.push_str(printed);
                false
            }
            _ => true,
        });
        text
    }

    fn last(&self) -> &Frame {
        self.frames.last().unwrap()
    }

    fn offers(&self, key: &str) -> bool {
        self.last().keys.iter().any(|label| label == key)
    }
}

/// Runs a session with these inputs to its end.
fn session_with(record: Record, inputs: impl IntoIterator<Item = ScriptInput>) -> Script {
    let mut script = Script::start(record);
    let mut inputs: VecDeque<ScriptInput> = inputs.into_iter().collect();
    while let Some(input) = inputs.pop_front() {
        match input {
            Press(key) => {
                if let Some(Answer(answer)) = inputs.front() {
                    script.answers.push_back(*answer);
                    inputs.pop_front();
                }
                script.happens(Event::Key(key));
                assert!(script.answers.is_empty(), "there was no question");
            }
            NoServer => {
                let error = EnvironmentError::new("no server here", "ask for none");
                script.worker_says(WorkerEvent::Failed(error));
            }
            Answer(_) => panic!("an answer comes after a key"),
        }
    }
    if script.end.is_none() {
        script.happens(Event::Key(Key::Closed));
    }
    script
}

fn record(changes: impl IntoIterator<Item = ProgressChange>) -> Record {
    let mut record = Record::default();
    changes.into_iter().for_each(|change| change.apply(&mut record));
    record
}

fn passed(exercises: &[&str]) -> Record {
    record(exercises.iter().map(|&id| ProgressChange::Passed(id.to_owned())))
}

fn session(passed_exercises: &[&str], inputs: impl IntoIterator<Item = ScriptInput>) -> Script {
    session_with(passed(passed_exercises), inputs)
}

static COURSE: LazyLock<Course> = LazyLock::new(|| course([LESSON.to_owned()]));

fn course(lessons: impl IntoIterator<Item = String>) -> Course {
    let parsed = lessons.into_iter().map(|text| parse::parse(Path::new("01-saving.md"), text).0);
    Course {
        title: "A course".to_owned(),
        path: "lessons".into(),
        python_packages: Vec::new(),
        server_versions: Vec::new(),
        lessons: parsed.map(|lesson| lesson.expect("the lesson is sound")).collect(),
    }
}

fn shown(state: &State<'_>, size: Size) -> String {
    layout::lay_out(&view(state, size, body(state, size)), size).rows.join("\n")
}

#[test]
fn a_first_start_explains_itself_before_the_first_step() {
    let seen = session(&[], [letter('n')]);
    assert!(seen.frames[0].body.contains("Welcome to redislings"));
    assert!(seen.last().body.contains("Welcome."), "{}", seen.last().body);
    assert_eq!(seen.end, Some(SessionEnd::Quit));
}

#[test]
fn a_student_reads_to_the_end_of_the_lesson() {
    let seen = session(&[], ['n', 'n', 'n', 'n', 'n'].map(letter));
    assert!(seen.frames.iter().any(|frame| frame.body.contains("Do that.")));
    assert!(seen.last().body.contains("Still open"), "{}", seen.last().body);
}

#[test]
fn the_next_start_goes_on_at_the_same_step() {
    let first = session(&[], ['n', 'n'].map(letter));
    let again = session_with(first.record, []);
    assert!(again.last().body.contains("Read this."), "{}", again.last().body);
    assert!(again.frames[0].status.contains("welcome back"));
}

#[test]
fn whoever_has_passed_an_exercise_begins_at_the_first_open_one() {
    let seen = session(&["of-the-session-first"], []);
    assert!(seen.last().body.contains("Do that."), "{}", seen.last().body);
}

#[test]
fn a_step_that_moved_is_found_by_its_exercise() {
    let place = Position {
        lesson: "renamed".to_owned(),
        step: "Of old".to_owned(),
        exercise: Some("of-the-session-second".to_owned()),
    };
    let seen = session_with(record([ProgressChange::Moved(Some(place))]), []);
    assert!(seen.last().body.contains("Do that."), "{}", seen.last().body);
}

#[test]
fn a_place_that_is_gone_is_no_error() {
    let place = Position {
        lesson: "gone".to_owned(),
        step: "Gone".to_owned(),
        exercise: Some("gone".to_owned()),
    };
    let seen = session_with(record([ProgressChange::Moved(Some(place))]), []);
    assert!(seen.last().body.contains("Welcome."), "{}", seen.last().body);
}

#[test]
fn from_the_first_step_there_is_no_way_back() {
    let first = session(&[], [letter('n')]);
    let second = session(&[], ['n', 'n'].map(letter));
    assert!(!first.offers("b back") && second.offers("b back"));
}

#[test]
fn hints_go_on_round_and_back() {
    for (keys, hint) in [
        ("nnnh", "Look here."),
        ("nnnhh", "Look there."),
        ("nnnhhh", "Look here."),
        ("nnnhhH", "Look here."),
    ] {
        let seen = session(&[], letters(keys));
        assert!(seen.last().body.contains(hint), "{keys}: {}", seen.last().body);
    }
}

#[test]
fn the_solution_needs_a_yes_before_the_exercise_is_passed() {
    let no = session(&[], letters("nnns").into_iter().chain([Answer(false)]));
    assert!(!no.last().body.contains("a solution in redis"));
    let yes = session(&[], letters("nnns").into_iter().chain([Answer(true)]));
    assert!(yes.last().body.contains("a solution in redis"), "{}", yes.last().body);
}

#[test]
fn after_passing_hints_and_the_solution_are_there_without_a_question() {
    let mut record = passed(&["of-the-session-first", "of-the-session-second"]);
    let (lesson, step) = ("saving".to_owned(), "Lesson 1: Saving".to_owned());
    ProgressChange::Moved(Some(Position { lesson, step, exercise: None })).apply(&mut record);
    let solution = session_with(record, letters("nns"));
    assert!(solution.last().body.contains("a solution in redis"), "{}", solution.last().body);
    assert!(solution.offers("h hint 1 of 2"));
}

#[test]
fn ctrl_c_ends_the_session() {
    assert_eq!(session(&[], [Press(Key::Interrupt)]).end, Some(SessionEnd::Interrupted));
}

#[test]
fn an_environment_error_is_shown_and_the_session_goes_on() {
    let seen = session(&[], [NoServer, letter('n'), letter('n')]);
    assert!(seen.frames.iter().any(|frame| frame.status.contains("no server here")));
    assert!(seen.last().body.contains("Read this."));
}

#[test]
fn a_check_without_an_answer_says_how_to_begin_one() {
    let seen = session(&[], ['n', 'n', 'n', 'c'].map(letter));
    assert!(seen.last().status.contains("`e` starts one"), "{}", seen.last().status);
}

#[test]
fn resetting_all_needs_a_yes_and_forgets_what_was_passed() {
    let passed = ["of-the-session-first"];
    let no = session(&passed, [letter('l'), letter('X'), Answer(false)]);
    assert!(no.record.has("of-the-session-first"));
    let yes = session(&passed, [letter('l'), letter('X'), Answer(true)]);
    assert!(!yes.record.has("of-the-session-first"));
}
