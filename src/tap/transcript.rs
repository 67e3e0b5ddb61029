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

/// What a transcript says to a claim about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// It shows that it is so.
    Yes,
    /// It shows that it isn't.
    No,
    /// What would decide it was not kept.
    Unknown,
}

impl Transcript {
    /// Whether commands that begin like these were run with success in this order, whatever came between.
    pub fn has_in_order<S: AsRef<[Vec<u8>]>>(&self, starts: &[S]) -> Shown {
        if self.run_in_order(starts).len() == starts.len() {
            Shown::Yes
        } else if self.left_out > 0 {
            Shown::Unknown
        } else {
            Shown::No
        }
    }

    /// Whether a command that begins like this was refused or failed.
    pub fn has_refused<W: AsRef<[u8]>>(&self, start: &[W]) -> Shown {
        let refused = || self.exchanges.iter().filter(|it| it.outcome == Outcome::Refused);
        let Some(name) = start.first() else { return Shown::No };
        if refused().any(|it| it.begins_with(start)) {
            return Shown::Yes;
        }
        let kept = refused().filter(|it| it.begins_with(&[name])).count() as u64;
        match self.refusals_of(name) {
            all if all <= kept => Shown::No,
            _ if start.len() == 1 => Shown::Yes,
            _ => Shown::Unknown,
        }
    }

    /// How many commands of this name were refused or failed, also of those left out.
    pub fn refusals_of(&self, name: impl AsRef<[u8]>) -> u64 {
        let name = String::from_utf8_lossy(name.as_ref()).to_uppercase();
        self.refusals.iter().filter(|(it, _)| *it == name).map(|(_, count)| count).sum()
    }

    /// The places of the earliest commands that were run with success and begin like these, in this order:
    /// of as many of them, from the first on, as there are.
    pub fn run_in_order<S: AsRef<[Vec<u8>]>>(&self, starts: &[S]) -> Vec<usize> {
        let mut places = Vec::new();
        for (place, exchange) in self.exchanges.iter().enumerate() {
            let Some(next) = starts.get(places.len()) else { break };
            if exchange.outcome == Outcome::Done && exchange.begins_with(next.as_ref()) {
                places.push(place);
            }
        }
        places
    }
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

    /// Whether arguments, or the ends of some, are left out of `words`.
    pub fn is_cut(&self) -> bool {
        let says = |word: &Vec<u8>, what: &str| {
            let text = String::from_utf8_lossy(word);
            text.contains("… (") && text.ends_with(what)
        };
        self.words.last().is_some_and(|word| says(word, " more arguments)"))
            || self.words.iter().any(|word| says(word, " more bytes)"))
    }

    /// Whether arguments are left out of `words`, and not only the ends of some.
    pub fn lacks_arguments(&self) -> bool {
        self.words.last().is_some_and(|word| {
            let text = String::from_utf8_lossy(word);
            text.starts_with("… (") && text.ends_with(" more arguments)")
        })
    }

