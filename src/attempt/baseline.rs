//! The moment `before`: no save is running, and LASTSAVE can move.

use std::time::{Duration, Instant};

use redis::Value;

use super::observe::LOOK_LIMIT;
use super::validity::silent;
use crate::error::EnvironmentError;
use crate::lesson::{Exercise, Subject};
use crate::server::{Server, ServerInfo};

const SETUP_SAVE_LIMIT: Duration = Duration::from_secs(20);
/// How long [`wait_until_lastsave_can_move`] may take.
const CLOCK_LIMIT: Duration = Duration::from_secs(5);
const COARSE_CLOCK_MARGIN_MICROS: i64 = 20_000;
const POLL: Duration = Duration::from_millis(5);
/// Between two looks at the server's clock, which may be set meanwhile.
const LONGEST_WAIT: Duration = Duration::from_millis(250);

/// Waits until no save is running and LASTSAVE can move; returns the state `before` the answer.
pub(super) fn baseline(
    server: &mut Server,
    exercise: &Exercise,
) -> Result<ServerInfo, EnvironmentError> {
    let deadline = Instant::now() + SETUP_SAVE_LIMIT;
    while look(server)?.number("rdb_bgsave_in_progress") != 0 {
        if Instant::now() > deadline {
            let seconds = SETUP_SAVE_LIMIT.as_secs();
            let fact = format!(
                "a background save from `{}`'s setup is still running after {seconds} s",
                exercise.id
            );
            return Err(EnvironmentError::new(
                fact,
                "remove the BGSAVE from the lesson's `redis setup` block",
            ));
        }
        std::thread::park_timeout(POLL);
    }
    wait_until_lastsave_can_move(server)?;
    let before = look(server)?;
    ensure_fields_are_reported(server, exercise, &before)?;
    Ok(before)
}

pub(super) fn look(server: &mut Server) -> Result<ServerInfo, EnvironmentError> {
    server.info(LOOK_LIMIT).map_err(|silence| silent(server, &silence))
}

/// Waits until the second of LASTSAVE is over.
///
/// LASTSAVE counts whole seconds and is set when the server starts. A save within that second does
/// not change it (`tests/facts`, LASTSAVE), and a student who polls LASTSAVE would wait forever. We
/// ask the server for its time because a container engine's machine may have another clock than
/// ours. LASTSAVE comes from a coarser clock than TIME (`time(2)` lags by up to a kernel tick: of
/// 12 saves sent as TIME crossed the second, 6 left LASTSAVE unchanged; of 12 sent 5 ms later,
/// none), hence the margin.
pub(super) fn wait_until_lastsave_can_move(server: &mut Server) -> Result<(), EnvironmentError> {
    let deadline = Instant::now() + CLOCK_LIMIT;
    loop {
        let replies = server.client().pipeline(&[&["TIME"], &["LASTSAVE"]], LOOK_LIMIT);
        let replies = replies.map_err(|silence| silent(server, &silence))?;
        let mut wait = POLL;
        if let [Value::Array(time), Value::Int(lastsave)] = &replies[..] {
            let movable = (lastsave + 1) * 1_000_000 + COARSE_CLOCK_MARGIN_MICROS;
            match u64::try_from(movable - microseconds(time)) {
                Ok(missing @ 1..) => wait = Duration::from_micros(missing).min(LONGEST_WAIT),
                _ => return Ok(()),
            }
        }
        if Instant::now() > deadline {
            let fact = format!("the clock of {} is behind its LASTSAVE", server.name());
            return Err(EnvironmentError::new(fact, "check the clock of the machine that runs it"));
        }
        std::thread::park_timeout(wait);
    }
}

/// TIME's reply, seconds and microseconds, as one number.
pub(super) fn microseconds(time: &[Value]) -> i64 {
    number(time.first()) * 1_000_000 + number(time.get(1))
}

fn number(value: Option<&Value>) -> i64 {
    match value {
        Some(Value::BulkString(digits)) => {
            String::from_utf8_lossy(digits).parse().unwrap_or_default()
        }
        _ => 0,
    }
}

/// An error if a check needs an INFO field that this server does not report.
fn ensure_fields_are_reported(
    server: &Server,
    exercise: &Exercise,
    before: &ServerInfo,
) -> Result<(), EnvironmentError> {
    for check in &exercise.checks {
        let Subject::Info(fields) = &check.subject else { continue };
        for (field, _) in fields {
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

/// Whether INFO reports the field only while there is something to count.
fn comes_and_goes(field: &str) -> bool {
    ["db", "cmdstat_", "errorstat_"].iter().any(|start| field.starts_with(start))
}
