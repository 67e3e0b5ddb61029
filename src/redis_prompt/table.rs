//! The commands of Redis 6.2, for servers that can't be asked: COMMAND DOCS came with 7.0.
//!
//! `redis-6.2.txt` holds names, arguments, groups and complexities as Redis 7.0.15 tells them of what it says was
//! there up to 6.2; what 6.2 takes less of (CONFIG GET, CONFIG SET, INFO) was cut, STRALGO added. What each does is
//! said in our words. `tests/it/redis_prompt.rs` compares names and counts of arguments with a real 6.2.5.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::docs::{CommandDoc, CommandDocs};
use super::notation;
use super::syntax::Syntax;

const TEXT: &str = include_str!("redis-6.2.txt");

/// Read once.
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

fn read_command(group: &str, line: &str, told: &str) -> (String, CommandDoc) {
    let (name, arguments) = line.split_once(' ').unwrap_or((line, ""));
    let mut told = told.trim().split("; ");
    let mut next = || told.next().unwrap_or_default().to_owned();
    let doc = CommandDoc {
        since: next(),
        complexity: Some(next()).filter(|it| it != "-").unwrap_or_default(),
        summary: next(),
        instead: Some(next()).filter(|it| !it.is_empty()),
        group: group.to_owned(),
        syntax: notation::parse(arguments).unwrap_or_else(Syntax::nothing),
    };
    (name.replace('|', " "), doc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_told_whole() {
        let commands = read(TEXT);
        assert_eq!(commands.len(), TEXT.lines().filter(|it| it.starts_with("    ")).count());
        for (name, doc) in commands {
            assert!(doc.since.starts_with(|it: char| it.is_ascii_digit()), "{name}: {doc:?}");
            assert!(!doc.summary.is_empty() && !doc.group.is_empty(), "{name}: {doc:?}");
        }
    }

    #[test]
    fn every_line_of_arguments_is_read_as_it_is_written() {
        for line in TEXT.lines().filter(|line| line.starts_with(|it: char| it.is_uppercase())) {
            let arguments = line.split_once(' ').map_or("", |(_, arguments)| arguments);
            let read = notation::parse(arguments).map(|syntax| syntax.text());
            assert_eq!(read.as_deref(), Some(arguments), "{line}");
        }
    }
}
