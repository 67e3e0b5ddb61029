//! A session through a lesson, without a terminal and without a server.

use std::collections::VecDeque;
use std::path::Path;

use super::console::{Frame, Size};
use super::*;
use crate::ask::{Ask, NoAnswer};
use crate::lesson::parse;
use crate::progress::Position;

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

/// One input of the student.
#[derive(Debug, Clone, Copy)]
enum ScriptInput {
    Press(Key),
    /// Answers yes or no to a question.
    Answer(bool),
    /// Waits until the status contains this text.
    WaitFor(&'static str),
}

use ScriptInput::{Answer, Press, WaitFor};

fn letter(letter: char) -> ScriptInput {
    Press(Key::Char(letter))
}

fn letters(letters: &str) -> Vec<ScriptInput> {
    letters.chars().map(letter).collect()
}

/// A console that plays scripted input and records every frame.
struct Script {
    inputs: VecDeque<ScriptInput>,
    frames: Vec<Frame>,
    deadline: Instant,
}

impl Script {
    fn frame(&self) -> &Frame {
        self.frames.last().unwrap()
    }
}

impl Ask for Script {
    fn choose(&mut self, question: &str, _: &[String], _: usize) -> Result<usize, NoAnswer> {
        panic!("unexpected question: `{question}`")
    }

    fn confirm(&mut self, question: &str) -> Result<bool, NoAnswer> {
        match self.inputs.pop_front() {
            Some(Answer(answer)) => Ok(answer),
            other => panic!("{other:?} is not an answer to `{question}`"),
        }
    }
}

impl Console for Script {
    fn size(&self) -> Size {
        Size { columns: 80, rows: 24 }
    }

    fn show(&mut self, frame: &Frame) -> (usize, usize) {
        if self.frames.last() != Some(frame) {
            self.frames.push(frame.clone());
        }
        let screen = layout::lay_out(frame, self.size());
        (screen.top, screen.seen)
    }

    fn event(&mut self, _: Duration) -> Result<Option<Event>, EnvironmentError> {
        match self.inputs.front() {
            Some(WaitFor(status)) if !self.frame().status.contains(status) => {
                assert!(Instant::now() < self.deadline, "never said: {status}");
                std::thread::park_timeout(Duration::from_millis(2));
                Ok(None)
            }
            Some(WaitFor(_)) => {
                self.inputs.pop_front();
                Ok(None)
            }
            Some(Press(key)) => {
                let key = *key;
                self.inputs.pop_front();
                Ok(Some(Event::Key(key)))
            }
            Some(Answer(_)) => panic!("there was no question; the screen: {:#?}", self.frame()),
            None => Ok(Some(Event::Key(Key::Closed))),
        }
    }

    fn suspend_ui(&mut self) {}
    fn resume_ui(&mut self) {}
    fn suspend(&mut self) {}
}

struct SeenFrames {
    frames: Vec<Frame>,
    end: SessionEnd,
    progress: Progress,
}

impl SeenFrames {
    fn last(&self) -> &Frame {
        self.frames.last().unwrap()
    }

    fn offers(&self, key: &str) -> bool {
        self.last().keys.iter().any(|label| label == key)
    }
}

fn course() -> Course {
    let (lesson, _) = parse::parse(Path::new("01-saving.md"), LESSON.to_owned());
    Course {
        title: "A course".to_owned(),
        path: "lessons".into(),
        python_packages: Vec::new(),
        server_versions: Vec::new(),
        lessons: vec![lesson.expect("the lesson is sound")],
    }
}

/// Runs a session with these inputs to its end.
fn session_in(
    folder: &Path,
    course: &Course,
    prepare: impl FnOnce(&mut Progress),
    inputs: impl IntoIterator<Item = ScriptInput>,
) -> SeenFrames {
    let path = folder.join("progress.toml");
    let (mut progress, _) = Progress::load(&path).unwrap();
    prepare(&mut progress);
    let (progress, _) = Progress::load(&path).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    let inputs = inputs.into_iter().collect();
    let mut script = Script { inputs, frames: Vec::new(), deadline };
    let no_server: Box<FindRedis> =
        Box::new(|_: &dyn Fn(crate::progress_event::ProgressEvent<'_>)| {
            Err(EnvironmentError::new("no server here", "ask for none"))
        });
    let kept = SavedWork { journal: None, history: None };
    let end =
        Session::new(course, progress, kept, &mut script, no_server).unwrap().run("").unwrap();
    assert!(script.inputs.is_empty(), "never used: {:?}", script.inputs);
    let (progress, _) = Progress::load(&path).unwrap();
    SeenFrames { frames: script.frames, end, progress }
}

fn session(passed: &[&str], inputs: impl IntoIterator<Item = ScriptInput>) -> SeenFrames {
    let folder = tempfile::tempdir().unwrap();
    let prepare = |progress: &mut Progress| {
        for exercise in passed {
            progress.add(exercise).unwrap();
        }
    };
    session_in(folder.path(), &course(), prepare, inputs)
}

fn shown(frame: &Frame, size: Size) -> String {
    layout::lay_out(frame, size).rows.join("\n")
}

#[test]
fn a_first_start_explains_itself_before_the_first_step() {
    let seen = session(&[], [letter('n')]);
    assert!(seen.frames[0].body.contains("Welcome to redislings"));
    assert!(seen.last().body.contains("Welcome."), "{}", seen.last().body);
    assert_eq!(seen.end, SessionEnd::Quit);
}

#[test]
fn a_student_reads_to_the_end_of_the_lesson() {
    let seen = session(&[], ['n', 'n', 'n', 'n', 'n'].map(letter));
    assert!(seen.frames.iter().any(|frame| frame.body.contains("Do that.")));
    assert!(seen.last().status.contains("some of its exercises are still open"));
}

#[test]
fn the_next_start_goes_on_at_the_same_step() {
    let folder = tempfile::tempdir().unwrap();
    session_in(folder.path(), &course(), |_| {}, ['n', 'n'].map(letter));
    let again = session_in(folder.path(), &course(), |_| {}, []);
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
    let folder = tempfile::tempdir().unwrap();
    let place = Position {
        lesson: "renamed".to_owned(),
        step: "Of old".to_owned(),
        exercise: Some("of-the-session-second".to_owned()),
    };
    let prepare = |progress: &mut Progress| progress.set_place(place).unwrap();
    let seen = session_in(folder.path(), &course(), prepare, []);
    assert!(seen.last().body.contains("Do that."), "{}", seen.last().body);
}

#[test]
fn a_place_that_is_gone_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let place = Position {
        lesson: "gone".to_owned(),
        step: "Gone".to_owned(),
        exercise: Some("gone".to_owned()),
    };
    let prepare = |progress: &mut Progress| progress.set_place(place).unwrap();
    let seen = session_in(folder.path(), &course(), prepare, []);
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
    let passed = ["of-the-session-first", "of-the-session-second"];
    let start = |progress: &mut Progress| {
        for exercise in passed {
            progress.add(exercise).unwrap();
        }
        let (lesson, step) = ("saving".to_owned(), "Lesson 1: Saving".to_owned());
        progress.set_place(Position { lesson, step, exercise: None }).unwrap();
    };
    let folder = tempfile::tempdir().unwrap();
    let solution = session_in(folder.path(), &course(), start, letters("nns"));
    assert!(solution.last().body.contains("a solution in redis"), "{}", solution.last().body);
    assert!(solution.offers("h hint 1 of 2"));
}

