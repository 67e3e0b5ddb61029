//! The program ended with an error.

use std::time::Duration;

use super::cause::Cause;
use super::diagnosed::Pointer;
use super::facts::Facts;
use crate::redis_cli::words;
use crate::relay::StepKind;

/// A program that sends a command more often than this sends it in a loop.
const MANY_TIMES: usize = 5;

/// Python parses the whole file before it runs the first line, so such an error has no traceback. A
/// module that can't be parsed, or a text that is run as code, fails later and has one.
pub fn program_is_no_python(facts: &Facts<'_>) -> Option<Cause> {
    let has_traceback = facts.errors()?.contains("Traceback (most recent call last)");
    let line = facts.last_error().filter(|_| facts.exchanges().is_empty() && !has_traceback)?;
    let name = line.split(':').next().unwrap_or(line);
    let is_unparsed = matches!(name, "SyntaxError" | "IndentationError" | "TabError");
    is_unparsed.then(|| Cause::at([Pointer::ProgramErrors]).with(name))
}

/// `input()`, `getpass()` and everything else that reads a line from standard input.
pub fn program_asks_for_input(facts: &Facts<'_>) -> Option<Cause> {
    let line = facts.last_error()?;
    let errors = facts.errors()?;
    let is_asking = line == "EOFError: EOF when reading a line"
        || (line == "EOFError" && errors.contains("getpass"));
    is_asking.then(|| Cause::at([Pointer::ProgramErrors]))
}

/// A program that sends one command again and again, most of its time and until that is over. One
/// that was killed begins anew.
pub fn loop_without_an_end(facts: &Facts<'_>) -> Option<Cause> {
    let timeline = &facts.evidence.timeline;
    let kills = timeline.steps.iter().filter(|step| step.what == StepKind::KilledAnswer);
    let began = kills.map(|kill| kill.at).max().unwrap_or_default();
    let took = facts.evidence.took.saturating_sub(began);
    let is_late = facts.exchanges().last()?.ended().saturating_sub(began) > took.mul_f64(0.9);
    // EXEC is the end of any transaction.
    let mut exchanges = facts.numbered().filter(|(_, exchange)| exchange.at >= began);
    let (index, last) = exchanges.rfind(|(_, exchange)| exchange.name() != "EXEC")?;
    let same: Vec<Duration> = exchanges
        .filter(|(_, exchange)| exchange.words == last.words)
        .map(|(_, exchange)| exchange.at)
        .collect();
    let lasted = last.at.saturating_sub(*same.first()?);
    let goes_on = facts.evidence.run.timed_out() && is_late && same.len() >= MANY_TIMES;
    let cause = Cause::at([Pointer::Exchange(index)]);
    (goes_on && lasted > took.mul_f64(0.5))
        .then(|| cause.with(words::join(&last.words)).with((same.len() + 1).to_string()))
}

/// An exception that no other diagnosis explains.
pub fn program_failed(facts: &Facts<'_>) -> Option<Cause> {
    let line = facts.last_error().filter(|line| is_exception(line))?;
    let name = line.split(':').next().unwrap_or(line);
    Some(Cause::at([Pointer::ProgramErrors]).with(name))
}

/// `NameError: name 'clinet' is not defined`, but not a text that the program itself printed.
pub fn is_exception(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default();
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_a_path = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
    is_a_path && (last.ends_with("Error") || last.ends_with("Exception"))
}
