//! How every server of ours is started.

use super::versions::option;

/// Save points off, so that only the student saves; no AOF; a clock tick of 10 ms, so that the end of
/// a background save is noticed at once (Redis facts 5). A lesson's own settings come behind and win.
const OURS: [(&str, &str); 3] = [("save", ""), ("appendonly", "no"), ("hz", "100")];

/// The arguments for the server's program: ours, `settings`, then `fixed`, which must win.
pub fn arguments(settings: &[(String, String)], fixed: &[(&str, &str)]) -> Vec<String> {
    let settings = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let all = OURS.into_iter().chain(settings).chain(fixed.iter().copied());
    all.flat_map(|(name, value)| option(name, value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lessons_settings_come_behind_ours() {
        let arguments = arguments(&[("hz".to_owned(), "10".to_owned())], &[("port", "7000")]);
        let position = |word: &str| arguments.iter().position(|it| it == word).unwrap();
        assert!(position("100") < position("10") && position("10") < position("--port"));
    }
}
