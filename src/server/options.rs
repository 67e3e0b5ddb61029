//! How every server of ours is started.

use super::CheckerUser;

/// Save points off, so that only the student saves; no AOF; a clock tick of 10 ms, so that the end of
/// a background save is noticed at once (Redis facts 5). A lesson's own settings come behind and win.
const OURS: [(&str, &str); 3] = [("save", ""), ("appendonly", "no"), ("hz", "100")];

/// What is chosen for one server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options<'o> {
    /// The lesson's: name and value.
    pub(super) settings: &'o [(String, String)],
    pub(super) checker: &'o CheckerUser,
}

impl Options<'_> {
    /// The arguments for the server's program: ours, the lesson's, then `fixed`, which must win.
    pub(super) fn arguments(&self, fixed: &[(&str, &str)]) -> Vec<String> {
        let settings = self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let user = self.checker.rule();
        let all = OURS.into_iter().chain(settings).chain([("user", user.as_str())]);
        all.chain(fixed.iter().copied()).flat_map(|(name, value)| option(name, value)).collect()
    }
}

/// A value of several words is several arguments: Redis 6.2 takes `--save "3600 1"` as one argument for
/// no save points at all, without a word (Redis facts 1).
fn option(name: &str, value: &str) -> Vec<String> {
    let mut words: Vec<String> = value.split_whitespace().map(str::to_owned).collect();
    if words.is_empty() {
        words.push(String::new());
    }
    words.insert(0, format!("--{name}"));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_value_is_an_argument() {
        assert_eq!(option("save", ""), ["--save", ""]);
    }

    #[test]
    fn a_value_of_two_words_is_two_arguments() {
        assert_eq!(option("save", "3600 1"), ["--save", "3600", "1"]);
    }

    #[test]
    fn the_lessons_settings_come_behind_ours() {
        let (settings, checker) = ([("hz".to_owned(), "10".to_owned())], CheckerUser::new());
        let options = Options { settings: &settings, checker: &checker };
        let arguments = options.arguments(&[("port", "7000")]);
        let position = |word: &str| arguments.iter().position(|it| it == word).unwrap();
        assert!(position("100") < position("10") && position("10") < position("--port"));
    }
}
