//! Problems of a lesson: what is wrong, where, and how to draw it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::{Span, line_of, line_start};
use crate::sanitize::{ShownPath as _, clean};

/// More problems in one line are not reported: they are of one kind.
const MOST_IN_A_LINE: usize = 20;
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Whether a lesson with this problem can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The lesson cannot be used.
    Error,
    /// The lesson can be used; the author should look at it.
    Warning,
}

/// An error or a warning for the author of a lesson.
#[derive(Debug, Clone)]
pub struct Problem {
    pub severity: Severity,
    /// The file, or the folder if no single file is affected.
    pub path: PathBuf,
    /// The whole text of the file, cleaned; empty without a span.
    pub source: Arc<str>,
    /// Bytes of `source`. May be out of range: [`draw`] and [`Problem::position`] clamp it.
    pub span: Option<Span>,
    /// The fact: lower case, no full stop, names in backticks.
    pub message: String,
    /// The next step.
    pub help: Option<String>,
}

impl Problem {
    /// An error about a whole file or folder. Cleans message and help to one line each, because
    /// they may quote a lesson's TOML, where an escape can produce any character.
    pub fn of_path(path: &Path, message: impl Into<String>, help: Option<String>) -> Self {
        Self {
            severity: Severity::Error,
            path: path.to_owned(),
            source: Arc::from(""),
            span: None,
            message: clean(&message.into()).into_owned(),
            help: help.map(|help| clean(&help).into_owned()),
        }
    }

    /// The same as a warning.
    #[must_use]
    pub fn into_warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }

    /// Line and column in characters, both from 1; a byte order mark is not counted.
    pub fn position(&self) -> Option<(usize, usize)> {
        let (text, span) = visible(&self.source, self.span.clone()?);
        let start = line_start(text, span.start);
        Some((line_of(text, start), text[start..span.start].chars().count() + 1))
    }

    /// `path:line:column`, or the path alone.
    pub fn place(&self) -> String {
        let path = self.path.shown();
        match self.position() {
            Some((line, column)) => format!("{path}:{line}:{column}"),
            None => path,
        }
    }
}

/// Draws a problem as rustc does: title, location, source line, caret, help; no final line break.
pub fn draw(problem: &Problem, colored: bool) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let path = problem.path.shown();
    let mut group = Group::with_title(level.primary_title(&problem.message));
    group = match &problem.span {
        Some(span) => {
            let (text, span) = visible(&problem.source, span.clone());
            let caret = AnnotationKind::Primary.span(span);
            group.element(Snippet::source(text).path(path).annotation(caret))
        }
        None => group.element(Origin::path(path)),
    };
    if let Some(help) = &problem.help {
        group = group.element(Level::HELP.message(help));
    }
    let renderer = if colored { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[group])
}

/// The text as editors count it, without a byte order mark, and the span in it.
fn visible(source: &str, span: Span) -> (&str, Span) {
    let text = source.strip_prefix(BYTE_ORDER_MARK).unwrap_or(source);
    let mark = source.len() - text.len();
    let span = clamp(span.start.saturating_sub(mark)..span.end.saturating_sub(mark), text);
    // There is no line to show after the last line break.
    let last = text.trim_end_matches(['\r', '\n']).len();
    if span.start == text.len() { (text, last..last) } else { (text, span) }
}

/// A span that can index `text`: ordered, in range, on character boundaries. Widens a span that
/// begins or ends within a character to the whole character.
pub fn clamp(span: Span, text: &str) -> Span {
    let mut start = span.start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = span.end.clamp(start, text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    start..end
}

/// `` did you mean `stdout`? `` for the candidate nearest to `word`, if one is near.
pub fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(word, candidates).map(|candidate| format!("did you mean `{candidate}`?"))
}

/// What to write in place of `word`: the nearest of the known words, else `{all} {known words}`.
pub fn suggestion(word: &str, known: &[&str], all: &str) -> String {
    let help = did_you_mean(word, known.iter().copied());
    help.unwrap_or_else(|| format!("{all} {}", one_of(known)))
}

/// The candidate that `word` most likely misspells: about one wrong letter in three, at most 3.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let letters = word.chars().count();
    let near = candidates.into_iter().filter_map(|candidate| {
        let others = candidate.chars().count();
        let most = (letters.max(others) / 3).clamp(1, 3);
        // Each letter too many is a wrong one: comparing takes many times as long.
        if letters.abs_diff(others) > most {
            return None;
        }
        let distance = strsim::damerau_levenshtein(&word, &candidate.to_lowercase());
        let is_near = distance <= most && distance < letters.max(others);
        is_near.then_some((distance, candidate))
    });
    near.min_by_key(|&(distance, _)| distance).map(|(_, candidate)| candidate)
}

/// `` `a`, `b` or `c` ``, for messages.
pub fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// The problems of one file, as they are found.
#[derive(Debug)]
pub(super) struct Problems {
    path: PathBuf,
    source: Arc<str>,
    found: Vec<Problem>,
}

