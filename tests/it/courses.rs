//! Courses and commands outside the session: the built-in course, `init`, `new`, `list`, `hint`,
//! `solution`, shell completions and the man page.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Ended, Workspace, shipped_lessons};

/// Runs the program without `REDISLINGS_LESSONS`, as after an installation.
fn run_installed(workspace: &Workspace, folder: &str, arguments: &[&str]) -> Ended {
    let mut command = workspace.command(arguments);
    command.env_remove("REDISLINGS_LESSONS").current_dir(workspace.work().join(folder));
    Ended::from(command.stdin(Stdio::null()).output().unwrap())
}

fn json(ended: &Ended) -> serde_json::Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

fn files_below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
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

fn shipped_files() -> Vec<String> {
    files_below(&shipped_lessons())
}

fn lesson_files(list: &serde_json::Value) -> Vec<&str> {
    let lessons = list["lessons"].as_array().unwrap().iter();
    lessons.map(|lesson| lesson["file"].as_str().unwrap()).collect()
}

/// Runs the program for a student who has passed `creating-snapshots`.
fn run_with_progress(arguments: &[&str]) -> Ended {
    let workspace = Workspace::new();
    workspace.file("state/redislings/progress.toml", "passed = [\"creating-snapshots\"]\n");
    let mut command = workspace.command(arguments);
    command.env("XDG_STATE_HOME", workspace.work().join("state"));
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
    let workspace = Workspace::new();
    let list = json(&run_installed(&workspace, "", &["list", "--format", "json"]));
    assert_eq!(list["course"], "Redis by doing");
    let files: Vec<&str> = lesson_files(&list);
    let shipped = shipped_files().into_iter().filter(|name| name.starts_with(char::is_numeric));
    let built_in: Vec<String> = shipped.map(|name| format!("<built-in>/{name}")).collect();
    assert_eq!(files, built_in);
}

