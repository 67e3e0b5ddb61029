//! Finds the examples of a section, and what each of them goes on from.

use std::collections::BTreeMap;

use super::super::problem::Problems;
use super::super::{Example, Language, Span, Step};
use super::fence::Role;
use super::outline::FencedBlock;
use super::redis_lines;
use crate::redis_cli::prompt;

/// Python's own prompt, which is no Python.
const PYTHON_PROMPT: &str = ">>> ";
const NOT_RUN: &str = ": the block is not run";

/// The blocks that the student sees and can run; not those in hints and other alerts that are
/// shown later, and next to solutions. In a section without an exercise (`is_exercise`) a block
/// with an error is only shown.
pub(super) fn examples_of<'b>(
    blocks: impl Iterator<Item = &'b FencedBlock>,
    hidden: &[Span],
    is_exercise: bool,
    problems: &mut Problems,
) -> Vec<Example> {
    let mut examples = Vec::new();
    for block in blocks {
        let Role::Example(language) = block.fence.role else {
            look_for_commands(block, problems);
            continue;
        };
        let (example, has_error) = problems
            .forgiving_if(!is_exercise, NOT_RUN, |problems| example(block, language, problems));
        if has_error && !is_exercise {
            continue;
        }
        let is_hidden = hidden.iter().any(|span| span.contains(&block.span.start));
        if !is_hidden && !block.in_alert {
            examples.push(example);
        }
    }
    examples
}

fn example(block: &FencedBlock, language: Language, problems: &mut Problems) -> Example {
    let content = &block.content;
    // A misspelt word may be the one that says why it is empty.
    let has_slip = !block.fence.slips.is_empty() || problems.has_error_in(&block.opening_line());
    if content.is_blank() && !has_slip {
        let help = Some("write something to run, or mark the block with `norun`".to_owned());
        problems.error(block.opening_line(), "the example is empty", help);
    }
    let dialogue = match language {
        Language::Redis => redis_lines::dialogue(content, problems),
        Language::Python => Vec::new(),
    };
    let prompt = content.lines().find(|(line, _)| line.trim_start().starts_with(PYTHON_PROMPT));
    if let (Some((_, span)), Language::Python) = (prompt, language) {
        let help = "write the program without prompts, and what it prints below the block";
        problems.error(span, "`>>>` is Python's prompt, not Python", Some(help.to_owned()));
    }
    let continued = block.fence.continued.clone();
    Example { code: block.code(language), dialogue, continued, before: Vec::new() }
}

/// Warns about commands in a block that is only shown, although nobody has said that it is text.
fn look_for_commands(block: &FencedBlock, problems: &mut Problems) {
    let mut lines = block.content.lines().filter(|_| block.fence.may_be_code);
    if let Some((_, span)) = lines.find(|(line, _)| prompt::is_redis(line)) {
        let help = "write it as a `redis` block, or as `text` if it is only to be shown";
        let message = "the block shows Redis commands, and is not run";
        problems.warning(span, message, Some(help.to_owned()));
    }
}

/// Gives each example that goes on from the one above what runs before it.
pub(super) fn join(steps: &mut [Step], problems: &mut Problems) {
    let mut last: BTreeMap<Language, Vec<String>> = BTreeMap::new();
    for example in steps.iter_mut().flat_map(|step| &mut step.examples) {
        let language = example.code.language;
        let earlier = last.remove(&language);
        if let Some(span) = &example.continued {
            if earlier.is_none() {
                let help = Some(format!("there is no `{language}` example above it"));
                problems.error(span.clone(), "`continued` goes on from nothing", help);
            }
            example.before = earlier.unwrap_or_default();
        }
        let mut code = example.before.clone();
        code.push(example.own_code());
        last.insert(language, code);
    }
}
