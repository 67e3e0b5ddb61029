//! A reply as redis-cli prints it on a terminal (`cliFormatReplyTTY` in Redis's redis-cli.c).

use std::fmt::Write as _;

use redis::Value;

/// A reply in the two forms in which redis-cli prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// On a terminal: `"paid"`, `(integer) 1`, `(nil)`.
    pub terminal: String,
    /// In a pipe: `paid`, `1`, an empty line. `None` for errors, nil and nested replies, whose bare form
    /// could be mistaken for a string.
    pub bare: Option<String>,
}

impl Printed {
    /// Both forms of `value`.
    pub fn new(value: &Value) -> Self {
        let bare = match value {
            Value::BulkString(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            Value::SimpleString(text) | Value::VerbatimString { text, .. } => Some(text.clone()),
            Value::Int(number) => Some(number.to_string()),
            Value::Okay => Some("OK".to_owned()),
            _ => None,
        };
        Self { terminal: format(value), bare }
    }

    /// Whether it is what a lesson expects, written with or without redis-cli's quotes. What looks like
    /// the terminal's form (`"…"`, `(nil)`) must be it: a stored text `(nil)` is not nil.
    pub fn is(&self, expected: &str) -> bool {
        let of_terminal = expected.starts_with(['"', '(']);
        self.terminal == expected || (!of_terminal && self.bare.as_deref() == Some(expected))
    }
}

/// The lines that redis-cli prints for the reply to a command: some texts, INFO's above all, are
/// printed bare (`output_raw` in `cliSendCommand`).
pub fn format_reply_to<W: AsRef<[u8]>>(words: &[W], value: &Value) -> String {
    match value {
        Value::BulkString(bytes) if is_printed_bare(words) => {
            String::from_utf8_lossy(bytes).replace('\r', "").trim_end().to_owned()
        }
        _ => format(value),
    }
}

fn is_printed_bare<W: AsRef<[u8]>>(words: &[W]) -> bool {
    let lower = |index: usize| {
        words.get(index).map(|word| String::from_utf8_lossy(word.as_ref()).to_lowercase())
    };
    let (command, subcommand) = (lower(0).unwrap_or_default(), lower(1).unwrap_or_default());
    match command.as_str() {
        "info" | "lolwut" => true,
        "debug" => subcommand == "htstats",
        "memory" => matches!(subcommand.as_str(), "malloc-stats" | "doctor"),
        "cluster" => matches!(subcommand.as_str(), "nodes" | "info"),
        "client" => matches!(subcommand.as_str(), "list" | "info"),
        "latency" => matches!(subcommand.as_str(), "graph" | "doctor"),
        _ => false,
    }
}

/// The lines that redis-cli prints for `value`, without the last line's end.
pub fn format(value: &Value) -> String {
    formatted(value, "")
}

fn formatted(value: &Value, indent: &str) -> String {
    match value {
        Value::Nil => "(nil)".to_owned(),
        Value::Okay => "OK".to_owned(),
        Value::Int(number) => format!("(integer) {number}"),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => text.clone(),
        Value::BulkString(bytes) => quoted(bytes),
        Value::Double(number) => format!("(double) {number}"),
        Value::Boolean(true) => "(true)".to_owned(),
        Value::Boolean(false) => "(false)".to_owned(),
        Value::ServerError(error) => error_line(error.code(), error.details()),
        Value::Array(items) => list(items, ")", "(empty array)", indent),
        Value::Set(items) => list(items, "~", "(empty set)", indent),
        Value::Push { data, .. } => list(data, ">", "(empty push)", indent),
        Value::Map(pairs) => map(pairs, indent),
        Value::Attribute { data, .. } => formatted(data, indent),
        other => format!("{other:?}"),
    }
}

/// An error reply as redis-cli prints it: the code, then the text.
pub fn error_line(code: &str, details: Option<&str>) -> String {
    match details {
        Some(details) if !details.is_empty() => format!("(error) {code} {details}"),
        _ => format!("(error) {code}"),
    }
}

fn list(items: &[Value], sign: &str, empty: &str, indent: &str) -> String {
    if items.is_empty() {
        return empty.to_owned();
    }
    let width = items.len().to_string().len();
    let inner = format!("{indent}{}", " ".repeat(width + 2));
    let line = |(index, item): (usize, &Value)| {
        let indent = if index == 0 { "" } else { indent };
        format!("{indent}{:>width$}{sign} {}", index + 1, formatted(item, &inner))
    };
    items.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
}

fn map(pairs: &[(Value, Value)], indent: &str) -> String {
    if pairs.is_empty() {
        return "(empty hash)".to_owned();
    }
    let width = pairs.len().to_string().len();
    let inner = format!("{indent}{}", " ".repeat(width + 2));
    let line = |(index, (key, value)): (usize, &(Value, Value))| {
        let indent = if index == 0 { "" } else { indent };
        let (key, value) = (formatted(key, &inner), formatted(value, &inner));
        format!("{indent}{:>width$}# {key} => {value}", index + 1)
    };
    pairs.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
}

/// `sdscatrepr`: double quotes, escapes for what does not print.
pub(super) fn quoted(bytes: &[u8]) -> String {
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
    }
}
