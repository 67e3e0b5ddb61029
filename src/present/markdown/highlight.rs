//! Light colour for the languages of the lessons; anything else is shown plain.

use super::span::{Line, Look, Span};
use crate::present::text;
use colored::Color;

type Token<'a> = (&'a str, Look);

const TAB: usize = 4;

const PYTHON_KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
    "with", "yield",
];

/// The lines of a block of code, none of them wrapped, empty ones at either end left out.
pub(super) fn highlight(language: &str, code: &str) -> Vec<Line> {
    let lines = code.lines().skip_while(|line| line.trim().is_empty());
    let code = lines.map(printable).collect::<Vec<_>>().join("\n");
    let code = code.trim_end();
    let tokens = match language {
        "python" | "py" => scan(code, &Syntax { word_of: python, ..Syntax::OF_SCRIPTS }),
        "toml" => scan(code, &Syntax { word_of: toml, ..Syntax::OF_SCRIPTS }),
        "json" => scan(code, &JSON),
        "sh" | "bash" | "shell" | "console" | "shell-session" => shell(code),
        "redis" => redis(code),
        _ => vec![(code, Look::default())],
    };
    if code.is_empty() { Vec::new() } else { lines_of(tokens) }
}

/// A line of code with its tabs as spaces, and nothing in it that steers a terminal.
fn printable(line: &str) -> String {
    let mut printable = String::new();
    for (index, part) in line.split('\t').enumerate() {
        if index > 0 {
            let column = text::display_width(&printable);
            printable.push_str(&" ".repeat(TAB - column % TAB));
        }
        printable.push_str(&text::clean(part));
    }
    printable
}

fn lines_of(tokens: Vec<Token<'_>>) -> Vec<Line> {
    let mut lines = vec![Line::new()];
    for (text, look) in tokens {
        for (index, part) in text.split('\n').enumerate() {
            if index > 0 {
                lines.push(Line::new());
            }
            if let Some(line) = lines.last_mut().filter(|_| !part.is_empty()) {
                line.push(Span::new(part, look));
            }
        }
    }
    lines
}

/// What makes languages differ, as far as colour goes.
struct Syntax {
    quotes: &'static [char],
    /// From a `#` to the end of the line.
    has_comments: bool,
    /// From the code behind it.
    look_of_string: fn(&str) -> Look,
    /// What stands between strings and comments: from the code before and the rest, the bytes that have a look.
    word_of: fn(&str, &str) -> Option<(usize, Look)>,
}

impl Syntax {
    const OF_SCRIPTS: Self = Self {
        quotes: &['"', '\''],
        has_comments: true,
        look_of_string: |_| string(),
        word_of: |_, _| None,
    };
}

const JSON: Syntax =
    Syntax { quotes: &['"'], has_comments: false, look_of_string: json_string, word_of: json };

/// Cuts code into strings, comments, what the language says of its words, and the rest.
fn scan<'c>(code: &'c str, syntax: &Syntax) -> Vec<Token<'c>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = code[at..].chars().next() {
        let (before, rest) = code.split_at(at);
        let (length, look) = match first {
            '#' if syntax.has_comments => (rest.find('\n').unwrap_or(rest.len()), comment()),
            quote if syntax.quotes.contains(&quote) => {
                let length = string_length(rest, quote);
                (length, (syntax.look_of_string)(&rest[length..]))
            }
            _ => (syntax.word_of)(before, rest)
                .unwrap_or_else(|| (plain_length(rest), Look::default())),
        };
        tokens.push((&rest[..length], look));
        at += length;
    }
    tokens
}

fn comment() -> Look {
    Look::default().dim()
}

fn string() -> Look {
    Look::default().color(Color::Green)
}

/// A string in front of a colon names a value.
fn json_string(after: &str) -> Look {
    if after.trim_start_matches(' ').starts_with(':') { name() } else { string() }
}

fn keyword() -> Look {
    Look::default().color(Color::Magenta)
}

fn name() -> Look {
    Look::default().color(Color::Cyan)
}

