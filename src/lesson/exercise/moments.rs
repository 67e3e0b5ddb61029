//! `at`: the moment of a check.

use super::super::problem::{did_you_mean, one_of};
use super::super::toml_table::{Entry, Toml};
use super::super::{Crash, Meanwhile, Moment, Subject};

/// Those of every exercise.
pub(super) const WORDS: [&str; 4] = ["exit", "settled", "crash", "restore"];
const LEAVE_OUT: &str = "leave `at` out";

/// The moment of a check that names none.
pub(super) fn default(subject: &Subject, crash: Crash) -> Moment {
    if matches!(subject, Subject::Dump(_)) {
        Moment::Restore
    } else if !subject.is_about_the_server() || crash == Crash::AtExit {
        Moment::Exit
    } else {
        Moment::Settled
    }
}

/// Reads the value of `at` and reports where it does not go with the subject.
pub(super) fn read(
    toml: &mut Toml<'_>,
    entry: Entry<'_>,
    subject: Option<&Subject>,
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
    let misfit = subject.and_then(|subject| misfit(subject, moment));
    if let Some((message, help)) = misfit {
        toml.error(span, message, Some(help.to_owned()));
    } else if moment == Moment::Settled && crash == Crash::AtExit {
        let help = Some("use `at = \"exit\"` or leave `crash = \"exit\"` out".to_owned());
        toml.error(span, "with `crash = \"exit\"` nothing ever settles", help);
    }
    Some(moment)
}

/// Why this subject is not looked at then, and what to do instead.
fn misfit(subject: &Subject, moment: Moment) -> Option<(String, &'static str)> {
    let word = moment.word();
    match (subject, moment) {
        (Subject::Blocked(_) | Subject::Sent(_), _) => {
            let message = "it is about all the time in which the answer runs, not about a moment";
            Some((message.to_owned(), LEAVE_OUT))
        }
        (Subject::Dump(_), Moment::Restore)
        | (Subject::Stdout(_) | Subject::Exit(_), Moment::Exit)
        | (Subject::Reply(_), Moment::Meanwhile(_)) => None,
        (Subject::Dump(_), _) => {
            Some((format!("a snapshot file alone has no `{word}`, only `restore`"), LEAVE_OUT))
        }
        (Subject::Stdout(_) | Subject::Exit(_), _) => {
            Some((format!("a program has no `{word}`, it is looked at as it exits"), LEAVE_OUT))
        }
        (_, Moment::Meanwhile(_)) => Some((
            "in the middle of an answer only a `reply` is looked at".to_owned(),
            "ask for a `reply`, or look at another moment",
        )),
        (_, Moment::Crash) if subject.compares_with_before() => Some((
            "the crash starts the server anew, and its counters and LASTSAVE with it".to_owned(),
            "ask for a `reply` after a crash; look at counters at `exit` or `settled`",
        )),
        (_, Moment::Restore) if subject.compares_with_before() => Some((
            "a second server loads the snapshot: its counters and LASTSAVE are its own".to_owned(),
            "ask for a `reply` at `restore`; look at counters at `exit` or `settled`",
        )),
        (Subject::Config(_), Moment::Restore) => Some((
            "a second server loads the snapshot: its settings are its own".to_owned(),
            "ask for a `reply` at `restore`; look at settings at another moment",
        )),
        _ => None,
    }
}
