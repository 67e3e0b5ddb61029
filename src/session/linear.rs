//! A terminal that is read line by line: one thing below the other, nothing ever drawn over, answers typed with Enter.
//!
//! For screen readers (`--plain`) and dumb terminals.

use std::fmt::Write as _;
use std::io::{BufRead as _, Write as _};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use super::console::{Console, Event, Frame, Key, Size};
use crate::ask::{Ask, NoAnswer};
use crate::cleanup;
use crate::error::{WorldError, no_thread};
use crate::present::screen_width;
use crate::present::text::wrap;

/// Standard input and output, line by line.
pub struct Linear {
    lines: Receiver<Option<String>>,
    /// A line is read only when one is wanted: somebody else may have the terminal meanwhile.
    wanted: SyncSender<()>,
    is_reading: bool,
    shown: Frame,
    /// Whether something was printed since the keys were named.
    is_news: bool,
}

/// What came from the keyboard.
enum Input {
    NotYet,
    Line(String),
    /// There will be no more.
    End,
}

impl Linear {
    /// Begins to read lines.
    pub fn open() -> Result<Self, WorldError> {
        let (wanted, asked) = mpsc::sync_channel(1);
        let (sender, lines) = mpsc::channel();
        let read = move || {
            while asked.recv().is_ok() {
                let mut line = String::new();
                let count = std::io::stdin().lock().read_line(&mut line).unwrap_or(0);
                if sender.send((count > 0).then_some(line)).is_err() {
                    break;
                }
            }
        };
        thread::Builder::new().name("keyboard".into()).spawn(read).map_err(no_thread)?;
        let shown = Frame::default();
        Ok(Self { lines, wanted, is_reading: false, shown, is_news: true })
    }

    fn print(&mut self, text: &str) {
        cleanup::stop_if_a_signal_came();
        let mut out = std::io::stdout().lock();
        // A lost terminal ends the session by its signal, not here.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        self.is_news = true;
    }

    /// The next line, if one comes in time.
    fn line(&mut self, patience: Duration) -> Input {
        if !self.is_reading {
            let _ = self.wanted.try_send(());
            self.is_reading = true;
        }
        let input = match self.lines.recv_timeout(patience) {
            Ok(Some(line)) => Input::Line(line),
            Err(RecvTimeoutError::Timeout) => return Input::NotYet,
            Ok(None) | Err(RecvTimeoutError::Disconnected) => Input::End,
        };
        self.is_reading = false;
        input
    }

    fn asked_line(&mut self, question: &str) -> Result<String, NoAnswer> {
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

/// A letter, or a word that begins with it; a number.
fn key_of(line: &str) -> Key {
    match (line.parse(), line.chars().next()) {
        (Ok(number), _) => Key::Number(number),
        (Err(_), Some(letter)) => Key::Char(letter),
        (Err(_), None) => Key::Enter,
    }
}

impl Console for Linear {
    fn size(&self) -> Size {
        Size { columns: screen_width(), rows: usize::MAX }
    }

    fn show(&mut self, frame: &Frame) -> (usize, usize) {
        let mut text = String::new();
        if frame.title != self.shown.title || frame.body != self.shown.body {
            match frame.body.strip_prefix(&self.shown.body) {
                // Nobody wants to hear again what was only added to.
                Some(more) if frame.title == self.shown.title => text.push_str(more),
                _ => {
                    let _ = write!(text, "\n{}\n\n{}", frame.title, frame.body);
                }
            }
        }
        let news = frame.checks.iter().filter(|check| !self.shown.checks.contains(check));
        for check in news {
            text.push_str(check);
            text.push('\n');
        }
        // What changes many times a second would never be read to its end.
        let is_told = !frame.is_busy || !self.shown.is_busy;
        if frame.status != self.shown.status && !frame.status.is_empty() && is_told {
            text.push_str(&frame.status);
            text.push('\n');
        }
        if !text.is_empty() {
            self.print(&text);
        }
        self.shown = frame.clone();
        (0, usize::MAX)
    }

    fn event(&mut self, patience: Duration) -> Result<Option<Event>, WorldError> {
        cleanup::stop_if_a_signal_came();
        if self.is_news && !self.shown.is_busy {
            let keys = format!("type a letter and Enter: {}", self.shown.keys.join(", "));
            self.print(&format!("\n{}\n", wrap(&keys, screen_width(), "")));
            self.is_news = false;
        }
        let key = match self.line(patience) {
            Input::NotYet => return Ok(None),
            Input::End => Key::Closed,
            Input::Line(line) => key_of(line.trim()),
        };
        self.is_news = true;
        Ok(Some(Event::Key(key)))
    }

    fn step_aside(&mut self) {}

    fn come_back(&mut self) {
        self.is_news = true;
    }

    fn suspend(&mut self) {}
}

impl Ask for Linear {
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
        text.push_str("type a number and Enter, nothing to leave it: ");
        loop {
            let line = self.asked_line(&text)?;
            if line.is_empty() {
                return Err(NoAnswer::Cancelled);
            }
            match line.parse::<usize>() {
                Ok(number) if (1..=options.len()).contains(&number) => return Ok(number - 1),
                _ => self.print("there is no such number\n"),
            }
        }
    }

    fn confirm(&mut self, question: &str) -> Result<bool, NoAnswer> {
        let line = self.asked_line(&format!("\n{question} type y or n, and Enter: "))?;
        Ok(line.to_lowercase().starts_with('y'))
    }
}
