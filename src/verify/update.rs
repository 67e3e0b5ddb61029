//! Rewrites the expected replies of examples in a lesson's text to the server's actual replies.

use super::example::{is_answered, is_unwritten_error};
use crate::lesson::pattern::is_like;
use crate::lesson::{ExampleExchange, Lesson, Span};
use crate::redis_cli::prompt;
use crate::sanitize::unsafe_characters;

/// A lesson's text with updated replies.
#[derive(Debug, PartialEq, Eq)]
pub struct Updated {
    /// The whole text.
    pub source: String,
    /// The commands whose replies were rewritten.
    pub commands: Vec<String>,
}

/// `seen` holds exchanges of the lesson's examples, each with the server's reply. Rewrites those
/// that do not match; `None` if all match. The error is a reply that a block cannot hold.
pub fn rewrite(
    lesson: &Lesson,
    seen: &[(&ExampleExchange, &str)],
) -> Result<Option<Updated>, Unwritable> {
    let mut edits = Vec::new();
    for (exchange, reply) in seen {
        // An error that nobody wrote down is a mistake in the command.
        if is_answered(exchange, reply) || is_unwritten_error(exchange, reply) {
            continue;
        }
        let text = expected(&exchange.reply, reply.trim_end());
        if let Some(line) = text.lines().find(|line| opens_something(line)) {
            let (command, line) = (exchange.command.clone(), line.to_owned());
            return Err(Unwritable { command, line, at: lesson.line_of(exchange.span.start) });
        }
        edits.push((*exchange, text));
    }
    if edits.is_empty() {
        return Ok(None);
    }
    let mut source = lesson.source.clone();
    edits.sort_by_key(|(exchange, _)| exchange.span.start);
    for (exchange, text) in edits.iter().rev() {
        replace_reply(&mut source, exchange, text);
    }
    let commands = edits.into_iter().map(|(exchange, _)| exchange.command.clone()).collect();
    Ok(Some(Updated { source, commands }))
}

/// A reply that would be read as something else in a markdown block.
#[derive(Debug, PartialEq, Eq)]
pub struct Unwritable {
    pub command: String,
    /// The line of the reply that a block cannot hold.
    pub line: String,
    /// The command's line in the lesson, from 1.
    pub at: usize,
}

/// Whether the line would be read as the next command or as a fence. A line with control characters
/// counts too, since the loader removes them.
fn opens_something(line: &str) -> bool {
    let line = line.trim_start();
    unsafe_characters(line).next().is_some()
        || prompt::split_redis(line).is_some()
        || line.starts_with("```")
        || line.starts_with("~~~")
}

fn replace_reply(source: &mut String, exchange: &ExampleExchange, text: &str) {
    let (Some(first), Some(last)) = (exchange.reply_lines.first(), exchange.reply_lines.last())
    else {
        return;
    };
    let span: Span = first.start..last.end;
    let line_start = source[..span.start].rfind('\n').map_or(0, |newline| newline + 1);
    // The markers of the lists and quotes around the block.
    let margin = source[line_start..span.start].to_owned();
    let line_end = if source[span.end..].starts_with('\r') { "\r\n" } else { "\n" };
    let lines: Vec<&str> = text.lines().collect();
    source.replace_range(span, &lines.join(&format!("{line_end}{margin}")));
}

/// The new expected reply that replaces `old`. It keeps lines of dots if each line between them has
/// a counterpart in `reply`.
fn expected(old: &str, reply: &str) -> String {
    let dotted = with_dots(old, reply).filter(|new| is_like(reply, new));
    dotted.unwrap_or_else(|| reply.to_owned())
}

fn with_dots(old: &str, reply: &str) -> Option<String> {
    if !old.lines().any(|line| line == "...") {
        return None;
    }
    let mut rest = reply.lines();
    let lines = old.lines().map(|line| match line {
        "..." => Some(line.to_owned()),
        _ => rest.find_map(|seen| counterpart(line, seen)),
    });
    lines.collect::<Option<Vec<String>>>().map(|lines| lines.join("\n"))
}

