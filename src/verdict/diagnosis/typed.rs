//! Lines of a `redis` answer that did not come through as they were meant: with something pasted along, misspelt, or
//! behind the end of the connection.

use super::case::{Case, text};
use super::effects::{Effect, Write, writes_of};
use super::refused::{drops_a_transaction, failed_by, is_a_missing_save, queued_and_missing};
use super::symptom::Symptom;
use super::{Found, Pointer};
use crate::attempt::commands::WAIT_BGSAVE;
use crate::attempt::evidence::{Run, Stopped, TypedExchange};
use crate::invisible;
use crate::lesson::Subject;
use crate::lesson::problem::nearest;
use crate::redis_cli::words;
use crate::redis_prompt::CommandDocs;
use crate::tap::{Exchange, Outcome};
use crate::verdict::run::look_at_stdout;

/// A line of the answer and what became of it.
#[derive(Debug, Clone, Copy)]
struct Line<'a> {
    typed: &'a TypedExchange,
    /// Of its exchange, if it was sent.
    index: Option<usize>,
}

impl<'a> Line<'a> {
    /// The error that redis-cli prints for it.
    fn error(self) -> Option<&'a str> {
        let reply = self.typed.reply.as_str();
        reply.strip_prefix("(error) ").or_else(|| Some(reply).filter(|one| *one == UNREADABLE))
    }

    fn found(self) -> Found {
        let places: Vec<Pointer> = self.index.map(Pointer::Exchange).into_iter().collect();
        Found::at(places).with(self.typed.number.to_string())
    }
}

/// What redis-cli prints for a line whose quotes are not closed.
const UNREADABLE: &str = "Invalid argument(s)";

/// The lines of a `redis` answer, each with its exchange.
fn lines<'a>(case: &Case<'a>) -> Vec<Line<'a>> {
    let Run::Typed(run) = &case.evidence.run else { return Vec::new() };
    let mut lines = Vec::new();
    let mut next = 0;
    for typed in &run.exchanges {
        let words = words::split(&typed.line).unwrap_or_default();
        let index = case
            .numbered()
            .find(|(index, exchange)| *index >= next && exchange.words == words)
            .map(|(index, _)| index);
        next = index.map_or(next, |index| index + 1);
        lines.push(Line { typed, index });
    }
    lines
}

/// Whether it is the words that Redis did not understand.
fn is_about_words(error: &str) -> bool {
    is_unknown(error)
        || ["wrong number of arguments", "syntax error", "not an integer", "invalid", UNREADABLE]
            .iter()
            .any(|one| error.contains(one))
}

fn is_unknown(error: &str) -> bool {
    error.contains("unknown command") || error.contains("unknown subcommand")
}

// What was pasted along.

/// What a line holds that is no part of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pasted {
    Fence,
    Prompt,
    RedisCli,
    Semicolon,
    Quotes,
    Invisible,
}

/// The first thing in a line that is no part of a command, in words, and the line without it.
fn pasted(line: &str) -> Option<(Pasted, String, String)> {
    if line.starts_with("```") || line.starts_with("~~~") {
        return Some((Pasted::Fence, line.to_owned(), String::new()));
    }
    if let Some((prompt, rest)) = split_prompt(line) {
        return Some((Pasted::Prompt, prompt.to_owned(), rest.to_owned()));
    }
    if let Some((program, rest)) = split_program(line) {
        return Some((Pasted::RedisCli, program.to_owned(), rest));
    }
    if let Some(c) = line.chars().find(|c| invisible::is_invisible(*c)) {
        return Some((Pasted::Invisible, invisible::escaped(c), without_invisible(line)));
    }
    if let Some(c) = line.chars().find(|c| straight(*c).is_some()) {
        let rest = line.chars().map(|c| straight(c).unwrap_or(c)).collect();
        return Some((Pasted::Quotes, c.to_string(), rest));
    }
    let rest = line.strip_suffix(';')?;
    let last = line.split_whitespace().last()?;
    Some((Pasted::Semicolon, last.to_owned(), rest.trim_end_matches(';').to_owned()))
}

/// The quote that a typographic one stands for.
fn straight(c: char) -> Option<char> {
    match c {
        '“' | '”' | '„' | '‟' | '«' | '»' | '″' => Some('"'),
        '‘' | '’' | '‚' | '‛' | '′' => Some('\''),
        _ => None,
    }
}

