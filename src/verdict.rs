//! What the evidence says of an answer. Pure: no I/O, and nothing can fail.

pub mod changes;
pub mod diagnosis;
pub mod live;
mod restore;
mod run;
mod server;
mod transcript;
mod waits;

use self::restore::{look_at_dump, look_at_restored};
use self::run::{ended_badly, look_at_exit, look_at_stdout};
use self::server::{leaves_open, look_at_server};
use self::transcript::look_at_sent;
use self::waits::look_at_waits;
use crate::attempt::evidence::{Evidence, Observation, Restored, Run};
use crate::error::WorldError;
use crate::lesson::check::EVIDENCE_IS_VALID;
use crate::lesson::{Check, Crash, Exercise, Moment, Subject};
use crate::tap::{self, Exchange, Transcript};

pub use self::diagnosis::{Diagnosed, Pointer};
pub use self::live::{LiveVerdict, Tick, judge_live};

/// Every check's finding, in the lesson's order.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Those about the answer as a whole come first, and only if they are unmet.
    pub findings: Vec<Finding>,
    /// Why it falls short, where the evidence tells.
    pub diagnosis: Option<Diagnosed>,
}

impl Verdict {
    /// Whether nothing is missing.
    pub fn passed(&self) -> bool {
        self.findings.iter().all(|finding| finding.outcome == Outcome::Met)
    }

    /// Why there is neither a pass nor a failure: nothing is unmet, but what would decide about a check was not
    /// kept, so very much was sent.
    fn undecided(&self, evidence: &Evidence) -> Option<WorldError> {
        let open = self.findings.iter().find(|finding| finding.outcome == Outcome::NotReached)?;
        if self.findings.iter().any(|finding| finding.outcome == Outcome::Unmet) {
            return None;
        }
        if evidence.last().is_none() {
            let fact = format!(
                "`{}` can't be judged: the server answered nobody when the answer ended, and was killed then",
                open.check
            );
            let help = "let the answer end with a server that answers: wait for SAVE's reply, and leave CLIENT PAUSE \
                        and endless scripts out";
            return Some(WorldError::new(fact, help));
        }
        let past: Vec<&str> = evidence.transcript.came_past.iter().map(String::as_str).collect();
        if !past.is_empty() {
            let fact = format!(
                "`{}` can't be judged: {} {} sent past `localhost:6379`, to the server's own port, where nobody sees \
                 in which order",
                open.check,
                past.join(" and "),
                if past.len() == 1 { "was" } else { "were" }
            );
            return Some(WorldError::new(fact, "send every command to `localhost:6379`"));
        }
        let fact = format!(
            "`{}` can't be judged: not all that the answer sent could be kept, no reply to it came, or the server was \
             too busy to tell",
            open.check
        );
        Some(WorldError::new(
            fact,
            "send fewer commands, wait for their replies, and poll less often",
        ))
    }

    /// The ids of unmet checks.
    pub fn unmet(&self) -> Vec<&str> {
        let unmet = self.findings.iter().filter(|finding| finding.outcome == Outcome::Unmet);
        unmet.map(|finding| finding.check.as_str()).collect()
    }
}

/// What became of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The check's id.
    pub check: String,
    /// Met or not.
    pub outcome: Outcome,
    /// The sentence for the student.
    pub says: String,
    /// In words; where it was not reached, the sentence for the student.
    pub expected: String,
    /// In words; empty where it was not reached.
    pub found: String,
    /// The author's advice for an unmet check.
    pub otherwise: Option<String>,
}

/// Whether a check is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is.
    Met,
    /// It is not.
    Unmet,
    /// What it needs is unmet, or there is nothing to look at, so it says nothing.
    NotReached,
}

/// The verdict on an answer, or why there can be none.
pub fn conclude(exercise: &Exercise, evidence: &Evidence) -> Result<Verdict, WorldError> {
    let verdict = judge(exercise, evidence);
    verdict.undecided(evidence).map_or(Ok(verdict), Err)
}

