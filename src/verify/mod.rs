//! The course's own test: every example, starter, solution, wrong answer, the empty answer, and what the runner makes
//! out of solutions, each on a fresh server.
//!
//! ```text
//! Course ──case──► Case ──mutants──► more of them ──choice──► those wanted ──run (servers ahead, prove)──► CaseResult ──report──► Report
//! ```
//!
//! [`merge`] makes one of several; by its [`plan`], told before it began, each says what it is a part of.
//!
//! A [`report::Report`] is a plain value that holds all that any form of it shows; `present` makes the forms.

pub mod case;
pub mod choice;
pub mod coverage;
mod example;
pub mod merge;
pub mod mutants;
pub mod plan;
mod prove;
pub mod report;
mod result;
mod run;
pub mod update;

pub use case::{Case, cases, needs_python};
pub use example::{commands_of, example_limit};
pub use prove::Proof;
pub use result::CaseResult;
pub use run::{Done, Interpreters, KeptServer, Work};
