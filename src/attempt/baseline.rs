//! The moment `before`: nothing runs in the background, and the server is ready.

use std::time::{Duration, Instant};

use redis::Value;

use super::look::LOOK_LIMIT;
use super::validity::silent;
use crate::error::EnvironmentError;
use crate::lesson::Exercise;
use crate::server::{Server, ServerInfo};
use crate::topics;

const SETUP_LIMIT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(5);

/// Waits until nothing runs in the background and the server is ready for this exercise and this
/// text of an answer; returns the state `before` the answer.
pub(super) fn baseline(
    server: &mut Server,
    exercise: &Exercise,
    answer: &str,
) -> Result<ServerInfo, EnvironmentError> {
    if exercise.stop && server.is_down() {
        return Ok(server.last_info().cloned().unwrap_or_default());
    }
    wait_until_idle(server, &format!("`{}`'s", exercise.id))?;
    for topic in topics::TOPICS {
        if (topic.needs_ready)(exercise, answer) {
            (topic.get_ready)(server)?;
        }
    }
    let before = look(server)?;
    for topic in topics::TOPICS {
        (topic.ensure_still_new)(exercise, server, &before)?;
    }
    ensure_fields_are_reported(server, exercise, &before)?;
    Ok(before)
}

/// Waits for what the setup has begun in the background; `whose` setup, for the message.
pub(super) fn wait_until_idle(
    server: &mut Server,
    whose: &str,
) -> Result<ServerInfo, EnvironmentError> {
    let deadline = Instant::now() + SETUP_LIMIT;
    loop {
        let now = look(server)?;
        let running = topics::background().find(|work| (work.is_running)(&now));
        let Some(work) = running else { return Ok(now) };
        if Instant::now() > deadline {
            let (name, seconds) = (work.name, SETUP_LIMIT.as_secs());
            let fact = format!("a {name} from {whose} setup is still running after {seconds} s");
            let help = format!(
                "remove the {} from the lesson's `redis setup` block",
                work.begun_by.to_uppercase()
            );
            return Err(EnvironmentError::new(fact, help));
        }
        std::thread::park_timeout(POLL);
    }
}

pub(super) fn look(server: &mut Server) -> Result<ServerInfo, EnvironmentError> {
    server.info(LOOK_LIMIT).map_err(|silence| silent(server, &silence))
}

/// TIME's reply, seconds and microseconds, as one number.
pub fn microseconds(time: &Value) -> i64 {
    let time = redis::from_redis_value_ref::<(i64, i64)>(time);
    time.map_or(0, |(seconds, rest)| seconds * 1_000_000 + rest)
}

/// An error if a check needs an INFO field that this server does not report.
fn ensure_fields_are_reported(
    server: &Server,
    exercise: &Exercise,
    before: &ServerInfo,
) -> Result<(), EnvironmentError> {
    for check in &exercise.checks {
        for field in check.subject.info_fields() {
            if before.field(field).is_none() && !comes_and_goes(field) {
                let fact = format!(
                    "the check `{}` needs the INFO field `{field}`, which {} does not report",
                    check.id,
                    server.name()
                );
                return Err(EnvironmentError::new(fact, "use a newer server, or fix the check"));
            }
        }
    }
    Ok(())
}

/// Whether INFO reports the field only at times.
fn comes_and_goes(field: &str) -> bool {
    ["db", "cmdstat_", "errorstat_"].iter().any(|start| field.starts_with(start))
        || topics::TOPICS.iter().any(|topic| topic.fields_that_come_and_go.contains(&field))
}
