//! Tells the prompt's own commands from lines for the server.

use crate::redis_cli::words;

/// What a typed line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// An empty line or a comment.
    Nothing,
    /// `help` or `?`, with the words after it.
    Help(Vec<String>),
    /// `quit` or `exit`.
    Leave,
    /// `clear`.
    Clear,
    /// A line for the runner, such as one that waits.
    Runner(String),
    /// A line for the server: [`Executor::run`](super::Executor::run).
    Command(String),
}

impl Asked {
    /// Classifies one line. Every line that is not one of the prompt's own is for the server.
    pub fn of(line: &str) -> Self {
        let line = line.trim();
        if words::is_comment(line) {
            return Self::Nothing;
        }
        if line.starts_with('@') {
            return Self::Runner(line.to_owned());
        }
        let words = texts(line);
        match (words.first().map(|word| word.to_lowercase()).as_deref(), words.len()) {
            (Some("help" | "?"), _) => Self::Help(words[1..].to_vec()),
            (Some("quit" | "exit"), _) => Self::Leave,
            (Some("clear"), 1) => Self::Clear,
            _ => Self::Command(line.to_owned()),
        }
    }
}

/// Whether a line contains a password that must not be saved. redis-cli keeps the same lines out of
/// its history (`isSensitiveCommand`); we also check SENTINEL SET and lines with a repeat count.
pub fn is_secret(line: &str) -> bool {
    line.lines().any(|line| {
        let words: Vec<String> = texts(line).iter().map(|word| word.to_lowercase()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let repeated = words.first().is_some_and(|word| word.parse::<i64>().is_ok());
        is_secret_command(if repeated { &words[1..] } else { &words })
    })
}

fn is_secret_command(words: &[&str]) -> bool {
    let settings = ["masterauth", "masteruser", "requirepass"];
    match words {
        ["auth", ..] | ["acl", "setuser" | "deluser", ..] => true,
        ["config" | "sentinel", "set", rest @ ..] => {
            rest.iter().any(|word| settings.contains(word) || word.ends_with("pass"))
        }
        ["hello" | "migrate", rest @ ..] => {
            let options = rest.iter().take_while(|word| **word != "keys");
            options.into_iter().any(|word| matches!(*word, "auth" | "auth2"))
        }
        _ => false,
    }
}

/// The words as text. A line that redis-cli would refuse is split at white space.
pub(super) fn texts(line: &str) -> Vec<String> {
    match words::split(line) {
        Ok(words) => words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect(),
        Err(_) => line.split_whitespace().map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prompts_own_words_differ_from_commands() {
        assert_eq!(Asked::of("  # a comment"), Asked::Nothing);
        assert_eq!(Asked::of("help config get"), Asked::Help(vec!["config".into(), "get".into()]));
        assert_eq!(Asked::of("?"), Asked::Help(Vec::new()));
        assert_eq!(Asked::of("EXIT"), Asked::Leave);
        assert_eq!(Asked::of("clear"), Asked::Clear);
        assert_eq!(Asked::of("clear all"), Asked::Command("clear all".into()));
        assert_eq!(Asked::of("@wait it"), Asked::Runner("@wait it".into()));
        assert_eq!(Asked::of(" get \"a b"), Asked::Command("get \"a b".into()));
    }

    #[test]
    fn lines_with_passwords_are_secret() {
        for line in [
            "AUTH s3cret",
            "2 auth user s3cret",
            "auth \"unclosed",
            "ACL SETUSER ann >s3cret",
            "hello 3 AUTH ann s3cret",
            "CONFIG SET maxmemory 1 requirepass s3cret",
            "MIGRATE h 1 k 0 9 AUTH s3cret",
            "GET a\nAUTH s3cret",
        ] {
            assert!(is_secret(line), "{line}");
        }
    }

    #[test]
    fn other_lines_are_kept() {
        for line in [
            "GET auth",
            "ACL WHOAMI",
            "HELLO 3",
            "CONFIG GET requirepass",
            "MIGRATE h 1 k 0 9 KEYS auth",
        ] {
            assert!(!is_secret(line), "{line}");
        }
    }
}
