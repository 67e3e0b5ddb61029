//! LASTSAVE and INFO at one instant, as plain values.

use std::collections::BTreeMap;
use std::time::Duration;

use redis::Value;

use super::client::{CallError, Client};
use super::versions;

const SLOW_CALL_MICROS: i64 = 500;

/// What the server said of itself at one instant: MULTI, LASTSAVE, INFO all, EXEC.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// LASTSAVE: Unix time in whole seconds, from the server's clock; set at its start too.
    pub lastsave: i64,
    /// INFO's lines, `name` to `value`.
    fields: BTreeMap<String, String>,
    /// Successful calls by the checker itself up to this instant.
    own_calls: BTreeMap<String, u64>,
    /// Calls by the checker itself that the server may or may not have run.
    unsure_calls: BTreeMap<String, u64>,
}

impl Snapshot {
    /// Asks the server.
    pub fn take(client: &mut Client, limit: Duration) -> Result<Self, CallError> {
        Self::take_with(client, &[], limit).map(|(snapshot, _)| snapshot)
    }

    /// The same together with the replies to these questions, all at one instant.
    pub fn take_with(
        client: &mut Client,
        questions: &[Words],
        limit: Duration,
    ) -> Result<(Self, Vec<Value>), CallError> {
        let mut commands = vec![words("MULTI"), words("LASTSAVE"), words("INFO all")];
        commands.extend_from_slice(questions);
        commands.push(words("EXEC"));
        match Self::ask(client, &commands, limit) {
            // Over its `maxmemory` the server queues nothing, nor what it does not know; what comes in one piece it
            // runs in one too.
            Err(CallError::Refused(why)) if why.contains("OOM") || !questions.is_empty() => {
                Self::ask(client, &commands[1..commands.len() - 1], limit)
            }
            result => result,
        }
    }

    fn ask(
        client: &mut Client,
        commands: &[Words],
        limit: Duration,
    ) -> Result<(Self, Vec<Value>), CallError> {
        let lines: Vec<&[Vec<u8>]> = commands.iter().map(Vec::as_slice).collect();
        let mut replies = client.pipeline(&lines, limit)?;
        let unsure_calls = client.unanswered().clone();
        let mut own_calls = client.calls().clone();
        // The pipeline above is counted already, but INFO's text was made before INFO and what stands behind it ended.
        let ended_later = commands.iter().skip_while(|words| words[0] != b"INFO");
        for name in ended_later.map(|words| versions::name_in_commandstats(words)) {
            if let Some(count) = own_calls.get_mut(&name) {
                *count = count.saturating_sub(1);
            }
        }
        let answers = match replies.pop() {
            Some(Value::Array(answers)) if commands[0][0] == b"MULTI" => answers,
            last => replies.into_iter().chain(last).collect(),
        };
        match answers.as_slice() {
            [
                Value::Int(lastsave),
                info @ (Value::BulkString(_) | Value::VerbatimString { .. }),
                answers @ ..,
            ] => {
                let (lastsave, fields) = (*lastsave, fields(&text(info)));
                Ok((Self { lastsave, fields, own_calls, unsure_calls }, answers.to_vec()))
            }
            other => Err(CallError::Refused(first_error(other))),
        }
    }

    /// Made by hand, for tests of what is concluded from it.
    #[cfg(test)]
    pub fn of(lastsave: i64, info: &str) -> Self {
        Self { lastsave, fields: fields(info), ..Self::default() }
    }

    /// The same where so many of the checker's own calls got no reply.
    #[cfg(test)]
    #[must_use]
    pub fn with_unsure_calls(mut self, command: &str, count: u64) -> Self {
        self.unsure_calls.insert(command.to_owned(), count);
        self
    }

