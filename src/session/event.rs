//! Everything that may happen in a session.

use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::thread;

use super::console::{Key, Shown};
use super::unprinted::UnprintedMessage;
use super::worker::messages::{RunNumber, StepEvent};
use crate::ask::NoAnswer;
use crate::error::{EnvironmentError, no_thread};
use crate::lesson::Language;
use crate::progress::Record;
use crate::redis_prompt::{EditorLine, PromptReply};

pub(super) enum Event {
    Key(Key),
    /// The size of the screen may have changed.
    Resized,
    TerminalLost(EnvironmentError),
    /// Ctrl-C at the prompt.
    Interrupted,
    /// Some file in the answers' folder.
    FileChanged,
    /// An answer, and what to tell about how it was noticed.
    Saved(PathBuf, Option<&'static str>),
    /// A file in the answers' folder that is no answer to the open exercise.
    SavedBesides(PathBuf),
    Worker(StepEvent),
    /// A thread of the session has panicked.
    Panicked,
    /// Time has passed.
    Tick,
    Shown(Shown),
    Prompt(PromptEvent),

    /// A request has failed.
    Failed(EnvironmentError),
    /// What to tell the student about a request; may be empty.
    Told(String),
    /// The progress as it is now, and why it could not be saved.
    Progress(Record, Option<EnvironmentError>),
    /// The language of the answer's file that was edited last, if there is one.
    AnswerFile(Option<Language>),
    NoAnswerFile,
    /// The worker checks the answer in this language.
    Checking(Language, RunNumber),
    /// The answer in this language was opened in the editor, and not changed.
    Unchanged(Language),
    /// All answers to the exercise, and the student may see the solution.
    Answers(Vec<(Language, String)>),
    /// Exercises were reset; older answers are kept under these names.
    Reset {
        /// Their ids.
        exercises: Vec<String>,
        is_whole_course: bool,
        record: Record,
        backups: Vec<PathBuf>,
    },
}

/// What happens at the Redis prompt.
pub(super) enum PromptEvent {
    /// Whether lines can be printed while the student types.
    Opened {
        has_printer: bool,
    },
    NotOpened(EnvironmentError),
    Typed(Result<EditorLine, NoAnswer>),
    /// A message that came from the server.
    Message(UnprintedMessage),
    /// A reply, and what the editor shows before the next line.
    Replied(PromptReply, String),
}

/// Starts a thread of the session.
pub(super) fn spawn(
    name: &str,
    events: &Sender<Event>,
    work: impl FnOnce() + Send + 'static,
) -> Result<(), EnvironmentError> {
    let alarm = PanicAlarm(events.clone());
    let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
        let _alarm = alarm;
        work();
    });
    thread.map(drop).map_err(no_thread)
}

/// Reports the panic of a thread, for whose events the session would wait for ever.
struct PanicAlarm(Sender<Event>);

impl Drop for PanicAlarm {
    fn drop(&mut self) {
        if thread::panicking() {
            let _ = self.0.send(Event::Panicked);
        }
    }
}
