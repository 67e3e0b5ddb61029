//! Reports of `verify`, several at once, and `merge`.

use std::path::Path;

use crate::support::terminal::{ROOMY, Student};
use crate::support::{Ended, Workspace};

/// An example that passes, one that fails, and an exercise that passes.
const LESSON: &str = "# L\n\n\
    ```redis\n\
    > SET a 1\n\
    OK\n\
    ```\n\n\
    ```redis\n\
    > GET a\n\
    \"2\"\n\
    ```\n\n\
    ## E\n\n\
    ```toml exercise\n\
    id = \"e\"\n\
    [[check]]\n\
    id = \"saved\"\n\
    calls = { save = \">= 1\" }\n\
    ```\n\n\
    > [!TIP]\n\
    > look\n\n\
    ```redis starter fails=saved\n\
    PING\n\
    ```\n\n\
    ```redis solution\n\
    SAVE\n\
    ```\n\n\
    ```redis wrong fails=saved\n\
    BGSAVE\n\
    ```\n";
/// The line of the command whose reply differs.
const BROKEN_LINE: usize = 9;

fn workspace() -> Workspace {
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", LESSON);
    workspace
}

fn valid_workspace() -> Workspace {
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", LESSON.replace("\"2\"", "(nil)"));
    workspace
}

fn verify(workspace: &Workspace, more: &[&str]) -> Ended {
    workspace.run(&[&["verify", "--lessons", "course"], more].concat())
}

fn verify_on_github(workspace: &Workspace, summary: &Path, more: &[&str]) -> Ended {
    let mut command = workspace.command(&[&["verify", "--lessons", "course"], more].concat());
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", summary);
    Ended::from(command.output().unwrap())
}

