//! The line editor. The only user of rustyline.
//!
//! inquire, which asks all other questions, has no history and no completion, and treats Ctrl-A,
//! -E, -W, -U and -K as letters: it is made for single questions.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::{Hint, Hinter};
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{
    Cmd, ColorMode, CompletionType, ConditionalEventHandler, Config, Context, Event, EventContext,
    EventHandler, Helper, KeyEvent, RepeatCount,
};

use super::docs::CommandDocs;
use super::line::is_secret;
use super::{completion, hint};
use crate::ask::NoAnswer;
use crate::error::EnvironmentError;
use crate::present::{self, text};
use crate::private;

const HISTORY_LINES: usize = 1000;

/// One typed line, or what ended it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditorLine {
    /// A line; pasted lines have `\n` between them.
    Typed(String),
    /// Ctrl-C, which drops only the line.
    Cancelled,
    /// Ctrl-D on an empty line, or the end of the input.
    End,
}

/// Reads lines with the usual keys, history, completion and hints; reads plain lines on a dumb
/// terminal (`TERM=dumb`) and where standard input is not a terminal.
pub struct Editor {
    lines: rustyline::Editor<Assistant, DefaultHistory>,
    history: Option<PathBuf>,
    /// Whether Ctrl-C was the last key, which drops the line.
    is_cancelled: Arc<AtomicBool>,
}

impl std::fmt::Debug for Editor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Editor").field("history", &self.history).finish_non_exhaustive()
    }
}

impl Editor {
    /// Keeps the history in the file `history`, which is created with its folder and is readable
    /// only by its owner. If it cannot be written, the history ends with the editor.
    pub fn new(
        history: Option<PathBuf>,
        docs: Arc<CommandDocs>,
        colored: bool,
    ) -> Result<Self, EnvironmentError> {
        let mut lines = rustyline::Editor::with_config(config(colored)).map_err(|error| {
            let help = "check TERM, or set TERM=dumb for plain lines";
            EnvironmentError::new(format!("cannot use the terminal: {error}"), help)
        })?;
        lines.set_helper(Some(Assistant { docs, colored, prompt_width: 0 }));
        let is_cancelled = Arc::<AtomicBool>::default();
        let ctrl_c = CtrlC { is_last_key: Arc::clone(&is_cancelled) };
        lines.bind_sequence(Event::Any, EventHandler::Conditional(Box::new(ctrl_c)));
        if let Some(file) = &history {
            make_folder_of(file);
            // At first there is no file, and the prompt opens without one that cannot be read.
            if lines.load_history(file).is_err_and(|error| is_damage(&error)) {
                let _ = std::fs::rename(file, damaged_name(file));
            }
        }
        Ok(Self { lines, history, is_cancelled })
    }

    /// Reads one line that begins like this, or several that were pasted at once.
    pub fn read(&mut self, prompt: &str, beginning: &str) -> Result<EditorLine, NoAnswer> {
        if let Some(assistant) = self.lines.helper_mut() {
            assistant.prompt_width = text::display_width(prompt);
        }
        self.is_cancelled.store(false, Ordering::SeqCst);
        match self.lines.readline_with_initial(prompt, (beginning, "")) {
            Ok(_) if self.is_cancelled.load(Ordering::SeqCst) => Ok(EditorLine::Cancelled),
            Ok(line) => {
                self.remember(&line);
                Ok(EditorLine::Typed(line))
            }
            Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => Ok(EditorLine::Cancelled),
            Err(ReadlineError::Eof) => Ok(EditorLine::End),
            Err(error) => Err(NoAnswer::Failed(error.to_string())),
        }
    }

    /// A printer for another thread: shows whole lines above the prompt while [`Self::read`] waits,
    /// and otherwise at the cursor. `None` in a pipe and on a dumb terminal, where nothing can be
    /// drawn.
    pub fn printer(&mut self) -> Option<impl FnMut(String) + Send + use<>> {
        use rustyline::ExternalPrinter as _;
        let mut printer = self.lines.create_external_printer().ok()?;
        Some(move |lines| {
            // If this fails, the session still shows it when the prompt is left.
            let _ = printer.print(lines);
        })
    }

