//! What is kept of a student's work, and how it is given back.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use redislings::attempt::{self, Answer, Stand};
use redislings::journal::Journal;
use redislings::lesson::{Course, Language};
use redislings::server::source::choose;
use redislings::server::{Server, Wanted};
use redislings::tap::{Port, Tap};
use redislings::verdict::conclude;

use crate::support::terminal::{ROOMY, Student, Terminal};
use crate::support::{Place, local_server, shipped_lessons};

const PROGRESS: &str = "home/.local/state/redislings/progress.toml";

const JOURNAL: &str = "home/.local/state/redislings/journal.jsonl";

/// A file that the program keeps, by its path below the private folder.
fn kept(place: &Place, path: &str) -> PathBuf {
    place.work().parent().unwrap().join(path)
}

fn progress(place: &Place) -> String {
    std::fs::read_to_string(kept(place, PROGRESS)).unwrap()
}

/// A student who has passed two exercises and answered one of them in Python.
fn has_passed_two() -> Place {
    let place = Place::new();
    let path = kept(&place, PROGRESS);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let text = "passed = [\"creating-snapshots\", \"using-bgsave\", \"of-another-course\"]\n\
                [place]\nlesson = \"snapshotting\"\nstep = \"Using BGSAVE\"\n";
    std::fs::write(path, text).unwrap();
    place.file("answers/creating-snapshots.py", "print('mine')\n");
    place
}

