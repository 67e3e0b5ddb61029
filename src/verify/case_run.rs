//! Runs one case on one server and says which expectations failed.

use std::cell::Cell;
use std::time::{Duration, Instant};

use nix::libc::SIGKILL;
use tokio_util::sync::CancellationToken;

use super::case::{Case, CaseKind, Expectation};
use super::example::{example_limit, example_line, example_problems, own_exchanges, runs_alone};
use super::mutants::{Difference, OTHER, exercise_without};
use crate::attempt::evidence::ProgramEnd;
use crate::attempt::{self, Answer, AttemptError, Evidence, Fixture, Phase, Python, Run};
use crate::error::EnvironmentError;
use crate::lesson::Example;
use crate::lesson::check::ENDS_WELL;
use crate::lesson::meanwhile::IT_CAME_TO_THAT;
use crate::relay::{self, Relay};
use crate::server::Server;
use crate::trial::run_answer;
use crate::verdict::worlds::concluded;
use crate::verdict::{Finding, Outcome, Verdict, not_understood};

/// The result of one run of a case, or of several good runs with equal results.
#[derive(Debug, Clone, Default)]
pub struct CaseRun {
    /// How many runs this stands for.
    pub runs: usize,
    /// How many retries they needed: a run is void when the machine stalls.
    pub retries: usize,
    /// A sentence for each failed expectation.
    pub problems: Vec<String>,
    /// The line of the lesson that is at fault, from 1, if it is not the case's own line.
    pub line: Option<usize>,
    /// Why the case could not be checked.
    pub unchecked: Option<EnvironmentError>,
    /// `redis 7.0.15 (container)`; empty if no server started.
    pub server: String,
    /// The time from the answer's setup to the verdict, summed over all runs. It excludes the
    /// server's start.
    pub took: Duration,
    /// A mutant must not pass, but it may fail on any check.
    pub is_mutant: bool,
    /// Whether SIGKILL ended its program, other than ours for a timeout.
    pub is_killed: bool,
    /// The outcome of each check; empty for examples and without a verdict.
    pub findings: Vec<(String, Outcome)>,
    /// The replies to an example's `> ` lines, up to the last one that ran.
    pub replies: Vec<String>,
    /// What a failed example's program printed to standard error.
    pub errors: String,
    /// The verdict and its evidence, if the case failed.
    pub judged: Option<Box<Judged>>,
}

#[derive(Debug, Clone)]
pub struct Judged {
    pub evidence: Evidence,
    pub verdict: Verdict,
}

impl CaseRun {
    /// Whether the case was checked and met its expectation.
    pub fn is_good(&self) -> bool {
        self.problems.is_empty() && self.unchecked.is_none()
    }

    /// Whether to run the case again, to see if the result is stable: it failed, or its program was
    /// killed, perhaps by the system because memory ran out.
    pub(super) fn asks_for_another(&self) -> bool {
        !self.problems.is_empty() || self.is_killed
    }

    /// The verdict in words.
    pub(super) fn outcome(&self) -> String {
        let unmet = self.findings.iter().filter(|(_, outcome)| *outcome == Outcome::Unmet);
        let unmet: Vec<&str> = unmet.map(|(check, _)| check.as_str()).collect();
        if self.unchecked.is_some() {
            "could not be checked".to_owned()
        } else if !unmet.is_empty() {
            format!("failed on {}", listed(&unmet))
        } else if self.findings.is_empty() && !self.problems.is_empty() {
            "failed".to_owned()
        } else {
            "passed".to_owned()
        }
    }

    /// Whether both runs are good and their results differ in nothing but time.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.is_good()
            && other.is_good()
            && (&self.server, self.is_killed) == (&other.server, other.is_killed)
            && (&self.findings, &self.replies) == (&other.findings, &other.replies)
    }

    pub(super) fn without_verdict(server: &str) -> Self {
        Self { runs: 1, server: server.to_owned(), ..Self::default() }
    }
}