fn read(workspace: &Workspace, name: &str) -> String {
    let path = workspace.work().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(workspace: &Workspace) -> Vec<String> {
    let entries = std::fs::read_dir(workspace.work()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn one_run_gives_several_reports() {
    let workspace = workspace();
    let wanted =
        ["jsonl=r.jsonl", "junit=r.xml", "github=r.txt", "summary=r.md", "human=human.txt"];
    let options: Vec<&str> = wanted.iter().flat_map(|report| ["--report", report]).collect();
    let ended = verify(&workspace, &options);
    assert_eq!(ended.code, 1, "{ended:?}");
    let names = ["course", "human.txt", "r.jsonl", "r.md", "r.txt", "r.xml"];
    assert_eq!(files(&workspace), names);
    assert!(ended.stdout.starts_with("l/example-2\n"), "{ended:?}");
    assert!(read(&workspace, "human.txt").contains("6 of 7 cases passed"));
    assert!(read(&workspace, "r.xml").contains("failures=\"1\" errors=\"0\""));
    assert!(
        read(&workspace, "r.txt")
            .starts_with(&format!("::error file=course/01-l.md,line={BROKEN_LINE},"))
    );
    assert!(read(&workspace, "r.md").contains("| 6 | 1 | 0 | 0 | 0 |"));
    let last: serde_json::Value =
        serde_json::from_str(read(&workspace, "r.jsonl").lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["conclusion"]), (&"end".into(), &"failed".into()));
}

#[test]
fn the_command_in_a_report_repeats_the_case() {
    let workspace = workspace();
    verify(&workspace, &["--report", "jsonl=r.jsonl"]);
    let text = read(&workspace, "r.jsonl");
    let events = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let failed = events.filter(|event| event["outcome"] == "failed").collect::<Vec<_>>();
    assert_eq!(failed.len(), 1, "{text}");
    let repeat = failed[0]["repeat"].as_str().unwrap();
    let words: Vec<&str> = repeat.split(' ').skip(1).collect();
    let again = workspace.run(&words);
    assert_eq!(again.code, 1, "{again:?}");
    assert!(again.stdout.contains("0 of 1 cases passed"), "{again:?}");
}

#[test]
fn annotations_are_about_files_in_the_repository() {
    let workspace = workspace();
    let mut command = workspace.command(&["verify", "--report", "github", "--lessons", "."]);
    command.current_dir(workspace.work().join("course")).env("GITHUB_WORKSPACE", workspace.work());
    let ended = Ended::from(command.output().unwrap());
    let start = format!("::error file=course/01-l.md,line={BROKEN_LINE},title=");
    assert!(ended.stdout.starts_with(&start), "{ended:?}");
    assert_eq!(ended.stdout.lines().count(), 1, "{ended:?}");
}

#[test]
fn github_actions_gets_annotations_and_a_summary_by_default() {
    let workspace = workspace();
    let summary = workspace.file("summary.md", "before\n");
    let ended = verify_on_github(&workspace, &summary, &[]);
    assert!(ended.stdout.contains("6 of 7 cases passed"), "{ended:?}");
    assert!(ended.stdout.contains("\n::error file="), "{ended:?}");
    let text = read(&workspace, "summary.md");
    assert!(text.starts_with("before\n## redislings: course: failed\n"), "{text}");
    let ended = verify_on_github(&workspace, &summary, &["--report", "human"]);
    assert!(!ended.stdout.contains("::error"), "{ended:?}");
    assert_eq!(read(&workspace, "summary.md"), text);
}

#[test]
fn json_stays_one_document_next_to_other_reports() {
    let workspace = workspace();
    let ended = verify(&workspace, &["--format", "json", "--report", "junit=r.xml"]);
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(json["outcome"], "failed");
    assert!(read(&workspace, "r.xml").contains("<failure "));
}

#[test]
fn unloadable_lessons_are_annotated_and_fail_in_junit() {
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", "# L\n\n```toml exercise\nid = \"e\"\nnonsense = 1\n```\n");
    let reports = ["github", "junit=r.xml", "jsonl=r.jsonl", "human=human.txt"];
    let options: Vec<&str> = reports.iter().flat_map(|report| ["--report", report]).collect();
    let ended = verify(&workspace, &options);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stdout.starts_with("::error file=course/01-l.md,line="), "{ended:?}");
    let xml = read(&workspace, "r.xml");
    assert!(xml.contains("<error ") && !xml.contains("errors=\"0\""), "{xml}");
    assert!(read(&workspace, "human.txt").starts_with("error: course/01-l.md:"));
    let merged = workspace.run(&["merge", "r.jsonl"]);
    assert_eq!(merged.code, 2, "{merged:?}");
    assert!(
        merged.stderr.contains("the lessons of `r.jsonl` could not be loaded: course/01-l.md:")
    );
}

#[test]
fn a_missing_report_folder_is_reported_before_anything_runs() {
    let workspace = workspace();
    let ended =
        verify(&workspace, &["--report", "jsonl=a.jsonl", "--report", "junit=no/such/r.xml"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
    assert!(ended.stderr.contains("there is no folder `no/such`"), "{ended:?}");
    assert!(!ended.stderr.contains("server:"), "{ended:?}");
    assert_eq!(files(&workspace), ["course"]);
}

#[test]
fn a_bad_command_line_writes_nothing() {
    let workspace = workspace();
    let report = ["--report", "jsonl=a.jsonl", "--report", "summary=a.md"];
    let bad: [&[&str]; 4] = [
        &["no-such-thing"],
        &["--partition", "5/4"],
        &["--report", "junit", "--report", "github"],
        &["--report", "x"],
    ];
    for more in bad {
        let ended = verify(&workspace, &[&report, more].concat());
        assert_eq!(ended.code, 2, "{ended:?}");
        assert_eq!(files(&workspace), ["course"], "{more:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_environment_error() {
    let workspace = valid_workspace();
    for report in ["junit=/dev/full", "jsonl=/dev/full"] {
        let ended = verify(&workspace, &["--report", report]);
        assert_eq!(ended.code, 3, "{ended:?}");
        assert!(
            ended.stderr.contains("the result could not be written to `/dev/full`"),
            "{ended:?}"
        );
        assert!(Path::new("/dev/full").metadata().is_ok_and(|metadata| !metadata.is_file()));
    }
}

/// Verifies one part and writes `NAME.jsonl`.
fn part(workspace: &Workspace, name: &str, slice: &str) {
    verify(workspace, &["--partition", slice, "--report", &format!("jsonl={name}.jsonl")]);
}

/// The events without the fields that differ from run to run.
fn events(text: &str) -> Vec<serde_json::Value> {
    let events = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let mut events: Vec<serde_json::Value> = events.collect();
    events.retain_mut(|event| {
        let event = event.as_object_mut().unwrap();
        event.remove("took_ms");
        // A busy machine repeats cases.
        event.remove("again");
        true
    });
    events.sort_by_key(ToString::to_string);
    events
}

#[test]
fn two_merged_parts_equal_the_whole_run() {
    let workspace = workspace();
    part(&workspace, "one", "1/2");
    part(&workspace, "two", "2/2");
    part(&workspace, "whole", "all");
    let merged = workspace.run(&["merge", "two.jsonl", "one.jsonl", "--report", "jsonl"]);
    assert_eq!(merged.code, 1, "{merged:?}");
    assert_eq!(events(&merged.stdout), events(&read(&workspace, "whole.jsonl")));
}

#[test]
fn a_missing_part_never_passes() {
    let workspace = valid_workspace();
    part(&workspace, "one", "1/3");
    part(&workspace, "three", "3/3");
    let ended = workspace.run(&[
        "merge",
        "one.jsonl",
        "three.jsonl",
        "--report",
        "human",
        "--report",
        "junit=r.xml",
    ]);
    assert_eq!(ended.code, 3, "{ended:?}");
    let fact = "could not be checked: 2 of 7 cases are in no report; missing: slice:2/3";
    assert!(ended.stdout.contains(fact), "{ended:?}");
    assert!(read(&workspace, "r.xml").contains("errors=\"1\""));
    part(&workspace, "two", "2/3");
    let ended = workspace.run(&["merge", "one.jsonl", "two.jsonl", "three.jsonl"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("7 of 7 cases passed"), "{ended:?}");
}

#[test]
fn a_truncated_part_never_passes() {
    let workspace = valid_workspace();
    part(&workspace, "all", "all");
    let text = read(&workspace, "all.jsonl");
    workspace.file("cut.jsonl", &text[..text.len() - 20]);
    let ended = workspace.run(&["merge", "cut.jsonl"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stdout.contains("the run of `cut.jsonl` did not finish"), "{ended:?}");
}

#[test]
fn an_invalid_report_is_located_by_line() {
    let workspace = valid_workspace();
    part(&workspace, "all", "all");
    let broken = read(&workspace, "all.jsonl").replacen("\"event\":\"case\"", "\"event\":case", 1);
    workspace.file("broken.jsonl", broken);
    let ended = workspace.run(&["merge", "all.jsonl", "broken.jsonl"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
    assert!(ended.stderr.contains("broken.jsonl:2: not a line of a report"), "{ended:?}");
}

#[test]
fn reports_of_other_lessons_are_refused_by_name() {
    let (workspace, other) = (workspace(), valid_workspace());
    part(&workspace, "one", "1/2");
    part(&other, "two", "2/2");
    workspace.file("two.jsonl", read(&other, "two.jsonl"));
    let ended = workspace.run(&["merge", "one.jsonl", "two.jsonl"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    let fact = "`one.jsonl` and `two.jsonl` are not about the same lessons and cases";
    assert!(ended.stderr.contains(fact), "{ended:?}");
}

#[test]
fn a_repeated_case_is_one_event() {
    let workspace = workspace();
    verify(&workspace, &["l/example-1", "--repeat", "3", "--report", "jsonl=r.jsonl"]);
    let cases: Vec<String> = read(&workspace, "r.jsonl")
        .lines()
        .filter(|line| line.contains("\"event\":\"case\""))
        .map(str::to_owned)
        .collect();
    assert_eq!(cases.len(), 1, "{cases:?}");
    assert!(cases[0].contains("\"runs\":3"), "{cases:?}");
}

#[test]
fn a_terminal_shows_a_bar_and_removes_it() {
    let student = Student::new();
    let mut terminal = student.starts_redislings_with(ROOMY, |command| {
        command.args(["verify", "creating-snapshots/redis"]);
    });
    terminal.sees("] 0 of ");
    terminal.sees("cases passed");
    terminal.ends();
    assert!(!terminal.text().contains("] "), "{}", terminal.text());
}

#[test]
fn plain_output_draws_no_bar() {
    let student = Student::new();
    let mut terminal = student.starts_redislings_with(ROOMY, |command| {
        command.args(["verify", "creating-snapshots/redis", "--plain"]);
    });
    terminal.sees("cases passed");
    terminal.ends();
    assert!(!terminal.bytes().contains(&b'\x1b'), "{}", terminal.text());
}
