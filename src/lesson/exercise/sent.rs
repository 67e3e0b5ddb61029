//! `sent`: what the transcript must show.

use super::super::toml_table::{Entry, Toml};
use super::super::{CommandStart, Sent, Span};
use super::subjects::each_string;
use crate::redis_cli::words;

const KEYS: [&str; 2] = ["order", "refused"];

/// Reads the value of `sent`; `None` if a part of it has a problem.
pub(super) fn read(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<Vec<Sent>> {
    let mut sent = Vec::new();
    let mut is_whole = true;
    for entry in toml.table(entry, "a table such as `{ order = [\"SET\", \"BGSAVE\"] }`") {
        let part = match entry.key {
            "order" => {
                each_string(toml, entry, false, start).map(|starts| vec![Sent::Order(starts)])
            }
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

/// Reads the beginning of a command line; reports one that is not.
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
            let help = "name commands that the answer sends; to check the server while the answer \
                        runs, use `[[meanwhile]]`";
            let message = format!("`{text}` is for the runner and never sent");
            toml.error(span, message, Some(help.to_owned()));
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
