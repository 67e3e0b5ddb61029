//! Completion with Tab: commands, subcommands, and the tokens among their arguments.

use super::docs::CommandDocs;
use super::typing::Typing;
use crate::topics::wait_lines;

/// The prompt's own words.
const OWN: [&str; 4] = ["clear", "exit", "help", "quit"];

/// Where the word that is completed begins in `text`, and what it may become: in lower case if it
/// was begun so; sorted, except for arguments, which keep their order.
pub(super) fn complete(docs: &CommandDocs, text: &str) -> (usize, Vec<String>) {
    let typing = Typing::of(text);
    if typing.is_quoted {
        return (typing.begins_at, Vec::new());
    }
    let begun = typing.current.to_uppercase();
    let is_lower = is_in_lower_case(&typing);
    let mut found = Vec::new();
    for word in candidates(docs, &typing) {
        if !word.to_uppercase().starts_with(&begun) {
            continue;
        }
        let in_lower = is_lower || word.starts_with('@');
        found.push(if in_lower { word.to_lowercase() } else { word.to_uppercase() });
    }
    (typing.begins_at, found)
}

fn candidates(docs: &CommandDocs, typing: &Typing) -> Vec<String> {
    let words = typing.finished();
    match words.as_slice() {
        [] => {
            let mut names = commands(docs);
            names.extend(OWN.map(str::to_owned));
            names.extend(wait_lines().into_iter().map(str::to_owned));
            names.sort_by_key(|name| name.to_uppercase());
            names
        }
        [help, topic @ ..] if is_help(help) => topics(docs, topic, &typing.current),
        [name, rest @ ..] => {
            let mut found =
                if rest.is_empty() { owned(docs.subcommands(name)) } else { Vec::new() };
            if let Some((count, doc)) = docs.find(&words) {
                found.extend(doc.syntax.tokens_after(&words[count..]));
            }
            found
        }
    }
}

fn commands(docs: &CommandDocs) -> Vec<String> {
    docs.names().filter(|name| !name.contains(' ')).map(str::to_owned).collect()
}

fn owned(words: Vec<&str>) -> Vec<String> {
    words.into_iter().map(str::to_owned).collect()
}

fn is_help(word: &str) -> bool {
    word == "?" || word.eq_ignore_ascii_case("help")
}

fn topics(docs: &CommandDocs, words: &[&str], begun: &str) -> Vec<String> {
    match words {
        [] if begun.starts_with('@') => owned(docs.topics()),
        [] => commands(docs),
        [name] => owned(docs.subcommands(name)),
        _ => Vec::new(),
    }
}

/// The case of the word under the cursor, or of the command if that word has no letter: `set k v `
/// goes on with `ex`, and so does `SET k v e`.
fn is_in_lower_case(typing: &Typing) -> bool {
    let command = typing.finished.first().and_then(|word| begins_in_lower_case(word));
    begins_in_lower_case(&typing.current).or(command).unwrap_or(false)
}

/// `None` for a word without letters.
fn begins_in_lower_case(word: &str) -> Option<bool> {
    word.chars().find(|c| c.is_alphabetic()).map(char::is_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(text: &str) -> Vec<String> {
        complete(CommandDocs::table(), text).1
    }

    #[test]
    fn commands_are_offered_in_the_case_that_was_begun() {
        assert_eq!(offered("DBS"), ["DBSIZE"]);
        assert_eq!(offered("fl"), ["flushall", "flushdb"]);
        assert_eq!(complete(CommandDocs::table(), "3 pin"), (2, vec!["ping".to_owned()]));
    }

    #[test]
    fn the_prompts_own_words_are_offered() {
        assert_eq!(offered("@"), wait_lines());
        assert_eq!(offered("ex")[..3], ["exec", "exists", "exit"]);
        assert_eq!(offered("hel"), ["hello", "help"]);
    }

    #[test]
    fn subcommands_are_offered_after_their_command() {
        assert_eq!(offered("config re"), ["resetstat", "rewrite"]);
        assert_eq!(offered("XINFO "), ["CONSUMERS", "GROUPS", "HELP", "STREAM"]);
    }

    #[test]
    fn arguments_are_offered_where_they_may_stand() {
        assert_eq!(offered("SET k v E"), ["EX", "EXAT"]);
        assert_eq!(offered("set k v e"), ["ex", "exat"]);
        assert_eq!(offered("set k v ex 10 "), ["nx", "xx", "get"]);
        assert_eq!(offered("BGSAVE "), ["SCHEDULE"]);
        assert_eq!(offered("SET k "), [""; 0]);
        assert_eq!(offered("SET k \"E"), [""; 0]);
    }

    #[test]
    fn topics_of_help_are_offered() {
        assert_eq!(offered("help dbs"), ["dbsize"]);
        assert_eq!(offered("help @st"), ["@stream", "@string"]);
        assert_eq!(offered("HELP CONFIG G"), ["GET"]);
    }
}
