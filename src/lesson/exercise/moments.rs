//! `at`: the moment of a check.

use super::super::problem::{did_you_mean, one_of};
use super::super::toml_table::{Entry, Toml};
use super::super::{Crash, Meanwhile, Moment};
use crate::checks::{Scope, Subject};

/// The moments of every exercise.
pub(super) const WORDS: [&str; 4] = ["exit", "settled", "crash", "restore"];

/// The default moment of a check.
pub(super) fn default(subject: &dyn Subject, crash: Crash) -> Moment {
    match subject.scope() {
        Scope::Only(moment) => moment,
        Scope::Program | Scope::Run => Moment::Exit,
        Scope::Server if crash == Crash::AtExit => Moment::Exit,
        Scope::Server => Moment::Settled,
    }
}

/// Reads the value of `at` and reports one that does not fit the subject.
pub(super) fn read(
    toml: &mut Toml<'_>,
    entry: Entry<'_>,
    subject: Option<&dyn Subject>,
    crash: Crash,
    meanwhile: &[Meanwhile],
) -> Option<Moment> {
    let span = entry.value.span();
    let word = toml.string(entry)?;
    let moment = match word {
        "exit" => Moment::Exit,
        "settled" => Moment::Settled,
        "crash" => Moment::Crash,
        "restore" => Moment::Restore,
        _ => {
            let Some(index) = meanwhile.iter().position(|meanwhile| meanwhile.id == word) else {
                let own = meanwhile.iter().map(|meanwhile| meanwhile.id.as_str());
                let all: Vec<&str> = WORDS.into_iter().chain(own).collect();
                let help = did_you_mean(word, all.iter().copied());
                let help = help.or_else(|| Some(format!("use {}", one_of(&all))));
                toml.error(span, format!("unknown moment `{word}`"), help);
                return None;
            };
            Moment::Meanwhile(index)
        }
    };
    let misfit = subject.and_then(|subject| subject.misfit(moment));
    if let Some((message, help)) = misfit {
        toml.error(span, message, Some(help.to_owned()));
    } else if moment == Moment::Settled && crash == Crash::AtExit {
        let help = Some("use `at = \"exit\"` or remove `crash = \"exit\"`".to_owned());
        toml.error(span, "with `crash = \"exit\"` nothing ever settles", help);
    }
    Some(moment)
}
