//! An attempt that is cancelled has neither a verdict nor an environment error.

use tokio_util::sync::CancellationToken;

use crate::error::EnvironmentError;

/// Why an attempt has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptError {
    /// It was ended early: nothing may be concluded from it.
    Cancelled,
    Environment(EnvironmentError),
}

impl From<EnvironmentError> for AttemptError {
    fn from(error: EnvironmentError) -> Self {
        Self::Environment(error)
    }
}

impl AttemptError {
    /// The error of an attempt that nobody can cancel.
    pub fn uncancelled(self) -> EnvironmentError {
        match self {
            Self::Environment(error) => error,
            Self::Cancelled => EnvironmentError::new("the check was ended early", "try again"),
        }
    }

    /// Whether another attempt on a fresh server may go well.
    pub(super) fn is_the_machines(&self) -> bool {
        matches!(self, Self::Environment(error) if error.is_the_machines())
    }
}

/// An error once the attempt is cancelled.
pub fn go_on(cancel: &CancellationToken) -> Result<(), AttemptError> {
    if cancel.is_cancelled() { Err(AttemptError::Cancelled) } else { Ok(()) }
}

/// The result of `work`, unless it was cancelled: what it returns then may come of that.
pub(super) fn unless_cancelled<T>(
    cancel: &CancellationToken,
    work: impl FnOnce() -> Result<T, AttemptError>,
) -> Result<T, AttemptError> {
    go_on(cancel)?;
    let result = work();
    go_on(cancel)?;
    result
}
