//! Loads the snapshot file alone into a second, clean server.

use std::collections::BTreeMap;
use std::time::Instant;

use redis::Value;

use super::contents::Contents;
use super::evidence::{FileContents, LoadFailure, Look, NAMED_KEYS, Observation};
use super::look::{LOOK_LIMIT, observe_at};
use crate::error::EnvironmentError;
use crate::lesson::{Exercise, Moment};
use crate::server::{CallError, Server, log};

const HELP: &str = "try again";

/// The bytes of a value that are shown.
const SHOWN_VALUE: usize = 40;

/// Settings with which a second server loads the snapshot file that it is given, and writes none.
pub(super) const OF_A_SNAPSHOT: [(&str, &str); 2] = [("appendonly", "no"), ("save", "")];

/// Takes the server's snapshot file, even if the server was killed, and reads what is in it.
pub(super) fn restore(
    server: &Server,
    exercise: &Exercise,
    before: Option<&Contents>,
) -> Result<Look, EnvironmentError> {
    let Some(dump) = server.dump()? else { return Ok(Err(LoadFailure::NoFile)) };
    match server.another_from_dump(&settings(exercise, OF_A_SNAPSHOT), &dump) {
        Ok(second) => look_into(second, exercise, before, Moment::Restore).map(Ok),
        Err(error) => load_failure(error).map(Err),
    }
}

/// The exercise's settings with these laid over them: other values would make the server ignore the
/// file, or write another one.
pub(super) fn settings(exercise: &Exercise, clean: [(&str, &str); 2]) -> Vec<(String, String)> {
    let clean = clean.map(|(name, value)| (name.to_owned(), value.to_owned()));
    [exercise.settings.as_slice(), &clean].concat()
}

/// What a second server has loaded.
pub(super) fn look_into(
    mut second: Server,
    exercise: &Exercise,
    before: Option<&Contents>,
    moment: Moment,
) -> Result<Observation, EnvironmentError> {
    ask(&mut second, exercise, before, moment).map_err(|why| {
        let fact = format!("the server that loaded the file does not reply: {why}");
        EnvironmentError::new(fact, HELP)
    })
}

/// A finding if the server's own log says that the file is bad; otherwise the environment failed.
pub(super) fn load_failure(error: EnvironmentError) -> Result<LoadFailure, EnvironmentError> {
    told_by(log::DUMP_NOT_LOADED, &error).map(LoadFailure::Unloadable).ok_or(error)
}

/// Why a server did not start that had started before, by its own words.
pub(super) enum Failure {
    /// It cannot load its snapshot file or its append-only file.
    Files(String),
    Setting(String),
}

/// An error if the server does not say that its files or its settings are at fault.
pub(super) fn failure(error: EnvironmentError) -> Result<Failure, EnvironmentError> {
    let files = [log::AOF_NOT_LOADED, log::DUMP_NOT_LOADED];
    let of_files = files.into_iter().find_map(|what| told_by(what, &error));
    let found = of_files.map(Failure::Files);
    found.or_else(|| told_by(log::SETTING_REFUSED, &error).map(Failure::Setting)).ok_or(error)
}

/// What the server says after these words.
fn told_by(what: &str, error: &EnvironmentError) -> Option<String> {
    let (_, why) = error.fact.split_once(what)?;
    Some(why.trim_start_matches(": ").to_owned())
}

fn ask(
    second: &mut Server,
    exercise: &Exercise,
    before: Option<&Contents>,
    moment: Moment,
) -> Result<Observation, CallError> {
    let count = match second.client().call(&["DBSIZE"], LOOK_LIMIT)? {
        Value::Int(count) => count,
        _ => 0,
    };
    let keys = key_names(second)?;
    let observation = observe_at(second, exercise, moment, Instant::now() + LOOK_LIMIT)?;
    let differences = before.map(|before| before.compare(second)).transpose()?;
    let values = string_values(second, &keys)?;
    Ok(Observation { file: Some(FileContents { keys, values, count, differences }), ..observation })
}

/// The beginnings of strings; other types are left out.
fn string_values(
    second: &mut Server,
    keys: &[String],
) -> Result<BTreeMap<String, String>, CallError> {
    let mut values = BTreeMap::new();
    for key in keys {
        // One character too many shows that there is more.
        let end = SHOWN_VALUE.to_string();
        let reply = second.client().call(&["GETRANGE", key, "0", &end], LOOK_LIMIT)?;
        // A key that has just expired, or whose name was not text, has no value either.
        if let Value::BulkString(bytes) = reply
            && !bytes.is_empty()
        {
            let value = String::from_utf8_lossy(&bytes);
            let shown: String = value.chars().take(SHOWN_VALUE).collect();
            let more = if bytes.len() > SHOWN_VALUE { "..." } else { "" };
            values.insert(key.clone(), format!("{shown}{more}"));
        }
    }
    Ok(values)
}

/// The names of keys, sorted; only some of them if there are very many.
fn key_names(second: &mut Server) -> Result<Vec<String>, CallError> {
    let count = (NAMED_KEYS * 10).to_string();
    let reply = second.client().call(&["SCAN", "0", "COUNT", &count], LOOK_LIMIT)?;
    let (_, names): (Vec<u8>, Vec<Vec<u8>>) = redis::from_redis_value(reply).unwrap_or_default();
    let mut names: Vec<String> =
        names.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    names.sort();
    names.truncate(NAMED_KEYS);
    Ok(names)
}
