//! A lesson's setup: run before an attempt, and taken out again where the server is somebody's own.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use redis::Value;

use super::observe::SLOW_DOWN;
use crate::cleanup::{self, lock};
use crate::error::{WorldError, WorldErrorKind};
use crate::lesson::{Code, Exercise};
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
    if exercise.needs_the_dump() {
        return refused("the server's snapshot file");
    }
    for (name, value) in
        exercise.settings.iter().filter(|(name, _)| !only_slows_saves(name, exercise))
    {
        let reply = server.client().call(&["CONFIG", "GET", name], LIMIT);
        if reply.map(|reply| super::observe::config_value(&reply)).as_ref() != Ok(value) {
            return refused(&format!("the setting `{name} {value}`"));
        }
    }
    Ok(())
}

/// A slow-down changes nothing for an exercise that looks at the server only when all has settled, and at
/// nobody's waiting.
fn only_slows_saves(setting: &str, exercise: &Exercise) -> bool {
    setting == SLOW_DOWN && !exercise.sees_slow_saves()
}

/// A lesson's setup, done. Where the server is somebody's own, the keys it wrote are deleted again, so
/// that the server is as empty for the next attempt; what the answer wrote stays: it is the student's.
pub(super) struct SetUp {
    /// Keys to delete; shared with what a signal runs.
    keys: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl SetUp {
    /// Runs the commands of `setup`; the first that fails is an error. Somebody's own keys are never
    /// written over, and nothing but keys is written there.
    pub(super) fn new(server: &mut Server, setup: &[Code]) -> Result<Self, WorldError> {
        let commands = commands(setup).map_err(|why| failed(server, &why))?;
        let set_up = Self { keys: Arc::default() };
        if !server.is_ours() {
            let keys = keys_to_write(server, &commands)?;
            set_up.take_out_at_end(server, keys);
        }
        if let Err(error) = run(server, &commands) {
            set_up.take_out(server);
            return Err(error);
        }
        Ok(set_up)
    }

    pub(super) fn take_out(self, server: &mut Server) {
        for key in std::mem::take(&mut *lock(&self.keys)) {
            // The server may be gone by now; it is its owner's.
            let _ = server.client().call(&[b"DEL".to_vec(), key], LIMIT);
        }
    }

    fn take_out_at_end(&self, server: &Server, keys: Vec<Vec<u8>>) {
        *lock(&self.keys) = keys;
        let (shared, target) = (Arc::clone(&self.keys), server.target());
        cleanup::at_end(move || {
            let mut client = Client::new(target);
            for key in std::mem::take(&mut *lock(&shared)) {
                let _ = client.call(&[b"DEL".to_vec(), key], LIMIT);
            }
        });
    }
}

fn run(server: &mut Server, commands: &[Vec<Vec<u8>>]) -> Result<(), WorldError> {
    let deadline = Instant::now() + LIMIT;
    for words in commands {
        let left = deadline.saturating_duration_since(Instant::now());
        match server.client().call(words, left) {
            Ok(value @ Value::ServerError(_)) => {
                let why = format!("`{}`: {}", shown(words), reply::format(&value));
                return Err(failed(server, &why));
            }
            Ok(_) => {}
            Err(error) => return Err(failed(server, &format!("`{}`: {error}", shown(words)))),
        }
    }
    Ok(())
}

/// The keys that setup would write to somebody's own server: all of them new, and nothing else done.
fn keys_to_write(
    server: &mut Server,
    commands: &[Vec<Vec<u8>>],
) -> Result<Vec<Vec<u8>>, WorldError> {
    let refused = |server: &Server, why: String| {
        let fact = format!("the exercise's setup would {why} {}", server.name());
        Err(WorldError::new(fact, "give an empty server, or leave `--server` out"))
    };
    let mut all = Vec::new();
    for words in commands {
        let keys = keys(server.client(), words);
        if keys.is_empty() {
            return refused(
                server,
                format!("run `{}`, which is more than writing keys, on", shown(words)),
            );
        }
        for key in keys {
            if all.contains(&key) {
                continue;
            }
            let exists = server.client().call(&[b"EXISTS".to_vec(), key.clone()], LIMIT);
            if !matches!(exists, Ok(Value::Int(0))) {
                let name = String::from_utf8_lossy(&key).into_owned();
                return refused(server, format!("write over the key `{name}` of"));
            }
            all.push(key);
        }
    }
    Ok(all)
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

/// A line of a lesson's setup.
pub struct RefusedCommand<'l> {
    /// Its block.
    pub block: &'l Code,
    /// Its place among the block's lines, from 0.
    pub line: usize,
    /// It and what it was answered.
    pub what: String,
}

/// The first command of the setup that this fresh server refuses, if any machine's would.
pub fn refused_command<'l>(
    server: &mut Server,
    exercise: &'l Exercise,
) -> Option<RefusedCommand<'l>> {
    let lines = exercise.setup.iter().flat_map(|block| {
        block.text.lines().enumerate().map(move |(line, text)| (block, line, text.trim()))
    });
    for (block, line, text) in lines.filter(|(.., text)| !words::is_comment(text)) {
        let words = words::split(text).ok()?;
        let value = server.client().call(&words, LIMIT).ok()?;
        if matches!(value, Value::ServerError(_)) {
            let answer = reply::format(&value);
            let what = format!("`{text}` is answered by `{}`", answer.trim_end());
            return is_the_commands_fault(&words, &answer, exercise).then_some(RefusedCommand {
                block,
                line,
                what,
            });
        }
    }
    None
}

/// A full disk, too little memory and the like are no fault of a lesson.
fn is_the_commands_fault(words: &[Vec<u8>], answer: &str, exercise: &Exercise) -> bool {
    let answer = answer.trim_start_matches("(error) ").trim_end();
    let is = |name: &str| words[0].eq_ignore_ascii_case(name.as_bytes());
    if ["SAVE", "BGSAVE", "BGREWRITEAOF", "CONFIG", "DEBUG"].into_iter().any(is) {
        let said = ["unknown", "Unknown", "wrong number", "syntax", "Background"];
        return said.iter().any(|said| answer.starts_with(&format!("ERR {said}")));
    }
    if answer.starts_with("OOM") {
        return exercise.settings.iter().any(|(name, _)| name == "maxmemory");
    }
    let machine = ["MISCONF", "LOADING", "BUSY ", "NOREPLICAS", "MASTERDOWN", "CLUSTERDOWN"];
    answer != "ERR" && !machine.iter().any(|code| answer.starts_with(code))
}

fn failed(server: &Server, why: &str) -> WorldError {
    let fact = format!("the exercise's setup failed on {}: {why}", server.name());
    let help = "the lesson's `redis setup` block, or the server, is at fault, not the answer";
    WorldError::new(fact, help).of(WorldErrorKind::FailedSetup)
}
