//! Unguessable words.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// 32 hexadecimal digits, from the random keys of the standard library's hash tables.
pub fn word() -> String {
    format!("{:016x}{:016x}", random_number(), random_number())
}

fn random_number() -> u64 {
    RandomState::new().build_hasher().finish()
}