#[test]
fn an_answer_is_judged_by_the_built_in_course() {
    let workspace = Workspace::new();
    workspace.file("answer.redis", "SAVE\nBGSAVE\n");
    let ended = run_installed(&workspace, "", &["check", "creating-snapshots", "answer.redis"]);
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn verify_says_that_it_verifies_the_built_in_course() {
    let workspace = Workspace::new();
    let case = "creating-snapshots/redis/solution-1";
    let ended = run_installed(&workspace, "", &["verify", case, "--format", "json"]);
    assert!(ended.stderr.contains("the built-in course is verified"), "{}", ended.stderr);
    let report = json(&ended);
    assert_eq!(report["cases"][0]["file"], "<built-in>/04-snapshotting.md");
    let repeat = report["cases"][0]["repeat"].as_str().unwrap();
    assert!(!repeat.contains("--lessons"), "{repeat}");
}

#[test]
fn a_local_lessons_folder_comes_before_the_built_in_course() {
    let workspace = Workspace::new();
    workspace.file("lessons/01-mine.md", "# Mine\n");
    let ended = run_installed(&workspace, "", &["list"]);
    assert!(ended.stdout.starts_with("Mine\n"), "{ended:?}");
}

#[test]
fn a_missing_lessons_folder_does_not_fall_back_to_the_built_in_course() {
    let ended = run_installed(&Workspace::new(), "", &["list", "--lessons", "lessons"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
}

#[test]
fn init_writes_the_shipped_course_out() {
    let workspace = Workspace::new();
    let ended = run_installed(&workspace, "", &["init", "deep/course"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let made = workspace.work().join("deep/course");
    assert_eq!(files_below(&made.join("lessons")), shipped_files());
    for name in shipped_files() {
        let shipped = std::fs::read(shipped_lessons().join(&name)).unwrap();
        let is_same = std::fs::read(made.join("lessons").join(&name)).unwrap() == shipped;
        assert!(is_same, "{name} is another one than when the program was built");
    }
    assert!(made.join("README.md").is_file());
    assert!(ended.stdout.ends_with("  cd deep/course\n  redislings\n"), "{}", ended.stdout);
}

#[test]
fn a_course_that_was_written_out_is_used_there() {
    let workspace = Workspace::new();
    run_installed(&workspace, "", &["init", "course"]);
    let list = json(&run_installed(&workspace, "course", &["list", "--format", "json"]));
    assert!(lesson_files(&list).contains(&"lessons/04-snapshotting.md"));
}

#[test]
fn init_fills_an_empty_folder_even_the_current_one() {
    let workspace = Workspace::new();
    let ended = run_installed(&workspace, "", &["init", "."]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(files_below(&workspace.work()).len(), shipped_files().len() + 1);
}

#[test]
fn init_overwrites_nothing() {
    let workspace = Workspace::new();
    workspace.file("course/mine.txt", "mine");
    let ended = run_installed(&workspace, "", &["init", "course"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    let expected = "the folder `course` is not empty: it holds `mine.txt`";
    assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    assert_eq!(files_below(&workspace.work()), ["course/mine.txt"]);
    let ended = run_installed(&workspace, "", &["init", "course/mine.txt"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("`course/mine.txt` is a file"), "{}", ended.stderr);
}

/// Runs the program where files may not grow beyond a few KiB, as on a full disk.
fn run_on_a_full_disk(workspace: &Workspace, arguments: &[&str]) -> Ended {
    let mut command = Command::new("sh");
    let script = "trap '' XFSZ; ulimit -f 2; exec \"$0\" \"$@\"";
    command.args(["-c", script, env!("CARGO_BIN_EXE_redislings")]).args(arguments);
    command.current_dir(workspace.work()).env_remove("REDISLINGS_LESSONS");
    Ended::from(command.stdin(Stdio::null()).output().unwrap())
}

#[test]
fn init_on_a_full_disk_leaves_nothing() {
    let workspace = Workspace::new();
    let ended = run_on_a_full_disk(&workspace, &["init", "deep/course"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (3, ""), "{ended:?}");
    assert!(ended.stderr.contains("cannot be written to `deep/course`"), "{}", ended.stderr);
    assert!(ended.stderr.contains("help: "), "{}", ended.stderr);
    assert!(!workspace.work().join("deep").exists());
}

#[test]
fn init_on_a_full_disk_leaves_an_empty_folder_empty() {
    let workspace = Workspace::new();
    std::fs::create_dir(workspace.work().join("course")).unwrap();
    let ended = run_on_a_full_disk(&workspace, &["init", "course"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert_eq!(std::fs::read_dir(workspace.work().join("course")).unwrap().count(), 0);
}

#[test]
fn new_on_a_full_disk_leaves_nothing() {
    let workspace = Workspace::new();
    workspace.file("lessons/01-a.md", "# A\n");
    let ended = run_on_a_full_disk(&workspace, &["new", "b"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stderr.contains("`lessons/02-b.md` cannot be written"), "{}", ended.stderr);
    assert_eq!(files_below(&workspace.work()), ["lessons/01-a.md"]);
}

#[test]
fn a_new_lesson_comes_last_and_verifies() {
    let workspace = Workspace::new();
    run_installed(&workspace, "", &["init", "."]);
    let made = run_installed(&workspace, "", &["new", "Counting visits"]);
    assert_eq!(made.code, 0, "{made:?}");
    let shipped = shipped_files();
    let last = shipped.iter().filter(|name| name.starts_with(char::is_numeric)).max().unwrap();
    let next = last[..2].parse::<u8>().unwrap() + 1;
    let file = format!("  lessons/{next:02}-counting-visits.md\n");
    assert!(made.stdout.contains(&file), "{}", made.stdout);
    assert!(made.stdout.ends_with("  redislings verify counting-visits\n"), "{}", made.stdout);
    let ended = run_installed(&workspace, "", &["verify", "counting-visits"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("14 of 14 cases passed"), "{}", ended.stdout);
    assert!(!format!("{ended:?}").contains("warning"), "{ended:?}");
}

#[test]
fn new_starts_a_course_in_an_empty_folder() {
    let workspace = Workspace::new();
    std::fs::create_dir(workspace.work().join("my course")).unwrap();
    let ended = workspace.run(&["new", "lists", "--lessons", "my course"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let next = "  redislings verify lists --lessons 'my course'\n";
    assert!(ended.stdout.ends_with(next), "{}", ended.stdout);
    assert_eq!(files_below(&workspace.work()), ["my course/01-lists.md"]);
}

#[test]
fn a_new_lesson_needs_a_unique_name() {
    let workspace = Workspace::new();
    workspace.file("lessons/01-lists.md", "# Lists\n");
    for (name, expected) in [
        ("lists", "there already is a lesson `lists` in `lessons/01-lists.md`"),
        ("../lists", "`../lists` cannot be the name of a lesson"),
    ] {
        let ended = run_installed(&workspace, "", &["new", name]);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.stderr.contains(expected) && ended.stderr.contains("help: "), "{ended:?}");
    }
    run_installed(&workspace, "", &["new", "sets"]);
    let ended = run_installed(&workspace, "", &["new", "sets-1"]);
    let expected = "there already is an exercise `sets-1` in `lessons/02-sets.md`";
    assert!(ended.code == 2 && ended.stderr.contains(expected), "{ended:?}");
    assert_eq!(files_below(&workspace.work()), ["lessons/01-lists.md", "lessons/02-sets.md"]);
}

#[test]
fn a_new_lesson_cannot_go_into_the_built_in_course() {
    let workspace = Workspace::new();
    let ended = run_installed(&workspace, "", &["new", "lists"]);
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
    let exercises = lessons.iter().flat_map(|lesson| lesson["exercises"].as_array().unwrap());
    exercises.map(|exercise| exercise["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_list_can_be_filtered() {
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
fn an_empty_list_says_so() {
    let ended = Workspace::new().run(&["list", "--done"]);
    assert_eq!(ended.code, 0);
    assert_eq!(ended.stdout, "none of the exercises is passed yet\n\n0 of 5 exercises passed\n");
}

#[test]
fn list_rejects_conflicting_filters_and_unknown_names() {
    let workspace = Workspace::new();
    assert_eq!(workspace.run(&["list", "--open", "--done"]).code, 2);
    let ended = workspace.run(&["list", "using-bgsav"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("did you mean `using-bgsave`?"), "{}", ended.stderr);
}

#[test]
fn path_prints_the_answer_files_of_an_exercise() {
    let workspace = Workspace::new();
    let ended = workspace.run(&["path", "using-bgsave"]);
    assert_eq!(ended.stdout, "answers/using-bgsave.py\nanswers/using-bgsave.redis\n");
    let ended = workspace.run(&["path", "using-bgsave", "--language", "redis"]);
    assert_eq!(ended.stdout, "answers/using-bgsave.redis\n");
    assert!(!workspace.work().join("answers").exists(), "only named, not made");
}

#[test]
fn path_without_an_exercise_is_about_the_next_one() {
    let ended = run_with_progress(&["path", "--language", "python"]);
    assert_eq!(ended.stdout, "answers/using-bgsave.py\n");
}

#[test]
fn path_begin_writes_the_starter_but_keeps_existing_answers() {
    let workspace = Workspace::new();
    let mine = workspace.file("answers/using-bgsave.redis", "BGSAVE\n");
    assert_eq!(workspace.run(&["path", "using-bgsave", "--begin"]).code, 0);
    assert_eq!(std::fs::read_to_string(mine).unwrap(), "BGSAVE\n");
    let begun = std::fs::read_to_string(workspace.work().join("answers/using-bgsave.py")).unwrap();
    assert!(begun.contains("TODO"), "{begun}");
}

#[test]
fn hints_come_one_by_one_or_all_together() {
    let workspace = Workspace::new();
    let first = workspace.run(&["hint", "creating-snapshots"]);
    assert!(first.stdout.starts_with("hint 1 of "), "{}", first.stdout);
    assert!(first.stderr.contains("`redislings hint creating-snapshots 2"), "{}", first.stderr);
    let second = workspace.run(&["hint", "creating-snapshots", "2"]);
    let all = workspace.run(&["hint", "creating-snapshots", "--all"]);
    assert!(all.stdout.starts_with(&(first.stdout + &second.stdout)), "{}", all.stdout);
    assert_eq!((second.code, all.code, all.stderr.as_str()), (0, 0, ""));
}

#[test]
fn an_unknown_hint_number_is_a_usage_error() {
    let ended = Workspace::new().run(&["hint", "creating-snapshots", "99"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("hints, not 99"), "{}", ended.stderr);
}

#[test]
fn the_solution_is_withheld_until_the_exercise_is_passed() {
    let workspace = Workspace::new();
    let ended = workspace.run(&["solution", "creating-snapshots"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""));
    assert!(ended.stderr.contains("is not passed yet") && ended.stderr.contains("--yes"));
    let insisted = workspace.run(&["solution", "creating-snapshots", "--yes"]);
    let passed = run_with_progress(&["solution", "creating-snapshots"]);
    assert_eq!((insisted.code, passed.code), (0, 0));
    assert_eq!(insisted.stdout, passed.stdout);
    assert!(passed.stdout.contains("client.bgsave()"), "{}", passed.stdout);
}

#[test]
fn the_solution_can_be_limited_to_one_language() {
    let ended = run_with_progress(&["solution", "creating-snapshots", "--language", "redis"]);
    assert!(ended.stdout.starts_with("a solution in redis\n"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("import redis"), "{}", ended.stdout);
}

#[test]
fn bash_accepts_the_completions() {
    let workspace = Workspace::new();
    let script = workspace.run(&["completions", "bash"]);
    assert_eq!(script.code, 0, "{script:?}");
    workspace.file("redislings.bash", &script.stdout);
    let asks = "source ./redislings.bash && COMP_WORDS=(redislings check --form) COMP_CWORD=2 && \
                _redislings redislings --form check && echo \"${COMPREPLY[@]}\"";
    let output = Command::new("bash").args(["-c", asks]).current_dir(workspace.work()).output();
    let completed = Ended::from(output.unwrap());
    assert_eq!((completed.stdout.as_str(), completed.code), ("--format\n", 0), "{completed:?}");
}

#[test]
fn every_shell_gets_completions_of_every_command() {
    let workspace = Workspace::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ended = workspace.run(&["completions", shell]);
        assert_eq!(ended.code, 0, "{ended:?}");
        for command in ["list", "check", "verify", "init", "new", "hint", "solution", "path"] {
            assert!(ended.stdout.contains(command), "{shell} does not know `{command}`");
        }
    }
}

/// The output of groff, or the source of the page if there is no groff.
fn man_page(workspace: &Workspace) -> String {
    let page = workspace.run(&["man"]);
    assert_eq!(page.code, 0, "{page:?}");
    let file = workspace.file("redislings.1", &page.stdout);
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
fn the_man_page_names_every_command_and_option() {
    let page = man_page(&Workspace::new());
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

#[test]
fn an_option_without_effect_on_a_command_is_a_usage_error() {
    for arguments in [["--server", "foo", "list"], ["hint", "--port", "0"]] {
        let ended = Workspace::new().run(&arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
        assert!(ended.stderr.contains("has no effect on"), "{}", ended.stderr);
    }
}