/// Judges `evidence` by the exercise's checks.
pub fn judge(exercise: &Exercise, evidence: &Evidence) -> Verdict {
    let mut findings: Vec<Finding> =
        invalid(evidence).into_iter().chain(ended_badly(exercise, evidence)).collect();
    let asked: Vec<&Check> =
        exercise.checks.iter().filter(|check| is_asked(check, exercise, evidence)).collect();
    let seen: Vec<Option<Seen>> = asked
        .iter()
        .map(|check| look(check, exercise, evidence).filter(|_| evidence.doubt.is_none()))
        .collect();
    let met = |id: &str| {
        // A check that is not asked stands in nobody's way.
        let position = asked.iter().position(|check| check.id == id);
        position.is_none_or(|index| is_met_with_needs(&asked, &seen, index))
    };
    let mut all_seen = seen.iter();
    for check in &exercise.checks {
        if is_unseen(check, exercise, evidence) {
            if !ends_with_a_save(&evidence.transcript) {
                findings.push(finding(check, None));
            }
        } else if is_asked(check, exercise, evidence) {
            let reached = check.needs.iter().all(|id| met(id));
            let seen = all_seen.next().and_then(Option::as_ref);
            findings.push(finding(check, seen.filter(|_| reached)));
        }
    }
    let diagnosis = diagnosis::diagnose(exercise, evidence, &findings);
    Verdict { findings, diagnosis }
}

/// Typed commands have no process to look at.
fn is_asked(check: &Check, exercise: &Exercise, evidence: &Evidence) -> bool {
    if check.subject.is_about_the_program() {
        return matches!(evidence.run, Run::Program(_));
    }
    !is_unseen(check, exercise, evidence)
}

/// Where the server was too busy to be looked at before it was killed, what a check after the crash (or on the snapshot
/// alone) builds on stands in nobody's way: a crash that lost something says so. It stays open itself, unless the
/// snapshot is of the very end: then the crash has shown what was there.
fn is_unseen(check: &Check, exercise: &Exercise, evidence: &Evidence) -> bool {
    let unseen =
        check.at == Moment::Exit && check.subject.is_about_the_server() && evidence.exit.is_none();
    let proves_more = |it: &Check| match it.at {
        Moment::Crash => evidence.crash.is_some(),
        Moment::Restore => evidence.restored.is_some(),
        Moment::Exit | Moment::Settled | Moment::Meanwhile(_) => false,
    };
    let mut builders = exercise.checks.iter().filter(|it| is_needed(&check.id, it, exercise));
    unseen && exercise.crash == Crash::AtExit && builders.any(proves_more)
}

/// Whether all is known of what was sent, and nothing that could change a key came behind the last SAVE or BGSAVE.
fn ends_with_a_save(transcript: &Transcript) -> bool {
    let is_save = |it: &Exchange| {
        ["SAVE", "BGSAVE"].contains(&it.name().as_str()) && it.outcome == tap::Outcome::Done
    };
    let Some(save) = transcript.exchanges.iter().rposition(is_save) else { return false };
    let is_harmless = |it: &Exchange| {
        it.reply.is_some() && ["CLIENT", "PING", "INFO", "LASTSAVE"].contains(&it.name().as_str())
    };
    let is_known = |it: &Exchange| it.reply.is_some() || it.is_mark();
    !transcript.is_incomplete
        && transcript.left_out == 0
        && transcript.exchanges[..=save].iter().all(is_known)
        && transcript.exchanges[save + 1..].iter().all(is_harmless)
}

/// Whether `by` needs the check `id`, itself or through others.
fn is_needed(id: &str, by: &Check, exercise: &Exercise) -> bool {
    by.needs.iter().any(|need| {
        need == id || exercise.checks.iter().any(|it| it.id == *need && is_needed(id, it, exercise))
    })
}

/// Met itself, and so is all that it needs; the lesson has no circles of needs.
fn is_met_with_needs(asked: &[&Check], seen: &[Option<Seen>], index: usize) -> bool {
    let itself = seen[index].as_ref().is_some_and(|seen| seen.met);
    itself
        && asked[index].needs.iter().all(|id| {
            let position = asked.iter().position(|check| &check.id == id);
            position.is_none_or(|index| is_met_with_needs(asked, seen, index))
        })
}

fn finding(check: &Check, seen: Option<&Seen>) -> Finding {
    let (outcome, expected, found) = match seen {
        Some(Seen { met: true, expected, found }) => {
            (Outcome::Met, expected.clone(), found.clone())
        }
        Some(Seen { met: false, expected, found }) => {
            (Outcome::Unmet, expected.clone(), found.clone())
        }
        None => (Outcome::NotReached, check.sentence(), String::new()),
    };
    // Advice about what was found is none where nothing was.
    let advises = outcome == Outcome::Unmet && found != TOO_BUSY;
    let otherwise = check.otherwise.clone().filter(|_| advises);
    Finding { check: check.id.clone(), outcome, says: check.sentence(), expected, found, otherwise }
}

