//! The commands of Redis 6.2, for servers without COMMAND DOCS, which came with Redis 7.0.
//!
//! `redis-6.2.txt` holds the names, arguments, groups and complexities that Redis 7.0.15 reports
//! for what 6.2 already had. Arguments that 6.2 does not take (CONFIG GET, CONFIG SET, INFO) were
//! removed, and STRALGO was added. The summaries are our own.
//! `tests/it/redis_prompt/commands.rs` compares names and numbers of arguments with a real 6.2.5.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::docs::{CommandDoc, CommandDocs};
use super::notation;
use super::syntax::Syntax;

const TEXT: &str = include_str!("redis-6.2.txt");

/// The table, which is parsed only once.
pub(super) fn redis_6_2() -> &'static CommandDocs {
    static TABLE: OnceLock<CommandDocs> = OnceLock::new();
    TABLE.get_or_init(|| CommandDocs::of(read(TEXT)))
}

fn read(text: &str) -> BTreeMap<String, CommandDoc> {
    let mut commands = BTreeMap::new();
    let mut group = "";
    let mut lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix('@') {
            group = name;
            continue;
        }
        let (name, doc) = read_command(group, line, lines.next().unwrap_or_default());
        commands.insert(name, doc);
    }
    commands
}

fn read_command(group: &str, line: &str, fields: &str) -> (String, CommandDoc) {
    let (name, arguments) = line.split_once(' ').unwrap_or((line, ""));
    let mut fields = fields.trim().split("; ").map(str::to_owned);
    let doc = CommandDoc {
        since: fields.next().unwrap_or_default(),
        complexity: fields.next().filter(|complexity| complexity != "-").unwrap_or_default(),
        summary: fields.next().unwrap_or_default(),
        instead: fields.next().filter(|instead| !instead.is_empty()),
        group: group.to_owned(),
        syntax: notation::parse(arguments).unwrap_or_else(Syntax::nothing),
    };
    (name.replace('|', " "), doc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_all_fields() {
        let commands = read(TEXT);
        assert_eq!(commands.len(), TEXT.lines().filter(|line| line.starts_with("    ")).count());
        for (name, doc) in commands {
            assert!(doc.since.starts_with(|c: char| c.is_ascii_digit()), "{name}: {doc:?}");
            assert!(!doc.summary.is_empty() && !doc.group.is_empty(), "{name}: {doc:?}");
        }
    }

    #[test]
    fn every_syntax_is_parsed_and_written_back() {
        for line in TEXT.lines().filter(|line| line.starts_with(|c: char| c.is_uppercase())) {
            let arguments = line.split_once(' ').map_or("", |(_, arguments)| arguments);
            let read = notation::parse(arguments).map(|syntax| syntax.text());
            assert_eq!(read.as_deref(), Some(arguments), "{line}");
        }
    }
}
