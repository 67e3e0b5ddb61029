//! The `[[check]]` tables.

use std::sync::Arc;

use toml::de::DeValue;

use super::super::check::{ENDS_WELL, EVIDENCE_IS_VALID};
use super::super::problem::{nearest, one_of};
use super::super::toml_table::{Entry, Toml, Value, entries};
use super::super::{Check, Crash, Meanwhile, Moment, Span};
use super::needs::{self, Needs};
use super::{id, moments};
use crate::checks::values::each_string;
use crate::checks::{self, Kind, Question, Subject};

const KEYS: [&str; 6] = ["id", "at", "needs", "says", "otherwise", "covers"];

/// The content of the `[[check]]` tables.
#[derive(Default)]
pub(super) struct Tables {
    /// The checks without a problem.
    pub(super) sound: Vec<Check>,
    /// The id and span of every check that has an id.
    pub(super) named: Vec<(String, Span)>,
    /// The id of every covered task, with the span that names it.
    pub(super) covers: Vec<(String, Span)>,
}

pub(super) fn read(
    toml: &mut Toml<'_>,
    entry: Entry<'_>,
    crash: Crash,
    meanwhile: &[Meanwhile],
) -> Tables {
    let DeValue::Array(tables) = entry.value.get_ref() else {
        toml.wrong_type("check", entry.value, "written `[[check]]`");
        return Tables::default();
    };
    let mut read = Tables::default();
    let mut all_needs = Vec::new();
    for table in tables {
        let mut draft = draft(toml, table, &mut read.named);
        read.covers.append(&mut draft.covers);
        let id = draft.id.clone().unwrap_or_default();
        all_needs.push(Needs { id, ids: draft.needs.clone() });
        read.sound.extend(finish(toml, draft, crash, meanwhile));
    }
    needs::check(toml, &all_needs);
    refuse_counted_watchers(toml, &read.sound, meanwhile);
    if crash == Crash::AtExit {
        refuse_unmeasured_waits(toml, &read.sound);
        refuse_looks_before_a_kill(toml, &read.sound);
    }
    read
}

/// INFO commandstats cannot distinguish the answer's commands from those that the runner's own
/// clients send at the same time.
fn refuse_counted_watchers(toml: &mut Toml<'_>, checks: &[Check], meanwhile: &[Meanwhile]) {
    let waits = checks.iter().any(|check| check.subject.wait_limit().is_some());
    let asked = asked_meanwhile(checks, meanwhile);
    for check in checks {
        for name in check.subject.counted_commands() {
            let command = name.split('|').next().unwrap_or_default();
            let asker = if command == "ping" && waits {
                "blocked"
            } else if asked.iter().any(|asked| asked == command) {
                "[[meanwhile]]"
            } else {
                continue;
            };
            let name = name.to_uppercase();
            let message =
                format!("{name} can't be counted in an exercise with `{asker}`, which sends it");
            let help = Some("count another command, or use `sent`".to_owned());
            toml.missing(check.span.clone(), message, help);
        }
    }
}

/// The commands, in lower case, that the runner repeats until a `[[meanwhile]]` fires.
fn asked_meanwhile(checks: &[Check], meanwhile: &[Meanwhile]) -> Vec<String> {
    if meanwhile.is_empty() {
        return Vec::new();
    }
    let mut asked: Vec<String> = checks::ALWAYS_ASKED.map(str::to_owned).into();
    for check in checks.iter().filter(|check| matches!(check.at, Moment::Meanwhile(_))) {
        for question in check.subject.questions() {
            let Question::Command(line) = question else { continue };
            asked.extend(line.split_whitespace().next().map(str::to_lowercase));
        }
    }
    asked
}

/// A command whose client gave up may still run when the server is killed, so its duration stays
/// unknown.
fn refuse_unmeasured_waits(toml: &mut Toml<'_>, checks: &[Check]) {
    for check in checks.iter().filter(|check| check.subject.wait_limit().is_some()) {
        let help = Some("remove `crash = \"exit\"`".to_owned());
        let message = "waits can't be measured to the end: the server is killed at exit";
        toml.missing(check.span.clone(), message, help);
    }
}

/// The kill ends work in the background unobserved.
fn refuse_looks_before_a_kill(toml: &mut Toml<'_>, checks: &[Check]) {
    for check in checks.iter().filter(|check| matches!(check.at, Moment::Meanwhile(_))) {
        let help = Some("remove `crash = \"exit\"`".to_owned());
        let message = "the server may be killed before that happens";
        toml.missing(check.span.clone(), message, help);
    }
}

