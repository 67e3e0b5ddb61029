//! Lines of a `redis` answer that did not do what they were meant to: they are misspelt, or
//! come after the end of the connection.

use super::cause::{Cause, seen_at};
use super::facts::Facts;
use super::lines::{AnswerLine, is_about_words, is_unknown, lines};
use super::meant::would_have_met;
use super::pasted::{mended, why_refused};
use super::symptom::{DATA_LOST, ENDED_BADLY, NOT_DONE, STILL_RUNNING, UNMET};
use super::transactions::failed_by;
use crate::attempt::commands::REFUSED;
use crate::attempt::evidence::{Run, Stopped};
use crate::checks::calls::{Calls, Difference, difference};
use crate::lesson::problem::nearest;
use crate::redis_cli::words;
use crate::redis_prompt::CommandDocs;
use crate::server::versions::name_in_commandstats;
use crate::topics::{self, BackgroundWork};

// Commands that Redis does not understand.

/// A command that Redis does not know, similar to one that would have met the check.
pub fn unknown_command(facts: &Facts<'_>) -> Option<Cause> {
    let lines = lines(facts);
    facts.numbered().find_map(|(index, exchange)| {
        let error = exchange.error().filter(|error| is_unknown(error))?;
        let Unknown { name, known, arguments } = Unknown::of(&exchange.words, &error);
        let mut meant: Vec<Vec<u8>> =
            known.unwrap_or_default().split(' ').map(|word| word.as_bytes().to_vec()).collect();
        meant.extend_from_slice(arguments);
        let found = seen_at(index).with(in_line(&lines, index));
        was_decisive(facts, &meant, index, &error).then(|| found.with(name).with(proposal(known)))
    })
}

/// A command that Redis does not know.
struct Unknown<'a> {
    name: String,
    /// The most similar one that it knows.
    known: Option<&'static str>,
    arguments: &'a [Vec<u8>],
}

impl<'a> Unknown<'a> {
    fn of(words: &'a [Vec<u8>], error: &str) -> Self {
        let named = if error.contains("unknown subcommand") { 2 } else { 1 };
        let (name, arguments) = words.split_at(named.min(words.len()));
        let name = words::join(name);
        let of_runner = topics::background().filter_map(|work| work.wait_line);
        let known = CommandDocs::table().names().filter(|known| *known != "STRALGO");
        let known = nearest(&name, known.chain(of_runner));
        Self { name, known, arguments }
    }
}

fn proposal(known: Option<&str>) -> String {
    known.map(|known| format!("; did you mean `{known}`?")).unwrap_or_default()
}

/// A command that would have met the check, with too many or too few arguments.
pub fn wrong_arguments(facts: &Facts<'_>) -> Option<Cause> {
    let lines = lines(facts);
    facts.numbered().find_map(|(index, exchange)| {
        let error = exchange.error().filter(|error| error.contains("wrong number of arguments"))?;
        let found = seen_at(index).with(in_line(&lines, index));
        was_decisive(facts, &exchange.words, index, &error).then(|| found.with(exchange.name()))
    })
}

/// Whether the program ended with the error at `index`, or the command would have met the check if
/// Redis had understood it.
fn was_decisive(facts: &Facts<'_>, meant: &[Vec<u8>], index: usize, error: &str) -> bool {
    if facts.shows(ENDED_BADLY) {
        failed_by(facts, error)
    } else {
        would_have_met(facts, meant, Some(index))
    }
}

