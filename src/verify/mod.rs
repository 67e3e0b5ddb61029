//! The course's own test. It runs every example, starter, solution, wrong answer, empty answer and
//! mutant of a solution, each on a fresh server.
//!
//! ```text
//! Course ─cases─► Case ─mutants─► more cases ─choice─► wanted cases ─runner─► CaseResult ─► Report
//! ```
//!
//! The runner starts servers ahead and runs each case with `case_run`.
//!
//! [`merge`] joins the reports of several runs into one. Each report begins with a [`plan`], which
//! says what part of the whole it covers.
//!
//! A [`report::Report`] is a plain value with everything that any output format shows; `present`
//! formats it.

mod ahead;
pub mod case;
mod case_run;
pub mod choice;
pub mod coverage;
mod example;
mod faults;
pub mod merge;
pub mod mutants;
mod pace;
pub mod plan;
pub mod report;
mod result;
mod runner;
pub mod update;

pub use case::{Case, cases, needs_python};
pub use case_run::CaseRun;
pub use example::example_limit;
pub use pace::Jobs;
pub use result::CaseResult;
pub use runner::{Done, Interpreters, PreservedFailure, Runner};
