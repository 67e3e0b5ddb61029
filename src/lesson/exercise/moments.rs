//! `at`: the moment of a check.

use super::super::problem::{did_you_mean, one_of};
use super::super::toml_table::{Entry, Toml};
use super::super::{Crash, Meanwhile, Moment, Subject};

/// The moments of every exercise.
pub(super) const WORDS: [&str; 4] = ["exit", "settled", "crash", "restore"];
const LEAVE_OUT: &str = "remove `at`";

/// The default moment of a check.
pub(super) fn default(subject: &Subject, crash: Crash) -> Moment {
    if matches!(subject, Subject::Dump(_)) {
        Moment::Restore
    } else if !subject.is_about_the_server() || crash == Crash::AtExit {
        Moment::Exit
    } else {
        Moment::Settled
    }
}

/// Reads the value of `at` and reports one that does not fit the subject.
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
        let help = Some("use `at = \"exit\"` or remove `crash = \"exit\"`".to_owned());
        toml.error(span, "with `crash = \"exit\"` nothing ever settles", help);
    }
    Some(moment)
}

/// Why this subject cannot be checked at this moment, and what to do instead.
fn misfit(subject: &Subject, moment: Moment) -> Option<(String, &'static str)> {
    let word = moment.word();
    match (subject, moment) {
        (Subject::Blocked(_) | Subject::Sent(_), _) => {
            let message = "this covers the whole run of the answer, not one moment";
            Some((message.to_owned(), LEAVE_OUT))
        }
        (Subject::Dump(_), Moment::Restore)
        | (Subject::Stdout(_) | Subject::Exit(_), Moment::Exit)
        | (Subject::Reply(_), Moment::Meanwhile(_)) => None,
        (Subject::Dump(_), _) => {
            Some((format!("a snapshot file alone has no `{word}`, only `restore`"), LEAVE_OUT))
        }
        (Subject::Stdout(_) | Subject::Exit(_), _) => {
            Some((format!("a program has no `{word}`: it is checked when it exits"), LEAVE_OUT))
        }
        (_, Moment::Meanwhile(_)) => Some((
            "while an answer runs, only a `reply` can be checked".to_owned(),
            "check a `reply`, or choose another moment",
        )),
        (_, Moment::Crash) if subject.compares_with_before() => Some((
            "the crash restarts the server, which resets its counters and LASTSAVE".to_owned(),
            "check a `reply` after a crash, or counters at `exit` or `settled`",
        )),
        (_, Moment::Restore) if subject.compares_with_before() => Some((
            "a second server loads the snapshot: its counters and LASTSAVE are its own".to_owned(),
            "check a `reply` at `restore`, or counters at `exit` or `settled`",
        )),
        (Subject::Config(_), Moment::Restore) => Some((
            "a second server loads the snapshot: its settings are its own".to_owned(),
            "check a `reply` at `restore`, or settings at another moment",
        )),
        _ => None,
    }
}
