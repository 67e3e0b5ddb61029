//! The append-only file.

use super::Topic;
use crate::lesson::{Crash, Exercise};

pub const TOPIC: Topic = Topic {
    // INFO has them only while the file is written.
    fields_that_come_and_go: &[
        "aof_current_size",
        "aof_base_size",
        "aof_pending_rewrite",
        "aof_buffer_length",
        "aof_rewrite_buffer_length",
        "aof_pending_bio_fsync",
        "aof_delayed_fsync",
    ],
    advice,
    ..Topic::NONE
};

/// SIGKILL takes nothing from the system's buffers: only a power cut would.
fn advice(exercise: &Exercise) -> Option<(&'static str, &'static str)> {
    let is_lax = |(name, value): &(String, String)| {
        name == "appendfsync" && ["everysec", "no"].contains(&value.trim())
    };
    let crashes = exercise.crash == Crash::AtExit;
    (crashes && exercise.settings.iter().any(is_lax)).then_some((
        "what `appendfsync` leaves for later is a race with the crash at the answer's end",
        "use `appendfsync = \"always\"`, or check what does not depend on it: a killed server loses \
         only what it has not written yet",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::tests::exercise;

    #[test]
    fn a_lax_setting_and_a_crash_are_a_race() {
        let with = |crash: &str, fsync: &str| {
            let check = "[[check]]\nid = \"c\"\nreply = { \"GET a\" = \"1\" }\n";
            advice(&exercise(&format!("{crash}[server]\nappendfsync = \"{fsync}\"\n{check}")))
        };
        assert!(with("crash = \"exit\"\n", "everysec").is_some());
        assert!(with("crash = \"exit\"\n", "always").is_none());
        assert!(with("", "everysec").is_none());
    }
}
