use std::time::{Duration, Instant};

use super::*;
use crate::lesson::Language;

/// A folder and the path of a progress file in it with this content.
fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("progress.toml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn load(path: &Path) -> Progress {
    Progress::load(path).unwrap().0
}

impl Progress {
    fn add(&mut self, exercise: &str) -> Result<(), EnvironmentError> {
        self.note(ProgressChange::Passed(exercise.to_owned()))
    }

    fn failed_attempts(&self, exercise: &str) -> u32 {
        self.record.failed_attempts(exercise)
    }

    fn add_failed_attempt(&mut self, exercise: &str) -> Result<u32, EnvironmentError> {
        self.note(ProgressChange::Failed(exercise.to_owned()))?;
        Ok(self.failed_attempts(exercise))
    }

    fn set_hints_seen(&mut self, exercise: &str, number: u32) -> Result<(), EnvironmentError> {
        self.note(ProgressChange::HintsSeen(exercise.to_owned(), number))
    }

    fn set_place(&mut self, place: Position) -> Result<(), EnvironmentError> {
        self.note(ProgressChange::Moved(Some(place)))
    }

    fn place(&self) -> Option<Position> {
        self.record.place().cloned()
    }
}

fn place(exercise: Option<&str>) -> Position {
    let (lesson, step) = ("snapshotting".to_owned(), "Triggering \"snapshots\"".to_owned());
    Position { lesson, step, exercise: exercise.map(str::to_owned) }
}

#[test]
fn passed_exercises_are_loaded_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/progress.toml");
    load(&path).add("creating-snapshots").unwrap();
    let (again, warning) = Progress::load(&path).unwrap();
    assert!(again.has("creating-snapshots") && !again.has("other") && warning.is_none());
}

#[test]
fn only_the_first_start_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("progress.toml");
    let mut progress = load(&path);
    assert!(progress.is_new());
    progress.set_place(place(None)).unwrap();
    assert!(!load(&path).is_new());
}

#[test]
fn a_file_of_the_first_version_loads() {
    let (_folder, path) = file("# The exercises you have passed, by id.\npassed = [\"a\"]\n");
    let progress = load(&path);
    assert!(progress.has("a") && progress.failed_attempts("a") == 0 && progress.place().is_none());
}

#[test]
fn where_the_student_was_is_kept() {
    let (_folder, path) = file("passed = []");
    for place in [place(Some("a")), place(None)] {
        load(&path).set_place(place.clone()).unwrap();
        assert_eq!(load(&path).place(), Some(place));
    }
    load(&path).forget_place().unwrap();
    assert_eq!(load(&path).place(), None);
}

#[test]
fn failed_attempts_count_until_the_exercise_is_passed() {
    let (_folder, path) = file("passed = []");
    let mut progress = load(&path);
    let counts: Vec<u32> = (0..3).map(|_| progress.add_failed_attempt("a").unwrap()).collect();
    assert_eq!(counts, [1, 2, 3]);
    assert_eq!(load(&path).failed_attempts("a"), 3);
    progress.add("a").unwrap();
    assert_eq!(load(&path).failed_attempts("a"), 0);
}

#[test]
fn attempts_count_up_to_the_first_pass() {
    let (_folder, path) = file("passed = []");
    let mut progress = load(&path);
    progress.add_failed_attempt("a").unwrap();
    for _ in 0..2 {
        progress.add("a").unwrap();
    }
    assert_eq!(load(&path).record.attempts("a"), 2);
}

#[test]
fn attempts_go_on_from_the_failed_ones_that_an_older_version_counted() {
    let (_folder, old) = file("passed = []\n[exercise.a]\nfailed_attempts = 3\n");
    let mut record = load(&old).record;
    assert_eq!(record.attempts("a"), 3);
    ProgressChange::Failed("a".to_owned()).apply(&mut record);
    assert_eq!(record.attempts("a"), 4);
    ProgressChange::Passed("a".to_owned()).apply(&mut record);
    assert_eq!((record.attempts("a"), record.failed_attempts("a")), (5, 0));
}

