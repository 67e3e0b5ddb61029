//! What does not fit together in one exercise.

use super::super::meanwhile::SENT_TO_MOVE_TIME;
use super::super::toml_table::Toml;
use super::super::{Check, Crash, Exercise, Moment};
use crate::checks::{self, Question};

/// Reports it at the check that asks for too much.
pub(super) fn refuse(toml: &mut Toml<'_>, exercise: &Exercise) {
    refuse_needs_of_another_world(toml, &exercise.checks);
    refuse_moments_of_another_world(toml, exercise);
    refuse_counted_watchers(toml, exercise);
    if exercise.crash == Crash::AtExit {
        refuse_what_a_kill_hides(toml, exercise);
    }
    refuse_later_beside_files(toml, exercise);
    refuse_what_a_restart_resets(toml, exercise);
    if exercise.stop {
        refuse_what_a_stop_hides(toml, exercise);
    }
    refuse_two_ends(toml, exercise);
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

/// In another world the moment never comes.
fn refuse_moments_of_another_world(toml: &mut Toml<'_>, exercise: &Exercise) {
    for check in &exercise.checks {
        let Moment::Meanwhile(index) = check.at else { continue };
        let world = exercise.meanwhile.get(index).and_then(|meanwhile| meanwhile.world.as_ref());
        if let Some(world) = world.filter(|world| check.world.as_ref() != Some(*world)) {
            let message = format!("it looks at a moment that comes only in the world `{world}`");
            let help = format!("add `in = \"{world}\"`");
            toml.missing(check.span.clone(), message, Some(help));
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
                if exercise.meanwhile.is_empty() { "at = \"always\"" } else { "[[meanwhile]]" }
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
    let starts_again = exercise.needs_crash() || exercise.needs_restart();
    if !starts_again && !exercise.needs_the_dump() && exercise.loads.is_empty() {
        return;
    }
    for check in exercise.checks.iter().filter(|check| matches!(check.at, Moment::Later(_))) {
        let message = "time can't be moved on where the server starts again or a file is loaded";
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
