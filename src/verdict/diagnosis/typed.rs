//! Lines of a `redis` answer that did not do what they were meant to: they contain pasted text, are
//! misspelt, or come after the end of the connection.

use super::effects::{Effect, Write, writes_of};
use super::facts::{Facts, text};
use super::symptom::{ENDED_BADLY, NOT_DONE, STILL_RUNNING};
use super::transactions::{drops_a_transaction, failed_by, queued_and_missing};
use super::{Cause, Pointer};
use crate::attempt::evidence::{Run, Stopped, TypedExchange};
use crate::invisible;
use crate::lesson::problem::nearest;
use crate::redis_cli::words;
use crate::redis_prompt::CommandDocs;
use crate::relay::{CommandOutcome, Exchange};
use crate::topics::{self, BackgroundWork};

/// A line of the answer and its exchange.
#[derive(Debug, Clone, Copy)]
struct AnswerLine<'a> {
    typed: &'a TypedExchange,
    /// The index of the exchange, if the line was sent.
    index: Option<usize>,
}

impl<'a> AnswerLine<'a> {
    /// The error that redis-cli prints for the line.
    fn error(self) -> Option<&'a str> {
        let reply = self.typed.reply.as_str();
        reply.strip_prefix("(error) ").or_else(|| (reply == UNREADABLE).then_some(reply))
    }

    fn found(self) -> Cause {
        let evidence: Vec<Pointer> = self.index.map(Pointer::Exchange).into_iter().collect();
        Cause::at(evidence).with(self.typed.number.to_string())
    }
}

/// What redis-cli prints for a line whose quotes are not closed.
const UNREADABLE: &str = "Invalid argument(s)";

/// The lines of a `redis` answer, each with its exchange.
fn lines<'a>(facts: &Facts<'a>) -> Vec<AnswerLine<'a>> {
    let Run::Typed(run) = &facts.evidence.run else { return Vec::new() };
    let mut lines = Vec::new();
    let mut next = 0;
    for typed in &run.exchanges {
        let words = words::split(&typed.line).unwrap_or_default();
        let index = facts
            .numbered()
            .find(|(index, exchange)| *index >= next && exchange.words == words)
            .map(|(index, _)| index);
        next = index.map_or(next, |index| index + 1);
        lines.push(AnswerLine { typed, index });
    }
    lines
}

/// Whether Redis did not understand the words of the command.
fn is_about_words(error: &str) -> bool {
    is_unknown(error)
        || ["wrong number of arguments", "syntax error", "not an integer", "invalid", UNREADABLE]
            .iter()
            .any(|text| error.contains(text))
}

fn is_unknown(error: &str) -> bool {
    error.contains("unknown command") || error.contains("unknown subcommand")
}

// Pasted text.

/// A part of a line that does not belong to the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pasted {
    Fence,
    Prompt,
    RedisCli,
    Semicolon,
    Quotes,
    Invisible,
}

/// The first part of a line that does not belong to the command, its text for the student, and the
/// line without it.
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

/// The straight quote for a typographic one.
fn straight(c: char) -> Option<char> {
    match c {
        '“' | '”' | '„' | '‟' | '«' | '»' | '″' => Some('"'),
        '‘' | '’' | '‚' | '‛' | '′' => Some('\''),
        _ => None,
    }
}

/// Splits off a prompt: `127.0.0.1:6379[1]> `, `redis> `, `> `, `$ `.
fn split_prompt(line: &str) -> Option<(&str, &str)> {
    if let Some(rest) = line.strip_prefix("$ ") {
        return Some(("$ ", rest.trim_start()));
    }
    let (prompt, rest) = line.split_at(line.find('>')? + 1);
    let address = prompt.trim_end_matches('>');
    let address = address
        .strip_prefix("redis ")
        .or_else(|| address.strip_prefix("valkey "))
        .unwrap_or(address);
    let is_prompt =
        ["", "redis", "valkey", "not connected"].contains(&address) || is_address(address);
    let space = &rest[..rest.len() - rest.trim_start().len()];
    let prompt = &line[..prompt.len() + space.len().min(1)];
    is_prompt.then(|| (prompt, rest.trim_start()))
}

