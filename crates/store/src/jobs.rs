//! Tasks that go on without their callers, as rows: a queue that nodes claim from, and jobs at providers that they ask about.
//!
//! Ten thousand waiting videos are ten thousand rows. A node owns what it claimed as long as it lives, which its lock tells (see
//! [`nodes`](crate::nodes)); a dead one's jobs are taken over. Each claim moves the job's fence: what a node writes that lost a job
//! meanwhile changes nothing, and it is told so.

mod claim;
mod progress;
mod request;
mod view;

use easyai_core::id::{AccountId, CredentialId, NodeId, PlatformModelId, TaskId};
use easyai_core::job::JobState;
use easyai_core::time::Timestamp;
use easyai_core::usage::Usage;

pub use self::claim::{claim, release_of, take_over};
pub use self::progress::{Accepted, Submission, Written, accepted, request_cancel, requeue, submitting, withdraw};
pub use self::request::{RequestHead, SavedRequest, delete_request, request, save_request};
pub use self::view::{cancelled_of, count_open, get, hide, place, submitted_beside};

use crate::rows;

/// The columns of a [`JobRow`], for `concat!`.
macro_rules! job_columns {
    () => {
        "task_id, account_id, state, priority, node_id, fence, next_at, deadline, attempt, platform_model_id, credential_id, submitted_at, \
         upstream_job_id, asked, trace, cancel_requested_at"
    };
}
use job_columns;

rows! {
    /// A job.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct JobRow {
        /// Its task.
        pub task_id: TaskId,
        /// Whose it is.
        pub account_id: AccountId,
        /// Where it stands.
        pub state: JobState,
        /// The greater goes first.
        pub priority: i64,
        /// Who works on it.
        pub node_id: Option<NodeId>,
        /// Moves with each claim.
        pub fence: i64,
        /// Not to be worked on before.
        pub next_at: Timestamp,
        /// When it is given up.
        pub deadline: Option<Timestamp>,
        /// The attempt that submitted it, within the task; 0 before.
        pub attempt: u32,
        /// The candidate it was submitted to.
        pub platform_model_id: Option<PlatformModelId>,
        /// With this credential.
        pub credential_id: Option<CredentialId>,
        /// When.
        pub submitted_at: Option<Timestamp>,
        /// What its provider calls it.
        pub upstream_job_id: Option<String>,
        /// What was asked for.
        pub asked: Option<Usage>,
        /// Candidates and decisions so far, as JSON.
        pub trace: Option<String>,
        /// Since when it is not wanted any more.
        pub cancel_requested_at: Option<Timestamp>,
    }
}

/// A job that comes with its task, in the same commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// The greater goes first.
    pub priority: i64,
    /// When it is given up.
    pub deadline: Option<Timestamp>,
}
