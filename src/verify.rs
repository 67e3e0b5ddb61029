//! The course's own test: every example, starter, solution, wrong answer and the empty answer, each on a
//! fresh server.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::attempt::{self, Answer, Python, Run, Stand, evidence::ProgramEnd};
use crate::error::WorldError;
use crate::lesson::{Code, Course, Example, Exercise, FailingAnswer, Language, Lesson};
use crate::server::{Server, Source};
use crate::tap::{self, Tap};
use crate::verdict::{Outcome, Verdict, conclude};

const EXAMPLE_LIMIT: Duration = Duration::from_secs(10);

/// One thing to prove.
#[derive(Debug, Clone)]
pub struct Case<'c> {
    /// `creating-snapshots/python/wrong-2`, `snapshotting/example-1`.
    pub id: String,
    /// Where its code stands.
    pub lesson: &'c Lesson,
    /// The line of the code's fence, from 1.
    pub line: usize,
    /// The section's exercise; an example may have none.
    exercise: Option<&'c Exercise>,
    answer: Answer,
    expectation: Expectation<'c>,
}

#[derive(Debug, Clone)]
enum Expectation<'c> {
    Example(&'c Example),
    Passes,
    /// On this check, whatever else it fails on.
    FailsOn(&'c str),
    /// On this check and no other.
    FailsExactlyOn(&'c str),
    Fails,
}

/// What became of a case.
#[derive(Debug, Clone)]
pub struct CaseResult {
    /// A sentence for each thing that is not as it must be.
    pub problems: Vec<String>,
    /// It could not be checked.
    pub unchecked: Option<WorldError>,
    /// `redis 7.0.15 (container)`; empty where no server started.
    pub server: String,
}

impl CaseResult {
    /// Whether all is as it must be.
    pub fn is_good(&self) -> bool {
        self.problems.is_empty() && self.unchecked.is_none()
    }
}

/// All cases of the course that one of `only` names: a lesson, an exercise, or the beginning of a case's
/// id up to a `/`. No `only`: all.
pub fn cases<'c>(course: &'c Course, only: &[String]) -> Vec<Case<'c>> {
    let all = course.lessons.iter().flat_map(lesson_cases);
    let named = |case: &Case<'_>| {
        let names = |name: &String| {
            let rest = case.id.strip_prefix(name.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                || *name == case.lesson.id
        };
        only.is_empty() || only.iter().any(names)
    };
    all.filter(named).collect()
}

/// Names in `only` that match no case.
pub fn unknown_names<'n>(course: &Course, only: &'n [String]) -> Vec<&'n str> {
    let unknown = only.iter().filter(|name| cases(course, std::slice::from_ref(name)).is_empty());
    unknown.map(String::as_str).collect()
}

fn lesson_cases(lesson: &Lesson) -> Vec<Case<'_>> {
    let examples = lesson.steps.iter().flat_map(|step| {
        step.examples.iter().map(move |example| (example, step.exercise.as_ref()))
    });
    let examples = examples.enumerate().map(|(index, (example, exercise))| Case {
        id: format!("{}/example-{}", lesson.id, index + 1),
        lesson,
        line: line_of(&lesson.source, example.code.span.start),
        exercise,
        answer: Answer {
            language: example.code.language,
            text: example.code.text.clone(),
            path: None,
        },
        expectation: Expectation::Example(example),
    });
    let exercises = lesson.steps.iter().filter_map(|step| step.exercise.as_ref());
    examples.chain(exercises.flat_map(|exercise| exercise_cases(lesson, exercise))).collect()
}

fn exercise_cases<'c>(lesson: &'c Lesson, exercise: &'c Exercise) -> Vec<Case<'c>> {
    let mut cases = Vec::new();
    for language in exercise.languages() {
        let of_language = |it: &&FailingAnswer| it.code.language == language;
        let case = |name: String, code: &Code, expectation| Case {
            id: format!("{}/{language}/{name}", exercise.id),
            lesson,
            line: line_of(&lesson.source, code.span.start),
            exercise: Some(exercise),
            answer: Answer { language, text: code.text.clone(), path: None },
            expectation,
        };
        for starter in exercise.starters.iter().filter(of_language) {
            cases.push(case(
                "starter".to_owned(),
                &starter.code,
                Expectation::FailsOn(&starter.fails),
            ));
        }
        let solutions = exercise.solutions.iter().filter(|code| code.language == language);
        for (index, code) in solutions.enumerate() {
            cases.push(case(format!("solution-{}", index + 1), code, Expectation::Passes));
        }
        for (index, wrong) in exercise.wrong_answers.iter().filter(of_language).enumerate() {
            let expectation = Expectation::FailsExactlyOn(&wrong.fails);
            cases.push(case(format!("wrong-{}", index + 1), &wrong.code, expectation));
        }
        let nothing = Code { language, text: String::new(), span: exercise.span.clone() };
        cases.push(case("empty".to_owned(), &nothing, Expectation::Fails));
    }
    cases
}