/// `127.0.0.1:6379`, `localhost:6379[1]`, `redis:6379(TX)`, `/run/redis.sock`.
fn is_address(text: &str) -> bool {
    let address = text.find(['[', '(']).map_or(text, |end| &text[..end]);
    let has_port = address.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && !port.is_empty() && port.chars().all(|c| c.is_ascii_digit())
    });
    !address.contains(char::is_whitespace) && (has_port || address.starts_with('/'))
}

/// Splits off `redis-cli` and drops its options.
fn split_program(line: &str) -> Option<(&str, String)> {
    let mut words = line.split_whitespace();
    let program = words.next().filter(|word| ["redis-cli", "valkey-cli"].contains(word))?;
    let mut rest: Vec<&str> = words.collect();
    while let Some(option) = rest.first().copied().filter(|word| word.starts_with('-')) {
        let has_value = ["-h", "-p", "-n", "-a", "-u", "-s", "-r", "-i"].contains(&option);
        rest.drain(..(1 + usize::from(has_value)).min(rest.len()));
    }
    Some((program, rest.join(" ")))
}

/// The command in a line, without any pasted text.
fn mended(line: &str) -> Vec<Vec<u8>> {
    let mut line = line.trim().to_owned();
    // There may be several, as in `> SAVE;`.
    for _ in 0..4 {
        let Some((_, _, rest)) = pasted(&line) else { break };
        rest.trim().clone_into(&mut line);
    }
    words::split(&line).unwrap_or_default()
}

/// The first line with this kind of pasted text, if one of them would have met the check.
fn has_pasted(facts: &Facts<'_>, kind: Pasted) -> Option<Cause> {
    let mut affected = Vec::new();
    for line in lines(facts) {
        let Some((found, what, _)) = pasted(&line.typed.line) else { continue };
        if found == kind && line.error().is_none_or(is_about_words) {
            affected.push((line, what));
        }
    }
    let explains = affected.iter().any(|(line, _)| {
        let meant = mended(&line.typed.line);
        match line.error() {
            Some(_) => would_have_met(facts, &meant, line.index),
            None => was_to_store(facts, &meant, &line.typed.line),
        }
    });
    // A line that Redis accepted as it is may be right.
    let (line, what) = affected.into_iter().find(|(line, _)| {
        line.error().is_some() || was_to_store(facts, &mended(&line.typed.line), &line.typed.line)
    })?;
    explains.then(|| line.found().with(what))
}

pub fn code_fence(facts: &Facts<'_>) -> Option<Cause> {
    has_pasted(facts, Pasted::Fence)
}

pub fn prompt(facts: &Facts<'_>) -> Option<Cause> {
    has_pasted(facts, Pasted::Prompt)
}

pub fn redis_cli(facts: &Facts<'_>) -> Option<Cause> {
    has_pasted(facts, Pasted::RedisCli)
}

pub fn semicolon(facts: &Facts<'_>) -> Option<Cause> {
    has_pasted(facts, Pasted::Semicolon)
}

pub fn typographic_quotes(facts: &Facts<'_>) -> Option<Cause> {
    has_pasted(facts, Pasted::Quotes)
}

pub fn invisible_character(facts: &Facts<'_>) -> Option<Cause> {
    has_pasted(facts, Pasted::Invisible)
}

/// The program's output is right except for a character that looks like a space, or like nothing.
pub fn invisible_in_output(facts: &Facts<'_>) -> Option<Cause> {
    let mut evidence = facts.evidence.clone();
    let Run::Program(program) = &mut evidence.run else { return None };
    let c = program.stdout.text.chars().find(|c| invisible::is_invisible(*c))?;
    program.stdout.text = without_invisible(&program.stdout.text);
    let is_right = facts.check?.subject.judge(&evidence)?.met;
    is_right.then(|| Cause::default().with(invisible::escaped(c)))
}