/// `127.0.0.1:6379[1]> `, `redis> `, `> `, `$ `, and what stands behind it.
fn split_prompt(line: &str) -> Option<(&str, &str)> {
    if let Some(rest) = line.strip_prefix("$ ") {
        return Some(("$ ", rest.trim_start()));
    }
    let (prompt, rest) = line.split_at(line.find('>')? + 1);
    let place = prompt.trim_end_matches('>');
    let place =
        ["redis ", "valkey "].iter().find_map(|one| place.strip_prefix(one)).unwrap_or(place);
    let is_prompt = ["", "redis", "valkey", "not connected"].contains(&place) || is_address(place);
    let space = &rest[..rest.len() - rest.trim_start().len()];
    let prompt = &line[..prompt.len() + space.len().min(1)];
    is_prompt.then(|| (prompt, rest.trim_start()))
}

/// `127.0.0.1:6379`, `localhost:6379[1]`, `redis:6379(TX)`, `/run/redis.sock`.
fn is_address(place: &str) -> bool {
    let end = |c: char| c == '[' || c == '(';
    let place = place.find(end).map_or(place, |at| &place[..at]);
    let has_port = place.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && !port.is_empty() && port.chars().all(|c| c.is_ascii_digit())
    });
    !place.contains(char::is_whitespace) && (has_port || place.starts_with('/'))
}

/// `redis-cli` and its options, and the command behind them.
fn split_program(line: &str) -> Option<(&str, String)> {
    let mut words = line.split_whitespace();
    let program = words.next().filter(|one| ["redis-cli", "valkey-cli"].contains(one))?;
    let mut rest: Vec<&str> = words.collect();
    while let Some(option) = rest.first().copied().filter(|one| one.starts_with('-')) {
        let has_value = ["-h", "-p", "-n", "-a", "-u", "-s", "-r", "-i"].contains(&option);
        rest.drain(..(1 + usize::from(has_value)).min(rest.len()));
    }
    Some((program, rest.join(" ")))
}

/// The line as a command, without all that was pasted along.
fn mended(line: &str) -> Vec<Vec<u8>> {
    let mut line = line.trim().to_owned();
    // One after the other, as in `> SAVE;`.
    for _ in 0..4 {
        let Some((_, _, rest)) = pasted(&line) else { break };
        rest.trim().clone_into(&mut line);
    }
    words::split(&line).unwrap_or_default()
}

/// The first line with this, if one of them would have met what is unmet.
fn has_pasted(case: &Case<'_>, kind: Pasted) -> Option<Found> {
    let mut with_it = Vec::new();
    for line in lines(case) {
        let Some((found, what, _)) = pasted(&line.typed.line) else { continue };
        let was_taken = line.error().is_none();
        if found == kind && (was_taken || line.error().is_some_and(is_about_words)) {
            with_it.push((line, what));
        }
    }
    let explains = with_it.iter().any(|(line, _)| {
        let meant = mended(&line.typed.line);
        match line.error() {
            Some(_) => would_have_met(case, &meant, line.index),
            None => was_to_store(case, &meant, &line.typed.line),
        }
    });
    // One that was run as it stands may be right.
    let (line, what) = with_it.into_iter().find(|(line, _)| {
        line.error().is_some() || was_to_store(case, &mended(&line.typed.line), &line.typed.line)
    })?;
    explains.then(|| line.found().with(what))
}

pub(super) fn code_fence(case: &Case<'_>) -> Option<Found> {
    has_pasted(case, Pasted::Fence)
}

pub(super) fn prompt(case: &Case<'_>) -> Option<Found> {
    has_pasted(case, Pasted::Prompt)
}

pub(super) fn redis_cli(case: &Case<'_>) -> Option<Found> {
    has_pasted(case, Pasted::RedisCli)
}

pub(super) fn semicolon(case: &Case<'_>) -> Option<Found> {
    has_pasted(case, Pasted::Semicolon)
}

pub(super) fn typographic_quotes(case: &Case<'_>) -> Option<Found> {
    has_pasted(case, Pasted::Quotes)
}

pub(super) fn invisible_character(case: &Case<'_>) -> Option<Found> {
    has_pasted(case, Pasted::Invisible)
}

/// A space that is none, or something in between, in what the program was to print.
pub(super) fn invisible_in_output(case: &Case<'_>) -> Option<Found> {
    let (Run::Program(program), Subject::Stdout(wanted)) =
        (&case.evidence.run, &case.check?.subject)
    else {
        return None;
    };
    let mut plain = program.clone();
    let c = plain.stdout.text.chars().find(|c| invisible::is_invisible(*c))?;
    plain.stdout.text = without_invisible(&plain.stdout.text);
    let is_it = look_at_stdout(wanted, &Run::Program(plain)).met;
    is_it.then(|| Found::default().with(invisible::escaped(c)))
}

