//! Folders of lessons.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::lesson::Course;
use crate::sanitize::ShownPath as _;

const HASH: &str = "--hash=sha256:a4fe1aac3d3b3cc791d4b3d5931c5a956045dc951ee74d1c913ee3ac4d2ee9fb";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn course(files: &[(&str, &str)]) -> Course {
    let folder = folder(files);
    Course::load(folder.path()).unwrap_or_else(|problems| panic!("{}", drawn(&problems))).0
}

/// The problems, each with its file name in front.
fn problems(files: &[(&str, &str)]) -> Vec<String> {
    let folder = folder(files);
    let problems = match Course::load(folder.path()) {
        Ok((_, warnings)) => warnings,
        Err(problems) => problems,
    };
    problems.iter().map(|problem| named(problem, folder.path())).collect()
}

fn named(problem: &Problem, folder: &Path) -> String {
    let name = problem.path.strip_prefix(folder).unwrap().shown();
    let folder = format!("{}/", folder.display());
    format!("{name}: {}", tell(problem)).replace(&folder, "").trim_start_matches(": ").to_owned()
}

#[test]
fn lessons_come_by_number_then_by_name_and_those_without_a_number_last() {
    let names = ["10-ten.md", "2-two.md", "b.md", "a.markdown", "02-also.md"];
    let files: Vec<(&str, &str)> = names.into_iter().map(|name| (name, "text")).collect();
    let course = course(&files);
    let ids: Vec<&str> = course.lessons.iter().map(|lesson| lesson.id.as_str()).collect();
    assert_eq!(ids, ["also", "two", "ten", "a", "b"]);
}

#[test]
fn readme_dotfiles_and_other_files_are_no_lessons() {
    let files = ["a.md", "README.md", "ReadMe.markdown", ".b.md", "c.txt", "d.py", "e.MD"];
    let files: Vec<(&str, &str)> = files.into_iter().map(|name| (name, "text")).collect();
    let ids: Vec<String> = course(&files).lessons.into_iter().map(|lesson| lesson.id).collect();
    assert_eq!(ids, ["a", "e"]);
}

#[test]
fn text_files_are_lessons_where_there_is_no_markdown() {
    assert_eq!(course(&[("000_a.txt", "# T\n\ntext")]).lessons[0].title, "T");
}

#[test]
fn a_folder_without_lessons_is_a_problem() {
    let told = problems(&[("README.md", "")]);
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with("the folder has no lessons (a lesson is a file such as"),
        "{told:?}"
    );
}

#[test]
fn a_missing_folder_is_a_problem_that_names_the_flag() {
    let problems = Course::load(Path::new("no/such/folder")).unwrap_err();
    assert_eq!(
        tell(&problems[0]),
        "no such file or folder (give the folder with the lessons: `--lessons DIR`)"
    );
    assert_eq!(problems[0].place(), "no/such/folder");
}

#[test]
fn a_single_file_of_any_ending_is_a_course() {
    let folder = folder(&[("one.rst", "# One\n\ntext"), ("two.md", "x")]);
    let (course, _) = Course::load(&folder.path().join("one.rst")).unwrap();
    assert_eq!((course.title.as_str(), course.lessons.len()), ("One", 1));
}

#[test]
fn a_course_without_settings_has_defaults() {
    let folder = folder(&[("a.md", "x")]);
    let (course, _) = Course::load(folder.path()).unwrap();
    assert_eq!(course.title, folder.path().file_name().unwrap().to_string_lossy());
    assert_eq!(course.python_packages, crate::lesson::course::default_packages());
    assert!(course.server_versions.is_empty());
}

#[test]
fn settings_are_read() {
    let package = format!("redis[hiredis]==7.1 {HASH}");
    let settings = format!(
        "format = 1\ntitle = \"T\"\n[python]\npackages = [\"{package}\"]\n\
         [server]\nversions = [\"redis 7.0\", \"valkey 9\"]\n"
    );
    let course = course(&[("a.md", "x"), ("course.toml", &settings)]);
    assert_eq!(course.title, "T");
    let packages: Vec<String> = course.python_packages.iter().map(ToString::to_string).collect();
    assert_eq!(packages, [package]);
    assert_eq!(course.server_versions, ["redis 7.0", "valkey 9"]);
}