fn invalid(evidence: &Evidence) -> Option<Finding> {
    let doubt = evidence.doubt.as_ref()?;
    Some(Finding {
        check: EVIDENCE_IS_VALID.to_owned(),
        outcome: Outcome::Unmet,
        says: "the server can be believed".to_owned(),
        expected: "the same server, counting on, from the answer's start to its end".to_owned(),
        found: doubt.clone(),
        otherwise: Some(
            "leave the server running and its counters alone: they are the evidence".to_owned(),
        ),
    })
}

/// Found where there was no look.
const TOO_BUSY: &str = "the server was too busy to be looked at when the answer ended";

/// One check's look at the evidence, its needs aside.
#[derive(Clone)]
struct Seen {
    met: bool,
    expected: String,
    found: String,
}

impl Seen {
    fn unmet(expected: String, found: impl Into<String>) -> Self {
        Self { met: false, expected, found: found.into() }
    }
}

/// `None` where there is nothing to look at: what comes behind an answer that ran out of time, what was not
/// kept of all that it sent, what was looked at too late, and calls that may be our own.
fn look(check: &Check, exercise: &Exercise, evidence: &Evidence) -> Option<Seen> {
    let sentence = || check.sentence();
    if let Moment::Meanwhile(index) = check.at {
        return look_meanwhile(&check.subject, index, exercise, evidence, sentence);
    }
    match &check.subject {
        Subject::Stdout(text) => Some(look_at_stdout(text, &evidence.run)),
        Subject::Exit(status) => Some(look_at_exit(*status, &evidence.run)),
        Subject::Blocked(limit) => Some(look_at_waits(*limit, evidence.waits.as_ref())),
        Subject::Sent(sent) if evidence.leaves_open(sent) => None,
        Subject::Sent(sent) => Some(all(sent, |sent| look_at_sent(sent, &evidence.transcript))),
        _ if is_given_up(check.at, evidence) => None,
        Subject::Dump(dump) => Some(look_at_dump(dump, evidence)),

        subject if check.at == Moment::Restore || was_not_restarted(check.at, evidence) => {
            Some(look_at_restored(subject, evidence, sentence))
        }
        subject => Some(match observation(check.at, evidence) {
            Some(observation) if leaves_open(subject, observation, evidence) => return None,
            Some(observation) => look_at_server(subject, observation, evidence),
            None => Seen::unmet(sentence(), TOO_BUSY),
        }),
    }
}

/// The server when something happened while the answer ran.
fn look_meanwhile(
    subject: &Subject,
    index: usize,
    exercise: &Exercise,
    evidence: &Evidence,
    sentence: impl Fn() -> String,
) -> Option<Seen> {
    match evidence.meanwhile.get(index).and_then(Option::as_ref) {
        Some(happened) if !happened.is_sure => None,
        Some(happened) => Some(look_at_server(subject, &happened.observation, evidence)),
        None if evidence.run.timed_out() => None,
        None => Some(Seen::unmet(sentence(), exercise.meanwhile[index].when.never())),
    }
}

/// After an answer that ran out of time the server is neither crashed nor is its snapshot loaded.
fn is_given_up(at: Moment, evidence: &Evidence) -> bool {
    let was_done = match at {
        Moment::Exit | Moment::Settled | Moment::Meanwhile(_) => true,
        Moment::Crash => evidence.crash.is_some(),
        Moment::Restore => evidence.restored.is_some(),
    };
    !was_done && evidence.run.timed_out()
}

/// After the crash the server did not start again with the snapshot that the answer left.
fn was_not_restarted(at: Moment, evidence: &Evidence) -> bool {
    at == Moment::Crash
        && evidence.crash.is_none()
        && matches!(evidence.restored, Some(Restored::Unloadable(_)))
}

fn observation(at: Moment, evidence: &Evidence) -> Option<&Observation> {
    match at {
        Moment::Exit => evidence.exit.as_ref(),
        Moment::Settled => evidence.settled.as_ref(),
        Moment::Crash => evidence.crash.as_ref(),
        Moment::Restore | Moment::Meanwhile(_) => None,
    }
}

/// All parts of one check: met if each is; what was found is told of the unmet parts alone.
fn all<T>(parts: &[T], look: impl Fn(&T) -> Seen) -> Seen {
    let seen: Vec<Seen> = parts.iter().map(look).collect();
    let met = seen.iter().all(|part| part.met);
    let told = || seen.iter().filter(|part| met || !part.met);
    let join = |text: fn(&Seen) -> &str| told().map(text).collect::<Vec<_>>().join(", ");
    Seen { met, expected: join(|part| &part.expected), found: join(|part| &part.found) }
}

#[cfg(test)]
mod tests;
