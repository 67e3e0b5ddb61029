//! The session's way through a lesson, without a terminal and without a server.

use std::collections::VecDeque;
use std::path::Path;

use super::*;
use crate::lesson::parse;

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

/// What the student does at a question.
#[derive(Debug)]
enum Does {
    /// Chooses the option that begins so.
    Choose(&'static str),
    /// Answers yes or no.
    Say(bool),
    /// Presses Ctrl-C.
    Interrupt,
    /// Presses Esc.
    Cancel,
}

use Does::{Cancel, Choose, Interrupt, Say};

/// A student with a plan; keeps the menus that were offered and what was highlighted in them.
struct Script {
    plan: VecDeque<Does>,
    offered: Vec<(Vec<String>, usize)>,
}

impl Script {
    fn next(&mut self, question: &str) -> Result<Does, NoAnswer> {
        match self.plan.pop_front() {
            Some(Interrupt) => Err(NoAnswer::Interrupted),
            Some(Cancel) => Err(NoAnswer::Cancelled),
            Some(does) => Ok(does),
            None => panic!("nobody expected `{question}`"),
        }
    }
}

impl Ask for Script {
    fn choose(
        &mut self,
        question: &str,
        options: &[String],
        start: usize,
    ) -> Result<usize, NoAnswer> {
        self.offered.push((options.to_vec(), start));
        match self.next(question)? {
            Choose(label) => Ok(options
                .iter()
                .position(|option| option.starts_with(label))
                .unwrap_or_else(|| panic!("no `{label}` in {options:?}"))),
            other => panic!("{other:?} is no answer to `{question}`"),
        }
    }

    fn confirm(&mut self, question: &str) -> Result<bool, NoAnswer> {
        match self.next(question)? {
            Say(answer) => Ok(answer),
            other => panic!("{other:?} is no answer to `{question}`"),
        }
    }

    fn line(&mut self, prompt: &str) -> Result<String, NoAnswer> {
        panic!("{prompt} needs a server")
    }
}

struct Seen {
    screen: String,
    end: Result<SessionEnd, WorldError>,
    offered: Vec<(Vec<String>, usize)>,
}

/// Goes through the session as planned, to its end.
fn session(passed: &[&str], plan: impl IntoIterator<Item = Does>) -> Seen {
    let (lesson, _) = parse::parse(Path::new("01-saving.md"), LESSON.to_owned());
    let course = Course {
        title: "A course".to_owned(),
        path: "lessons".into(),
        python_packages: Vec::new(),
        server_versions: Vec::new(),
        lessons: vec![lesson.expect("the lesson is sound")],
    };
    let folder = tempfile::tempdir().unwrap();
    let (mut progress, _) = Progress::load(&folder.path().join("progress.toml")).unwrap();
    for exercise in passed {
        progress.add(exercise).unwrap();
    }
    let mut script = Script { plan: plan.into_iter().collect(), offered: Vec::new() };
    let mut screen = Vec::new();
    let no_server = || Err(WorldError::new("no server here", "ask for none"));
    let end = Session::new(&course, progress, &mut script, &mut screen, &no_server).run();
    assert!(script.plan.is_empty(), "never asked: {:?}", script.plan);
    Seen { screen: String::from_utf8(screen).unwrap(), end, offered: script.offered }
}

#[test]
fn a_new_student_chooses_a_lesson_and_reads_it_to_its_end() {
    let next = || Choose("next");
    let seen = session(
        &[],
        [Choose("Lesson 1"), next(), next(), Choose("skip"), Choose("finish"), Choose("quit")],
    );
    assert_eq!(seen.end, Ok(SessionEnd::Quit));
    assert!(seen.screen.contains("Welcome.") && seen.screen.contains("Do that."));
    assert!(seen.screen.contains("some of its exercises are still open"), "{}", seen.screen);
    assert_eq!(seen.offered[0].0, ["Lesson 1: Saving (0 of 2 exercises passed)", "quit"]);
}

#[test]
fn whoever_has_passed_an_exercise_goes_on_at_the_first_open_one() {
    let seen = session(&["of-the-session-first"], [Choose("quit")]);
    assert!(seen.screen.contains("welcome back") && seen.screen.contains("Do that."));
    assert!(!seen.screen.contains("Do this."));
}

#[test]
fn whoever_has_passed_all_chooses_a_lesson() {
    let passed = ["of-the-session-first", "of-the-session-second"];
    let seen = session(&passed, [Choose("quit")]);
    assert_eq!(seen.offered[0].0[0], "Lesson 1: Saving (2 of 2 exercises passed)");
}

#[test]
fn from_the_first_step_there_is_no_way_back() {
    let plan = [Choose("Lesson 1"), Choose("next"), Choose("back"), Choose("lessons"), Cancel];
    let seen = session(&[], plan);
    assert_eq!(seen.offered[1].0, ["next", "lessons", "quit"]);
    assert_eq!(seen.offered[2].0, ["next", "back", "lessons", "quit"]);
    assert_eq!(seen.offered[3].0, seen.offered[1].0);
}

#[test]
fn hints_go_round_and_enter_asks_for_the_next() {
    let plan = ["Lesson 1", "next", "next", "hint 1 of 2", "hint 2 of 2", "hint 1 of 2", "quit"];
    let seen = session(&[], plan.map(Choose));
    assert_eq!(seen.screen.matches("Look here.").count(), 2);
    assert_eq!(seen.screen.matches("Look there.").count(), 1);
    let (options, highlighted) = &seen.offered[4];
    assert_eq!(options[*highlighted], "hint 2 of 2");
}

#[test]
fn the_solution_needs_a_yes_before_the_exercise_is_passed() {
    let here = ["Lesson 1", "next", "next", "solution"].map(Choose);
    let no = session(&[], here.into_iter().chain([Say(false), Choose("quit")]));
    assert!(!no.screen.contains("a solution in redis"));
    let here = ["Lesson 1", "next", "next", "solution"].map(Choose);
    let yes = session(&[], here.into_iter().chain([Say(true), Choose("quit")]));
    assert!(yes.screen.contains("a solution in redis"));
}

#[test]
fn ctrl_c_at_any_question_ends_the_session() {
    let at_the_menu = session(&[], [Interrupt]);
    let here = ["Lesson 1", "next", "next", "solution"].map(Choose);
    let at_the_confirmation = session(&[], here.into_iter().chain([Interrupt]));
    assert_eq!(at_the_menu.end, Ok(SessionEnd::Interrupted));
    assert_eq!(at_the_confirmation.end, Ok(SessionEnd::Interrupted));
}

#[test]
fn a_world_that_fails_is_told_and_the_session_goes_on() {
    let plan = ["Lesson 1", "next", "next", "type Redis commands", "quit"];
    let seen = session(&[], plan.map(Choose));
    assert!(seen.screen.contains("no server here") && seen.screen.contains("ask for none"));
    assert_eq!(seen.end, Ok(SessionEnd::Quit));
}
