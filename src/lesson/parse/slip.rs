//! What is an error only where it may damage an exercise: any other markdown file loads.

use super::super::Span;
use super::super::problem::{Problems, Severity};

/// Where a slip is an error; elsewhere it is a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// In a section with an exercise.
    Section,
    /// In a lesson with an exercise, which the slip may hide.
    Lesson,
    /// As [`Self::Section`]; elsewhere it is the usual way of a site generator.
    Foreign,
}

#[derive(Debug, Clone)]
pub(super) struct Slip {
    pub(super) scope: Scope,
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl Slip {
    pub(super) fn new(scope: Scope, span: Span, message: impl Into<String>, help: &str) -> Self {
        Self { scope, span, message: message.into(), help: Some(help.to_owned()) }
    }

    /// `in_section`, `in_lesson`: whether there is an exercise.
    pub(super) fn report(&self, in_section: bool, in_lesson: bool, problems: &mut Problems) {
        let severity = match self.scope {
            Scope::Section | Scope::Foreign if in_section => Severity::Error,
            Scope::Lesson if in_lesson => Severity::Error,
            Scope::Section | Scope::Lesson => Severity::Warning,
            Scope::Foreign => return,
        };
        problems.add(severity, self.span.clone(), self.message.clone(), self.help.clone());
    }
}