/// Runs the case on this fresh server, which keeps the state that the case leaves. If the machine
/// stalls, another fresh server takes its place for the retry.
pub(super) fn run_case(case: &Case<'_>, server: &mut Server, python: Option<&Python>) -> CaseRun {
    let began = Instant::now();
    let (name, setups) = (server.name().to_owned(), Cell::new(0_usize));
    let count_setups = |phase: Phase| setups.set(setups.get() + usize::from(phase == Phase::Setup));
    // Nobody cancels it.
    let cancel = CancellationToken::new();
    let run = Relay::open(relay::Port::Free).and_then(|relay| {
        let mut fixture = Fixture { server, relay: &relay, report: &count_setups, cancel: &cancel };
        run_on(case, &mut fixture, python)
    });
    let run = run.unwrap_or_else(unchecked);
    // Every retry sets the server up once more, and so does every other world.
    let worlds = case.exercise.map_or(1, |exercise| exercise.worlds.len().max(1));
    let retries = setups.get().saturating_sub(worlds);
    CaseRun { server: name, retries, took: began.elapsed(), ..run }
}

/// The result when the environment failed; it names no server.
pub(super) fn unchecked(error: EnvironmentError) -> CaseRun {
    CaseRun { unchecked: Some(error), ..CaseRun::without_verdict("") }
}

/// Runs the case; the caller adds the server's name and the time.
fn run_on(
    case: &Case<'_>,
    fixture: &mut Fixture<'_>,
    python: Option<&Python>,
) -> Result<CaseRun, EnvironmentError> {
    if let Expectation::Example(example) = case.expectation {
        let setup = case.exercise.map(|exercise| exercise.setup.as_slice()).unwrap_or_default();
        let limit = example_limit(case.exercise);
        let answer = Answer { text: example.whole_code(), ..case.answer.clone() };
        let run = attempt::run_example(fixture, setup, &answer, python, limit)
            .map_err(AttemptError::uncancelled)?;
        let mut problems = example_problems(example, &run);
        problems.extend(runs_alone(case.lesson, example, &run));
        return Ok(CaseRun {
            errors: errors(&run).filter(|_| !problems.is_empty()).unwrap_or_default(),
            problems,
            line: example_line(case.lesson, example, &run),
            is_killed: is_killed(&run),
            replies: replies(example, &run),
            ..CaseRun::without_verdict("")
        });
    }
    let changed = match (case.exercise, &case.expectation) {
        (Some(exercise), Expectation::WithoutKill { meanwhile, .. }) => {
            Some(exercise_without(exercise, *meanwhile))
        }
        _ => None,
    };
    let Some(exercise) = changed.as_ref().or(case.exercise) else {
        return Ok(CaseRun::without_verdict(""));
    };
    let tried =
        run_answer(fixture, exercise, &case.answer, python).map_err(AttemptError::uncancelled)?;
    for tried in &tried {
        if let Some((check, why)) = not_understood(exercise, &tried.evidence) {
            let problem = format!("the check `{}` can't be judged: {why}", check.id);
            let line = Some(case.lesson.line_of(check.span.start));
            return Ok(CaseRun { problems: vec![problem], line, ..CaseRun::without_verdict("") });
        }
    }
    let (evidence, verdict) = concluded(exercise, tried)?;
    Ok(judged(case, evidence, verdict))
}

fn judged(case: &Case<'_>, evidence: Evidence, verdict: Verdict) -> CaseRun {
    let mut problems = verdict_problems(case, &evidence, &verdict);
    problems.extend(shown_alone(case, &verdict));
    let findings =
        verdict.findings.iter().map(|finding| (finding.check.clone(), finding.outcome)).collect();
    let (is_mutant, is_killed) = (case.kind() == CaseKind::Mutant, is_killed(&evidence.run));
    let judged = (!problems.is_empty()).then(|| Box::new(Judged { evidence, verdict }));
    CaseRun { problems, is_mutant, is_killed, findings, judged, ..CaseRun::without_verdict("") }
}

fn is_killed(run: &Run) -> bool {
    matches!(run, Run::Program(program) if program.end == ProgramEnd::Signalled(SIGKILL))
}

fn errors(run: &Run) -> Option<String> {
    let Run::Program(program) = run else { return None };
    Some(program.stderr.text.clone())
}

fn replies(example: &Example, run: &Run) -> Vec<String> {
    let Run::Typed(typed) = run else { return Vec::new() };
    own_exchanges(example, typed).iter().map(|exchange| exchange.reply.clone()).collect()
}

/// The problem if all that is unmet is there only to show something.
fn shown_alone(case: &Case<'_>, verdict: &Verdict) -> Option<String> {
    let unmet = verdict.unmet();
    let all_show = unmet.iter().all(|check| only_shows(case, check));
    let is_alone = !unmet.is_empty() && all_show && case.kind() != CaseKind::Solution;
    is_alone.then(|| {
        format!("only {} is unmet, which only shows something: remove `shows`", listed(&unmet))
    })
}