#[test]
fn a_reset_exercise_is_open_again_and_its_answer_a_backup() {
    let place = has_passed_two();
    let ended = place.run(&["reset", "creating-snapshots", "--yes"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("`answers/creating-snapshots.1.py`"), "{ended:?}");
    let backup = std::fs::read_to_string(place.work().join("answers/creating-snapshots.1.py"));
    assert_eq!(backup.unwrap(), "print('mine')\n");
    let starter = std::fs::read_to_string(place.work().join("answers/creating-snapshots.py"));
    assert!(starter.unwrap().contains("import redis"));
    let left = progress(&place);
    assert!(!left.contains("creating-snapshots") && left.contains("using-bgsave"), "{left}");
}

#[test]
fn a_second_reset_finds_nothing_to_keep() {
    let place = has_passed_two();
    place.run(&["reset", "creating-snapshots", "--yes"]);
    let ended = place.run(&["reset", "creating-snapshots", "--yes"]);
    assert!(ended.code == 0 && !ended.stdout.contains("kept"), "{ended:?}");
    assert!(!place.work().join("answers/creating-snapshots.2.py").exists());
}

#[test]
fn resetting_all_leaves_only_other_courses() {
    let place = has_passed_two();
    let ended = place.run(&["reset", "--all", "--yes"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let left = progress(&place);
    assert!(left.contains("passed = [\"of-another-course\"]"), "{left}");
    assert!(!left.contains("[place]"), "{left}");
    assert!(place.run(&["list"]).stdout.contains("0 of 5 exercises passed"));
}

#[test]
fn reset_asks_first_and_does_nothing_where_it_can_not_ask() {
    let place = has_passed_two();
    let before = progress(&place);
    let ended = place.run(&["reset", "creating-snapshots"]);
    assert!(ended.code == 2 && ended.stderr.contains("--yes"), "{ended:?}");
    assert_eq!(progress(&place), before);
    assert!(!place.work().join("answers/creating-snapshots.1.py").exists());
}

/// Resets an exercise that the student has begun, and is asked.
fn is_asked_before_a_reset(student: &Student) -> Terminal {
    std::fs::create_dir(student.path("work/answers")).unwrap();
    std::fs::write(student.path("work/answers/using-bgsave.redis"), "BGSAVE\n").unwrap();
    let terminal = student.starts_redislings_with(ROOMY, |command| {
        command.args(["reset", "using-bgsave"]);
    });
    terminal.sees("Reset `using-bgsave`? (y/N)");
    terminal
}

#[test]
fn a_yes_at_the_terminal_resets() {
    let student = Student::new();
    let mut terminal = is_asked_before_a_reset(&student);
    terminal.presses(b"y\r");
    terminal.sees("your answer is kept as");
    assert!(terminal.ends().success());
    assert!(student.path("work/answers/using-bgsave.1.redis").exists());
    let starter = std::fs::read_to_string(student.path("work/answers/using-bgsave.redis")).unwrap();
    assert_ne!(starter, "BGSAVE\n");
}

#[test]
fn just_enter_at_the_terminal_resets_nothing() {
    let student = Student::new();
    let mut terminal = is_asked_before_a_reset(&student);
    terminal.presses(b"\r");
    terminal.sees("nothing was reset");
    assert!(terminal.ends().success() && terminal.is_sane());
    assert!(student.path("work/answers/using-bgsave.redis").exists());
}

#[test]
fn an_unknown_exercise_resets_nothing_of_what_is_named_beside_it() {
    let place = has_passed_two();
    let before = progress(&place);
    let ended = place.run(&["reset", "--yes", "using-bgsave", "creating-snapshot"]);
    assert!(ended.code == 2 && ended.stderr.contains("creating-snapshots"), "{ended:?}");
    assert_eq!(progress(&place), before);
}

#[test]
fn a_reset_that_can_not_be_noted_still_says_where_the_answer_is() {
    let place = has_passed_two();
    let lock = kept(&place, "home/.local/state/redislings/progress.lock");
    std::fs::create_dir(lock).unwrap();
    let ended = place.run(&["reset", "creating-snapshots", "--yes"]);
    assert!(
        ended.code == 3 && ended.stderr.contains("cannot write the progress file"),
        "{ended:?}"
    );
    assert!(ended.stderr.contains("`answers/creating-snapshots.1.py`"), "{ended:?}");
}

#[test]
fn two_programs_at_once_undo_nothing_of_each_other() {
    let place = has_passed_two();
    let ids = ["creating-snapshots", "using-bgsave"];
    let children: Vec<_> = ids.map(|id| place.start(&["reset", id, "--yes"])).into();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert!(progress(&place).contains("passed = [\"of-another-course\"]"), "{}", progress(&place));
}

#[test]
fn a_damaged_progress_file_is_kept_aside_and_told() {
    let place = has_passed_two();
    std::fs::write(kept(&place, PROGRESS), b"passed = [\xff").unwrap();
    let ended = place.run(&["list"]);
    assert!(ended.code == 0 && ended.stderr.contains("progress.damaged-1.toml"), "{ended:?}");
    let aside = kept(&place, "home/.local/state/redislings/progress.damaged-1.toml");
    assert_eq!(std::fs::read(aside).unwrap(), b"passed = [\xff");
}

/// An answer in Redis commands to an exercise, judged on a real server and noted by a session that began so many
/// seconds ago.
fn is_noted(journal: &Path, began: u64, exercise: &str, text: &str) {
    let (course, _) = Course::load(&shipped_lessons()).unwrap();
    let (_, step, exercise) = course.exercises().find(|(.., it)| it.id == exercise).unwrap();
    let wanted = if local_server() == "process" { Wanted::Process } else { Wanted::Bundled };
    let source = choose(&wanted, "", &|_| ()).unwrap().source;
    let mut server = Server::start(&source, &exercise.settings).unwrap();
    let tap = Tap::open(Port::Free).unwrap();
    let answer = Answer { language: Language::Redis, text: text.to_owned(), path: None };
    let mut stand = Stand { server: &mut server, tap: &tap, telling: &|_| {} };
    let evidence = attempt::attempt(&mut stand, exercise, &answer, None).unwrap();
    let verdict = conclude(exercise, &evidence).unwrap();
    let session = Journal::at(journal, SystemTime::now() - Duration::from_secs(began));
    let answer = Some((text, Language::Redis));
    session.add_attempt(exercise, &step.title, server.name(), answer, &evidence, &verdict).unwrap();
    session.add_exploration(&step.title, server.name(), &evidence.transcript).unwrap();
}

#[test]
fn the_last_session_is_exported_with_its_evidence() {
    let place = Place::new();
    let journal = kept(&place, JOURNAL);
    is_noted(&journal, 9000, "creating-snapshots", "PING\n");
    is_noted(&journal, 60, "creating-snapshots", "BGSAVE\nSAVE\n");
    let ended = place.run(&["export"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    for expected in [
        "## ",
        "Exercise `creating-snapshots`.",
        "### Attempt 1: not passed",
        "```redis\nBGSAVE\nSAVE\n```",
        "ERR Background save already in progress",
        "Cause: ",
        "✗ unmet: ",
        "| total_forks | 0 | 1 |",
        "### At the prompt",
    ] {
        assert!(ended.stdout.contains(expected), "no {expected} in {}", ended.stdout);
    }
    assert!(!ended.stdout.contains("PING"), "{}", ended.stdout);
    assert!(!ended.stdout.contains('\u{1b}'), "{}", ended.stdout);
    let all = place.run(&["export", "--all"]);
    assert_eq!(all.stdout.matches("# redislings: session of").count(), 2, "{}", all.stdout);
}

#[test]
fn an_exported_file_is_replaced_only_by_force() {
    let place = Place::new();
    is_noted(&kept(&place, JOURNAL), 60, "creating-snapshots", "SAVE\n");
    let file = place.file("session.md", "by hand");
    let refused = place.run(&["export", "session.md"]);
    assert!(refused.code == 2 && refused.stderr.contains("--force"), "{refused:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "by hand");
    let forced = place.run(&["export", "session.md", "--force"]);
    assert!(forced.code == 0 && forced.stdout.is_empty(), "{forced:?}");
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("# redislings: session of"));
}

#[test]
fn a_damaged_line_of_the_journal_is_told() {
    let place = Place::new();
    let journal = kept(&place, JOURNAL);
    is_noted(&journal, 60, "creating-snapshots", "SAVE\n");
    let damaged = std::fs::read_to_string(&journal).unwrap() + "{\"session\":\n";
    std::fs::write(&journal, damaged).unwrap();
    let ended = place.run(&["export"]);
    assert!(ended.code == 0 && ended.stderr.contains("1 line of"), "{ended:?}");
}

#[test]
fn without_a_session_there_is_nothing_to_export() {
    let ended = Place::new().run(&["export"]);
    assert!(ended.code == 3 && ended.stderr.contains("nothing to export"), "{ended:?}");
}