/// `line 3: ` for a command that was typed, nothing for one of a program.
fn in_line(lines: &[AnswerLine<'_>], index: usize) -> String {
    let line = lines.iter().find(|line| line.index == Some(index));
    line.map(|line| format!("line {}: ", line.typed.number)).unwrap_or_default()
}

/// A line that was meant to wait for background work, but is not the runner's own line.
pub fn unknown_runner_line(facts: &Facts<'_>) -> Option<Cause> {
    let lines = lines(facts);
    let found = topics::background().find_map(|work| {
        let begun = facts.last_done(&[work.begun_by.to_uppercase()])?;
        let position = lines.iter().position(|line| line.index == Some(begun))?;
        let line = lines[position..].iter().find(|line| is_meant_to_wait(line, work))?;
        Some(line.found().with(work.wait_line?))
    });
    found.filter(|_| facts.ended_by_itself())
}

/// A line for the runner that was not done: it is misspelt, or the server was not as it asks.
pub fn runner_line_refused(facts: &Facts<'_>) -> Option<Cause> {
    let is_decisive = facts.exercise.stop || facts.shows_any(&[NOT_DONE, STILL_RUNNING, DATA_LOST]);
    let lines = lines(facts);
    let line = lines.iter().find(|line| line.typed.reply.starts_with(REFUSED))?;
    let why = line.typed.reply.strip_prefix(REFUSED)?;
    (is_decisive && facts.ended_by_itself()).then(|| line.found().with(why))
}

fn is_meant_to_wait(line: &AnswerLine<'_>, work: &BackgroundWork) -> bool {
    let name = line.typed.line.split_whitespace().next().unwrap_or_default();
    let is_refused =
        line.error().is_some_and(|error| is_unknown(error) || error.starts_with("redislings:"));
    is_refused && (name.starts_with('@') || nearest(name, work.wait_line).is_some())
}

/// A line that can't be split into words, and that names a missing key.
pub fn unclosed_quote(facts: &Facts<'_>) -> Option<Cause> {
    let missing = facts.missing();
    lines(facts).iter().find_map(|line| {
        let why = words::split(&line.typed.line).err()?;
        let is_missing = missing.iter().any(|missing| {
            line.typed.line.contains(&missing.name()) && !facts.was_stored(&missing.key)
        });
        (line.error().is_some() && is_missing).then(|| line.found().with(why.to_string()))
    })
}

/// The first line that Redis did not understand, if no other cause is known.
pub fn line_not_understood(facts: &Facts<'_>) -> Option<Cause> {
    let lines = lines(facts);
    let is_decisive = |line: &&AnswerLine<'_>| {
        let Some(error) = line.error() else { return false };
        // Whatever is unmet, a command that Redis does not know was to do something about it.
        is_unknown(error)
            || (is_about_words(error) && (!facts.shows(UNMET) || was_to_be_counted(facts, line)))
    };
    let line = lines.iter().find(is_decisive)?;
    let why = why_refused(line.typed.line.trim()).or_else(|| not_understood(line));
    Some(line.found().with(why?))
}

/// Whether the unmet check counts too few calls of the line's command.
fn was_to_be_counted(facts: &Facts<'_>, line: &AnswerLine<'_>) -> bool {
    let Some(check) = facts.check else { return false };
    let Some(Calls(counts)) = check.of_kind::<Calls>() else { return false };
    let name = name_in_commandstats(&words::split(&line.typed.line).unwrap_or_default());
    counts.iter().any(|(names, count)| {
        let too_few = || difference(check, facts, names, *count) == Some(Difference::TooFew);
        names.contains(&name) && too_few()
    })
}

fn not_understood(line: &AnswerLine<'_>) -> Option<String> {
    let error = line.error()?;
    let words = words::split(&line.typed.line).unwrap_or_default();
    if words.is_empty() || !is_unknown(error) {
        return Some(error.to_owned());
    }
    let Unknown { name, known, .. } = Unknown::of(&words, error);
    Some(format!("Redis does not know `{name}`{}", proposal(known)))
}

// Lines that were not run.

/// `QUIT` ends the connection, and a `redis` answer has only one.
pub fn quit(facts: &Facts<'_>) -> Option<Cause> {
    let Run::Typed(run) = &facts.evidence.run else { return None };
    let index = facts.last_done(&["QUIT"])?;
    if index + 1 < facts.evidence.timeline.exchanges.len() {
        return None;
    }
    let lines = lines(facts);
    let position = lines.iter().position(|line| line.index == Some(index))?;
    let rest = &lines[position + 1..];
    let is_stopped = !matches!(run.stopped, None | Some(Stopped::OutOfTime | Stopped::Endless(_)));
    let explains = if rest.is_empty() {
        is_stopped && is_undone(facts)
    } else {
        rest.iter().any(|line| {
            let waits = facts.shows(STILL_RUNNING) && line.typed.line.starts_with('@');
            waits || would_have_met(facts, &mended(&line.typed.line), None)
        })
    };
    explains.then(|| seen_at(index))
}

/// Whether something was not done at all, rather than done wrong.
fn is_undone(facts: &Facts<'_>) -> bool {
    let missing = facts.missing();
    facts.shows_any(&[NOT_DONE, STILL_RUNNING])
        || (!missing.is_empty() && missing.iter().all(|missing| !facts.was_stored(&missing.key)))
}
