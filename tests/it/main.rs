//! The program from outside. One binary, so that it is linked once.
#![expect(clippy::unwrap_used, reason = "a test ends with what it did not expect")]

mod session;
mod support;
