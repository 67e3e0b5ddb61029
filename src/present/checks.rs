//! The checks of an exercise, one line each, updated while the student works.

use colored::{ColoredString, Colorize as _};

use super::markdown::inline_code;
use super::plain;
use crate::verdict::Outcome;

/// The state of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Not looked at yet, or not met so far.
    Open,
    Met,
    /// Not met by the checked answer.
    Unmet,
    /// A check that it needs is not met, or can't be met any more.
    NotReached,
    /// Can't be met any more by the work by hand.
    Spoilt,
    /// Judged only when the work is over.
    AtTheEnd,
    /// Judged only when a program runs.
    OfAProgram,
}

impl Mark {
    pub(super) fn word(self) -> &'static str {
        self.word_and_sign().0
    }

    pub(super) fn sign(self) -> String {
        self.word_and_sign().1.to_string()
    }

    fn word_and_sign(self) -> (&'static str, ColoredString) {
        match self {
            Self::Open => ("open", "○".dimmed()),
            Self::Met => ("met", "✓".green()),
            Self::Unmet => ("not met", "✗".red().bold()),
            Self::NotReached => ("not judged", "-".dimmed()),
            Self::Spoilt => ("can't be met any more: `o` starts over", "✗".red().bold()),
            Self::AtTheEnd => ("judged at the end", "○".dimmed()),
            Self::OfAProgram => ("needs a program", "○".dimmed()),
        }
    }
}

impl From<Outcome> for Mark {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Met => Self::Met,
            Outcome::Unmet => Self::Unmet,
            Outcome::NotReached => Self::NotReached,
        }
    }
}

/// One check, without a line break.
pub fn line(mark: Mark, says: &str) -> String {
    if plain::is_on() {
        return format!("{}: {says}", mark.word());
    }
    let note = match mark {
        Mark::NotReached | Mark::Spoilt | Mark::AtTheEnd | Mark::OfAProgram => {
            format!(" ({})", mark.word())
        }
        Mark::Open | Mark::Met | Mark::Unmet => String::new(),
    };
    format!("{} {}{}", mark.sign(), inline_code(says), inline_code(&note).dimmed())
}

/// A summary of all checks, without a line break.
pub fn in_short(marks: &[Mark]) -> String {
    let met = marks.iter().filter(|mark| **mark == Mark::Met).count();
    if plain::is_on() {
        return format!("{met} of {} checks met", marks.len());
    }
    let count = format!("{met} of {} met", marks.len());
    let signs: String = marks.iter().map(|mark| mark.sign()).collect();
    format!("checks {signs}  {count}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_cannot_be_judged_yet_says_why() {
        colored::control::set_override(false);
        assert_eq!(line(Mark::Open, "it is saved"), "○ it is saved");
        assert_eq!(line(Mark::AtTheEnd, "it is saved"), "○ it is saved (judged at the end)");
        assert_eq!(in_short(&[Mark::Met, Mark::Open]), "checks ✓○  1 of 2 met");
    }
}
