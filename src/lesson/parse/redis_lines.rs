//! Blocks of commands: every line must be one that redis-cli accepts.

use std::borrow::Cow;

use super::super::ExampleExchange;
use super::super::Span;
use super::super::block::BlockText;
use super::super::problem::Problems;
use crate::redis_cli::commands::is_endless;
use crate::redis_cli::{commands, prompt, words};
use crate::runner_line::{self, Place, RunnerLine};
use crate::topics;

/// Reports each line that cannot be run.
pub(super) fn check_commands(content: &BlockText, place: Place, problems: &mut Problems) {
    for (line, span) in content.lines() {
        if let Some((prompt, _)) = split_prompt(line) {
            let help = Some("write the command alone".to_owned());
            let span = span.start..span.start + prompt.len();
            problems.error(span, format!("`{prompt}` is a prompt, not a command"), help);
            continue;
        }
        check_command(line, span, place, problems);
    }
}

/// Splits off the prompt in front of a command.
fn split_prompt(line: &str) -> Option<(&str, &str)> {
    prompt::split_redis(line).filter(|(prompt, _)| *prompt != ">")
}

/// Commands that run code on the student's machine, or let others do so. The setup runs with all
/// permissions.
const PROTECTED: [&str; 4] = ["MODULE", "DEBUG", "REPLICAOF", "SLAVEOF"];
/// Settings that choose the file that the server writes.
const PROTECTED_SETTINGS: [&str; 2] = ["dir", "dbfilename"];

/// Reports each line that cannot be run, or must not be run before an attempt.
pub(super) fn check_setup(content: &BlockText, problems: &mut Problems) {
    check_commands(content, Place::Setup, problems);
    for (line, span) in content.lines() {
        let Ok(command) = words::split(line) else { continue };
        let command: Vec<_> = command.iter().map(|word| String::from_utf8_lossy(word)).collect();
        let Some(name) = command.first() else { continue };
        let help = if stops_the_setup(name, &command) {
            "a setup only creates data; to create a snapshot, use `SAVE`"
        } else if is_one_of(&PROTECTED, name) || sets_a_protected_setting(&command) {
            "a lesson can't disable what protects the student's machine"
        } else {
            continue;
        };
        let message = format!("`{name}` cannot be used in a setup");
        problems.error(span, message, Some(help.to_owned()));
    }
}

/// Reports a setup that leaves the server stopped, where no answer may start it.
pub(super) fn check_that_it_runs<'b>(
    setup: impl Iterator<Item = &'b BlockText>,
    problems: &mut Problems,
) {
    let mut stopped_at = None;
    for (line, span) in setup.flat_map(BlockText::lines) {
        if !runner_line::is_for_the_runner(line) {
            continue;
        }
        match runner_line::read(line, Place::Setup) {
            Ok(RunnerLine::Stop) => stopped_at = Some(span),
            Ok(RunnerLine::Start(_) | RunnerLine::Crash) => stopped_at = None,
            _ => {}
        }
    }
    if let Some(span) = stopped_at {
        let help = "add `@start`, or let answers start it: `stop = true`";
        problems.error(span, "the setup leaves the server stopped", Some(help.to_owned()));
    }
}

/// Whether the server would not answer after it, or it may not end: a setup has no time limit of
/// its own.
fn stops_the_setup(name: &str, command: &[Cow<'_, str>]) -> bool {
    let words: Vec<&[u8]> = command.iter().map(|word| word.as_bytes()).collect();
    name.eq_ignore_ascii_case("SHUTDOWN")
        || is_one_of(&topics::wait_lines(), name)
        || commands::never_ends(name)
        || commands::may_wait(&words)
}

fn sets_a_protected_setting(command: &[Cow<'_, str>]) -> bool {
    let [config, set, settings @ ..] = command else { return false };
    config.eq_ignore_ascii_case("CONFIG")
        && set.eq_ignore_ascii_case("SET")
        && settings.iter().step_by(2).any(|name| is_one_of(&PROTECTED_SETTINGS, name))
}

/// Ignores case.
fn is_one_of(names: &[&str], name: &str) -> bool {
    names.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// The commands and replies of an example with prompts. Without them, every line is a command and
/// the dialogue is empty.
pub(super) fn dialogue(content: &BlockText, problems: &mut Problems) -> Vec<ExampleExchange> {
    if !content.lines().any(|(line, _)| split_prompt(line).is_some()) {
        for (line, span) in content.lines() {
            check_example_line(line, span, problems);
        }
        return Vec::new();
    }
    let mut exchanges: Vec<ExampleExchange> = Vec::new();
    for (line, span) in content.lines() {
        if let Some((_, command)) = split_prompt(line) {
            // A session ends with a prompt.
            if words::is_comment(command) {
                continue;
            }
            check_example_line(command, span.end - command.len()..span.end, problems);
            let command = command.trim().to_owned();
            let (reply, reply_lines) = (String::new(), Vec::new());
            exchanges.push(ExampleExchange { command, reply, span, reply_lines });
        } else if let Some(exchange) = exchanges.last_mut() {
            exchange.reply.push_str(line);
            exchange.reply.push('\n');
            exchange.reply_lines.push(span);
        } else if !words::is_comment(line) {
            let help = Some("begin every command of this block with `> `".to_owned());
            problems.error(span, "a reply without a command", help);
        }
    }
    for exchange in &mut exchanges {
        exchange.reply.truncate(exchange.reply.trim_end().len());
        exchange.reply_lines.truncate(exchange.reply.lines().count());
    }
    exchanges
}

/// Nothing runs behind a command that never ends.
fn check_example_line(line: &str, span: Span, problems: &mut Problems) {
    check_command(line, span.clone(), Place::Anywhere, problems);
    if is_endless(line) {
        let name = line.split_whitespace().next().unwrap_or_default();
        let help = "mark the block with `norun`, which only shows it";
        problems.error(span, format!("`{name}` never ends"), Some(help.to_owned()));
    }
}

fn check_command(line: &str, span: Span, place: Place, problems: &mut Problems) {
    if words::is_comment(line) {
        return;
    }
    let command = line.trim();
    let start = span.start + line.len() - line.trim_start().len();
    let span = start..start + command.len();
    if runner_line::is_for_the_runner(command) {
        match runner_line::read(command, place) {
            Err((message, help)) => problems.error(span, message, help),
            Ok(RunnerLine::WaitFor(awaited)) => {
                if let Some(message) = runner_line::unknown_field(&awaited.field) {
                    problems.warning(span, message, None);
                }
            }
            Ok(_) => {}
        }
    } else if let Err(error) = words::split(command) {
        problems.error(span, format!("redis-cli refuses this line: {error}"), None);
    }
}
