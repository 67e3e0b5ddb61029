//! One case on one server: what is not as it must be.

use std::cell::Cell;
use std::time::{Duration, Instant};

use nix::libc::SIGKILL;

use super::case::{Case, Expectation, Kind};
use super::example::{commands_of, example_limit, example_line, example_problems};
use crate::attempt::evidence::ProgramEnd;
use crate::attempt::{self, Answer, Evidence, Phase, Python, Run, Stand, refused_command};
use crate::error::{WorldError, WorldErrorKind};
use crate::lesson::check::ENDS_WELL;
use crate::server::{Server, Source};
use crate::tap::{self, Tap};
use crate::verdict::{Finding, Outcome, Verdict, conclude};

/// What a run of a case gave, or several that were good and alike.
#[derive(Debug, Clone)]
pub struct Proof {
    /// How many.
    pub runs: usize,
    /// How often they were void, since the machine failed them, and were begun again.
    pub again: usize,
    /// A sentence for each thing that is not as it must be.
    pub problems: Vec<String>,
    /// The line of the lesson that is at fault, from 1, where that is not the case's own.
    pub line: Option<usize>,
    /// It could not be checked.
    pub unchecked: Option<WorldError>,
    /// `redis 7.0.15 (container)`; empty where no server started.
    pub server: String,
    /// From the answer's setup to the verdict, all of them together; the server had been started before.
    pub took: Duration,
    /// Whether it is a mutant's: then it matters that it does not pass, but not which check it fails on.
    pub is_mutant: bool,
    /// Whether its program was ended by SIGKILL, and not for being out of time.
    pub is_killed: bool,
    /// What became of each check; empty for examples and where there is no verdict.
    pub findings: Vec<(String, Outcome)>,
    /// Of an example with `> ` lines: what each was answered, as far as it came.
    pub replies: Vec<String>,
    /// What the verdict rests on, where something is not as it must be.
    pub judged: Option<Box<Judged>>,
}

/// A verdict and its evidence.
#[derive(Debug, Clone)]
pub struct Judged {
    /// What was seen.
    pub evidence: Evidence,
    /// What that says.
    pub verdict: Verdict,
}

impl Proof {
    /// Whether all is as it must be.
    pub fn is_good(&self) -> bool {
        self.problems.is_empty() && self.unchecked.is_none()
    }

    /// Whether another run is to say if it is like that every time: it is not as it must be, or somebody, perhaps the system
    /// for lack of memory, has ended it.
    pub(super) fn asks_for_another(&self) -> bool {
        !self.problems.is_empty() || self.is_killed
    }

    /// What the verdict was.
    pub(super) fn outcome(&self) -> String {
        let unmet = self.findings.iter().filter(|(_, outcome)| *outcome == Outcome::Unmet);
        let unmet: Vec<String> = unmet.map(|(check, _)| format!("`{check}`")).collect();
        if self.unchecked.is_some() {
            "could not be checked".to_owned()
        } else if !unmet.is_empty() {
            format!("failed on {}", unmet.join(", "))
        } else if self.findings.is_empty() && !self.problems.is_empty() {
            "failed".to_owned()
        } else {
            "passed".to_owned()
        }
    }

    /// Whether nothing that one run tells is not told by the other, but for the time it took.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let both_are_good = self.is_good() && other.is_good();
        both_are_good
            && (&self.server, self.is_killed) == (&other.server, other.is_killed)
            && (&self.findings, &self.replies) == (&other.findings, &other.replies)
    }

    pub(super) fn without_verdict(server: &str) -> Self {
        Self {
            runs: 1,
            again: 0,
            problems: Vec::new(),
            line: None,
            unchecked: None,
            server: server.to_owned(),
            took: Duration::ZERO,
            is_mutant: false,
            is_killed: false,
            findings: Vec::new(),
            replies: Vec::new(),
            judged: None,
        }
    }
}

/// Runs the case on this fresh server, or on another that takes its place where the machine fails the run. It is left as
/// the case leaves it.
pub(super) fn prove(case: &Case<'_>, server: &mut Server, python: Option<&Python>) -> Proof {
    let began = Instant::now();
    let (name, setups) = (server.name().to_owned(), Cell::new(0_usize));
    let telling = |phase| setups.set(setups.get() + usize::from(phase == Phase::Setup));
    let proved = Tap::open(tap::Port::Free).and_then(|tap| {
        prove_on(case, &mut Stand { server, tap: &tap, telling: &telling }, python)
    });
    let proof = proved.unwrap_or_else(unchecked);
    let again = setups.get().saturating_sub(1);
    Proof { server: name, again, took: began.elapsed(), ..proof }
}

/// Where the case's server did not start: another, if that was no lasting fault. Where one starts without the lesson's
/// settings, but twice none with them, it is the lesson's.
pub(super) fn start_after(
    case: &Case<'_>,
    error: WorldError,
    source: &Source,
) -> Result<Server, Box<Proof>> {
    let has_settings = !case.settings().is_empty();
    let plain = if has_settings { Server::start(source, &[]).ok() } else { None };
    let Some(plain) = plain else { return Err(Box::new(unchecked(error))) };
    if let Err(full) = plain.check_room() {
        return Err(Box::new(unchecked(full)));
    }
    Server::start(source, case.settings()).map_err(|error| {
        let why = format!("no server starts with the lesson's `[server]`: {}", error.fact);
        let line = case.exercise.map(|it| case.lesson.line_of(it.settings_span.start));
        Box::new(Proof { problems: vec![why], line, ..Proof::without_verdict(plain.name()) })
    })
}

