//! `--plain`: everything in words, for those who hear the screen.

use crate::support::{Ended, Place};

/// Arrows, boxes, blocks, other drawn signs, Braille and escape sequences.
fn is_a_sign(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{21ff}' | '\u{2500}'..='\u{25ff}' | '\u{2700}'..='\u{27bf}' | '\u{2800}'..='\u{28ff}')
        || matches!(c, '\x1b' | '·' | '…')
}

fn has_no_sign(ended: &Ended) {
    let shown = format!("{}{}", ended.stdout, ended.stderr);
    assert!(!shown.contains(is_a_sign), "{shown}");
}

#[test]
fn a_verdict_is_told_in_words() {
    let place = Place::new();
    place.file("answer.redis", "SET a 1\nSAVE\n");
    for extra in ["--color=always", "--transcript"] {
        let ended = place.run(&["check", "creating-snapshots", "answer.redis", "--plain", extra]);
        assert_eq!(ended.code, 1, "{ended:?}");
        has_no_sign(&ended);
        for part in [
            "\nmet: SAVE took a snapshot\n",
            "\nnot met: BGSAVE began a snapshot\n",
            "\nnot reached: ",
            ": SAVE; reply: OK (see the cause)\n",
            "\n  rdb_saves: 0, then 1\n",
        ] {
            assert!(ended.stdout.contains(part), "{part:?} is missing in:\n{}", ended.stdout);
        }
    }
}

#[test]
fn lists_the_doctor_and_mistakes_are_told_in_words() {
    let place = Place::new();
    place.file("broken.md", "# A\n\n```redis soluton\nSAVE\n```\n");
    for arguments in [
        &["list"][..],
        &["doctor"],
        &["check", "nothing"],
        &["list", "--lessons", "broken.md"],
        &["--help"],
        &["check", "--what"],
    ] {
        has_no_sign(&place.run(&[arguments, &["--plain"]].concat()));
    }
}

#[test]
fn a_mistake_in_a_lesson_is_one_line_with_its_place() {
    let place = Place::new();
    place.file("broken.md", "# A\n\n```redis soluton\nSAVE\n```\n");
    let ended = place.run(&["list", "--lessons", "broken.md", "--plain"]);
    assert!(ended.stderr.starts_with("error: broken.md:3:10: "), "{}", ended.stderr);
    assert!(ended.stderr.contains("help: did you mean `solution`?"), "{}", ended.stderr);
}

#[test]
fn the_variable_and_a_dumb_terminal_ask_for_words_too() {
    let place = Place::new();
    for (name, value) in [("REDISLINGS_PLAIN", "1"), ("TERM", "dumb")] {
        let output = place.command(&["list"]).env(name, value).output().unwrap();
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(shown.contains("creating-snapshots: Creating snapshots, open"), "{shown}");
    }
    let output = place.command(&["list"]).env("REDISLINGS_PLAIN", "0").output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains('○'));
}