#[test]
fn servers_are_named_with_their_version() {
    let settings = "format = 1\n[server]\n\
        versions = [\"redis 6.2\", \"redis7\", \"keydb 6\", \"valkey 9.\"]\n";
    let told = problems(&[("a.md", "x"), ("course.toml", settings)]);
    let help = "(write redis or valkey, a space and a version as in \"redis 7.0\")";
    assert_eq!(
        told,
        [
            format!("course.toml: 3:26: `redis7` is not a server and its version {help}"),
            format!("course.toml: 3:36: `keydb 6` is not a server and its version {help}"),
            format!("course.toml: 3:47: `valkey 9.` is not a server and its version {help}"),
        ]
    );
}

fn problems_of_packages(first: &str, second: &str) -> Vec<String> {
    let list = format!("\"{first} {HASH}\",\n\"{second} {HASH}\"");
    let settings = format!("format = 1\n[python]\npackages = [\n{list}\n]\n");
    problems(&[("a.md", "x"), ("course.toml", &settings)])
}

#[test]
fn a_package_is_listed_once() {
    assert_eq!(
        problems_of_packages("redis_py==7.0.1", "Redis-Py[hiredis]==6.0"),
        ["course.toml: 5:1: the package `redis-py` is listed twice"]
    );
    let (old, new) = ("redis==6.0; python_version < '3'", "redis==7.0; python_version > '3'");
    assert_eq!(problems_of_packages(old, new), Vec::<String>::new());
}

#[test]
fn a_package_without_a_hash_is_told_with_how_to_get_one() {
    let settings = "format = 1\n[python]\npackages = [\"redis==8.1.0\"]\n";
    let told = problems(&[("a.md", "x"), ("course.toml", settings)]);
    assert_eq!(
        told,
        ["course.toml: 3:13: the package `redis==8.1.0` is pinned without a hash (add what \
             these two commands print: `python3 -m pip download --no-deps redis==8.1.0` and \
             `python3 -m pip hash redis-*.whl`; also for each of its dependencies)"]
    );
}

#[test]
fn every_slip_in_the_settings_is_told() {
    let settings = "format = 2\ntitel = \"T\"\n[python]\npackages = [\"redis\", \"--x==1\", 1]\n\
        package = 1\n[server]\nversions = \"redis 7\"\n";
    assert_eq!(
        problems(&[("a.md", "x"), ("course.toml", settings)]),
        [
            "course.toml: 1:10: format 2 needs a newer redislings (update redislings)",
            "course.toml: 2:1: unknown key `titel` in `course.toml` (did you mean `title`?)",
            "course.toml: 4:13: the package `redis` is not pinned to a version \
             (pin it as in \"redis==8.1.0 --hash=sha256:…\")",
            "course.toml: 4:22: the package `--x==1` is not pinned to a version \
             (pin it as in \"redis==8.1.0 --hash=sha256:…\")",
            "course.toml: 4:32: `packages` must be an array of strings, not an integer",
            "course.toml: 5:1: unknown key `package` in `[python]` (did you mean `packages`?)",
            "course.toml: 7:12: `versions` must be an array of strings, not a string",
        ]
    );
}

#[test]
fn settings_need_a_format() {
    let told = problems(&[("a.md", "x"), ("course.toml", "\u{feff}title = \"T\"")]);
    assert_eq!(
        told,
        ["course.toml: 1:1: `course.toml` has no `format` (add `format = 1` at the top)"]
    );
}

#[test]
fn an_exercise_id_is_unique_in_the_course() {
    let told = problems(&[("01-a.md", EXERCISE), ("02-b.md", EXERCISE)]);
    assert_eq!(
        told,
        ["02-b.md: 10:6: a second exercise with the id `saving` \
             (the first is at `01-a.md:10:6`: rename one of them)"]
    );
}

#[test]
fn a_lesson_id_is_unique_in_the_course() {
    assert_eq!(
        problems(&[("01-a.md", "x"), ("02-a.md", "x")]),
        ["02-a.md: warning: a second lesson with the id `a`: this one is `02-a` (give it another \
          name, not only another number)"]
    );
}

#[test]
fn the_problems_of_all_files_are_told() {
    let told = problems(&[
        ("1-a.md", "```py setp\n```\n"),
        ("2-b.md", "```py soluton\n```\n"),
        ("3-c.md", "x"),
    ]);
    assert_eq!(told.len(), 2);
    assert!(told[0].starts_with("1-a.md: 1:7") && told[1].starts_with("2-b.md: 1:7"), "{told:?}");
}

#[test]
fn warnings_do_not_stop_a_course() {
    let folder = folder(&[("a.md", &with("fails=saved", "fails=ends-well"))]);
    let (course, warnings) = Course::load(folder.path()).unwrap();
    assert_eq!((course.lessons.len(), warnings.len()), (1, 1));
}