    fn remember(&mut self, line: &str) {
        if line.trim().is_empty() || is_secret(line) {
            return;
        }
        let is_new = self.lines.add_history_entry(line).unwrap_or(false);
        if let (true, Some(file)) = (is_new, &self.history) {
            // Written at once, since a signal may end the session. On a full disk only the history
            // is lost.
            let _ = self.lines.append_history(file);
        }
    }
}

fn config(colored: bool) -> Config {
    let builder = Config::builder()
        .max_history_size(HISTORY_LINES)
        .and_then(|builder| builder.history_ignore_dups(true));
    let builder = builder.unwrap_or_else(|_| Config::builder());
    builder
        .completion_type(CompletionType::List)
        .color_mode(if colored { ColorMode::Enabled } else { ColorMode::Disabled })
        .build()
}

/// Whether the file is not text: then nothing can be added to it.
fn is_damage(error: &ReadlineError) -> bool {
    matches!(error, ReadlineError::Io(error) if error.kind() == std::io::ErrorKind::InvalidData)
}

fn damaged_name(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".damaged");
    name.into()
}

fn make_folder_of(file: &Path) {
    if let Some(folder) = file.parent() {
        let _ = private::make_private_folder(folder);
    }
}

/// Makes Ctrl-C end the line as Enter does. By default rustyline returns an error, and with it
/// drops all input that it has read already: keys typed after Ctrl-C would be lost.
struct CtrlC {
    is_last_key: Arc<AtomicBool>,
}

/// Called for every key.
impl ConditionalEventHandler for CtrlC {
    fn handle(&self, event: &Event, _: RepeatCount, _: bool, _: &EventContext) -> Option<Cmd> {
        let is_ctrl_c = event.get(0) == Some(&KeyEvent::ctrl('C'));
        self.is_last_key.store(is_ctrl_c, Ordering::SeqCst);
        is_ctrl_c.then_some(Cmd::AcceptLine)
    }
}

/// Provides completion and hints while the student types.
struct Assistant {
    docs: Arc<CommandDocs>,
    colored: bool,
    prompt_width: usize,
}

impl Assistant {
    /// The columns between the typed text and the right edge: a hint must not wrap the line.
    fn room_after(&self, line: &str) -> usize {
        let width = present::screen_width();
        let typed = self.prompt_width + text::display_width(line);
        width.saturating_sub(typed % width.max(1) + 1)
    }
}

impl Helper for Assistant {}
impl Validator for Assistant {}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        cursor: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let (begins_at, mut found) = completion::complete(&self.docs, &line[..cursor]);
        // With the space, the student can type the next word at once.
        if let ([only], true) = (found.as_mut_slice(), cursor == line.len()) {
            only.push(' ');
        }
        Ok((begins_at, found))
    }
}

/// A hint that is shown but cannot be accepted: it names arguments, not values.
struct ArgumentHint(String);

impl Hint for ArgumentHint {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Hinter for Assistant {
    type Hint = ArgumentHint;

    fn hint(&self, line: &str, cursor: usize, _: &Context<'_>) -> Option<ArgumentHint> {
        if cursor < line.len() {
            return None;
        }
        let hint = hint::hint(&self.docs, line)?;
        Some(ArgumentHint(text::truncate(&hint, self.room_after(line))))
    }
}

impl Highlighter for Assistant {
    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        if self.colored { present::terminal::faint(hint).into() } else { hint.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_history_is_renamed_and_a_new_one_begun() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("history");
        std::fs::write(&file, b"#V2\nGET a\n\xff\xfe\n").unwrap();
        let docs = Arc::new(CommandDocs::table().clone());
        let mut editor = Editor::new(Some(file.clone()), docs, false).unwrap();
        editor.remember("GET b");
        assert!(folder.path().join("history.damaged").is_file());
        assert!(std::fs::read_to_string(&file).unwrap().ends_with("GET b\n"));
    }
}
