//! Judges an answer by its evidence. Pure: no I/O, and nothing can fail.

pub mod changes;
pub mod diagnosis;
mod finding;
mod judge;
mod key_changes;
pub mod live;
mod not_understood;
mod meanwhile;
mod run;
pub mod work;
pub mod worlds;

pub use self::diagnosis::{Diagnosed, Pointer};
pub use self::finding::{Finding, FoundInWorld, Outcome, Verdict};
pub use self::judge::{conclude, judge};
pub use self::live::{LiveVerdict, Tick, judge_live};
pub use self::not_understood::not_understood;

#[cfg(test)]
pub mod tests;
