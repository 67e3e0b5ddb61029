//! Formats a reply as redis-cli prints it on a terminal (`cliFormatReplyTTY` in Redis's
//! redis-cli.c).

use std::fmt::Write as _;

use redis::Value;

use crate::resp::value::{Resp, error_text};

/// A reply in the two forms in which redis-cli prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// On a terminal: `"paid"`, `(integer) 1`, `(nil)`.
    pub terminal: String,
    /// In a pipe: `paid`, `1`, an empty line. `None` for errors, nil and nested replies, whose bare
    /// form could be mistaken for a string.
    pub bare: Option<String>,
}

impl Printed {
    pub fn new(value: &Value) -> Self {
        let value = Resp::from(value);
        let bare = match &value {
            Resp::Bulk(bytes) | Resp::Status(bytes) | Resp::Verbatim(bytes) => Some(text(bytes)),
            Resp::Integer(number) => Some(number.to_string()),
            _ => None,
        };
        Self { terminal: format_resp(&value), bare }
    }

    /// The reply to this command, printed as redis-cli does it after the command: INFO's lines, for
    /// instance, without quotes.
    pub fn of<W: AsRef<[u8]>>(words: &[W], value: &Value) -> Self {
        Self { terminal: format_reply_to(words, value), ..Self::new(value) }
    }

    pub fn is_error(&self) -> bool {
        self.bare.is_none() && self.terminal.starts_with("(error)")
    }

    /// Whether both are the same, where a number is the same as the string that is one.
    pub fn says_the_same(&self, other: &Self) -> bool {
        match (&self.bare, &other.bare) {
            (Some(one), Some(other)) => one == other,
            _ => self.terminal == other.terminal,
        }
    }

    /// The printed forms with which a lesson's text is compared, as in [`Self::is`]. An error is
    /// compared only with text that begins like one.
    pub fn in_forms_of(&self, expected: &str) -> impl Iterator<Item = &str> {
        let of_terminal = expected.starts_with(['"', '(']);
        let is_other = self.is_error() && !expected.starts_with("(error)");
        let terminal = Some(self.terminal.as_str()).filter(|_| !is_other);
        terminal.into_iter().chain(self.bare.as_deref().filter(|_| !of_terminal))
    }

    /// Whether the reply is what a lesson expects, written with or without redis-cli's quotes. If
    /// `expected` looks like the terminal form (`"…"`, `(nil)`), only that form counts: the stored
    /// text `(nil)` is not nil.
    pub fn is(&self, expected: &str) -> bool {
        let of_terminal = expected.starts_with(['"', '(']);
        self.terminal == expected || (!of_terminal && self.bare.as_deref() == Some(expected))
    }
}

/// The lines that redis-cli prints for the reply to a command. Some texts, such as INFO's, are
/// printed bare (`output_raw` in `cliSendCommand`).
pub fn format_reply_to<W: AsRef<[u8]>>(words: &[W], value: &Value) -> String {
    format_resp_to(words, &value.into())
}

/// The same for a value as it arrived from the server.
pub fn format_resp_to<W: AsRef<[u8]>>(words: &[W], value: &Resp) -> String {
    match value {
        Resp::Bulk(bytes) | Resp::Verbatim(bytes) | Resp::Error(bytes)
            if is_printed_bare(words) =>
        {
            text(bytes).replace('\r', "").trim_end().to_owned()
        }
        _ => format_resp(value),
    }
}

fn is_printed_bare<W: AsRef<[u8]>>(words: &[W]) -> bool {
    matches!(
        (lowercase(words, 0).as_str(), lowercase(words, 1).as_str(), words.len()),
        ("info" | "lolwut", ..)
            | ("debug", "htstats" | "htstats-key" | "client-eviction", _)
            | ("memory", "malloc-stats" | "doctor", _)
            | ("cluster", "nodes" | "info", 2)
            | ("client", "list" | "info", _)
            | ("latency", "graph", 3)
            | ("latency", "doctor", 2)
    )
}

/// The word at this index in lower case; empty if there is none.
fn lowercase<W: AsRef<[u8]>>(words: &[W], index: usize) -> String {
    let word = words.get(index).map(|word| String::from_utf8_lossy(word.as_ref()).to_lowercase());
    word.unwrap_or_default()
}

/// The lines that redis-cli prints for `value`, without a final line break.
pub fn format(value: &Value) -> String {
    format_resp(&value.into())
}

/// The same for a value as it arrived from the server.
pub fn format_resp(value: &Resp) -> String {
    formatted(value, "")
}

