//! Examples: the commands to run, and the problems of a run.

use std::time::Duration;

use crate::attempt::Run;
use crate::attempt::evidence::{ProgramEnd, TypedExchange};
use crate::lesson::pattern::is_like;
use crate::lesson::{Example, ExampleExchange, Exercise, Lesson};

const EXAMPLE_LIMIT: Duration = Duration::from_secs(10);

/// The time limit of an example.
pub fn example_limit(exercise: Option<&Exercise>) -> Duration {
    exercise.map_or(EXAMPLE_LIMIT, |exercise| exercise.time_limit)
}

/// The code to run: of a dialogue, only the commands after `> `.
pub fn commands_of(example: &Example) -> String {
    if example.dialogue.is_empty() {
        return example.code.text.clone();
    }
    example.dialogue.iter().fold(String::new(), |text, exchange| text + &exchange.command + "\n")
}

/// The line, from 1, of the first command with an unexpected reply.
pub fn example_line(lesson: &Lesson, example: &Example, run: &Run) -> Option<usize> {
    let Run::Typed(typed) = run else { return None };
    if example.dialogue.is_empty() {
        let failed = typed.exchanges.iter().find(|exchange| is_error(&exchange.reply))?;
        let line = example.code.text.lines().position(|line| line.trim() == failed.line)?;
        return Some(lesson.line_of(example.code.span.start) + 1 + line);
    }
    let mut exchanges = example.dialogue.iter().zip(&typed.exchanges);
    let (wanted, _) = exchanges.find(|(wanted, seen)| !is_answered(wanted, &seen.reply))?;
    Some(lesson.line_of(wanted.span.start))
}

/// Whether the reply matches the lesson's, if the lesson gives one. An error that is meant is
/// written.
pub(super) fn is_answered(wanted: &ExampleExchange, reply: &str) -> bool {
    !is_unwritten_error(wanted, reply) && (wanted.reply.is_empty() || is_like(reply, &wanted.reply))
}

/// Whether the server answers by an error, of which the lesson says nothing.
pub(super) fn is_unwritten_error(wanted: &ExampleExchange, reply: &str) -> bool {
    is_error(reply) && !is_error(&wanted.reply)
}

/// A sentence for each problem of an example's run.
pub fn example_problems(example: &Example, run: &Run) -> Vec<String> {
    let mut problems = Vec::new();
    match run {
        _ if run.timed_out() => problems.push("the example ran out of time".to_owned()),
        Run::Program(program) if program.end == ProgramEnd::Exited(0) => {}
        Run::Program(program) => {
            let last = program.stderr.text.lines().last().unwrap_or("it printed no error message");
            problems.push(format!("the example failed: {last}"));
        }
        Run::Typed(typed) if example.dialogue.is_empty() => {
            for TypedExchange { line, reply, .. } in &typed.exchanges {
                if is_error(reply) {
                    problems.push(format!("`{line}` is answered by {reply}"));
                }
            }
        }
        Run::Typed(typed) => {
            for (wanted, TypedExchange { line, reply, .. }) in
                example.dialogue.iter().zip(&typed.exchanges)
            {
                if is_unwritten_error(wanted, reply) {
                    let help = "write it below the command if it is meant";
                    problems.push(format!("`{line}` is answered by `{reply}`: {help}"));
                } else if !is_answered(wanted, reply) {
                    let says = format!("the lesson says `{}`", wanted.reply);
                    problems.push(format!("`{line}` is answered by `{reply}`, {says}"));
                }
            }
        }
    }
    problems
}

/// Whether a reply, or one of an array's as EXEC gives it, is an error.
fn is_error(reply: &str) -> bool {
    const ERRORS: [&str; 4] = ["(error)", "Invalid argument(s)", "Error:", "Could not connect"];
    let is_element = |line: &str| without_numbers(line).starts_with(ERRORS[0]);
    ERRORS.iter().any(|prefix| reply.starts_with(prefix)) || reply.lines().any(is_element)
}

/// `1) 2) OK` is `OK`.
fn without_numbers(line: &str) -> &str {
    let mut rest = line.trim_start();
    while let Some((number, after)) = rest.split_once(") ") {
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            break;
        }
        rest = after.trim_start();
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_in_an_array_is_an_error() {
        assert!(is_error("1) OK\n2) (error) WRONGTYPE Operation") && is_error("(error) ERR"));
        assert!(!is_error("1) OK\n2) \"(error) no\"") && !is_error("(nil)"));
    }
}
