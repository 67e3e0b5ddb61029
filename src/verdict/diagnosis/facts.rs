//! What the recognisers ask about an unmet finding.

use std::time::Duration;

use redis::Value;

use super::symptom::Symptom;
use crate::attempt::evidence::{Evidence, Observation, ProgramEnd, ProgramRun, Run};
use crate::lesson::{Check, Exercise, Moment};
use crate::relay::{CommandOutcome, Exchange};
use crate::server::info;
use crate::server::versions::name_in_commandstats;
use crate::topics::TOPICS;
use crate::verdict::run::ended_badly;

/// One unmet finding and everything that is known about it.
#[derive(Debug)]
pub struct Facts<'a> {
    pub exercise: &'a Exercise,
    pub evidence: &'a Evidence,
    /// The unmet check; `None` for a finding about the answer as a whole.
    pub check: Option<&'a Check>,
    pub(super) symptoms: Vec<Symptom>,
}

impl<'a> Facts<'a> {
    pub fn shows(&self, symptom: Symptom) -> bool {
        self.symptoms.contains(&symptom)
    }

    pub fn shows_any(&self, symptoms: &[Symptom]) -> bool {
        symptoms.iter().any(|symptom| self.shows(*symptom))
    }

    /// The last observation of the server before it was killed.
    pub fn last_look(&self) -> Option<&'a Observation> {
        self.evidence.last()
    }

    /// Whether the evidence is invalid for a reason that contains one of these texts.
    pub fn is_invalid_saying(&self, texts: &[&str]) -> bool {
        let why = self.evidence.invalid.as_deref().unwrap_or_default();
        texts.iter().any(|text| why.contains(text))
    }

    pub fn calls_at(&self, now: &Observation, name: &str) -> i64 {
        now.info.successful_calls(name) - self.evidence.before.successful_calls(name)
    }

    /// How long the server worked on commands of this name since the answer began.
    pub fn worked(&self, exchange: &Exchange) -> Option<Duration> {
        let now = &self.last_look()?.info;
        let names = [name_in_commandstats(&exchange.words), exchange.name().to_lowercase()];
        let name = names.iter().find(|name| now.field(&format!("cmdstat_{name}")).is_some())?;
        let worked = now.micros(name) - self.evidence.before.micros(name);
        u64::try_from(worked).ok().map(Duration::from_micros)
    }

    /// Whether the check is about a server that has started again.
    pub fn is_about_a_start(&self) -> bool {
        self.check.is_some_and(|check| matches!(check.at, Moment::Crash | Moment::Restart))
    }

    // What was sent.

    pub fn exchanges(&self) -> &'a [Exchange] {
        &self.evidence.timeline.exchanges
    }

    pub fn exchange(&self, index: usize) -> Option<&'a Exchange> {
        self.exchanges().get(index)
    }

    pub fn numbered(&self) -> impl DoubleEndedIterator<Item = (usize, &'a Exchange)> + use<'a> {
        self.exchanges().iter().enumerate()
    }

    /// The last successful command that begins with these words.
    pub fn last_done<W: AsRef<[u8]>>(&self, words: &[W]) -> Option<usize> {
        self.exchanges().iter().rposition(|exchange| {
            exchange.outcome == CommandOutcome::Done && exchange.begins_with(words)
        })
    }

    /// The last command with one of these names, if it came after that at `index`.
    pub fn last_after(&self, index: usize, names: &[&str]) -> Option<(usize, &'a Exchange)> {
        let mut all = self.numbered();
        let last = all.rfind(|(_, exchange)| names.contains(&exchange.name().as_str()));
        last.filter(|(last, _)| *last > index)
    }

    /// The last INFO after the command at `begun`, if it still said that what that began is running.
    pub fn last_info_says(&self, field: &str, begun: usize) -> Option<usize> {
        let (index, last) = self.last_after(begun, &["INFO"])?;
        (info_field(last, field).as_deref() == Some("1")).then_some(index)
    }

    /// The last command with one of these names that was refused with an error containing `says`.
    pub fn last_refused(&self, names: &[&str], says: &str) -> Option<usize> {
        self.exchanges().iter().rposition(|exchange| {
            names.contains(&exchange.name().as_str())
                && exchange.error().is_some_and(|error| error.contains(says))
        })
    }

    /// The last successful CONFIG SET of this setting, and its value.
    pub fn last_set(&self, setting: &str) -> Option<(usize, String)> {
        self.evidence.timeline.values_set(setting).last()
    }

    /// Whether the check misses what this command would have done: it was not run, or was refused
    /// at `index`, and nothing made up for it.
    pub fn misses(&self, command: &[Vec<u8>], index: Option<usize>) -> bool {
        TOPICS.iter().any(|topic| (topic.misses)(self, command, index))
    }

    /// Whether no such command was sent at all, not even one that was refused. This needs a
    /// complete timeline, and INFO too, which also counts commands that bypassed the relay. An
    /// answer that was cut off or gave up may have been about to send the command, and an answer
    /// with the command in a line that did not get through has not forgotten it.
    pub fn never_sent(&self, name: &str) -> bool {
        let is_uncounted =
            self.last_look().is_some_and(|now| self.calls_at(now, &name.to_lowercase()) <= 0);
        self.evidence.timeline.left_out == 0
            && self.ended_well()
            && !self.has_script()
            && is_uncounted
            && self.exchanges().iter().all(|exchange| exchange.name() != name)
            && !self.has_typed(name)
    }

    /// Whether a line of the answer contains this word, with anything around it.
    fn has_typed(&self, word: &str) -> bool {
        let Run::Typed(typed) = &self.evidence.run else { return false };
        let mut words = typed
            .exchanges
            .iter()
            .flat_map(|typed| typed.line.split(|c: char| !c.is_ascii_alphanumeric()));
        words.any(|part| part.eq_ignore_ascii_case(word))
    }

    /// A script may have done anything.
    pub fn has_script(&self) -> bool {
        self.exchanges().iter().any(is_script)
    }

    /// Whether `later` surely ran after `earlier` had ended. The order in which commands arrive
    /// shows this only on one connection.
    pub fn surely_after(&self, later: usize, earlier: usize) -> bool {
        let (Some(second), Some(first)) = (self.exchange(later), self.exchange(earlier)) else {
            return false;
        };
        let ended = self.ran_until(earlier, first);
        later > earlier
            && (second.connection == first.connection || ended.is_some_and(|end| end <= second.at))
    }

    /// When the command was done at the latest. A queued command runs with EXEC.
    fn ran_until(&self, index: usize, exchange: &Exchange) -> Option<Duration> {
        let last = if exchange.is_queued() {
            self.exchanges()
                .iter()
                .skip(index)
                .find(|other| other.connection == exchange.connection && other.name() == "EXEC")?
        } else {
            exchange
        };
        last.reply.as_ref().map(|reply| last.at + reply.took)
    }

    // How the answer ended.

    pub fn ended_well(&self) -> bool {
        ended_badly(self.exercise, self.evidence).is_none()
    }

    /// Whether the answer was not stopped by us and did not end with an error.
    pub fn ended_by_itself(&self) -> bool {
        match &self.evidence.run {
            Run::Program(program) => program.end == ProgramEnd::Exited(0),
            Run::Typed(typed) => typed.stopped.is_none(),
        }
    }

    /// The standard error of a program that ended by itself and failed. That of a program that we
    /// ended says nothing about its end.
    pub fn errors(&self) -> Option<&'a str> {
        match &self.evidence.run {
            Run::Program(ProgramRun { end: ProgramEnd::Exited(1..), stderr, .. }) => {
                Some(&stderr.text)
            }
            _ => None,
        }
    }

    /// The last line that is not blank of a failed program's standard error.
    pub fn last_error(&self) -> Option<&'a str> {
        self.errors()?.lines().rev().map(str::trim).find(|line| !line.is_empty())
    }

    /// Whether a failed program's last error contains `text`.
    pub fn failed_saying(&self, text: &str) -> bool {
        self.last_error().is_some_and(|line| line.contains(text))
    }
}

pub fn is_script(exchange: &Exchange) -> bool {
    let name = exchange.name();
    matches!(name.trim_end_matches("_RO"), "EVAL" | "EVALSHA" | "FCALL")
}

/// `None` if the reply is not a text.
pub fn reply_text(exchange: &Exchange) -> Option<String> {
    match &exchange.reply.as_ref()?.value {
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Some(text.clone()),
        Value::BulkString(bytes) => Some(text(bytes)),
        _ => None,
    }
}

/// A field in the reply to INFO.
pub fn info_field(exchange: &Exchange, field: &str) -> Option<String> {
    let text = reply_text(exchange).filter(|_| exchange.name() == "INFO")?;
    info::field(&text, field).map(str::to_owned)
}

pub fn took(exchange: &Exchange) -> Duration {
    exchange.reply.as_ref().map_or(Duration::ZERO, |reply| reply.took)
}

/// The names in backticks, with commas.
pub fn in_backticks(names: impl Iterator<Item = String>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `1503 ms` below ten seconds, `12.0 s` above.
pub fn time(duration: Duration) -> String {
    if duration < Duration::from_secs(10) {
        format!("{} ms", duration.as_millis())
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}
