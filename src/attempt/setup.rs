//! A lesson's setup: it runs before an attempt, and on the user's own server its keys are deleted
//! afterwards.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use redis::Value;

use super::runner::{ServerControl, perform_in_a_setup};
use crate::checks::Question;
use crate::cleanup::{self, lock};
use crate::error::{EnvironmentError, EnvironmentErrorKind};
use crate::lesson::{Code, Exercise};
use crate::redis_cli::{reply, words};
use crate::runner_line::{self, Place, RunnerLine};
use crate::server::{Client, Server};
use crate::topics::TOPICS;

const LIMIT: Duration = Duration::from_secs(30);

/// An error if the exercise needs a crash, the snapshot file or other settings on the user's own
/// server, which we neither kill nor configure.
pub(super) fn ensure_address_supports(
    server: &mut Server,
    exercise: &Exercise,
) -> Result<(), EnvironmentError> {
    if server.is_ours() {
        return Ok(());
    }
    if exercise.world.is_some() || !exercise.worlds.is_empty() {
        return Err(unsupported(exercise, "a server for each of its worlds"));
    }
    if exercise.needs_crash() || exercise.kills_the_server_meanwhile() {
        return Err(unsupported(exercise, "a crash"));
    }
    if exercise.acts_on_the_server_meanwhile() {
        return Err(unsupported(exercise, "saves that fail"));
    }
    if exercise.needs_restart() {
        return Err(unsupported(exercise, "a restart"));
    }
    if exercise.stop {
        return Err(unsupported(exercise, "a server that its answers may stop"));
    }
    if !exercise.loads.is_empty() {
        return Err(unsupported(exercise, "a second server that loads a file"));
    }
    if exercise.needs_the_dump() {
        return Err(unsupported(exercise, "the server's snapshot file"));
    }
    let mut questions = exercise.checks.iter().flat_map(|check| check.subject.questions());
    if questions.any(|question| matches!(question, Question::CommandIn(..))) {
        return Err(unsupported(exercise, "another database than 0"));
    }
    if exercise.meanwhile.iter().any(|meanwhile| !meanwhile.steps.run.is_empty()) {
        return Err(unsupported(exercise, "another client that writes"));
    }
    if exercise.moves_time() {
        return Err(unsupported(exercise, "to move time on"));
    }
    for (name, value) in &exercise.settings {
        if TOPICS.iter().any(|topic| (topic.only_slows)(name, exercise)) {
            continue;
        }
        let reply = server.client().call(&["CONFIG", "GET", name], LIMIT);
        if reply.map(|reply| super::look::config_value(&reply)).as_ref() != Ok(value) {
            return Err(unsupported(exercise, &format!("the setting `{name} {value}`")));
        }
    }
    Ok(())
}

fn unsupported(exercise: &Exercise, need: &str) -> EnvironmentError {
    EnvironmentError::new(
        format!("`{}` cannot be checked on an existing server: it needs {need}", exercise.id),
        "leave out `--server`: redislings then starts a server that it may kill and configure",
    )
}

