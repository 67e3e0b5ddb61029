//! How every server of ours is started.

use std::fmt::Write as _;

use super::CheckerUser;
use crate::redis_cli::reply;

/// Save points off, so that only the student saves; no AOF; a clock tick of 10 ms, so that the end of
/// a background save is noticed at once (Redis facts 5). A lesson's own settings come behind and win.
const OURS: [(&str, &str); 3] = [("save", ""), ("appendonly", "no"), ("hz", "100")];

/// By it the server's program reads its configuration from standard input: everybody on this machine can read arguments,
/// and a file could be written to by CONFIG REWRITE.
pub(super) const FROM_STDIN: &str = "-";

/// What is chosen for one server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options<'o> {
    /// The lesson's: name and value.
    pub(super) settings: &'o [(String, String)],
    pub(super) checker: &'o CheckerUser,
    /// The default user's.
    pub(super) password: &'o str,
}

impl Options<'_> {
    /// The server's configuration: ours, the lesson's, then `fixed`, which must win.
    pub(super) fn configuration(&self, fixed: &[(&str, &str)]) -> String {
        let settings = self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let users = [default_user(self.password), self.checker.rule()];
        let mut text = String::new();
        for (name, value) in OURS.into_iter().chain(settings).chain(fixed.iter().copied()) {
            let _ = writeln!(text, "{name} {}", words(value));
        }
        for user in users {
            let _ = writeln!(text, "user {user}");
        }
        text
    }
}

/// Redis before 7 lets everybody load modules and use DEBUG; later ones have settings against that, which lessons can't
/// change.
fn default_user(password: &str) -> String {
    format!("default on >{password} ~* &* +@all -debug -module")
}

/// A value of several words is several arguments, each in quotes: a `#` or a quote in it is part of it.
fn words(value: &str) -> String {
    if value.trim().is_empty() {
        return "\"\"".to_owned();
    }
    let words: Vec<String> =
        value.split_whitespace().map(|word| reply::quoted(word.as_bytes())).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lessons_settings_come_behind_ours() {
        let (settings, checker) = ([("hz".to_owned(), "10".to_owned())], CheckerUser::new());
        let options = Options { settings: &settings, checker: &checker, password: "pw" };
        let text = options.configuration(&[("port", "7000")]);
        let position = |line: &str| text.find(line).unwrap();
        assert!(position("hz \"100\"") < position("hz \"10\""));
        assert!(position("hz \"10\"") < position("port \"7000\""));
    }

    #[test]
    fn an_empty_value_is_an_argument_too() {
        assert_eq!(words(""), "\"\"");
    }

    #[test]
    fn a_value_of_several_words_is_several_arguments() {
        assert_eq!(words("3600 1"), "\"3600\" \"1\"");
    }

    #[test]
    fn quotes_and_comments_are_part_of_a_value() {
        assert_eq!(words(r#"a"b\c #d"#), r##""a\"b\\c" "#d""##);
    }
}
