//! Tests each diagnosis where it is the cause, and where it could be mistaken for it.

mod blocking;
mod data;
mod server;
mod settings;
mod typed;

use std::collections::BTreeSet;

use super::engine::filled;
use super::{DIAGNOSES, Diagnosis};

#[test]
fn ids_are_kebab_case_and_causes_are_one_sentence() {
    for Diagnosis { id, cause, explains, .. } in DIAGNOSES.iter() {
        assert!(id.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{id}");
        assert!(!cause.ends_with('.') && !cause.contains('\n'), "{id}");
        assert!(!explains.is_empty(), "{id}");
    }
}

/// A SAVE that is forbidden and a SAVE that made others wait are the same mistake.
#[test]
fn only_one_id_occurs_twice() {
    let ids: BTreeSet<&str> = DIAGNOSES.iter().map(|diagnosis| diagnosis.id).collect();
    assert_eq!(ids.len() + 1, DIAGNOSES.len());
}

#[test]
fn each_id_has_a_test() {
    let tests = [
        include_str!("blocking.rs"),
        include_str!("data.rs"),
        include_str!("server.rs"),
        include_str!("typed.rs"),
        include_str!("../../../topics/snapshots/tests/copied.rs"),
        include_str!("../../../topics/snapshots/tests/diagnoses.rs"),
        include_str!("../../../topics/snapshots/tests/refused.rs"),
        include_str!("../../../topics/snapshots/tests/saved.rs"),
        include_str!("../../../topics/snapshots/tests/waiting.rs"),
        include_str!("settings.rs"),
        include_str!("../../../topics/append_only/tests.rs"),
        include_str!("../../../topics/expirations/tests.rs"),
        include_str!("../../../topics/pubsub/tests.rs"),
        include_str!("../../../topics/streams/tests.rs"),
        include_str!("../../../topics/toy.rs"),
    ];
    for Diagnosis { id, .. } in DIAGNOSES.iter() {
        let asserts = [".is", ".seen_at", ".seen_nowhere", "assert_cause"];
        let is_tested = asserts.iter().any(|name| {
            let call = format!("{name}(\"{id}\"");
            tests.iter().any(|test| test.contains(&call))
        });
        assert!(is_tested, "{id}");
    }
}

#[test]
fn braces_in_what_is_filled_in_stay() {
    assert_eq!(filled("{} and {}", &["{}".to_owned(), "b".to_owned()]), "{} and b");
}
