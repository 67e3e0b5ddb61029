//! Questions to the student. The one seam of the program: inquire can't be driven by a test.

use inquire::ui::RenderConfig;
use inquire::{Confirm, InquireError, Select, Text};

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnswer {
    /// Esc: the question is withdrawn.
    Cancelled,
    /// Ctrl-C: the student leaves.
    Interrupted,
    /// The terminal is gone or is none.
    Failed(String),
}

/// Whoever puts questions to the student.
pub trait Ask {
    /// One of `options`, by its place; `start` is highlighted first.
    fn choose(
        &mut self,
        question: &str,
        options: &[String],
        start: usize,
    ) -> Result<usize, NoAnswer>;
    /// Yes or no; no by default.
    fn confirm(&mut self, question: &str) -> Result<bool, NoAnswer>;
    /// One typed line.
    fn line(&mut self, prompt: &str) -> Result<String, NoAnswer>;
}

/// Asks in the terminal. The only user of inquire.
#[derive(Debug)]
pub struct Prompt {
    render: RenderConfig<'static>,
}

impl Prompt {
    /// With or without colour.
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
        let rows = crossterm::terminal::size().map_or(24, |(_, rows)| usize::from(rows));
        // inquire garbles options that are wider than the screen, and lists that are longer.
        let width = super::present::screen_width().saturating_sub(4);
        let labels = options
            .iter()
            .map(|option| {
                super::present::text::truncate(&super::present::text::clean(option), width)
            })
            .collect();
        Select::new(question, labels)
            .with_render_config(self.render)
            .with_starting_cursor(start)
            .with_page_size(rows.saturating_sub(5).max(3))
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

    fn line(&mut self, prompt: &str) -> Result<String, NoAnswer> {
        Text::new(prompt).with_render_config(self.render).prompt().map_err(no_answer)
    }
}

fn no_answer(error: InquireError) -> NoAnswer {
    match error {
        InquireError::OperationCanceled => NoAnswer::Cancelled,
        InquireError::OperationInterrupted => NoAnswer::Interrupted,
        other => NoAnswer::Failed(other.to_string()),
    }
}