/// With a space for what looks like one.
fn without_invisible(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if invisible::is_blank(c) => plain.push(' '),
            c if invisible::is_invisible(c) => {}
            c => plain.push(c),
        }
    }
    plain
}

// What Redis does not know.

/// A command that Redis does not know, near to one that would have met what is unmet.
pub(super) fn unknown_command(case: &Case<'_>) -> Option<Found> {
    let unknown = case.numbered().filter_map(|(index, exchange)| {
        let error = exchange.error().filter(|error| is_unknown(error))?;
        Some((index, exchange, error))
    });
    let lines = lines(case);
    unknown.into_iter().find_map(|(index, exchange, error)| {
        let named = if error.contains("unknown subcommand") { 2 } else { 1 };
        let name = words::join(&exchange.words[..named.min(exchange.words.len())]);
        let known = nearest(&name, CommandDocs::table().names().filter(|one| *one != "STRALGO"));
        let mut meant: Vec<Vec<u8>> =
            known.unwrap_or_default().split(' ').map(|one| one.as_bytes().to_vec()).collect();
        meant.extend_from_slice(&exchange.words[named.min(exchange.words.len())..]);
        let explains = if case.shows(Symptom::EndedBadly) {
            failed_by(case, &error)
        } else {
            would_have_met(case, &meant, Some(index))
        };
        let proposal = known.map(|one| format!("; did you mean `{one}`?")).unwrap_or_default();
        let found = Found::at([Pointer::Exchange(index)]).with(in_line(&lines, index));
        explains.then(|| found.with(name).with(proposal))
    })
}

/// A command that would have met what is unmet, with more or fewer words than it takes.
pub(super) fn wrong_arguments(case: &Case<'_>) -> Option<Found> {
    let lines = lines(case);
    case.numbered().find_map(|(index, exchange)| {
        let error = exchange.error().filter(|one| one.contains("wrong number of arguments"))?;
        let explains = if case.shows(Symptom::EndedBadly) {
            failed_by(case, &error)
        } else {
            would_have_met(case, &exchange.words, Some(index))
        };
        let found = Found::at([Pointer::Exchange(index)]).with(in_line(&lines, index));
        explains.then(|| found.with(exchange.name()))
    })
}

