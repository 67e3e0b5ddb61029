//! The input thread: it reads a key or a line when asked for one, and at no other time, since the
//! terminal may belong to an editor, a question or the shell.

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};

use signal_hook::low_level::pipe;

use super::console::ReadKey;
use super::event::{Event, PromptEvent, spawn};
use super::state::Input;
use crate::cleanup::lock;
use crate::error::{EnvironmentError, no_thread};
use crate::redis_prompt::Editor;

/// The line editor of the prompt, which reads on the input thread.
pub(super) type SharedEditor = Arc<Mutex<Editor>>;

enum InputWanted {
    Key,
    Line { editor: SharedEditor, prompt: String, beginning: String },
}

/// The thread's handle.
pub(super) struct InputThread {
    wanted: Sender<InputWanted>,
    /// A byte ends the wait for a key.
    wake: UnixStream,
    reads_a_key: bool,
    reads_a_line: bool,
}

impl InputThread {
    pub(super) fn start(
        read_key: ReadKey,
        signals: &[i32],
        events: &Sender<Event>,
    ) -> Result<Self, EnvironmentError> {
        let (woken, wake) = UnixStream::pair().map_err(no_thread)?;
        woken.set_nonblocking(true).map_err(no_thread)?;
        for signal in signals {
            let for_signal = wake.try_clone().map_err(no_thread)?;
            pipe::register(*signal, for_signal).map_err(no_thread)?;
        }
        let (wanted, for_thread) = mpsc::channel();
        let sender = events.clone();
        spawn("input", events, move || read(&for_thread, &sender, read_key, &woken))?;
        Ok(Self { wanted, wake, reads_a_key: false, reads_a_line: false })
    }

    pub(super) fn reads_a_line(&self) -> bool {
        self.reads_a_line
    }

    /// Makes the thread read this, unless it does already.
    pub(super) fn read(&mut self, input: Input<'_>, editor: Option<&SharedEditor>) {
        let is_idle = !self.reads_a_key && !self.reads_a_line;
        match (input, editor) {
            (Input::Key, _) if is_idle => {
                self.reads_a_key = self.wanted.send(InputWanted::Key).is_ok();
            }
            (Input::Line { prompt, beginning }, Some(editor)) if is_idle => {
                let (prompt, beginning) = (prompt.to_owned(), beginning.to_owned());
                let input = InputWanted::Line { editor: Arc::clone(editor), prompt, beginning };
                self.reads_a_line = self.wanted.send(input).is_ok();
            }
            (Input::Nothing | Input::Line { .. }, _) if self.reads_a_key => {
                let _ = self.wake.write(&[0]);
            }
            _ => {}
        }
    }

    /// Notes what the thread has read.
    pub(super) fn note(&mut self, event: &Event) {
        match event {
            Event::Key(_) | Event::Resized => self.reads_a_key = false,
            Event::Prompt(PromptEvent::Typed(_)) => self.reads_a_line = false,
            _ => {}
        }
    }
}

fn read(
    wanted: &Receiver<InputWanted>,
    events: &Sender<Event>,
    read_key: ReadKey,
    woken: &UnixStream,
) {
    for input in wanted {
        let event = match input {
            InputWanted::Key => match read_key(woken) {
                Ok(Some(key)) => Event::Key(key),
                Ok(None) => Event::Resized,
                Err(error) => Event::TerminalLost(error),
            },
            InputWanted::Line { editor, prompt, beginning } => {
                Event::Prompt(PromptEvent::Typed(lock(&editor).read(&prompt, &beginning)))
            }
        };
        if events.send(event).is_err() {
            return;
        }
    }
}
