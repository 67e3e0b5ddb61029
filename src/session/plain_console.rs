//! The line-mode console, for screen readers (`--plain`) and dumb terminals: it only ever appends
//! output, and reads whole lines.

use std::fmt::Write as _;
use std::io::{BufRead as _, Write as _};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread;
use std::time::Duration;

use super::console::{Console, Event, Frame, Key, Size};
use crate::ask::{Ask, NoAnswer};
use crate::cleanup;
use crate::error::{EnvironmentError, no_thread};
use crate::present::screen_width;
use crate::present::text::wrap;

/// A console on standard input and output.
pub struct PlainConsole {
    /// `None` is the end of standard input.
    lines: Receiver<Option<String>>,
    /// Asks the reading thread for one line. It reads only on demand, because an editor may have
    /// the terminal in between.
    wanted: SyncSender<()>,
    is_reading: bool,
    shown: Frame,
    /// Whether something was printed since the keys were listed.
    keys_are_due: bool,
}

enum Input {
    NotYet,
    Line(String),
    End,
}

impl PlainConsole {
    /// Starts the thread that reads standard input.
    pub fn open() -> Result<Self, EnvironmentError> {
        let (wanted, requests) = mpsc::sync_channel(1);
        let (sender, lines) = mpsc::channel();
        thread::Builder::new()
            .name("keyboard".into())
            .spawn(move || read_lines(&requests, &sender))
            .map_err(no_thread)?;
        let shown = Frame::default();
        Ok(Self { lines, wanted, is_reading: false, shown, keys_are_due: true })
    }

    fn print(&mut self, text: &str) {
        cleanup::stop_if_a_signal_came();
        let mut out = std::io::stdout().lock();
        // A lost terminal ends the session by its signal, not here.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        self.keys_are_due = true;
    }

    /// The next line, if one arrives within `timeout`.
    fn line(&mut self, timeout: Duration) -> Input {
        if !self.is_reading {
            let _ = self.wanted.try_send(());
            self.is_reading = true;
        }
        let input = match self.lines.recv_timeout(timeout) {
            Ok(Some(line)) => Input::Line(line),
            Err(RecvTimeoutError::Timeout) => return Input::NotYet,
            Ok(None) | Err(RecvTimeoutError::Disconnected) => Input::End,
        };
        self.is_reading = false;
        input
    }

    fn ask_line(&mut self, question: &str) -> Result<String, NoAnswer> {
        self.print(question);
        loop {
            cleanup::stop_if_a_signal_came();
            match self.line(Duration::from_millis(100)) {
                Input::Line(line) => return Ok(line.trim().to_owned()),
                Input::End => return Err(NoAnswer::Interrupted),
                Input::NotYet => {}
            }
        }
    }
}

/// Reads one line for each request, until either side of the channels is gone.
fn read_lines(requests: &Receiver<()>, lines: &Sender<Option<String>>) {
    while requests.recv().is_ok() {
        let mut line = String::new();
        let count = std::io::stdin().lock().read_line(&mut line).unwrap_or(0);
        if lines.send((count > 0).then_some(line)).is_err() {
            break;
        }
    }
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

    fn show(&mut self, frame: &Frame) -> (usize, usize) {
        let mut text = String::new();
        if frame.title != self.shown.title || frame.body != self.shown.body {
            match frame.body.strip_prefix(&self.shown.body) {
                // A screen reader should not repeat text that only grew.
                Some(more) if frame.title == self.shown.title => text.push_str(more),
                _ => {
                    let _ = write!(text, "\n{}\n\n{}", frame.title, frame.body);
                }
            }
        }
        for check in frame.checks.iter().filter(|check| !self.shown.checks.contains(check)) {
            text.push_str(check);
            text.push('\n');
        }
        // A screen reader would never get to the end of a status that changes many times a second.
        let is_readable = !frame.is_busy || !self.shown.is_busy;
        if frame.status != self.shown.status && !frame.status.is_empty() && is_readable {
            text.push_str(&frame.status);
            text.push('\n');
        }
        if !text.is_empty() {
            self.print(&text);
        }
        self.shown = frame.clone();
        (0, usize::MAX)
    }

    fn event(&mut self, timeout: Duration) -> Result<Option<Event>, EnvironmentError> {
        cleanup::stop_if_a_signal_came();
        if self.keys_are_due && !self.shown.is_busy {
            let keys = format!("type a letter and Enter: {}", self.shown.keys.join(", "));
            self.print(&format!("\n{}\n", wrap(&keys, screen_width(), "")));
            self.keys_are_due = false;
        }
        let key = match self.line(timeout) {
            Input::NotYet => return Ok(None),
            Input::End => Key::Closed,
            Input::Line(line) => key_of(line.trim()),
        };
        self.keys_are_due = true;
        Ok(Some(Event::Key(key)))
    }

    fn suspend_ui(&mut self) {}

    fn resume_ui(&mut self) {
        self.keys_are_due = true;
    }

    fn suspend(&mut self) {}
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
