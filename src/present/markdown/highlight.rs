//! Simple syntax highlighting for the languages of the lessons; other code stays plain.

use std::sync::LazyLock;

use regex_lite::Regex;

use super::span::{Line, StyledSpan, TextStyle};
use crate::present::text;

type CodeToken<'a> = (&'a str, TextStyle);

const TAB: usize = 4;

const STRING: TextStyle = TextStyle::GREEN;
const COMMENT: TextStyle = TextStyle::DIM;
const KEYWORD: TextStyle = TextStyle::MAGENTA;
const NAME: TextStyle = TextStyle::CYAN;
const COMMAND: TextStyle = TextStyle::BOLD.and(TextStyle::CYAN);

/// The groups of the patterns. The rest of the code is plain.
const LOOKS: [(&str, TextStyle); 5] = [
    ("string", STRING),
    ("comment", COMMENT),
    ("keyword", KEYWORD),
    ("name", NAME),
    ("command", COMMAND),
];

/// A string. Unless its quotes are triple, it ends with its line at the latest.
const QUOTED: &str = r#"(?:
    """(?:\\.|[^\\])*?(?:"""|$) | "(?:\\.|[^"\\\n])*"? |
    '''(?:\\.|[^\\])*?(?:'''|$) | '(?:\\.|[^'\\\n])*'? )"#;

const KEYWORDS: &str = "
    False|None|True|and|as|assert|async|await|break|class|continue|def|del|elif|else|except|
    finally|for|from|global|if|import|in|is|lambda|nonlocal|not|or|pass|raise|return|try|while|
    with|yield";

static PYTHON: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?P<string> (?:\b(?i:[bfru]|rb|br))? {QUOTED}) | (?P<comment>\#[^\n]*) |
        (?P<keyword>\b(?:{KEYWORDS})\b)"
    ))
});

/// Table headers and keys come first on their line.
static TOML: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?m:^)\s* (?: (?P<command>\[[^\n]*\]) | (?P<name>[\w.-]+) \s*= ) |
        (?P<string>{QUOTED}) | (?P<comment>\#[^\n]*)"
    ))
});

/// A string before a colon is a name.
static JSON: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r#"(?P<name>"(?:\\.|[^"\\\n])*") \x20*: | (?P<string>{QUOTED}) |
        (?P<keyword>\b(?:true|false|null)\b)"#
    ))
});

/// The name of a command, at the start or after an operator that joins commands.
static SHELL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r#"(?:^|[|&;(]) \s* (?P<command>[^\s|&;()<>"'\#][^\s|&;()<>"']*) |
        (?P<string>{QUOTED}) | (?:^|\x20) (?P<comment>\#.*)"#
    ))
});

static SHELL_PROMPT: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\$\x20"));

static REDIS: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s*(?P<command>\S+)"));

/// `> `, `redis> ` or redis-cli's prompt with the address.
static REDIS_PROMPT: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(?:redis|\S*:\S*)?>\x20"));

fn pattern(text: &str) -> Regex {
    Regex::new(&format!("(?sx){text}")).expect("the pattern is correct")
}

/// The unwrapped lines of a block of code, without empty lines at either end.
pub(super) fn highlight(language: &str, code: &str) -> Vec<Line> {
    let lines = code.lines().skip_while(|line| line.trim().is_empty());
    let code = lines.map(printable).collect::<Vec<_>>().join("\n");
    let code = code.trim_end();
    let tokens = match language {
        "python" | "py" => scan(code, &PYTHON),
        "toml" => scan(code, &TOML),
        "json" => scan(code, &JSON),
        "sh" | "bash" | "shell" | "console" | "shell-session" => {
            dialogue(code, &SHELL_PROMPT, &SHELL)
        }
        "redis" => dialogue(code, &REDIS_PROMPT, &REDIS),
        _ => vec![(code, TextStyle::PLAIN)],
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

/// Splits code into the groups of a pattern and the rest.
fn scan<'c>(code: &'c str, pattern: &Regex) -> Vec<CodeToken<'c>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    for captures in pattern.captures_iter(code) {
        for (group, look) in LOOKS {
            if let Some(found) = captures.name(group) {
                tokens.push((&code[at..found.start()], TextStyle::PLAIN));
                tokens.push((found.as_str(), look));
                at = found.end();
            }
        }
    }
    tokens.push((&code[at..], TextStyle::PLAIN));
    tokens
}

