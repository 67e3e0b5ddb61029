//! The snapshot file alone, loaded by a second, clean server.

use std::collections::BTreeMap;
use std::time::Instant;

use redis::Value;

use super::contents::Contents;
use super::evidence::{NAMED_KEYS, Restored};
use super::observe::{LOOK_LIMIT, observe_at};
use crate::error::WorldError;
use crate::lesson::{Exercise, Moment, Subject};
use crate::server::{CallError, Server, log};

const HELP: &str = "try again";

/// Takes the server's `dump.rdb`, also if the server was killed, and looks what is in it.
pub(super) fn restore(
    server: &Server,
    exercise: &Exercise,
    before: Option<&Contents>,
) -> Result<Restored, WorldError> {
    let Some(dump) = server.dump()? else { return Ok(Restored::NoFile) };
    // What would make a server pass over the snapshot, or write another one.
    let clean = [("appendonly", "no"), ("save", "")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let settings = [exercise.settings.as_slice(), &clean].concat();
    match Server::start_from_dump(server.source(), &settings, &dump) {
        Ok(mut second) => look_into(&mut second, exercise, before).map_err(|why| {
            WorldError::new(
                format!("the server that loaded the snapshot says nothing: {why}"),
                HELP,
            )
        }),
        Err(error) => blame_the_file(error),
    }
}

/// Where the server's own log says that the file is what is wrong, that is a finding; else the world failed.
pub(super) fn blame_the_file(error: WorldError) -> Result<Restored, WorldError> {
    match error.fact.split_once(log::DUMP_NOT_LOADED) {
        Some((_, why)) => Ok(Restored::Unloadable(why.trim_start_matches(": ").to_owned())),
        None => Err(error),
    }
}

fn look_into(
    second: &mut Server,
    exercise: &Exercise,
    before: Option<&Contents>,
) -> Result<Restored, CallError> {
    let mut holds = BTreeMap::new();
    for key in exercise
        .checks
        .iter()
        .filter_map(|check| match &check.subject {
            Subject::Dump(dump) => Some(&dump.keys),
            _ => None,
        })
        .flatten()
    {
        let reply = second.client().call(&["EXISTS", key], LOOK_LIMIT)?;
        holds.insert(key.clone(), reply == Value::Int(1));
    }
    let count = match second.client().call(&["DBSIZE"], LOOK_LIMIT)? {
        Value::Int(count) => count,
        _ => 0,
    };
    let keys = key_names(second)?;
    let observation = observe_at(second, exercise, Moment::Restore, Instant::now() + LOOK_LIMIT)?;
    let differences = before.map(|before| before.compare(second)).transpose()?;
    Ok(Restored::Loaded { keys, count, holds, differences, observation: Box::new(observation) })
}

/// The names of keys, sorted; not all if there are very many.
fn key_names(second: &mut Server) -> Result<Vec<String>, CallError> {
    let page = (NAMED_KEYS * 10).to_string();
    let reply = second.client().call(&["SCAN", "0", "COUNT", &page], LOOK_LIMIT)?;
    let Value::Array(parts) = reply else { return Ok(Vec::new()) };
    let Some(Value::Array(names)) = parts.into_iter().nth(1) else { return Ok(Vec::new()) };
    let name = |value| match value {
        Value::BulkString(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        _ => None,
    };
    let mut names: Vec<String> = names.into_iter().filter_map(name).collect();
    names.sort();
    names.truncate(NAMED_KEYS);
    Ok(names)
}
