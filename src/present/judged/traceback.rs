//! What a Python program printed to standard error, cut to what its author can act on: the frames
//! of the answer's own files, and the exception.

use std::collections::BTreeMap;
use std::path::Path;

use crate::present::plain;
use crate::present::text::number;
use crate::traceback::{chain, is_of, place};

/// A recursion over several functions has hundreds of frames.
const FIRST_FRAMES: usize = 2;
const LAST_FRAMES: usize = 3;
/// The maximum number of lines outside frames in a row: an exception's message, or a program's own
/// words.
const LINES: usize = 6;

/// The lines to show; as they are if there is no traceback.
pub(super) fn shortened(stderr: &str) -> Vec<String> {
    let parts = chained(stderr);
    let last = parts.len() - 1;
    let mut hidden = Hidden::default();
    let mut lines = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        // An exception inside a library that led to another one there says nothing new.
        if index < last
            && !part.iter().any(|line| matches!(line, Line::Frame(frame) if frame.is_own()))
        {
            hidden.count_all(part);
            continue;
        }
        lines.extend(shown(part, &mut hidden));
    }
    lines.extend(hidden.note());
    lines
}

/// Where the answer's own file raised the exception or called what raised it. An answer without a
/// path was written to a file of its own name.
pub(super) fn last_line_in(answer: Option<&Path>, stderr: &str) -> Option<usize> {
    let last = chained(stderr).pop()?;
    last.iter().rev().find_map(|line| match line {
        Line::Frame(frame) if is_of(frame.path, answer) => Some(frame.number),
        _ => None,
    })
}

/// A line of a traceback, or a frame with all its lines.
enum Line<'t> {
    Frame(Frame<'t>),
    Other(&'t str),
}

struct Frame<'t> {
    /// `|` and spaces that an exception group puts in front.
    margin: &'t str,
    path: &'t str,
    number: usize,
    /// `main`; `None` in a file's own code.
    function: Option<&'t str>,
    code: Vec<&'t str>,
}

/// The lines of each exception of a chain, at least one, possibly empty.
fn chained(stderr: &str) -> Vec<Vec<Line<'_>>> {
    let mut parts = vec![Vec::new()];
    let mut lines = stderr.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(mut frame) = Frame::begin(line) {
            while let Some(code) = lines.next_if(|next| frame.has(next)) {
                frame.code.push(code);
            }
            parts.last_mut().expect("it is never empty").push(Line::Frame(frame));
        } else {
            parts.last_mut().expect("it is never empty").push(Line::Other(line));
            if chain(line.trim_start_matches([' ', '|'])).is_some() {
                parts.push(Vec::new());
            }
        }
    }
    parts
}

impl<'t> Frame<'t> {
    /// `  File "answer.py", line 3, in main`.
    fn begin(line: &'t str) -> Option<Self> {
        let text = line.trim_start_matches([' ', '|']);
        let margin = &line[..line.len() - text.len()];
        let (path, number, rest) = place(text)?;
        let function = rest.strip_prefix(", in ").filter(|name| *name != "<module>");
        Some(Self { margin, path, number, function, code: Vec::new() })
    }

    /// Whether a line belongs to this frame: it is indented further, or repeats the frame.
    fn has(&self, line: &str) -> bool {
        let Some(rest) = line.strip_prefix(self.margin) else { return false };
        rest.starts_with("  ") || rest.starts_with("[Previous line repeated")
    }

    fn is_own(&self) -> bool {
        self.library().is_none()
    }

    /// The name of the library that it belongs to.
    fn library(&self) -> Option<String> {
        for folder in ["/site-packages/", "/dist-packages/"] {
            if let Some((_, inside)) = self.path.split_once(folder) {
                let name = inside.split(['/', '.']).next().unwrap_or(inside);
                return Some(if name == "redis" { "redis-py" } else { name }.to_owned());
            }
        }
        // It leads the answer's connections to the lesson's server.
        if self.path.ends_with("/sitecustomize.py") {
            return Some("redislings".to_owned());
        }
        let is_pythons = self.path.contains("/lib/python3") || self.path.starts_with("<frozen ");
        is_pythons.then(|| "Python".to_owned())
    }

