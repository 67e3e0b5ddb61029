//! Learn Redis by doing: lessons run and checked against a real Redis.
//!
//! Data flows one way, and each stage hands a plain value to the next:
//!
//! ```text
//! lessons/*.md ──lesson──► Course ──► Exercise ┐
//!                                              ├─attempt─► Evidence ─verdict─► Verdict ─present─► screen · JSON · JUnit · annotations
//! container | process | address ──server──► Server ──tap──► Transcript
//! ```
//!
//! - [`lesson`], [`server`] and [`tap`] know no other stage; [`attempt`] knows them all; [`verdict`] is pure; only
//!   [`present`] gives text its colours; `session` and `verify` know the rest; `cli` knows nobody and
//!   [`run`] translates. `tests/it/architecture.rs` guards this.
//! - What outlives a session: [`answers`] beside the student, [`progress`] and [`journal`] in the state directory.
//! - [`redis_cli`] holds redis-cli's habits, [`redis_prompt`] the prompt that has them: neither knows exercises.
//! - Three kinds of "no" are never mixed: an answer falls short (a `Finding`, exit code 1), a lesson or the
//!   command line is wrong (a `Problem`, exit code 2), the world failed ([`error::WorldError`], exit code 3).
//! - Text of a lesson, a file name or a report is cleaned of control characters where it is read, by `sanitize`.
//! - Nothing of ours outlives us: see [`cleanup`].

pub mod answers;
mod ask;
pub mod attempt;
mod backup;
mod cache;
pub mod cleanup;
mod cli;
mod disk;
mod doctor;
mod editor;
pub mod error;
mod invisible;
pub mod journal;
mod leftovers;
pub mod lesson;
pub mod present;
mod private;
pub mod progress;
mod random;
pub mod redis_cli;
pub mod redis_prompt;
pub mod reset;
pub mod run;
pub mod runtime;
mod sanitize;
pub mod server;
mod session;
mod state;
pub mod tap;
pub mod telling;
pub mod verdict;
mod verify;