#[test]
fn the_last_language_is_remembered() {
    let (_folder, path) = file("passed = []\nlanguage = \"of another version\"");
    assert_eq!(load(&path).record.language(), None);
    load(&path).note(ProgressChange::Answered(Language::Redis)).unwrap();
    assert_eq!(load(&path).record.language(), Some(Language::Redis));
}

#[test]
fn hints_stay_seen_after_passing() {
    let (_folder, path) = file("passed = []");
    let mut progress = load(&path);
    progress.set_hints_seen("a", 2).unwrap();
    progress.add("a").unwrap();
    assert_eq!(load(&path).record.hints_seen("a"), 2);
}

#[test]
fn only_the_given_exercises_are_forgotten_and_completely() {
    let (_folder, path) = file("passed = [\"a\", \"b\", \"c\"]");
    let mut progress = load(&path);
    progress.add_failed_attempt("a").unwrap();
    progress.set_hints_seen("a", 1).unwrap();
    progress.forget(&["a", "b", "unknown"]).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("[exercise"), "{text}");
    let again = load(&path);
    assert!(!again.has("a") && !again.has("b") && again.has("c"));
    assert_eq!((again.failed_attempts("a"), again.record.hints_seen("a")), (0, 0));
}

#[test]
fn ids_of_other_courses_are_kept() {
    let (_folder, path) = file("passed = [\"elsewhere\"]");
    load(&path).add("here").unwrap();
    assert!(load(&path).has("elsewhere"));
}

#[test]
fn fields_of_another_version_are_kept() {
    let written = "passed = []\nstreak = 3\nsince = 2026-01-02T03:04:05Z\n\n\
                   [exercise.a]\nstars = 2\n\n[more]\nx = [1, { y = 2.5 }]\n";
    let (_folder, path) = file(written);
    let mut progress = load(&path);
    progress.add_failed_attempt("a").unwrap();
    progress.add("a").unwrap();
    let table = |text: &str| toml::from_str::<toml::Table>(text).unwrap();
    let mut now = table(&std::fs::read_to_string(&path).unwrap());
    now.insert("passed".to_owned(), toml::Value::Array(Vec::new()));
    assert_eq!(now["exercise"]["a"].as_table_mut().unwrap().remove("attempts"), Some(2.into()));
    assert_eq!(now, table(written));
}

#[test]
fn a_damaged_file_is_kept_aside() {
    let damages: [&[u8]; 7] = [
        b"passed = [",
        b"passed = 3",
        b"passed = [1]",
        b"passed = []\n[exercise.a]\nfailed_attempts = -1",
        b"passed = [\"\xff\"]",
        b"",
        b"\0\0\0\0",
    ];
    for damage in damages {
        let (folder, path) = file("");
        std::fs::write(&path, damage).unwrap();
        let (mut progress, warning) = Progress::load(&path).unwrap();
        assert!(warning.unwrap().contains("progress.damaged-1.toml"));
        assert!(!progress.is_new());
        progress.add("a").unwrap();
        let aside = std::fs::read(folder.path().join("progress.damaged-1.toml"));
        assert_eq!(aside.unwrap(), damage);
    }
}

#[test]
fn a_second_damaged_file_does_not_take_the_place_of_the_first() {
    let (folder, path) = file("passed = [");
    load(&path);
    std::fs::write(&path, "passed = [[").unwrap();
    load(&path);
    let first = std::fs::read_to_string(folder.path().join("progress.damaged-1.toml"));
    assert_eq!(first.unwrap(), "passed = [");
}

