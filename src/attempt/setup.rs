//! A lesson's setup: run before an attempt, and taken out again where the server is somebody's own.

use std::time::{Duration, Instant};

use redis::Value;

use crate::error::WorldError;
use crate::lesson::{Check, Code, Exercise, Moment};
use crate::redis_cli::{reply, words};
use crate::server::{Client, Server};

const LIMIT: Duration = Duration::from_secs(30);

/// Somebody's own server is neither killed nor configured: an exercise that needs either can't be
/// checked there, which is nobody's wrong answer.
pub(super) fn refuse_what_an_address_cannot_do(
    server: &mut Server,
    exercise: &Exercise,
) -> Result<(), WorldError> {
    if server.is_ours() {
        return Ok(());
    }
    let refused = |why: &str| {
        let fact = format!(
            "`{}` can't be checked on a server behind an address: it needs {why}",
            exercise.id
        );
        let help =
            "leave `--server` out: redislings then starts a server that it may kill and configure";
        Err(WorldError::new(fact, help))
    };
    if exercise.needs_crash() {
        return refused("a crash");
    }
    for (name, value) in
        exercise.settings.iter().filter(|(name, _)| !only_slows_saves(name, exercise))
    {
        let reply = server.client().call(&["CONFIG", "GET", name], LIMIT);
        if reply.map(|reply| super::config_value(&reply)).as_ref() != Ok(value) {
            return refused(&format!("the setting `{name} {value}`"));
        }
    }
    Ok(())
}

/// A slow-down changes nothing for an exercise that looks at the server only when all has settled.
fn only_slows_saves(setting: &str, exercise: &Exercise) -> bool {
    let looks_at_exit =
        |check: &Check| check.at == Moment::Exit && !check.subject.is_about_the_program();
    setting == "rdb-key-save-delay" && !exercise.checks.iter().any(looks_at_exit)
}

/// Runs the commands of `setup`; the first that fails is an error. Somebody's own keys are never
/// written over.
pub(super) fn set_up(server: &mut Server, setup: &[Code]) -> Result<(), WorldError> {
    let commands = commands(setup).map_err(|why| failed(server, &why))?;
    if !server.is_ours() {
        refuse_to_overwrite(server, &commands)?;
    }
    let deadline = Instant::now() + LIMIT;
    for words in &commands {
        let left = deadline.saturating_duration_since(Instant::now());
        match server.client().call(words, left) {
            Ok(value @ Value::ServerError(_)) => {
                return Err(failed(
                    server,
                    &format!("`{}`: {}", shown(words), reply::format(&value)),
                ));
            }
            Ok(_) => {}
            Err(error) => return Err(failed(server, &format!("`{}`: {error}", shown(words)))),
        }
    }
    Ok(())
}

/// Deletes the keys that setup wrote to a server behind an address, so that it is as empty as it was
/// for the next attempt. What the answer wrote stays: it is the student's.
pub(super) fn take_out(server: &mut Server, setup: &[Code]) {
    if server.is_ours() {
        return;
    }
    for words in commands(setup).unwrap_or_default() {
        for key in keys(server.client(), &words) {
            // The server may be gone by now; it is its owner's.
            let _ = server.client().call(&[b"DEL".to_vec(), key], LIMIT);
        }
    }
}

fn refuse_to_overwrite(server: &mut Server, commands: &[Vec<Vec<u8>>]) -> Result<(), WorldError> {
    for words in commands {
        for key in keys(server.client(), words) {
            let exists = server.client().call(&[b"EXISTS".to_vec(), key.clone()], LIMIT);
            if !matches!(exists, Ok(Value::Int(0))) {
                let key = String::from_utf8_lossy(&key).into_owned();
                let fact = format!(
                    "the exercise's setup would write over the key `{key}` of {}",
                    server.name()
                );
                return Err(WorldError::new(fact, "give an empty server, or leave `--server` out"));
            }
        }
    }
    Ok(())
}

/// The keys a command touches, by the server's own word.
fn keys(client: &mut Client, words: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let question =
        [b"COMMAND".to_vec(), b"GETKEYS".to_vec()].into_iter().chain(words.iter().cloned());
    let Ok(Value::Array(keys)) = client.call(&question.collect::<Vec<_>>(), LIMIT) else {
        return Vec::new();
    };
    let key = |value| match value {
        Value::BulkString(key) => Some(key),
        _ => None,
    };
    keys.into_iter().filter_map(key).collect()
}

fn commands(setup: &[Code]) -> Result<Vec<Vec<Vec<u8>>>, String> {
    let lines = setup.iter().flat_map(|code| code.text.lines()).map(str::trim);
    let commands = lines.filter(|line| !words::is_comment(line));
    commands.map(|line| words::split(line).map_err(|error| format!("`{line}`: {error}"))).collect()
}

fn shown(words: &[Vec<u8>]) -> String {
    words.iter().map(|word| String::from_utf8_lossy(word)).collect::<Vec<_>>().join(" ")
}

fn failed(server: &Server, why: &str) -> WorldError {
    let fact = format!("the exercise's setup failed on {}: {why}", server.name());
    WorldError::new(
        fact,
        "the lesson's `redis setup` block, or the server, is at fault, not the answer",
    )
}
