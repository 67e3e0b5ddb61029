//! The `[[check]]` tables.

use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::super::check::{ENDS_WELL, EVIDENCE_IS_VALID, FROM_AOF};
use super::super::meanwhile::{IT_CAME_TO_THAT, SENT_TO_MOVE_TIME};
use super::super::problem::{nearest, one_of};
use super::super::toml_table::{Entry, Toml, split_fields};
use super::super::words::names_in;
use super::super::{Check, Crash, Exercise, Moment, Span, World};
use super::needs::{self, Needs};
use super::{Head, duration, kebab_id};
use crate::checks::values::each_string;
use crate::checks::{self, Kind, Question, Scope, Subject};
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
    refuse_needs_of_another_world(toml, &head.exercise.checks);
    refuse_counted_watchers(toml, &head.exercise);
    if head.exercise.crash == Crash::AtExit {
        refuse_what_a_kill_hides(toml, &head.exercise);
    }
    refuse_later_beside_files(toml, &head.exercise);
    refuse_what_a_restart_resets(toml, &head.exercise);
    if head.exercise.stop {
        refuse_what_a_stop_hides(toml, &head.exercise);
    }
    refuse_two_ends(toml, &head.exercise);
}

/// A server that was stopped counts from its last start, and nobody can watch it meanwhile.
fn refuse_what_a_stop_hides(toml: &mut Toml<'_>, exercise: &Exercise) {
    if let Some(meanwhile) = exercise.meanwhile.first() {
        let message = "with `stop = true` nothing can happen beside the answer";
        let help = "write two exercises: one that stops the server, one with a `[[meanwhile]]`";
        toml.missing(meanwhile.span.clone(), message, Some(help.to_owned()));
    }
    for check in &exercise.checks {
        let message = if check.subject.compares_with_before() {
            "with `stop = true` the server's counters and LASTSAVE begin anew at each start"
        } else if check.subject.wait_limit().is_some() {
            "with `stop = true` waits can't be measured: nobody answers while the server is stopped"
        } else if matches!(check.at, Moment::Meanwhile(_) | Moment::Always) {
            "with `stop = true` the server can't be watched while the answer runs"
        } else {
            continue;
        };
        let help = "check what the server holds: a `reply`, a `dump`";
        toml.missing(check.span.clone(), message, Some(help.to_owned()));
    }
}

/// What a crash takes after a server ended in order would say nothing about the answer.
fn refuse_two_ends(toml: &mut Toml<'_>, exercise: &Exercise) {
    let restarted = exercise.checks.iter().find(|check| check.at == Moment::Restart);
    if let Some(check) = restarted.filter(|_| exercise.needs_crash()) {
        let message = "an exercise has a `crash` or a `restart`, not both";
        let help = "write two exercises: a server that ends in order may save before the crash";
        toml.missing(check.span.clone(), message, Some(help.to_owned()));
    }
}

/// What is met in one world says nothing about another.
fn refuse_needs_of_another_world(toml: &mut Toml<'_>, checks: &[Check]) {
    for check in checks {
        let Some(world) = &check.world else { continue };
        for needed in checks.iter().filter(|other| check.needs.contains(&other.id)) {
            if !needed.is_asked_in(world) {
                let message = format!("it needs `{}`, which is asked in another world", needed.id);
                toml.missing(check.span.clone(), message, Some("remove this need".to_owned()));
            }
        }
    }
}

/// INFO commandstats cannot distinguish the answer's commands from those that the runner's own
/// clients send at the same time.
fn refuse_counted_watchers(toml: &mut Toml<'_>, exercise: &Exercise) {
    let asked = asked_meanwhile(exercise);
    for check in &exercise.checks {
        for name in check.subject.counted_commands() {
            let command = name.split('|').next().unwrap_or_default();
            let asker = if command == "ping" && exercise.watches_clients() {
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

/// The commands, in lower case, that the runner and other clients send while the answer runs.
fn asked_meanwhile(exercise: &Exercise) -> Vec<String> {
    if !exercise.watches_meanwhile() {
        return Vec::new();
    }
    let mut lines: Vec<String> = checks::ALWAYS_ASKED.map(str::to_owned).into();
    for question in exercise.questions_meanwhile() {
        lines.push(match question {
            Question::Command(line) => line,
            Question::Config(_) => "config".to_owned(),
            Question::CommandIn(..) | Question::Log => continue,
        });
    }
    for meanwhile in &exercise.meanwhile {
        lines.extend(meanwhile.steps.run.iter().cloned());
        if meanwhile.steps.later.is_some() {
            lines.extend(SENT_TO_MOVE_TIME.map(str::to_owned));
        }
    }
    let names = lines.iter().filter_map(|line| line.split_whitespace().next());
    names.map(str::to_lowercase).collect()
}

/// A server that was started again meanwhile has counted only what came after.
fn refuse_what_a_restart_resets(toml: &mut Toml<'_>, exercise: &Exercise) {
    if !exercise.kills_the_server_meanwhile() {
        return;
    }
    for check in &exercise.checks {
        let subject = &check.subject;
        let counts = subject.compares_with_before()
            || !subject.counted_commands().is_empty()
            || subject.wait_limit().is_some();
        if counts {
            let message = "the server is killed meanwhile, which resets what this counts";
            let help = Some("check a `reply`, or leave out `kill = \"server\"`".to_owned());
            toml.missing(check.span.clone(), message, help);
        }
    }
    for meanwhile in exercise.meanwhile.iter().filter(|meanwhile| meanwhile.when.is_a_mark()) {
        let message = "marks can't be waited for where the server is killed meanwhile";
        let help = Some("wait for a condition, or leave out `kill = \"server\"`".to_owned());
        toml.missing(meanwhile.span.clone(), message, help);
    }
}

/// Where time was moved on, nobody can tell any more what a file held before.
fn refuse_later_beside_files(toml: &mut Toml<'_>, exercise: &Exercise) {
    if !exercise.needs_crash() && !exercise.needs_the_dump() {
        return;
    }
    for check in exercise.checks.iter().filter(|check| matches!(check.at, Moment::Later(_))) {
        let message = "time can't be moved on where the server is killed or its file is loaded";
        let help = Some("move this check to an exercise of its own".to_owned());
        toml.missing(check.span.clone(), message, help);
    }
}

/// A command whose client gave up may still run when the server is killed, so its duration stays
/// unknown; and the kill ends work in the background unobserved.
fn refuse_what_a_kill_hides(toml: &mut Toml<'_>, exercise: &Exercise) {
    for check in &exercise.checks {
        let message = if check.subject.wait_limit().is_some() {
            "waits can't be measured to the end: the server is killed at exit"
        } else if let Moment::Meanwhile(index) = check.at
            && exercise.meanwhile[index].when.is_a_mark()
        {
            "the server may be killed before that happens"
        } else {
            continue;
        };
        toml.missing(check.span.clone(), message, Some("remove `crash = \"exit\"`".to_owned()));
    }
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

/// The name of a world, as written in `in`.
fn one_world(toml: &mut Toml<'_>, entry: Entry<'_>, worlds: &[World]) -> Option<String> {
    let names: Vec<(&str, &str)> =
        worlds.iter().map(|world| (world.name.as_str(), world.name.as_str())).collect();
    if names.is_empty() {
        let help = Some("describe the worlds: `[[world]]` with a `name`".to_owned());
        toml.error(entry.key_span(), "the exercise has no worlds", help);
        return None;
    }
    toml.choice(entry, "world", &names).map(str::to_owned)
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
        let help = Some("every exercise has this check: choose another id".to_owned());
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
