//! Info strings as site generators write them: words, attributes, and the names of languages.

use super::super::Span;
use super::super::problem::nearest;

/// A word and its span in the file.
#[derive(Debug, Clone)]
pub(super) struct FenceWord {
    pub(super) text: String,
    pub(super) span: Span,
}

/// Flags of site generators that have no mark of their own.
const FLAGS: [&str; 7] =
    ["copy", "nocopy", "wrap", "nowrap", "showLineNumbers", "numberLines", "linenos"];
/// Directives that are followed by the language of their block.
const DIRECTIVES: [&str; 6] =
    ["code-cell", "code-block", "code", "sourcecode", "literalinclude", "highlight"];

/// The words of an info string that begins at `start`. A quoted text and what stands in brackets is
/// one word, unless it is never closed.
pub(super) fn words(info: &str, start: usize) -> Vec<FenceWord> {
    let ends = word_ends(info).unwrap_or_else(|| {
        let blanks = info.char_indices().filter(|(_, c)| c.is_whitespace());
        blanks.map(|(at, _)| at).chain([info.len()]).collect()
    });
    let (mut words, mut from) = (Vec::new(), 0);
    for end in ends {
        let piece = &info[from..end];
        let text = piece.trim();
        if !text.is_empty() {
            let at = start + from + piece.len() - piece.trim_start().len();
            words.push(FenceWord { text: text.to_owned(), span: at..at + text.len() });
        }
        from = end;
    }
    words
}

/// Where words end: at white space outside of quotes and brackets.
fn word_ends(info: &str) -> Option<Vec<usize>> {
    let (mut ends, mut quote, mut depth) = (Vec::new(), None, 0_usize);
    let mut before = ' ';
    for (at, c) in info.char_indices() {
        match c {
            _ if quote.is_some() => quote = quote.filter(|open| *open != c),
            '"' | '\'' if before.is_whitespace() || "=:({[,".contains(before) => quote = Some(c),
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' => depth = depth.checked_sub(1)?,
            _ if c.is_whitespace() && depth == 0 => ends.push(at),
            _ => {}
        }
        before = c;
    }
    ends.push(info.len());
    (quote.is_none() && depth == 0).then_some(ends)
}

/// Whether a word behind a language is for a site generator: `title="a.py"`, `{1,3}`, `[a.py]`,
/// `:line-numbers`, `copy`.
pub(super) fn is_attribute(word: &str) -> bool {
    let is_marked = word.starts_with(|c: char| "{[(:.#/%\"'".contains(c) || c.is_ascii_digit());
    is_marked || word.contains('=') || FLAGS.iter().any(|flag| flag.eq_ignore_ascii_case(word))
}

/// The names in a word, without what gives them a value: of `{.python #a b=c}` these are `python`,
/// `a` and `b`; of `title="a b"` it is `title`.
pub(super) fn names(word: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for (index, piece) in word.split(['"', '\'']).enumerate() {
        // What is quoted is a value.
        if index % 2 == 0 {
            let items = piece.split(|c: char| c.is_whitespace() || "{}[](),".contains(c));
            names.extend(items.filter_map(|item| item.split(['=', ':']).next()));
        }
    }
    for name in &mut names {
        *name = name.trim_matches(|c: char| ".#%".contains(c));
    }
    names.retain(|name| !name.is_empty());
    names
}

/// A language that is not run, although it sounds like one that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meant {
    /// Another word for `python` or `redis`.
    Language(&'static str),
    /// What a terminal showed: commands with prompts, and what they printed.
    Session(&'static str),
}

/// What the first words of an info string mean.
pub(super) fn meant(words: &[FenceWord]) -> Option<Meant> {
    let (first, rest) = words.split_first()?;
    let mut found = names(&first.text);
    if found.first().is_some_and(|name| DIRECTIVES.contains(name)) {
        found = rest.first().map(|word| names(&word.text)).unwrap_or_default();
    }
    let exact = found.iter().find_map(|name| known(name));
    exact.or_else(|| {
        let name = found.first()?.trim_end_matches(|c: char| c.is_ascii_digit());
        nearest(name, ["python", "redis"]).map(Meant::Language)
    })
}

fn known(name: &str) -> Option<Meant> {
    let name = name.to_ascii_lowercase();
    match name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.') {
        "python" | "py" | "ipython" => Some(Meant::Language("python")),
        "redis" | "redis-cli" | "rediscli" | "valkey" | "valkey-cli" => {
            Some(Meant::Language("redis"))
        }
        "pycon" | "pyrepl" | "python-repl" | "python-console" | "doctest" => {
            Some(Meant::Session("python"))
        }
        "console" | "shell-session" | "shellsession" | "sh-session" | "bash-session"
        | "terminal" => Some(Meant::Session("redis")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(info: &str) -> Vec<String> {
        words(info, 0).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn what_is_quoted_or_in_brackets_is_one_word() {
        assert_eq!(texts(" py  title=\"a b\" {1, 3}"), ["py", "title=\"a b\"", "{1, 3}"]);
        assert_eq!(texts("py {linenos=table,hl_lines=[\"1 2\"]} x").len(), 3);
        assert_eq!(words(" py é x", 10)[2].span, 17..18);
    }

    #[test]
    fn a_quote_that_is_never_closed_hides_no_word() {
        assert_eq!(texts("py title=\"a solution"), ["py", "title=\"a", "solution"]);
        assert_eq!(texts("py {a solution"), ["py", "{a", "solution"]);
        assert_eq!(texts("py a} solution"), ["py", "a}", "solution"]);
        assert_eq!(texts("py don't solution"), ["py", "don't", "solution"]);
    }

    #[test]
    fn names_are_words_without_their_values() {
        assert_eq!(names("{.python #a b=c}"), ["python", "a", "b"]);
        assert_eq!(names("title=\"the solution, wrong\""), ["title"]);
        assert_eq!(names("python{1}"), ["python", "1"]);
        assert_eq!(names("redis,wrong,fails=x"), ["redis", "wrong", "fails"]);
        assert_eq!(names("{.redis title='a' .wrong}"), ["redis", "title", "wrong"]);
    }
}
