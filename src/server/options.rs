//! The configuration of every server that redislings starts.

use std::fmt::Write as _;

use super::CheckerUser;
use crate::redis_cli::reply;

/// No save points, so that only the student saves; no AOF; a clock tick of 10 ms, so that the end
/// of a small background save is noticed after about 9 ms (49 ms with the default `hz 10`, measured
/// medians). A lesson's own settings come later and win.
const DEFAULTS: [(&str, &str); 3] = [("save", ""), ("appendonly", "no"), ("hz", "100")];

/// Makes the server read its configuration from standard input: every user of this machine can read
/// arguments, and CONFIG REWRITE could write to a file.
pub(super) const FROM_STDIN: &str = "-";

/// The options of one server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options<'o> {
    /// The lesson's settings: name and value.
    pub(super) settings: &'o [(String, String)],
    pub(super) checker: &'o CheckerUser,
    /// The password of the default user.
    pub(super) password: &'o str,
}

impl Options<'_> {
    /// The configuration: our defaults, the lesson's settings, then `fixed`, which must win.
    pub(super) fn configuration(&self, fixed: &[(&str, &str)]) -> String {
        let settings = self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let users = [default_user(self.password), self.checker.rule()];
        let mut text = String::new();
        for (name, value) in DEFAULTS.into_iter().chain(settings).chain(fixed.iter().copied()) {
            let _ = writeln!(text, "{name} {}", words(value));
        }
        for user in users {
            let _ = writeln!(text, "user {user}");
        }
        text
    }
}

/// Redis before 7 lets everybody load modules and use DEBUG; later versions have settings against
/// that, which lessons can't change.
fn default_user(password: &str) -> String {
    format!("default on >{password} ~* &* +@all -debug -module")
}

/// Quotes each word of a value as one argument, so that a `#` or a quote is part of the value.
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
    fn the_lessons_settings_come_after_our_defaults() {
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
