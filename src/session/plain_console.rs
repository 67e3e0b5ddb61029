//! The line-mode console, for screen readers (`--plain`) and dumb terminals: it only ever appends
//! output, and reads whole lines.

use std::fmt::Write as _;
use std::io::{BufRead as _, Write as _};
use std::os::unix::net::UnixStream;

use super::console::{Console, Frame, Key, ReadKey, Shown, Size};
use crate::ask::{Ask, NoAnswer};
use crate::cleanup;
use crate::error::EnvironmentError;
use crate::present::charset::fitting;
use crate::present::text::wrap;
use crate::present::{output_width, screen_width};

/// A console on standard input and output.
#[derive(Default)]
pub struct PlainConsole {
    shown: Frame,
    /// Whether the keys have been listed since something was printed.
    are_keys_listed: bool,
}

impl PlainConsole {
    fn print(&mut self, text: &str) {
        cleanup::stop_if_a_signal_came();
        let mut out = std::io::stdout().lock();
        // A lost terminal ends the session by its signal, not here.
        let _ = out.write_all(fitting(text).as_bytes()).and_then(|()| out.flush());
        self.are_keys_listed = false;
    }

    fn list_keys(&mut self) {
        if !self.are_keys_listed && !self.shown.is_busy {
            let keys = format!("type a letter and Enter: {}", self.shown.keys.join(", "));
            self.print(&format!("\n{}\n", wrap(&keys, screen_width(), "")));
            self.are_keys_listed = true;
        }
    }

    fn ask_line(&mut self, question: &str) -> Result<String, NoAnswer> {
        self.print(question);
        read_line().map(|line| line.trim().to_owned()).ok_or(NoAnswer::Interrupted)
    }
}

/// `None` at the end of standard input.
fn read_line() -> Option<String> {
    cleanup::stop_if_a_signal_came();
    let mut line = String::new();
    let count = std::io::stdin().lock().read_line(&mut line).unwrap_or(0);
    cleanup::stop_if_a_signal_came();
    (count > 0).then_some(line)
}

#[expect(clippy::unnecessary_wraps, reason = "the other console may fail")]
fn read_key(_: &UnixStream) -> Result<Option<Key>, EnvironmentError> {
    Ok(Some(read_line().map_or(Key::Closed, |line| key_of(line.trim()))))
}

/// Lines that are broken at spaces, and not by the terminal inside words.
fn wrapped(text: &str) -> String {
    text.lines().map(|line| wrap(line, output_width(), "") + "\n").collect()
}

/// The key that a typed line stands for: its number or its first letter; Enter for an empty line.
fn key_of(line: &str) -> Key {
    match (line.parse(), line.chars().next()) {
        (Ok(number), _) => Key::Number(number),
        (Err(_), Some(letter)) => Key::Char(letter),
        (Err(_), None) => Key::Enter,
    }
}

impl Console for PlainConsole {
    fn size(&self) -> Size {
        Size { columns: screen_width(), rows: usize::MAX }
    }

    fn show(&mut self, frame: &Frame) -> Shown {
        let mut text = String::new();
        if frame.title != self.shown.title || frame.body != self.shown.body {
            match frame.body.strip_prefix(&self.shown.body) {
                // A screen reader should not repeat text that only grew.
                Some(more) if frame.title == self.shown.title => text.push_str(more),
                _ => {
                    let _ = write!(text, "\n{}\n{}", wrapped(&frame.title), frame.body);
                }
            }
        }
        for check in frame.checks.iter().filter(|check| !self.shown.checks.contains(check)) {
            text.push_str(&wrapped(check));
        }
        // A screen reader would never get to the end of a status that changes many times a second.
        let is_readable = !frame.is_busy || !self.shown.is_busy;
        if frame.status != self.shown.status && !frame.status.is_empty() && is_readable {
            text.push_str(&wrapped(&frame.status));
        }
        if !text.is_empty() {
            self.print(&text);
        }
        self.are_keys_listed &= frame.keys_pressed == self.shown.keys_pressed;
        self.shown = frame.clone();
        self.list_keys();
        Shown { top: 0, seen: usize::MAX, below: 0 }
    }

    fn read_key(&self) -> ReadKey {
        read_key
    }

    fn suspend_ui(&mut self) {}

    fn resume_ui(&mut self) {
        self.are_keys_listed = false;
    }

    /// No key asks for it: the terminal itself handles Ctrl-Z.
    fn suspend(&mut self) -> bool {
        true
    }
}

impl Ask for PlainConsole {
    fn choose(
        &mut self,
        question: &str,
        options: &[String],
        _start: usize,
    ) -> Result<usize, NoAnswer> {
        let mut text = format!("\n{question}\n");
        for (index, option) in options.iter().enumerate() {
            let _ = writeln!(text, "{}: {option}", index + 1);
        }
        text.push_str("type a number and Enter, or only Enter to cancel: ");
        loop {
            let line = self.ask_line(&text)?;
            if line.is_empty() {
                return Err(NoAnswer::Cancelled);
            }
            match line.parse::<usize>() {
                Ok(number) if (1..=options.len()).contains(&number) => return Ok(number - 1),
                _ => self.print("no such number\n"),
            }
        }
    }

    fn confirm(&mut self, question: &str) -> Result<bool, NoAnswer> {
        let line = self.ask_line(&format!("\n{question} type y or n, and Enter: "))?;
        Ok(line.to_lowercase().starts_with('y'))
    }
}
