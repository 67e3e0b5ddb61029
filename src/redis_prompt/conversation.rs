//! What a connection is in the middle of, as redis-cli keeps it in mind for its prompt.

use std::fmt;

use crate::redis_cli::resp::Resp;

/// A command by what it does to the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One command, one reply.
    Plain,
    /// SUBSCRIBE and its kin: messages until somebody has enough.
    Subscribes,
    /// A confirmation for each of so many channels.
    Confirms(usize),
    /// MONITOR: a line for each command of anybody's.
    Monitors,
    /// Not sent, and why.
    Refused(&'static str),
}

impl Kind {
    /// `None` where there are no words.
    pub(super) fn of(words: &[Vec<u8>]) -> Option<Self> {
        let lower = |index: usize| words.get(index).map(|word| word.to_ascii_lowercase());
        Some(match lower(0)?.as_slice() {
            b"subscribe" | b"psubscribe" | b"ssubscribe" => Self::Subscribes,
            b"unsubscribe" | b"punsubscribe" | b"sunsubscribe" => Self::Confirms(words.len() - 1),
            b"monitor" => Self::Monitors,
            b"sync" | b"psync" => Self::Refused(
                "(not sent: the connection would be a replica's from then on, and get the whole data)",
            ),
            b"script" if debugs(lower(1), lower(2)) => Self::Refused(
                "(not sent: the Lua debugger needs redis-cli itself: `redis-cli --ldb --eval FILE`)",
            ),
            _ => Self::Plain,
        })
    }
}

/// `SCRIPT DEBUG YES` or `SYNC`: from then on EVAL talks the debugger's language.
fn debugs(subcommand: Option<Vec<u8>>, mode: Option<Vec<u8>>) -> bool {
    subcommand.as_deref() == Some(b"debug") && mode.is_some_and(|mode| mode != b"no")
}

/// CLIENT REPLY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Muted {
    No,
    /// SKIP: the next command has no reply.
    Next,
    /// OFF.
    Yes,
}

/// The database and the transaction of a connection, and what replies come on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Conversation {
    /// The last one that was selected for good.
    chosen: i64,
    /// The one that the prompt shows: inside MULTI it is what SELECT will have done.
    database: i64,
    /// The database before MULTI.
    transaction: Option<i64>,
    /// Whether HELLO 3 was said.
    is_resp3: bool,
    muted: Muted,
}

impl Conversation {
    pub(super) fn in_database(number: i64) -> Self {
        let (is_resp3, muted) = (false, Muted::No);
        Self { chosen: number, database: number, transaction: None, is_resp3, muted }
    }

    /// Whether messages come as what they are, so that a subscribed connection may run any command.
    pub(super) fn is_resp3(&self) -> bool {
        self.is_resp3
    }

    /// A command is sent; whether a reply comes back for it.
    pub(super) fn awaits_a_reply(&mut self, words: &[Vec<u8>]) -> bool {
        let word = |index: usize| {
            words.get(index).map(|word| word.to_ascii_uppercase()).unwrap_or_default()
        };
        let was_muted = self.muted;
        if was_muted == Muted::Next {
            self.muted = Muted::No;
        }
        match (word(0).as_slice(), word(1).as_slice(), word(2).as_slice()) {
            (b"CLIENT", b"REPLY", b"ON") | (b"RESET", ..) => self.muted = Muted::No,
            // Inside MULTI it is only queued.
            (b"CLIENT", b"REPLY", b"OFF") if self.transaction.is_none() => self.muted = Muted::Yes,
            (b"CLIENT", b"REPLY", b"SKIP")
                if self.transaction.is_none() && was_muted != Muted::Yes =>
            {
                self.muted = Muted::Next;
            }
            _ => return was_muted == Muted::No,
        }
        self.muted == Muted::No
    }

    /// The one that a new connection selects.
    pub(super) fn chosen_database(&self) -> i64 {
        self.chosen
    }

    /// MULTI is over with its connection; the database is selected again.
    pub(super) fn is_connected_anew(&mut self) {
        self.transaction = None;
        self.database = self.chosen;
        (self.is_resp3, self.muted) = (false, Muted::No);
    }