    /// Its place and its code, without the signs below the code.
    fn shown(&self) -> Vec<String> {
        let function = self.function.map(|name| format!(", in {name}")).unwrap_or_default();
        let margin = self.margin.strip_prefix("  ").unwrap_or(self.margin);
        let file = short_path(self.path);
        let mut lines = vec![format!("{margin}{file}, line {}{function}", self.number)];
        for line in &self.code {
            if !line.trim_start_matches([' ', '|']).chars().all(|c| " ^~".contains(c)) {
                lines.push(line.strip_prefix("  ").unwrap_or(line).to_owned());
            }
        }
        lines
    }
}

/// From the folder of the answers on; elsewhere the name alone.
pub(super) fn short_path(path: &str) -> &str {
    let from = path.rfind("/answers/").or_else(|| path.rfind('/'));
    let Some(at) = from else { return path };
    &path[at + 1..]
}

/// How many frames are left out, by library.
#[derive(Default)]
struct Hidden(BTreeMap<String, usize>);

impl Hidden {
    fn count(&mut self, frame: &Frame<'_>) {
        let library = frame.library().unwrap_or_else(|| "your code".to_owned());
        *self.0.entry(library).or_default() += 1;
    }

    fn count_all(&mut self, lines: &[Line<'_>]) {
        for line in lines {
            if let Line::Frame(frame) = line {
                self.count(frame);
            }
        }
    }

    /// `… 6 frames inside redis-py`.
    fn note(&self) -> Option<String> {
        let mut counts = Vec::new();
        for (library, count) in &self.0 {
            counts.push(format!("{} inside {library}", number(*count, "frame")));
        }
        let dots = plain::sign_or("… ", "not shown: ");
        (!counts.is_empty()).then(|| format!("{dots}{}", counts.join(", ")))
    }
}

/// The lines of one exception.
fn shown(part: &[Line<'_>], hidden: &mut Hidden) -> Vec<String> {
    let own =
        part.iter().filter(|line| matches!(line, Line::Frame(frame) if frame.is_own())).count();
    let (mut seen, mut others, mut lines) = (0, Vec::new(), Vec::new());
    for line in part {
        match line {
            Line::Other(line) => others.push(*line),
            Line::Frame(frame) => {
                lines.extend(cut(&std::mem::take(&mut others)));
                seen += usize::from(frame.is_own());
                let is_inner = seen > FIRST_FRAMES && seen + LAST_FRAMES <= own;
                if frame.is_own() && !is_inner {
                    lines.extend(frame.shown());
                } else {
                    hidden.count(frame);
                }
            }
        }
    }
    lines.extend(cut(&others));
    lines
}

/// The first and the last lines, without what only announces a traceback.
fn cut(lines: &[&str]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for line in lines {
        if !line.ends_with("(most recent call last):") && !line.trim().is_empty() {
            kept.push((*line).to_owned());
        }
    }
    if kept.len() > LINES {
        let rest = kept.len() - LINES + 1;
        let dots = plain::sign_or("… ", "");
        kept.splice(LINES / 2..LINES / 2 + rest, [format!("{dots}{rest} more lines")]);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traceback::CHAINED;

    const LIBRARY: &str = "  File \"/venv/lib/python3.11/site-packages/redis/client.py\", line 668, in f\n    \
                           return g()\n           ^^^\n";

    fn short(stderr: &str) -> String {
        shortened(stderr).join("\n")
    }

    fn raised(frames: &str, exception: &str) -> String {
        format!("Traceback (most recent call last):\n{frames}{exception}\n")
    }

    #[test]
    fn a_traceback_keeps_the_answers_own_frames_and_the_exception() {
        let own = "  File \"/home/a/answers/b.py\", line 6, in <module>\n    client.save()\n    ^^^^^^^^\n";
        let stderr = raised(&format!("{own}{LIBRARY}{LIBRARY}"), "redis.ResponseError: busy");
        insta::assert_snapshot!(short(&stderr), @"
        answers/b.py, line 6
          client.save()
        redis.ResponseError: busy
        … 2 frames inside redis-py
        ");
        assert_eq!(last_line_in(Some(Path::new("/home/a/answers/b.py")), &stderr), Some(6));
        assert_eq!(last_line_in(Some(Path::new("/home/a/answers/a.py")), &stderr), None);
    }

    #[test]
    fn what_only_a_library_raised_on_the_way_is_left_out() {
        let own = "  File \"/tmp/x/answer.py\", line 3, in main\n    client.get('a')\n";
        let first = raised(LIBRARY, "ConnectionRefusedError: [Errno 111]");
        let second = raised(&format!("{own}{LIBRARY}"), "redis.ConnectionError: Error 111");
        let stderr = format!("{first}\n{}\n\n{second}", CHAINED[1].0);
        insta::assert_snapshot!(short(&stderr), @"
        answer.py, line 3, in main
          client.get('a')
        redis.ConnectionError: Error 111
        … 2 frames inside redis-py
        ");
    }

    #[test]
    fn a_cause_in_the_answer_is_kept() {
        let own = "  File \"/tmp/x/answer.py\", line 3, in main\n    1 / 0\n    ~~^~~\n";
        let first = raised(own, "ZeroDivisionError: division by zero");
        let second =
            raised("  File \"/tmp/x/answer.py\", line 5, in <module>\n    raise E from e\n", "E");
        insta::assert_snapshot!(short(&format!("{first}\n{}\n\n{second}", CHAINED[0].0)), @"
        answer.py, line 3, in main
          1 / 0
        ZeroDivisionError: division by zero
        The above exception was the direct cause of the following exception:
        answer.py, line 5
          raise E from e
        E
        ");
    }

    #[test]
    fn an_exception_group_keeps_its_exceptions() {
        let stderr = "  + Exception Group Traceback (most recent call last):\n  \
                      |   File \"/tmp/x/answer.py\", line 3, in <module>\n  \
                      |     raise ExceptionGroup('two', [a, b])\n  \
                      | ExceptionGroup: two (2 sub-exceptions)\n  \
                      +-+---------------- 1 ----------------\n    \
                      | Traceback (most recent call last):\n    \
                      |   File \"/usr/lib/python3.11/site-packages/redis/client.py\", line 1, in f\n    \
                      |     raise E\n    \
                      | ValueError: one\n    \
                      | a note\n    \
                      +---------------- 2 ----------------\n    \
                      | ValueError: two\n    \
                      +------------------------------------\n";
        insta::assert_snapshot!(short(stderr), @"
        |   answer.py, line 3
        |     raise ExceptionGroup('two', [a, b])
          | ExceptionGroup: two (2 sub-exceptions)
          +-+---------------- 1 ----------------
            | ValueError: one
            | a note
            +---------------- 2 ----------------
            | ValueError: two
            +------------------------------------
        … 1 frame inside redis-py
        ");
    }

    #[test]
    fn a_message_of_several_lines_and_notes_are_kept() {
        let own = "  File \"/tmp/x/answer.py\", line 3, in <module>\n    f()\n";
        let stderr = raised(own, "ValueError: one\n  two\nthree\na note");
        insta::assert_snapshot!(short(&stderr), @"
        answer.py, line 3
          f()
        ValueError: one
          two
        three
        a note
        ");
    }

    #[test]
    fn a_syntax_error_shows_its_line() {
        let stderr = "  File \"/tmp/x/answer.py\", line 2\n    print(\n         ^\nSyntaxError: '(' was never closed\n";
        insta::assert_snapshot!(short(stderr), @"
        answer.py, line 2
          print(
        SyntaxError: '(' was never closed
        ");
    }

    #[test]
    fn of_a_deep_recursion_the_first_and_the_last_frames_are_kept() {
        let frame = "  File \"/tmp/x/answer.py\", line 3, in f\n    g()\n";
        let lines = shortened(&raised(&frame.repeat(40), "RecursionError: too deep"));
        assert_eq!(lines.len(), (FIRST_FRAMES + LAST_FRAMES) * 2 + 2, "{lines:#?}");
        assert_eq!(lines.last().unwrap(), "… 35 frames inside your code");
    }

    #[test]
    fn what_is_no_traceback_is_cut_in_the_middle() {
        let stderr: Vec<String> = (1..=20).map(|number| format!("line {number}")).collect();
        insta::assert_snapshot!(short(&stderr.join("\n")), @"
        line 1
        line 2
        line 3
        … 15 more lines
        line 19
        line 20
        ");
    }
}
