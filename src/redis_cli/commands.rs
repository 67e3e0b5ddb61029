//! Redis's own description of its commands: what they do to keys, and which arguments are keys.
//!
//! `commands.txt` holds what COMMAND says on six versions of Redis and Valkey, which agree on every
//! command without subcommands. `tests/it/versions.rs` compares it with the servers at hand.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Bound;
use std::sync::LazyLock;

const TEXT: &str = include_str!("commands.txt");
static COMMANDS: LazyLock<BTreeMap<&str, CommandInfo>> = LazyLock::new(|| {
    TEXT.lines().filter_map(parse).map(|command| (command.name, command)).collect()
});

/// The commands with subcommands: each look at a server asks whether its own commands are among
/// them.
static CONTAINERS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let containers = COMMANDS.keys().filter_map(|name| name.split_once('|'));
    // COMMAND describes DEBUG without them.
    containers.map(|(container, _)| container).chain(["debug"]).collect()
});

/// A command, or a subcommand such as `config|get`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandInfo {
    /// In lower case.
    pub name: &'static str,
    flags: &'static str,
    /// The first word of a line that is a key; 0: none is known by its position.
    first: usize,
    /// The last one; a negative position is counted from the end of the line.
    last: isize,
    step: usize,
}

impl CommandInfo {
    /// Whether the table gives it this flag, such as `write`.
    pub fn has(&self, flag: &str) -> bool {
        self.flags.split(',').any(|known| known == flag)
    }

    /// Whether it writes, acts on the server, or runs a script.
    pub fn acts(&self) -> bool {
        ["write", "admin", "movablekeys"].iter().any(|flag| self.has(flag))
    }

    /// Where its keys stand, as COMMAND says it: first, last, and the distance between two.
    pub fn positions(&self) -> [isize; 3] {
        let signed = |number: usize| isize::try_from(number).unwrap_or_default();
        [signed(self.first), self.last, signed(self.step)]
    }

    /// The indexes of the keys in a line of this many words.
    pub fn keys(&self, words: usize) -> Vec<usize> {
        let last = match self.last {
            last @ 0.. => last.unsigned_abs(),
            last => words.saturating_sub(last.unsigned_abs()),
        };
        let is_known = self.first > 0 && self.step > 0;
        let end = if is_known { (last + 1).min(words) } else { 0 };
        (self.first..end).step_by(self.step.max(1)).collect()
    }
}

fn parse(line: &'static str) -> Option<CommandInfo> {
    let [name, flags, first, last, step] = line.split(' ').collect::<Vec<_>>()[..] else {
        return None;
    };
    let (first, last, step) = (first.parse().ok()?, last.parse().ok()?, step.parse().ok()?);
    Some(CommandInfo { name, flags, first, last, step })
}

/// The command of this name, in any case.
pub fn find(name: &str) -> Option<&'static CommandInfo> {
    COMMANDS.get(name.to_lowercase().as_str())
}

/// The names of all commands, in lower case, without subcommands.
pub fn names() -> impl Iterator<Item = &'static str> {
    COMMANDS.keys().copied().filter(|name| !name.contains('|'))
}

/// The command, or else the subcommand, that a line begins with.
pub fn of_words<W: AsRef<[u8]>>(words: &[W]) -> Option<&'static CommandInfo> {
    let name = text(words.first()?);
    let subcommand = words.get(1).and_then(|word| find(&format!("{name}|{}", text(word))));
    subcommand.or_else(|| find(&name))
}

/// Whether a command's first argument is a subcommand, as in `CONFIG SET`; the name in any case.
pub fn has_subcommands(name: &str) -> bool {
    CONTAINERS.contains(name.to_lowercase().as_str())
}

/// Whether one of a command's subcommands, or the command itself, has the flag.
pub fn any_has(name: &str, flag: &str) -> bool {
    find(name).into_iter().chain(subcommands(name)).any(|command| command.has(flag))
}

fn subcommands(name: &str) -> impl Iterator<Item = &'static CommandInfo> {
    let start = format!("{}|", name.to_lowercase());
    let from = COMMANDS.range::<str, _>((Bound::Included(start.as_str()), Bound::Unbounded));
    from.map(|(_, command)| command).take_while(move |command| command.name.starts_with(&start))
}

