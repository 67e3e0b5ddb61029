//! `reply = { "GET k" = "v" }`: a command and its reply, compared as redis-cli prints it.

use std::sync::Arc;

use super::expected::{Expected, Extra};
use super::lines::{marked, unmarked};
use super::values::{command, each};
use super::{Kind, Question, Seen, Subject, all, asked_in, default_misfit, joined, question_in};
use crate::attempt::evidence::{Evidence, Observation};
use crate::lesson::toml_table::{Entry, Toml};
use crate::lesson::words::{self, RandomWords};
use crate::lesson::{Check, Moment};
use crate::redis_cli::commands;
use crate::redis_cli::reply::Printed;
use crate::verdict::diagnosis::{Facts, Symptom, data_in_the_file, symptom};

pub const KIND: Kind = Kind {
    key: "reply",
    rows: &[(
        "`reply = { \"GET order:1001\" = \"paid\" }`",
        "each command is answered like this, see [Expected values](#expected-values)",
    )],
    read: |toml, entry| {
        let replies = each(toml, entry, "{ \"GET key\" = \"value\" }", reply)?;
        Some(Arc::new(Reply { database: 0, replies }))
    },
};

/// Commands whose replies do not change by themselves, apart from keys that expire.
const TIMELESS: [&str; 7] = ["GET", "MGET", "HGET", "EXISTS", "DBSIZE", "LRANGE", "TYPE"];

/// Command lines, and their replies.
#[derive(Debug)]
struct Reply {
    database: u32,
    replies: Vec<(String, Expected)>,
}

impl Subject for Reply {
    fn texts(&self) -> Vec<&str> {
        let pairs = self.replies.iter();
        pairs
            .flat_map(|(command, expected)| expected.text().into_iter().chain([&**command]))
            .collect()
    }

    fn with_words(&self, words: &RandomWords) -> Option<Arc<dyn Subject>> {
        let pairs = self.replies.iter().map(|(command, expected)| {
            (words::put(command, words).into_owned(), expected.with_words(words))
        });
        Some(Arc::new(Self { replies: pairs.collect(), ..*self }))
    }

    fn sentence(&self) -> String {
        joined(&self.replies, |(command, reply)| {
            let place = match self.database {
                0 => String::new(),
                number => format!(" in database {number}"),
            };
            format!("`{command}`{place} answers {reply}")
        })
    }

    fn in_database(&self, database: u32) -> Option<Arc<dyn Subject>> {
        Some(Arc::new(Self { database, replies: self.replies.clone() }))
    }

    fn misfit(&self, at: Moment) -> Option<(String, &'static str)> {
        match at {
            Moment::Meanwhile(_) | Moment::Always if self.database == 0 => None,
            Moment::Meanwhile(_) | Moment::Always => Some((
                "while an answer runs, only database 0 can be checked".to_owned(),
                "remove `db`, or choose another moment",
            )),
            at => default_misfit(self.scope(), false, at),
        }
    }

    fn questions(&self) -> Vec<Question> {
        let commands = self.replies.iter().map(|(command, _)| command);
        commands.map(|command| question_in(self.database, command)).collect()
    }

    fn expected_replies(&self) -> &[(String, Expected)] {
        // What happened to keys is known of database 0.
        if self.database == 0 { &self.replies } else { &[] }
    }

    fn not_understood(&self, now: &Observation) -> Option<String> {
        let mut asked = self.replies.iter().filter(|(_, expected)| !expected.is_an_error());
        asked.find_map(|(command, _)| {
            let reply = now.replies.get(&asked_in(self.database, command))?;
            let error = reply.terminal.strip_prefix("(error) ").filter(|_| reply.is_error())?;
            is_not_understood(error).then(|| format!("`{command}` with `{error}`"))
        })
    }

    fn is_timeless(&self) -> bool {
        self.replies.iter().all(|(command, _)| {
            let name = command.split_whitespace().next().unwrap_or_default();
            TIMELESS.iter().any(|known| known.eq_ignore_ascii_case(name))
        })
    }

