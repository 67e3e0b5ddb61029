//! What an exercise's settings say about saves: the setting `save`, and how long saves take.

use super::slow_down;
use crate::attempt::{LOOK_LIMIT, microseconds, silent};
use crate::error::{EnvironmentError, EnvironmentErrorKind};
use crate::lesson::{Code, Exercise};
use crate::server::{Server, ServerInfo};

const SAVE: &str = "save";
/// LASTSAVE can move after a second; the smallest useful save point is due after two.
const OLD_MICROS: i64 = 1_600_000;

/// Redis 6.2 silently ignores a wrong value: there are then no save points at all.
pub fn refuse_setting(name: &str, value: &str) -> Option<&'static str> {
    let help = "write pairs of seconds (1 or more) and changes, as in \"3600 1 60 1000\", or \"\"";
    (name == SAVE && !are_points(value)).then_some(help)
}

fn are_points(value: &str) -> bool {
    let numbers: Option<Vec<u32>> =
        value.split_whitespace().map(|word| word.parse().ok()).collect();
    numbers.is_some_and(|numbers| {
        numbers.len() % 2 == 0 && numbers.iter().step_by(2).all(|seconds| *seconds > 0)
    })
}

/// A save point is due so many seconds after LASTSAVE, which a server that waits for its attempt
/// leaves behind: the point would be due before the answer's first line.
pub fn needs_new_server(exercise: &Exercise) -> bool {
    exercise.settings.iter().any(|(name, value)| name == SAVE && !value.trim().is_empty())
}

/// LASTSAVE is older where the machine, or the setup, took its time: then a point may be due before
/// the answer's first line.
pub fn ensure_still_new(
    exercise: &Exercise,
    server: &mut Server,
    before: &ServerInfo,
) -> Result<(), EnvironmentError> {
    if !needs_new_server(exercise) || !server.is_ours() {
        return Ok(());
    }
    let time = server.client().call(&["TIME"], LOOK_LIMIT);
    let time = time.map_err(|silence| silent(server, &silence))?;
    let age = microseconds(&time) - before.lastsave * 1_000_000;
    if age <= OLD_MICROS {
        return Ok(());
    }
    let fact = format!("LASTSAVE was {} ms old before the answer began", age / 1000);
    let help = "the machine is overloaded, or the setup takes long: end it with `SAVE`";
    Err(EnvironmentError::new(fact, help).of(EnvironmentErrorKind::Stall))
}

/// A save of a few keys is over a few milliseconds after BGSAVE has answered.
pub fn advice(exercise: &Exercise) -> Option<(&'static str, &'static str)> {
    let slow = exercise.settings.iter().any(|(name, _)| name == slow_down::SETTING);
    let setup_is_large = exercise.setup.iter().any(|code| code.text.contains("EVAL"));
    let uses_bgsave = exercise.solutions.iter().any(says_bgsave);
    (uses_bgsave && exercise.sees_slow_work() && !slow && !setup_is_large).then_some((
        "nothing makes background saves slow here, so whether one is over is a race",
        "set `rdb-key-save-delay` in `[server]`, so that a save takes a second or more",
    ))
}

fn says_bgsave(code: &Code) -> bool {
    code.text.to_ascii_lowercase().contains("bgsave")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::tests::exercise;

    #[test]
    fn a_save_point_is_a_pair_of_numbers() {
        for value in ["", "60 1000", "3600 1 60 0", " 1  1 "] {
            assert_eq!(refuse_setting("save", value), None, "{value}");
        }
        for value in ["60", "abc", "0 1", "-1 1", "1 -1", "60 1000 10", "1.5 1"] {
            assert!(refuse_setting("save", value).is_some(), "{value}");
        }
        assert_eq!(refuse_setting("hz", "fast"), None);
    }

    #[test]
    fn save_points_need_a_new_server() {
        let check = "[[check]]\nid = \"c\"\nreply = { \"GET a\" = \"1\" }\n";
        let with = |save: &str| exercise(&format!("[server]\nsave = \"{save}\"\n{check}"));
        assert!(needs_new_server(&with("2 3")) && !needs_new_server(&with("")));
        assert!(!needs_new_server(&exercise(check)));
    }
}