fn formatted(value: &Resp, indent: &str) -> String {
    match value {
        Resp::Nil => "(nil)".to_owned(),
        Resp::Integer(number) => format!("(integer) {number}"),
        // redis-cli 7.0 cannot print a big number on a terminal and exits; in a pipe it prints the
        // bare digits.
        Resp::Status(bytes) | Resp::Verbatim(bytes) | Resp::BigNumber(bytes) => text(bytes),
        Resp::Bulk(bytes) => quoted(bytes),
        Resp::Double(digits) => format!("(double) {}", text(digits)),
        Resp::Boolean(value) => format!("({value})"),
        Resp::Error(bytes) => format!("(error) {}", text(bytes)),
        Resp::Array(items) => list(items, ")", "(empty array)", indent),
        Resp::Set(items) => list(items, "~", "(empty set)", indent),
        Resp::Push(items) => list(items, ")", "(empty push)", indent),
        Resp::Map(pairs) => map(pairs, indent),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// An error reply as redis-cli prints it: the code, then the text.
pub fn error_line(code: &str, details: Option<&str>) -> String {
    format!("(error) {}", error_text(code, details))
}

fn list(items: &[Resp], sign: &str, empty: &str, indent: &str) -> String {
    numbered(items, sign, empty, indent, formatted)
}

fn map(pairs: &[(Resp, Resp)], indent: &str) -> String {
    numbered(pairs, "#", "(empty hash)", indent, |(key, value), inner| {
        // Since redis-cli 7.0, a nested value begins on a new line.
        let line_break = if has_lines(value) { format!("\n{inner}") } else { String::new() };
        format!("{} => {line_break}{}", formatted(key, inner), formatted(value, inner))
    })
}

/// One entry a line, formatted by `format` with the indent of its further lines.
fn numbered<T>(
    entries: &[T],
    sign: &str,
    empty: &str,
    indent: &str,
    format: impl Fn(&T, &str) -> String,
) -> String {
    if entries.is_empty() {
        return empty.to_owned();
    }
    let width = entries.len().to_string().len();
    let inner = format!("{indent}{}", " ".repeat(width + 2));
    let mut lines = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let indent = if index == 0 { "" } else { indent };
        lines.push(format!("{indent}{:>width$}{sign} {}", index + 1, format(entry, &inner)));
    }
    lines.join("\n")
}

fn has_lines(value: &Resp) -> bool {
    match value {
        Resp::Array(items) | Resp::Set(items) | Resp::Push(items) => !items.is_empty(),
        Resp::Map(pairs) => !pairs.is_empty(),
        _ => false,
    }
}

/// Quotes a string as `sdscatrepr` does: double quotes, and escapes for unprintable bytes.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for &byte in bytes {
        match byte {
            b'\\' | b'"' => text.extend(['\\', byte as char]),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            0x07 => text.push_str("\\a"),
            0x08 => text.push_str("\\b"),
            b' '..=b'~' => text.push(byte as char),
            _ => {
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    #[test]
    fn strings_are_quoted_and_escaped() {
        assert_eq!(format(&bulk("it's\n\"caf\u{e9}\"")), r#""it's\n\"caf\xc3\xa9\"""#);
    }

    #[test]
    fn status_integer_and_nil_are_bare() {
        assert_eq!(format(&Value::Okay), "OK");
        assert_eq!(format(&Value::Int(3)), "(integer) 3");
        assert_eq!(format(&Value::Nil), "(nil)");
    }

    #[test]
    fn a_reply_is_compared_with_or_without_quotes() {
        let paid = Printed::new(&bulk("paid"));
        assert!(paid.is("paid") && paid.is("\"paid\"") && !paid.is("unpaid"));
        assert!(
            Printed::new(&Value::Int(3)).is("3") && Printed::new(&Value::Int(3)).is("(integer) 3")
        );
    }

    #[test]
    fn a_stored_text_is_never_taken_for_nil() {
        assert!(!Printed::new(&bulk("(nil)")).is("(nil)"));
        assert!(Printed::new(&Value::Nil).is("(nil)"));
        assert!(!Printed::new(&Value::Nil).is(""));
    }

    #[test]
    fn infos_text_is_printed_bare() {
        let value = bulk("# Persistence\r\nloading:0\r\n");
        assert_eq!(format_reply_to(&["INFO", "persistence"], &value), "# Persistence\nloading:0");
        assert_eq!(format_reply_to(&["GET", "k"], &bulk("v")), "\"v\"");
    }

    #[test]
    fn nested_arrays_are_indented_below_their_number() {
        let inner = Value::Array(vec![Value::Int(1), bulk("b")]);
        let outer = Value::Array(vec![bulk("a"), inner]);
        assert_eq!(format(&outer), "1) \"a\"\n2) 1) (integer) 1\n   2) \"b\"");
    }

    #[test]
    fn maps_show_key_and_value_on_a_line() {
        let map = Value::Map(vec![(bulk("k"), Value::Int(1))]);
        assert_eq!(format(&map), "1# \"k\" => (integer) 1");
        let outer = Value::Map(vec![(bulk("m"), map), (bulk("e"), Value::Array(Vec::new()))]);
        let expected = "1# \"m\" => \n   1# \"k\" => (integer) 1\n2# \"e\" => (empty array)";
        assert_eq!(format(&outer), expected);
    }
}