#[test]
fn a_file_damaged_during_a_session_loses_no_progress() {
    let (folder, path) = file("passed = [\"before\"]");
    let mut progress = load(&path);
    std::fs::write(&path, "passed = [").unwrap();
    let error = progress.add("after").unwrap_err();
    assert!(error.fact.contains("progress.damaged-1.toml"), "{error}");
    assert!(folder.path().join("progress.damaged-1.toml").exists());
    let again = load(&path);
    assert!(again.has("before") && again.has("after"));
}

#[test]
fn a_folder_in_the_files_place_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("progress.toml");
    std::fs::create_dir(&path).unwrap();
    let error = Progress::load(&path).unwrap_err();
    assert!(error.fact.contains("cannot read the progress file"), "{error}");
}

#[test]
fn two_sessions_do_not_undo_each_other() {
    let (_folder, path) = file("passed = []");
    let (mut one, mut other) = (load(&path), load(&path));
    one.add("of-one").unwrap();
    other.add_failed_attempt("open").unwrap();
    one.add_failed_attempt("open").unwrap();
    other.add("of-other").unwrap();
    one.set_place(place(None)).unwrap();
    let again = load(&path);
    assert!(again.has("of-one") && again.has("of-other"));
    assert_eq!(again.failed_attempts("open"), 2);
    assert!(one.has("of-other"), "a session learns what another has noted");
}

#[test]
fn sessions_at_the_very_same_time_lose_nothing() {
    let (_folder, path) = file("passed = []");
    std::thread::scope(|scope| {
        for session in 0..4 {
            let mut progress = load(&path);
            scope.spawn(move || {
                for number in 0..25 {
                    progress.add(&format!("{session}-{number}")).unwrap();
                    progress.add_failed_attempt("shared").unwrap();
                }
            });
        }
    });
    let again = load(&path);
    assert_eq!(again.record.passed.len(), 100);
    assert_eq!(again.failed_attempts("shared"), 100);
}

#[test]
fn changes_that_could_not_be_written_are_written_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/progress.toml");
    let mut progress = load(&path);
    // A file where the folder should be: nothing can be written, not even by root.
    std::fs::write(folder.path().join("state"), "").unwrap();
    let error = progress.add("a").unwrap_err();
    assert!(error.fact.contains("cannot write the progress file"), "{error}");
    assert!(progress.has("a"));
    std::fs::remove_file(folder.path().join("state")).unwrap();
    progress.add("b").unwrap();
    let again = load(&path);
    assert!(again.has("a") && again.has("b"));
}

#[test]
fn a_link_stays_a_link() {
    let (folder, path) = file("passed = []");
    let link = folder.path().join("link.toml");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    load(&link).add("a").unwrap();
    assert!(link.is_symlink() && load(&path).has("a"));
}

#[test]
fn a_second_session_learns_of_the_first() {
    let (_folder, path) = file("passed = []");
    let (one, other) = (load(&path), load(&path));
    let lock = one.lock_session().unwrap();
    let refused = other.lock_session().unwrap_err();
    assert_eq!(refused, NotLocked::OtherSession(Some(std::process::id())));
    drop(lock);
    assert!(other.lock_session().is_ok());
}

#[test]
fn saving_the_place_is_quick() {
    let (_folder, path) = file("passed = []");
    let mut progress = load(&path);
    let begun = Instant::now();
    for number in 0..100 {
        progress.set_place(place(Some(&number.to_string()))).unwrap();
    }
    let each = begun.elapsed() / 100;
    assert!(each < Duration::from_millis(50), "{each:?}");
}

#[test]
fn a_known_failure_to_save_is_told_again_only_for_what_matters() {
    let folder = tempfile::tempdir().unwrap();
    let mut progress = load(&folder.path().join("progress.toml"));
    std::fs::create_dir(folder.path().join("progress.lock")).unwrap();
    assert!(progress.set_place(place(None)).is_err());
    assert!(progress.set_place(place(None)).is_ok() && !progress.is_kept());
    assert!(progress.add("creating-snapshots").is_err());
}
