//! A task's status and the legal ways from one to the next.

crate::words! {
    /// Where a task stands. Nothing leaves a terminal status.
    pub enum TaskStatus as "task status" {
        /// Waits for a worker.
        Queued = "queued",
        /// Is being worked on.
        Running = "running",
        /// Delivered.
        Succeeded = "succeeded",
        /// Ended without a complete answer.
        Failed = "failed",
        /// Given up by its caller.
        Cancelled = "cancelled",
    }
}

/// A step that the life of a task does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a task can't go from {from} to {to}")]
pub struct IllegalTransition {
    /// Where the task stands.
    pub from: TaskStatus,
    /// Where it was to go.
    pub to: TaskStatus,
}

impl TaskStatus {
    /// Whether the task is over.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Queued | Self::Running => false,
            Self::Succeeded | Self::Failed | Self::Cancelled => true,
        }
    }

    /// Goes from this status to `to`.
    ///
    /// # Errors
    /// [`IllegalTransition`] for every step but `queued → running`, `queued → failed | cancelled` and `running → terminal`.
    pub const fn go(self, to: Self) -> Result<Self, IllegalTransition> {
        match (self, to) {
            (Self::Queued, Self::Running | Self::Failed | Self::Cancelled) => Ok(to),
            (Self::Running, Self::Succeeded | Self::Failed | Self::Cancelled) => Ok(to),
            (Self::Queued, Self::Queued | Self::Succeeded)
            | (Self::Running, Self::Queued | Self::Running)
            | (Self::Succeeded | Self::Failed | Self::Cancelled, _) => Err(IllegalTransition { from: self, to }),
        }
    }
}

crate::words! {
    /// How an attempt ended.
    pub enum AttemptStatus as "attempt status" {
        /// Not over yet.
        Running = "running",
        /// The candidate answered.
        Succeeded = "succeeded",
        /// It failed; the attempt's failure says how.
        Failed = "failed",
        /// The caller went away.
        Cancelled = "cancelled",
    }
}

#[cfg(test)]
mod tests {
    use super::TaskStatus::{self, *};

    #[test]
    fn nothing_leaves_a_terminal_status() {
        for from in TaskStatus::ALL.iter().filter(|status| status.is_terminal()) {
            assert!(TaskStatus::ALL.iter().all(|to| from.go(*to).is_err()));
        }
        assert_eq!(Running.go(Succeeded), Ok(Succeeded));
        assert!(Queued.go(Succeeded).is_err());
    }
}
