//! Simple syntax highlighting for the languages of the lessons; other code stays plain.

use super::span::{Line, StyledSpan, TextStyle};
use crate::present::text;
use colored::Color;

type CodeToken<'a> = (&'a str, TextStyle);

const TAB: usize = 4;

const PYTHON_KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
    "with", "yield",
];

/// The unwrapped lines of a block of code, without empty lines at either end.
pub(super) fn highlight(language: &str, code: &str) -> Vec<Line> {
    let lines = code.lines().skip_while(|line| line.trim().is_empty());
    let code = lines.map(printable).collect::<Vec<_>>().join("\n");
    let code = code.trim_end();
    let tokens = match language {
        "python" | "py" => scan(code, &CodeSyntax { word_of: python, ..CodeSyntax::OF_SCRIPTS }),
        "toml" => scan(code, &CodeSyntax { word_of: toml, ..CodeSyntax::OF_SCRIPTS }),
        "json" => scan(code, &JSON),
        "sh" | "bash" | "shell" | "console" | "shell-session" => shell(code),
        "redis" => redis(code),
        _ => vec![(code, TextStyle::default())],
    };
    if code.is_empty() { Vec::new() } else { lines_of(tokens) }
}

/// A line of code with its tabs as spaces and without control characters.
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

fn lines_of(tokens: Vec<CodeToken<'_>>) -> Vec<Line> {
    let mut lines = vec![Line::new()];
    for (text, look) in tokens {
        for (index, part) in text.split('\n').enumerate() {
            if index > 0 {
                lines.push(Line::new());
            }
            if let Some(line) = lines.last_mut().filter(|_| !part.is_empty()) {
                line.push(StyledSpan::new(part, look));
            }
        }
    }
    lines
}

/// The differences between languages that matter for colour.
struct CodeSyntax {
    quotes: &'static [char],
    /// Whether a `#` begins a comment.
    has_comments: bool,
    /// The look of a string, given the code after it.
    look_of_string: fn(&str) -> TextStyle,
    /// Called between strings and comments with the code before and the rest: the length in bytes
    /// and the look of a word at the start of the rest.
    word_of: fn(&str, &str) -> Option<(usize, TextStyle)>,
}

impl CodeSyntax {
    const OF_SCRIPTS: Self = Self {
        quotes: &['"', '\''],
        has_comments: true,
        look_of_string: |_| string(),
        word_of: |_, _| None,
    };
}

const JSON: CodeSyntax =
    CodeSyntax { quotes: &['"'], has_comments: false, look_of_string: json_string, word_of: json };

/// Splits code into strings, comments, words with a look, and the rest.
fn scan<'c>(code: &'c str, syntax: &CodeSyntax) -> Vec<CodeToken<'c>> {
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
                .unwrap_or_else(|| (plain_length(rest), TextStyle::default())),
        };
        tokens.push((&rest[..length], look));
        at += length;
    }
    tokens
}

fn comment() -> TextStyle {
    TextStyle::default().dim()
}

fn string() -> TextStyle {
    TextStyle::default().color(Color::Green)
}

/// A string before a colon is a name.
fn json_string(after: &str) -> TextStyle {
    if after.trim_start_matches(' ').starts_with(':') { name() } else { string() }
}

fn keyword() -> TextStyle {
    TextStyle::default().color(Color::Magenta)
}

fn name() -> TextStyle {
    TextStyle::default().color(Color::Cyan)
}

/// The length in bytes of the string at the start of a text. Unless its quotes are triple, it ends
/// with its line at the latest.
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

/// The length of a whole word, so that no keyword is found inside a name, or of one character.
fn plain_length(rest: &str) -> usize {
    match word_length(rest) {
        0 => rest.chars().next().map_or(0, char::len_utf8),
        length => length,
    }
}

fn word_length(rest: &str) -> usize {
    rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
}

fn python(_: &str, rest: &str) -> Option<(usize, TextStyle)> {
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

fn json(_: &str, rest: &str) -> Option<(usize, TextStyle)> {
    let length = word_length(rest);
    matches!(&rest[..length], "true" | "false" | "null").then(|| (length, keyword()))
}

/// Commands of a shell. If some lines have a prompt, the others are output.
fn shell(code: &str) -> Vec<CodeToken<'_>> {
    const PROMPT: &str = "$ ";
    let prompted = code.lines().any(|line| line.starts_with(PROMPT));
    let syntax = CodeSyntax { has_comments: false, word_of: shell_word, ..CodeSyntax::OF_SCRIPTS };
    let mut tokens = Vec::new();
    for line in code.split_inclusive('\n') {
        match line.strip_prefix(PROMPT) {
            _ if line.trim_start().starts_with('#') => tokens.push((line, comment())),
            None if prompted => tokens.push((line, TextStyle::default())),
            command => {
                tokens.push((&line[..line.len() - command.unwrap_or(line).len()], comment()));
                tokens.extend(scan(command.unwrap_or(line), &syntax));
            }
        }
    }
    tokens
}

/// The name of a command, at the start or after an operator that joins commands, and a comment at
/// the end of the line.
fn shell_word(before: &str, rest: &str) -> Option<(usize, TextStyle)> {
    if rest.starts_with('#') && before.ends_with(' ') {
        return Some((rest.trim_end().len(), comment()));
    }
    let joined = before.trim_end();
    // Not `word_length`, which stops at the `-` of `redis-cli`.
    let length = rest.find(|c: char| c.is_whitespace() || "|&;()<>\"'".contains(c));
    let length = length.unwrap_or(rest.len());
    let is_name = (joined.is_empty() || joined.ends_with(['|', '&', ';', '('])) && length > 0;
    is_name.then(|| (length, name().bold()))
}

/// Table headers and keys, which come first on their line.
fn toml(before: &str, rest: &str) -> Option<(usize, TextStyle)> {
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

/// Commands line by line. If some lines have a prompt, the others are replies.
fn redis(code: &str) -> Vec<CodeToken<'_>> {
    let prompted = code.lines().any(|line| prompt_length(line) > 0);
    let mut tokens = Vec::new();
    for line in code.split_inclusive('\n') {
        let (prompt, command) = line.split_at(prompt_length(line));
        if line.trim_start().starts_with('#') {
            tokens.push((line, comment()));
        } else if prompted && prompt.is_empty() {
            tokens.push((line, TextStyle::default()));
        } else {
            tokens.push((prompt, TextStyle::default().dim()));
            tokens.extend(command_and_arguments(command));
        }
    }
    tokens
}

fn command_and_arguments(line: &str) -> [CodeToken<'_>; 3] {
    let (indent, rest) = line.split_at(line.len() - line.trim_start().len());
    let (command, arguments) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
    [(indent, TextStyle::default()), (command, name().bold()), (arguments, TextStyle::default())]
}

/// The length in bytes of the prompt at the start of a line: `> `, `redis> ` or redis-cli's prompt
/// with the address.
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

    /// The text of the spans with this look.
    fn marked(language: &str, code: &str, look: TextStyle) -> Vec<String> {
        let lines = highlight(language, code);
        let spans = lines.iter().flatten().filter(|span| span.look == look);
        spans.map(|span| span.text().to_owned()).collect()
    }

    #[test]
    fn python_has_keywords_strings_and_comments() {
        let code = "import redis  # import it\nimported = f'a#b' if \"it\\\"s\" else None";
        let keyword = TextStyle::default().color(Color::Magenta);
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
        let code = "# save\nSET a 1\n  dbsize";
        assert_eq!(marked("redis", code, name().bold()), ["SET", "dbsize"]);
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
