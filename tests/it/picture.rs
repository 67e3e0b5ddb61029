//! The picture in the verdicts of real attempts: what it says apart from its times.

use crate::support::Workspace;

fn verdict(exercise: &str, answer: &str) -> String {
    verdict_with(&[], exercise, answer)
}

fn verdict_with(options: &[&str], exercise: &str, answer: &str) -> String {
    let workspace = Workspace::new();
    workspace.file("answer.redis", answer);
    let ended = workspace.run(&[&["check", exercise, "answer.redis"], options].concat());
    assert_eq!(ended.code, 1, "{ended:?}");
    ended.stdout
}

/// The first row of a lane, without its name.
fn lane<'t>(verdict: &'t str, name: &str) -> &'t str {
    let start = format!("  {name}  ");
    let lane = verdict.lines().find_map(|line| line.strip_prefix(&start));
    lane.unwrap_or_else(|| panic!("no lane {name:?} in:\n{verdict}"))
}

/// The column of a sign or a label in the picture.
fn column(verdict: &str, text: &str) -> usize {
    let line = verdict.lines().find(|line| line.contains(text));
    let line = line.unwrap_or_else(|| panic!("no {text:?} in:\n{verdict}"));
    line[..line.find(text).unwrap()].chars().count()
}

#[test]
fn save_is_a_wall_for_everyone() {
    let verdict = verdict("save-blocks-everyone", "SAVE\n");
    assert!(lane(&verdict, "save").contains("the server itself writes"), "{verdict}");
    assert!(lane(&verdict, "others wait").contains(&"█".repeat(40)), "{verdict}");
    assert!(!verdict.contains("who had to wait"), "{verdict}");
}

/// Here, and not beside the pictures: colours are switched on for a whole process.
#[test]
fn the_picture_has_colours() {
    let answer = "SET report:daily ready\nBGSAVE\n";
    let verdict = verdict_with(&["--color", "always"], "using-bgsave", answer);
    for part in ["\x1b[2myour answer\x1b[0m", "\x1b[36m▌SET report:daily", "\x1b[34m├"] {
        assert!(verdict.contains(part), "{part:?} is not in:\n{verdict}");
    }
}

#[test]
fn a_child_writes_on_after_an_early_end() {
    let verdict = verdict("using-bgsave", "SET report:daily ready\nBGSAVE\n");
    let save = lane(&verdict, "save");
    assert!(save.contains("still writing") && save.ends_with("┤ done"), "{verdict}");
    assert_eq!(column(&verdict, "▌end"), column(&verdict, "┼"), "{verdict}");
    assert!(lane(&verdict, "server").contains("killed and restarted ☠"), "{verdict}");
}

#[test]
fn a_kill_at_the_end_ends_the_child() {
    let verdict = verdict(
        "trigger-snapshots-manually",
        "MSET order:1001 paid order:1002 paid order:1003 paid\nBGSAVE\nSAVE\n",
    );
    assert!(lane(&verdict, "save").ends_with("✗ killed"), "{verdict}");
    assert!(verdict.contains("▌SAVE ✗"), "{verdict}");
    assert!(verdict.contains("  ✗ SAVE: ERR Background save already in progress\n"), "{verdict}");
    let back = "none of order:1001, order:1002, order:1003";
    assert!(lane(&verdict, "came back").contains(back), "{verdict}");
}

#[test]
fn the_file_holds_the_moment_of_bgsave() {
    let answer = "SET order:before 1\nBGSAVE\nSET order:during 1\nSET status shipped\n\
                  @wait-bgsave\nSET order:after 1\nHSET prediction status shipped\n";
    let verdict = verdict("restore-from-the-dump", answer);
    let bgsave = column(&verdict, "▌BGSAVE");
    assert_eq!((column(&verdict, "▲"), column(&verdict, "├")), (bgsave, bgsave), "{verdict}");
    assert!(column(&verdict, "┤ done") < column(&verdict, "▌SET after"), "{verdict}");
    let held = "order:before, status = \"paid\", and 1 more; without order:after, order:during";
    assert!(verdict.contains(held), "{verdict}");
}

#[test]
fn a_write_after_bgsave_is_missing_in_the_file() {
    let verdict = verdict("using-bgsave", "BGSAVE\nSET report:daily ready\n@wait-bgsave\n");
    assert!(column(&verdict, "▲") < column(&verdict, "▌SET"), "{verdict}");
    assert!(verdict.contains("; without report:daily"), "{verdict}");
}

#[test]
fn in_words_the_picture_is_a_story() {
    let workspace = Workspace::new();
    workspace.file("answer.redis", "SET report:daily ready\nBGSAVE\n");
    let ended = workspace.run(&["check", "using-bgsave", "answer.redis", "--plain"]);
    let mut rest = ended.stdout.as_str();
    for sentence in [
        "what happened, in order:\n",
        " your answer sent SET report:daily",
        " your answer sent BGSAVE",
        "  A background save began.\n",
        " your answer ended.\n",
        "  The background save was still running.\n",
        " the background save had ended, and its file was complete.\n",
        " the server was killed and restarted.\n",
    ] {
        let at = rest.find(sentence);
        let at = at.unwrap_or_else(|| panic!("no {sentence:?} in:\n{}", ended.stdout));
        rest = &rest[at..];
    }
}

#[test]
fn an_answer_about_values_only_has_no_picture() {
    let workspace = Workspace::new();
    workspace.file("answer.redis", "LASTSAVE\n");
    let ended = workspace.run(&["check", "creating-snapshots", "answer.redis"]);
    assert!(!ended.stdout.contains("▌"), "{}", ended.stdout);
}
