//! Examples: the commands to run, and the problems of a run.

use std::time::Duration;

use crate::attempt::Run;
use crate::attempt::evidence::{ProgramEnd, ProgramRun, Typed, TypedExchange};
use crate::differing::{around, beginning, differing};
use crate::lesson::pattern::is_like;
use crate::lesson::{Example, ExampleExchange, Exercise, Language, Lesson};
use crate::redis_cli::words;
use crate::traceback;

const EXAMPLE_LIMIT: Duration = Duration::from_secs(10);
/// Stands for anything in a reply.
const DOTS: &str = "...";

/// The time limit of an example.
pub fn example_limit(exercise: Option<&Exercise>) -> Duration {
    exercise.map_or(EXAMPLE_LIMIT, |exercise| exercise.time_limit)
}

/// What an example's own commands were answered, without those that it goes on from.
pub(super) fn own_exchanges<'r>(example: &Example, typed: &'r Typed) -> &'r [TypedExchange] {
    let before = example.before.iter().flat_map(|code| code.lines());
    let commands = before.filter(|line| !words::is_comment(line)).count();
    typed.exchanges.get(commands..).unwrap_or_default()
}

/// Why a name that an earlier example gave is not known.
pub(super) fn runs_alone(lesson: &Lesson, example: &Example, run: &Run) -> Option<String> {
    let Run::Program(program) = run else { return None };
    let last = program.stderr.text.lines().last()?;
    let (name, _) = last.strip_prefix("NameError: name '")?.split_once('\'')?;
    let earlier = lesson.steps.iter().flat_map(|step| &step.examples);
    let mut earlier = earlier.take_while(|other| other.code.span.start < example.code.span.start);
    let is_from_above = example.continued.is_none()
        && earlier.any(|other| other.code.language == Language::Python && names(other, name));
    is_from_above.then(|| {
        format!(
            "each example runs alone, and `{name}` is from one above: write `python continued` \
             where an example goes on from the one before"
        )
    })
}

/// Whether the example's code has this word of Python.
fn names(example: &Example, name: &str) -> bool {
    let mut words = example.code.text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.any(|word| word == name)
}

/// The line, from 1, of the first command with an unexpected reply, or at which a program raised
/// the exception that ended it.
pub fn example_line(lesson: &Lesson, example: &Example, run: &Run) -> Option<usize> {
    let typed = match run {
        Run::Typed(typed) => typed,
        Run::Program(program) => {
            let line = traceback::raised(&program.stderr.text).and_then(|raised| raised.line)?;
            // It may have failed in what it goes on from.
            let own = line
                .checked_sub(example.before.concat().lines().count())
                .filter(|line| *line > 0)?;
            return Some(lesson.line_of(example.code.span.start) + own);
        }
    };
    if example.dialogue.is_empty() {
        let failed =
            own_exchanges(example, typed).iter().find(|exchange| is_error(&exchange.reply))?;
        let line = example.code.text.lines().position(|line| line.trim() == failed.line)?;
        return Some(lesson.line_of(example.code.span.start) + 1 + line);
    }
    let mut exchanges = example.dialogue.iter().zip(own_exchanges(example, typed));
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
        Run::Program(program) => problems.push(format!("the example failed: {}", failure(program))),
        Run::Typed(typed) if example.dialogue.is_empty() => {
            for TypedExchange { line, reply, .. } in own_exchanges(example, typed) {
                if is_error(reply) {
                    let (line, reply) = (beginning(line), beginning(reply));
                    problems.push(format!("`{line}` is answered by {reply}"));
                }
            }
        }
        Run::Typed(typed) => {
            for (wanted, TypedExchange { line, reply, .. }) in
                example.dialogue.iter().zip(own_exchanges(example, typed))
            {
                let line = beginning(line);
                if is_unwritten_error(wanted, reply) {
                    let (reply, help) =
                        (beginning(reply), "write it below the command if it is meant");
                    problems.push(format!("`{line}` is answered by `{reply}`: {help}"));
                } else if !is_answered(wanted, reply) {
                    let (reply, says) = apart(reply, &wanted.reply);
                    let says = format!("the lesson says `{says}`");
                    problems.push(format!("`{line}` is answered by `{reply}`, {says}"));
                }
            }
        }
    }
    problems
}

