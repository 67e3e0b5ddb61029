//! A server's documentation of its own commands, from COMMAND DOCS:
//! <https://redis.io/docs/latest/commands/command-docs/> (since Redis 7.0).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::syntax::Syntax;
use super::table;
use crate::resp::value::Resp;
use crate::server::Client;

/// The documentation of all commands of a server.
#[derive(Debug, Clone, Default)]
pub struct CommandDocs {
    /// By name in upper case; a subcommand's name is `CONFIG GET`.
    commands: BTreeMap<String, CommandDoc>,
    /// The groups: `@string`.
    topics: BTreeSet<String>,
}

/// The documentation of one command or subcommand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CommandDoc {
    /// One sentence.
    pub(super) summary: String,
    /// `2.0.0`.
    pub(super) since: String,
    /// `string`, as in `help @string`.
    pub(super) group: String,
    /// `O(1)`, with what its letters mean.
    pub(super) complexity: String,
    /// The replacement of a deprecated command; may be empty.
    pub(super) instead: Option<String>,
    /// The arguments.
    pub(super) syntax: Syntax,
}

impl CommandDocs {
    /// Asks the server. If it does not answer (before Redis 7.0, or for a user without permission),
    /// these are the commands of Redis 6.2.
    pub fn of_the_server(client: &mut Client, limit: Duration) -> Self {
        let reply = client.call(&["COMMAND", "DOCS"], limit);
        let docs = reply.map(|reply| Self::read(&Resp::from(&reply))).unwrap_or_default();
        if docs.commands.is_empty() { Self::table().clone() } else { docs }
    }

    /// The commands of Redis 6.2.
    pub fn table() -> &'static Self {
        table::redis_6_2()
    }

    pub(super) fn of(commands: BTreeMap<String, CommandDoc>) -> Self {
        let topics = commands.values().map(|doc| format!("@{}", doc.group)).collect();
        Self { commands, topics }
    }

    /// Reads a reply to COMMAND DOCS in RESP2 or RESP3; empty for any other value.
    fn read(reply: &Resp) -> Self {
        let mut commands = BTreeMap::new();
        for (name, doc) in pairs(reply) {
            let name = text(name).to_uppercase();
            for (full_name, doc) in field(doc, "subcommands").map(pairs).unwrap_or_default() {
                let subcommand = text(full_name).to_uppercase().replace('|', " ");
                commands.insert(subcommand, read_doc(doc));
            }
            commands.insert(name, read_doc(doc));
        }
        Self::of(commands)
    }

    /// All names in upper case, `CONFIG GET` among them, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.commands.keys().map(String::as_str)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &CommandDoc)> {
        self.commands.iter().map(|(name, doc)| (name.as_str(), doc))
    }

    /// A command or subcommand by its name in any case: `config get`.
    pub(super) fn get(&self, name: &str) -> Option<&CommandDoc> {
        self.commands.get(&name.to_uppercase())
    }

    /// The longest name at the beginning of these words: how many words it has, and its
    /// documentation.
    pub(super) fn find<'a>(&'a self, words: &[&str]) -> Option<(usize, &'a CommandDoc)> {
        for count in [2, 1] {
            let doc = words.get(..count).and_then(|name| self.get(&name.join(" ")));
            if let Some(doc) = doc {
                return Some((count, doc));
            }
        }
        None
    }

    /// `@bitmap`, `@cluster`, …: all groups, sorted.
    pub(super) fn topics(&self) -> Vec<&str> {
        self.topics.iter().map(String::as_str).collect()
    }

    /// The subcommands of a command, in upper case, without its name: `GET`, `SET`.
    pub(super) fn subcommands(&self, name: &str) -> Vec<&str> {
        let prefix = format!("{} ", name.to_uppercase());
        self.names().filter_map(|name| name.strip_prefix(&prefix)).collect()
    }
}

fn read_doc(doc: &Resp) -> CommandDoc {
    let arguments = items_of(doc, "arguments");
    let is_deprecated = has_flag(items_of(doc, "doc_flags"), "deprecated");
    CommandDoc {
        summary: text_of(doc, "summary"),
        since: text_of(doc, "since"),
        group: text_of(doc, "group"),
        complexity: text_of(doc, "complexity"),
        instead: is_deprecated.then(|| text_of(doc, "replaced_by")),
        syntax: Syntax::all(arguments.iter().map(read_argument).collect()),
    }
}

/// Reads one of `arguments`, which may contain others.
fn read_argument(argument: &Resp) -> Syntax {
    let kind = text_of(argument, "type");
    let parts = items_of(argument, "arguments").iter();
    let flags = items_of(argument, "flags");
    let token = Some(text_of(argument, "token")).filter(|token| !token.is_empty());
    let mut syntax = match kind.as_str() {
        "pure-token" => Syntax::Token(token.clone().unwrap_or_else(|| text_of(argument, "name"))),
        "oneof" => Syntax::OneOf(parts.map(read_argument).collect()),
        "block" => Syntax::all(parts.map(read_argument).collect()),
        _ => Syntax::Word(display_name(argument)),
    };
    let is_repeated = has_flag(flags, "multiple");
    let repeats_token = has_flag(flags, "multiple_token");
    if is_repeated && !repeats_token {
        syntax = Syntax::Repeated(Box::new(syntax));
    }
    if let (Some(token), false) = (token, kind == "pure-token") {
        syntax = Syntax::all(vec![Syntax::Token(token), syntax]);
    }
    if is_repeated && repeats_token {
        syntax = Syntax::Repeated(Box::new(syntax));
    }
    if has_flag(flags, "optional") { Syntax::Optional(Box::new(syntax)) } else { syntax }
}

