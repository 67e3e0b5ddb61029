//! The `[[meanwhile]]` tables.

use std::sync::Arc;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::super::meanwhile::{DiskChange, Kill, Steps};
use super::super::problem::one_of;
use super::super::toml_table::{Entry, Toml};
use super::super::{Meanwhile, Moment, Span, Trigger, World};
use super::tables::one_world;
use super::{duration, kebab_id};
use crate::checks::values::{command, each_string};
use crate::checks::{self, Question, Scope, Subject};
use crate::redis_cli::{commands, words};

const KEYS: [&str; 10] =
    ["id", "in", "when", "nth", "says", "later", "disk", "run", "kill", "otherwise"];
const KILLS: [(&str, Kill); 2] = [("answer", Kill::Answer), ("server", Kill::Server)];
const DISKS: [(&str, DiskChange); 2] =
    [("refuses", DiskChange::Refuses), ("works", DiskChange::Works)];
/// Longer than any key of a lesson lives.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

pub(super) fn meanwhile(
    toml: &mut Toml<'_>,
    table: &DeTable<'_>,
    place: &Span,
    earlier: &[Meanwhile],
    worlds: &[World],
) -> Option<Meanwhile> {
    let [id, world, when, nth, says, later, disk, run, kill, otherwise] =
        toml.fields(table, "a meanwhile", KEYS);
    let span = id.map_or(place.clone(), |entry| toml.file_span(entry.value.span()));
    let does_something = [later, disk, run, kill].iter().any(Option::is_some);
    if id.is_none() && !does_something {
        let help = "add an `id`, for `at` of checks, or a step such as `run = [\"SET key value\"]`";
        toml.missing(place.clone(), "the meanwhile does nothing", Some(help.to_owned()));
    }
    let trigger = match when {
        Some(entry) => trigger(toml, entry, nth),
        None => Some(Trigger::Start),
    };
    if let (Some(nth), Some(false)) =
        (nth, trigger.as_ref().map(|when| matches!(when, Trigger::Command { .. })))
    {
        let help = "remove it, or let `when` be the beginning of a command line";
        let message = "`nth` counts commands, and `when` names none";
        toml.error(nth.key_span(), message, Some(help.to_owned()));
    }
    let steps = Steps {
        later: later.and_then(|entry| time(toml, entry)),
        disk: disk.and_then(|entry| toml.choice(entry, "disk", &DISKS)),
        run: run.and_then(|entry| each_string(toml, entry, true, line)).unwrap_or_default(),
        kill: kill.and_then(|entry| toml.choice(entry, "victim", &KILLS)),
    };
    if let (Some(entry), Some(Trigger::Start)) = (kill, &trigger) {
        let help = "say when: `when = { reply = { \"EXISTS key\" = 1 } }`".to_owned();
        toml.error(entry.key_span(), "nothing runs yet that could be killed", Some(help));
    }
    if let (Some(entry), Some(Trigger::Start)) = (disk, &trigger) {
        let help = "write `@disk refuses` into the setup, or say when".to_owned();
        toml.error(entry.key_span(), "before the answer, the setup does that", Some(help));
    }
    let says = says.and_then(|entry| toml.prose(entry));
    let otherwise = otherwise.and_then(|entry| toml.prose(entry));
    let id = match id {
        Some(entry) => Some(own_id(toml, entry, earlier)?),
        None => None,
    };
    let world = world.and_then(|entry| one_world(toml, entry, worlds));
    Some(Meanwhile { id, span, world, when: trigger?, says, steps, otherwise })
}

fn own_id(toml: &mut Toml<'_>, entry: Entry<'_>, earlier: &[Meanwhile]) -> Option<String> {
    let span = entry.value.span();
    let id = kebab_id(toml, entry)?;
    if Moment::NAMED.iter().any(|(word, _)| *word == id) {
        let help = Some("every exercise has this moment: choose another id".to_owned());
        toml.error(span, format!("`{id}` cannot be the id of a meanwhile"), help);
        return None;
    }
    if earlier.iter().any(|earlier| earlier.id.as_ref() == Some(&id)) {
        toml.error(span, format!("a second `[[meanwhile]]` with the id `{id}`"), None);
        return None;
    }
    Some(id)
}

