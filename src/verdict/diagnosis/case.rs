//! One unmet finding and all that is known of it: what the recognisers ask.

use std::time::Duration;

use redis::Value;

use super::symptom::{self, Symptom};
use crate::attempt::evidence::{Evidence, Observation, ProgramEnd, Restored, Run, is_saving};
use crate::lesson::{Check, Exercise, Moment};
use crate::server::versions::name_in_commandstats;
use crate::tap::{Exchange, Outcome};
use crate::verdict::changes::micros;
use crate::verdict::run::ended_badly;

/// One unmet finding in its surroundings.
#[derive(Debug)]
pub struct Case<'a> {
    /// What was asked for.
    pub exercise: &'a Exercise,
    /// What was seen.
    pub evidence: &'a Evidence,
    /// The unmet check; `None` for the findings about the answer as a whole.
    pub check: Option<&'a Check>,
    symptoms: Vec<Symptom>,
}

impl<'a> Case<'a> {
    pub(super) fn new(exercise: &'a Exercise, evidence: &'a Evidence, id: &str) -> Self {
        let check = exercise.checks.iter().find(|check| check.id == id);
        let mut case = Self { exercise, evidence, check, symptoms: Vec::new() };
        case.symptoms = symptom::of(&case, id);
        case
    }

    /// Whether the finding shows this.
    pub fn shows(&self, symptom: Symptom) -> bool {
        self.symptoms.contains(&symptom)
    }

    pub(super) fn shows_any(&self, symptoms: &[Symptom]) -> bool {
        symptoms.iter().any(|symptom| self.shows(*symptom))
    }

    pub(super) fn observation(&self, at: Moment) -> Option<&'a Observation> {
        match (at, &self.evidence.restored) {
            (Moment::Exit, _) => self.evidence.exit.as_ref(),
            (Moment::Settled, _) => self.evidence.settled.as_ref(),
            (Moment::Crash, _) => self.evidence.crash.as_ref(),
            (Moment::Restore, Some(Restored::Loaded { observation, .. })) => Some(observation),
            (Moment::Restore, _) => None,
            (Moment::Meanwhile(index), _) => {
                self.evidence.meanwhile.get(index)?.as_ref().map(|it| &it.observation)
            }
        }
    }

    /// The last look at the server before it was killed.
    pub(super) fn last_look(&self) -> Option<&'a Observation> {
        self.evidence.last()
    }

    pub(super) fn last_status(&self) -> Option<&'a str> {
        self.last_look()?.snapshot.field("rdb_last_bgsave_status")
    }

    pub(super) fn was_saving_at_exit(&self) -> bool {
        let exit = self.evidence.exit.as_ref();
        exit.is_some_and(|exit| is_saving(&exit.snapshot, &self.evidence.before))
    }

    pub(super) fn calls_at(&self, now: &Observation, name: &str) -> i64 {
        now.snapshot.successful_calls(name) - self.evidence.before.successful_calls(name)
    }

    /// How long the server was at work for commands of this name since the answer began.
    pub(super) fn worked(&self, exchange: &Exchange) -> Option<Duration> {
        let now = &self.last_look()?.snapshot;
        let names = [name_in_commandstats(&exchange.words), exchange.name().to_lowercase()];
        let field =
            |name: &String| Some(format!("cmdstat_{name}")).filter(|it| now.field(it).is_some());
        let field = names.iter().find_map(field)?;
        let worked = micros(now, &field) - micros(&self.evidence.before, &field);
        u64::try_from(worked).ok().map(Duration::from_micros)
    }

    // What was asked.

    pub(super) fn exchanges(&self) -> &'a [Exchange] {
        &self.evidence.transcript.exchanges
    }

    pub(super) fn exchange(&self, index: usize) -> Option<&'a Exchange> {
        self.exchanges().get(index)
    }

    pub(super) fn numbered(
        &self,
    ) -> impl DoubleEndedIterator<Item = (usize, &'a Exchange)> + use<'a> {
        self.exchanges().iter().enumerate()
    }

    /// The last successful command that begins with these words.
    pub(super) fn last_done(&self, words: &[&str]) -> Option<usize> {
        let is_it = |it: &Exchange| it.outcome == Outcome::Done && it.begins_with(words);
        self.numbered().rev().find(|(_, it)| is_it(it)).map(|(index, _)| index)
    }

    /// The last command of one of these names that was refused by an error which says this.
    pub(super) fn last_refused(&self, names: &[&str], says: &str) -> Option<usize> {
        let is_it = |it: &Exchange| {
            names.contains(&it.name().as_str()) && it.error().is_some_and(|it| it.contains(says))
        };
        self.numbered().rev().find(|(_, it)| is_it(it)).map(|(index, _)| index)
    }

    /// The last SAVE or BGSAVE that was accepted.
    pub(super) fn last_snapshot(&self) -> Option<usize> {
        self.last_done(&["SAVE"]).max(self.last_done(&["BGSAVE"]))
    }

    /// Whether the setting was set with success: where, and to what.
    pub(super) fn last_set(&self, setting: &str) -> Option<(usize, String)> {
        self.evidence.transcript.values_set(setting).last()
    }

    /// Whether no such command was sent at all, not even one that was refused: told by a whole transcript,
    /// and by INFO too, which knows of those that came by another way. An answer that was cut off, or gave up,
    /// may have had it before it, and one that holds the command in a line that did not come through has not
    /// forgotten it.
    pub(super) fn never_sent(&self, name: &str) -> bool {
        let uncounted =
            self.last_look().is_some_and(|now| self.calls_at(now, &name.to_lowercase()) <= 0);
        self.evidence.transcript.left_out == 0
            && self.ended_well()
            && !self.has_script()
            && uncounted
            && self.exchanges().iter().all(|exchange| exchange.name() != name)
            && !self.has_typed(name)
    }

    /// Whether this word stands in a line of the answer, whatever stands around it.
    fn has_typed(&self, word: &str) -> bool {
        let Run::Typed(typed) = &self.evidence.run else { return false };
        let mut words = typed
            .exchanges
            .iter()
            .flat_map(|typed| typed.line.split(|c: char| !c.is_ascii_alphanumeric()));
        words.any(|part| part.eq_ignore_ascii_case(word))
    }

    /// A script may have done anything.
    pub(super) fn has_script(&self) -> bool {
        self.exchanges().iter().any(is_script)
    }

    /// Whether `later` was run after `earlier` had been: the order of coming says it only for one connection.
    pub(super) fn surely_after(&self, later: usize, earlier: usize) -> bool {
        let (Some(second), Some(first)) = (self.exchange(later), self.exchange(earlier)) else {
            return false;
        };
        let ended = self.ran_until(earlier, first);
        later > earlier
            && (second.connection == first.connection || ended.is_some_and(|it| it <= second.at))
    }

    /// When the command was done at the latest: what is queued runs with EXEC.
    fn ran_until(&self, index: usize, exchange: &Exchange) -> Option<Duration> {
        let ends = |it: &&Exchange| it.connection == exchange.connection && it.name() == "EXEC";
        let last = if is_queued(exchange) {
            self.exchanges().iter().skip(index).find(ends)?
        } else {
            exchange
        };
        last.reply.as_ref().map(|reply| last.at + reply.took)
    }

    // How the answer ended.

    /// Whether there is nothing to be found fault with in how it ended.
    pub(super) fn ended_well(&self) -> bool {
        ended_badly(self.exercise, self.evidence).is_none()
    }

    /// Not by us, and not by an error.
    pub(super) fn ended_by_itself(&self) -> bool {
        match &self.evidence.run {
            Run::Program(program) => program.end == ProgramEnd::Exited(0),
            Run::Typed(typed) => typed.stopped.is_none(),
        }
    }

    /// What a program that ended by itself and failed printed as its errors. What one that we ended has
    /// printed says nothing of its end.
    pub(super) fn errors(&self) -> Option<&'a str> {
        match &self.evidence.run {
            Run::Program(program) => match program.end {
                ProgramEnd::Exited(0) | ProgramEnd::TimedOut | ProgramEnd::Signalled(_) => None,
                ProgramEnd::Exited(_) => Some(program.stderr.text.as_str()),
            },
            Run::Typed(_) => None,
        }
    }

    /// The last line of the errors of a program that failed.
    pub(super) fn last_error(&self) -> Option<&'a str> {
        self.errors()?.lines().rev().map(str::trim).find(|line| !line.is_empty())
    }

    /// Whether a program that failed says so in its last error.
    pub(super) fn failed_saying(&self, text: &str) -> bool {
        self.last_error().is_some_and(|line| line.contains(text))
    }
}

