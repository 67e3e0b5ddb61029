//! What the log holds that an answer has worked on.

use crate::attempt::evidence::{BrokenLog, LogContents, Run};
use crate::lesson::Moment;
use crate::redis_cli::words;
use crate::verdict::diagnosis::facts::{Facts, text};
use crate::verdict::diagnosis::keys::Missing;
use crate::verdict::diagnosis::symptom::NO_SERVER;
use crate::verdict::diagnosis::{Cause, seen_at};

/// What `server start` says when the server did not start (`attempt/python/server.sh`).
const NOT_STARTED: &str = "the server did not start";
/// So many words of an entry are shown: its name and its key.
const SHOWN_WORDS: usize = 2;

/// The server was started with this log, and refused it.
pub fn broken(facts: &Facts<'_>) -> Option<Cause> {
    let log = facts.evidence.log.as_ref()?;
    let broken = log.broken.as_ref()?;
    let was_refused = match &facts.evidence.run {
        Run::Program(program) => program.stderr.text.contains(NOT_STARTED),
        Run::Typed(_) => false,
    };
    if !was_refused && !facts.shows(NO_SERVER) {
        return None;
    }
    let place = log.entries.last().map_or_else(
        || "at its beginning".to_owned(),
        |entry| format!("behind `{}`", shown(entry)),
    );
    Some(Cause::default().with(match broken {
        BrokenLog::LineEnds => {
            r"its lines end with `\n`, and Redis writes `\r\n`: it is bytes, not text".to_owned()
        }
        BrokenLog::NotAnEntry(line) if line.is_empty() => {
            format!("{place} comes an empty line, and an entry begins with `*`")
        }
        BrokenLog::NotAnEntry(line) => {
            format!("{place} comes `{line}`, and an entry begins with `*`")
        }
        BrokenLog::NotWhole(word) => {
            format!("{place} comes an entry that is not whole: in it stands `{word}`")
        }
    }))
}

/// A FLUSHALL behind all that would have brought back what is missing.
pub fn flush_in_it(facts: &Facts<'_>) -> Option<Cause> {
    let log = whole_log(facts)?;
    let flush = log.entries.iter().rposition(|entry| is_flush(entry))?;
    let missing = facts.missing();
    let stored = |entries: &[Vec<Vec<u8>>]| {
        let mut entries = entries.iter();
        entries.any(|entry| missing.iter().any(|missing| entry.contains(&missing.key)))
    };
    let lost = log.entries[..flush].iter().rfind(|entry| stored(std::slice::from_ref(*entry)))?;
    let name = text(log.entries[flush].first()?).to_uppercase();
    (!stored(&log.entries[flush..]))
        .then(|| Cause::default().with(name).with(format!("`{}`", shown(lost))))
}

/// A rewrite of the log, which holds nothing of what is missing.
pub fn written_anew(facts: &Facts<'_>) -> Option<Cause> {
    let log = whole_log(facts)?;
    let rewrite = facts.last_done(&["BGREWRITEAOF"])?;
    let missing = facts.missing();
    let is_in_it = |key: &Vec<u8>| log.entries.iter().any(|entry| entry.contains(key));
    let names: Vec<String> =
        missing.iter().map(|missing| format!("`{}`", missing.name())).collect();
    let are_absent = !missing.is_empty() && missing.iter().all(Missing::is_absent);
    (are_absent && !missing.iter().any(|missing| is_in_it(&missing.key)))
        .then(|| seen_at(rewrite).with(names.join(", ")))
}

/// The log, if the check is about what a start makes of it, and it can be read.
fn whole_log<'a>(facts: &Facts<'a>) -> Option<&'a LogContents> {
    let starts = matches!(facts.check?.at, Moment::Crash | Moment::Restart);
    facts.evidence.log.as_ref().filter(|log| starts && log.broken.is_none())
}

fn is_flush(entry: &[Vec<u8>]) -> bool {
    let name = entry.first().map(|name| text(name).to_uppercase());
    name.is_some_and(|name| ["FLUSHALL", "FLUSHDB"].contains(&name.as_str()))
}

fn shown(entry: &[Vec<u8>]) -> String {
    words::join(&entry[..entry.len().min(SHOWN_WORDS)])
}
