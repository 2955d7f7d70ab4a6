//! Callbacks as rows: for each task and each of its receivers a cursor that says which event is sent next, and when.
//!
//! ```text
//!                   ┌──────────── nothing more to send: due with the next event ────────────┐
//! begin ─▶ due ─▶ claimed (a lease: due again when it ends) ─▶ marked ─▶ due later · done · dead ─ resend ─▶ due
//! ```
//!
//! The journal writes the cursor with its task, so that neither is without the other. What is sent follows from the task's rows; a node
//! that dies leaves leases that end by themselves, and what it sent last is sent again.

mod lease;
mod list;
mod resend;
mod secret;

use std::sync::Arc;

use easyai_core::delivery::{CallbackState, EventNames, Receiver};
use easyai_core::id::{AccountId, CallbackId, TaskId};
use easyai_core::time::Timestamp;

pub use self::lease::{DeadEvent, Mark, Next, claim, due, mark, of_task, release_dead_nodes, wake};
pub use self::list::{Filter, Idle, MAX_PAGE, Page, idle, list, next_due, waiting};
pub use self::resend::{Which, resend};
pub use self::secret::{GATEWAY, OVERLAP, Secret, rotate, signing};

use crate::rows;

/// The columns of a [`Callback`], for `concat!`.
macro_rules! callback_columns {
    () => {
        "id, task_id, account_id, receiver, only_seq, url, host, events, state, next_seq, failures, due_at, error, created_at, updated_at"
    };
}
pub(crate) use callback_columns;

rows! {
    /// A cursor over the events of one task for one receiver, or one event that is a dead letter.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Callback {
        /// Its id.
        pub id: CallbackId,
        /// Whose events.
        pub task_id: TaskId,
        /// Whose task.
        pub account_id: AccountId,
        /// Who named the address.
        pub receiver: Receiver,
        /// The one event that a dead letter is about; 0 for all events.
        pub only_seq: u32,
        /// Where they are sent.
        pub url: Arc<str>,
        /// Host and port of that.
        pub host: Arc<str>,
        /// What is told; none is everything.
        pub events: Option<EventNames>,
        /// How it stands.
        pub state: CallbackState,
        /// The event that is sent next.
        pub next_seq: u32,
        /// Failed tries in a row.
        pub failures: u32,
        /// When somebody looks at it; none: with the next event of the task, or never again.
        pub due_at: Option<Timestamp>,
        /// Of the last failed try.
        pub error: Option<String>,
        /// Since when.
        pub created_at: Timestamp,
        /// When it last changed.
        pub updated_at: Timestamp,
    }
}
