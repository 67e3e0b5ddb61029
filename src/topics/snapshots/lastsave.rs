//! `lastsave = "advanced"`: what LASTSAVE did since `before`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::Value;

use crate::attempt::evidence::{Evidence, Observation};
use crate::attempt::{LOOK_LIMIT, microseconds, silent};
use crate::checks::values::word;
use crate::checks::{Kind, Seen, Subject};
use crate::error::EnvironmentError;
use crate::lesson::toml_table::{Entry, Toml};
use crate::lesson::{Check, Exercise};
use crate::server::Server;

pub const KIND: Kind = Kind {
    key: "lastsave",
    rows: &[(
        "`lastsave = \"advanced\"` or `\"unchanged\"`",
        "LASTSAVE differs from `before`, or does not",
    )],
    read: |toml, entry| Some(Arc::new(read(toml, entry)?)),
};

/// How long [`wait_until_it_can_move`] may take.
const CLOCK_LIMIT: Duration = Duration::from_secs(5);
const COARSE_CLOCK_MARGIN_MICROS: i64 = 20_000;
const POLL: Duration = Duration::from_millis(5);
/// Between two looks at the server's clock, which may be set meanwhile.
const LONGEST_WAIT: Duration = Duration::from_millis(250);

/// What LASTSAVE must have done since `before`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lastsave {
    Advanced,
    Unchanged,
}

fn read(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<Lastsave> {
    let words = ["advanced", "unchanged"];
    let word = word(toml, entry, &words, "use \"advanced\" or \"unchanged\"")?;
    Some(if word == "advanced" { Lastsave::Advanced } else { Lastsave::Unchanged })
}

impl Subject for Lastsave {
    fn sentence(&self) -> String {
        match self {
            Self::Advanced => "LASTSAVE has advanced".to_owned(),
            Self::Unchanged => "LASTSAVE is unchanged".to_owned(),
        }
    }

    fn compares_with_before(&self) -> bool {
        true
    }

    /// Tests for a different value, not a greater one: a clock may be set back (`tests/facts`,
    /// LASTSAVE).
    fn judge_at(&self, now: &Observation, evidence: &Evidence) -> Option<Seen> {
        let (before, now) = (evidence.before.lastsave, now.info.lastsave);
        let (met, text) = match self {
            Self::Advanced => (now != before, "a later LASTSAVE than before"),
            Self::Unchanged => (now == before, "the same LASTSAVE as before"),
        };
        let found = match now - before {
            0 => format!("LASTSAVE is still {before}: no snapshot was finished"),
            difference => format!("LASTSAVE went from {before} to {now} ({difference:+} s)"),
        };
        Some(Seen { met, expected: text.to_owned(), found })
    }

    /// A snapshot that was taken stays taken.
    fn is_spoilt(&self, now: &Observation, evidence: &Evidence) -> bool {
        *self == Self::Unchanged && now.info.lastsave != evidence.before.lastsave
    }
}

/// Whether a check, a cause or the answer may read LASTSAVE: if anything there is about saves, or
/// if a file may be loaded.
pub fn may_be_read(exercise: &Exercise, answer: &str) -> bool {
    let setup = exercise.setup.iter().map(|code| code.text.as_str());
    exercise.needs_crash()
        || exercise.needs_the_dump()
        || exercise.watches_background()
        || exercise.settings.iter().any(|(name, _)| name == "save")
        || exercise.checks.iter().any(is_about_saves)
        || setup.chain([answer]).any(mentions_saves)
}

fn is_about_saves(check: &Check) -> bool {
    let subject = &check.subject;
    let mut words: Vec<&str> = subject.info_fields();
    words.extend(subject.counted_commands());
    words.extend(subject.expected_replies().iter().map(|(command, _)| command.as_str()));
    let sentence = subject.sentence();
    words.push(&sentence);
    words.into_iter().any(mentions_saves)
}

fn mentions_saves(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["save", "rdb", "fork"].iter().any(|word| text.contains(word))
}

/// Waits until the second of LASTSAVE is over.
///
/// LASTSAVE counts whole seconds and is set when the server starts. A save within that second does
/// not change it (`tests/facts`, LASTSAVE), and a student who polls LASTSAVE would wait forever. We
/// ask the server for its time because a container engine's machine may have another clock than
/// ours. LASTSAVE comes from a coarser clock than TIME (`time(2)` lags by up to a kernel tick: of
/// 12 saves sent as TIME crossed the second, 6 left LASTSAVE unchanged; of 12 sent 5 ms later,
/// none), hence the margin.
pub fn wait_until_it_can_move(server: &mut Server) -> Result<(), EnvironmentError> {
    let deadline = Instant::now() + CLOCK_LIMIT;
    loop {
        let replies = server.client().pipeline(&[&["TIME"], &["LASTSAVE"]], LOOK_LIMIT);
        let replies = replies.map_err(|silence| silent(server, &silence))?;
        let mut wait = POLL;
        if let [time @ Value::Array(_), Value::Int(lastsave)] = &replies[..] {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::tests::exercise;

    const STORED: &str = "[[check]]\nid = \"c\"\nreply = { \"GET a\" = \"1\" }\n";

    #[test]
    fn lastsave_need_not_move_where_nothing_is_about_saves() {
        assert!(!may_be_read(&exercise(STORED), "r.set('a', 1)\n"));
    }

    #[test]
    fn an_answer_may_read_lastsave() {
        for answer in ["LASTSAVE", "r.lastsave()", "r.info()['rdb_last_save_time']"] {
            assert!(may_be_read(&exercise(STORED), answer), "{answer}");
        }
    }

    #[test]
    fn a_check_may_read_lastsave() {
        let checks = [
            "lastsave = \"advanced\"",
            "dump = { keys = [\"a\"] }",
            "info = { total_forks = 1 }",
            "calls = { bgsave = 1 }",
            "sent = { order = [\"SAVE\"] }",
            "reply = { LASTSAVE = \"(integer) 1\" }",
            "at = \"crash\"\nreply = { \"GET a\" = \"1\" }",
        ];
        for check in checks {
            let exercise = exercise(&format!("[[check]]\nid = \"c\"\n{check}\n"));
            assert!(may_be_read(&exercise, ""), "{check}");
        }
    }
}