/// The bytes of the string a text begins with; a short one ends with its line at the latest.
fn string_length(rest: &str, quote: char) -> usize {
    let triple = String::from(quote).repeat(3);
    let delimiter = if rest.starts_with(&triple) { &triple[..] } else { &triple[..1] };
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(delimiter.len()) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\n' if delimiter.len() == 1 => return at,
            _ if rest[at..].starts_with(delimiter) => return at + delimiter.len(),
            _ => {}
        }
    }
    rest.len()
}

/// A whole word, so that no keyword is found in the middle of a name, or else one character.
fn plain_length(rest: &str) -> usize {
    match word_length(rest) {
        0 => rest.chars().next().map_or(0, char::len_utf8),
        length => length,
    }
}

fn word_length(rest: &str) -> usize {
    rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
}

fn python(_: &str, rest: &str) -> Option<(usize, Look)> {
    let length = word_length(rest);
    let word = &rest[..length];
    let quote = rest[length..].chars().next().filter(|c| matches!(c, '"' | '\''));
    match quote {
        Some(quote)
            if matches!(
                word.to_ascii_lowercase().as_str(),
                "b" | "f" | "r" | "u" | "rb" | "br"
            ) =>
        {
            Some((length + string_length(&rest[length..], quote), string()))
        }
        _ => PYTHON_KEYWORDS.contains(&word).then(|| (length, keyword())),
    }
}

fn json(_: &str, rest: &str) -> Option<(usize, Look)> {
    let length = word_length(rest);
    matches!(&rest[..length], "true" | "false" | "null").then(|| (length, keyword()))
}

/// Commands of a shell; where lines show its prompt, the others are what was printed.
fn shell(code: &str) -> Vec<Token<'_>> {
    const PROMPT: &str = "$ ";
    let prompted = code.lines().any(|line| line.starts_with(PROMPT));
    let syntax = Syntax { has_comments: false, word_of: shell_word, ..Syntax::OF_SCRIPTS };
    let mut tokens = Vec::new();
    for line in code.split_inclusive('\n') {
        match line.strip_prefix(PROMPT) {
            _ if line.trim_start().starts_with('#') => tokens.push((line, comment())),
            None if prompted => tokens.push((line, Look::default())),
            command => {
                tokens.push((&line[..line.len() - command.unwrap_or(line).len()], comment()));
                tokens.extend(scan(command.unwrap_or(line), &syntax));
            }
        }
    }
    tokens
}

/// The command's name, which stands first or behind what joins two commands, and a comment at the line's end.
fn shell_word(before: &str, rest: &str) -> Option<(usize, Look)> {
    if rest.starts_with('#') && before.ends_with(' ') {
        return Some((rest.trim_end().len(), comment()));
    }
    let joined = before.trim_end();
    let length = rest.find(|c: char| c.is_whitespace() || "|&;()<>\"'".contains(c));
    let length = length.unwrap_or(rest.len());
    let is_name = (joined.is_empty() || joined.ends_with(['|', '&', ';', '('])) && length > 0;
    // Not only a part of a word is to be looked at: `redis-cli` is one.
    is_name.then(|| (length, name().bold()))
}

/// Table headers and keys: what stands first on its line.
fn toml(before: &str, rest: &str) -> Option<(usize, Look)> {
    let line_so_far = before.rsplit('\n').next().unwrap_or(before);
    if !line_so_far.trim().is_empty() {
        return None;
    }
    let line = rest.lines().next().unwrap_or(rest);
    if line.starts_with('[') {
        return line.rfind(']').map(|at| (at + 1, name().bold()));
    }
    let key =
        line.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '.')).unwrap_or(0);
    (key > 0 && line[key..].trim_start().starts_with('=')).then(|| (key, name()))
}

/// Commands line by line; in a block that shows prompts, lines without one are replies.
fn redis(code: &str) -> Vec<Token<'_>> {
    let prompted = code.lines().any(|line| prompt_length(line) > 0);
    let mut tokens = Vec::new();
    for line in code.split_inclusive('\n') {
        let (prompt, command) = line.split_at(prompt_length(line));
        if line.trim_start().starts_with('#') {
            tokens.push((line, comment()));
        } else if prompted && prompt.is_empty() {
            tokens.push((line, Look::default()));
        } else {
            tokens.push((prompt, Look::default().dim()));
            tokens.extend(command_and_arguments(command));
        }
    }
    tokens
}

