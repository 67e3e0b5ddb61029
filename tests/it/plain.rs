//! `--plain`: output in words only, for screen readers.

use crate::support::{Ended, Workspace};

/// Arrows, boxes, blocks, other symbols, Braille and escape sequences.
fn is_symbol(c: char) -> bool {
    let ranges = [
        '\u{2190}'..='\u{21ff}',
        '\u{2500}'..='\u{25ff}',
        '\u{2700}'..='\u{27bf}',
        '\u{2800}'..='\u{28ff}',
    ];
    ranges.iter().any(|range| range.contains(&c)) || matches!(c, '\x1b' | '·' | '…')
}

fn assert_no_symbol(ended: &Ended) {
    let shown = format!("{}{}", ended.stdout, ended.stderr);
    assert!(!shown.contains(is_symbol), "{shown}");
}

#[test]
fn a_plain_verdict_has_no_symbols() {
    let workspace = Workspace::new();
    workspace.file("answer.redis", "SET a 1\nSAVE\nBGSAVE now\n");
    for extra in ["--verbose", "--transcript"] {
        let ended = workspace.run(&[
            "check",
            "creating-snapshots",
            "answer.redis",
            "--plain",
            "--color=always",
            extra,
        ]);
        assert_eq!(ended.code, 1, "{ended:?}");
        assert_no_symbol(&ended);
        for part in [
            "\nmet: SAVE took a snapshot\n",
            "\nnot met: BGSAVE began a snapshot\n",
            "\nnot judged, because of what is not met above: ",
            ": SAVE; reply: OK\n",
            " (see the cause)\n",
            "\n  rdb_saves: 0, then 1\n",
        ] {
            assert!(ended.stdout.contains(part), "{part:?} is missing in:\n{}", ended.stdout);
        }
    }
}

#[test]
fn plain_lists_doctor_and_errors_have_no_symbols() {
    let workspace = Workspace::new();
    workspace.file("broken.md", "# A\n\n```redis soluton\nSAVE\n```\n");
    for arguments in [
        &["list"][..],
        &["doctor"],
        &["check", "nothing"],
        &["list", "--lessons", "broken.md"],
        &["--help"],
        &["check", "--what"],
    ] {
        assert_no_symbol(&workspace.run(&[arguments, &["--plain"]].concat()));
    }
}

#[test]
fn a_plain_lesson_error_is_one_line_with_its_location() {
    let workspace = Workspace::new();
    workspace.file("broken.md", "# A\n\n```redis soluton\nSAVE\n```\n");
    let ended = workspace.run(&["list", "--lessons", "broken.md", "--plain"]);
    assert!(ended.stderr.starts_with("error: broken.md:3:10: "), "{}", ended.stderr);
    assert!(ended.stderr.contains("help: did you mean `solution`?"), "{}", ended.stderr);
}

#[test]
fn redislings_plain_and_a_dumb_terminal_turn_on_plain_output() {
    let workspace = Workspace::new();
    for (name, value) in [("REDISLINGS_PLAIN", "1"), ("TERM", "dumb")] {
        let output = workspace.command(&["list"]).env(name, value).output().unwrap();
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(shown.contains("creating-snapshots: Creating snapshots, open"), "{shown}");
    }
    let output = workspace.command(&["list"]).env("REDISLINGS_PLAIN", "0").output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains('○'));
}