pub(super) fn is_script(exchange: &Exchange) -> bool {
    let name = exchange.name();
    matches!(name.trim_end_matches("_RO"), "EVAL" | "EVALSHA" | "FCALL")
}

/// Whether MULTI put it off.
pub(super) fn is_queued(exchange: &Exchange) -> bool {
    let reply = exchange.reply.as_ref().map(|reply| &reply.value);
    matches!(reply, Some(Value::SimpleString(text)) if text == "QUEUED")
}

/// The reply's text, for those that are one.
pub(super) fn reply_text(exchange: &Exchange) -> Option<String> {
    match &exchange.reply.as_ref()?.value {
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Some(text.clone()),
        Value::BulkString(bytes) => Some(text(bytes)),
        _ => None,
    }
}

/// A field of INFO in the reply to it.
pub(super) fn info_field(exchange: &Exchange, field: &str) -> Option<String> {
    let text = reply_text(exchange).filter(|_| exchange.name() == "INFO")?;
    let line = |line: &str| line.strip_prefix(field)?.strip_prefix(':').map(str::to_owned);
    text.lines().find_map(|it| line(it.trim_end()))
}

/// LASTSAVE's reply.
pub(super) fn lastsave(exchange: &Exchange) -> Option<i64> {
    match exchange.reply.as_ref()?.value {
        Value::Int(time) if exchange.name() == "LASTSAVE" => Some(time),
        _ => None,
    }
}

pub(super) fn took(exchange: &Exchange) -> Duration {
    exchange.reply.as_ref().map_or(Duration::ZERO, |reply| reply.took)
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `1503 ms` below ten seconds, `12.0 s` above.
pub(super) fn time(duration: Duration) -> String {
    if duration < Duration::from_secs(10) {
        format!("{} ms", duration.as_millis())
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}