/// Replaces what looks like a space with one, and drops other invisible characters.
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

// Commands that Redis does not understand.

/// A command that Redis does not know, similar to one that would have met the check.
pub fn unknown_command(facts: &Facts<'_>) -> Option<Cause> {
    let lines = lines(facts);
    facts.numbered().find_map(|(index, exchange)| {
        let error = exchange.error().filter(|error| is_unknown(error))?;
        let named = if error.contains("unknown subcommand") { 2 } else { 1 };
        let (name, arguments) = exchange.words.split_at(named.min(exchange.words.len()));
        let name = words::join(name);
        let known =
            nearest(&name, CommandDocs::table().names().filter(|known| *known != "STRALGO"));
        let mut meant: Vec<Vec<u8>> =
            known.unwrap_or_default().split(' ').map(|word| word.as_bytes().to_vec()).collect();
        meant.extend_from_slice(arguments);
        let explains = if facts.shows(ENDED_BADLY) {
            failed_by(facts, &error)
        } else {
            would_have_met(facts, &meant, Some(index))
        };
        let proposal = known.map(|known| format!("; did you mean `{known}`?")).unwrap_or_default();
        let found = Cause::at([Pointer::Exchange(index)]).with(in_line(&lines, index));
        explains.then(|| found.with(name).with(proposal))
    })
}

/// A command that would have met the check, with too many or too few arguments.
pub fn wrong_arguments(facts: &Facts<'_>) -> Option<Cause> {
    let lines = lines(facts);
    facts.numbered().find_map(|(index, exchange)| {
        let error = exchange.error().filter(|error| error.contains("wrong number of arguments"))?;
        let explains = if facts.shows(ENDED_BADLY) {
            failed_by(facts, &error)
        } else {
            would_have_met(facts, &exchange.words, Some(index))
        };
        let found = Cause::at([Pointer::Exchange(index)]).with(in_line(&lines, index));
        explains.then(|| found.with(exchange.name()))
    })
}