#[test]
fn exercises_are_found_by_id() {
    let course = course(&[("1-a.md", "x"), ("2-b.md", EXERCISE)]);
    assert_eq!(course.exercises().count(), 1);
    assert_eq!(course.exercise("saving").map(|(lesson, _)| lesson.id.as_str()), Some("b"));
    assert!(course.exercise("other").is_none());
}

#[test]
fn files_that_cannot_be_read_are_problems() {
    let folder = folder(&[("1-a.md", "fine\0")]);
    let path = folder.path();
    fs::write(path.join("2-b.md"), b"one\ntwo \xe9\n").unwrap();
    fs::create_dir(path.join("3-c.md")).unwrap();
    fs::write(path.join("4-d.md"), vec![b'a'; 4 * 1024 * 1024 + 1]).unwrap();
    std::os::unix::fs::symlink("nowhere", path.join("5-e.md")).unwrap();
    let problems = Course::load(path).unwrap_err();
    let told: Vec<String> = problems.iter().map(|problem| named(problem, path)).collect();
    assert_eq!(
        told,
        [
            "1-a.md: warning: 1:5: the control character U+0000 is replaced (remove it; where code \
             needs it, write an escape such as `\\x1b`)",
            "2-b.md: 2:5: not UTF-8: the byte 0xe9 at offset 8 (save the file as UTF-8)",
            "3-c.md: a folder, not a lesson (give it another name)",
            "4-d.md: the file is too large (the largest lesson is 4 MiB)",
            "5-e.md: no such file or folder",
        ]
    );
}

#[test]
fn control_characters_are_replaced_and_the_first_is_told_with_its_place() {
    let text = "# A\t\u{202e}b\u{9b}\r\n\n\u{1b}[2J\n";
    let folder = folder(&[("1-a.md", text)]);
    let (course, warnings) = Course::load(folder.path()).unwrap();
    let told: Vec<String> = warnings.iter().map(|problem| named(problem, folder.path())).collect();
    assert_eq!(
        told,
        ["1-a.md: warning: 1:5: the control character U+202E is replaced, and 2 more like it in \
          this file (remove it; where code needs it, write an escape such as `\\x1b`)"]
    );
    assert_eq!(course.lessons[0].source, "# A\t\u{fffd}b\u{fffd}\r\n\n\u{fffd}[2J\n");
}

#[test]
fn a_control_character_in_the_name_of_a_lesson_is_a_problem() {
    assert_eq!(
        problems(&[("1-a\n::error::b.md", "x")]),
        ["1-a\u{fffd}::error::b.md: the file name contains the control character U+000A \
          (rename it, as in `01-strings.md`)"]
    );
}

#[test]
fn an_entity_in_a_title_is_no_control_character() {
    let course = course(&[("1-a.md", "# A &#27;[31m\n\n## B &#x202e;\n\nx\n")]);
    let lesson = &course.lessons[0];
    assert_eq!(lesson.title, "A \u{fffd}[31m");
    assert_eq!(lesson.steps[0].title, "B \u{fffd}");
}

#[test]
fn an_escape_in_toml_is_no_control_character_where_people_read_it() {
    let says = "says = \"a\\u001b[31m\\nb\"\ncalls = { save = 1 }";
    let source = with_subject(says);
    let lesson = lesson(&source);
    let check = &lesson.steps[1].exercise.as_ref().unwrap().checks[0];
    assert_eq!(check.sentence(), "a\u{fffd}[31m b");
    assert_told(&source, "warning: 14:8: the control character U+001B in `says` is replaced");
    let data = super::lesson(&with_subject("reply = { \"GET a\" = \"\\u001b\" }"));
    let check = &data.steps[1].exercise.as_ref().unwrap().checks[0];
    assert_eq!(check.sentence(), "`GET a` answers \u{fffd}");
    let replies = check.subject.expected_replies();
    assert_eq!(replies[0].1.exact(), Some("\x1b"));
}

#[test]
fn a_path_is_told_as_the_user_would_type_it() {
    let (course, _) = Course::load(Path::new("./src/../Cargo.toml")).unwrap();
    assert_eq!(course.lessons[0].path, Path::new("./src/../Cargo.toml"));
}

#[test]
fn a_file_that_holds_nothing_is_no_lesson() {
    let told = problems(&[("1-a.md", "text"), ("2-b.md", " \n\n")]);
    let help = "(begin with a title, such as `# Strings`, or remove the file)";
    assert_eq!(told, [format!("2-b.md: warning: 1:1: the lesson is empty {help}")]);
}
