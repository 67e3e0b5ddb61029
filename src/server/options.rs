//! How every server of ours is started.

use super::CheckerUser;
use super::versions::option;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lessons_settings_come_behind_ours() {
        let (settings, checker) = ([("hz".to_owned(), "10".to_owned())], CheckerUser::new());
        let options = Options { settings: &settings, checker: &checker };
        let arguments = options.arguments(&[("port", "7000")]);
        let position = |word: &str| arguments.iter().position(|it| it == word).unwrap();
        assert!(position("100") < position("10") && position("10") < position("--port"));
    }
}