fn line_of(source: &str, offset: usize) -> usize {
    source[..offset].bytes().filter(|&byte| byte == b'\n').count() + 1
}

/// Runs the cases, `jobs` at a time, each on a server of its own. `done` is called as each ends, with its
/// place in `cases`; results come back in the cases' order. Once a server could not be started, the cases
/// left are not run: they would only fail alike, one after another; they have no result.
pub fn run(
    cases: &[Case<'_>],
    source: &Source,
    python: Option<&Python>,
    jobs: usize,
    done: &(dyn Fn(usize, &CaseResult) + Sync),
) -> Vec<Option<CaseResult>> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(vec![None; cases.len()]);
    std::thread::scope(|scope| {
        let work = || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(case) = cases.get(index) else { break };
                let result = run_case(case, source, python);
                if result.server.is_empty() {
                    next.store(cases.len(), Ordering::Relaxed);
                }
                done(index, &result);
                results.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(result);
            }
        };
        for _ in 1..jobs {
            // With fewer threads than wished it only takes longer.
            let _ = std::thread::Builder::new().name("case".into()).spawn_scoped(scope, work);
        }
        work();
    });
    results.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn run_case(case: &Case<'_>, source: &Source, python: Option<&Python>) -> CaseResult {
    let settings = case.exercise.map(|exercise| exercise.settings.as_slice()).unwrap_or_default();
    let mut server = match Server::start(source, settings) {
        Ok(server) => server,
        Err(error) => return without_server(error, settings, source),
    };
    let proved = Tap::open(tap::Port::Free).and_then(|tap| {
        prove(case, &mut Stand { server: &mut server, tap: &tap, telling: &|_| {} }, python)
    });
    let (problems, unchecked) = match proved {
        Ok(problems) => (problems, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    CaseResult { problems, unchecked, server: server.name().to_owned() }
}

/// A server that starts without the lesson's settings, but not with them, is the lesson's fault.
fn without_server(error: WorldError, settings: &[(String, String)], source: &Source) -> CaseResult {
    let plain = if settings.is_empty() { None } else { Server::start(source, &[]).ok() };
    match plain {
        Some(server) => {
            let why = format!(
                "no server starts with the lesson's `[server]`: {}; {}",
                error.fact, error.help
            );
            let server = server.name().to_owned();
            CaseResult { problems: vec![why], unchecked: None, server }
        }
        None => CaseResult { problems: Vec::new(), unchecked: Some(error), server: String::new() },
    }
}

fn prove(
    case: &Case<'_>,
    stand: &mut Stand<'_>,
    python: Option<&Python>,
) -> Result<Vec<String>, WorldError> {
    match (&case.expectation, case.exercise) {
        (Expectation::Example(example), exercise) => {
            let setup = exercise.map(|exercise| exercise.setup.as_slice()).unwrap_or_default();
            let limit = example_limit(exercise);
            let answer = Answer { text: commands_of(example), ..case.answer.clone() };
            let run = attempt::run_example(stand, setup, &answer, python, limit)?;
            Ok(example_problems(example, &run))
        }
        (expectation, Some(exercise)) => {
            let evidence = attempt::attempt(stand, exercise, &case.answer, python)?;
            Ok(verdict_problems(expectation, &conclude(exercise, &evidence)?))
        }
        (_, None) => Ok(Vec::new()),
    }
}

/// How long an example may run.
pub fn example_limit(exercise: Option<&Exercise>) -> Duration {
    exercise.map_or(EXAMPLE_LIMIT, |exercise| exercise.time_limit)
}

/// What is to be run of an example: of a dialogue, what stands behind `> `.
pub fn commands_of(example: &Example) -> String {
    if example.dialogue.is_empty() {
        return example.code.text.clone();
    }
    example.dialogue.iter().fold(String::new(), |text, exchange| text + &exchange.command + "\n")
}

/// What is wrong with an example's run.
pub fn example_problems(example: &Example, run: &Run) -> Vec<String> {
    let mut problems = Vec::new();
    match run {
        _ if run.timed_out() => problems.push("the example does not end in time".to_owned()),
        Run::Program(program) => {
            if program.end != ProgramEnd::Exited(0) {
                let last = program.stderr.text.lines().last().unwrap_or("it printed no error");
                problems.push(format!("the example ends with an error: {last}"));
            }
        }
        Run::Typed(typed) if example.dialogue.is_empty() => {
            let failed = typed.exchanges.iter().filter(|it| is_error(&it.reply));
            problems.extend(failed.map(|it| format!("`{}` is answered by {}", it.line, it.reply)));
        }
        Run::Typed(typed) => {
            for (wanted, seen) in example.dialogue.iter().zip(&typed.exchanges) {
                if !wanted.reply.is_empty() && !is_like(&seen.reply, &wanted.reply) {
                    let (reply, wanted) = (&seen.reply, &wanted.reply);
                    problems.push(format!(
                        "`{}` is answered by `{reply}`, the lesson says `{wanted}`",
                        seen.line
                    ));
                }
            }
        }
    }
    problems
}

fn is_error(reply: &str) -> bool {
    ["(error)", "Invalid argument(s)", "Error:", "Could not connect"]
        .iter()
        .any(|it| reply.starts_with(it))
}

/// Whether `text` is `pattern`, in which `...` stands for anything, line ends included.
fn is_like(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.trim_end().split("...");
    let (text, first) = (text.trim_end(), parts.next().unwrap_or_default());
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        if let Some(passed) = last.replace(part) {
            let Some(at) = rest.find(passed) else { return false };
            rest = &rest[at + passed.len()..];
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

fn verdict_problems(expectation: &Expectation<'_>, verdict: &Verdict) -> Vec<String> {
    let unmet = verdict.unmet();
    match expectation {
        Expectation::Passes if verdict.passed() => Vec::new(),
        Expectation::Passes => unmet_findings(verdict, "the solution does not pass"),
        Expectation::Fails if verdict.passed() => vec!["the empty answer passes".to_owned()],
        Expectation::Example(_) | Expectation::Fails => Vec::new(),
        Expectation::FailsOn(_) | Expectation::FailsExactlyOn(_) if verdict.passed() => {
            vec!["the answer passes, but it must fail".to_owned()]
        }
        Expectation::FailsOn(check) if unmet.contains(check) => Vec::new(),
        Expectation::FailsExactlyOn(check) if unmet == [*check] => Vec::new(),
        Expectation::FailsOn(check) | Expectation::FailsExactlyOn(check) => {
            let state = verdict.findings.iter().find(|it| it.check == **check).map(|it| it.outcome);
            let what = match state {
                Some(Outcome::Unmet) => format!("the answer must fail on `{check}` alone"),
                Some(Outcome::Met) => format!("the answer must fail on `{check}`, which is met"),
                Some(Outcome::NotReached) => {
                    format!("the answer must fail on `{check}`, which is not reached")
                }
                None => format!("the answer must fail on `{check}`, which is not asked of it"),
            };
            unmet_findings(verdict, &what)
        }
    }
}

fn unmet_findings(verdict: &Verdict, what: &str) -> Vec<String> {
    let unmet = verdict.findings.iter().filter(|finding| finding.outcome == Outcome::Unmet);
    let texts = unmet
        .map(|it| format!("`{}` is unmet: expected {}, found {}", it.check, it.expected, it.found));
    std::iter::once(what.to_owned()).chain(texts).collect()
}

/// Whether a case needs Python.
pub fn needs_python(cases: &[Case<'_>]) -> bool {
    cases.iter().any(|case| case.answer.language == Language::Python)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_dots_stand_for_anything() {
        assert!(is_like("(integer) 1795", "(integer) ..."));
        assert!(is_like("a\nb\nc", "a\n...\nc"));
        assert!(is_like("role:master", "...master"));
        assert!(!is_like("role:master", "...slave"));
    }

    #[test]
    fn without_dots_the_reply_is_compared_whole() {
        assert!(is_like("OK", "OK") && is_like("OK\n", "OK"));
        assert!(!is_like("OK!", "OK"));
    }

    #[test]
    fn a_part_is_not_used_twice() {
        assert!(!is_like("ab", "ab...b"));
        assert!(is_like("abb", "ab...b"));
    }
}