/// Whether messages without an end follow instead of one reply; the name in any case.
pub fn never_ends(name: &str) -> bool {
    let endless = ["monitor", "sync", "psync", "subscribe", "psubscribe", "ssubscribe"];
    endless.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether a line is a command after which its connection sends endless messages instead of replies,
/// and which no answer may send.
pub fn is_endless(line: &str) -> bool {
    let words = super::words::split(line).unwrap_or_default();
    let name = words.first().map(text).unwrap_or_default();
    never_ends(&name) && !name.ends_with("subscribe")
}

/// The names, in lower case, of commands that do more than read or write the keys that they name:
/// they act on the server, on all keys, or run a script.
pub fn doing_more_than_keys() -> BTreeSet<Vec<u8>> {
    let names = COMMANDS.keys().filter(|name| {
        any_has(name, "admin")
            || ["flush", "eval", "fcall"].iter().any(|start| name.starts_with(start))
    });
    names.map(|name| name.as_bytes().to_vec()).collect()
}

/// Whether the line may make its own connection wait for another client or a replica.
pub fn may_wait<W: AsRef<[u8]>>(words: &[W]) -> bool {
    let Some(command) = of_words(words).filter(|command| command.has("blocking")) else {
        return false;
    };
    let needs_option = command.name.starts_with("xread");
    !needs_option || words.iter().any(|word| word.as_ref().eq_ignore_ascii_case(b"BLOCK"))
}

/// Whether the line reads and changes nothing, and its reply comes at once.
pub fn only_reads<W: AsRef<[u8]>>(words: &[W]) -> bool {
    of_words(words).is_some_and(|command| {
        (command.has("readonly") || command.has("telling")) && !may_wait(words)
    })
}

/// Whether the line changes none of the keys that it names. FLUSHALL and SWAPDB name none.
pub fn changes_no_named_key<W: AsRef<[u8]>>(words: &[W]) -> bool {
    of_words(words).is_some_and(|command| {
        let names_keys = command.first > 0 || command.has("movablekeys");
        !command.has("write") || !names_keys
    })
}

/// Whether a command gives a key a value. `denyoom` marks what needs more memory; SORT and
/// GEORADIUS store only with an option.
fn gives_a_value(command: &CommandInfo) -> bool {
    match command.name {
        "rename" | "renamenx" | "smove" => true,
        "sort" | "georadius" | "georadiusbymember" => false,
        _ => command.has("denyoom") && command.first > 0,
    }
}

/// The indexes, among the words of a command line, of the keys that it gives a value. The keys of a
/// script are taken for such.
pub fn written_keys<W: AsRef<[u8]>>(words: &[W]) -> Vec<usize> {
    let name = words.first().map(text).unwrap_or_default();
    if ["eval", "evalsha", "fcall"].contains(&name.as_str()) {
        // EVAL script numkeys key... argument...
        let number = words.get(2).and_then(|word| text(word).parse().ok()).unwrap_or(0);
        return (3..words.len()).take(number).collect();
    }
    if name == "json.set" {
        return (1..words.len()).take(1).collect();
    }
    let Some(command) = of_words(words).filter(|command| gives_a_value(command)) else {
        return Vec::new();
    };
    // Each key of MSET has its value.
    let end = if command.step > 1 { usize::MAX } else { written_key(command) + 1 };
    let keys = command.keys(words.len()).into_iter();
    keys.filter(|index| (written_key(command)..end).contains(index)).collect()
}

/// The index, among the words of a line, of the first key that the command gives a value: the
/// second of two keys, as in RENAME, but the first where the others are its sources, as in
/// ZRANGESTORE.
fn written_key(command: &CommandInfo) -> usize {
    let is_from_one_to_another = command.last == 2 && command.step == 1 && command.first == 1;
    let is_second = is_from_one_to_another && !command.name.ends_with("store");
    command.first + usize::from(is_second)
}

/// The indexes, among the words of a command line, of all keys that it names.
pub fn named_keys<W: AsRef<[u8]>>(words: &[W]) -> Vec<usize> {
    let streams = words.iter().position(|word| word.as_ref().eq_ignore_ascii_case(b"STREAMS"));
    match (of_words(words), streams) {
        (Some(command), Some(streams)) if command.name.starts_with("xread") => {
            let count = (words.len() - streams - 1) / 2;
            (streams + 1..=streams + count).collect()
        }
        (Some(command), _) if command.first > 0 => command.keys(words.len()),
        _ => written_keys(words),
    }
}

/// The commands that name keys, as the methods of client libraries are called, in upper case, each
/// with the first, the last and the step of its keys among the arguments: `XGROUP_CREATE`.
pub fn methods_with_keys() -> impl Iterator<Item = (String, [isize; 3])> {
    let with_keys = COMMANDS.values().filter(|command| command.first > 0);
    with_keys.map(|command| {
        let [first, last, step] = command.positions();
        let before = if command.name.contains('|') { 2 } else { 1 };
        let last = if last < 0 { last } else { last - before };
        (command.name.to_uppercase().replace('|', "_"), [first - before, last, step])
    })
}

/// Commands that give a key a value, of which the table cannot say it.
const OTHER_WRITERS: [&str; 4] = ["eval", "evalsha", "fcall", "json.set"];

/// Whether a command may give a key a value; `name` in any case.
pub fn is_writer(name: &str) -> bool {
    OTHER_WRITERS.contains(&name.to_lowercase().as_str()) || find(name).is_some_and(gives_a_value)
}

/// The commands that may give a key a value, in upper case, each with the index, from 0, of the
/// argument that is this key (the first of several).
pub fn writers() -> impl Iterator<Item = (String, usize)> {
    let known = COMMANDS.values().filter(|command| gives_a_value(command));
    let known = known.map(|command| (command.name, written_key(command) - 1));
    let others = OTHER_WRITERS.map(|name| (name, 0));
    known.chain(others).map(|(name, index)| (name.to_uppercase(), index))
}

fn text<W: AsRef<[u8]>>(word: &W) -> String {
    String::from_utf8_lossy(word.as_ref()).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<&str> {
        line.split(' ').filter(|word| !word.is_empty()).collect()
    }

    #[test]
    fn every_line_of_the_table_is_read() {
        let lines = TEXT.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(COMMANDS.len(), lines);
        let mut telling = COMMANDS.values().filter(|command| command.has("telling"));
        assert!(telling.all(|command| !command.has("write")));
    }

    #[test]
    fn a_subcommand_is_found_before_its_command() {
        let found = |line| of_words(&words(line)).map(|command| command.name);
        assert_eq!(found("CONFIG GET save"), Some("config|get"));
        assert_eq!(found("CONFIG NONSENSE"), Some("config"));
        assert_eq!(found("get config"), Some("get"));
        assert_eq!(found("NONSENSE"), None);
        assert!(has_subcommands("Config") && has_subcommands("DEBUG") && !has_subcommands("GET"));
    }

    #[test]
    fn the_keys_that_a_command_writes_are_known() {
        for (line, keys) in [
            ("set a 1", &["a"][..]),
            ("MSET a 1 b 2", &["a", "b"]),
            ("RENAME a b", &["b"]),
            ("LMOVE a b LEFT RIGHT", &["b"]),
            ("SUNIONSTORE a b c", &["a"]),
            ("BITOP NOT a b", &["a"]),
            ("ZRANGESTORE a b 0 1", &["a"]),
            ("GEOSEARCHSTORE a b FROMMEMBER m BYBOX 1 1 m", &["a"]),
            ("JSON.SET a $ 1", &["a"]),
            ("XADD a * f 1", &["a"]),
            ("EVAL script 2 a b c", &["a", "b"]),
            ("EVAL script 0", &[]),
            ("GET a", &[]),
            ("DEL a", &[]),
            ("SET", &[]),
            ("", &[]),
        ] {
            let words = words(line);
            let found: Vec<&str> = written_keys(&words).into_iter().map(|at| words[at]).collect();
            assert_eq!(found, keys, "{line}");
        }
    }

    #[test]
    fn all_keys_of_a_line_are_known() {
        for (line, keys) in [
            ("DEL a b", &["a", "b"][..]),
            ("XREADGROUP GROUP g c COUNT 1 STREAMS s t > 0", &["s", "t"]),
            ("XGROUP CREATE s g 0", &["s"]),
            ("RENAME a b", &["a", "b"]),
            ("PERSIST a", &["a"]),
            ("EVAL script 1 a b", &["a"]),
            ("PING", &[]),
        ] {
            let words = words(line);
            let found: Vec<&str> = named_keys(&words).into_iter().map(|at| words[at]).collect();
            assert_eq!(found, keys, "{line}");
        }
        let methods: BTreeMap<String, [isize; 3]> = methods_with_keys().collect();
        assert_eq!(methods["XGROUP_CREATE"], [0, 0, 1]);
        assert_eq!(methods["DEL"], [0, -1, 1]);
    }

    #[test]
    fn writers_have_their_key_where_their_lines_have_it() {
        for (name, index) in writers() {
            let line: Vec<String> =
                [name.clone()].into_iter().chain((1..5).map(|number| number.to_string())).collect();
            if !OTHER_WRITERS.contains(&name.to_lowercase().as_str()) {
                assert_eq!(written_keys(&line).first(), Some(&(index + 1)), "{name}");
            }
        }
    }

    #[test]
    fn what_changes_keys_that_it_names_is_known() {
        for line in ["GET a", "FUNCTION LOAD code", "SAVE", "XREAD STREAMS s 0", "CONFIG SET a b"] {
            assert!(changes_no_named_key(&words(line)), "{line}");
        }
        for line in ["DEL a", "XGROUP CREATE s g 0", "XREADGROUP GROUP g c STREAMS s >", "X a"] {
            assert!(!changes_no_named_key(&words(line)), "{line}");
        }
    }

    #[test]
    fn what_only_reads_is_known() {
        for line in
            ["GET a", "XRANGE s - +", "XREAD STREAMS s 0", "TTL a", "INFO", "OBJECT ENCODING a"]
        {
            assert!(only_reads(&words(line)), "{line}");
        }
        for line in [
            "SET a 1",
            "DEL a",
            "GETEX a",
            "XREAD BLOCK 0 STREAMS s 0",
            "BLPOP l 0",
            "CONFIG SET a b",
            "EVAL s 0",
            "X",
        ] {
            assert!(!only_reads(&words(line)), "{line}");
        }
    }
}