    fn judge_at(&self, now: &Observation, evidence: &Evidence) -> Option<Seen> {
        let mut met = Vec::new();
        for (command, expected) in &self.replies {
            let reply = now.replies.get(&asked_in(self.database, command));
            let is_met = reply.map(|reply| expected.meets(reply, &evidence.timeline));
            met.push(is_met.unwrap_or(Some(false)));
        }
        if met.contains(&None) && !met.contains(&Some(false)) {
            return None;
        }
        let parts: Vec<_> = self.replies.iter().zip(met).collect();
        Some(all(&parts, |((command, expected), met)| {
            let reply = now.replies.get(&asked_in(self.database, command));
            compared(&asked_in(self.database, command), expected, reply, *met != Some(false))
        }))
    }

    fn symptoms(&self, check: &Check, facts: &Facts<'_>) -> Vec<Symptom> {
        match check.at {
            Moment::Crash | Moment::Restart | Moment::Restore => data_in_the_file(facts),
            _ => vec![symptom::DATA_WRONG],
        }
    }
}

/// The command with the reply that is expected and the one that came, line by line if there are
/// several.
pub(super) fn compared(
    command: &str,
    expected: &Expected,
    reply: Option<&Printed>,
    met: bool,
) -> Seen {
    let found = reply.map_or("no reply", |reply| reply.terminal.as_str());
    let wanted = expected.lines().filter(|wanted| wanted.contains('\n') || found.contains('\n'));
    let (wanted, found) = match wanted {
        Some(wanted) if met => (format!(":\n{}", unmarked(wanted)), below(found)),
        Some(wanted) => {
            let (wanted, found) = marked(wanted, found);
            (format!(":\n{wanted}"), format!(":\n{found}"))
        }
        None if found.contains('\n') => (format!(" → {expected}"), below(found)),
        None => (format!(" → {expected}"), format!(" → {found}")),
    };
    Seen { met, expected: format!("{command}{wanted}"), found: format!("{command}{found}") }
}

fn below(found: &str) -> String {
    format!(":\n{}", unmarked(found))
}

/// Whether a server says with this error that it does not know the question: a command, a
/// subcommand or an option that only other versions have. What the data are does not matter to such
/// an error.
fn is_not_understood(error: &str) -> bool {
    const WORDS: [&str; 4] = [
        "ERR unknown command",
        "ERR unknown subcommand",
        "ERR wrong number of",
        "ERR syntax error",
    ];
    WORDS.iter().any(|words| error.to_lowercase().starts_with(&words.to_lowercase()))
}

fn reply(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<(String, Expected)> {
    may_ask(toml, entry)?;
    Some((entry.key.to_owned(), Expected::read(toml, entry, Extra::OfReplies)?))
}

/// Whether the checker may send this command; reports why not.
fn may_ask(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<()> {
    let words = command(toml, entry.key, entry.key_span())?;
    let name = words.first().map(|word| String::from_utf8_lossy(word).to_lowercase());
    let name = name.unwrap_or_default();
    if name.is_empty() {
        let help = Some("write it as in redis-cli: \"GET key\"".to_owned());
        toml.error(entry.key_span(), "a reply without a command", help);
        return None;
    }
    if commands::never_ends(&name) {
        toml.error(entry.key_span(), format!("a check cannot send `{name}`: it never ends"), None);
        return None;
    }
    if commands::only_reads(&words) {
        return Some(());
    }
    let known = commands::of_words(&words);
    let shown = known.map_or(name, |command| command.name.replace('|', " "));
    let why = match known {
        Some(_) if commands::may_wait(&words) => "it may wait for another client",
        Some(command) if command.acts() => "it would change what is checked",
        _ => "redislings does not know that it only reads",
    };
    let message = format!("a check cannot send `{shown}`: {why}");
    toml.error(entry.key_span(), message, Some("use a command that only reads".to_owned()));
    None
}
