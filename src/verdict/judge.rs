//! Judges an answer by its evidence.

use super::diagnosis::diagnose;
use super::finding::{Finding, Outcome, Verdict};
use super::meanwhile::{self, never_came};
use super::not_understood::why_not_understood;
use super::run::ended_badly;
use crate::attempt::evidence::{Evidence, LoadFailure, NOT_STARTED, Run};
use crate::checks::lines::without_marks;
use crate::checks::{Scope, Seen};
use crate::differing::{beginning, differing};
use crate::error::EnvironmentError;
use crate::lesson::check::EVIDENCE_IS_VALID;
use crate::lesson::{Check, Crash, Exercise, Moment};
use crate::redis_cli::commands;
use crate::relay::{CommandOutcome, Exchange, Timeline};
use crate::topics::{self, is_durable};

/// Judges an answer.
///
/// # Errors
///
/// If the evidence decides neither for a pass nor for a failure.
pub fn conclude(exercise: &Exercise, evidence: &Evidence) -> Result<Verdict, EnvironmentError> {
    let verdict = judge(exercise, evidence);
    verdict.undecided(exercise, evidence).map_or(Ok(verdict), Err)
}

/// Judges `evidence` by the exercise's checks, even if some of them stay undecided.
pub fn judge(exercise: &Exercise, evidence: &Evidence) -> Verdict {
    let exercise = &*exercise.with_words(&evidence.words);
    let mut findings: Vec<Finding> = invalid(evidence)
        .into_iter()
        .chain(ended_badly(exercise, evidence))
        .chain(never_came(exercise, evidence))
        .collect();
    let asked = asked_checks(exercise, evidence);
    let mut next_asked = asked.iter();
    for check in &exercise.checks {
        if is_unseen(check, exercise, evidence) {
            if !ends_with_a_save(&evidence.timeline) {
                findings.push(not_reached(check, TOO_BUSY));
            }
        } else if is_asked(check, exercise, evidence) {
            let seen = next_asked.next().and_then(|asked| asked.seen.as_ref());
            let is_reached = check.needs.iter().all(|id| is_met_or_not_asked(id, &asked));
            findings.push(match seen.filter(|_| is_reached) {
                Some(seen) => finding(check, seen),
                None if is_reached && !is_held_up(check, exercise, evidence) => {
                    let why = why_not_understood(check, evidence);
                    not_reached(check, why.as_deref().unwrap_or(UNDECIDED))
                }
                None => not_reached(check, ""),
            });
        }
    }
    let diagnosis = diagnose(exercise, evidence, &findings);
    Verdict { findings, diagnosis }
}

/// A check that applies to this answer.
struct AskedCheck<'a> {
    check: &'a Check,
    /// `None` if the evidence is invalid or does not decide.
    seen: Option<Seen>,
}

fn asked_checks<'a>(exercise: &'a Exercise, evidence: &Evidence) -> Vec<AskedCheck<'a>> {
    let mut asked = Vec::new();
    for check in &exercise.checks {
        if is_asked(check, exercise, evidence) {
            let seen = look(check, exercise, evidence).filter(|_| evidence.invalid.is_none());
            asked.push(AskedCheck { check, seen });
        }
    }
    asked
}

/// Typed commands have no process to look at.
fn is_asked(check: &Check, exercise: &Exercise, evidence: &Evidence) -> bool {
    if check.is_about_the_program() {
        return matches!(evidence.run, Run::Program(_));
    }
    !is_unseen(check, exercise, evidence) && !meanwhile::is_pointless(check, exercise, evidence)
}

/// Whether the server was too busy for this check before it was killed, while a check that needs
/// this one looks at the server after the crash or at the snapshot alone. The unseen check does not
/// hold up the later one: a crash that lost something shows it anyway. The unseen check itself
/// stays open unless the answer ends with a save: then the crash has shown what was there.
fn is_unseen(check: &Check, exercise: &Exercise, evidence: &Evidence) -> bool {
    let is_unseen =
        check.at == Moment::Exit && check.is_about_the_server() && !was_seen(check.at, evidence);
    is_unseen
        && exercise.crash == Crash::AtExit
        && exercise.checks.iter().any(|other| {
            is_needed(&check.id, other, exercise)
                && matches!(other.at, Moment::Crash | Moment::Restart | Moment::Restore)
                && was_seen(other.at, evidence)
        })
}

/// A failed restart shows nothing of the data; a file that cannot be loaded alone does.
fn was_seen(at: Moment, evidence: &Evidence) -> bool {
    evidence.at(at).is_some() || (at == Moment::Restore && evidence.looks.contains_key(&at))
}

/// Whether everything that was sent is known, and nothing after the last command that brings data
/// to disk could have changed a key.
fn ends_with_a_save(timeline: &Timeline) -> bool {
    let exchanges = &timeline.exchanges;
    let Some(save) = exchanges.iter().rposition(is_successful_save) else { return false };
    !timeline.is_incomplete
        && timeline.left_out == 0
        && exchanges[..=save].iter().all(|exchange| exchange.reply.is_some())
        && exchanges[save + 1..].iter().all(changes_no_key)
}

fn is_successful_save(exchange: &Exchange) -> bool {
    is_durable(&exchange.name()) && exchange.outcome == CommandOutcome::Done
}

fn changes_no_key(exchange: &Exchange) -> bool {
    exchange.reply.is_some()
        && (exchange.name() == "CLIENT" || commands::only_reads(&exchange.words))
}

/// Whether `by` needs the check `id`, directly or through other checks.
fn is_needed(id: &str, by: &Check, exercise: &Exercise) -> bool {
    by.needs.iter().any(|need| {
        let mut others = exercise.checks.iter();
        need == id || others.any(|other| other.id == *need && is_needed(id, other, exercise))
    })
}

