//! Examples: what is run of them, and what is wrong with a run.

use std::time::Duration;

use crate::attempt::Run;
use crate::attempt::evidence::ProgramEnd;
use crate::lesson::{Example, Exchange, Exercise, Lesson};

const EXAMPLE_LIMIT: Duration = Duration::from_secs(10);

/// How long an example may run.
pub fn example_limit(exercise: Option<&Exercise>) -> Duration {
    exercise.map_or(EXAMPLE_LIMIT, |exercise| exercise.time_limit)
}

/// What is to be run of an example: of a dialogue, what stands behind `> `.
pub fn commands_of(example: &Example) -> String {
    if example.dialogue.is_empty() {
        return example.code.text.clone();
    }
    example.dialogue.iter().fold(String::new(), |text, exchange| text + &exchange.command + "\n")
}

/// The line of the first command, from 1, that is not answered as it must be.
pub fn example_line(lesson: &Lesson, example: &Example, run: &Run) -> Option<usize> {
    let Run::Typed(typed) = run else { return None };
    if example.dialogue.is_empty() {
        let failed = typed.exchanges.iter().find(|it| is_error(&it.reply))?;
        let line = example.code.text.lines().position(|line| line.trim() == failed.line)?;
        return Some(lesson.line_of(example.code.span.start) + 1 + line);
    }
    let mut asked = example.dialogue.iter().zip(&typed.exchanges);
    let (wanted, _) = asked.find(|(wanted, seen)| !is_answered(wanted, &seen.reply))?;
    Some(lesson.line_of(wanted.span.start))
}

/// Whether a reply is as the lesson has it, if it has one.
pub(super) fn is_answered(wanted: &Exchange, reply: &str) -> bool {
    wanted.reply.is_empty() || is_like(reply, &wanted.reply)
}

/// What is wrong with an example's run.
pub fn example_problems(example: &Example, run: &Run) -> Vec<String> {
    let mut problems = Vec::new();
    match run {
        _ if run.timed_out() => problems.push("the example does not end in time".to_owned()),
        Run::Program(program) => {
            if program.end != ProgramEnd::Exited(0) {
                let last = program.stderr.text.lines().last().unwrap_or("it printed no error");
                problems.push(format!("the example ends with an error: {last}"));
            }
        }
        Run::Typed(typed) if example.dialogue.is_empty() => {
            let failed = typed.exchanges.iter().filter(|it| is_error(&it.reply));
            problems.extend(failed.map(|it| format!("`{}` is answered by {}", it.line, it.reply)));
        }
        Run::Typed(typed) => {
            for (wanted, seen) in example.dialogue.iter().zip(&typed.exchanges) {
                if !is_answered(wanted, &seen.reply) {
                    let (reply, wanted) = (&seen.reply, &wanted.reply);
                    problems.push(format!(
                        "`{}` is answered by `{reply}`, the lesson says `{wanted}`",
                        seen.line
                    ));
                }
            }
        }
    }
    problems
}

fn is_error(reply: &str) -> bool {
    ["(error)", "Invalid argument(s)", "Error:", "Could not connect"]
        .iter()
        .any(|it| reply.starts_with(it))
}

/// Whether `text` is `pattern`, in which `...` stands for anything, line ends included.
pub(super) fn is_like(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.trim_end().split("...");
    let (text, first) = (text.trim_end(), parts.next().unwrap_or_default());
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        if let Some(passed) = last.replace(part) {
            let Some(at) = rest.find(passed) else { return false };
            rest = &rest[at + passed.len()..];
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_dots_stand_for_anything() {
        assert!(is_like("(integer) 1795", "(integer) ..."));
        assert!(is_like("a\nb\nc", "a\n...\nc"));
        assert!(is_like("role:master", "...master"));
        assert!(!is_like("role:master", "...slave"));
    }

    #[test]
    fn without_dots_the_reply_is_compared_whole() {
        assert!(is_like("OK", "OK") && is_like("OK\n", "OK"));
        assert!(!is_like("OK!", "OK"));
    }

    #[test]
    fn a_part_is_not_used_twice() {
        assert!(!is_like("ab", "ab...b"));
        assert!(is_like("abb", "ab...b"));
    }
}