fn trigger(toml: &mut Toml<'_>, entry: Entry<'_>, nth: Option<Entry<'_>>) -> Option<Trigger> {
    let text = match entry.value.get_ref() {
        DeValue::Table(_) => return condition(toml, entry).map(Trigger::Condition),
        DeValue::String(_) => toml.string(entry)?,
        _ => {
            let expected = "the beginning of a command line, a mark, or a table such as \
                            { reply = { \"EXISTS key\" = 1 } }";
            toml.wrong_type(entry.key, entry.value, expected);
            return None;
        }
    };
    if text.trim_start().starts_with('@') {
        let marks = Trigger::marks();
        let names: Vec<(&str, usize)> =
            marks.iter().enumerate().map(|(index, (name, _))| (*name, index)).collect();
        let index = toml.choice(entry, "trigger", &names)?;
        return marks.into_iter().nth(index).map(|(_, trigger)| trigger);
    }
    let words = command(toml, text, entry.value.span())?;
    let nth = nth.map_or(Some(1), |entry| count(toml, entry))?;
    Some(Trigger::Command { line: text.trim().to_owned(), words, nth })
}

fn count(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<usize> {
    let number = toml.integer(entry, "a number such as 2")?;
    let number = usize::try_from(number).ok().filter(|number| *number > 0);
    if number.is_none() {
        toml.error(entry.value.span(), "`nth` must be 1 or more", None);
    }
    number
}

/// The only subject in the table.
fn condition(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<Arc<dyn Subject>> {
    let entries = toml.table(entry, "a table");
    let [only] = entries.as_slice() else {
        if let Some(second) = entries.get(1) {
            let help = "use one, such as `reply`, or another `[[meanwhile]]`".to_owned();
            toml.error(second.key_span(), "a condition has one subject", Some(help));
        }
        return None;
    };
    let known: Vec<&str> = checks::kinds().map(|kind| kind.key).collect();
    if !known.contains(&only.key) {
        toml.unknown_key(*only, "a condition", &known);
        return None;
    }
    let (kind, subject) = checks::read(toml, *only)?;
    if !can_be_asked_meanwhile(subject.as_ref()) {
        let message = format!("`{}` cannot be a condition", kind.key);
        let help = format!(
            "while the answer runs, ask the server itself: {}",
            one_of(&["reply", "info", "config"])
        );
        toml.error(only.key_span(), message, Some(help));
        return None;
    }
    Some(subject)
}

/// Whether one connection can ask the server for it at once.
fn can_be_asked_meanwhile(subject: &dyn Subject) -> bool {
    subject.scope() == Scope::Server
        && subject.counted_commands().is_empty()
        && !subject.questions().contains(&Question::Log)
        && !(subject.questions().is_empty() && subject.info_fields().is_empty())
}

fn time(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<Duration> {
    let text = toml.string(entry)?;
    let time = duration(text).filter(|time| !time.is_zero() && *time <= LONGEST);
    if time.is_none() {
        let help = Some("write \"31s\", \"5m\" or \"2h\"".to_owned());
        toml.error(entry.value.span(), format!("`{text}` is not a time that can pass"), help);
    }
    time
}

/// A whole command line that another client sends.
fn line(toml: &mut Toml<'_>, text: &str, span: Span) -> Option<String> {
    let line = text.trim();
    let words = command(toml, line, span.clone())?;
    let name = words.first().map(|name| String::from_utf8_lossy(name).to_lowercase());
    let name = name.unwrap_or_default();
    let why = if name.is_empty() || words::is_comment(line) {
        Some("this is no command")
    } else if name.starts_with('@') {
        Some("another client sends commands to Redis only")
    } else if commands::never_ends(&name) || commands::may_wait(&words) {
        Some("another client must not wait")
    } else if name == "shutdown" {
        Some("use `kill = \"server\"`; this would end it for good")
    } else if commands::find(&name).is_none() && !commands::has_subcommands(&name) {
        Some("this command is not known")
    } else {
        None
    };
    if let Some(why) = why {
        let help = "write a whole command line, as in redis-cli: \"SET key value\"".to_owned();
        toml.error(span, format!("{why}: `{line}`"), Some(help));
        return None;
    }
    Some(line.to_owned())
}
