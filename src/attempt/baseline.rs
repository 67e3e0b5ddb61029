//! The moment `before`: nothing saves, and LASTSAVE can move.

use std::time::{Duration, Instant};

use redis::Value;

use super::doubt::silent;
use super::observe::LOOK_LIMIT;
use crate::error::WorldError;
use crate::lesson::{Exercise, Subject};
use crate::server::{Server, Snapshot};

const SETUP_SAVE_LIMIT: Duration = Duration::from_secs(20);
/// A save at the baseline's second would look like none: see [`wait_until_lastsave_can_move`].
const CLOCK_LIMIT: Duration = Duration::from_secs(5);
const COARSE_CLOCK_MARGIN_MICROS: i64 = 20_000;
const POLL: Duration = Duration::from_millis(5);
/// For the server's clock, which may be set meanwhile.
const LONGEST_WAIT: Duration = Duration::from_millis(250);

/// Setup done, nothing saving, LASTSAVE free to move: the moment `before`.
pub(super) fn baseline(server: &mut Server, exercise: &Exercise) -> Result<Snapshot, WorldError> {
    let deadline = Instant::now() + SETUP_SAVE_LIMIT;
    while look(server)?.number("rdb_bgsave_in_progress") != 0 {
        if Instant::now() > deadline {
            let seconds = SETUP_SAVE_LIMIT.as_secs();
            let fact = format!(
                "a background save of `{}`'s setup still runs after {seconds} s",
                exercise.id
            );
            return Err(WorldError::new(
                fact,
                "take the BGSAVE out of the lesson's `redis setup` block",
            ));
        }
        std::thread::park_timeout(POLL);
    }
    wait_until_lastsave_can_move(server)?;
    let before = look(server)?;
    refuse_unknown_fields(server, exercise, &before)?;
    Ok(before)
}

pub(super) fn look(server: &mut Server) -> Result<Snapshot, WorldError> {
    server.snapshot(LOOK_LIMIT).map_err(|silence| silent(server, &silence))
}

/// LASTSAVE counts whole seconds and is set at the server's start: a save within that second moves
/// nothing (Redis facts 1), and a student who polls LASTSAVE would wait for ever. The server's own clock
/// counts: the engine's machine may have another one than ours. LASTSAVE is read from a coarser clock than
/// TIME (`time(2)` lags by up to a tick of the kernel: of 12 saves sent as TIME crossed the second, 6 left
/// LASTSAVE unchanged; of 12 sent 5 ms later, none), hence the margin.
pub(super) fn wait_until_lastsave_can_move(server: &mut Server) -> Result<(), WorldError> {
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
            let fact = format!("the clock of {} stands before its LASTSAVE", server.name());
            return Err(WorldError::new(fact, "check the clock of the machine that runs it"));
        }
        std::thread::park_timeout(wait);
    }
}

/// TIME's reply, seconds and microseconds, as one number.
pub(super) fn microseconds(time: &[Value]) -> i64 {
    let number = |value: Option<&Value>| match value {
        Some(Value::BulkString(digits)) => {
            String::from_utf8_lossy(digits).parse::<i64>().unwrap_or_default()
        }
        _ => 0,
    };
    number(time.first()) * 1_000_000 + number(time.get(1))
}

/// A field that this server does not have can't be checked here, which is nobody's wrong answer.
fn refuse_unknown_fields(
    server: &Server,
    exercise: &Exercise,
    before: &Snapshot,
) -> Result<(), WorldError> {
    let comes_and_goes =
        |field: &str| ["db", "cmdstat_", "errorstat_"].iter().any(|it| field.starts_with(it));
    for check in &exercise.checks {
        let Subject::Info(fields) = &check.subject else { continue };
        for (field, _) in fields {
            if before.field(field).is_none() && !comes_and_goes(field) {
                let fact = format!(
                    "the check `{}` needs the INFO field `{field}`, which {} has not",
                    check.id,
                    server.name()
                );
                return Err(WorldError::new(fact, "use a newer server, or mend the check"));
            }
        }
    }
    Ok(())
}
