//! What the log holds that an answer has worked on.

use crate::attempt::evidence::{BrokenLog, LogContents, ProgramEnd, Run};
use crate::redis_cli::words;
use crate::verdict::diagnosis::effects::{Effect, writes_of};
use crate::verdict::diagnosis::facts::{Facts, in_backticks};
use crate::verdict::diagnosis::keys::{Missing, done};
use crate::verdict::diagnosis::symptom::{ENDED_BADLY, NO_SERVER};
use crate::verdict::diagnosis::{Cause, seen_at};

/// What a server says that does not start with its log.
const OF_THE_LOG: &str = "append only file";
/// So many words of an entry are shown: its name and its key.
const SHOWN_WORDS: usize = 2;

/// A server was to start with this log, and refused it.
pub fn broken(facts: &Facts<'_>) -> Option<Cause> {
    let log = facts.evidence.log.as_ref()?;
    let broken = log.broken.as_ref().filter(|_| was_refused(facts))?;
    let last = log.entries.last().map(|entry| format!("after `{}`", shown(entry)));
    let place = last.unwrap_or_else(|| "at its beginning".to_owned());
    Some(Cause::default().with(match broken {
        BrokenLog::LineEnd(line) => format!(
            r"{place}, {} ends with `\n` alone, and Redis writes `\r\n`: read and write it as bytes, and add no line",
            named(line)
        ),
        BrokenLog::NotAnEntry(line) => {
            format!("{place}, there is {}, where an entry has to begin with `*`", named(line))
        }
        BrokenLog::NotWhole(word) => format!("{place}, an entry is not whole: it contains `{word}`"),
    }))
}

fn named(line: &str) -> String {
    if line.is_empty() { "an empty line".to_owned() } else { format!("the line `{line}`") }
}

/// Whether the server that the program started, or the one after the crash, says that it cannot read
/// its log; and the program ended for no other reason.
fn was_refused(facts: &Facts<'_>) -> bool {
    if facts.shows(NO_SERVER) {
        return facts.is_about_a_start();
    }
    let Run::Program(program) = &facts.evidence.run else { return false };
    let may_be_the_end = !facts.shows(ENDED_BADLY) || facts.failed_saying("CalledProcessError");
    let has_ended = matches!(program.end, ProgramEnd::Exited(_));
    has_ended && may_be_the_end && program.stderr.text.to_lowercase().contains(OF_THE_LOG)
}

fn whole_log<'a>(facts: &Facts<'a>) -> Option<&'a LogContents> {
    facts.evidence.log.as_ref().filter(|log| facts.is_about_a_start() && log.broken.is_none())
}

/// FLUSHALL is the last entry that changes what is missing, and it was there before.
pub fn flush_in_it(facts: &Facts<'_>) -> Option<Cause> {
    let log = whole_log(facts)?;
    let entries: Vec<_> = log.entries.iter().cloned().map(done).collect();
    let writes = writes_of(&entries);
    facts.missing().iter().find_map(|missing| {
        let mut story = writes.iter().filter(|write| write.concerns(&missing.key)).rev();
        let flush = story.next().filter(|write| write.effect == Effect::Flushed)?;
        let stored = story.next().filter(|write| write.has_stored(&missing.key))?;
        let name = entries[flush.index].name();
        let lost = shown(&entries[stored.index].words);
        Some(Cause::default().with(name).with(format!("`{lost}`")))
    })
}

/// A rewrite of the log, which holds nothing of what is missing.
pub fn written_anew(facts: &Facts<'_>) -> Option<Cause> {
    let log = whole_log(facts)?;
    let rewrite = facts.last_done(&["BGREWRITEAOF"])?;
    let (missing, writes) = (facts.missing(), facts.writes());
    let is_known = !missing.is_empty()
        && missing.iter().all(|missing| {
            let mut later = writes.iter().filter(|write| write.index > rewrite);
            let is_in_it = log.entries.iter().any(|entry| entry.contains(&missing.key));
            missing.is_absent() && !is_in_it && !later.any(|write| write.concerns(&missing.key))
        });
    is_known.then(|| seen_at(rewrite).with(in_backticks(missing.iter().map(Missing::name))))
}

fn shown(entry: &[Vec<u8>]) -> String {
    words::join(&entry[..entry.len().min(SHOWN_WORDS)])
}
