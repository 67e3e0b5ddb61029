//! The cause of a finding, and where it is seen: plain values.

/// A place in the evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pointer {
    /// An exchange of the timeline, by its index.
    Exchange(usize),
    /// A row of the table of changes, by its field.
    Row(&'static str),
    /// The server's log.
    Log,
    /// The longest wait of another client.
    LongestWait,
    /// The program's standard error.
    ProgramErrors,
}

/// The cause of an unmet finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosed {
    /// The id of the [`super::Diagnosis`].
    pub id: &'static str,
    /// One sentence for the student.
    pub cause: String,
    /// Where it can be seen, the clearest place first.
    pub evidence: Vec<Pointer>,
}
