//! The `toml exercise` block.

mod checks;
mod conflicts;
mod meanwhile;
mod needs;
mod tables;

use std::time::Duration;

use toml::de::DeValue;

use super::block::BlockText;
use super::course::versions;
use super::pattern::matches;
use super::problem::Problems;
use super::toml_table::{Entry, Toml, entries};
use super::{Crash, Exercise, Span};
use crate::topics::TOPICS;

const KEYS: [&str; 11] = [
    "id",
    "time_limit",
    "crash",
    "server",
    "world",
    "check",
    "equivalent",
    "meanwhile",
    "servers",
    "stop",
    "restart",
];
const CRASHES: [(&str, Crash); 2] = [("exit", Crash::AtExit), ("settled", Crash::WhenSettled)];
const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(10);
const LONGEST_TIME_LIMIT: Duration = Duration::from_secs(5 * 60);

/// Settings that the runner sets itself, or that would take away its control of the server or its
/// log.
const RESERVED_SETTINGS: [&str; 26] = [
    "rename-command",
    "loglevel",
    "syslog-enabled",
    "port",
    "bind",
    "dir",
    "dbfilename",
    "unixsocket",
    "daemonize",
    "supervised",
    "logfile",
    "pidfile",
    "requirepass",
    "tls-port",
    "protected-mode",
    "cluster-enabled",
    "replicaof",
    "slaveof",
    "include",
    "loadmodule",
    "aclfile",
    "user",
    "appenddirname",
    "enable-protected-configs",
    "enable-debug-command",
    "enable-module-command",
];

/// The content of a `toml exercise` block.
pub(super) struct Head {
    /// Without what stands in other blocks. It has the checks without a problem; its span is the
    /// id, or the opening fence of a block without an id.
    pub(super) exercise: Exercise,
    /// The ids of all checks, also of those with a problem, and their spans in the file.
    pub(super) named_checks: Vec<(String, Span)>,
    /// The ids of tasks that checks cover, and their spans in the file.
    pub(super) covers: Vec<(String, Span)>,
    /// Whether all checks were read: false if a part of the block was not TOML.
    pub(super) is_complete: bool,
}

/// Reads the block; `fence` is the span of its opening line.
pub(super) fn read(block: &BlockText, fence: Span, problems: &mut Problems) -> Head {
    let (table, mut toml) = Toml::parse(block, problems);
    let toml = &mut toml;
    let [id, limit, crash, server, world, check, equivalent, beside, servers, stop, restart] =
        toml.fields(&table, "an exercise", KEYS);
    let help = "add `id = \"…\"` at the top of the block";
    toml.require(id, &fence, "the exercise has no `id`", help);
    toml.require(check, &fence, "the exercise has no check", "add a `[[check]]`");
    let worlds = tables::each(toml, world, tables::world);
    let exercise = Exercise {
        span: id.map_or(fence, |entry| toml.file_span(entry.value.span())),
        id: id.and_then(|entry| kebab_id(toml, entry)).unwrap_or_default(),
        time_limit: limit.and_then(|entry| time_limit(toml, entry)).unwrap_or(DEFAULT_TIME_LIMIT),
        crash: crash.and_then(|entry| toml.choice(entry, "moment", &CRASHES)).unwrap_or_default(),
        settings_span: server.map(|entry| toml.file_span(entry.key_span())).unwrap_or_default(),
        settings: server.map(|entry| settings(toml, entry)).unwrap_or_default(),
        servers: servers.map(|entry| versions(toml, entry)).unwrap_or_default(),
        stop: stop.and_then(|entry| toml.boolean(entry)).unwrap_or_default(),
        restart: restart.map(|entry| settings(toml, entry)).unwrap_or_default(),
        meanwhile: tables::each(toml, beside, |toml, table, place, earlier| {
            meanwhile::meanwhile(toml, table, place, earlier, &worlds)
        }),
        equivalents: tables::each(toml, equivalent, tables::equivalent),
        worlds,
        ..Exercise::default()
    };
    if let ([only], Some(entry)) = (&exercise.worlds[..], world) {
        let help = Some("describe another one, or use `[server]` and the setup".to_owned());
        let message = format!("`{}` is the only world", only.name);
        toml.error(entry.key_span(), message, help);
    }
    let is_complete = toml.is_sound();
    let mut head = Head { exercise, named_checks: Vec::new(), covers: Vec::new(), is_complete };
    if let Some(entry) = check {
        checks::read(toml, entry, &mut head);
    }
    head
}

