//! What clients asked through the tap and what they were answered, as plain values.

use std::time::Duration;

use redis::Value;

/// Everything that went through the tap while an answer ran.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Transcript {
    /// In the order in which the commands came, over all connections.
    pub exchanges: Vec<Exchange>,
    /// How many exchanges more there were than are kept; they lie between the first and the last kept ones.
    pub left_out: u64,
    /// How many commands of each name were refused or failed, also of those left out; names in upper case.
    pub refusals: Vec<(String, u64)>,
}

/// A command and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// When it came, since the answer began.
    pub at: Duration,
    /// Which connection it came from: 1 for the first one of this answer.
    pub connection: u32,
    /// Name and arguments. A long argument is cut and says how much is missing, passwords are replaced.
    pub words: Vec<Vec<u8>>,
    /// `None`: no reply had come when the answer ended, or the connection has none (CLIENT REPLY OFF).
    pub reply: Option<Reply>,
    /// What became of it: for a command inside MULTI what EXEC said.
    pub outcome: Outcome,
}

/// What came back for a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// As it came; long strings are cut, and say how much is missing.
    pub value: Value,
    /// From the command's coming to the reply's.
    pub took: Duration,
}

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was run and succeeded.
    Done,
    /// It was refused, or failed.
    Refused,
    /// It was queued by MULTI and never run: DISCARD, or an EXEC that failed or never came.
    NotRun,
    /// No reply came, so nobody knows.
    Unknown,
}

impl Exchange {
    /// The command's name in upper case.
    pub fn name(&self) -> String {
        self.words
            .first()
            .map(|word| String::from_utf8_lossy(word).to_uppercase())
            .unwrap_or_default()
    }

    /// Whether the command line begins with these words: the name in any case, arguments as they are, in any
    /// case too where they are a subcommand such as `CONFIG resetstat`.
    pub fn begins_with<W: AsRef<[u8]>>(&self, words: &[W]) -> bool {
        let is_like = |(index, (own, word)): (usize, (&Vec<u8>, &W))| {
            if index == 0 || (index == 1 && is_container(&self.name())) {
                own.eq_ignore_ascii_case(word.as_ref())
            } else {
                own == word.as_ref()
            }
        };
        words.len() <= self.words.len() && self.words.iter().zip(words).enumerate().all(is_like)
    }

    /// The error it was answered by: `ERR Background save already in progress`.
    pub fn error(&self) -> Option<String> {
        match &self.reply.as_ref()?.value {
            Value::ServerError(error) => {
                let line = crate::redis_cli::reply::error_line(error.code(), error.details());
                Some(line.trim_start_matches("(error) ").to_owned())
            }
            _ => None,
        }
    }
}

/// Commands whose first argument is a subcommand.
fn is_container(name: &str) -> bool {
    matches!(
        name,
        "ACL"
            | "CLIENT"
            | "CLUSTER"
            | "COMMAND"
            | "CONFIG"
            | "DEBUG"
            | "FUNCTION"
            | "LATENCY"
            | "MEMORY"
            | "MODULE"
            | "OBJECT"
            | "PUBSUB"
            | "SCRIPT"
            | "SLOWLOG"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(words: &[&str]) -> Exchange {
        let words = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        let (at, outcome) = (Duration::ZERO, Outcome::Unknown);
        Exchange { at, connection: 1, words, reply: None, outcome }
    }

    #[test]
    fn a_name_is_like_itself_in_any_case_and_arguments_are_not() {
        let it = exchange(&["set", "order:1001", "paid"]);
        assert!(it.begins_with(&["SET"]) && it.begins_with(&["Set", "order:1001"]));
        assert!(!it.begins_with(&["SET", "ORDER:1001"]));
        assert!(!it.begins_with(&["SET", "order:1001", "paid", "NX"]));
    }

    #[test]
    fn a_subcommand_is_like_itself_in_any_case() {
        assert!(exchange(&["config", "resetstat"]).begins_with(&["CONFIG", "RESETSTAT"]));
    }
}