    /// A field of INFO as it stands there; `None` where this server has no such field.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// A field that is a number; 0 where it is missing.
    pub fn number(&self, name: &str) -> i64 {
        self.field(name).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// Changes with every start of the server.
    pub fn run_id(&self) -> &str {
        self.field("run_id").unwrap_or_default()
    }

    /// `redis 7.0.15` or `valkey 9.1.2`.
    pub fn server(&self) -> String {
        versions::server_and_version(self)
    }

    /// Calls that succeeded since the server's start, the checker's own not counted: INFO
    /// commandstats `calls` − `failed_calls`. A rejected call (arity, ACL, inside MULTI) is not in
    /// `calls`. `config` sums all its subcommands; where the server does not count those apart, there
    /// are none of `config|get`.
    pub fn successful_calls(&self, command: &str) -> i64 {
        let counts = |name: &str| versions::is_counted_as(name, command);
        let mut lines = self
            .fields
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix("cmdstat_")?, value)))
            .filter(|(name, _)| counts(name))
            .peekable();
        if lines.peek().is_none() {
            return 0;
        }
        let all: i64 =
            lines.map(|(_, value)| stat(value, "calls") - stat(value, "failed_calls")).sum();
        let own: u64 =
            self.own_calls.iter().filter(|(name, _)| counts(name)).map(|(_, count)| count).sum();
        all - i64::try_from(own).unwrap_or(0)
    }

    /// Calls since the server's start that succeeded, failed or were refused: INFO commandstats `calls` + `rejected_calls`.
    pub fn attempted_calls(&self, command: &str) -> i64 {
        let line = self.field(&format!("cmdstat_{command}")).unwrap_or_default();
        stat(line, "calls") + stat(line, "rejected_calls")
    }

    /// The commands that were called since the server's start, by anybody: `set`, `config|get`.
    pub fn called_commands(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().filter_map(|name| name.strip_prefix("cmdstat_"))
    }

    /// How many of [`Self::successful_calls`] may be the checker's own: those that got no reply in time, on a server
    /// that was busy, and were run later or not at all.
    pub fn unsure_calls(&self, command: &str) -> i64 {
        let own =
            self.unsure_calls.iter().filter(|(name, _)| versions::is_counted_as(name, command));
        own.map(|(_, count)| i64::try_from(*count).unwrap_or(0)).sum()
    }

    /// How long all calls of a command took since the server's start.
    pub fn micros(&self, command: &str) -> i64 {
        self.field(&format!("cmdstat_{command}")).map_or(0, |line| stat(line, "usec"))
    }

    /// How long all commands took since the server's start: INFO commandstats `usec`.
    pub fn busy_micros(&self) -> i64 {
        let stats = self.fields.iter().filter(|(name, _)| name.starts_with("cmdstat_"));
        stats.map(|(_, value)| stat(value, "usec")).sum()
    }

    /// How long commands took since `before` of which a call takes [`SLOW_CALL_MICROS`] and more on average:
    /// those that keep others waiting, not the many quick ones of somebody who polls.
    pub fn slow_micros(&self, before: &Self) -> i64 {
        let stats = self.fields.iter().filter(|(name, _)| name.starts_with("cmdstat_"));
        let since = |(name, now): (&String, &String)| {
            let was = before.field(name).unwrap_or_default();
            (stat(now, "usec") - stat(was, "usec"), stat(now, "calls") - stat(was, "calls"))
        };
        let slow = |&(micros, calls): &(i64, i64)| calls > 0 && micros / calls >= SLOW_CALL_MICROS;
        stats.map(since).filter(slow).map(|(micros, _)| micros).sum()
    }

    /// How many keys all databases hold, by INFO's `dbN:keys=3,expires=0,…`.
    pub fn keys(&self) -> i64 {
        self.databases().map(|line| stat(line, "keys")).sum()
    }

    /// Whether a key has a time to live.
    pub fn has_keys_that_expire(&self) -> bool {
        self.databases().any(|line| stat(line, "expires") > 0)
    }

    fn databases(&self) -> impl Iterator<Item = &str> {
        (0..10_000).filter_map(|number| self.field(&format!("db{number}")))
    }

    /// The sum of all `calls`: it only ever grows, unless CONFIG RESETSTAT was called.
    fn counters(&self) -> Vec<(&str, i64)> {
        let stats = self.fields.iter().filter(|(name, _)| name.starts_with("cmdstat_"));
        let calls = stats.map(|(name, value)| (name.as_str(), stat(value, "calls")));
        let fixed =
            ["total_commands_processed", "total_connections_received", "total_forks", "rdb_saves"];
        calls.chain(fixed.into_iter().map(|name| (name, self.number(name)))).collect()
    }

    /// A counter that went down since `before`, which only CONFIG RESETSTAT (or a restart) does.
    pub fn counter_that_went_down(&self, before: &Self) -> Option<String> {
        let now: BTreeMap<&str, i64> = self.counters().into_iter().collect();
        let fell = |&(name, was): &(&str, i64)| now.get(name).copied().unwrap_or(0) < was;
        before.counters().into_iter().find(fell).map(|(name, _)| name.to_owned())
    }
}