/// The help for an id that is not one.
pub(super) const KEBAB: &str = "use lower case letters and digits in words joined by `-`";

/// An id: lower case letters and digits in words joined by `-`.
fn kebab_id(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<String> {
    let id = toml.string(entry)?;
    if is_kebab(id) {
        return Some(id.to_owned());
    }
    toml.error(entry.value.span(), format!("`{id}` cannot be an id"), Some(KEBAB.to_owned()));
    None
}

pub(super) fn is_kebab(id: &str) -> bool {
    matches("[a-z0-9]+(-[a-z0-9]+)*", id)
}

fn time_limit(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<Duration> {
    let DeValue::String(text) = entry.value.get_ref() else {
        toml.wrong_type(entry.key, entry.value, "a string such as \"10s\"");
        return None;
    };
    let span = entry.value.span();
    let Some(limit) = duration(text) else {
        let help = Some("write \"500ms\", \"10s\" or \"2m\"".to_owned());
        toml.error(span, format!("`{text}` is not a duration"), help);
        return None;
    };
    if limit.is_zero() || limit > LONGEST_TIME_LIMIT {
        let help = Some("it must be more than 0 and at most \"5m\"".to_owned());
        toml.error(span, format!("`{text}` cannot be the time limit"), help);
        return None;
    }
    Some(limit)
}

pub fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u32 = number.parse().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(number.into())),
        "s" => Some(Duration::from_secs(number.into())),
        "m" => Some(Duration::from_secs(u64::from(number) * 60)),
        "h" => Some(Duration::from_secs(u64::from(number) * 60 * 60)),
        _ => None,
    }
}

impl Exercise {
    /// Whether its server has the append-only log on, at first or after the restart.
    pub fn keeps_a_log(&self) -> bool {
        let mut settings = self.settings.iter().chain(&self.restart);
        settings.any(|(name, value)| name == "appendonly" && value == "yes")
    }
}

fn settings(toml: &mut Toml<'_>, entry: Entry<'_>) -> Vec<(String, String)> {
    let DeValue::Table(table) = entry.value.get_ref() else {
        toml.wrong_type(entry.key, entry.value, &format!("a table `[{}]`", entry.key));
        return Vec::new();
    };
    let mut settings = Vec::new();
    for setting in entries(table) {
        let name = match read_setting_name(setting.key) {
            Ok(name) => name,
            Err((message, help)) => {
                toml.error(setting.key_span(), message, Some(help.to_owned()));
                continue;
            }
        };
        if let Some(value) = setting_value(toml, setting) {
            if value.split_whitespace().any(|word| word.starts_with("--")) {
                let help = Some("put each setting on a line of its own".to_owned());
                toml.error(setting.value.span(), "a value cannot contain another option", help);
            }
            let mut refused =
                TOPICS.iter().filter_map(|topic| (topic.refuse_setting)(&name, &value));
            if let Some(help) = refused.next() {
                let message = format!("`{name}` cannot be `{value}`");
                toml.error(setting.value.span(), message, Some(help.to_owned()));
            }
            settings.push((name, value));
        }
    }
    settings
}

/// The name of a setting in lower case; the error says why neither a lesson nor an answer that
/// starts its server can set it.
pub fn setting_name(name: &str) -> Result<String, String> {
    read_setting_name(name).map_err(|(message, _)| message)
}

fn read_setting_name(name: &str) -> Result<String, (String, &'static str)> {
    let lower = name.to_lowercase();
    if !matches("[A-Za-z0-9-]+", &lower) {
        let message = format!("`{}` is not a setting name", name.escape_debug());
        return Err((message, "a name in redis.conf has only letters, digits and `-`"));
    }
    if RESERVED_SETTINGS.contains(&lower.as_str()) {
        let message = format!("`{lower}` cannot be set here");
        return Err((message, "remove it: the runner controls this setting"));
    }
    Ok(lower)
}

fn setting_value(toml: &mut Toml<'_>, setting: Entry<'_>) -> Option<String> {
    match setting.value.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(true) => Some("yes".to_owned()),
        DeValue::Boolean(false) => Some("no".to_owned()),
        _ => Some(toml.integer(setting, "a string, a number or a boolean")?.to_string()),
    }
}
