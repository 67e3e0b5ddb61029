//! What is wrong, before the question why.

/// What an unmet finding shows. Topics have more of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Symptom(pub &'static str);

pub const EVIDENCE_INVALID: Symptom = Symptom("the evidence is invalid");
/// The answer was stopped or ended with an error.
pub const ENDED_BADLY: Symptom = Symptom("the answer ended badly");
/// What the check asks for was not done with success as often as it asks.
pub const NOT_DONE: Symptom = Symptom("not done");
/// What the check wants nobody to run was run.
pub const UNWANTED: Symptom = Symptom("unwanted");
/// Background work was still running when the check looked, or before the crash.
pub const STILL_RUNNING: Symptom = Symptom("background work was running");
/// Stored data is not in the file.
pub const DATA_LOST: Symptom = Symptom("data lost");
/// A file that the answer has made of a snapshot holds other data than the check asks for.
pub const COPY_WRONG: Symptom = Symptom("copy wrong");
/// The server holds other data than the check asks for.
pub const DATA_WRONG: Symptom = Symptom("data wrong");
/// No server started again for the check.
pub const NO_SERVER: Symptom = Symptom("no server");
/// Another client waited too long.
pub const BLOCKED: Symptom = Symptom("blocked");
/// A setting has another value.
pub const CONFIG: Symptom = Symptom("another setting");
/// The server did not send the answer the messages that the check asks for.
pub const NOT_HEARD: Symptom = Symptom("not heard");
/// The program did not print the expected text.
pub const NOT_PRINTED: Symptom = Symptom("not printed");
/// Nothing more is known than that the finding is unmet, and no other diagnosis explains one.
pub const UNMET: Symptom = Symptom("unmet");