/// Where the world failed, on no server.
pub(super) fn unchecked(error: WorldError) -> Proof {
    Proof { unchecked: Some(error), ..Proof::without_verdict("") }
}

/// Where the case's setup failed and that is the lesson's fault.
pub(super) fn refused_setup(case: &Case<'_>, failed: &Proof, source: &Source) -> Option<Proof> {
    let exercise = case.exercise?;
    failed.unchecked.as_ref().filter(|it| it.kind == WorldErrorKind::FailedSetup)?;
    let mut server = Server::start(source, case.settings()).ok()?;
    let refused = refused_command(&mut server, exercise)?;
    let line = case.lesson.line_of(refused.block.span.start) + 1 + refused.line;
    let problems = vec![format!("the setup fails: {}", refused.what)];
    Some(Proof { problems, line: Some(line), ..Proof::without_verdict(server.name()) })
}

/// What came of it; server and time are for the caller to add.
fn prove_on(
    case: &Case<'_>,
    stand: &mut Stand<'_>,
    python: Option<&Python>,
) -> Result<Proof, WorldError> {
    match (&case.expectation, case.exercise) {
        (Expectation::Example(example), exercise) => {
            let setup = exercise.map(|exercise| exercise.setup.as_slice()).unwrap_or_default();
            let limit = example_limit(exercise);
            let answer = Answer { text: commands_of(example), ..case.answer.clone() };
            let run = attempt::run_example(stand, setup, &answer, python, limit)?;
            Ok(Proof {
                problems: example_problems(example, &run),
                line: example_line(case.lesson, example, &run),
                is_killed: is_killed(&run),
                replies: replies(&run),
                ..Proof::without_verdict("")
            })
        }
        (_, Some(exercise)) => {
            let evidence = attempt::attempt(stand, exercise, &case.answer, python)?;
            let verdict = conclude(exercise, &evidence)?;
            Ok(judged(case, evidence, verdict))
        }
        (_, None) => Ok(Proof::without_verdict("")),
    }
}

fn judged(case: &Case<'_>, evidence: Evidence, verdict: Verdict) -> Proof {
    let problems = verdict_problems(&case.expectation, &verdict);
    let findings = verdict.findings.iter().map(|it| (it.check.clone(), it.outcome)).collect();
    let (is_mutant, is_killed) = (case.kind() == Kind::Mutant, is_killed(&evidence.run));
    let judged = (!problems.is_empty()).then(|| Box::new(Judged { evidence, verdict }));
    Proof { problems, is_mutant, is_killed, findings, judged, ..Proof::without_verdict("") }
}

fn is_killed(run: &Run) -> bool {
    matches!(run, Run::Program(it) if it.end == ProgramEnd::Signalled(SIGKILL))
}

fn replies(run: &Run) -> Vec<String> {
    match run {
        Run::Typed(typed) => typed.exchanges.iter().map(|it| it.reply.clone()).collect(),
        Run::Program(_) => Vec::new(),
    }
}

fn verdict_problems(expectation: &Expectation<'_>, verdict: &Verdict) -> Vec<String> {
    let unmet = verdict.unmet();
    match expectation {
        Expectation::Passes | Expectation::Equivalent(_) if verdict.passed() => Vec::new(),
        Expectation::Passes => unmet_findings(verdict, "the solution does not pass"),
        Expectation::Fails if verdict.passed() => vec!["the empty answer passes".to_owned()],
        Expectation::Mutant(difference) if verdict.passed() => vec![difference.hole()],
        Expectation::Example(_) | Expectation::Fails | Expectation::Mutant(_) => Vec::new(),
        Expectation::Equivalent(difference) => {
            let checks: Vec<String> = unmet.iter().map(|check| format!("`{check}`")).collect();
            let what = format!(
                "{difference} the solution is called equivalent, but fails on {}",
                checks.join(", ")
            );
            unmet_findings(verdict, &what)
        }
        Expectation::FailsOn(_) | Expectation::FailsExactlyOn(_) if verdict.passed() => {
            vec!["the answer passes, but it must fail".to_owned()]
        }
        Expectation::FailsOn(check) if *check != ENDS_WELL && unmet.contains(&ENDS_WELL) => {
            unmet_findings(verdict, "the starter must run to its end: a student begins with it")
        }
        Expectation::FailsOn(check) if unmet.contains(check) => Vec::new(),
        Expectation::FailsExactlyOn(check) if unmet == [*check] => Vec::new(),
        Expectation::FailsOn(check) | Expectation::FailsExactlyOn(check) => {
            unmet_findings(verdict, &not_on(check, verdict))
        }
    }
}

/// Why an answer that fails does not fail as it must.
fn not_on(check: &str, verdict: &Verdict) -> String {
    let state = verdict.findings.iter().find(|it| it.check == check).map(|it| it.outcome);
    match state {
        Some(Outcome::Unmet) => format!("the answer must fail on `{check}` alone"),
        Some(Outcome::Met) => format!("the answer must fail on `{check}`, which is met"),
        Some(Outcome::NotReached) => {
            format!("the answer must fail on `{check}`, which is not reached")
        }
        None => format!("the answer must fail on `{check}`, which is not asked of it"),
    }
}

fn unmet_findings(verdict: &Verdict, what: &str) -> Vec<String> {
    let unmet = verdict.findings.iter().filter(|finding| finding.outcome == Outcome::Unmet);
    let text = |it: &Finding| {
        format!("`{}` is unmet: expected {}, found {}", it.check, it.expected, it.found)
    };
    std::iter::once(what.to_owned()).chain(unmet.map(text)).collect()
}
