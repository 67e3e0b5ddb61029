//! The configuration of every server that redislings starts.

use std::fmt::Write as _;

use crate::random;
use crate::redis_cli::reply;

/// No save points, so that only the student saves; no AOF. A lesson's own settings come later and
/// win.
const DEFAULTS: [(&str, &str); 2] = [("save", ""), ("appendonly", "no")];

/// The checker's own user: an answer may lock out the default user (CONFIG SET requirepass, ACL
/// SETUSER), and the checker must still be able to read the evidence.
pub(super) const CHECKER: &str = "checker";

/// The options of one server.
#[derive(Debug)]
pub(super) struct Options {
    /// The lesson's settings: name and value.
    pub(super) settings: Vec<(String, String)>,
    /// Settings of this start alone, which win over those.
    pub(super) laid_over: Vec<(String, String)>,
    /// The password of [`CHECKER`]. This prevents accidents, not attacks: whoever can send commands
    /// to the server can also read its memory.
    pub(super) checker_password: String,
    /// The default user's password: other users of this machine can reach the server's port.
    pub(super) password: String,
}

impl Options {
    pub(super) fn new(settings: &[(String, String)]) -> Self {
        let settings = settings.to_vec();
        let (checker_password, password) = (random::word(), random::word());
        Self { settings, laid_over: Vec::new(), checker_password, password }
    }

    /// The configuration: our defaults and the lesson's settings, or what the server has rewritten;
    /// the settings of this start, then `fixed`, which must win. It is a file, since every user of
    /// this machine can read arguments.
    ///
    /// Redis before 7 lets everybody load modules and use DEBUG; later versions have settings
    /// against that, which lessons can't change.
    pub(super) fn configuration(
        &self,
        rewritten: Option<&[(String, String)]>,
        fixed: &[(&str, &str)],
    ) -> String {
        let defaults = DEFAULTS.into_iter().filter(|_| rewritten.is_none());
        let settings = rewritten.unwrap_or(&self.settings).iter().chain(&self.laid_over);
        let settings = settings.map(|(name, value)| (name.as_str(), value.as_str()));
        let mut text = String::new();
        for (name, value) in defaults.chain(settings).chain(fixed.iter().copied()) {
            for value in lines_of(name, value) {
                let _ = writeln!(text, "{name} {}", words(&value));
            }
        }
        let (password, checker) = (&self.password, &self.checker_password);
        let _ = writeln!(text, "user default on >{password} ~* &* +@all -debug -module");
        let _ = writeln!(text, "user {CHECKER} on >{checker} ~* &* +@all");
        text
    }
}

/// The values of the lines that set this. Redis before 7.0 silently drops a line with more than one
/// save point (`tests/it/versions.rs`).
fn lines_of(name: &str, value: &str) -> Vec<String> {
    let words: Vec<&str> = value.split_whitespace().collect();
    if name == "save" && words.len() > 2 {
        return words.chunks(2).map(|point| point.join(" ")).collect();
    }
    vec![value.to_owned()]
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
        let options = Options::new(&[("appendonly".to_owned(), "yes".to_owned())]);
        let text = options.configuration(None, &[("port", "7000")]);
        let position = |line: &str| text.find(line).unwrap();
        assert!(position("appendonly \"no\"") < position("appendonly \"yes\""));
        assert!(position("appendonly \"yes\"") < position("port \"7000\""));
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
    fn each_save_point_has_its_line() {
        let options = Options::new(&[("save".to_owned(), "3600 1 60 1000".to_owned())]);
        let text = options.configuration(None, &[]);
        assert!(text.contains("save \"3600\" \"1\"\nsave \"60\" \"1000\"\n"), "{text}");
    }

    #[test]
    fn quotes_and_comments_are_part_of_a_value() {
        assert_eq!(words(r#"a"b\c #d"#), r##""a\"b\\c" "#d""##);
    }
}
