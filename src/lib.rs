//! Learn Redis by doing: exercises that are checked against a real Redis server.
//!
//! Data flows one way, and each stage hands a plain value to the next:
//!
//! ```text
//! lessons/*.md ──lesson──► Course ──► Exercise ┐
//!                                              ├─attempt─► Evidence ─verdict─► Verdict
//! container | process | address ──server──► Server ──relay──► Timeline
//!
//! Verdict ─present─► screen · JSON · JUnit · annotations
//! ```
//!
//! - [`lesson`], [`server`] and [`relay`] depend on no other stage; [`attempt`] depends on all of
//!   them; [`verdict`] is pure; only [`present`] colours text; `session` and `verify` may use all
//!   stages; `cli` depends on nothing, and [`commands`] translates its options.
//!   `tests/it/architecture/` enforces this.
//! - [`checks`] has the kinds of checks, one a file; [`topics`] has what only one topic of Redis
//!   needs, one a folder. All stages ask their tables; through them alone `lesson` and
//!   [`redis_prompt`] reach what checks and topics need.
//! - Data that outlives a session: [`answers`] in the student's folder, [`progress`] and
//!   [`journal`] in the state directory.
//! - [`redis_cli`] reproduces how redis-cli parses and prints, [`redis_prompt`] is a prompt that
//!   uses it. Neither depends on exercises.
//! - Three kinds of "no" are never mixed: an answer falls short (a `Finding`, exit code 1), a
//!   lesson or the command line is wrong (a `Problem`, exit code 2), the environment failed
//!   ([`error::EnvironmentError`], exit code 3).
//! - `sanitize` removes control characters from the text of lessons, file names and reports where
//!   it is read.
//! - No process, directory or container outlives redislings: see [`cleanup`].

pub mod answers;
mod ask;
pub mod attempt;
mod backup;
mod cache;
pub mod checks;
pub mod cleanup;
mod cli;
pub mod commands;
mod differing;
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
pub mod progress_event;
mod random;
pub mod redis_cli;
pub mod redis_prompt;
pub mod relay;
pub mod reset;
pub mod resp;
pub mod runner_line;
pub mod runtime;
mod sanitize;
pub mod server;
mod session;
mod state;
pub mod topics;
mod traceback;
mod trial;
pub mod verdict;
mod verify;