/// Whether the check `id` and every check that it needs are met. A check that is not asked holds up
/// no other. The lesson has no circular needs.
fn is_met_or_not_asked(id: &str, asked: &[AskedCheck<'_>]) -> bool {
    let Some(needed) = asked.iter().find(|asked| asked.check.id == id) else { return true };
    let is_met = needed.seen.as_ref().is_some_and(|seen| seen.met);
    is_met && needed.check.needs.iter().all(|id| is_met_or_not_asked(id, asked))
}

fn finding(check: &Check, seen: &Seen) -> Finding {
    let outcome = if seen.met { Outcome::Met } else { Outcome::Unmet };
    // The advice is about what was found, so it does not fit where nothing was seen.
    let has_advice = outcome == Outcome::Unmet && seen.found != TOO_BUSY;
    // A secret may not be told by where it is cut.
    let (expected, found) = if check.is_secret {
        (check.sentence(), without_marks(&beginning(&seen.found)))
    } else {
        differing(&seen.expected, &seen.found)
    };
    Finding {
        check: check.id.clone(),
        outcome,
        says: check.sentence(),
        expected,
        found,
        otherwise: check.otherwise.clone().filter(|_| has_advice),
        in_worlds: Vec::new(),
    }
}

/// `why` is empty if something else that is unmet is the reason.
fn not_reached(check: &Check, why: &str) -> Finding {
    Finding {
        check: check.id.clone(),
        outcome: Outcome::NotReached,
        says: check.sentence(),
        expected: check.sentence(),
        found: why.to_owned(),
        otherwise: None,
        in_worlds: Vec::new(),
    }
}

/// Whether there is nothing to look at because the evidence is invalid, or because an answer that
/// ran out of time gets neither a crash nor a second server.
fn is_held_up(check: &Check, exercise: &Exercise, evidence: &Evidence) -> bool {
    let is_later = !matches!(check.at, Moment::Exit | Moment::Settled);
    evidence.invalid.is_some()
        || (evidence.run.timed_out() && is_later)
        || meanwhile::is_held_up(check, exercise, evidence)
}

fn invalid(evidence: &Evidence) -> Option<Finding> {
    let why = evidence.invalid.as_ref()?;
    let (says, expected, advice) = if why == NOT_STARTED {
        (
            "the server runs when the answer ends",
            "a server that runs",
            "start the server again before the answer ends, and if it refuses to start, look at what it \
             says: only a server that runs can be looked at",
        )
    } else {
        (
            "what the verdict depends on is untouched",
            "the same server from the answer's start to its end, and nothing changed or reset by \
             which the exercise sees what happens",
            "leave it alone, even for a moment: the verdict depends on it",
        )
    };
    Some(Finding {
        check: EVIDENCE_IS_VALID.to_owned(),
        outcome: Outcome::Unmet,
        says: says.to_owned(),
        expected: expected.to_owned(),
        found: why.clone(),
        otherwise: Some(advice.to_owned()),
        in_worlds: Vec::new(),
    })
}

/// Why a check has no finding although nothing else holds it up.
const UNDECIDED: &str = "what was recorded does not decide it";
/// What was found if the server could not be observed.
const TOO_BUSY: &str = "the server was too busy to respond when the answer ended";

/// `None` if there is nothing to look at: a crash or a restore after an answer that ran out of
/// time, commands that were not kept, an observation that came too late, or calls that may be our
/// own.
fn look(check: &Check, exercise: &Exercise, evidence: &Evidence) -> Option<Seen> {
    let subject = &check.subject;
    let scope = subject.scope();
    match evidence.looks.get(&check.at) {
        _ if matches!(scope, Scope::Program | Scope::Run) => subject.judge(evidence),
        _ if let Some(violation) = meanwhile::violation(check, exercise, evidence) => {
            meanwhile::seen_at(violation, check, evidence)
        }
        None => look_at_nothing(check, exercise, evidence),
        Some(Ok(now)) if check.from.is_some() && scope != Scope::Server => subject.judge_file(now),
        Some(_) if scope != Scope::Server && check.from.is_none() => subject.judge(evidence),
        Some(Ok(now)) if now.may_be_late || subject.not_understood(now).is_some() => None,
        Some(Ok(now)) => subject.judge_at(now, evidence),
        Some(Err(_)) => Some(not_loaded(check, evidence)),
    }
}

/// What a check finds if its moment did not come, or the server could not be observed then.
fn look_at_nothing(check: &Check, exercise: &Exercise, evidence: &Evidence) -> Option<Seen> {
    match check.at {
        Moment::Exit | Moment::Settled => Some(Seen::unmet(check.sentence(), TOO_BUSY)),
        // After an answer that ran out of time, the server is not crashed and its snapshot is not
        // loaded.
        _ if evidence.run.timed_out() => None,
        _ if meanwhile::is_held_up(check, exercise, evidence) => None,
        Moment::Always | Moment::Later(_) => None,
        Moment::Meanwhile(index) => {
            Some(Seen::unmet(check.sentence(), exercise.meanwhile[index].never()))
        }
        Moment::Crash | Moment::Restart | Moment::Restore | Moment::RestoredFrom(_) => {
            Some(not_loaded(check, evidence))
        }
    }
}

fn not_loaded(check: &Check, evidence: &Evidence) -> Seen {
    let why = match evidence.looks.get(&check.at) {
        Some(Err(LoadFailure::Because(why))) => why.clone(),
        _ => topics::why_not_restored(evidence),
    };
    Seen::unmet(check.sentence(), why)
}
