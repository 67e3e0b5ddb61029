//! What an exercise's settings say about saves: the setting `save`, and how long saves take.

use super::slow_down;
use crate::lesson::{Code, Exercise};

const SAVE: &str = "save";

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
