//! The terminal and the connection of the Redis prompt.

use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::event::{Event, PromptEvent, spawn};
use super::input::SharedEditor;
use super::unprinted::{UnprintedMessage, wait_for_room};
use crate::cleanup::{self, InterruptibleWait};
use crate::error::EnvironmentError;
use crate::present::charset::fitting;
use crate::present::text::wrap;
use crate::present::{plain, screen_width, terminal as shown, waiting};
use crate::redis_prompt::{CommandDocs, Editor, Executor, WhileWaiting};

type Line = (String, Duration);

/// Below the text of a check, after its mark.
const NOTE_INDENT: &str = "    ";

pub(super) struct PromptTerminal {
    history: Option<PathBuf>,
    events: Sender<Event>,
    /// Lives on when the prompt is closed: it remembers lines that the history file does not.
    editor: Option<SharedEditor>,
    printer: Option<Box<dyn FnMut(String)>>,
    /// While the prompt is open.
    connection: Option<Connection>,
}

/// A thread that runs lines. It ends after the current one when this is dropped.
struct Connection {
    lines: Sender<Line>,
    is_cancelled: Arc<AtomicBool>,
    /// Ctrl-C must drop the line, not end the program: on a dumb terminal, and between a reply and
    /// the next line, it is a signal.
    _wait: InterruptibleWait,
}

impl PromptTerminal {
    pub(super) fn new(history: Option<PathBuf>, events: Sender<Event>) -> Self {
        Self { history, events, editor: None, printer: None, connection: None }
    }

    pub(super) fn editor(&self) -> Option<&SharedEditor> {
        self.editor.as_ref()
    }

    pub(super) fn open(&mut self, address: Option<&str>, docs: Arc<CommandDocs>) -> PromptEvent {
        match self.try_to_open(address.unwrap_or_default(), docs) {
            Ok(()) => PromptEvent::Opened { has_printer: self.printer.is_some() },
            Err(error) => PromptEvent::NotOpened(error),
        }
    }

    fn try_to_open(
        &mut self,
        address: &str,
        docs: Arc<CommandDocs>,
    ) -> Result<(), EnvironmentError> {
        let target = redis::IntoConnectionInfo::into_connection_info(format!("redis://{address}"))
            .map_err(|error| EnvironmentError::new(error.to_string(), "try again"))?;
        if self.editor.is_none() {
            let is_colored = colored::control::SHOULD_COLORIZE.should_colorize();
            let mut editor = Editor::new(self.history.clone(), docs, is_colored)?;
            self.printer = editor.printer().map(|printer| Box::new(printer) as Box<_>);
            self.editor = Some(Arc::new(Mutex::new(editor)));
        }
        let (lines, for_thread) = mpsc::channel();
        let is_cancelled = Arc::<AtomicBool>::default();
        let (events, flag) = (self.events.clone(), Arc::clone(&is_cancelled));
        spawn("prompt", &self.events, move || {
            run_lines(Executor::new(target), &for_thread, &events, &flag);
        })?;
        let (events, flag) = (self.events.clone(), Arc::clone(&is_cancelled));
        let wait = InterruptibleWait::begin(move || {
            // At once: many messages may be waiting before the event.
            flag.store(true, Ordering::SeqCst);
            let _ = events.send(Event::Interrupted);
        });
        self.connection = Some(Connection { lines, is_cancelled, _wait: wait });
        Ok(())
    }

    pub(super) fn run(&self, line: String, limit: Duration) {
        if let Some(connection) = &self.connection {
            connection.is_cancelled.store(false, Ordering::SeqCst);
            let _ = connection.lines.send((line, limit));
        }
    }

    pub(super) fn close(&mut self) {
        self.connection = None;
    }

    /// Prints to the shell's screen, since the prompt has no screen of its own; above the line that
    /// is being typed, if there is one.
    pub(super) fn print(&mut self, text: String, above_a_line: bool) {
        match &mut self.printer {
            Some(printer) if above_a_line => {
                cleanup::stop_if_a_signal_came();
                printer(text);
            }
            _ => print(&text),
        }
    }
}

/// Each line wrapped at words, under its own indentation.
pub(super) fn wrapped(text: &str) -> String {
    let width = screen_width().saturating_sub(NOTE_INDENT.len());
    text.lines().map(|line| wrap(line, width, NOTE_INDENT) + "\n").collect()
}

pub(super) fn print_notice(line: &str) {
    print(&shown::notice(line, screen_width()));
}

pub(super) fn print_wait(what: &str, elapsed: Duration) {
    let text = format!("{what} · {:.1} s · Ctrl-C cancels", elapsed.as_secs_f64());
    let width = screen_width().saturating_sub(1);
    let line = waiting::line(&text, elapsed, Duration::ZERO, width);
    print(&if plain::is_on() { format!("{line}\n") } else { format!("\r\x1b[K{line}") });
}

fn print(text: &str) {
    cleanup::stop_if_a_signal_came();
    let mut out = std::io::stdout().lock();
    // A lost terminal ends the session by its signal, not here.
    let _ = out.write_all(fitting(text).as_bytes()).and_then(|()| out.flush());
}

pub(super) fn print_end_of_editing() {
    // Bracketed paste off, cursor on.
    print("\x1b[?2004l\x1b[?25h\r\n");
}

fn run_lines(
    mut executor: Executor,
    lines: &Receiver<Line>,
    events: &Sender<Event>,
    is_cancelled: &AtomicBool,
) {
    let send = |event| {
        let _ = events.send(Event::Prompt(event));
    };
    let unprinted = Arc::<AtomicUsize>::default();
    for (line, limit) in lines {
        let reply = executor.run(&line, limit, &mut |meanwhile| {
            if let WhileWaiting::Message(message) = meanwhile {
                wait_for_room(&unprinted, is_cancelled);
                send(PromptEvent::Message(UnprintedMessage::new(message, &unprinted)));
            }
            if is_cancelled.load(Ordering::SeqCst) {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        send(PromptEvent::Replied(reply, executor.prompt()));
    }
}