fn command_and_arguments(line: &str) -> [Token<'_>; 3] {
    let (indent, rest) = line.split_at(line.len() - line.trim_start().len());
    let (command, arguments) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
    [(indent, Look::default()), (command, name().bold()), (arguments, Look::default())]
}

/// The bytes of the prompt that a line begins with: `> `, `redis> ` or as redis-cli's own, which
/// names the address.
fn prompt_length(line: &str) -> usize {
    let Some(at) = line.find("> ") else { return 0 };
    let name = &line[..at];
    let is_prompt =
        name.is_empty() || name == "redis" || (name.contains(':') && !name.contains(' '));
    if is_prompt { at + 2 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The spans that are not plain, as `text:look` with what was asked for.
    fn marked(language: &str, code: &str, look: Look) -> Vec<String> {
        let lines = highlight(language, code);
        let spans = lines.iter().flatten().filter(|span| span.look == look);
        spans.map(|span| span.text().to_owned()).collect()
    }

    #[test]
    fn python_has_keywords_strings_and_comments() {
        let code = "import redis  # import it\nimported = f'a#b' if \"it\\\"s\" else None";
        let keyword = Look::default().color(Color::Magenta);
        assert_eq!(marked("py", code, keyword), ["import", "if", "else", "None"]);
        assert_eq!(marked("py", code, string()), ["f'a#b'", "\"it\\\"s\""]);
        assert_eq!(marked("py", code, comment()), ["# import it"]);
    }

    #[test]
    fn a_python_string_in_three_quotes_goes_over_lines() {
        assert_eq!(marked("python", "x = '''a\n# b'''\ny", string()), ["'''a", "# b'''"]);
    }

    #[test]
    fn redis_commands_are_the_first_words() {
        let code = "# save\nSET a 1\n  bgsave";
        assert_eq!(marked("redis", code, name().bold()), ["SET", "bgsave"]);
        assert_eq!(marked("redis", code, comment()), ["# save"]);
    }

    #[test]
    fn replies_between_redis_prompts_are_plain() {
        let code = "> SET a 1\nOK\n127.0.0.1:6379> GET a\n\"1\"";
        assert_eq!(marked("redis", code, name().bold()), ["SET", "GET"]);
        assert_eq!(marked("redis", code, comment()), ["> ", "127.0.0.1:6379> "]);
    }

    #[test]
    fn json_has_names_strings_and_literals() {
        let code = "{\"id\": \"it's # 1\", \"passed\" : true, \"n\": [1, null]}";
        assert_eq!(marked("json", code, name()), ["\"id\"", "\"passed\"", "\"n\""]);
        assert_eq!(marked("json", code, string()), ["\"it's # 1\""]);
        assert_eq!(marked("json", code, keyword()), ["true", "null"]);
    }

    #[test]
    fn the_shell_has_commands_strings_and_comments() {
        let code = "# look\nredis-cli GET 'a b' | grep $# x#y  # really";
        assert_eq!(marked("sh", code, name().bold()), ["redis-cli", "grep"]);
        assert_eq!(marked("sh", code, string()), ["'a b'"]);
        assert_eq!(marked("sh", code, comment()), ["# look", "# really"]);
    }

    #[test]
    fn what_a_shell_printed_is_plain() {
        let code = "$ redislings list\nLesson 4: it's\n$ ls";
        assert_eq!(marked("console", code, name().bold()), ["redislings", "ls"]);
        assert_eq!(marked("console", code, comment()), ["$ ", "$ "]);
        assert!(marked("console", code, string()).is_empty());
    }

    #[test]
    fn toml_has_tables_keys_and_strings() {
        let code = "[check]\nkey = \"a # b\" # c";
        assert_eq!(marked("toml", code, name().bold()), ["[check]"]);
        assert_eq!(marked("toml", code, name()), ["key"]);
        assert_eq!(marked("toml", code, string()), ["\"a # b\""]);
    }

    #[test]
    fn code_keeps_its_blank_lines_but_those_at_its_ends() {
        assert_eq!(highlight("", "\n \na\n\nb\n\n\n").len(), 3);
        assert!(highlight("", "\n\n").is_empty());
    }

    #[test]
    fn a_tab_reaches_to_the_next_stop() {
        assert_eq!(printable("\ta\tb"), "    a   b");
    }
}
