//! Checks of how the answer ended and of what its program printed.

use std::borrow::Cow;

use super::{Finding, Outcome, Seen};
use crate::attempt::evidence::{Evidence, ProgramEnd, Run, Stopped, Typed};
use crate::lesson::check::ENDS_WELL;
use crate::lesson::{Exercise, StdoutMatch, Subject};

/// An answer that ran out of time never passes; a program that failed passes only if the exercise
/// itself checks the exit status.
pub(super) fn ended_badly(exercise: &Exercise, evidence: &Evidence) -> Option<Finding> {
    let limit = exercise.time_limit.as_secs_f64();
    let looks_at_exit =
        exercise.checks.iter().any(|check| matches!(check.subject, Subject::Exit(_)));
    let found = match &evidence.run {
        run if run.timed_out() => format!("it was still running after {limit} s and was stopped"),
        Run::Typed(Typed { stopped: Some(Stopped::Endless(name)), .. }) => {
            format!("`{name}` never ends: that line and those after it were not run")
        }
        Run::Program(program) if !looks_at_exit => match program.end {
            ProgramEnd::Exited(0) | ProgramEnd::TimedOut => return None,
            ProgramEnd::Exited(status) => {
                let last = program.stderr.text.lines().rev().find(|line| !line.trim().is_empty());
                let why = last.map(|line| format!(": {}", line.trim())).unwrap_or_default();
                format!("it ended with exit status {status}{why}")
            }
            ProgramEnd::Signalled(signal) => format!("it was ended by signal {signal}"),
        },
        Run::Program(_) | Run::Typed(_) => return None,
    };
    Some(Finding {
        check: ENDS_WELL.to_owned(),
        outcome: Outcome::Unmet,
        says: "the answer ends by itself and without an error".to_owned(),
        expected: format!("an end without an error, within {limit} s"),
        found,
        otherwise: None,
    })
}

pub(super) fn look_at_stdout(expected: &StdoutMatch, run: &Run) -> Seen {
    let Run::Program(program) = run else {
        return Seen { met: true, expected: String::new(), found: String::new() };
    };
    let printed = &program.stdout.text;
    let met = match expected {
        StdoutMatch::Lines(text) => has_lines(printed, text),
        StdoutMatch::Regex(regex) => regex.is_match(printed),
    };
    let found = match printed.trim() {
        "" => "it printed nothing".to_owned(),
        text if met => format!("it printed {}", quoted(text)),
        text => format!("it printed {}{}", quoted(text), omitted(program.stdout.omitted)),
    };
    Seen { met, expected: format!("it prints {expected}"), found }
}

/// Whether `printed` contains the lines of `text` one after another. White space around a line,
/// colours, and what a progress display left in front of the first line (dots, a carriage return)
/// do not matter.
fn has_lines(printed: &str, text: &str) -> bool {
    let mut wanted = text.trim().lines().map(plain_line);
    let Some(first) = wanted.next() else { return true };
    let rest: Vec<_> = wanted.collect();
    let mut lines = printed.trim().lines();
    while let Some(line) = lines.next() {
        let line = plain_line(line);
        let progress = line.strip_suffix(first.as_ref());
        if progress.is_some_and(|before| !before.contains(char::is_alphanumeric))
            && lines.clone().map(plain_line).take(rest.len()).eq(rest.iter().cloned())
        {
            return true;
        }
    }
    false
}

/// A line as a terminal shows it: without colours, and only what follows the last carriage return.
fn plain_line(line: &str) -> Cow<'_, str> {
    // There may be millions of lines, so most are not copied.
    if !line.contains(['\u{1b}', '\r']) {
        return Cow::Borrowed(line.trim());
    }
    let mut plain = String::new();
    let mut rest = line.trim();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        rest = rest.get(1..).unwrap_or_default();
    }
    plain.push_str(rest);
    Cow::Owned(plain.rsplit('\r').next().unwrap_or_default().trim().to_owned())
}

/// The last three lines at most, and at most 160 characters.
pub(super) fn quoted(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().rev().take(4).collect();
    let is_longer = lines.len() > 3;
    lines.truncate(3);
    lines.reverse();
    let shown = lines.join(" ⏎ ");
    let start = shown.char_indices().rev().nth(159).map_or(0, |(index, _)| index);
    let cut = if start > 0 || is_longer { "…" } else { "" };
    format!("{cut}`{}`", &shown[start..])
}

fn omitted(bytes: u64) -> String {
    if bytes == 0 { String::new() } else { format!(" ({bytes} bytes in the middle were not kept)") }
}

pub(super) fn look_at_exit(status: i32, run: &Run) -> Seen {
    let end = match run {
        Run::Program(program) => program.end,
        Run::Typed(_) => ProgramEnd::Exited(status),
    };
    let found = match end {
        ProgramEnd::Exited(status) => format!("exit status {status}"),
        ProgramEnd::Signalled(signal) => format!("ended by signal {signal}"),
        ProgramEnd::TimedOut => "timed out".to_owned(),
    };
    Seen {
        met: end == ProgramEnd::Exited(status),
        expected: format!("exit status {status}"),
        found,
    }
}
