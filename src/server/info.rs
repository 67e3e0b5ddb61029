//! LASTSAVE and INFO of a server at one instant, as plain values.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use memchr::memmem;
use redis::Value;

use super::client::{CallError, Client};
use super::versions;

const SLOW_CALL_MICROS: i64 = 500;
/// Beside those of commands, the counters that only grow, unless CONFIG RESETSTAT is called.
const COUNTERS: [&str; 4] =
    ["total_commands_processed", "total_connections_received", "total_forks", "rdb_saves"];

/// What the server reported at one instant: MULTI, LASTSAVE, INFO, EXEC.
#[derive(Debug, Clone, Default)]
pub struct ServerInfo {
    /// LASTSAVE: Unix time in whole seconds, by the server's clock. A server's start sets it too.
    pub lastsave: i64,
    /// The lines of INFO, `name:value`: read when asked for, because a watcher takes hundreds of
    /// looks a second and asks each for a few fields.
    info: Arc<str>,
    /// The checker's own successful calls up to this instant.
    own_calls: Arc<BTreeMap<String, u64>>,
    /// The checker's own calls that the server may or may not have run.
    unsure_calls: Arc<BTreeMap<String, u64>>,
}

impl ServerInfo {
    /// The commands with which it is taken, in lower case.
    pub const ASKED: [&str; 4] = ["multi", "lastsave", "info", "exec"];

    pub fn take(client: &mut Client, limit: Duration) -> Result<Self, CallError> {
        Self::take_with(client, "INFO all", &[], limit).map(|(info, _)| info)
    }

    /// Also returns the replies to these commands, all at one instant. `info` asks for the sections
    /// that are wanted.
    pub fn take_with(
        client: &mut Client,
        info: &str,
        questions: &[Words],
        limit: Duration,
    ) -> Result<(Self, Vec<Value>), CallError> {
        let mut commands = vec![words("MULTI"), words("LASTSAVE"), words(info)];
        commands.extend_from_slice(questions);
        commands.push(words("EXEC"));
        match Self::ask(client, &commands, limit) {
            // MULTI fails over `maxmemory` and with unknown commands. Without MULTI, the server
            // still runs commands that arrive together without interruption.
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
        // The pipeline above is counted already, but INFO's text was created before INFO and the
        // commands after it ended.
        for words in commands.iter().skip_while(|words| words[0] != b"INFO") {
            let name = versions::name_in_commandstats(words);
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
                let now = Self {
                    lastsave: *lastsave,
                    info: text(info).into(),
                    own_calls: own_calls.into(),
                    unsure_calls: unsure_calls.into(),
                };
                Ok((now, answers.to_vec()))
            }
            other => Err(CallError::Refused(first_error(other))),
        }
    }

    /// From text, for tests.
    #[cfg(test)]
    pub fn of(lastsave: i64, info: &str) -> Self {
        Self { lastsave, info: info.into(), ..Self::default() }
    }

    /// Adds calls of the checker that got no reply.
    #[cfg(test)]
    #[must_use]
    pub fn with_unsure_calls(mut self, command: &str, count: u64) -> Self {
        Arc::make_mut(&mut self.unsure_calls).insert(command.to_owned(), count);
        self
    }

    /// The text of a field of INFO; `None` if this server has no such field.
    pub fn field(&self, name: &str) -> Option<&str> {
        field(&self.info, name)
    }

