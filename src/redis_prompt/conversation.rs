//! The state of a connection, as redis-cli tracks it for its prompt.

use std::fmt;

use crate::resp::value::Resp;

/// A command by how the connection replies to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CommandKind {
    /// One command, one reply.
    Plain,
    /// SUBSCRIBE and the like: messages until the line is cancelled.
    Subscribes,
    /// One confirmation for each of so many channels.
    Confirms(usize),
    /// MONITOR: a line for each command of any client.
    Monitors,
    /// The command is not sent; the text says why.
    Refused(&'static str),
}

impl CommandKind {
    /// `None` if there are no words.
    pub(super) fn of(words: &[Vec<u8>]) -> Option<Self> {
        Some(match lowercase(words, 0)?.as_slice() {
            b"subscribe" | b"psubscribe" | b"ssubscribe" => Self::Subscribes,
            b"unsubscribe" | b"punsubscribe" | b"sunsubscribe" => Self::Confirms(words.len() - 1),
            b"monitor" => Self::Monitors,
            b"sync" | b"psync" => Self::Refused(
                "(not sent: the server would take this connection for a replica and send all data)",
            ),
            b"script" if debugs(lowercase(words, 1), lowercase(words, 2)) => Self::Refused(
                "(not sent: the Lua debugger needs redis-cli: `redis-cli --ldb --eval FILE`)",
            ),
            _ => Self::Plain,
        })
    }
}

fn lowercase(words: &[Vec<u8>], index: usize) -> Option<Vec<u8>> {
    words.get(index).map(|word| word.to_ascii_lowercase())
}

/// `SCRIPT DEBUG YES` or `SCRIPT DEBUG SYNC`: after it, EVAL speaks the debugger's protocol.
fn debugs(subcommand: Option<Vec<u8>>, mode: Option<Vec<u8>>) -> bool {
    subcommand.as_deref() == Some(b"debug") && mode.is_some_and(|mode| mode != b"no")
}

/// The state set by CLIENT REPLY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MutedReplies {
    No,
    /// SKIP: the next command has no reply.
    Next,
    /// OFF.
    Yes,
}

/// The database, transaction and reply mode of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Conversation {
    /// The last database selected outside MULTI or by EXEC.
    chosen: i64,
    /// The database that the prompt shows: inside MULTI, the one that a queued SELECT will choose.
    database: i64,
    /// Inside MULTI, the database before it.
    transaction: Option<i64>,
    /// Whether HELLO 3 was sent.
    is_resp3: bool,
    muted: MutedReplies,
}

impl Conversation {
    pub(super) fn in_database(number: i64) -> Self {
        let (is_resp3, muted) = (false, MutedReplies::No);
        Self { chosen: number, database: number, transaction: None, is_resp3, muted }
    }

    /// Whether messages are pushes, so that a subscribed connection may run any command.
    pub(super) fn is_resp3(&self) -> bool {
        self.is_resp3
    }

    pub(super) fn is_in_transaction(&self) -> bool {
        self.transaction.is_some()
    }

    /// Notes that a command is sent. Returns whether the server replies to it.
    pub(super) fn awaits_a_reply(&mut self, words: &[Vec<u8>]) -> bool {
        let [name, subcommand, mode] =
            [0, 1, 2].map(|index| lowercase(words, index).unwrap_or_default());
        let was_muted = self.muted;
        if was_muted == MutedReplies::Next {
            self.muted = MutedReplies::No;
        }
        match (name.as_slice(), subcommand.as_slice(), mode.as_slice()) {
            (b"client", b"reply", b"on") | (b"reset", ..) => self.muted = MutedReplies::No,
            // Inside MULTI it is only queued.
            (b"client", b"reply", b"off") if self.transaction.is_none() => {
                self.muted = MutedReplies::Yes;
            }
            (b"client", b"reply", b"skip")
                if self.transaction.is_none() && was_muted != MutedReplies::Yes =>
            {
                self.muted = MutedReplies::Next;
            }
            _ => return was_muted == MutedReplies::No,
        }
        self.muted == MutedReplies::No
    }

    /// The database that a new connection selects.
    pub(super) fn chosen_database(&self) -> i64 {
        self.chosen
    }

    /// Notes that there is a new connection: MULTI has ended, and the database is selected again.
    pub(super) fn is_connected_anew(&mut self) {
        self.transaction = None;
        self.database = self.chosen;
        (self.is_resp3, self.muted) = (false, MutedReplies::No);
    }

    /// Updates the state after the reply to a command.
    pub(super) fn has_replied(&mut self, words: &[Vec<u8>], reply: &Resp) {
        let failed = matches!(reply, Resp::Error(_));
        let name = lowercase(words, 0).unwrap_or_default();
        match (name.as_slice(), words) {
            (b"exec", [_]) => {
                // EXEC has no effect, nor has a queued SELECT, if it was refused or a watched key
                // had changed.
                if failed || *reply == Resp::Nil {
                    self.database = self.transaction.unwrap_or(self.database);
                }
                self.transaction = None;
            }
            _ if failed => {}
            (b"select", [_, number]) => {
                let number = std::str::from_utf8(number).ok().and_then(|text| text.parse().ok());
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

/// What follows the prompt's name: nothing, `[1]`, `(TX)` or both.
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
        assert_eq!(prompt(&[("MULTI", ok()), ("SELECT 4", ok())]), "[4](TX)");
        for (line, reply, expected) in [
            ("EXEC", Resp::Array(Vec::new()), "[4]"),
            ("EXEC", failed(), ""),
            ("EXEC", Resp::Nil, ""),
            ("DISCARD", ok(), ""),
        ] {
            let exchanges = [("MULTI", ok()), ("SELECT 4", ok()), (line, reply)];
            assert_eq!(prompt(&exchanges), expected, "{exchanges:?}");
        }
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

    fn kind(line: &str) -> Option<CommandKind> {
        CommandKind::of(&words::split(line).unwrap())
    }

    #[test]
    fn what_takes_the_connection_over_is_known_in_any_case() {
        assert_eq!(kind("Subscribe a"), Some(CommandKind::Subscribes));
        assert_eq!(kind("UNSUBSCRIBE a b"), Some(CommandKind::Confirms(2)));
        assert_eq!(kind("monitor"), Some(CommandKind::Monitors));
        assert!(matches!(kind("psync ? -1"), Some(CommandKind::Refused(_))));
        assert_eq!(kind("script flush"), Some(CommandKind::Plain));
        assert_eq!(kind("script"), Some(CommandKind::Plain));
        assert_eq!(kind(""), None);
    }
}
