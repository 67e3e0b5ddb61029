//! The `toml exercise` block.

mod checks;
mod equivalents;
mod meanwhile;
mod moments;
mod needs;

use std::time::Duration;

use toml::de::DeValue;

use super::block::BlockText;
use super::problem::{Problems, did_you_mean, one_of};
use super::toml_table::{Entry, Toml, entries};
use super::{Check, Crash, Equivalent, Meanwhile, Span};

const KEYS: [&str; 7] = ["id", "time_limit", "crash", "server", "check", "equivalent", "meanwhile"];
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
    pub(super) id: String,
    /// The id, or the opening fence of a block without an id.
    pub(super) span: Span,
    pub(super) time_limit: Duration,
    pub(super) settings: Vec<(String, String)>,
    pub(super) settings_span: Span,
    pub(super) crash: Crash,
    /// The checks without a problem.
    pub(super) checks: Vec<Check>,
    /// The ids of all checks, also of those with a problem, and their spans in the file.
    pub(super) named_checks: Vec<(String, Span)>,
    /// The ids of tasks that checks cover, and their spans in the file.
    pub(super) covers: Vec<(String, Span)>,
    pub(super) equivalents: Vec<Equivalent>,
    pub(super) meanwhile: Vec<Meanwhile>,
    /// Whether all checks were read: false if a part of the block was not TOML.
    pub(super) is_complete: bool,
}

impl Head {
    pub(super) fn checks_exit(&self) -> bool {
        self.checks.iter().any(|check| check.kind == "exit")
    }

    pub(super) fn check_ids(&self) -> impl Iterator<Item = &str> {
        self.named_checks.iter().map(|(id, _)| id.as_str())
    }
}

/// Reads the block; `fence` is the span of its opening line.
pub(super) fn read(block: &BlockText, fence: Span, problems: &mut Problems) -> Head {
    let (table, mut toml) = Toml::parse(block, problems);
    let mut head = Head {
        id: String::new(),
        span: fence.clone(),
        time_limit: DEFAULT_TIME_LIMIT,
        settings: Vec::new(),
        settings_span: 0..0,
        crash: Crash::WhenSettled,
        checks: Vec::new(),
        named_checks: Vec::new(),
        covers: Vec::new(),
        equivalents: Vec::new(),
        meanwhile: Vec::new(),
        is_complete: toml.is_sound(),
    };
    let mut has_checks = false;
    let mut has_id = false;
    let mut check_entry = None;
    for entry in entries(&table) {
        match entry.key {
            "id" => {
                has_id = true;
                head.span = toml.file_span(entry.value.span());
                head.id = id(&mut toml, entry).unwrap_or_default();
            }
            "time_limit" => {
                head.time_limit = time_limit(&mut toml, entry).unwrap_or(DEFAULT_TIME_LIMIT);
            }
            "crash" => head.crash = crash(&mut toml, entry).unwrap_or(Crash::WhenSettled),
            "server" => {
                head.settings_span = toml.file_span(entry.key_span());
                head.settings = settings(&mut toml, entry);
            }
            "check" => {
                has_checks = true;
                check_entry = Some(entry);
            }
            "meanwhile" => head.meanwhile = meanwhile::read(&mut toml, entry),
            "equivalent" => head.equivalents = equivalents::read(&mut toml, entry),
            _ => toml.unknown_key(entry, "an exercise", &KEYS),
        }
    }
    if !has_id {
        let help = Some("add `id = \"…\"` at the top of the block".to_owned());
        toml.missing(fence.clone(), "the exercise has no `id`", help);
    }
    if !has_checks {
        let help = Some("add a `[[check]]`".to_owned());
        toml.missing(fence, "the exercise has no check", help);
    }
    // After the loop: the moment of a check depends on `crash` and `meanwhile`, which may come
    // later in the block.
    if let Some(entry) = check_entry {
        let read = checks::read(&mut toml, entry, head.crash, &head.meanwhile);
        (head.checks, head.named_checks, head.covers) = (read.sound, read.named, read.covers);
    }
    head
}

/// An id: lower case letters and digits in words joined by `-`.
fn id(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<String> {
    let id = toml.string(entry)?;
    if is_kebab(id) {
        return Some(id.to_owned());
    }
    let help = "use lower case letters and digits in words joined by `-`".to_owned();
    toml.error(entry.value.span(), format!("`{id}` cannot be an id"), Some(help));
    None
}

pub(super) fn is_kebab(id: &str) -> bool {
    id.split('-').all(is_kebab_word)
}

fn is_kebab_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
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
        _ => None,
    }
}

fn crash(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<Crash> {
    match toml.string(entry)? {
        "exit" => Some(Crash::AtExit),
        "settled" => Some(Crash::WhenSettled),
        other => {
            let moments = ["exit", "settled"];
            let help = did_you_mean(other, moments);
            let help = help.or_else(|| Some(format!("use {}", one_of(&moments))));
            toml.error(entry.value.span(), format!("unknown moment `{other}`"), help);
            None
        }
    }
}

fn settings(toml: &mut Toml<'_>, entry: Entry<'_>) -> Vec<(String, String)> {
    let DeValue::Table(table) = entry.value.get_ref() else {
        toml.wrong_type(entry.key, entry.value, "a table `[server]`");
        return Vec::new();
    };
    let mut settings = Vec::new();
    for setting in entries(table) {
        let name = setting.key.to_lowercase();
        if !is_setting_name(&name) {
            let help = Some("a name in redis.conf has only letters, digits and `-`".to_owned());
            let message = format!("`{}` is not a setting name", setting.key.escape_debug());
            toml.error(setting.key_span(), message, help);
        } else if RESERVED_SETTINGS.contains(&name.as_str()) {
            let help = Some("remove it: the runner controls this setting".to_owned());
            toml.error(setting.key_span(), format!("a lesson cannot set `{name}`"), help);
        } else if let Some(value) = setting_value(toml, setting) {
            if value.split_whitespace().any(|word| word.starts_with("--")) {
                let help = Some("put each setting on a line of its own".to_owned());
                toml.error(setting.value.span(), "a value cannot contain another option", help);
            }
            settings.push((name, value));
        }
    }
    settings
}

fn is_setting_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn setting_value(toml: &mut Toml<'_>, setting: Entry<'_>) -> Option<String> {
    match setting.value.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(true) => Some("yes".to_owned()),
        DeValue::Boolean(false) => Some("no".to_owned()),
        _ => toml
            .integer(setting, "a string, a number or a boolean")
            .map(|number| number.to_string()),
    }
}
