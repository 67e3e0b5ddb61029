//! The subjects of checks and their values.

use regex_lite::Regex;
use toml::de::DeValue;

use super::super::problem::did_you_mean;
use super::super::toml_table::{Entry, Toml, Value, entries};
use super::super::{
    Comparison, Dump, Expected, Lastsave, Relation, Span, StdoutMatch, Subject, WaitLimit,
};
use super::{duration, info_fields, sent};
use crate::redis_cli::{commands, words};

const COMPARISON: &str = "a number or a comparison such as \">= 1\"";
/// Reads the value of a subject.
pub(super) fn read(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<Subject> {
    match entry.key {
        "lastsave" => lastsave(toml, entry).map(Subject::Lastsave),
        "calls" => each(toml, entry, "{ save = 1 }", call).map(Subject::Calls),
        "info" => each(toml, entry, "{ total_forks = \"+1\" }", info_field).map(Subject::Info),
        "reply" => each(toml, entry, "{ \"GET key\" = \"value\" }", reply).map(Subject::Reply),
        "config" => each(toml, entry, "{ maxmemory = \"0\" }", setting).map(Subject::Config),
        "stdout" => stdout(toml, entry).map(Subject::Stdout),
        "exit" => exit(toml, entry).map(Subject::Exit),
        "blocked" => blocked(toml, entry).map(Subject::Blocked),
        "sent" => sent::read(toml, entry).map(Subject::Sent),
        "dump" => dump(toml, entry).map(Subject::Dump),
        _ => None,
    }
}

/// Reads every entry of a table, to report every problem; `None` if one of them has a problem.
fn each<T>(
    toml: &mut Toml<'_>,
    entry: Entry<'_>,
    example: &str,
    read: impl Fn(&mut Toml<'_>, Entry<'_>) -> Option<T>,
) -> Option<Vec<T>> {
    let entries = toml.table(entry, &format!("a table such as `{example}`"));
    let values: Vec<Option<T>> = entries.into_iter().map(|entry| read(toml, entry)).collect();
    values.into_iter().collect::<Option<Vec<T>>>().filter(|values| !values.is_empty())
}

fn lastsave(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<Lastsave> {
    match toml.string(entry)? {
        "advanced" => Some(Lastsave::Advanced),
        "unchanged" => Some(Lastsave::Unchanged),
        other => {
            let help = did_you_mean(other, ["advanced", "unchanged"])
                .or_else(|| Some("use \"advanced\" or \"unchanged\"".to_owned()));
            toml.error(entry.value.span(), format!("`lastsave` cannot be `{other}`"), help);
            None
        }
    }
}

fn call(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<(Vec<String>, Comparison)> {
    let names: Vec<String> = entry.key.split('+').map(str::to_lowercase).collect();
    if let Some(name) =
        names.iter().find(|name| name.is_empty() || name.contains(char::is_whitespace))
    {
        let help = "write a subcommand as `config|get`, and several commands as `save+bgsave`";
        toml.error(entry.key_span(), format!("`{name}` is not a command"), Some(help.to_owned()));
        return None;
    }
    let count = comparison(toml, entry)?;
    if count.number < 0.0 {
        toml.error(entry.value.span(), "calls cannot be fewer than 0", None);
        return None;
    }
    Some((names, count))
}

/// A number, or a string with a number or a comparison.
fn comparison(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<Comparison> {
    let comparison = match entry.value.get_ref() {
        DeValue::Integer(_) => return integer_as_f64(toml, entry).map(Comparison::is),
        DeValue::String(text) => Comparison::parse(text),
        _ => {
            toml.wrong_type(entry.key, entry.value, COMPARISON);
            return None;
        }
    };
    if comparison.is_none() {
        not_a_comparison(toml, entry);
    }
    comparison
}

fn not_a_comparison(toml: &mut Toml<'_>, entry: Entry<'_>) {
    let help = Some("write `1`, \">= 1\", \"> 1\", \"<= 1\", \"< 1\" or \"!= 1\"".to_owned());
    toml.error(entry.value.span(), format!("`{}` needs a number or a comparison", entry.key), help);
}

fn integer_as_f64(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<f64> {
    toml.integer(entry, "a number").and_then(|number| number.to_string().parse().ok())
}

fn info_field(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<(String, Expected)> {
    let name = entry.key;
    if !info_fields::is_known(name) {
        let message = format!("unknown INFO field `{name}`");
        let help = did_you_mean(name, info_fields::all());
        if help.is_some() {
            toml.error(entry.key_span(), message, help);
        } else {
            let help = Some(
                "check the spelling: the check cannot be judged on a server without this field"
                    .to_owned(),
            );
            toml.warning(entry.key_span(), message, help);
        }
    }
    Some((name.to_owned(), expected(toml, entry)?))
}

fn expected(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<Expected> {
    match entry.value.get_ref() {
        DeValue::Integer(_) => integer_as_f64(toml, entry).map(exactly),
        DeValue::Float(value) => {
            let finite = value.as_str().parse().ok().filter(|value: &f64| value.is_finite());
            if finite.is_none() {
                not_a_comparison(toml, entry);
            }
            finite.map(exactly)
        }
        DeValue::String(text) => {
            let expected = expected_text(text);
            if expected.is_none() {
                not_a_comparison(toml, entry);
            }
            expected
        }
        _ => {
            toml.wrong_type(entry.key, entry.value, "a string or a number");
            None
        }
    }
}

fn exactly(number: f64) -> Expected {
    Expected::Number(Comparison::is(number))
}

/// `None` for text that looks like a comparison but is not one.
fn expected_text(text: &str) -> Option<Expected> {
    let trimmed = text.trim();
    if let Some(digits) = trimmed.strip_prefix(['+', '-'])
        && digits.starts_with(|c: char| c.is_ascii_digit())
    {
        // Without this, `+1e5` would be a number.
        let is_plain = digits.chars().all(|c| c.is_ascii_digit() || c == '.');
        return trimmed.parse::<f64>().ok().filter(|_| is_plain).map(Expected::MoreBy);
    }
    let starts_as_number = trimmed.starts_with(|c: char| c.is_ascii_digit());
    match Comparison::parse(trimmed) {
        Some(comparison) if starts_as_number || trimmed.starts_with(['<', '>', '=', '!']) => {
            Some(Expected::Number(comparison))
        }
        None if trimmed.starts_with(['<', '>', '=', '!']) => None,
        _ => Some(Expected::Text(text.to_owned())),
    }
}

fn reply(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<(String, String)> {
    may_ask(toml, entry)?;
    Some((entry.key.to_owned(), text(toml, entry, true)?))
}

/// Whether the checker may send this command; reports why not.
fn may_ask(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<()> {
    let words = match words::split(entry.key) {
        Ok(words) => words,
        Err(error) => {
            toml.error(entry.key_span(), format!("redis-cli refuses this line: {error}"), None);
            return None;
        }
    };
    let name = lower_case_word(&words, 0);
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
    let command = commands::of_words(&words);
    let shown = command.map_or(name, |command| command.name.replace('|', " "));
    let why = match command {
        Some(_) if commands::may_wait(&words) => "it may wait for another client",
        Some(command) if command.acts() => "it would change what is checked",
        _ => "redislings does not know that it only reads",
    };
    let message = format!("a check cannot send `{shown}`: {why}");
    toml.error(entry.key_span(), message, Some("use a command that only reads".to_owned()));
    None
}

fn lower_case_word(words: &[Vec<u8>], index: usize) -> String {
    words.get(index).map(|word| String::from_utf8_lossy(word).to_lowercase()).unwrap_or_default()
}

fn setting(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<(String, String)> {
    Some((entry.key.to_owned(), text(toml, entry, false)?))
}

fn text(toml: &mut Toml<'_>, entry: Entry<'_>, boolean: bool) -> Option<String> {
    match entry.value.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(_) => toml.integer(entry, "").map(|number| number.to_string()),
        DeValue::Boolean(value) if boolean => Some(value.to_string()),
        _ => {
            toml.wrong_type(entry.key, entry.value, "a string or an integer");
            None
        }
    }
}

fn stdout(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<StdoutMatch> {
    match entry.value.get_ref() {
        DeValue::String(_) => toml.string(entry).map(|text| StdoutMatch::Lines(text.to_owned())),
        DeValue::Table(table) if !table.is_empty() => {
            let mut found = None;
            for entry in entries(table) {
                if entry.key == "matches" {
                    found = toml.string(entry).and_then(|text| regex(toml, entry.value, text));
                } else {
                    toml.unknown_key(entry, "`stdout`", &["matches"]);
                }
            }
            found.map(StdoutMatch::Regex)
        }
        _ => {
            toml.wrong_type(entry.key, entry.value, "a string or `{ matches = \"regex\" }`");
            None
        }
    }
}

fn regex(toml: &mut Toml<'_>, value: &Value<'_>, text: &str) -> Option<Regex> {
    Regex::new(text)
        .map_err(|error| toml.error(value.span(), format!("invalid regex: {error}"), None))
        .ok()
}

fn exit(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<i32> {
    let number = toml.integer(entry, "an integer from 0 to 255")?;
    let status = u8::try_from(number).ok();
    if status.is_none() {
        let help = Some("use an integer from 0 to 255".to_owned());
        toml.error(entry.value.span(), format!("`{number}` is not an exit status"), help);
    }
    status.map(i32::from)
}

fn blocked(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<WaitLimit> {
    let DeValue::String(text) = entry.value.get_ref() else {
        toml.wrong_type(entry.key, entry.value, "a string such as \"< 200ms\"");
        return None;
    };
    let (relation, limit) = Relation::split(text);
    // A duration alone would require a wait of exactly that length.
    let compares = !matches!(relation, Relation::Is | Relation::IsNot);
    let limit = duration(limit).filter(|_| compares && limit.ends_with('s'));
    let Some(limit) = limit else {
        let help = Some("write \"< 200ms\", \"<= 200ms\", \"> 1s\" or \">= 1s\"".to_owned());
        toml.error(
            entry.value.span(),
            format!("`{text}` is not a comparison with a duration"),
            help,
        );
        return None;
    };
    if limit.is_zero() {
        let help = Some("it must be more than 0".to_owned());
        toml.error(entry.value.span(), format!("`{text}` cannot be the limit of a wait"), help);
        return None;
    }
    Some(WaitLimit { relation, limit })
}

fn dump(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<Dump> {
    let mut dump = Dump::default();
    let mut is_whole = true;
    let entries = toml.table(entry, "a table such as `{ keys = [\"order:1001\"] }`");
    for entry in &entries {
        match entry.key {
            "keys" => {
                let keys = each_string(toml, *entry, false, key_name);
                is_whole &= keys.is_some();
                dump.keys = keys.unwrap_or_default();
            }
            "holds" => {
                dump.all_from_before = holds_what_was_before(toml, *entry);
                is_whole &= dump.all_from_before;
            }
            _ => {
                toml.unknown_key(*entry, "`dump`", &["keys", "holds"]);
                is_whole = false;
            }
        }
    }
    (is_whole && !entries.is_empty()).then_some(dump)
}

fn key_name(toml: &mut Toml<'_>, text: &str, span: Span) -> Option<String> {
    if text.is_empty() {
        toml.error(span, "a key without a name", None);
    }
    (!text.is_empty()).then(|| text.to_owned())
}

fn holds_what_was_before(toml: &mut Toml<'_>, entry: Entry<'_>) -> bool {
    let Some(word) = toml.string(entry) else { return false };
    if word != "before" {
        let help = did_you_mean(word, ["before"])
            .or_else(|| Some("use \"before\": all keys from before the answer".to_owned()));
        toml.error(entry.value.span(), format!("`holds` cannot be `{word}`"), help);
    }
    word == "before"
}

/// Reads every string of an array, which must not be empty; `None` if one of them has a problem.
pub(super) fn each_string<T>(
    toml: &mut Toml<'_>,
    entry: Entry<'_>,
    or_one: bool,
    read: impl Fn(&mut Toml<'_>, &str, Span) -> Option<T>,
) -> Option<Vec<T>> {
    let strings = toml.strings(entry, or_one);
    let count = match entry.value.get_ref() {
        DeValue::Array(items) => items.len(),
        _ => 1,
    };
    if count == 0 {
        toml.error(entry.value.span(), format!("`{}` is empty", entry.key), None);
    }
    let values: Vec<T> =
        strings.into_iter().filter_map(|(text, span)| read(toml, text, span)).collect();
    (values.len() == count && count > 0).then_some(values)
}
