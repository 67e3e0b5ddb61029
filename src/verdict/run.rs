//! How the answer ended.

use super::finding::{Finding, Outcome};
use crate::attempt::evidence::{Evidence, ProgramEnd, Run, Stopped, Typed};
use crate::differing::beginning;
use crate::lesson::Exercise;
use crate::lesson::check::ENDS_WELL;

/// An answer that ran out of time never passes; a program that failed passes only if the exercise
/// itself checks the exit status.
pub(super) fn ended_badly(exercise: &Exercise, evidence: &Evidence) -> Option<Finding> {
    let limit = exercise.time_limit.as_secs_f64();
    let looks_at_exit = exercise.checks.iter().any(|check| check.kind == "exit");
    let found = match &evidence.run {
        run if run.timed_out() => format!("it was still running after {limit} s and was stopped"),
        Run::Typed(Typed { stopped: Some(Stopped::Endless(name)), .. }) => {
            format!("`{name}` never ends: that line and those after it were not run")
        }
        Run::Program(program) if !looks_at_exit => match program.end {
            ProgramEnd::Exited(0) | ProgramEnd::TimedOut => return None,
            ProgramEnd::Exited(status) => {
                let last = program.stderr.text.lines().rev().find(|line| !line.trim().is_empty());
                let why = last.map(|line| format!(": {}", beginning(line.trim())));
                let why = why.unwrap_or_default();
                format!("it ended with exit status {status}{why}")
            }
            ProgramEnd::Signalled(signal) => format!("it was ended by signal {signal}"),
        },
        Run::Program(_) | Run::Typed(_) => return None,
    };
    Some(Finding {
        check: ENDS_WELL.to_owned(),
        outcome: Outcome::Unmet,
        says: "the answer ends by itself and without an error".to_owned(),
        expected: format!("an end without an error, within {limit} s"),
        found,
        otherwise: None,
        in_worlds: Vec::new(),
    })
}