    /// Whether a client sends it by itself to set up its connection, and it says nothing of what the client
    /// is for. Refused it does, but for the subcommand of a newer client that the server doesn't know.
    pub fn only_sets_up_the_connection(&self) -> bool {
        let sets_up: [&[&str]; 8] = [
            &["HELLO"],
            &["AUTH"],
            &["COMMAND"],
            &["CLIENT", "SETINFO"],
            &["CLIENT", "SETNAME"],
            &["CLIENT", "ID"],
            &["CLIENT", "GETNAME"],
            &["CLIENT", "MAINT_NOTIFICATIONS"],
        ];
        let matters = self.outcome == Outcome::Refused && self.name() != "CLIENT";
        !matters && sets_up.iter().any(|words| self.begins_with(words))
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

    /// A transcript of commands that were all run with success.
    fn transcript(lines: &[&str]) -> Transcript {
        let done = |line: &&str| {
            let words: Vec<&str> = line.split(' ').collect();
            Exchange { outcome: Outcome::Done, ..exchange(&words) }
        };
        Transcript { exchanges: lines.iter().map(done).collect(), ..Transcript::default() }
    }

    fn order(transcript: &Transcript, starts: &[&str]) -> Shown {
        let words = |line: &&str| crate::redis_cli::words::split(line).unwrap();
        transcript.has_in_order(&starts.iter().map(words).collect::<Vec<_>>())
    }

    #[test]
    fn an_order_is_shown_whatever_came_between() {
        let sent = transcript(&["SET a 1", "PING", "set b 2", "BGSAVE"]);
        assert_eq!(order(&sent, &["SET a", "BGSAVE"]), Shown::Yes);
        assert_eq!(order(&sent, &["SET", "SET", "bgsave"]), Shown::Yes);
        assert_eq!(order(&sent, &["SET b", "SET a"]), Shown::No);
        assert_eq!(order(&sent, &["BGSAVE", "BGSAVE"]), Shown::No);
    }

    #[test]
    fn only_what_was_run_with_success_is_in_order() {
        for outcome in [Outcome::Refused, Outcome::NotRun, Outcome::Unknown] {
            let mut sent = transcript(&["SET a 1", "BGSAVE"]);
            sent.exchanges[1].outcome = outcome;
            assert_eq!(order(&sent, &["SET", "BGSAVE"]), Shown::No, "{outcome:?}");
        }
    }

    #[test]
    fn what_was_not_kept_may_be_in_order() {
        let sent = Transcript { left_out: 1, ..transcript(&["SET a 1", "BGSAVE"]) };
        assert_eq!(order(&sent, &["SET", "BGSAVE"]), Shown::Yes);
        assert_eq!(order(&sent, &["BGSAVE", "SET"]), Shown::Unknown);
    }

    #[test]
    fn refusals_are_counted_also_where_they_were_not_kept() {
        let mut sent = transcript(&["CONFIG GET a", "SAVE"]);
        sent.exchanges[0].outcome = Outcome::Refused;
        sent.left_out = 9;
        let refusals = [("CONFIG".to_owned(), 2), ("SAVE".to_owned(), 1)];
        sent.refusals = refusals.into();
        assert_eq!(sent.has_refused(&["save"]), Shown::Yes);
        assert_eq!(sent.has_refused(&["BGSAVE"]), Shown::No);
        assert_eq!(sent.has_refused(&["CONFIG", "get"]), Shown::Yes);
        assert_eq!(sent.has_refused(&["CONFIG", "SET"]), Shown::Unknown);
        sent.refusals[0].1 = 1;
        assert_eq!(sent.has_refused(&["CONFIG", "SET"]), Shown::No);
    }

    #[test]
    fn what_a_client_sends_by_itself_matters_where_it_is_refused() {
        let refused = |words: &[&str]| Exchange { outcome: Outcome::Refused, ..exchange(words) };
        assert!(exchange(&["client", "setinfo", "LIB-NAME", "x"]).only_sets_up_the_connection());
        assert!(!exchange(&["CLIENT", "PAUSE", "9"]).only_sets_up_the_connection());
        assert!(exchange(&["AUTH", "x"]).only_sets_up_the_connection());
        assert!(!refused(&["AUTH", "x"]).only_sets_up_the_connection());
        assert!(refused(&["CLIENT", "SETINFO", "x"]).only_sets_up_the_connection());
    }

    #[test]
    fn arguments_that_are_left_out_are_another_thing_than_their_ends() {
        assert!(exchange(&["MSET", "a", "… (68 more arguments)"]).lacks_arguments());
        let cut = exchange(&["SET", "a", "xx… (488 more bytes)"]);
        assert!(cut.is_cut() && !cut.lacks_arguments());
    }

    #[test]
    fn a_subcommand_is_like_itself_in_any_case() {
        assert!(exchange(&["config", "resetstat"]).begins_with(&["CONFIG", "RESETSTAT"]));
    }
}