/// How a program ended that did not end well.
fn failure(program: &ProgramRun) -> String {
    let raised = traceback::raised(&program.stderr.text);
    // Python ends like this after an exception.
    if let (Some(raised), ProgramEnd::Exited(1)) = (raised, program.end) {
        let texts = std::iter::once(&raised.exception).chain(&raised.before);
        return texts.map(|text| beginning(text)).collect::<Vec<_>>().join("\n");
    }
    let last = program.stderr.text.lines().rfind(|line| !line.trim().is_empty());
    let said = match last {
        Some(line) => format!("; its last error message: {}", beginning(line)),
        None => ", without an error message".to_owned(),
    };
    match program.end {
        ProgramEnd::Exited(status) => format!("exit status {status}{said}"),
        ProgramEnd::Signalled(signal) => format!("signal {signal} ended it{said}"),
        ProgramEnd::TimedOut => format!("it ran out of time{said}"),
    }
}

/// A reply and the one in the lesson, if they are long only where they differ.
fn apart(reply: &str, wanted: &str) -> (String, String) {
    if !wanted.contains(DOTS) {
        return differing(reply, wanted);
    }
    // As far as the reply is like the lesson's.
    let ends: Vec<usize> = wanted.char_indices().map(|(at, _)| at).collect();
    let alike = ends.partition_point(|end| is_like(reply, &format!("{}{DOTS}", &wanted[..*end])));
    let at = alike.checked_sub(1).map_or(0, |index| ends[index]);
    let before = wanted[..at].rsplit(DOTS).next().unwrap_or_default();
    let in_reply = reply.find(before).map_or(0, |found| found + before.len());
    (around(reply, in_reply), around(wanted, at))
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
    use crate::attempt::evidence::Output;

    fn ended(end: ProgramEnd, stderr: &str) -> String {
        let stderr = Output { text: stderr.to_owned(), ..Output::default() };
        failure(&ProgramRun { end, stdout: Output::default(), stderr })
    }

    #[test]
    fn an_exception_is_named_with_what_led_to_it() {
        let stderr = "Traceback (most recent call last):\n  File \"answer.py\", line 1\n    1/0\n\
                      ZeroDivisionError: division by zero\n\nThe above exception was the direct \
                      cause of the following exception:\n\nTraceback (most recent call last):\n  \
                      File \"answer.py\", line 3\n    raise\nRuntimeError: wrapped\n  twice\n";
        assert_eq!(
            ended(ProgramEnd::Exited(1), stderr),
            "RuntimeError: wrapped\n  twice\ncaused by ZeroDivisionError: division by zero"
        );
    }

    #[test]
    fn without_an_exception_the_end_of_a_program_is_told() {
        let told = ended(ProgramEnd::Exited(1), "Traceback follows\n\n");
        assert_eq!(told, "exit status 1; its last error message: Traceback follows");
        assert_eq!(ended(ProgramEnd::Exited(3), ""), "exit status 3, without an error message");
    }

    #[test]
    fn long_replies_are_cut_where_they_differ_from_a_pattern() {
        let reply = format!("{}b{}", "a".repeat(5000), "c".repeat(5000));
        let (found, wanted) = apart(&reply, &format!("...ab{}d", "c".repeat(4000)));
        assert!(found.len() < 300 && wanted.len() < 300, "{found} {wanted}");
        assert!(wanted.contains("cd"), "{wanted}");
        assert!(found.contains("cccc") && !found.contains('b'), "{found}");
    }

    #[test]
    fn an_error_in_an_array_is_an_error() {
        assert!(is_error("1) OK\n2) (error) WRONGTYPE Operation") && is_error("(error) ERR"));
        assert!(!is_error("1) OK\n2) \"(error) no\"") && !is_error("(nil)"));
    }
}
