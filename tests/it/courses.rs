//! Courses and what stands around the session: the built-in course, `init`, `new`, `list`, hints, solutions, the
//! files for shells.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Ended, Place, shipped_lessons};

/// Without `REDISLINGS_LESSONS`, as after an installation.
fn run_installed(place: &Place, folder: &str, arguments: &[&str]) -> Ended {
    let mut command = place.command(arguments);
    command.env_remove("REDISLINGS_LESSONS").current_dir(place.work().join(folder));
    Ended::from(command.stdin(Stdio::null()).output().unwrap())
}

fn json(ended: &Ended) -> serde_json::Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

fn files_below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(place) = folders.pop() {
        for entry in std::fs::read_dir(place).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}

/// Of a student who has passed `creating-snapshots`.
fn run_with_progress(arguments: &[&str]) -> Ended {
    let place = Place::new();
    place.file("state/redislings/progress.toml", "passed = [\"creating-snapshots\"]\n");
    let mut command = place.command(arguments);
    command.env("XDG_STATE_HOME", place.work().join("state"));
    Ended::from(command.stdin(Stdio::null()).output().unwrap())
}

const ALL: [&str; 5] = [
    "creating-snapshots",
    "using-bgsave",
    "trigger-snapshots-manually",
    "save-blocks-everyone",
    "restore-from-the-dump",
];

#[test]
fn an_installed_program_has_the_course_in_any_folder() {
    let place = Place::new();
    let list = json(&run_installed(&place, "", &["list", "--format", "json"]));
    assert_eq!(list["course"], "Redis by doing");
    assert_eq!(list["lessons"][0]["file"], "<built-in>/04-snapshotting.md");
}