/// The line to expect for `seen`, if `old` corresponds to it: it matches, or it is the same field.
fn counterpart(old: &str, seen: &str) -> Option<String> {
    if is_like(seen, old) {
        return Some(old.to_owned());
    }
    let field = field_name(old)?;
    (field_name(seen) == Some(field)).then(|| seen.to_owned())
}

fn field_name(line: &str) -> Option<&str> {
    line.split_once(':').map(|(field, _)| field)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::lesson::parse::parse;

    /// The update of a lesson whose examples get these replies.
    fn updated(source: &str, replies: &[&str]) -> Result<Option<Updated>, Unwritable> {
        let (lesson, _) = parse(Path::new("01-l.md"), source.to_owned());
        let lesson = lesson.unwrap();
        let examples = lesson.steps.iter().flat_map(|step| &step.examples);
        let dialogue = examples.flat_map(|example| &example.dialogue);
        let seen: Vec<(&ExampleExchange, &str)> = dialogue.zip(replies.iter().copied()).collect();
        rewrite(&lesson, &seen)
    }

    fn source(source: &str, replies: &[&str]) -> String {
        updated(source, replies).unwrap().unwrap().source
    }

    #[test]
    fn a_reply_that_matches_is_left_alone() {
        assert_eq!(updated("```redis\n> GET a\n(integer) ...\n```\n", &["(integer) 3"]), Ok(None));
        assert_eq!(updated("```redis\n> GET a\n> GET b\n```\n", &["1", "2"]), Ok(None));
    }

    #[test]
    fn only_the_reply_is_rewritten() {
        let old = "# L\n\n```redis\n> GET a\n\"1\"\n\n> GET b\n\"2\"\n```\n\nmore\n";
        let new = "# L\n\n```redis\n> GET a\n1) \"x\"\n2) \"y\"\n\n> GET b\n\"2\"\n```\n\nmore\n";
        assert_eq!(source(old, &["1) \"x\"\n2) \"y\"", "\"2\""]), new);
    }

    #[test]
    fn lines_of_dots_stay_around_fields() {
        let old = "```redis\n> INFO\n...\nloading:0\n...\nsaves:...\nrole:slave\n...\n```\n";
        let reply = "# Server\nx:1\nloading:1\nasync:0\nsaves:7\nrole:master\ny:2\n";
        let new = "```redis\n> INFO\n...\nloading:1\n...\nsaves:...\nrole:master\n...\n```\n";
        assert_eq!(source(old, &[reply]), new);
    }

    #[test]
    fn where_a_field_is_gone_the_whole_reply_is_written() {
        let old = "```redis\n> INFO\n...\ngone:0\n...\n```\n";
        assert_eq!(source(old, &["a:1\nb:2"]), "```redis\n> INFO\na:1\nb:2\n```\n");
    }

    #[test]
    fn the_margin_of_lists_and_quotes_is_kept() {
        let old = "- x\n\n  ```redis\n  > GET a\n  1\n  ```\n\n> ```redis\n> > GET b\n> 2\n> ```\n";
        let new = "- x\n\n  ```redis\n  > GET a\n  3\n  4\n  ```\n\n\
                   > ```redis\n> > GET b\n> 5\n> 6\n> ```\n";
        assert_eq!(source(old, &["3\n4", "5\n6"]), new);
    }

    #[test]
    fn line_ends_are_kept() {
        let old = "```redis\r\n> GET a\r\n1\r\n```\r\n";
        assert_eq!(source(old, &["3\n4"]), "```redis\r\n> GET a\r\n3\r\n4\r\n```\r\n");
    }

    #[test]
    fn a_reply_that_would_be_read_as_a_command_is_not_written() {
        let unwritable = updated("\n```redis\n> GET a\n1\n```\n", &["> x"]).unwrap_err();
        assert_eq!((unwritable.line.as_str(), unwritable.at), ("> x", 3));
    }
}