#[test]
fn ctrl_c_ends_the_session() {
    assert_eq!(session(&[], [Press(Key::Interrupt)]).end, SessionEnd::Interrupted);
}

#[test]
fn an_environment_error_is_shown_and_the_session_goes_on() {
    let seen = session(&[], [WaitFor("no server here"), letter('n'), letter('n')]);
    assert!(seen.last().body.contains("Read this."));
}

#[test]
fn a_check_without_an_answer_says_how_to_begin_one() {
    let seen = session(&[], ['n', 'n', 'n', 'c'].map(letter));
    assert!(seen.last().status.contains("`e` starts one"), "{}", seen.last().status);
}

#[test]
fn the_list_leads_to_an_exercise_and_is_filtered() {
    let inputs = [letter('n'), letter('l'), Press(Key::Down), Press(Key::Down), Press(Key::Enter)];
    let seen = session(&[], inputs);
    assert!(seen.last().body.contains("Do that."), "{}", seen.last().body);
    let passed = ["of-the-session-first"];
    let open = session(&passed, ['l', 'f'].map(letter));
    assert!(!open.last().body.contains("First") && open.last().body.contains("Second"));
    let done = session(&passed, ['l', 'f', 'f'].map(letter));
    assert!(done.last().body.contains("First") && !done.last().body.contains("Second"));
}

#[test]
fn resetting_all_needs_a_yes_and_forgets_what_was_passed() {
    let passed = ["of-the-session-first"];
    let no = session(&passed, [letter('l'), letter('X'), Answer(false)]);
    assert!(no.progress.has("of-the-session-first"));
    let yes = session(&passed, [letter('l'), letter('X'), Answer(true)]);
    assert!(!yes.progress.has("of-the-session-first"));
}

#[test]
fn screens_that_matter_look_like_this() {
    colored::control::set_override(false);
    let size = Size { columns: 80, rows: 24 };
    let small = Size { columns: 40, rows: 20 };
    let seen =
        session(&[], [WaitFor("no server"), letter('n'), letter('n'), letter('n'), letter('l')]);
    let exercise = seen.frames.iter().find(|frame| frame.body.contains("Do this.")).unwrap();
    insta::assert_snapshot!("welcome", shown(&seen.frames[0], size));
    insta::assert_snapshot!("exercise", shown(exercise, size));
    insta::assert_snapshot!("exercise_on_a_small_screen", shown(exercise, small));
    insta::assert_snapshot!("list", shown(seen.last(), size));
}

#[test]
fn a_panic_of_the_worker_ends_the_session() {
    let folder = tempfile::tempdir().unwrap();
    let (progress, _) = Progress::load(&folder.path().join("progress.toml")).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    let inputs = VecDeque::from([WaitFor("a status that never comes")]);
    let mut script = Script { inputs, frames: Vec::new(), deadline };
    let panics: Box<FindRedis> = Box::new(|_| panic!("as a test wants it"));
    let course = course();
    let session = Session::new(&course, progress, SavedWork::default(), &mut script, panics);
    let error = session.unwrap().run("").unwrap_err();
    assert!(error.fact.contains("bug"), "{error:?}");
}
