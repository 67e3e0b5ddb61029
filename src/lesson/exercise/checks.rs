//! The `[[check]]` tables.

use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::super::check::{ENDS_WELL, EVIDENCE_IS_VALID, FROM_AOF};
use super::super::meanwhile::IT_CAME_TO_THAT;
use super::super::problem::{nearest, one_of};
use super::super::toml_table::{Entry, Toml, split_fields};
use super::super::words::names_in;
use super::super::{Check, Crash, Exercise, Moment, Span};
use super::conflicts;
use super::needs::{self, Needs};
use super::tables::one_world;
use super::{Head, duration, kebab_id};
use crate::checks::values::each_string;
use crate::checks::{self, Kind, Scope, Subject};
use crate::runner_line;

const KEYS: [&str; 11] =
    ["id", "at", "in", "needs", "says", "otherwise", "covers", "secret", "shows", "db", "from"];
/// How many databases a server has that is not told otherwise.
const DATABASES: u32 = 16;

/// Reads the tables into the head, whose other keys are read: the moment of a check depends on
/// `crash` and `meanwhile`.
pub(super) fn read(toml: &mut Toml<'_>, entry: Entry<'_>, head: &mut Head) {
    let mut all_needs = Vec::new();
    for (table, place) in toml.tables(entry) {
        let check = check(toml, table, place, head, &mut all_needs);
        head.exercise.checks.extend(check);
    }
    needs::check(toml, &all_needs);
    conflicts::refuse(toml, &head.exercise);
}

/// `None` if it has a problem; its id, needs and covers are noted all the same.
fn check<'t>(
    toml: &mut Toml<'_>,
    table: &'t DeTable<'t>,
    place: Span,
    head: &mut Head,
    all_needs: &mut Vec<Needs<'t>>,
) -> Option<Check> {
    let ([id, at, world, needs, says, otherwise, covers, secret, shows, db, from], others) =
        split_fields(table, KEYS);
    let span = id.map_or(place, |entry| toml.file_span(entry.value.span()));
    toml.require(id, &span, "the check has no `id`", "add an `id`");
    let id = id.and_then(|entry| check_id(toml, entry, &head.named_checks));
    head.is_complete &= id.is_some();
    head.named_checks.extend(id.clone().map(|id| (id, span.clone())));
    let ids = needs.map(|entry| toml.strings(entry, true)).unwrap_or_default();
    let needs = ids.iter().map(|(id, _)| (*id).to_owned()).collect();
    all_needs.push(Needs { id: id.clone().unwrap_or_default(), ids });
    head.covers.extend(covers.map(|entry| covered(toml, entry)).unwrap_or_default());
    let says = says.and_then(|entry| toml.prose(entry));
    let otherwise = otherwise.and_then(|entry| toml.prose(entry));
    let is_secret = secret.and_then(|entry| toml.boolean(entry)).unwrap_or_default();
    let only_shows = shows.and_then(|entry| toml.boolean(entry)).unwrap_or_default();
    let mut subject = one_subject(toml, &span, &others);
    if let (Some(entry), Some((kind, unplaced))) = (db, &subject) {
        let placed = in_database(toml, entry, kind, unplaced.as_ref());
        subject = placed.map(|placed| (*kind, placed));
    }
    let at = match (at, subject.as_ref().map(|(_, subject)| subject.as_ref())) {
        (Some(entry), subject) => moment(toml, entry, subject, &head.exercise),
        (None, subject) => subject.map(|subject| default_moment(subject, head.exercise.crash)),
    };
    let world = world.and_then(|entry| one_world(toml, entry, &head.exercise.worlds));
    let from = from.and_then(|entry| Some((entry, file(toml, entry)?)));
    let at = match (at, from.as_ref()) {
        (Some(Moment::Restore), Some((_, from))) => Some(load(&mut head.exercise, from)),
        (Some(_), Some((entry, _))) => {
            let help = Some("add `at = \"restore\"`, or check a `dump`".to_owned());
            toml.error(entry.key_span(), "a file is loaded at `restore` only", help);
            None
        }
        (at, _) => at,
    };
    let (kind, subject) = subject?;
    Some(Check {
        id: id?,
        span,
        kind: kind.key,
        subject,
        at: at?,
        world,
        from: from.map(|(_, from)| from),
        needs,
        says,
        otherwise,
        is_secret,
        only_shows,
    })
}