    /// Keeps in mind what this reply to this command means.
    pub(super) fn has_replied(&mut self, words: &[Vec<u8>], reply: &Resp) {
        let failed = matches!(reply, Resp::Error(_));
        let name = words.first().map(|word| word.to_ascii_lowercase()).unwrap_or_default();
        match (name.as_slice(), words) {
            (b"exec", [_]) => {
                // Without effect, SELECT among the rest, when it was refused or a watched key had changed.
                if failed || *reply == Resp::Nil {
                    self.database = self.transaction.unwrap_or(self.database);
                }
                self.transaction = None;
            }
            _ if failed => {}
            (b"select", [_, number]) => {
                let number = std::str::from_utf8(number).ok().and_then(|it| it.parse().ok());
                self.database = number.unwrap_or(self.database);
            }
            (b"hello", [_, version, ..]) => self.is_resp3 = version == b"3",
            (b"multi", [_]) => self.transaction = Some(self.database),
            (b"discard", [_]) => self.database = self.transaction.take().unwrap_or(self.database),
            (b"reset", [_]) => *self = Self::in_database(0),
            _ => {}
        }
        if self.transaction.is_none() {
            self.chosen = self.database;
        }
    }
}

/// What stands behind the prompt's name: nothing, `[1]`, `(TX)` or both.
impl fmt::Display for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.database != 0 {
            write!(f, "[{}]", self.database)?;
        }
        if self.transaction.is_some() { f.write_str("(TX)") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis_cli::words;

    fn ok() -> Resp {
        Resp::Status("OK".into())
    }

    fn failed() -> Resp {
        Resp::Error("ERR no".into())
    }

    /// The prompt after these lines and replies.
    fn prompt(exchanges: &[(&str, Resp)]) -> String {
        let mut state = Conversation::in_database(0);
        for (line, reply) in exchanges {
            state.has_replied(&words::split(line).unwrap(), reply);
        }
        state.to_string()
    }

    #[test]
    fn the_database_and_the_transaction_are_shown() {
        assert_eq!(prompt(&[("GET a", Resp::Nil)]), "");
        assert_eq!(prompt(&[("select 3", ok())]), "[3]");
        assert_eq!(prompt(&[("SELECT 99", failed())]), "");
        assert_eq!(prompt(&[("SELECT 3", ok()), ("MULTI", ok())]), "[3](TX)");
        assert_eq!(prompt(&[("SELECT 3", ok()), ("MULTI", ok()), ("RESET", ok())]), "");
    }

    #[test]
    fn a_transaction_without_effect_leaves_the_database() {
        let begun = [("MULTI", ok()), ("SELECT 4", ok())];
        let with = |line, reply| prompt(&[&begun[..], &[(line, reply)]].concat());
        assert_eq!(prompt(&begun), "[4](TX)");
        assert_eq!(with("EXEC", Resp::Array(Vec::new())), "[4]");
        assert_eq!(with("EXEC", failed()), "");
        assert_eq!(with("EXEC", Resp::Nil), "");
        assert_eq!(with("DISCARD", ok()), "");
    }

    #[test]
    fn a_new_connection_is_in_the_database_but_in_no_transaction() {
        let mut state = Conversation::in_database(0);
        for (line, reply) in [("SELECT 2", ok()), ("MULTI", ok()), ("SELECT 5", ok())] {
            state.has_replied(&words::split(line).unwrap(), &reply);
        }
        state.is_connected_anew();
        assert_eq!((state.to_string().as_str(), state.chosen_database()), ("[2]", 2));
    }

    #[test]
    fn client_reply_decides_which_commands_have_one() {
        let mut state = Conversation::in_database(0);
        let lines =
            ["CLIENT REPLY SKIP", "SAVE", "PING", "client reply off", "SAVE", "CLIENT REPLY SKIP"];
        let mut awaits = |line: &str| state.awaits_a_reply(&words::split(line).unwrap());
        assert_eq!(lines.map(&mut awaits), [false, false, true, false, false, false]);
        assert!(!awaits("PING") && awaits("CLIENT REPLY ON") && awaits("PING"));
    }

    #[test]
    fn hello_3_lasts_until_the_connection_is_another() {
        let mut state = Conversation::in_database(0);
        state.has_replied(&words::split("HELLO 3").unwrap(), &ok());
        assert!(state.is_resp3());
        state.is_connected_anew();
        assert!(!state.is_resp3());
    }

    #[test]
    fn what_takes_the_connection_over_is_known_in_any_case() {
        let kind = |line: &str| Kind::of(&words::split(line).unwrap());
        assert_eq!(kind("Subscribe a"), Some(Kind::Subscribes));
        assert_eq!(kind("UNSUBSCRIBE a b"), Some(Kind::Confirms(2)));
        assert_eq!(kind("monitor"), Some(Kind::Monitors));
        assert!(matches!(kind("psync ? -1"), Some(Kind::Refused(_))));
        assert_eq!(kind("script flush"), Some(Kind::Plain));
        assert_eq!(kind("script"), Some(Kind::Plain));
        assert_eq!(kind(""), None);
    }
}