impl Problems {
    pub(super) fn new(path: &Path, source: &str) -> Self {
        Self { path: path.to_owned(), source: Arc::from(source), found: Vec::new() }
    }

    pub(super) fn error(&mut self, span: Span, message: impl Into<String>, help: Option<String>) {
        self.add(Severity::Error, span, message.into(), help);
    }

    pub(super) fn warning(&mut self, span: Span, message: impl Into<String>, help: Option<String>) {
        self.add(Severity::Warning, span, message.into(), help);
    }

    /// Turns the errors that `look` finds into warnings if `forgives`, and adds what follows from
    /// them. Returns what it found, and whether there was an error.
    pub(super) fn forgiving_if<R>(
        &mut self,
        forgives: bool,
        consequence: &str,
        look: impl FnOnce(&mut Self) -> R,
    ) -> (R, bool) {
        let before = self.found.len();
        let result = look(self);
        let mut has_error = false;
        for problem in &mut self.found[before..] {
            let is_error = problem.severity == Severity::Error;
            has_error |= is_error;
            if is_error && forgives {
                problem.severity = Severity::Warning;
                problem.message += consequence;
            }
        }
        (result, has_error)
    }

    pub(super) fn add(
        &mut self,
        severity: Severity,
        span: Span,
        message: String,
        help: Option<String>,
    ) {
        let span = Some(clamp(span, &self.source));
        let source = Arc::clone(&self.source);
        let of_path = Problem::of_path(&self.path, message, help);
        self.found.push(Problem { severity, source, span, ..of_path });
    }

    /// Whether an error was found in this part of the text.
    pub(super) fn has_error_in(&self, part: &Span) -> bool {
        self.found.iter().any(|problem| {
            let start = problem.span.as_ref().map_or(0, |span| span.start);
            problem.severity == Severity::Error && part.contains(&start)
        })
    }

    /// Where this text stands in this part of the file.
    pub(super) fn find(&self, text: &str, part: &Span) -> Option<Span> {
        let start = part.start + self.source.get(part.clone())?.find(text)?;
        Some(start..start + text.len())
    }

    pub(super) fn has_error(&self) -> bool {
        self.found.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// In the order of the text.
    pub(super) fn into_sorted(mut self) -> Vec<Problem> {
        self.found.sort_by_key(|problem| problem.span.as_ref().map(|span| span.start));
        // Each is drawn with its line: very many in a very long one would take minutes.
        let (mut at, mut in_line) = (0, 0);
        self.found.retain(|problem| {
            let start = problem.span.as_ref().map_or(0, |span| span.start);
            let passed = self.source.as_bytes()[at..start].iter().filter(|byte| **byte == b'\n');
            let passed = passed.count();
            in_line = if passed > 0 { 1 } else { in_line + 1 };
            at = start;
            in_line <= MOST_IN_A_LINE
        });
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::reversed_empty_ranges, reason = "such a span must not panic")]
    fn odd_spans_are_clamped() {
        let text = "a日b";
        for (span, clamped) in [
            (0..1, 0..1),
            (2..3, 1..4),
            (1..2, 1..4),
            (3..3, 1..4),
            (4..1, 4..4),
            (5..9, 5..5),
            (90..99, 5..5),
            (0..usize::MAX, 0..5),
        ] {
            assert_eq!(clamp(span.clone(), text), clamped, "{span:?}");
        }
        assert_eq!(clamp(7..9, ""), 0..0);
    }

    #[test]
    fn any_span_of_any_text_draws() {
        for text in ["", "\n", "a", "a\r\nb", "\u{feff}a\n日", "\t\0\u{1b}[1m", "\r\r\n\n日本"] {
            for start in 0..12 {
                for end in 0..12 {
                    let problem = Problem::of_path(Path::new("a.md"), "m", Some("h".to_owned()));
                    let problem =
                        Problem { source: text.into(), span: Some(start..end), ..problem };
                    assert!(draw(&problem, true).contains("a.md"));
                    assert!(draw(&problem, false).contains(&problem.place()), "{text:?} {start}");
                }
            }
        }
    }

    #[test]
    fn a_slip_is_near_and_another_word_is_not() {
        let subjects = ["stdout", "calls", "info"];
        assert_eq!(did_you_mean("stdot", subjects).as_deref(), Some("did you mean `stdout`?"));
        assert_eq!(nearest("STDOUT", subjects), Some("stdout"));
        assert_eq!(nearest("ifno", subjects), Some("info"));
        assert_eq!(nearest("foo", subjects), None);
        assert_eq!(nearest("x", ["y", ""]), None);
        assert_eq!(nearest("", subjects), None);
    }

    #[test]
    fn words_are_listed_as_in_a_sentence() {
        assert_eq!(one_of(&["a"]), "`a`");
        assert_eq!(one_of(&["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