/// A setup that has run. On the user's own server, the keys that it wrote are deleted afterwards,
/// so that the next attempt can write them again; keys that the answer wrote stay.
pub(super) struct SetUp {
    /// Keys to delete; shared with the cleanup that a signal triggers.
    keys: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl SetUp {
    /// Runs the commands of `setup`; the first failure is an error. On the user's own server the
    /// setup may only write new keys: anything else is an error before any command runs.
    pub(super) fn new(
        server: &mut Server,
        setup: &[Code],
        restart: &[(String, String)],
    ) -> Result<Self, EnvironmentError> {
        let commands = commands(setup).map_err(|why| failed(server, &why))?;
        let set_up = Self { keys: Arc::default() };
        if !server.is_ours() {
            let keys = keys_to_write(server, &commands)?;
            set_up.take_out_at_end(server, keys);
        }
        if let Err(error) = run(server, &commands, restart) {
            set_up.take_out(server);
            return Err(error);
        }
        Ok(set_up)
    }

    pub(super) fn take_out(self, server: &Server) {
        // By a client of its own: an attempt that was cancelled leaves nothing behind either.
        delete(&self.keys, &mut Client::new(server.target()));
    }

    fn take_out_at_end(&self, server: &Server, keys: Vec<Vec<u8>>) {
        *lock(&self.keys) = keys;
        let (shared, target) = (Arc::clone(&self.keys), server.target());
        cleanup::at_end(move || delete(&shared, &mut Client::new(target)));
    }
}

fn delete(keys: &Mutex<Vec<Vec<u8>>>, client: &mut Client) {
    for key in std::mem::take(&mut *lock(keys)) {
        // The server may have ended meanwhile.
        let _ = client.call(&[b"DEL".to_vec(), key], LIMIT);
    }
}

fn run(
    server: &mut Server,
    commands: &[SetupLine],
    restart: &[(String, String)],
) -> Result<(), EnvironmentError> {
    let deadline = Instant::now() + LIMIT;
    let control = ServerControl { place: Place::Setup, restart, ..ServerControl::NONE };
    for line in commands {
        let words = match line {
            SetupLine::Command(words) => words,
            SetupLine::Runner(text, line) => {
                if let Err(why) = perform_in_a_setup(server, line, control)? {
                    return Err(failed(server, &format!("`{text}`: {why}")));
                }
                continue;
            }
        };
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

/// The keys that the setup would write to the user's own server. An error if one of them exists
/// already, or if a command does anything but write keys.
fn keys_to_write(
    server: &mut Server,
    commands: &[SetupLine],
) -> Result<Vec<Vec<u8>>, EnvironmentError> {
    let mut all = Vec::new();
    for line in commands {
        let words = match line {
            SetupLine::Command(words) => words,
            SetupLine::Runner(_, RunnerLine::WaitFor(_)) => continue,
            SetupLine::Runner(text, _) => {
                let what = format!("do more than write keys on {}: `{text}`", server.name());
                return Err(unsafe_setup(&what));
            }
        };
        let keys = keys(server.client(), words);
        if keys.is_empty() {
            let command = shown(words);
            let what = format!("do more than write keys on {}: `{command}`", server.name());
            return Err(unsafe_setup(&what));
        }
        for key in keys {
            if all.contains(&key) {
                continue;
            }
            let exists = server.client().call(&[b"EXISTS".to_vec(), key.clone()], LIMIT);
            if !matches!(exists, Ok(Value::Int(0))) {
                let name = String::from_utf8_lossy(&key);
                let what = format!("overwrite the key `{name}` of {}", server.name());
                return Err(unsafe_setup(&what));
            }
            all.push(key);
        }
    }
    Ok(all)
}

fn unsafe_setup(what: &str) -> EnvironmentError {
    let fact = format!("the exercise's setup would {what}");
    EnvironmentError::new(fact, "use an empty server, or leave out `--server`")
}

/// The keys that a command touches, as reported by COMMAND GETKEYS.
fn keys(client: &mut Client, words: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut question = vec![b"COMMAND".to_vec(), b"GETKEYS".to_vec()];
    question.extend_from_slice(words);
    let reply = client.call(&question, LIMIT).ok();
    reply.and_then(|reply| redis::from_redis_value(reply).ok()).unwrap_or_default()
}

/// A line of a setup.
enum SetupLine {
    Command(Vec<Vec<u8>>),
    /// As it is written, and what it asks for.
    Runner(String, RunnerLine),
}

fn commands(setup: &[Code]) -> Result<Vec<SetupLine>, String> {
    let lines = setup.iter().flat_map(|code| code.text.lines()).map(str::trim);
    lines.filter(|line| !words::is_comment(line)).map(setup_line).collect()
}

fn setup_line(line: &str) -> Result<SetupLine, String> {
    if runner_line::is_for_the_runner(line) {
        let asked = runner_line::read(line, Place::Setup).map_err(|(message, _)| message)?;
        return Ok(SetupLine::Runner(line.to_owned(), asked));
    }
    let words = words::split(line).map_err(|error| format!("`{line}`: {error}"))?;
    Ok(SetupLine::Command(words))
}

fn shown(words: &[Vec<u8>]) -> String {
    words.iter().map(|word| String::from_utf8_lossy(word)).collect::<Vec<_>>().join(" ")
}

/// A line of a lesson's setup that the server refuses.
pub struct RefusedCommand<'l> {
    pub block: &'l Code,
    /// The index of the line in the block, from 0.
    pub line: usize,
    /// The command and the server's reply.
    pub what: String,
}

/// The first command of the setup that this fresh server refuses because of the command itself,
/// not because of this machine.
pub fn refused_command<'l>(
    server: &mut Server,
    exercise: &'l Exercise,
) -> Option<RefusedCommand<'l>> {
    let lines = exercise.setup.iter().flat_map(|block| {
        block.text.lines().enumerate().map(move |(line, text)| (block, line, text.trim()))
    });
    for (block, line, text) in lines.filter(|(.., text)| !words::is_comment(text)) {
        let words = match setup_line(text).ok()? {
            SetupLine::Command(words) => words,
            SetupLine::Runner(_, asked) => {
                let (place, restart) = (Place::Setup, &exercise.restart);
                let control = ServerControl { place, restart, ..ServerControl::NONE };
                match perform_in_a_setup(server, &asked, control).ok()? {
                    Ok(_) => continue,
                    Err(why) => {
                        let what = format!("`{text}` could not be done: {why}");
                        return Some(RefusedCommand { block, line, what });
                    }
                }
            }
        };
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

/// A full disk, too little memory and the like are not the lesson's fault.
fn is_the_commands_fault(words: &[Vec<u8>], answer: &str, exercise: &Exercise) -> bool {
    // They fail for reasons of this machine, too.
    const USING_THE_MACHINE: [&[u8]; 5] =
        [b"SAVE", b"BGSAVE", b"BGREWRITEAOF", b"CONFIG", b"DEBUG"];
    const COMMAND_ERRORS: [&str; 5] =
        ["ERR unknown", "ERR Unknown", "ERR wrong number", "ERR syntax", "ERR Background"];
    const MACHINE_ERRORS: [&str; 6] =
        ["MISCONF", "LOADING", "BUSY ", "NOREPLICAS", "MASTERDOWN", "CLUSTERDOWN"];
    let answer = answer.trim_start_matches("(error) ").trim_end();
    if USING_THE_MACHINE.iter().any(|name| words[0].eq_ignore_ascii_case(name)) {
        return COMMAND_ERRORS.iter().any(|start| answer.starts_with(start));
    }
    if answer.starts_with("OOM") {
        return exercise.settings.iter().any(|(name, _)| name == "maxmemory");
    }
    answer != "ERR" && !MACHINE_ERRORS.iter().any(|start| answer.starts_with(start))
}

fn failed(server: &Server, why: &str) -> EnvironmentError {
    let fact = format!("the exercise's setup failed on {}: {why}", server.name());
    let help = "the cause is the lesson's `redis setup` block or the server, not the answer";
    EnvironmentError::new(fact, help).of(EnvironmentErrorKind::FailedSetup)
}
