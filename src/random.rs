//! Words that nobody guesses.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// 32 hexadecimal digits, from the keys that the standard library draws for its hash tables.
pub fn word() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}
