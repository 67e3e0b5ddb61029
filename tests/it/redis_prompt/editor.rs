//! The line editor in a real pseudo-terminal: each test starts itself there once more.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portable_pty::{CommandBuilder, PtySize};
use redislings::redis_prompt::{CommandDocs, Editor, EditorLine};

use crate::support::terminal::{CTRL_C, Terminal};

/// The path of the history file; set only in a test process that runs the editor.
const HISTORY: &str = "REDISLINGS_TEST_HISTORY";
const CTRL_D: &[u8] = b"\x04";
const ENTER: &[u8] = b"\r";
const UP: &[u8] = b"\x1b[A";

/// With [`HISTORY`] set: reads lines to the end and prints them. Otherwise: a terminal in which the
/// test `name` does that.
fn editor_in_a_terminal(name: &str, history: &Path, term: &str) -> Option<Terminal> {
    if let Some(history) = std::env::var_os(HISTORY) {
        read_all(PathBuf::from(history), term != "dumb");
        return None;
    }
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("redis_prompt::editor::{name}"), "--nocapture"]);
    command.env(HISTORY, history);
    // The test there makes a folder of its own, and is killed: it goes with ours.
    let folder = history.ancestors().find(|path| path.is_dir()).unwrap();
    command.env("TMPDIR", folder);
    command.env("TERM", term);
    let size = PtySize { rows: 30, cols: 100, ..PtySize::default() };
    let terminal = Terminal::open(command, size);
    terminal.sees("redis>");
    Some(terminal)
}

#[expect(clippy::print_stdout, reason = "the test compares the screen")]
fn read_all(history: PathBuf, colored: bool) {
    let docs = Arc::new(CommandDocs::table().clone());
    let mut editor = Editor::new(Some(history), docs, colored).unwrap();
    loop {
        match editor.read("redis> ", "").unwrap() {
            EditorLine::Typed(line) => println!("typed {line:?}"),
            EditorLine::Cancelled => println!("cancelled"),
            EditorLine::End => break println!("the end"),
        }
    }
}

fn temporary() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let history = folder.path().join("new/folder/history");
    (folder, history)
}

/// Types at an empty prompt and presses Enter.
fn types(terminal: &mut Terminal, keys: &[u8], expected: &str) {
    terminal.is_asked_for_a_command();
    finishes(terminal, keys, expected);
}

/// Types the rest of a line and presses Enter.
fn finishes(terminal: &mut Terminal, keys: &[u8], expected: &str) {
    terminal.presses(keys);
    terminal.presses(ENTER);
    terminal.sees(expected);
}

#[test]
fn the_usual_keys_edit_the_line() {
    let (_folder, history) = temporary();
    let name = "the_usual_keys_edit_the_line";
    let Some(mut terminal) = editor_in_a_terminal(name, &history, "xterm") else { return };
    types(&mut terminal, b"GET one two\x17three\x01X\x05Z", "typed \"XGET one threeZ\"");
    types(&mut terminal, b"GET abc\x1b[D\x0b", "typed \"GET ab\"");
    types(&mut terminal, b"lost\x15GET kept", "typed \"GET kept\"");
}

#[test]
fn ctrl_c_drops_the_line_and_ctrl_d_ends_on_an_empty_one() {
    let (_folder, history) = temporary();
    let name = "ctrl_c_drops_the_line_and_ctrl_d_ends_on_an_empty_one";
    let Some(mut terminal) = editor_in_a_terminal(name, &history, "xterm") else { return };
    terminal.is_asked_for_a_command();
    terminal.presses(b"FLUSHALL");
    terminal.presses(CTRL_C);
    terminal.sees("cancelled");
    terminal.is_asked_for_a_command();
    terminal.presses(b"GET x");
    terminal.presses(CTRL_D);
    finishes(&mut terminal, b"y", "typed \"GET xy\"");
    terminal.is_asked_for_a_command();
    terminal.presses(CTRL_D);
    terminal.sees("the end");
    assert!(!terminal.text().contains("typed \"FLUSHALL"), "{}", terminal.text());
    terminal.ends();
    assert!(terminal.is_sane());
}

