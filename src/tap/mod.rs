//! The tap: a relay on 127.0.0.1 between whoever asks Redis and the server, which writes down what is asked
//! and answered.

pub mod transcript;

pub use transcript::{Exchange, Outcome, Reply, Shown, Transcript};
