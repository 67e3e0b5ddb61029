//! What the evidence says of an answer. Pure: no I/O, and nothing can fail.

pub mod changes;
pub mod diagnosis;

use crate::attempt::evidence::{
    Evidence, Observation, ProgramEnd, Run, Stopped, Typed, forks_for_saves, is_saving,
};
use crate::lesson::check::{ENDS_WELL, EVIDENCE_IS_VALID};
use crate::lesson::{
    Check, Comparison, Crash, Exercise, Expected, Lastsave, Moment, StdoutMatch, Subject,
};
use crate::server::BgsaveEnd;

pub use self::diagnosis::{Diagnosed, Pointer};

/// Every check's finding, in the lesson's order.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Those about the answer as a whole come first, and only if they are unmet.
    pub findings: Vec<Finding>,
    /// Why it falls short, where the evidence tells.
    pub diagnosis: Option<Diagnosed>,
}

impl Verdict {
    /// Whether nothing is missing.
    pub fn passed(&self) -> bool {
        self.findings.iter().all(|finding| finding.outcome == Outcome::Met)
    }

    /// The ids of unmet checks.
    pub fn unmet(&self) -> Vec<&str> {
        let unmet = self.findings.iter().filter(|finding| finding.outcome == Outcome::Unmet);
        unmet.map(|finding| finding.check.as_str()).collect()
    }
}

/// What became of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The check's id.
    pub check: String,
    /// Met or not.
    pub outcome: Outcome,
    /// The sentence for the student.
    pub says: String,
    /// In words; where it was not reached, the sentence for the student.
    pub expected: String,
    /// In words; empty where it was not reached.
    pub found: String,
    /// The author's advice for an unmet check.
    pub otherwise: Option<String>,
}

/// Whether a check is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is.
    Met,
    /// It is not.
    Unmet,
    /// What it needs is unmet, so it says nothing.
    NotReached,
}

/// Judges `evidence` by the exercise's checks.
pub fn judge(exercise: &Exercise, evidence: &Evidence) -> Verdict {
    let mut findings: Vec<Finding> =
        invalid(evidence).into_iter().chain(ended_badly(exercise, evidence)).collect();
    let asked: Vec<&Check> =
        exercise.checks.iter().filter(|check| is_asked(check, exercise, evidence)).collect();
    let seen: Vec<Option<Seen>> =
        asked.iter().map(|check| evidence.doubt.is_none().then(|| look(check, evidence))).collect();
    let met = |id: &str| {
        // A check that is not asked stands in nobody's way.
        let position = asked.iter().position(|check| check.id == id);
        position.is_none_or(|index| is_met_with_needs(&asked, &seen, index))
    };
    for (check, seen) in asked.iter().zip(&seen) {
        let reached = check.needs.iter().all(|id| met(id));
        findings.push(finding(check, seen.as_ref().filter(|_| reached)));
    }
    let diagnosis = diagnosis::diagnose(exercise, evidence, &findings);
    Verdict { findings, diagnosis }
}

/// Typed commands have no process to look at. And where the server was too busy to be looked at before it
/// was killed, what a check after the crash builds on needs no look of its own: the crash proves more.
fn is_asked(check: &Check, exercise: &Exercise, evidence: &Evidence) -> bool {
    if check.subject.is_about_the_program() {
        return matches!(evidence.run, Run::Program(_));
    }
    let unseen = check.at == Moment::Exit && evidence.exit.is_none() && evidence.crash.is_some();
    let of_crash = |it: &Check| it.at == Moment::Crash && is_needed(&check.id, it, exercise);
    !(unseen && exercise.crash == Crash::AtExit && exercise.checks.iter().any(of_crash))
}

/// Whether `by` needs the check `id`, itself or through others.
fn is_needed(id: &str, by: &Check, exercise: &Exercise) -> bool {
    by.needs.iter().any(|need| {
        need == id || exercise.checks.iter().any(|it| it.id == *need && is_needed(id, it, exercise))
    })
}

/// Met itself, and so is all that it needs; the lesson has no circles of needs.
fn is_met_with_needs(asked: &[&Check], seen: &[Option<Seen>], index: usize) -> bool {
    let itself = seen[index].as_ref().is_some_and(|seen| seen.met);
    itself
        && asked[index].needs.iter().all(|id| {
            let position = asked.iter().position(|check| &check.id == id);
            position.is_none_or(|index| is_met_with_needs(asked, seen, index))
        })
}

fn finding(check: &Check, seen: Option<&Seen>) -> Finding {
    let (outcome, expected, found) = match seen {
        Some(Seen { met: true, expected, found }) => {
            (Outcome::Met, expected.clone(), found.clone())
        }
        Some(Seen { met: false, expected, found }) => {
            (Outcome::Unmet, expected.clone(), found.clone())
        }
        None => (Outcome::NotReached, check.sentence(), String::new()),
    };
    let otherwise = check.otherwise.clone().filter(|_| outcome == Outcome::Unmet);
    Finding { check: check.id.clone(), outcome, says: check.sentence(), expected, found, otherwise }
}