    /// The name and value of each line whose name begins with `prefix`.
    fn fields_with<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        lines_with(&self.info, prefix).filter_map(|line| line.split_once(':'))
    }

    /// The number in a field; 0 if the field is missing or not a number.
    pub fn number(&self, name: &str) -> i64 {
        self.field(name).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// The server's run id, which changes with every start.
    pub fn run_id(&self) -> &str {
        self.field("run_id").unwrap_or_default()
    }

    /// `redis 7.0.15` or `valkey 9.1.2`.
    pub fn server(&self) -> String {
        versions::server_and_version(self)
    }

    /// Calls that succeeded since the server's start, without the checker's own: INFO commandstats
    /// `calls` − `failed_calls`. A rejected call (arity, ACL, inside MULTI) is not in `calls`.
    /// `config` sums all its subcommands; if the server does not count those apart, `config|get` is
    /// 0.
    pub fn successful_calls(&self, command: &str) -> i64 {
        let name = format!("cmdstat_{command}");
        let lines =
            self.fields_with(&name).filter(|(known, _)| versions::is_counted_as(known, &name));
        let calls = lines.map(|(_, line)| stat(line, "calls") - stat(line, "failed_calls"));
        let all = calls.reduce(|sum, calls| sum + calls);
        all.map_or(0, |all| all - count_of(&self.own_calls, command))
    }

    /// Calls since the server's start that succeeded, failed or were rejected: INFO commandstats
    /// `calls` + `rejected_calls`.
    pub fn attempted_calls(&self, command: &str) -> i64 {
        let line = self.stats_of(command);
        stat(line, "calls") + stat(line, "rejected_calls")
    }

    /// The commands that any client called since the server's start: `set`, `config|get`.
    pub fn called_commands(&self) -> impl Iterator<Item = &str> {
        self.commandstats().map(|(name, _)| name)
    }

    /// How many of [`Self::successful_calls`] may be the checker's own: calls that got no reply in
    /// time from a busy server, and that it ran later or not at all.
    pub fn unsure_calls(&self, command: &str) -> i64 {
        count_of(&self.unsure_calls, command)
    }

    /// How long all calls of a command took since the server's start, in microseconds.
    pub fn micros(&self, command: &str) -> i64 {
        stat(self.stats_of(command), "usec")
    }

    /// How long all commands took since the server's start, in microseconds: INFO commandstats
    /// `usec`.
    pub fn busy_micros(&self) -> i64 {
        self.commandstats().map(|(_, line)| stat(line, "usec")).sum()
    }

    /// How long slow commands took since `before`, in microseconds. A command is slow if its calls
    /// took [`SLOW_CALL_MICROS`] or more on average: it blocks other clients, unlike the many quick
    /// calls of a client that polls.
    pub fn slow_micros(&self, before: &Self) -> i64 {
        let mut sum = 0;
        for (name, now) in self.commandstats() {
            let was = before.stats_of(name);
            let micros = stat(now, "usec") - stat(was, "usec");
            let calls = stat(now, "calls") - stat(was, "calls");
            if calls > 0 && micros / calls >= SLOW_CALL_MICROS {
                sum += micros;
            }
        }
        sum
    }

    /// The number of keys in all databases, by INFO's `dbN:keys=3,expires=0,…`.
    pub fn keys(&self) -> i64 {
        self.databases().map(|line| stat(line, "keys")).sum()
    }

    pub fn keys_in(&self, database: &str) -> i64 {
        self.field(&format!("db{database}")).map_or(0, |line| stat(line, "keys"))
    }

    /// Whether any key has a time to live.
    pub fn has_keys_that_expire(&self) -> bool {
        self.databases().any(|line| stat(line, "expires") > 0)
    }

    /// The numbers of the databases that hold keys.
    pub fn database_numbers(&self) -> Vec<String> {
        let fields = self.fields_with("db").map(|(name, _)| name[2..].to_owned());
        fields.filter(|number| versions::is_number(number)).collect()
    }

    fn databases(&self) -> impl Iterator<Item = &str> {
        let fields = self.fields_with("db").filter(|(name, _)| versions::is_number(&name[2..]));
        fields.map(|(_, line)| line)
    }

    /// The numbers of INFO commandstats for exactly this name.
    fn stats_of(&self, name: &str) -> &str {
        self.field(&format!("cmdstat_{name}")).unwrap_or_default()
    }

    /// The lines of INFO commandstats: a command's name, and its numbers.
    fn commandstats(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields_with("cmdstat_").map(|(name, line)| (&name["cmdstat_".len()..], line))
    }

    /// A counter that went down since `before`, as only CONFIG RESETSTAT or a restart can do.
    pub fn counter_that_went_down(&self, before: &Self) -> Option<String> {
        for (name, was) in before.commandstats() {
            if stat(self.stats_of(name), "calls") < stat(was, "calls") {
                return Some(format!("cmdstat_{name}"));
            }
        }
        let mut counters = COUNTERS.into_iter();
        counters.find(|name| self.number(name) < before.number(name)).map(str::to_owned)
    }
}