#[test]
fn an_answer_is_judged_by_the_built_in_course() {
    let place = Place::new();
    place.file("answer.redis", "SAVE\nBGSAVE\n");
    let ended = run_installed(&place, "", &["check", "creating-snapshots", "answer.redis"]);
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn verify_says_that_it_is_the_built_in_course_which_it_proves() {
    let place = Place::new();
    let case = "creating-snapshots/redis/solution-1";
    let ended = run_installed(&place, "", &["verify", case, "--format", "json"]);
    assert!(ended.stderr.contains("the built-in course is verified"), "{}", ended.stderr);
    let report = json(&ended);
    assert_eq!(report["cases"][0]["file"], "<built-in>/04-snapshotting.md");
    let repeat = report["cases"][0]["repeat"].as_str().unwrap();
    assert!(!repeat.contains("--lessons"), "{repeat}");
}

#[test]
fn a_folder_of_lessons_here_comes_before_the_built_in_course() {
    let place = Place::new();
    place.file("lessons/01-mine.md", "# Mine\n");
    let ended = run_installed(&place, "", &["list"]);
    assert!(ended.stdout.starts_with("Mine\n"), "{ended:?}");
}

#[test]
fn a_folder_that_was_named_and_is_missing_is_not_replaced_by_the_built_in_course() {
    let ended = run_installed(&Place::new(), "", &["list", "--lessons", "lessons"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
}

#[test]
fn init_writes_the_shipped_course_out() {
    let place = Place::new();
    let ended = run_installed(&place, "", &["init", "deep/course"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let made = place.work().join("deep/course");
    let files =
        ["README.md", "lessons/04-snapshotting.md", "lessons/README.md", "lessons/course.toml"];
    assert_eq!(files_below(&made), files);
    for file in &files[1..] {
        let name = file.strip_prefix("lessons/").unwrap();
        let shipped = std::fs::read(shipped_lessons().join(name)).unwrap();
        assert_eq!(std::fs::read(made.join(file)).unwrap(), shipped, "{file}");
    }
    assert!(ended.stdout.ends_with("  cd deep/course\n  redislings\n"), "{}", ended.stdout);
}

#[test]
fn a_course_that_was_written_out_is_used_there() {
    let place = Place::new();
    run_installed(&place, "", &["init", "course"]);
    let list = json(&run_installed(&place, "course", &["list", "--format", "json"]));
    assert_eq!(list["lessons"][0]["file"], "lessons/04-snapshotting.md");
}

#[test]
fn init_fills_an_empty_folder_even_the_one_in_which_it_runs() {
    let place = Place::new();
    let ended = run_installed(&place, "", &["init", "."]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(files_below(&place.work()).len(), 4);
}

#[test]
fn init_overwrites_nothing() {
    let place = Place::new();
    place.file("course/mine.txt", "mine");
    let ended = run_installed(&place, "", &["init", "course"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    let told = "the folder `course` is not empty: it holds `mine.txt`";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    assert_eq!(files_below(&place.work()), ["course/mine.txt"]);
    let ended = run_installed(&place, "", &["init", "course/mine.txt"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("`course/mine.txt` is a file"), "{}", ended.stderr);
}

/// Files may not grow over a few KiB there, as on a disk that is full.
fn run_on_a_full_disk(place: &Place, arguments: &[&str]) -> Ended {
    let mut command = Command::new("sh");
    let script = "trap '' XFSZ; ulimit -f 2; exec \"$0\" \"$@\"";
    command.args(["-c", script, env!("CARGO_BIN_EXE_redislings")]).args(arguments);
    command.current_dir(place.work()).env_remove("REDISLINGS_LESSONS");
    Ended::from(command.stdin(Stdio::null()).output().unwrap())
}

#[test]
fn where_the_disk_is_full_init_leaves_nothing() {
    let place = Place::new();
    let ended = run_on_a_full_disk(&place, &["init", "deep/course"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (3, ""), "{ended:?}");
    assert!(ended.stderr.contains("cannot be written to `deep/course`"), "{}", ended.stderr);
    assert!(ended.stderr.contains("help: "), "{}", ended.stderr);
    assert!(!place.work().join("deep").exists());
}

#[test]
fn where_the_disk_is_full_init_leaves_an_empty_folder_empty() {
    let place = Place::new();
    std::fs::create_dir(place.work().join("course")).unwrap();
    let ended = run_on_a_full_disk(&place, &["init", "course"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert_eq!(std::fs::read_dir(place.work().join("course")).unwrap().count(), 0);
}

#[test]
fn where_the_disk_is_full_new_leaves_nothing() {
    let place = Place::new();
    place.file("lessons/01-a.md", "# A\n");
    let ended = run_on_a_full_disk(&place, &["new", "b"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stderr.contains("`lessons/02-b.md` cannot be written"), "{}", ended.stderr);
    assert_eq!(files_below(&place.work()), ["lessons/01-a.md"]);
}

#[test]
fn a_new_lesson_comes_after_the_last_one_and_holds_as_it_is() {
    let place = Place::new();
    run_installed(&place, "", &["init", "."]);
    let made = run_installed(&place, "", &["new", "Counting visits"]);
    assert_eq!(made.code, 0, "{made:?}");
    assert!(made.stdout.contains("  lessons/05-counting-visits.md\n"), "{}", made.stdout);
    assert!(made.stdout.ends_with("  redislings verify counting-visits\n"), "{}", made.stdout);
    let ended = run_installed(&place, "", &["verify", "counting-visits"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("14 of 14 cases as they must be"), "{}", ended.stdout);
    assert!(!format!("{ended:?}").contains("warning"), "{ended:?}");
}

#[test]
fn a_course_begins_with_a_new_lesson_in_an_empty_folder() {
    let place = Place::new();
    std::fs::create_dir(place.work().join("my course")).unwrap();
    let ended = place.run(&["new", "lists", "--lessons", "my course"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let next = "  redislings verify lists --lessons 'my course'\n";
    assert!(ended.stdout.ends_with(next), "{}", ended.stdout);
    assert_eq!(files_below(&place.work()), ["my course/01-lists.md"]);
}

#[test]
fn a_new_lesson_needs_a_name_of_its_own() {
    let place = Place::new();
    place.file("lessons/01-lists.md", "# Lists\n");
    for (name, told) in [
        ("lists", "there is a lesson `lists` already, in `lessons/01-lists.md`"),
        ("../lists", "`../lists` cannot be the name of a lesson"),
    ] {
        let ended = run_installed(&place, "", &["new", name]);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.stderr.contains(told) && ended.stderr.contains("help: "), "{ended:?}");
    }
    run_installed(&place, "", &["new", "sets"]);
    let ended = run_installed(&place, "", &["new", "sets-1"]);
    let told = "there is an exercise `sets-1` already, in `lessons/02-sets.md`";
    assert!(ended.code == 2 && ended.stderr.contains(told), "{ended:?}");
    assert_eq!(files_below(&place.work()), ["lessons/01-lists.md", "lessons/02-sets.md"]);
}

#[test]
fn a_new_lesson_cannot_go_into_the_built_in_course() {
    let place = Place::new();
    let ended = run_installed(&place, "", &["new", "lists"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    for part in ["no folder `lessons` here", "redislings init DIR", "--lessons DIR"] {
        assert!(ended.stderr.contains(part), "{part} is missing in {}", ended.stderr);
    }
}

#[test]
fn the_list_shows_progress_and_what_comes_next() {
    let ended = run_with_progress(&["list"]);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines[0], "Lesson 4: Snapshotting in Redis (1 of 5 exercises passed)");
    assert!(lines[1].starts_with("  ✓ creating-snapshots "), "{}", ended.stdout);
    assert!(lines[2].starts_with("  ○ using-bgsave "), "{}", ended.stdout);
    let marked: Vec<_> = lines.iter().filter(|line| line.ends_with("◄ next")).collect();
    assert_eq!(marked, [&lines[2]]);
    assert_eq!(lines.last(), Some(&"1 of 5 exercises passed"));
}

fn listed(arguments: &[&str]) -> Vec<String> {
    let list = json(&run_with_progress(&[&["list", "--format", "json"], arguments].concat()));
    assert_eq!((list["passed"].as_u64(), list["all"].as_u64()), (Some(1), Some(5)));
    let lessons = list["lessons"].as_array().unwrap();
    let exercises = lessons.iter().flat_map(|it| it["exercises"].as_array().unwrap());
    exercises.map(|it| it["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_list_can_be_of_what_is_open_or_done_or_named() {
    assert_eq!(listed(&[]), ALL);
    assert_eq!(listed(&["--open"]), ALL[1..]);
    assert_eq!(listed(&["--done"]), ALL[..1]);
    assert_eq!(listed(&["snapshotting"]), ALL);
    assert_eq!(listed(&["using-bgsave"]), ["using-bgsave"]);
    assert!(listed(&["using-bgsave", "--done"]).is_empty());
}

#[test]
fn the_json_list_names_the_next_exercise() {
    assert_eq!(json(&run_with_progress(&["list", "--format", "json"]))["next"], "using-bgsave");
}

#[test]
fn a_list_of_nothing_says_so() {
    let ended = Place::new().run(&["list", "--done"]);
    assert_eq!(ended.code, 0);
    assert_eq!(ended.stdout, "none of the exercises is passed yet\n\n0 of 5 exercises passed\n");
}

#[test]
fn a_list_cannot_be_of_open_and_done_nor_of_what_does_not_exist() {
    let place = Place::new();
    assert_eq!(place.run(&["list", "--open", "--done"]).code, 2);
    let ended = place.run(&["list", "using-bgsav"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("did you mean `using-bgsave`?"), "{}", ended.stderr);
}

#[test]
fn path_names_the_answers_of_an_exercise_for_other_tools() {
    let place = Place::new();
    let ended = place.run(&["path", "using-bgsave"]);
    assert_eq!(ended.stdout, "answers/using-bgsave.py\nanswers/using-bgsave.redis\n");
    let ended = place.run(&["path", "using-bgsave", "--language", "redis"]);
    assert_eq!(ended.stdout, "answers/using-bgsave.redis\n");
    assert!(!place.work().join("answers").exists(), "only named, not made");
}

#[test]
fn path_without_an_exercise_is_about_the_next_one() {
    let ended = run_with_progress(&["path", "--language", "python"]);
    assert_eq!(ended.stdout, "answers/using-bgsave.py\n");
}

#[test]
fn path_begins_an_answer_with_the_starter_but_keeps_one_that_is_there() {
    let place = Place::new();
    let mine = place.file("answers/using-bgsave.redis", "BGSAVE\n");
    assert_eq!(place.run(&["path", "using-bgsave", "--begin"]).code, 0);
    assert_eq!(std::fs::read_to_string(mine).unwrap(), "BGSAVE\n");
    let begun = std::fs::read_to_string(place.work().join("answers/using-bgsave.py")).unwrap();
    assert!(begun.contains("TODO"), "{begun}");
}

#[test]
fn hints_come_one_by_one_or_all_together() {
    let place = Place::new();
    let first = place.run(&["hint", "creating-snapshots"]);
    assert!(first.stdout.starts_with("hint 1 of "), "{}", first.stdout);
    assert!(first.stderr.contains("`redislings hint creating-snapshots 2"), "{}", first.stderr);
    let second = place.run(&["hint", "creating-snapshots", "2"]);
    let all = place.run(&["hint", "creating-snapshots", "--all"]);
    assert!(all.stdout.starts_with(&(first.stdout + &second.stdout)), "{}", all.stdout);
    assert_eq!((second.code, all.code, all.stderr.as_str()), (0, 0, ""));
}

#[test]
fn a_hint_that_does_not_exist_is_a_wrong_command_line() {
    let ended = Place::new().run(&["hint", "creating-snapshots", "99"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("hints, not 99"), "{}", ended.stderr);
}

#[test]
fn a_solution_is_kept_back_until_the_exercise_is_passed() {
    let place = Place::new();
    let ended = place.run(&["solution", "creating-snapshots"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""));
    assert!(ended.stderr.contains("is not passed yet") && ended.stderr.contains("--yes"));
    let insisted = place.run(&["solution", "creating-snapshots", "--yes"]);
    let passed = run_with_progress(&["solution", "creating-snapshots"]);
    assert_eq!((insisted.code, passed.code), (0, 0));
    assert_eq!(insisted.stdout, passed.stdout);
    assert!(passed.stdout.contains("client.bgsave()"), "{}", passed.stdout);
}

#[test]
fn a_solution_can_be_of_one_language() {
    let ended = run_with_progress(&["solution", "creating-snapshots", "--language", "redis"]);
    assert!(ended.stdout.starts_with("a solution in redis\n"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("import redis"), "{}", ended.stdout);
}

#[test]
fn bash_takes_the_completions() {
    let place = Place::new();
    let script = place.run(&["completions", "bash"]);
    assert_eq!(script.code, 0, "{script:?}");
    place.file("redislings.bash", &script.stdout);
    let asks = "source ./redislings.bash && COMP_WORDS=(redislings check --form) COMP_CWORD=2 && \
                _redislings redislings --form check && echo \"${COMPREPLY[@]}\"";
    let output = Command::new("bash").args(["-c", asks]).current_dir(place.work()).output();
    let completed = Ended::from(output.unwrap());
    assert_eq!((completed.stdout.as_str(), completed.code), ("--format\n", 0), "{completed:?}");
}

#[test]
fn every_shell_gets_completions_of_every_command() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ended = place.run(&["completions", shell]);
        assert_eq!(ended.code, 0, "{ended:?}");
        for command in ["list", "check", "verify", "init", "new", "hint", "solution", "path"] {
            assert!(ended.stdout.contains(command), "{shell} does not know `{command}`");
        }
    }
}

/// What groff prints, or the page's source where no groff is.
fn man_page(place: &Place) -> String {
    let page = place.run(&["man"]);
    assert_eq!(page.code, 0, "{page:?}");
    let file = place.file("redislings.1", &page.stdout);
    let groff = ["-man", "-Tutf8", "-ww", "-P-c", "-P-b", "-P-u"];
    match Command::new("groff").args(groff).arg(file).output() {
        Ok(output) => {
            let ended = Ended::from(output);
            assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "groff complains");
            ended.stdout
        }
        Err(_) => page.stdout.replace('\\', ""),
    }
}

#[test]
fn the_man_page_tells_of_every_command_and_option() {
    let page = man_page(&Place::new());
    for part in [
        "NAME",
        "redislings check",
        "redislings verify",
        "redislings completions",
        "--server-matrix",
        "--transcript",
        "--lessons",
        "REDISLINGS_SERVER",
        "EXAMPLES",
        "Exit codes:",
    ] {
        assert!(page.contains(part), "`{part}` is missing in:\n{page}");
    }
}