/// `display_text`, which exists since Redis 7.2, otherwise the name.
fn display_name(argument: &Resp) -> String {
    let display_text = text_of(argument, "display_text");
    if display_text.is_empty() { text_of(argument, "name") } else { display_text }
}

/// Names and values of a map, or of an array with each name before its value.
fn pairs(value: &Resp) -> Vec<(&Resp, &Resp)> {
    match value {
        Resp::Map(pairs) => pairs.iter().map(|(key, value)| (key, value)).collect(),
        Resp::Array(items) => items.chunks_exact(2).map(|pair| (&pair[0], &pair[1])).collect(),
        _ => Vec::new(),
    }
}

fn field<'a>(value: &'a Resp, name: &str) -> Option<&'a Resp> {
    let field = pairs(value).into_iter().find(|(key, _)| bytes(key) == name.as_bytes());
    field.map(|(_, value)| value)
}

/// The text of a field; empty if there is no such field.
fn text_of(value: &Resp, name: &str) -> String {
    field(value, name).map(text).unwrap_or_default()
}

/// The items of a field; empty if there is no such field.
fn items_of<'a>(value: &'a Resp, name: &str) -> &'a [Resp] {
    field(value, name).map(items).unwrap_or_default()
}

fn has_flag(flags: &[Resp], name: &str) -> bool {
    flags.iter().any(|flag| text(flag) == name)
}

fn items(value: &Resp) -> &[Resp] {
    match value {
        Resp::Array(items) | Resp::Set(items) => items,
        _ => &[],
    }
}

fn bytes(value: &Resp) -> &[u8] {
    match value {
        Resp::Bulk(bytes) | Resp::Status(bytes) | Resp::Verbatim(bytes) => bytes,
        _ => &[],
    }
}

fn text(value: &Resp) -> String {
    String::from_utf8_lossy(bytes(value)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Resp {
        Resp::Bulk(text.into())
    }

    fn flags(names: &[&str]) -> Resp {
        Resp::Set(names.iter().map(|name| Resp::Status((*name).into())).collect())
    }

    fn map(pairs: &[(&str, Resp)]) -> Resp {
        Resp::Map(pairs.iter().map(|(name, value)| (bulk(name), value.clone())).collect())
    }

    /// The same value with maps and sets as arrays, as in RESP2.
    fn flat(value: &Resp) -> Resp {
        match value {
            Resp::Map(pairs) => {
                let items = pairs.iter().flat_map(|(key, value)| [flat(key), flat(value)]);
                Resp::Array(items.collect())
            }
            Resp::Set(items) | Resp::Array(items) => Resp::Array(items.iter().map(flat).collect()),
            other => other.clone(),
        }
    }

    fn word(name: &str) -> Resp {
        map(&[("name", bulk(name)), ("type", bulk("string"))])
    }

    fn reply() -> Resp {
        let key =
            map(&[("name", bulk("key")), ("type", bulk("key")), ("flags", flags(&["multiple"]))]);
        let pattern = map(&[
            ("name", bulk("pattern")),
            ("type", bulk("pattern")),
            ("token", bulk("GET")),
            ("flags", flags(&["optional", "multiple", "multiple_token"])),
        ]);
        let pair = Resp::Array(vec![word("field"), word("value")]);
        let block = map(&[
            ("name", bulk("pair")),
            ("type", bulk("block")),
            ("token", bulk("WITH")),
            ("flags", flags(&["multiple"])),
            ("arguments", pair),
        ]);
        let get =
            map(&[("summary", bulk("reads")), ("arguments", Resp::Array(vec![word("name")]))]);
        let sort = map(&[
            ("summary", bulk("sorts")),
            ("since", bulk("1.0.0")),
            ("group", bulk("generic")),
            ("complexity", bulk("O(N)")),
            ("doc_flags", flags(&["deprecated"])),
            ("replaced_by", bulk("nothing")),
            ("arguments", Resp::Array(vec![key, pattern, block])),
            ("subcommands", map(&[("sort|get", get)])),
        ]);
        map(&[("sort", sort)])
    }

    #[test]
    fn a_reply_says_the_same_in_both_protocols() {
        for reply in [reply(), flat(&reply())] {
            let docs = CommandDocs::read(&reply);
            assert_eq!(docs.names().collect::<Vec<_>>(), ["SORT", "SORT GET"]);
            let sort = docs.get("sort").unwrap();
            let syntax =
                "key [key ...] [GET pattern [GET pattern ...]] WITH field value [field value ...]";
            assert_eq!(sort.syntax.text(), syntax);
            assert_eq!((sort.since.as_str(), sort.instead.as_deref()), ("1.0.0", Some("nothing")));
            assert_eq!(docs.get("Sort Get").unwrap().syntax.text(), "name");
        }
    }

    #[test]
    fn any_other_value_has_no_commands() {
        for reply in [Resp::Nil, Resp::Error("ERR".into()), Resp::Array(vec![Resp::Integer(1)])] {
            assert_eq!(CommandDocs::read(&reply).names().count(), 0);
        }
    }

    #[test]
    fn the_longest_name_is_found() {
        let docs = CommandDocs::read(&reply());
        assert_eq!(docs.find(&["SORT", "get", "x"]).unwrap().0, 2);
        assert_eq!(docs.find(&["sort", "x"]).unwrap().0, 1);
        assert_eq!(docs.find(&["x"]), None);
        assert_eq!(docs.subcommands("sort"), ["GET"]);
    }
}