/// The readable parts of a check.
struct Draft<'t> {
    id: Option<String>,
    span: Span,
    at: Option<Entry<'t>>,
    needs: Vec<(&'t str, Span)>,
    covers: Vec<(String, Span)>,
    says: Option<String>,
    otherwise: Option<String>,
    subject: Option<(&'static Kind, Arc<dyn Subject>)>,
}

fn draft<'t>(
    toml: &mut Toml<'_>,
    table: &'t Value<'t>,
    named: &mut Vec<(String, Span)>,
) -> Draft<'t> {
    let mut draft = Draft {
        id: None,
        span: toml.file_span(table.span()),
        at: None,
        needs: Vec::new(),
        covers: Vec::new(),
        says: None,
        otherwise: None,
        subject: None,
    };
    let DeValue::Table(keys) = table.get_ref() else {
        toml.wrong_type("check", table, "a table");
        return draft;
    };
    let mut subjects = Vec::new();
    let mut has_id = false;
    let mut has_unknown = false;
    for entry in entries(keys) {
        match entry.key {
            "id" => {
                has_id = true;
                draft.span = toml.file_span(entry.value.span());
                draft.id = check_id(toml, entry, named);
            }
            "at" => draft.at = Some(entry),
            "needs" => draft.needs = toml.strings(entry, true),
            "covers" => draft.covers = covers(toml, entry),
            "says" => draft.says = toml.prose(entry),
            "otherwise" => draft.otherwise = toml.prose(entry),
            key if subject_keys().contains(&key) => subjects.push(entry),
            _ => {
                has_unknown = true;
                unknown_key(toml, entry);
            }
        }
    }
    if !has_id {
        let help = Some("add an `id`".to_owned());
        toml.missing(draft.span.clone(), "the check has no `id`", help);
    }
    if subjects.is_empty() && !has_unknown {
        let help = Some(format!("add one of {}", one_of(&subject_keys())));
        toml.missing(draft.span.clone(), "the check has no subject", help);
    }
    draft.subject = one_subject(toml, &subjects);
    draft
}

fn covers(toml: &mut Toml<'_>, entry: Entry<'_>) -> Vec<(String, Span)> {
    each_string(toml, entry, true, |toml, id, span| Some((id.to_owned(), toml.file_span(span))))
        .unwrap_or_default()
}

fn check_id(
    toml: &mut Toml<'_>,
    entry: Entry<'_>,
    named: &mut Vec<(String, Span)>,
) -> Option<String> {
    let id = id(toml, entry)?;
    let span = entry.value.span();
    if [ENDS_WELL, EVIDENCE_IS_VALID].contains(&id.as_str()) {
        let help = Some("every exercise has this check: choose another id".to_owned());
        toml.error(span, format!("`{id}` cannot be the id of a check"), help);
        return None;
    }
    if named.iter().any(|(earlier, _)| *earlier == id) {
        toml.error(span, format!("a second check with the id `{id}`"), None);
        return None;
    }
    named.push((id.clone(), toml.file_span(span)));
    Some(id)
}

fn subject_keys() -> Vec<&'static str> {
    checks::kinds().map(|kind| kind.key).collect()
}

fn unknown_key(toml: &mut Toml<'_>, entry: Entry<'_>) {
    let subjects = subject_keys();
    match nearest(entry.key, subjects.iter().copied().chain(KEYS)) {
        Some(name) if subjects.contains(&name) => {
            let help = Some(format!("did you mean `{name}`?"));
            toml.error(entry.key_span(), format!("unknown check subject `{}`", entry.key), help);
        }
        _ => toml.unknown_key(entry, "a check", &[&KEYS[..], &subjects].concat()),
    }
}

fn one_subject(
    toml: &mut Toml<'_>,
    entries: &[Entry<'_>],
) -> Option<(&'static Kind, Arc<dyn Subject>)> {
    let mut subject = None;
    for (index, entry) in entries.iter().enumerate() {
        if let Some(first) = entries.first().filter(|_| index > 0) {
            let help = Some("write a `[[check]]` for each".to_owned());
            let message =
                format!("a check has one subject, not `{}` and `{}`", first.key, entry.key);
            toml.error(entry.key_span(), message, help);
        }
        subject = subject.or(checks::read(toml, *entry));
    }
    subject
}

fn finish(
    toml: &mut Toml<'_>,
    draft: Draft<'_>,
    crash: Crash,
    meanwhile: &[Meanwhile],
) -> Option<Check> {
    let subject = draft.subject.as_ref().map(|(_, subject)| subject.as_ref());
    let at = match (draft.at, subject) {
        (Some(entry), subject) => moments::read(toml, entry, subject, crash, meanwhile),
        (None, Some(subject)) => Some(moments::default(subject, crash)),
        (None, None) => None,
    };
    let (kind, subject) = draft.subject?;
    Some(Check {
        id: draft.id?,
        span: draft.span,
        kind: kind.key,
        subject,
        at: at?,
        needs: draft.needs.into_iter().map(|(id, _)| id.to_owned()).collect(),
        says: draft.says,
        otherwise: draft.otherwise,
    })
}