/// A command and its arguments.
pub type Words = Vec<Vec<u8>>;

fn words(line: &str) -> Words {
    line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
}

fn first_error(replies: &[Value]) -> String {
    let error = replies.iter().find(|reply| matches!(reply, Value::ServerError(_)));
    crate::redis_cli::reply::format(error.unwrap_or(&Value::Nil))
}

fn text(value: &Value) -> String {
    match value {
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::VerbatimString { text, .. } | Value::SimpleString(text) => text.clone(),
        _ => String::new(),
    }
}

fn fields(info: &str) -> BTreeMap<String, String> {
    let pairs = info.lines().filter_map(|line| line.split_once(':'));
    pairs.map(|(name, value)| (name.to_owned(), value.trim_end().to_owned())).collect()
}

/// `calls=2,usec=5,failed_calls=1`: one of the numbers, 0 where it is missing.
fn stat(line: &str, name: &str) -> i64 {
    let pair = |part: &str| part.split_once('=').filter(|(key, _)| *key == name)?.1.parse().ok();
    line.split(',').find_map(pair).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(info: &str, own: &[(&str, u64)]) -> Snapshot {
        let own_calls = own.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        Snapshot { own_calls, ..Snapshot::of(0, info) }
    }

    #[test]
    fn failed_calls_are_not_successful() {
        let it = snapshot("cmdstat_save:calls=3,usec=9,rejected_calls=1,failed_calls=1\r\n", &[]);
        assert_eq!(it.successful_calls("save"), 2);
    }

    #[test]
    fn the_checkers_own_calls_are_not_counted() {
        let it = snapshot(
            "cmdstat_config|get:calls=5,usec=9\r\ncmdstat_config|set:calls=1\r\n",
            &[("config|get", 4)],
        );
        assert_eq!(it.successful_calls("config"), 2);
        assert_eq!(it.successful_calls("config|get"), 1);
    }

    #[test]
    fn subcommands_that_are_not_counted_apart_have_no_calls() {
        let it = snapshot("cmdstat_config:calls=5,usec=9\r\n", &[("config|get", 4)]);
        assert_eq!(it.successful_calls("config"), 1);
        assert_eq!(it.successful_calls("config|get"), 0);
    }

    #[test]
    fn a_command_never_called_has_no_calls() {
        assert_eq!(snapshot("", &[]).successful_calls("save"), 0);
    }

    #[test]
    fn quick_commands_keep_nobody_waiting_however_many_there_are() {
        let before = snapshot("cmdstat_info:calls=10,usec=1000\r\n", &[]);
        let now = "cmdstat_info:calls=9010,usec=901000\r\ncmdstat_save:calls=1,usec=2000000\r\n";
        assert_eq!(snapshot(now, &[]).slow_micros(&before), 2_000_000);
    }

    #[test]
    fn a_counter_that_fell_is_named() {
        let before = snapshot("cmdstat_set:calls=3\r\ntotal_forks:0\r\n", &[]);
        let after = snapshot("cmdstat_set:calls=1\r\ntotal_forks:0\r\n", &[]);
        assert_eq!(after.counter_that_went_down(&before).as_deref(), Some("cmdstat_set"));
        assert_eq!(before.counter_that_went_down(&before), None);
    }

    #[test]
    fn a_counter_that_vanished_went_down() {
        let before = snapshot("cmdstat_set:calls=3\r\n", &[]);
        assert!(snapshot("", &[]).counter_that_went_down(&before).is_some());
    }
}
