//! Questions to the student: menus and confirmations, shown by inquire.

use inquire::ui::RenderConfig;
use inquire::{Confirm, InquireError, Select};

use crate::present::{screen_width, text};

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnswer {
    /// Esc: the student cancelled the question.
    Cancelled,
    /// Ctrl-C: the student quits.
    Interrupted,
    /// There is no terminal, or it is gone.
    Failed(String),
}

/// Asks the student questions; tests replace the terminal.
pub trait Ask {
    /// Returns the index of the chosen option; `start` is highlighted first.
    fn choose(
        &mut self,
        question: &str,
        options: &[String],
        start: usize,
    ) -> Result<usize, NoAnswer>;
    /// Asks yes or no; the default is no.
    fn confirm(&mut self, question: &str) -> Result<bool, NoAnswer>;
}

/// Asks in the terminal. The only user of inquire.
#[derive(Debug)]
pub struct Prompt {
    render: RenderConfig<'static>,
}

impl Prompt {
    pub fn new(colored: bool) -> Self {
        Self {
            render: if colored { RenderConfig::default_colored() } else { RenderConfig::empty() },
        }
    }
}

impl Ask for Prompt {
    fn choose(
        &mut self,
        question: &str,
        options: &[String],
        start: usize,
    ) -> Result<usize, NoAnswer> {
        // inquire garbles options that are wider than the screen.
        let width = screen_width().saturating_sub(4);
        let labels: Vec<String> =
            options.iter().map(|option| text::truncate(&text::clean(option), width)).collect();
        // inquire shows the answer after the question: `> What now? next`.
        let room = screen_width().saturating_sub(text::display_width(question) + 4);
        Select::new(question, labels)
            .with_render_config(self.render)
            .with_starting_cursor(start)
            .with_page_size(page_size())
            .with_help_message("↑↓ moves, enter chooses, esc cancels")
            .with_formatter(&|option| text::truncate(option.value, room))
            .without_filtering()
            .raw_prompt()
            .map(|choice| choice.index)
            .map_err(no_answer)
    }

    fn confirm(&mut self, question: &str) -> Result<bool, NoAnswer> {
        Confirm::new(question)
            .with_render_config(self.render)
            .with_default(false)
            .prompt()
            .map_err(no_answer)
    }
}

/// inquire garbles a menu that is longer than the screen. Half of the screen is left to the text
/// above it.
fn page_size() -> usize {
    let rows = crossterm::terminal::size().map_or(24, |(_, rows)| usize::from(rows));
    (rows / 2).saturating_sub(1).max(3)
}

fn no_answer(error: InquireError) -> NoAnswer {
    match error {
        InquireError::OperationCanceled => NoAnswer::Cancelled,
        InquireError::OperationInterrupted => {
            clear_what_inquire_leaves();
            NoAnswer::Interrupted
        }
        other => NoAnswer::Failed(other.to_string()),
    }
}

/// After Ctrl-C at the bottom of the screen the cursor is on the prompt's last line, and the next
/// output would overwrite it.
fn clear_what_inquire_leaves() {
    use crossterm::{cursor::MoveToColumn, execute, terminal};
    // If the terminal is gone, its signal ends the session.
    let _ = execute!(
        std::io::stderr(),
        MoveToColumn(0),
        terminal::Clear(terminal::ClearType::FromCursorDown)
    );
}
