//! What the session wants done: all its input and output.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::worker::messages::{self, JudgedAnswer, RunNumber};
use crate::lesson::{Exercise, Language, Step};
use crate::progress::ProgressChange;
use crate::redis_prompt::CommandDocs;
use crate::relay::Timeline;

pub(super) enum Request<'c> {
    Worker(messages::Request),
    /// End what the worker runs for a verdict or an output.
    CancelRun,
    /// Watch the answers of this exercise.
    Watch(Option<&'c Exercise>),
    SaveProgress(ProgressChange),
    WriteAttempt(&'c Step, &'c Exercise, Rc<JudgedAnswer>),
    WriteExploration(&'c Step, String, Box<Timeline>),
    /// Save lines typed at the prompt as the answer.
    WriteAnswer(&'c Exercise, String),
    /// Read the answers to compare them with the solution, if need be after a question.
    ReadAnswers {
        exercise: &'c Exercise,
        asks_first: bool,
    },
    /// Open the latest answer, or one in a language to be chosen.
    Edit {
        exercise: &'c Exercise,
        chooses_language: bool,
        run: RunNumber,
    },
    /// Check the answer in this language, or the latest.
    Check(&'c Exercise, Option<Language>, RunNumber),
    /// Reset the exercises after a question.
    Reset {
        exercises: Vec<&'c Exercise>,
        is_whole_course: bool,
    },
    Suspend,

    /// Give the terminal to the Redis prompt of the server at this address.
    OpenPrompt(Option<String>, Arc<CommandDocs>),
    /// Run a line at the prompt within this time.
    RunLine(String, Duration),
    ClosePrompt,
    /// Print below what the prompt has printed, or above the line that is being typed.
    Print(String),
    /// The same, with each line wrapped at words.
    PrintWrapped(String),
    PrintNotice(String),
    /// What is waited for, and how long already.
    PrintWait(String, Duration),
    Leave(SessionEnd),
}

/// How the student ended the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionEnd {
    /// With a key, or because the keyboard is gone.
    Quit,
    /// With Ctrl-C.
    Interrupted,
}