#[test]
fn text_after_ctrl_c_is_the_next_line() {
    let (_folder, history) = temporary();
    let name = "text_after_ctrl_c_is_the_next_line";
    let Some(mut terminal) = editor_in_a_terminal(name, &history, "xterm") else { return };
    terminal.is_asked_for_a_command();
    terminal.presses(b"FLUSHALL\x03GET kept\r");
    terminal.sees("typed \"GET kept\"");
    assert!(!terminal.text().contains("typed \"FLUSHALL"), "{}", terminal.text());
    terminal.is_asked_for_a_command();
    // It also drops the line in a history search and after the list of completions.
    terminal.presses(b"\x12GET\x03GET two\rS\t\t\x03GET three\r");
    terminal.sees("typed \"GET two\"");
    terminal.sees("typed \"GET three\"");
    assert_eq!(std::fs::read_to_string(&history).unwrap(), "#V2\nGET kept\nGET two\nGET three\n");
}

#[test]
fn a_paste_of_several_lines_is_one_line() {
    let (_folder, history) = temporary();
    let name = "a_paste_of_several_lines_is_one_line";
    let Some(mut terminal) = editor_in_a_terminal(name, &history, "xterm") else { return };
    types(
        &mut terminal,
        b"\x1b[200~SET a 1\nSET b 2\r\nSET c 3\x1b[201~",
        "typed \"SET a 1\\nSET b 2\\nSET c 3\"",
    );
}

#[test]
fn a_paste_without_brackets_loses_no_line() {
    let (_folder, history) = temporary();
    let name = "a_paste_without_brackets_loses_no_line";
    let Some(mut terminal) = editor_in_a_terminal(name, &history, "xterm") else { return };
    terminal.is_asked_for_a_command();
    terminal.presses(b"SET a 1\rSET b 2\rSET c 3\r");
    for line in ["SET a 1", "SET b 2", "SET c 3"] {
        terminal.sees(&format!("typed \"{line}\""));
    }
}

#[test]
fn the_history_is_private_and_holds_no_passwords() {
    let (_folder, history) = temporary();
    let name = "the_history_is_private_and_holds_no_passwords";
    let Some(mut terminal) = editor_in_a_terminal(name, &history, "xterm") else { return };
    types(&mut terminal, b"LASTSAVE", "typed \"LASTSAVE\"");
    types(&mut terminal, b"GET a", "typed \"GET a\"");
    types(&mut terminal, b"GET a", "typed \"GET a\"");
    types(&mut terminal, b"AUTH s3cret", "typed \"AUTH s3cret\"");
    terminal.is_asked_for_a_command();
    terminal.presses(CTRL_D);
    terminal.ends();
    let kept = std::fs::read_to_string(&history).unwrap();
    assert_eq!(kept, "#V2\nLASTSAVE\nGET a\n");
    assert_eq!(std::fs::metadata(&history).unwrap().permissions().mode() & 0o777, 0o600);

    let mut terminal = editor_in_a_terminal(name, &history, "xterm").unwrap();
    types(&mut terminal, &[UP, UP].concat(), "typed \"LASTSAVE\"");
    types(&mut terminal, b"\x12GET", "typed \"GET a\"");
}

#[test]
fn an_unwritable_history_lasts_as_long_as_the_editor() {
    let (folder, _) = temporary();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let history = folder.path().join("file/history");
    let name = "an_unwritable_history_lasts_as_long_as_the_editor";
    let Some(mut terminal) = editor_in_a_terminal(name, &history, "xterm") else { return };
    types(&mut terminal, b"PING one", "typed \"PING one\"");
    terminal.is_asked_for_a_command();
    terminal.presses(UP);
    finishes(&mut terminal, b"!", "typed \"PING one!\"");
}

#[test]
fn tab_completes_and_arguments_are_shown_right_of_the_cursor() {
    let (_folder, history) = temporary();
    let name = "tab_completes_and_arguments_are_shown_right_of_the_cursor";
    let Some(mut terminal) = editor_in_a_terminal(name, &history, "xterm") else { return };
    terminal.is_asked_for_a_command();
    terminal.presses(b"bgs\t");
    terminal.sees("redis> bgsave [SCHEDULE]");
    finishes(&mut terminal, b"s\t", "typed \"bgsave schedule \"");
    terminal.is_asked_for_a_command();
    terminal.presses(b"LPUSH mylist");
    terminal.sees("redis> LPUSH mylist element [element ...]");
    finishes(&mut terminal, b" a", "typed \"LPUSH mylist a\"");
    assert!(terminal.text().contains("redis> LPUSH mylist a\n"), "{}", terminal.text());
}

#[test]
fn a_dumb_terminal_gets_plain_lines() {
    let (_folder, history) = temporary();
    let name = "a_dumb_terminal_gets_plain_lines";
    let Some(mut terminal) = editor_in_a_terminal(name, &history, "dumb") else { return };
    finishes(&mut terminal, b"GET a", "typed \"GET a\"");
    assert!(!terminal.bytes().contains(&0x1b));
}