/// `line 3: ` for what was typed.
fn in_line(lines: &[Line<'_>], index: usize) -> String {
    let line = lines.iter().find(|line| line.index == Some(index));
    line.map(|line| format!("line {}: ", line.typed.number)).unwrap_or_default()
}

/// A line that was to wait, behind the last BGSAVE, and is not the runner's.
pub(super) fn unknown_runner_line(case: &Case<'_>) -> Option<Found> {
    let lines = lines(case);
    let bgsave = case.last_done(&["BGSAVE"])?;
    let place = lines.iter().position(|line| line.index == Some(bgsave))?;
    let line = lines[place..].iter().find(|line| is_meant_for_the_runner(line))?;
    case.ended_by_itself().then(|| line.found().with(WAIT_BGSAVE))
}

fn is_meant_for_the_runner(line: &Line<'_>) -> bool {
    let name = line.typed.line.split_whitespace().next().unwrap_or_default();
    let is_refused =
        line.error().is_some_and(|error| is_unknown(error) || error.starts_with("redislings:"));
    is_refused && (name.starts_with('@') || nearest(name, [WAIT_BGSAVE]).is_some())
}

/// A line whose words can't be told, and that names what is missing.
pub(super) fn unclosed_quote(case: &Case<'_>) -> Option<Found> {
    let missing = case.missing();
    lines(case).iter().find_map(|line| {
        let why = words::split(&line.typed.line).err()?;
        let is_missing = missing.iter().any(|missing| {
            line.typed.line.contains(&missing.name()) && !case.was_stored(&missing.key)
        });
        (line.error().is_some() && is_missing).then(|| line.found().with(why.to_string()))
    })
}

/// The first line that Redis did not understand, where nothing else is known.
pub(super) fn line_not_understood(case: &Case<'_>) -> Option<Found> {
    let lines = lines(case);
    let line = lines.iter().find(|line| line.error().is_some_and(is_about_words))?;
    Some(line.found().with(line.error()?))
}

// What was not run.

/// `QUIT` ends the connection, and a `redis` answer has only one.
pub(super) fn quit(case: &Case<'_>) -> Option<Found> {
    let Run::Typed(run) = &case.evidence.run else { return None };
    let (index, _) = case.numbered().rfind(|(_, one)| !one.is_mark())?;
    let index = Some(index).filter(|index| case.last_done(&["QUIT"]) == Some(*index))?;
    let lines = lines(case);
    let place = lines.iter().position(|line| line.index == Some(index))?;
    let behind = &lines[place + 1..];
    let is_stopped = !matches!(run.stopped, None | Some(Stopped::OutOfTime | Stopped::Endless(_)));
    let explains = if behind.is_empty() {
        is_stopped && is_undone(case)
    } else {
        behind.iter().any(|line| {
            let waits = case.shows(Symptom::StillSaving) && line.typed.line.starts_with('@');
            waits || would_have_met(case, &mended(&line.typed.line), None)
        })
    };
    explains.then(|| Found::at([Pointer::Exchange(index)]))
}

/// Whether something was not done at all, rather than otherwise than it must be.
fn is_undone(case: &Case<'_>) -> bool {
    let missing = case.missing();
    let undone = [Symptom::NoSave, Symptom::NoBgsave, Symptom::NoSnapshot, Symptom::StillSaving];
    case.shows_any(&undone)
        || (!missing.is_empty() && missing.iter().all(|one| !case.was_stored(&one.key)))
}

// What a line would have done.

/// Whether this command, had it been run, would have met what is unmet, or if it was refused at `index`, spoilt the
/// transaction that would have.
fn would_have_met(case: &Case<'_>, meant: &[Vec<u8>], index: Option<usize>) -> bool {
    let name = meant.first().map(|name| text(name).to_uppercase()).unwrap_or_default();
    let saves_the_data = matches!(name.as_str(), "SAVE" | "BGSAVE")
        && case.shows(Symptom::DataLost)
        && case.last_snapshot().is_none_or(|last| index.is_none_or(|index| last < index));
    is_a_missing_save(case, &name, index)
        || saves_the_data
        || stores_what_is_missing(case, meant)
        || index.is_some_and(|index| spoilt(case, &name, index))
}

/// Whether an EXEC was misspelt, or the transaction was thrown away because of the error at `index`.
fn spoilt(case: &Case<'_>, name: &str, index: usize) -> bool {
    let Some(refused) = case.exchange(index) else { return false };
    let Some(queued) = queued_and_missing(case, refused.connection) else { return false };
    let end = case.numbered().find(|(at, exchange)| {
        *at > queued && exchange.connection == refused.connection && drops_a_transaction(exchange)
    });
    let begun = case
        .numbered()
        .take(index)
        .any(|(_, earlier)| earlier.connection == refused.connection && earlier.name() == "MULTI");
    let ends = end.is_some_and(|(end, exchange)| exchange.name() == "EXEC" && index < end);
    begun && (ends || (name == "EXEC" && queued < index))
}

fn stores_what_is_missing(case: &Case<'_>, meant: &[Vec<u8>]) -> bool {
    let missing = case.missing();
    missing.iter().any(|missing| {
        stores(meant, &missing.key, missing.value()) && !case.was_stored(&missing.key)
    })
}

/// Whether what was run as it stood in the answer was to store what is missing.
fn was_to_store(case: &Case<'_>, meant: &[Vec<u8>], line: &str) -> bool {
    let sent = words::split(line).unwrap_or_default();
    case.missing().iter().any(|missing| {
        let (key, value) = (missing.key.as_slice(), missing.value());
        if stores(&sent, key, value) || !stores(meant, key, value) {
            return false;
        }
        let found = missing.found.and_then(|found| found.bare.as_deref());
        found.is_some_and(|found| stores(&sent, key, Some(found))) || !case.was_stored(key)
    })
}

/// Whether a command stores this value, or one that is not known, in this key.
fn stores(command: &[Vec<u8>], key: &[u8], value: Option<&str>) -> bool {
    let command = [as_done(command)];
    writes_of(&command).iter().any(|write| stores_value(write, key, value))
}

fn stores_value(write: &Write<'_>, key: &[u8], value: Option<&str>) -> bool {
    let stored = match &write.effect {
        Effect::Stored(stored) => stored.as_ref(),
        _ => return false,
    };
    let is_same = stored.zip(value).is_none_or(|(stored, value)| stored == value.as_bytes());
    write.is_to_store(key) && is_same
}

fn as_done(words: &[Vec<u8>]) -> Exchange {
    Exchange {
        at: std::time::Duration::ZERO,
        connection: 1,
        words: words.to_vec(),
        reply: None,
        outcome: Outcome::Done,
    }
}
