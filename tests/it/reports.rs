//! Reports of `verify`, several at once, and `merge`.

use std::path::Path;

use crate::support::terminal::{ROOMY, Student};
use crate::support::{Ended, Place};

/// An example that holds, one that does not, and an exercise that holds.
const LESSON: &str = "# L\n\n```redis\n> SET a 1\nOK\n```\n\n```redis\n> GET a\n\"2\"\n```\n\n## E\n\n```toml exercise\nid = \"e\"\n[[check]]\nid = \"saved\"\ncalls = { save = \">= 1\" }\n```\n\n> [!TIP]\n> look\n\n```redis starter fails=saved\nPING\n```\n\n```redis solution\nSAVE\n```\n\n```redis wrong fails=saved\nPING\n```\n";
/// The line of the command whose reply does not hold.
const BROKEN_LINE: usize = 9;

fn place() -> Place {
    let place = Place::new();
    place.file("course/01-l.md", LESSON);
    place
}

fn good_place() -> Place {
    let place = Place::new();
    place.file("course/01-l.md", LESSON.replace("\"2\"", "(nil)"));
    place
}

fn verify(place: &Place, more: &[&str]) -> Ended {
    place.run(&[&["verify", "--lessons", "course"], more].concat())
}

fn read(place: &Place, name: &str) -> String {
    let path = place.work().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(place: &Place) -> Vec<String> {
    let entries = std::fs::read_dir(place.work()).unwrap();
    let mut names: Vec<String> =
        entries.map(|it| it.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn one_run_gives_several_reports() {
    let place = place();
    let wanted =
        ["jsonl=r.jsonl", "junit=r.xml", "github=r.txt", "summary=r.md", "human=human.txt"];
    let options: Vec<&str> = wanted.iter().flat_map(|it| ["--report", it]).collect();
    let ended = verify(&place, &options);
    assert_eq!(ended.code, 1, "{ended:?}");
    let names = ["course", "human.txt", "r.jsonl", "r.md", "r.txt", "r.xml"];
    assert_eq!(files(&place), names);
    assert!(ended.stdout.starts_with("l/example-2\n"), "{ended:?}");
    assert!(read(&place, "human.txt").contains("6 of 7 cases as they must be"));
    assert!(read(&place, "r.xml").contains("failures=\"1\" errors=\"0\""));
    assert!(
        read(&place, "r.txt")
            .starts_with(&format!("::error file=course/01-l.md,line={BROKEN_LINE},"))
    );
    assert!(read(&place, "r.md").contains("| 6 | 1 | 0 | 0 | 0 |"));
    let last: serde_json::Value =
        serde_json::from_str(read(&place, "r.jsonl").lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["conclusion"]), (&"end".into(), &"failed".into()));
}

#[test]
fn the_command_in_a_report_repeats_the_case() {
    let place = place();
    verify(&place, &["--report", "jsonl=r.jsonl"]);
    let text = read(&place, "r.jsonl");
    let events = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let failed = events.filter(|event| event["outcome"] == "failed").collect::<Vec<_>>();
    assert_eq!(failed.len(), 1, "{text}");
    let repeat = failed[0]["repeat"].as_str().unwrap();
    let words: Vec<&str> = repeat.split(' ').skip(1).collect();
    let again = place.run(&words);
    assert_eq!(again.code, 1, "{again:?}");
    assert!(again.stdout.contains("0 of 1 cases as they must be"), "{again:?}");
}

#[test]
fn annotations_are_about_files_in_the_repository() {
    let place = place();
    let mut command = place.command(&["verify", "--report", "github", "--lessons", "."]);
    command.current_dir(place.work().join("course")).env("GITHUB_WORKSPACE", place.work());
    let ended = Ended::from(command.output().unwrap());
    let start = format!("::error file=course/01-l.md,line={BROKEN_LINE},title=");
    assert!(ended.stdout.starts_with(&start), "{ended:?}");
    assert_eq!(ended.stdout.lines().count(), 1, "{ended:?}");
}

#[test]
fn on_github_annotations_and_the_summary_come_by_themselves() {
    let place = place();
    let summary = place.file("summary.md", "before\n");
    let run = |more: &[&str]| {
        let mut command = place.command(&[&["verify", "--lessons", "course"], more].concat());
        command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", &summary);
        Ended::from(command.output().unwrap())
    };
    let ended = run(&[]);
    assert!(ended.stdout.contains("6 of 7 cases as they must be"), "{ended:?}");
    assert!(ended.stdout.contains("\n::error file="), "{ended:?}");
    let text = read(&place, "summary.md");
    assert!(text.starts_with("before\n## redislings: course: failed\n"), "{text}");
    let ended = run(&["--report", "human"]);
    assert!(!ended.stdout.contains("::error"), "{ended:?}");
    assert_eq!(read(&place, "summary.md"), text);
}

#[test]
fn json_is_still_one_document_beside_other_reports() {
    let place = place();
    let ended = verify(&place, &["--format", "json", "--report", "junit=r.xml"]);
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(json["outcome"], "failed");
    assert!(read(&place, "r.xml").contains("<failure "));
}

#[test]
fn lessons_that_cant_be_loaded_are_annotated_and_no_junit_is_green() {
    let place = Place::new();
    place.file("course/01-l.md", "# L\n\n```toml exercise\nid = \"e\"\nnonsense = 1\n```\n");
    let reports = ["github", "junit=r.xml", "jsonl=r.jsonl", "human=human.txt"];
    let options: Vec<&str> = reports.iter().flat_map(|it| ["--report", it]).collect();
    let ended = verify(&place, &options);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stdout.starts_with("::error file=course/01-l.md,line="), "{ended:?}");
    let xml = read(&place, "r.xml");
    assert!(xml.contains("<error ") && !xml.contains("errors=\"0\""), "{xml}");
    assert!(read(&place, "human.txt").starts_with("error: course/01-l.md:"));
    let merged = place.run(&["merge", "r.jsonl"]);
    assert_eq!(merged.code, 2, "{merged:?}");
    assert!(
        merged.stderr.contains("the lessons of `r.jsonl` could not be loaded: course/01-l.md:")
    );
}

#[test]
fn a_report_in_a_folder_that_is_not_there_is_told_before_anything_runs() {
    let place = place();
    let ended = verify(&place, &["--report", "jsonl=a.jsonl", "--report", "junit=no/such/r.xml"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
    assert!(ended.stderr.contains("there is no folder `no/such`"), "{ended:?}");
    assert!(!ended.stderr.contains("server:"), "{ended:?}");
    assert_eq!(files(&place), ["course"]);
}

#[test]
fn a_bad_command_line_writes_nothing() {
    let place = place();
    let report = ["--report", "jsonl=a.jsonl", "--report", "summary=a.md"];
    let bad: [&[&str]; 4] = [
        &["no-such-thing"],
        &["--partition", "5/4"],
        &["--report", "junit", "--report", "github"],
        &["--report", "x"],
    ];
    for more in bad {
        let ended = verify(&place, &[&report, more].concat());
        assert_eq!(ended.code, 2, "{ended:?}");
        assert_eq!(files(&place), ["course"], "{more:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_no_result() {
    let place = good_place();
    for report in ["junit=/dev/full", "jsonl=/dev/full"] {
        let ended = verify(&place, &["--report", report]);
        assert_eq!(ended.code, 3, "{ended:?}");
        assert!(
            ended.stderr.contains("the result could not be written to `/dev/full`"),
            "{ended:?}"
        );
        assert!(Path::new("/dev/full").metadata().is_ok_and(|it| !it.is_file()));
    }
}

/// Runs that part and leaves `NAME.jsonl`.
fn part(place: &Place, name: &str, slice: &str) {
    verify(place, &["--partition", slice, "--report", &format!("jsonl={name}.jsonl")]);
}

/// The events without what differs from run to run.
fn events(text: &str) -> Vec<serde_json::Value> {
    let events = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let mut events: Vec<serde_json::Value> = events.collect();
    events.retain_mut(|event| {
        let event = event.as_object_mut().unwrap();
        event.remove("took_ms");
        // A busy machine has cases run again.
        event.remove("again");
        true
    });
    events.sort_by_key(ToString::to_string);
    events
}

#[test]
fn two_parts_merged_equal_the_whole_run() {
    let place = place();
    part(&place, "one", "1/2");
    part(&place, "two", "2/2");
    part(&place, "whole", "all");
    let merged = place.run(&["merge", "two.jsonl", "one.jsonl", "--report", "jsonl"]);
    assert_eq!(merged.code, 1, "{merged:?}");
    assert_eq!(events(&merged.stdout), events(&read(&place, "whole.jsonl")));
}

#[test]
fn a_missing_part_is_never_green() {
    let place = good_place();
    part(&place, "one", "1/3");
    part(&place, "three", "3/3");
    let ended = place.run(&[
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
    assert!(read(&place, "r.xml").contains("errors=\"1\""));
    part(&place, "two", "2/3");
    let ended = place.run(&["merge", "one.jsonl", "two.jsonl", "three.jsonl"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("7 of 7 cases as they must be"), "{ended:?}");
}

#[test]
fn a_part_that_was_cut_off_is_never_green() {
    let place = good_place();
    part(&place, "all", "all");
    let text = read(&place, "all.jsonl");
    place.file("cut.jsonl", &text[..text.len() - 20]);
    let ended = place.run(&["merge", "cut.jsonl"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stdout.contains("the run of `cut.jsonl` did not come to its end"), "{ended:?}");
}

#[test]
fn what_is_no_report_is_told_with_its_line() {
    let place = good_place();
    part(&place, "all", "all");
    let broken = read(&place, "all.jsonl").replacen("\"event\":\"case\"", "\"event\":case", 1);
    place.file("broken.jsonl", broken);
    let ended = place.run(&["merge", "all.jsonl", "broken.jsonl"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
    assert!(ended.stderr.contains("broken.jsonl:2: this is no line of a report"), "{ended:?}");
}

#[test]
fn reports_of_other_lessons_are_refused_by_name() {
    let (place, other) = (place(), good_place());
    part(&place, "one", "1/2");
    part(&other, "two", "2/2");
    place.file("two.jsonl", read(&other, "two.jsonl"));
    let ended = place.run(&["merge", "one.jsonl", "two.jsonl"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    let fact = "`one.jsonl` and `two.jsonl` are not about the same lessons and cases";
    assert!(ended.stderr.contains(fact), "{ended:?}");
}

#[test]
fn a_repetition_is_streamed_as_well() {
    let place = place();
    verify(&place, &["l/example-1", "--repeat", "3", "--report", "jsonl=r.jsonl"]);
    let cases: Vec<String> = read(&place, "r.jsonl")
        .lines()
        .filter(|it| it.contains("\"event\":\"case\""))
        .map(str::to_owned)
        .collect();
    assert_eq!(cases.len(), 1, "{cases:?}");
    assert!(cases[0].contains("\"runs\":3"), "{cases:?}");
}

#[test]
fn a_terminal_shows_a_bar_and_takes_it_away_again() {
    let student = Student::new();
    let mut terminal = student.starts_redislings_with(ROOMY, |command| {
        command.args(["verify", "creating-snapshots/redis"]);
    });
    terminal.sees("] 0 of ");
    terminal.sees("cases as they must be");
    terminal.ends();
    assert!(!terminal.text().contains("] "), "{}", terminal.text());
}

#[test]
fn in_words_only_no_bar_is_drawn() {
    let student = Student::new();
    let mut terminal = student.starts_redislings_with(ROOMY, |command| {
        command.args(["verify", "creating-snapshots/redis", "--plain"]);
    });
    terminal.sees("cases as they must be");
    terminal.ends();
    assert!(!terminal.bytes().contains(&b'\x1b'), "{}", terminal.text());
}
