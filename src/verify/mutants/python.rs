//! Mutants of Python programs, made by Python itself: it knows best where its statements begin and end.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use super::Mutated;
use crate::attempt::evidence::{ProgramEnd, ProgramRun};
use crate::attempt::program;
use crate::cleanup;
use crate::error::WorldError;
use crate::redis_cli::words::{WRITERS, stored_values, written_key};

/// Needs nothing but Python 3.9 itself.
const SCRIPT: &str = include_str!("mutate.py");
/// For Python's start on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);
/// Ten times what one took on such a machine.
const LIMIT_EACH: Duration = Duration::from_millis(100);

/// The mutants of each of these solutions; `None` where one is no Python.
pub(super) fn mutated(solutions: &[&str]) -> Result<Vec<Option<Mutated>>, WorldError> {
    if solutions.is_empty() {
        return Ok(Vec::new());
    }
    let directory = cleanup::private_directory("mutants")?;
    let failed = |why: String| {
        let fact = format!("`python3` can't make mutants of the solutions: {why}");
        WorldError::new(fact, "install Python 3.9 or newer, or leave them out: `--no-mutants`")
    };
    let (order, answer) = (directory.join("order.json"), directory.join("answer.json"));
    let writers: serde_json::Map<String, serde_json::Value> =
        WRITERS.iter().map(|name| ((*name).to_owned(), written_key(name).into())).collect();
    let places = |name: &&str| Some(((*name).to_owned(), stored_values(name)?));
    let values: BTreeMap<String, (usize, usize)> = WRITERS.iter().filter_map(places).collect();
    let wanted =
        serde_json::json!({ "writers": writers, "values": values, "solutions": solutions });
    std::fs::write(&order, wanted.to_string())
        .map_err(|error| cleanup::check_room().err().unwrap_or(failed(error.to_string())))?;
    let limit = LIMIT + LIMIT_EACH * u32::try_from(solutions.len()).unwrap_or(u32::MAX);
    let mut command = Command::new("python3");
    // Without what is set or installed for other programs.
    command.args(["-I", "-S", "-B", "-c", SCRIPT]).args([&order, &answer]);
    let finished =
        program::run(&mut command, &directory, limit).map_err(|error| failed(error.to_string()))?;
    let answer = std::fs::read(&answer);
    let run = finished.collect();
    cleanup::stop_if_a_signal_came();
    if run.end != ProgramEnd::Exited(0) {
        cleanup::check_room()?;
        return Err(failed(why(&run, limit)));
    }
    let answer = answer.map_err(|error| failed(error.to_string()))?;
    serde_json::from_slice(&answer).map_err(|error| failed(error.to_string()))
}

fn why(run: &ProgramRun, limit: Duration) -> String {
    match (run.end, run.stderr.text.lines().last()) {
        (ProgramEnd::TimedOut, _) => format!("it has not ended after {} s", limit.as_secs()),
        (_, Some(line)) => line.to_owned(),
        (end, None) => format!("it ended with {end:?}"),
    }
}

#[cfg(test)]
mod tests;