/// Commands line by line. If some lines have a prompt, the others are replies.
fn dialogue<'c>(code: &'c str, prompt: &Regex, command: &Regex) -> Vec<CodeToken<'c>> {
    let has_prompts = code.lines().any(|line| prompt.is_match(line));
    let mut tokens = Vec::new();
    for line in code.split_inclusive('\n') {
        let (before, rest) = line.split_at(prompt.find(line).map_or(0, |found| found.end()));
        if line.trim_start().starts_with('#') {
            tokens.push((line, COMMENT));
        } else if has_prompts && before.is_empty() {
            tokens.push((line, TextStyle::PLAIN));
        } else {
            tokens.push((before, COMMENT));
            tokens.extend(scan(rest, command));
        }
    }
    tokens
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
        assert_eq!(marked("py", code, KEYWORD), ["import", "if", "else", "None"]);
        assert_eq!(marked("py", code, STRING), ["f'a#b'", "\"it\\\"s\""]);
        assert_eq!(marked("py", code, COMMENT), ["# import it"]);
    }

    #[test]
    fn a_python_string_in_three_quotes_goes_over_lines() {
        assert_eq!(marked("python", "x = '''a\n# b'''\ny", STRING), ["'''a", "# b'''"]);
    }

    #[test]
    fn redis_commands_are_the_first_words() {
        let code = "# save\nSET a 1\n  dbsize";
        assert_eq!(marked("redis", code, COMMAND), ["SET", "dbsize"]);
        assert_eq!(marked("redis", code, COMMENT), ["# save"]);
    }

    #[test]
    fn replies_between_redis_prompts_are_plain() {
        let code = "> SET a 1\nOK\n127.0.0.1:6379> GET a\n\"1\"";
        assert_eq!(marked("redis", code, COMMAND), ["SET", "GET"]);
        assert_eq!(marked("redis", code, COMMENT), ["> ", "127.0.0.1:6379> "]);
    }

    #[test]
    fn json_has_names_strings_and_literals() {
        let code = "{\"id\": \"it's # 1\", \"passed\" : true, \"n\": [1, null]}";
        assert_eq!(marked("json", code, NAME), ["\"id\"", "\"passed\"", "\"n\""]);
        assert_eq!(marked("json", code, STRING), ["\"it's # 1\""]);
        assert_eq!(marked("json", code, KEYWORD), ["true", "null"]);
    }

    #[test]
    fn the_shell_has_commands_strings_and_comments() {
        let code = "# look\nredis-cli GET 'a b' | grep $# x#y  # really";
        assert_eq!(marked("sh", code, COMMAND), ["redis-cli", "grep"]);
        assert_eq!(marked("sh", code, STRING), ["'a b'"]);
        assert_eq!(marked("sh", code, COMMENT), ["# look", "# really"]);
    }

    #[test]
    fn what_a_shell_printed_is_plain() {
        let code = "$ redislings list\nLesson 4: it's\n$ ls";
        assert_eq!(marked("console", code, COMMAND), ["redislings", "ls"]);
        assert_eq!(marked("console", code, COMMENT), ["$ ", "$ "]);
        assert!(marked("console", code, STRING).is_empty());
    }

    #[test]
    fn toml_has_tables_keys_and_strings() {
        let code = "[check]\nkey = \"a # b\" # c";
        assert_eq!(marked("toml", code, COMMAND), ["[check]"]);
        assert_eq!(marked("toml", code, NAME), ["key"]);
        assert_eq!(marked("toml", code, STRING), ["\"a # b\""]);
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