/// `line 3: ` for a command that was typed, nothing for one of a program.
fn in_line(lines: &[AnswerLine<'_>], index: usize) -> String {
    let line = lines.iter().find(|line| line.index == Some(index));
    line.map(|line| format!("line {}: ", line.typed.number)).unwrap_or_default()
}

/// A line that was meant to wait for background work, but is not the runner's own line.
pub fn unknown_runner_line(facts: &Facts<'_>) -> Option<Cause> {
    let lines = lines(facts);
    let found = topics::background().find_map(|work| {
        let begun = facts.last_done(&[work.begun_by.to_uppercase()])?;
        let position = lines.iter().position(|line| line.index == Some(begun))?;
        let line = lines[position..].iter().find(|line| is_meant_to_wait(line, work))?;
        Some(line.found().with(work.wait_line))
    });
    found.filter(|_| facts.ended_by_itself())
}

fn is_meant_to_wait(line: &AnswerLine<'_>, work: &BackgroundWork) -> bool {
    let name = line.typed.line.split_whitespace().next().unwrap_or_default();
    let is_refused =
        line.error().is_some_and(|error| is_unknown(error) || error.starts_with("redislings:"));
    is_refused && (name.starts_with('@') || nearest(name, [work.wait_line]).is_some())
}

/// A line that can't be split into words, and that names a missing key.
pub fn unclosed_quote(facts: &Facts<'_>) -> Option<Cause> {
    let missing = facts.missing();
    lines(facts).iter().find_map(|line| {
        let why = words::split(&line.typed.line).err()?;
        let is_missing = missing.iter().any(|missing| {
            line.typed.line.contains(&missing.name()) && !facts.was_stored(&missing.key)
        });
        (line.error().is_some() && is_missing).then(|| line.found().with(why.to_string()))
    })
}

/// The first line that Redis did not understand, if no other cause is known.
pub fn line_not_understood(facts: &Facts<'_>) -> Option<Cause> {
    let lines = lines(facts);
    let line = lines.iter().find(|line| line.error().is_some_and(is_about_words))?;
    Some(line.found().with(line.error()?))
}

// Lines that were not run.

/// `QUIT` ends the connection, and a `redis` answer has only one.
pub fn quit(facts: &Facts<'_>) -> Option<Cause> {
    let Run::Typed(run) = &facts.evidence.run else { return None };
    let (index, _) = facts.numbered().rfind(|(_, exchange)| !exchange.is_mark())?;
    let index = Some(index).filter(|index| facts.last_done(&["QUIT"]) == Some(*index))?;
    let lines = lines(facts);
    let position = lines.iter().position(|line| line.index == Some(index))?;
    let rest = &lines[position + 1..];
    let is_stopped = !matches!(run.stopped, None | Some(Stopped::OutOfTime | Stopped::Endless(_)));
    let explains = if rest.is_empty() {
        is_stopped && is_undone(facts)
    } else {
        rest.iter().any(|line| {
            let waits = facts.shows(STILL_RUNNING) && line.typed.line.starts_with('@');
            waits || would_have_met(facts, &mended(&line.typed.line), None)
        })
    };
    explains.then(|| Cause::at([Pointer::Exchange(index)]))
}

/// Whether something was not done at all, rather than done wrong.
fn is_undone(facts: &Facts<'_>) -> bool {
    let missing = facts.missing();
    facts.shows_any(&[NOT_DONE, STILL_RUNNING])
        || (!missing.is_empty() && missing.iter().all(|missing| !facts.was_stored(&missing.key)))
}

// What a line would have done.

/// Whether this command would have met the check if it had been run, or, if it was refused at
/// `index`, spoilt the transaction that would have.
fn would_have_met(facts: &Facts<'_>, meant: &[Vec<u8>], index: Option<usize>) -> bool {
    let name = meant.first().map(|name| text(name).to_uppercase()).unwrap_or_default();
    facts.misses(meant, index)
        || stores_what_is_missing(facts, meant)
        || index.is_some_and(|index| spoilt_a_transaction(facts, &name, index))
}

/// Whether a misspelt EXEC, or the error at `index`, kept a transaction from running.
fn spoilt_a_transaction(facts: &Facts<'_>, name: &str, index: usize) -> bool {
    let Some(refused) = facts.exchange(index) else { return false };
    let Some(queued) = queued_and_missing(facts, refused.connection) else { return false };
    let end = facts.numbered().find(|(at, exchange)| {
        *at > queued && exchange.connection == refused.connection && drops_a_transaction(exchange)
    });
    let begun = facts
        .numbered()
        .take(index)
        .any(|(_, earlier)| earlier.connection == refused.connection && earlier.name() == "MULTI");
    let ends = end.is_some_and(|(end, exchange)| exchange.name() == "EXEC" && index < end);
    begun && (ends || (name == "EXEC" && queued < index))
}

fn stores_what_is_missing(facts: &Facts<'_>, meant: &[Vec<u8>]) -> bool {
    let missing = facts.missing();
    missing.iter().any(|missing| {
        stores(meant, &missing.key, missing.value()) && !facts.was_stored(&missing.key)
    })
}

/// Whether the line, which Redis accepted as it is, was meant to store what is missing.
fn was_to_store(facts: &Facts<'_>, meant: &[Vec<u8>], line: &str) -> bool {
    let sent = words::split(line).unwrap_or_default();
    facts.missing().iter().any(|missing| {
        let (key, value) = (missing.key.as_slice(), missing.value());
        if stores(&sent, key, value) || !stores(meant, key, value) {
            return false;
        }
        let found = missing.found.and_then(|found| found.bare.as_deref());
        found.is_some_and(|found| stores(&sent, key, Some(found))) || !facts.was_stored(key)
    })
}

/// Whether a command stores this value, or an unknown one, in this key.
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
        outcome: CommandOutcome::Done,
    }
}
