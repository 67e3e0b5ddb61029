//! Each diagnosis where it is the cause, and where it could be confused.

mod blocking;
mod data;
mod refused;
mod scene;
mod server;
mod snapshots;
mod typed;
mod waiting;

use std::collections::BTreeSet;

use super::{DIAGNOSES, filled};

#[test]
fn ids_are_kebab_case_and_causes_are_one_sentence() {
    for it in DIAGNOSES {
        let is_id = |c: char| c.is_ascii_lowercase() || c == '-';
        assert!(it.id.chars().all(is_id), "{}", it.id);
        assert!(!it.cause.ends_with('.') && !it.cause.contains('\n'), "{}", it.id);
        assert!(!it.explains.is_empty(), "{}", it.id);
    }
}

/// SAVE that is forbidden and SAVE that was felt are the same mistake.
#[test]
fn only_one_id_stands_twice() {
    let ids: BTreeSet<&str> = DIAGNOSES.iter().map(|it| it.id).collect();
    assert_eq!(ids.len() + 1, DIAGNOSES.len());
}

#[test]
fn each_id_has_a_test() {
    let tests = [
        include_str!("blocking.rs"),
        include_str!("data.rs"),
        include_str!("refused.rs"),
        include_str!("server.rs"),
        include_str!("snapshots.rs"),
        include_str!("typed.rs"),
        include_str!("waiting.rs"),
    ];
    for it in DIAGNOSES {
        let quoted = format!("(\"{}\"", it.id);
        let names_it = |text: &&str| {
            [".is", ".seen_at", ".seen_nowhere"]
                .iter()
                .any(|is| text.contains(&format!("{is}{quoted}")))
        };
        assert!(tests.iter().any(names_it), "{}", it.id);
    }
}

#[test]
fn braces_in_what_is_filled_in_stay() {
    assert_eq!(filled("{} and {}", &["{}".to_owned(), "b".to_owned()]), "{} and b");
}