fn invalid(evidence: &Evidence) -> Option<Finding> {
    let doubt = evidence.doubt.as_ref()?;
    Some(Finding {
        check: EVIDENCE_IS_VALID.to_owned(),
        outcome: Outcome::Unmet,
        says: "the server can be believed".to_owned(),
        expected: "the same server, counting on, from the answer's start to its end".to_owned(),
        found: doubt.clone(),
        otherwise: Some(
            "leave the server running and its counters alone: they are the evidence".to_owned(),
        ),
    })
}

/// An answer that ran out of time never passes; a program that failed passes only where the exercise
/// itself looks at the exit status.
fn ended_badly(exercise: &Exercise, evidence: &Evidence) -> Option<Finding> {
    let limit = exercise.time_limit.as_secs_f64();
    let looks_at_exit =
        exercise.checks.iter().any(|check| matches!(check.subject, Subject::Exit(_)));
    let found = match &evidence.run {
        run if run.timed_out() => format!("it was still running after {limit} s and was ended"),
        Run::Typed(Typed { stopped: Some(Stopped::Endless(name)), .. }) => {
            format!("`{name}` never ends: the lines from there on were not run")
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

/// One check's look at the evidence, its needs aside.
struct Seen {
    met: bool,
    expected: String,
    found: String,
}

fn look(check: &Check, evidence: &Evidence) -> Seen {
    match &check.subject {
        Subject::Stdout(text) => look_at_stdout(text, &evidence.run),
        Subject::Exit(status) => look_at_exit(*status, &evidence.run),
        subject => match observation(check.at, evidence) {
            Some(observation) => look_at_server(subject, observation, evidence),
            None => Seen {
                met: false,
                expected: check.sentence(),
                found: "the server was too busy to be looked at when the answer ended".to_owned(),
            },
        },
    }
}

fn observation(at: Moment, evidence: &Evidence) -> Option<&Observation> {
    match at {
        Moment::Exit => evidence.exit.as_ref(),
        Moment::Settled => evidence.settled.as_ref(),
        Moment::Crash => evidence.crash.as_ref(),
        Moment::Restore => None,
    }
}

fn look_at_server(subject: &Subject, now: &Observation, evidence: &Evidence) -> Seen {
    let before = &evidence.before;
    match subject {
        Subject::Lastsave(expected) => {
            look_at_lastsave(*expected, before.lastsave, now.snapshot.lastsave)
        }
        Subject::Calls(calls) => all(calls, |(name, count)| {
            let made = now.snapshot.successful_calls(name) - before.successful_calls(name);
            look_at_calls(name, *count, made)
        }),
        Subject::Info(fields) => {
            all(fields, |(field, expected)| look_at_info(field, expected, now, evidence))
        }
        Subject::Reply(replies) => all(replies, |(command, expected)| {
            let reply = now.replies.get(command);
            let found = reply.map_or("no reply", |reply| reply.terminal.as_str());
            let met = reply.is_some_and(|reply| reply.is(expected));
            Seen {
                met,
                expected: format!("{command} → {expected}"),
                found: format!("{command} → {found}"),
            }
        }),
        Subject::Config(settings) => all(settings, |(name, expected)| {
            let found = now.config.get(name).map_or("unknown here", String::as_str);
            Seen {
                met: found == expected,
                expected: format!("{name} {expected}"),
                found: format!("{name} {found}"),
            }
        }),
        Subject::Stdout(_)
        | Subject::Exit(_)
        | Subject::Blocked(_)
        | Subject::Sent(_)
        | Subject::Dump(_) => Seen { met: false, expected: String::new(), found: String::new() },
    }
}

/// All parts of one check: met if each is; what was found is told of the unmet parts alone.
fn all<T>(parts: &[T], look: impl Fn(&T) -> Seen) -> Seen {
    let seen: Vec<Seen> = parts.iter().map(look).collect();
    let met = seen.iter().all(|part| part.met);
    let told = || seen.iter().filter(|part| met || !part.met);
    let join = |text: fn(&Seen) -> &str| told().map(text).collect::<Vec<_>>().join(", ");
    Seen { met, expected: join(|part| &part.expected), found: join(|part| &part.found) }
}

/// Compared for being another value, not a greater one: a clock may be set back (Redis facts 1).
fn look_at_lastsave(expected: Lastsave, before: i64, now: i64) -> Seen {
    let (met, text) = match expected {
        Lastsave::Advanced => (now != before, "another LASTSAVE than before"),
        Lastsave::Unchanged => (now == before, "the same LASTSAVE as before"),
    };
    let found = match now - before {
        0 => format!("LASTSAVE is still {before}: no snapshot was finished"),
        difference => format!("LASTSAVE {before} → {now} ({difference:+} s)"),
    };
    Seen { met, expected: text.to_owned(), found }
}

fn look_at_calls(name: &str, count: Comparison, made: i64) -> Seen {
    let name = name.to_uppercase();
    Seen {
        met: count.holds(float(made)),
        expected: format!("{name} called with success: {count}"),
        found: format!("{name} called with success: {made}"),
    }
}

fn look_at_info(field: &str, expected: &Expected, now: &Observation, evidence: &Evidence) -> Seen {
    let before = &evidence.before;
    let value = now.snapshot.field(field).unwrap_or_default();
    let number = value.parse::<f64>().ok();
    let met = match expected {
        Expected::Text(text) => value == text,
        Expected::Number(comparison) => number.is_some_and(|number| comparison.holds(number)),
        Expected::MoreBy(difference) => {
            let was = before.field(field).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
            Comparison::is(*difference).holds(number.unwrap_or(0.0) - was)
        }
    };
    let shown = if value.is_empty() { "missing" } else { value };
    let mut seen =
        Seen { met, expected: format!("{field} {expected}"), found: format!("{field} {shown}") };
    if let Expected::MoreBy(_) = expected {
        let was = before.field(field).unwrap_or("missing");
        seen.found = format!("{field} {was} → {shown}");
    }
    if seen.met
        && let Some(truth) = what_info_forgets(field, value, now, evidence)
    {
        seen = Seen { met: false, found: truth, ..seen };
    }
    seen
}

/// INFO's two blind spots (Redis facts 2.2 and 3): a background save that was ended by a signal leaves
/// the status as it was, and one that is only scheduled is not in progress yet.
fn what_info_forgets(
    field: &str,
    value: &str,
    now: &Observation,
    evidence: &Evidence,
) -> Option<String> {
    match field {
        "rdb_last_bgsave_status" if value == "ok" && more_ends_than_forks(now) => {
            Some("the server's log tells of more background saves that ended than began: it was written to, \
                  and can't be believed".to_owned())
        }
        "rdb_last_bgsave_status" if value == "ok" && now.bgsave_ends.last() == Some(&BgsaveEnd::Killed) => {
            Some("INFO still says ok, but the server's log says that the background save was ended by a signal \
                  (FLUSHALL does that): no snapshot came of it".to_owned())
        }
        "rdb_bgsave_in_progress" if value == "0" && is_saving(&now.snapshot, &evidence.before) => {
            Some("rdb_bgsave_in_progress 0, but a background save was scheduled and has not begun".to_owned())
        }
        _ => None,
    }
}

/// A script can write to the server's log (`redis.log`), but not begin a save by that. Where saves do not
/// fork at all (Valkey's forkless ones), forks say nothing.
fn more_ends_than_forks(now: &Observation) -> bool {
    let forks = forks_for_saves(&now.snapshot);
    forks > 0 && i64::try_from(now.bgsave_ends.len()).is_ok_and(|ends| ends > forks)
}

fn look_at_stdout(expected: &StdoutMatch, run: &Run) -> Seen {
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

/// Whether `text`'s lines stand one after another in `printed`: white space around each, colours, and what
/// a progress display left in front of the first on the same line (dots, a carriage return) aside.
fn has_lines(printed: &str, text: &str) -> bool {
    let trimmed = |text: &str| text.trim().lines().map(plain_line).collect::<Vec<_>>();
    let (printed, wanted) = (trimmed(printed), trimmed(text));
    let Some((first, rest)) = wanted.split_first() else { return true };
    printed.windows(wanted.len()).any(|lines| {
        let progress = lines[0].strip_suffix(first.as_str());
        progress.is_some_and(|before| !before.contains(char::is_alphanumeric))
            && lines[1..] == *rest
    })
}

/// A line as a terminal would show it: without colours, and from its last carriage return on.
fn plain_line(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line.trim();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        rest = rest.get(1..).unwrap_or_default();
    }
    plain.push_str(rest);
    plain.rsplit('\r').next().unwrap_or_default().trim().to_owned()
}

/// The last lines of a longer output.
fn quoted(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let shown = lines[lines.len().saturating_sub(3)..].join(" ⏎ ");
    let start = shown.char_indices().rev().nth(159).map_or(0, |(index, _)| index);
    let cut = if start > 0 || lines.len() > 3 { "…" } else { "" };
    format!("{cut}`{}`", &shown[start..])
}

fn omitted(bytes: u64) -> String {
    if bytes == 0 { String::new() } else { format!(" ({bytes} bytes in the middle were not kept)") }
}

fn look_at_exit(status: i32, run: &Run) -> Seen {
    let end = match run {
        Run::Program(program) => program.end,
        Run::Typed(_) => ProgramEnd::Exited(status),
    };
    let found = match end {
        ProgramEnd::Exited(status) => format!("exit status {status}"),
        ProgramEnd::Signalled(signal) => format!("ended by signal {signal}"),
        ProgramEnd::TimedOut => "ended by us, out of time".to_owned(),
    };
    Seen {
        met: end == ProgramEnd::Exited(status),
        expected: format!("exit status {status}"),
        found,
    }
}

#[expect(clippy::cast_precision_loss, reason = "counters stay far below 2^53")]
fn float(number: i64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests;
