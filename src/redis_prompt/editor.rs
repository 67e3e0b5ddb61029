//! The line editor. The only user of rustyline.
//!
//! inquire, which asks everything else, has no history, takes Ctrl-A, -E, -W, -U and -K for letters, and completes
//! nothing: it is made for questions, not for lines that are typed all evening.

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
use crate::error::WorldError;
use crate::present::{self, text};
use crate::private;

const HISTORY_LINES: usize = 1000;

/// One typed line, or what ended it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A line; several, with `\n` between them, where they were pasted.
    Typed(String),
    /// Ctrl-C: the line is dropped, and only the line.
    Cancelled,
    /// Ctrl-D on an empty line, or no more input.
    End,
}

/// Reads lines with the usual keys, history, completion and hints. On a terminal that can't (`TERM=dumb`), and
/// where standard input is none, lines are read plainly.
pub struct Editor {
    lines: rustyline::Editor<Assistant, DefaultHistory>,
    history: Option<PathBuf>,
    /// Whether Ctrl-C was the last key: then the line is dropped.
    is_cancelled: Arc<AtomicBool>,
}

impl std::fmt::Debug for Editor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Editor").field("history", &self.history).finish_non_exhaustive()
    }
}

impl Editor {
    /// With a history that lasts in the file `history`, which is made with its folder and only for its owner's
    /// eyes. Where it can't be written, the history lasts as long as the editor.
    pub fn new(
        history: Option<PathBuf>,
        docs: Arc<CommandDocs>,
        colored: bool,
    ) -> Result<Self, WorldError> {
        let mut lines = rustyline::Editor::with_config(config(colored)).map_err(|error| {
            let help = "check TERM, or set TERM=dumb for plain lines";
            WorldError::new(format!("the terminal can't be used: {error}"), help)
        })?;
        lines.set_helper(Some(Assistant { docs, colored, prompt_width: 0 }));
        let is_cancelled = Arc::<AtomicBool>::default();
        let ctrl_c = CtrlC { is_last_key: Arc::clone(&is_cancelled) };
        lines.bind_sequence(Event::Any, EventHandler::Conditional(Box::new(ctrl_c)));
        if let Some(file) = &history {
            make_folder_of(file);
            // There is none at first; and one that can't be read is no reason not to go on.
            if lines.load_history(file).is_err_and(|error| is_damage(&error)) {
                let _ = std::fs::rename(file, aside(file));
            }
        }
        Ok(Self { lines, history, is_cancelled })
    }

    /// Reads one line, or what was pasted at once.
    pub fn read(&mut self, prompt: &str) -> Result<Line, NoAnswer> {
        if let Some(assistant) = self.lines.helper_mut() {
            assistant.prompt_width = text::display_width(prompt);
        }
        self.is_cancelled.store(false, Ordering::SeqCst);
        match self.lines.readline(prompt) {
            Ok(_) if self.is_cancelled.load(Ordering::SeqCst) => Ok(Line::Cancelled),
            Ok(line) => {
                self.remember(&line);
                Ok(Line::Typed(line))
            }
            Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => Ok(Line::Cancelled),
            Err(ReadlineError::Eof) => Ok(Line::End),
            Err(error) => Err(NoAnswer::Failed(error.to_string())),
        }
    }

    /// Shows a line above the prompt while [`Self::read`] waits, from another thread. `None` where nothing can be drawn:
    /// in a pipe, on a dumb terminal.
    pub fn printer(&mut self) -> Option<impl FnMut(&str) + Send + use<>> {
        use rustyline::ExternalPrinter as _;
        let mut printer = self.lines.create_external_printer().ok()?;
        Some(move |line: &str| {
            // Who can't be shown it now finds it when the prompt is left.
            let _ = printer.print(format!("{line}\n"));
        })
    }

    fn remember(&mut self, line: &str) {
        if line.trim().is_empty() || is_secret(line) {
            return;
        }
        let is_new = self.lines.add_history_entry(line).unwrap_or(false);
        if let (true, Some(file)) = (is_new, &self.history) {
            // Written at once: the session may end by a signal. A full disk costs the history, not the line.
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

/// The file is no text: nothing could ever be added to it.
fn is_damage(error: &ReadlineError) -> bool {
    matches!(error, ReadlineError::Io(error) if error.kind() == std::io::ErrorKind::InvalidData)
}

fn aside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".damaged");
    name.into()
}

fn make_folder_of(file: &Path) {
    if let Some(folder) = file.parent() {
        let _ = private::make_private_folder(folder);
    }
}

/// Ctrl-C ends the line as Enter does. rustyline's own way is an error, and with an error it drops all bytes that it
/// has read already: what was typed behind the key would be lost.
struct CtrlC {
    is_last_key: Arc<AtomicBool>,
}

/// Asked about every key.
impl ConditionalEventHandler for CtrlC {
    fn handle(&self, event: &Event, _: RepeatCount, _: bool, _: &EventContext) -> Option<Cmd> {
        let is_ctrl_c = event.get(0) == Some(&KeyEvent::ctrl('C'));
        self.is_last_key.store(is_ctrl_c, Ordering::SeqCst);
        is_ctrl_c.then_some(Cmd::AcceptLine)
    }
}

/// What the editor asks while somebody types.
struct Assistant {
    docs: Arc<CommandDocs>,
    colored: bool,
    prompt_width: usize,
}

impl Assistant {
    /// Columns between the typed text and the right edge: a hint never makes the line longer than it is.
    fn room_behind(&self, line: &str) -> usize {
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
        place: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let (begins_at, mut found) = completion::complete(&self.docs, &line[..place]);
        // The next word can be typed at once.
        if let ([only], true) = (found.as_mut_slice(), place == line.len()) {
            only.push(' ');
        }
        Ok((begins_at, found))
    }
}

/// Shown, and never taken over: its words are places for words.
struct ToCome(String);

impl Hint for ToCome {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Hinter for Assistant {
    type Hint = ToCome;

    fn hint(&self, line: &str, place: usize, _: &Context<'_>) -> Option<ToCome> {
        if place < line.len() {
            return None;
        }
        let hint = hint::hint(&self.docs, line)?;
        Some(ToCome(text::truncate(&hint, self.room_behind(line))))
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
    fn a_damaged_history_is_kept_aside_and_a_new_one_begun() {
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