fn only_shows(case: &Case<'_>, id: &str) -> bool {
    let mut checks = case.exercise.iter().flat_map(|exercise| &exercise.checks);
    checks.any(|check| check.id == id && check.only_shows)
}

/// Whether the change of a mutant was sent, as far as the transcript shows.
fn was_sent(difference: &Difference, evidence: &Evidence) -> bool {
    let timeline = &evidence.timeline;
    let is_other = |word: &Vec<u8>| word.ends_with(OTHER.as_bytes());
    !difference.shows_when_sent()
        || timeline.is_incomplete
        || !timeline.left_out_names.is_empty()
        || timeline.exchanges.iter().any(|exchange| exchange.words.iter().any(is_other))
}

fn verdict_problems(case: &Case<'_>, evidence: &Evidence, verdict: &Verdict) -> Vec<String> {
    let unmet = verdict.unmet();
    match &case.expectation {
        Expectation::Passes | Expectation::Equivalent(_) if verdict.passed() => Vec::new(),
        Expectation::Passes => unmet_findings(verdict, "the solution does not pass"),
        Expectation::Fails if verdict.passed() => vec!["the empty answer passes".to_owned()],
        Expectation::Mutant(difference) if verdict.passed() => {
            let is_sent = was_sent(difference, evidence);
            vec![if is_sent { difference.hole() } else { difference.not_run() }]
        }
        Expectation::Example(_)
        | Expectation::Fails
        | Expectation::Mutant(_)
        | Expectation::WithoutKill { .. } => Vec::new(),
        Expectation::Equivalent(difference) => {
            let fails = format!("{difference} the solution fails on {}", listed(&unmet));
            unmet_findings(verdict, &format!("{fails}, but the lesson calls it equivalent"))
        }
        Expectation::FailsOn(_) | Expectation::FailsExactlyOn(_) if verdict.passed() => {
            vec!["the answer passes, but it must fail".to_owned()]
        }
        Expectation::FailsOn(check) if *check != ENDS_WELL && unmet.contains(&ENDS_WELL) => {
            unmet_findings(verdict, "the starter must run to its end: a student begins with it")
        }
        Expectation::FailsOn(check) if unmet.contains(check) => Vec::new(),
        // What comes after the error does not happen.
        Expectation::FailsExactlyOn(ENDS_WELL) if unmet.contains(&ENDS_WELL) => Vec::new(),
        Expectation::FailsExactlyOn(check) if is_on(case, check, &unmet) => Vec::new(),
        Expectation::FailsOn(check) | Expectation::FailsExactlyOn(check) => {
            unmet_findings(verdict, &not_on(check, verdict))
        }
    }
}

/// Whether an answer fails on this check alone. What never happened meanwhile may be the reason for
/// an unmet check, or its consequence.
fn is_on(case: &Case<'_>, check: &str, unmet: &[&str]) -> bool {
    let mut others = unmet.iter().filter(|other| **other != check);
    let may_be_unmet = |other: &str| other == IT_CAME_TO_THAT || only_shows(case, other);
    unmet.contains(&check) && (check == IT_CAME_TO_THAT || others.all(|other| may_be_unmet(other)))
}

/// The problem with an answer that fails, but not on the expected check.
fn not_on(check: &str, verdict: &Verdict) -> String {
    let finding = verdict.findings.iter().find(|finding| finding.check == check);
    let why = match finding.map(|finding| finding.outcome) {
        Some(Outcome::Unmet) => " alone",
        Some(Outcome::Met) => ", which is met",
        Some(Outcome::NotReached) => ", which is not reached",
        // Some checks, such as `ends-well`, have a finding only if they are unmet.
        None => ", but it does not",
    };
    format!("the answer must fail on `{check}`{why}")
}

fn unmet_findings(verdict: &Verdict, what: &str) -> Vec<String> {
    let mut problems = vec![what.to_owned()];
    for Finding { check, outcome, expected, found, .. } in &verdict.findings {
        if *outcome == Outcome::Unmet {
            let between = if expected.contains('\n') { "\n" } else { ", " };
            problems.push(format!("`{check}` is unmet: expected {expected}{between}found {found}"));
        }
    }
    problems
}

fn listed(checks: &[&str]) -> String {
    format!("`{}`", checks.join("`, `"))
}
