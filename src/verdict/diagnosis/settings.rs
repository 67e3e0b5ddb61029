//! Settings that have another value than the check asks for.

use std::time::Duration;

use redis::Value;

use super::cause::{Cause, seen_at};
use super::facts::Facts;
use crate::checks::config::Config;
use crate::checks::expected::Expected;
use crate::lesson::Moment;
use crate::redis_cli::reply::Printed;
use crate::redis_cli::words;
use crate::relay::{CommandOutcome, Exchange};

/// A setting that the unmet check asks for, by `config` or by CONFIG GET.
struct Setting<'a> {
    name: String,
    expected: &'a Expected,
    /// Whether `expected` is about the whole reply of CONFIG GET.
    is_of_the_reply: bool,
    /// The reply of CONFIG GET.
    found: Printed,
}

impl Setting<'_> {
    fn has(&self, value: &str) -> bool {
        self.found.terminal == config_get(&self.name, value).terminal
    }

    fn would_be_right_with(&self, value: &str, facts: &Facts<'_>) -> bool {
        if self.is_of_the_reply {
            let reply = config_get(&self.name, value);
            return self.expected.meets(&reply, &facts.evidence.timeline) == Some(true);
        }
        self.expected.is_met_by_text(value)
    }
}

fn config_get(name: &str, value: &str) -> Printed {
    let words = [name, value].map(|word| Value::BulkString(word.as_bytes().to_vec()));
    Printed::new(&Value::Array(words.into()))
}

fn wrong_settings<'a>(facts: &Facts<'a>) -> Vec<Setting<'a>> {
    let mut settings = Vec::new();
    let Some(check) = facts.check else { return settings };
    if let (Some(config), Some(now)) = (check.of_kind::<Config>(), facts.evidence.at(check.at)) {
        for (name, expected) in &config.0 {
            let value = now.config.get(name).filter(|value| !expected.is_met_by_text(value));
            settings.extend(value.map(|value| Setting {
                name: name.clone(),
                expected,
                is_of_the_reply: false,
                found: config_get(name, value),
            }));
        }
    }
    for (command, expected, found) in facts.unmet_replies() {
        settings.extend(asked_by(command).map(|name| Setting {
            name,
            expected,
            is_of_the_reply: true,
            found: found.clone(),
        }));
    }
    settings
}

/// The one setting that this CONFIG GET asks for.
fn asked_by(command: &str) -> Option<String> {
    let words = words::split(command).ok()?;
    let [config, get, name] = words.as_slice() else { return None };
    let is_config_get = config.eq_ignore_ascii_case(b"CONFIG") && get.eq_ignore_ascii_case(b"GET");
    is_config_get.then(|| String::from_utf8_lossy(name).to_lowercase())
}

/// Everything that was sent until the check looked; `None` if nobody knows when that was, or if the
/// answer may have started its server with other settings.
fn until_the_look<'a>(facts: &Facts<'a>) -> Option<&'a [Exchange]> {
    let check = facts.check.filter(|_| !facts.exercise.stop)?;
    let until = match check.at {
        Moment::Always => facts.violation(check)?.at,
        Moment::Exit | Moment::Settled | Moment::Crash | Moment::Restart => Duration::MAX,
        _ => return None,
    };
    let exchanges = facts.exchanges();
    Some(&exchanges[..exchanges.partition_point(|exchange| exchange.at <= until)])
}

/// The last command that was to set this, whether or not it succeeded.
fn last_attempt(exchanges: &[Exchange], name: &str) -> Option<(usize, String)> {
    let mut numbered = exchanges.iter().enumerate().rev();
    numbered.find_map(|(index, exchange)| Some((index, exchange.value_set(name)?)))
}

pub fn refused(facts: &Facts<'_>) -> Option<Cause> {
    let exchanges = until_the_look(facts)?;
    wrong_settings(facts).iter().find_map(|setting| {
        let (index, _) = last_attempt(exchanges, &setting.name)?;
        let error = exchanges[index].error()?;
        let quotes = if has_odd_words(&exchanges[index]) {
            " (a value of several words needs quotes)"
        } else {
            ""
        };
        let why = format!("{}{quotes}", error.trim());
        Some(seen_at(index).with(setting.name.as_str()).with(why))
    })
}

/// Whether names and values are not pairs: a value may have been sent in several words.
fn has_odd_words(set: &Exchange) -> bool {
    set.words.len() % 2 == 1
}

/// The setting has the value that the answer has given it.
pub fn set_otherwise(facts: &Facts<'_>) -> Option<Cause> {
    let exchanges = until_the_look(facts)?;
    wrong_settings(facts).iter().find_map(|setting| {
        let (index, value) = last_attempt(exchanges, &setting.name)?;
        let is_done = exchanges[index].outcome == CommandOutcome::Done;
        let shown = if value.is_empty() { "\"\"" } else { value.as_str() };
        (is_done && setting.has(&value))
            .then(|| seen_at(index).with(setting.name.as_str()).with(shown))
    })
}

/// The server that started again read the setting in its file.
pub fn not_rewritten(facts: &Facts<'_>) -> Option<Cause> {
    let is_known = facts.is_about_a_start() && !facts.has_script();
    let exchanges = until_the_look(facts).filter(|_| is_known)?;
    wrong_settings(facts).iter().find_map(|setting| {
        let (index, value) = last_attempt(exchanges, &setting.name)?;
        let was_right = exchanges[index].outcome == CommandOutcome::Done
            && setting.would_be_right_with(&value, facts);
        let is_written =
            exchanges[index..].iter().any(|exchange| exchange.begins_with(&["CONFIG", "REWRITE"]));
        (was_right && !is_written).then(|| seen_at(index))
    })
}

/// No other command can set it; a later start may read it in a file.
pub fn never_set(facts: &Facts<'_>) -> Option<Cause> {
    let is_known = facts.ended_well()
        && matches!(facts.check?.at, Moment::Exit | Moment::Settled)
        && facts.evidence.timeline.left_out == 0
        && !facts.has_script();
    let exchanges = until_the_look(facts).filter(|_| is_known)?;
    let settings = wrong_settings(facts);
    let unset = settings.iter().find(|one| last_attempt(exchanges, &one.name).is_none())?;
    Some(Cause::default().with(unset.name.as_str()))
}
