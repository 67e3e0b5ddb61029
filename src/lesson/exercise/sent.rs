//! `sent`: what the transcript must show.

use super::super::toml_table::{Entry, Toml};
use super::super::{CommandStart, Sent, Span};
use super::subjects::each_string;
use crate::redis_cli::words;

const KEYS: [&str; 2] = ["order", "refused"];

/// Reads the value of `sent`; nothing if a part of it has a problem.
pub(super) fn read(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<Vec<Sent>> {
    let mut sent = Vec::new();
    let mut is_whole = true;
    for entry in toml.table(entry, "a table such as `{ order = [\"SET\", \"BGSAVE\"] }`") {
        let part = match entry.key {
            "order" => each_string(toml, entry, false, place).map(|it| vec![Sent::Order(it)]),
            "refused" => each_string(toml, entry, true, start)
                .map(|starts| starts.into_iter().map(Sent::Refused).collect()),
            _ => {
                toml.unknown_key(entry, "`sent`", &KEYS);
                None
            }
        };
        is_whole &= part.is_some();
        sent.extend(part.unwrap_or_default());
    }
    (is_whole && !sent.is_empty()).then_some(sent)
}

/// A place in an order: the beginning of a command line, or one of the runner's own words.
fn place(toml: &mut Toml<'_>, text: &str, span: Span) -> Option<CommandStart> {
    let words = words::split(text).unwrap_or_default();
    let is = |word: Option<&Vec<u8>>, name: &str| word.is_some_and(|it| it == name.as_bytes());
    let is_own = match words.len() {
        1 => is(words.first(), CommandStart::BGSAVE_ENDED),
        2 => is(words.first(), CommandStart::WRITE),
        _ => false,
    };
    if is_own { Some(CommandStart(words)) } else { start(toml, text, span) }
}

/// The beginning of a command line; says why it is none.
fn start(toml: &mut Toml<'_>, text: &str, span: Span) -> Option<CommandStart> {
    let words = match words::split(text) {
        Ok(words) => words,
        Err(error) => {
            toml.error(span, format!("redis-cli refuses this line: {error}"), None);
            return None;
        }
    };
    match words.first() {
        Some(name) if name.starts_with(b"@") => {
            let help = Some(format!(
                "name commands that the answer itself sends; in `order` also `{}` and `{} KEY`",
                CommandStart::BGSAVE_ENDED,
                CommandStart::WRITE
            ));
            toml.error(span, format!("`{text}` is for the runner and never sent"), help);
            None
        }
        Some(name) if !name.is_empty() => Some(CommandStart(words)),
        _ => {
            let help = Some("write the beginning of a line: \"SET order:1001\"".to_owned());
            toml.error(span, "this names no command", help);
            None
        }
    }
}
