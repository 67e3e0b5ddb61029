//! What has become of the keys that checks ask about, in words.

use std::fmt::Write as _;
use std::time::Duration;

use crate::attempt::evidence::{Evidence, KeyChange, KeyState};

/// Ends that are nearer to each other are the same: between two looks time goes on.
const SAME_END: Duration = Duration::from_secs(2);

/// The keys that have changed, each with its state before and after; where only the end has changed,
/// the value is not repeated.
pub(super) fn key_changes(evidence: &Evidence) -> impl Iterator<Item = (&str, [String; 2])> {
    evidence.keys.iter().filter_map(|change| Some((&*change.key, texts(change)?)))
}

/// `None` if nothing has changed.
fn texts(change: &KeyChange) -> Option<[String; 2]> {
    let KeyChange { before, after, apart, .. } = change;
    let has_other_content = content(before) != content(after);
    if !has_other_content && ends_alike(before, after, *apart) {
        return None;
    }
    let has_end = before.ends_in.is_some() || after.ends_in.is_some();
    Some([before, after].map(|state| told(state, has_other_content, has_end)))
}

fn told(state: &KeyState, with_content: bool, with_end: bool) -> String {
    match (with_content, with_end && state.exists()) {
        (true, true) => format!("{}, {}", held(state), end(state)),
        (true, false) => held(state),
        (false, _) => end(state),
    }
}

/// All but the end.
fn content(state: &KeyState) -> impl PartialEq {
    (state.kind.clone(), state.value.clone(), state.size, state.groups.clone())
}

fn ends_alike(before: &KeyState, after: &KeyState, apart: Duration) -> bool {
    match (before.ends_in, after.ends_in) {
        (None, None) => true,
        (Some(before), Some(after)) => {
            before.saturating_sub(apart).abs_diff(after) <= SAME_END || before == after
        }
        _ => false,
    }
}

fn end(state: &KeyState) -> String {
    let Some(ends_in) = state.ends_in else { return "never ends".to_owned() };
    // A time to live that was just set reads a few milliseconds less.
    let seconds = ends_in.as_millis().div_ceil(1000);
    match (seconds / 60, seconds % 60) {
        (0..2, _) => format!("ends in {seconds} s"),
        (minutes @ 2..120, 0) => format!("ends in {minutes} min"),
        (minutes @ 2..120, seconds) => format!("ends in {minutes} min {seconds} s"),
        (minutes, _) => format!("ends in {} h {} min", minutes / 60, minutes % 60),
    }
}

fn held(state: &KeyState) -> String {
    let KeyState { kind, value, size, groups, .. } = state;
    let size = size.unwrap_or_default();
    let what = match (kind.as_str(), value) {
        _ if !state.exists() => return "none".to_owned(),
        (_, Some(value)) if size > 40 => format!("{value}… ({size} bytes)"),
        (_, Some(value)) => value.clone(),
        ("hash", _) => count(size, "field"),
        ("set" | "zset", _) => count(size, "member"),
        ("stream", _) => plural(size, "entry", "entries"),
        _ => count(size, "element"),
    };
    let mut text = what;
    for group in groups {
        let _ = write!(text, ", {} pending in {}", group.pending, group.name);
    }
    text
}

fn count(size: i64, what: &str) -> String {
    plural(size, what, &format!("{what}s"))
}

fn plural(size: i64, one: &str, many: &str) -> String {
    format!("{size} {}", if size == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::evidence::GroupState;

    fn state(kind: &str, size: i64, ends_in: Option<u64>) -> KeyState {
        let ends_in = ends_in.map(Duration::from_millis);
        KeyState { kind: kind.to_owned(), size: Some(size), ends_in, ..KeyState::default() }
    }

    fn row(before: KeyState, after: KeyState) -> Option<String> {
        let apart = Duration::from_secs(1);
        let change = KeyChange { key: "cart".to_owned(), before, after, apart };
        texts(&change).map(|[before, after]| format!("{} {before} → {after}", change.key))
    }

    #[test]
    fn only_the_end_is_told_where_nothing_else_has_changed() {
        let (half_an_hour, never) = (Some(1_799_950), None);
        let lost = row(state("hash", 2, half_an_hour), state("hash", 2, never));
        assert_eq!(lost.unwrap(), "cart ends in 30 min → never ends");
    }

    #[test]
    fn an_end_that_only_came_nearer_is_no_change() {
        assert_eq!(row(state("hash", 2, Some(60_000)), state("hash", 2, Some(58_900))), None);
    }

    #[test]
    fn a_new_key_was_none_before() {
        let row = row(KeyState::default(), state("list", 1, Some(90_000)));
        assert_eq!(row.unwrap(), "cart none → 1 element, ends in 90 s");
    }

    #[test]
    fn a_stream_shows_what_is_pending_in_its_groups() {
        let pending = |pending| {
            let groups = vec![GroupState { name: "packers".to_owned(), pending }];
            KeyState { groups, ..state("stream", 2, None) }
        };
        let row = row(pending(2), pending(0)).unwrap();
        assert_eq!(row, "cart 2 entries, 2 pending in packers → 2 entries, 0 pending in packers");
    }

    #[test]
    fn a_long_value_is_cut() {
        let value = Some(format!("\"{}\"", "x".repeat(40)));
        let row = row(KeyState::default(), KeyState { value, ..state("string", 1000, None) });
        assert!(row.unwrap().ends_with("xxx\"… (1000 bytes)"));
    }
}
