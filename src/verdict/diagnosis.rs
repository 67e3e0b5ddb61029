//! Why an answer falls short: the common mistakes (`tests/facts`, Common mistakes) as data, each
//! with a function that recognises it in the evidence.
//!
//! A wrong cause is worse than none. So a diagnosis is tried only for an unmet finding whose
//! [`Symptom`] it explains, and that something never happened is concluded only from a complete
//! timeline of an answer that ended well. `tests/it/causes.rs` checks the claims of each cause on
//! real answers.

pub mod blocking;
mod cause;
mod data;
pub mod diagnosed;
pub mod effects;
pub mod ending;
mod engine;
pub mod facts;
pub mod keys;
mod lines;
mod meant;
mod pasted;
pub mod server;
mod settings;
pub mod symptom;
mod table;
mod transactions;
mod typed;

#[cfg(test)]
mod tests;

pub use self::cause::{Cause, Diagnosis, Stage, seen_at};
pub use self::diagnosed::{Diagnosed, Pointer};
pub use self::engine::{DIAGNOSES, data_in_the_file, diagnose, is_loaded_from_the_log};
pub use self::facts::Facts;
pub use self::symptom::Symptom;