/// How many of these calls count as calls of `command`.
fn count_of(calls: &BTreeMap<String, u64>, command: &str) -> i64 {
    let counted = calls.iter().filter(|(name, _)| versions::is_counted_as(name, command));
    counted.map(|(_, count)| i64::try_from(*count).unwrap_or(0)).sum()
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

/// The text of a field in a reply to INFO.
pub fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    lines_with(info, name).find_map(|line| line[name.len()..].strip_prefix(':'))
}

/// The lines of a reply to INFO that begin with `start`, without their ends.
fn lines_with<'a>(info: &'a str, start: &str) -> impl Iterator<Item = &'a str> {
    // Not line by line: that takes many times as long, and each look asks for dozens of fields.
    memmem::find_iter(info.as_bytes(), start).filter_map(|at| {
        let begins_a_line = at == 0 || info.as_bytes()[at - 1] == b'\n';
        if begins_a_line { info[at..].lines().next().map(str::trim_end) } else { None }
    })
}

/// One of the numbers in `calls=2,usec=5,failed_calls=1`; 0 if it is missing.
fn stat(line: &str, name: &str) -> i64 {
    line.split(',')
        .filter_map(|part| part.split_once('='))
        .filter(|(key, _)| *key == name)
        .find_map(|(_, number)| number.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_info(info: &str, own: &[(&str, u64)]) -> ServerInfo {
        let own_calls = own.iter().map(|(name, count)| ((*name).to_owned(), *count));
        let own_calls = Arc::new(own_calls.collect());
        ServerInfo { own_calls, ..ServerInfo::of(0, info) }
    }

    #[test]
    fn failed_calls_are_not_successful() {
        let line = "cmdstat_save:calls=3,usec=9,rejected_calls=1,failed_calls=1\r\n";
        assert_eq!(server_info(line, &[]).successful_calls("save"), 2);
    }

    #[test]
    fn the_checkers_own_calls_are_not_counted() {
        let info = server_info(
            "cmdstat_config|get:calls=5,usec=9\r\ncmdstat_config|set:calls=1\r\n",
            &[("config|get", 4)],
        );
        assert_eq!(info.successful_calls("config"), 2);
        assert_eq!(info.successful_calls("config|get"), 1);
    }

    #[test]
    fn subcommands_that_are_not_counted_apart_have_no_calls() {
        let info = server_info("cmdstat_config:calls=5,usec=9\r\n", &[("config|get", 4)]);
        assert_eq!(info.successful_calls("config"), 1);
        assert_eq!(info.successful_calls("config|get"), 0);
    }

    #[test]
    fn a_command_never_called_has_no_calls() {
        assert_eq!(server_info("", &[]).successful_calls("save"), 0);
    }

    #[test]
    fn many_quick_commands_are_not_slow() {
        let before = server_info("cmdstat_info:calls=10,usec=1000\r\n", &[]);
        let now = "cmdstat_info:calls=9010,usec=901000\r\ncmdstat_save:calls=1,usec=2000000\r\n";
        assert_eq!(server_info(now, &[]).slow_micros(&before), 2_000_000);
    }

    #[test]
    fn a_counter_that_fell_is_named() {
        let before = server_info("cmdstat_set:calls=3\r\ntotal_forks:0\r\n", &[]);
        let after = server_info("cmdstat_set:calls=1\r\ntotal_forks:0\r\n", &[]);
        assert_eq!(after.counter_that_went_down(&before).as_deref(), Some("cmdstat_set"));
        assert_eq!(before.counter_that_went_down(&before), None);
    }

    #[test]
    fn a_counter_that_vanished_went_down() {
        let before = server_info("cmdstat_set:calls=3\r\n", &[]);
        assert!(server_info("", &[]).counter_that_went_down(&before).is_some());
    }
}
