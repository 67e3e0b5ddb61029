//! Mutants of Python solutions. A Python script makes them, since Python's own parser knows where
//! statements begin and end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::process::Command;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Mutated;
use crate::attempt::evidence::{ProgramEnd, ProgramRun};
use crate::attempt::program;
use crate::cleanup;
use crate::error::EnvironmentError;
use crate::redis_cli::words::stored_values;
use crate::redis_cli::{commands, options};
use crate::topics;

/// Needs only Python 3.9 and its standard library.
const SCRIPT: &str = include_str!("mutate.py");
/// Allows for a slow start of Python on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);
/// For each solution: ten times what one took on a busy machine.
const LIMIT_EACH: Duration = Duration::from_millis(100);

/// One item for each solution; `None` if it does not parse.
pub(super) fn mutated(solutions: &[&str]) -> Result<Vec<Option<Mutated>>, EnvironmentError> {
    if solutions.is_empty() {
        return Ok(Vec::new());
    }
    let directory = cleanup::private_directory("mutants")?;
    let (order, answer) = (directory.join("order.json"), directory.join("answer.json"));
    let writers: serde_json::Map<String, serde_json::Value> =
        commands::writers().map(|(name, key)| (name, key.into())).collect();
    let values: BTreeMap<String, (usize, usize)> = commands::writers()
        .filter_map(|(name, _)| stored_values(&name).map(|values| (name, values)))
        .collect();
    let wanted = serde_json::json!({
        "writers": writers,
        "values": values,
        "keys": commands::methods_with_keys().collect::<BTreeMap<_, _>>(),
        "options": options::names().collect::<BTreeSet<_>>(),
        "swaps": topics::swaps().collect::<BTreeMap<_, _>>(),
        "durable": topics::durable_commands().collect::<Vec<_>>(),
        "asking": topics::status_commands().collect::<Vec<_>>(),
        "solutions": solutions,
    });
    std::fs::write(&order, wanted.to_string())
        .map_err(|error| cleanup::check_room().err().unwrap_or(failed(error)))?;
    let limit = LIMIT + LIMIT_EACH * u32::try_from(solutions.len()).unwrap_or(u32::MAX);
    let mut command = Command::new("python3");
    // Ignores the user's settings and packages.
    command.args(["-I", "-S", "-B", "-c", SCRIPT]).args([&order, &answer]);
    let cancel = CancellationToken::new();
    let finished = program::run(&mut command, &directory, limit, &cancel).map_err(failed)?;
    let answer = std::fs::read(&answer);
    let run = finished.collect();
    cleanup::stop_if_a_signal_came();
    if run.end != ProgramEnd::Exited(0) {
        cleanup::check_room()?;
        return Err(failed(why(&run, limit)));
    }
    serde_json::from_slice(&answer.map_err(failed)?).map_err(failed)
}

fn failed(why: impl fmt::Display) -> EnvironmentError {
    let fact = format!("`python3` can't make mutants of the solutions: {why}");
    EnvironmentError::new(fact, "install Python 3.9 or newer, or skip mutants with `--no-mutants`")
}

fn why(run: &ProgramRun, limit: Duration) -> String {
    match (run.end, run.stderr.text.lines().last()) {
        (ProgramEnd::TimedOut, _) => format!("it did not finish within {} s", limit.as_secs()),
        (_, Some(line)) => line.to_owned(),
        (end, None) => format!("it ended with {end:?}"),
    }
}

#[cfg(test)]
pub(super) mod tests;
