//! What Python prints about an exception that nobody caught.

use std::path::Path;

/// What stands between an exception and the one that it led to, and how to say so from the other
/// end.
pub const CHAINED: [(&str, &str); 2] = [
    ("The above exception was the direct cause of the following exception:", "caused by"),
    (
        "During handling of the above exception, another exception occurred:",
        "raised while handling",
    ),
];
const HEADER: &str = "Traceback (most recent call last):";
const GROUP_HEADER: &str = "  + Exception Group Traceback (most recent call last):";
/// What stands before each line of a group that is not inside of another.
const GROUP_MARGIN: &str = "  | ";
/// The file of an answer that has none of its own.
const PROGRAM: &str = "answer.py";

/// The place in `File "answer.py", line 3, in main`, and the rest of the line.
pub fn place(text: &str) -> Option<(&str, usize, &str)> {
    let (path, rest) = text.strip_prefix("File \"")?.split_once("\", line ")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    Some((path, rest[..digits].parse().ok()?, &rest[digits..]))
}

/// Whether the answer has this path. One without a path was written to a file of its own name.
pub fn is_of(path: &str, answer: Option<&Path>) -> bool {
    match answer {
        Some(answer) => Path::new(path) == answer,
        None => Path::new(path).file_name().is_some_and(|name| name == PROGRAM),
    }
}

/// The exception that ended a program.
#[derive(Debug, PartialEq, Eq)]
pub struct Raised {
    /// `ValueError: no`, with all lines of its message and its notes.
    pub exception: String,
    /// The innermost line, from 1, of an answer without a path.
    pub line: Option<usize>,
    /// `caused by KeyError: 'a'`, the closest first.
    pub before: Vec<String>,
}

/// The exception at the end of what a program printed to standard error.
pub fn raised(stderr: &str) -> Option<Raised> {
    let lines: Vec<&str> = stderr.lines().collect();
    let mut before = Vec::new();
    let mut blocks = lines.split_inclusive(|line| chain(line).is_some()).rev();
    let (exception, line) = last_exception(blocks.next()?)?;
    for block in blocks {
        let Some((last, rest)) = block.split_last() else { break };
        let (Some(how), Some((exception, _))) = (chain(last), last_exception(rest)) else { break };
        before.push(format!("{how} {}", exception.lines().next().unwrap_or_default()));
    }
    Some(Raised { exception, line, before })
}

/// How to say what this line stands for between two exceptions.
pub fn chain(line: &str) -> Option<&'static str> {
    CHAINED.iter().find(|(text, _)| *text == line).map(|(_, how)| *how)
}

/// The last exception in these lines that is not inside of a group, and where it was raised.
fn last_exception(lines: &[&str]) -> Option<(String, Option<usize>)> {
    let header = lines.iter().rposition(|line| *line == HEADER || *line == GROUP_HEADER);
    // A syntax error of the program itself has no header.
    let start = match header {
        Some(at) => at + 1,
        None => lines.iter().rposition(|line| line.starts_with("  File \""))?,
    };
    let is_group = header.is_some_and(|at| lines[at] == GROUP_HEADER);
    let margin = if is_group { GROUP_MARGIN } else { "" };
    let own = lines[start..].iter().map_while(|line| line.strip_prefix(margin));
    let own: Vec<&str> = own.collect();
    let frames = own.iter().take_while(|line| line.starts_with("  ")).count();
    let places = own[..frames].iter().rev().filter_map(|line| place(line.trim_start()));
    let line = places.into_iter().find(|(path, ..)| is_of(path, None)).map(|(_, line, _)| line);
    let exception = own[frames..].join("\n").trim_end().to_owned();
    (!exception.is_empty()).then_some((exception, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traceback(line: usize, exception: &str) -> String {
        format!(
            "{HEADER}\n  File \"/tmp/x/answer.py\", line {line}, in <module>\n    f()\n    ^^^\n{exception}\n"
        )
    }

    fn found(stderr: &str) -> (String, Option<usize>, Vec<String>) {
        let Raised { exception, line, before } = raised(stderr).unwrap();
        (exception, line, before)
    }

    #[test]
    fn a_message_of_several_lines_belongs_to_the_exception() {
        let message = "Bad: the order 17 is missing\n  expected: paid\n  found: nil";
        assert_eq!(found(&traceback(2, message)), (message.to_owned(), Some(2), Vec::new()));
    }

    #[test]
    fn a_note_follows_the_message() {
        let stderr = format!("before\n{}", traceback(2, "ValueError: real cause\nsee the docs"));
        assert_eq!(found(&stderr).0, "ValueError: real cause\nsee the docs");
    }

    #[test]
    fn the_line_is_the_innermost_of_the_answer() {
        let stderr = format!(
            "{HEADER}\n  File \"/tmp/x/answer.py\", line 9, in <module>\n    f()\n  File \
             \"/tmp/x/answer.py\", line 3, in f\n    g()\n  File \"/lib/redis/client.py\", line 7, \
             in g\n    raise E\nredis.exceptions.ConnectionError: Error 111\n"
        );
        assert_eq!(found(&stderr).1, Some(3));
    }

    #[test]
    fn what_led_to_an_exception_is_named() {
        let stderr = format!(
            "{}\n{}\n\n{}\n{}\n\n{}",
            traceback(1, "KeyError: 'a'"),
            CHAINED[1].0,
            traceback(2, "ValueError: b\nnote"),
            CHAINED[0].0,
            traceback(3, "RuntimeError: wrapped")
        );
        let before = ["caused by ValueError: b", "raised while handling KeyError: 'a'"];
        assert_eq!(
            found(&stderr),
            ("RuntimeError: wrapped".to_owned(), Some(3), before.map(str::to_owned).to_vec())
        );
    }

    #[test]
    fn a_group_is_named_and_not_what_is_in_it() {
        let stderr = "  + Exception Group Traceback (most recent call last):\n  \
                      |   File \"/tmp/x/answer.py\", line 2, in <module>\n  \
                      |     raise ExceptionGroup('two things', [a, b])\n  \
                      | ExceptionGroup: two things (2 sub-exceptions)\n  \
                      +-+---------------- 1 ----------------\n    \
                      | Traceback (most recent call last):\n    \
                      |   File \"/tmp/x/answer.py\", line 1, in <module>\n    \
                      | ValueError: first\n    \
                      +---------------- 2 ----------------\n    \
                      | TypeError: second\n    \
                      +------------------------------------\n";
        let named = "ExceptionGroup: two things (2 sub-exceptions)";
        assert_eq!(found(stderr), (named.to_owned(), Some(2), Vec::new()));
    }

    #[test]
    fn a_syntax_error_has_its_line() {
        let stderr = "  File \"/tmp/x/answer.py\", line 2\n    print(\n         ^\nSyntaxError: '(' \
                      was never closed\n";
        let (exception, line, _) = found(stderr);
        assert_eq!((exception.as_str(), line), ("SyntaxError: '(' was never closed", Some(2)));
    }

    #[test]
    fn what_a_program_prints_itself_is_no_exception() {
        assert_eq!(raised("Traceback follows\n"), None);
        assert_eq!(raised(""), None);
        assert_eq!(raised(HEADER), None);
    }
}