/// The value of `from`.
fn file(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<String> {
    let name = toml.string(entry)?;
    if name == FROM_AOF {
        return Some(name.to_owned());
    }
    match runner_line::file_name(name) {
        Ok(name) => Some(name),
        Err(message) => {
            let help = "name a file, or \"@aof\" for the append-only file";
            toml.error(entry.value.span(), message, Some(help.to_owned()));
            None
        }
    }
}

/// The moment at which this file is loaded.
fn load(exercise: &mut Exercise, from: &str) -> Moment {
    let index = exercise.loads.iter().position(|load| load == from).unwrap_or_else(|| {
        exercise.loads.push(from.to_owned());
        exercise.loads.len() - 1
    });
    Moment::RestoredFrom(index)
}

fn covered(toml: &mut Toml<'_>, entry: Entry<'_>) -> Vec<(String, Span)> {
    each_string(toml, entry, true, |toml, id, span| Some((id.to_owned(), toml.file_span(span))))
        .unwrap_or_default()
}

fn check_id(toml: &mut Toml<'_>, entry: Entry<'_>, named: &[(String, Span)]) -> Option<String> {
    let id = kebab_id(toml, entry)?;
    let span = entry.value.span();
    if [ENDS_WELL, EVIDENCE_IS_VALID, IT_CAME_TO_THAT].contains(&id.as_str()) {
        let help = Some("this id belongs to a built-in check: choose another id".to_owned());
        toml.error(span, format!("`{id}` cannot be the id of a check"), help);
        return None;
    }
    if named.iter().any(|(earlier, _)| *earlier == id) {
        toml.error(span, format!("a second check with the id `{id}`"), None);
        return None;
    }
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

/// Reads the only subject among the entries, which have no other known key.
fn one_subject(
    toml: &mut Toml<'_>,
    place: &Span,
    others: &[Entry<'_>],
) -> Option<(&'static Kind, Arc<dyn Subject>)> {
    if others.is_empty() {
        let help = Some(format!("add one of {}", one_of(&subject_keys())));
        toml.missing(place.clone(), "the check has no subject", help);
    }
    let mut first: Option<&Entry<'_>> = None;
    let mut subject = None;
    for entry in others {
        if !subject_keys().contains(&entry.key) {
            unknown_key(toml, *entry);
            continue;
        }
        if let Some(Entry { key, .. }) = first {
            let help = Some("write a `[[check]]` for each".to_owned());
            let message = format!("a check has one subject, not `{key}` and `{}`", entry.key);
            toml.error(entry.key_span(), message, help);
        }
        first = first.or(Some(entry));
        let read = checks::read(toml, *entry);
        if let Some((_, subject)) = &read {
            refuse_misplaced_words(toml, *entry, subject.as_ref());
        }
        subject = subject.or(read);
    }
    subject
}

/// The subject in the database that the key `db` names.
fn in_database(
    toml: &mut Toml<'_>,
    entry: Entry<'_>,
    kind: &Kind,
    subject: &dyn Subject,
) -> Option<Arc<dyn Subject>> {
    let number = toml.integer(entry, "the number of a database")?;
    let Some(database) = u32::try_from(number).ok().filter(|number| *number < DATABASES) else {
        let help = Some(format!("use a number from 0 to {}", DATABASES - 1));
        toml.error(entry.value.span(), format!("there is no database {number}"), help);
        return None;
    };
    let placed = subject.in_database(database);
    if placed.is_none() {
        let help = Some("use it with `reply` or with `dump = { keys = … }`".to_owned());
        toml.error(entry.key_span(), format!("`{}` is about no single database", kind.key), help);
    }
    placed
}

/// Most kinds of checks leave `{word:NAME}` as it is written.
fn refuse_misplaced_words(toml: &mut Toml<'_>, entry: Entry<'_>, subject: &dyn Subject) {
    let written = names_in(toml.source(entry.value.span())).len();
    let known: usize = subject.texts().into_iter().map(|text| names_in(text).len()).sum();
    if written != known {
        let help = "use it in what a `reply`, `config`, `stdout`, `replied` or `received` expects";
        let message = "a random word cannot stand here";
        toml.error(entry.value.span(), message, Some(help.to_owned()));
    }
}

fn default_moment(subject: &dyn Subject, crash: Crash) -> Moment {
    match subject.scope() {
        Scope::Only(moment) => moment,
        Scope::Program | Scope::Run => Moment::Exit,
        Scope::Server if crash == Crash::AtExit => Moment::Exit,
        Scope::Server => Moment::Settled,
    }
}

/// Reads the value of `at` and reports one that does not fit the subject.
fn moment(
    toml: &mut Toml<'_>,
    entry: Entry<'_>,
    subject: Option<&dyn Subject>,
    exercise: &Exercise,
) -> Option<Moment> {
    let moment = if let Some(time) = time_before_later(entry) {
        later(toml, entry, time)?
    } else {
        let mut choices = Moment::NAMED.to_vec();
        for (index, meanwhile) in exercise.meanwhile.iter().enumerate() {
            choices.extend(meanwhile.id.as_deref().map(|id| (id, Moment::Meanwhile(index))));
        }
        toml.choice(entry, "moment", &choices)?
    };
    let span = entry.value.span();
    if let Some((message, help)) = subject.and_then(|subject| subject.misfit(moment)) {
        toml.error(span, message, Some(help.to_owned()));
    } else if moment == Moment::Settled && exercise.crash == Crash::AtExit {
        let help = Some("use `at = \"exit\"` or remove `crash = \"exit\"`".to_owned());
        toml.error(span, "with `crash = \"exit\"` nothing ever settles", help);
    }
    Some(moment)
}

/// `31m` of `31m later`.
fn time_before_later(entry: Entry<'_>) -> Option<&str> {
    let DeValue::String(text) = entry.value.get_ref() else { return None };
    text.trim().strip_suffix("later").map(str::trim)
}

fn later(toml: &mut Toml<'_>, entry: Entry<'_>, time: &str) -> Option<Moment> {
    let moment = duration(time).filter(|time| !time.is_zero()).map(Moment::Later);
    if moment.is_none() {
        let help = Some("write \"31m later\", \"90s later\" or \"2h later\"".to_owned());
        toml.error(entry.value.span(), format!("`{time}` is not a time"), help);
    }
    moment
}
