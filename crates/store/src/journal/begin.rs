//! A task that begins: one row, with its hold. Until the row is durable nothing is sent upstream.

use std::sync::Arc;

use easyai_core::delivery::CallbackTarget;
use easyai_core::id::{AccountId, KeyId, NodeId, PlatformModelId, PriceId, RunnerPolicyId, TaskId};
use easyai_core::kind::{Kind, ModelType, RunMode};
use easyai_core::money::Money;
use easyai_core::task::TaskStatus;
use easyai_core::time::Timestamp;

use crate::jobs::NewJob;

/// A task to be recorded with its hold and its first candidate. Its first two events and its first attempt are implied.
/// One that calls nobody has neither attempts nor an event of one.
#[derive(Debug, Clone)]
pub struct Begin {
    /// The new task.
    pub task: TaskId,
    /// Who pays.
    pub account: AccountId,
    /// Which key asked.
    pub key: KeyId,
    /// Which node works on it.
    pub node: NodeId,
    /// The endpoint.
    pub kind: Kind,
    /// The public model name.
    pub model: Arc<str>,
    /// What is done.
    pub model_type: ModelType,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Whether it costs anything.
    pub run_mode: RunMode,
    /// The first candidate.
    pub platform_model: PlatformModelId,
    /// The name of its platform; empty if nobody is called, since the answer is there.
    pub platform: Arc<str>,
    /// What to set aside.
    pub hold: Money,
    /// Estimated.
    pub input_tokens: u64,
    /// Estimated.
    pub expected_output_tokens: u64,
    /// The price version of the estimate.
    pub price: PriceId,
    /// The catalogue that the candidates were chosen from.
    pub catalog_revision: i64,
    /// The runner policy that the run keeps.
    pub runner_policy: RunnerPolicyId,
    /// When it began.
    pub started_at: Timestamp,
    /// If the caller may ask the same again.
    pub idempotency: Option<Idempotency>,
    /// If it goes on without its caller: then it waits in the queue.
    pub job: Option<NewJob>,
    /// Who is told of its events; nobody costs nothing.
    pub callbacks: Vec<Arc<CallbackTarget>>,
}

/// The row of a job, for both engines.
pub(super) const INSERT_JOB: &str = "INSERT INTO jobs (task_id, account_id, state, priority, fence, next_at, deadline, attempt)
    VALUES ($1, $2, 'queued', $3, 0, $4, $5, 0)";

impl Begin {
    /// Where the task stands from here on.
    pub(super) const fn status(&self) -> TaskStatus {
        if self.job.is_some() { TaskStatus::Queued } else { TaskStatus::Running }
    }

    /// Whether the task costs nothing.
    pub(super) const fn simulated(&self) -> bool {
        match self.run_mode {
            RunMode::Live => false,
            RunMode::Simulation => true,
        }
    }

    /// The first attempt begins with its task, if there is to be one.
    pub(super) fn attempts(&self) -> u32 {
        u32::from(!self.platform.is_empty())
    }
}

/// What makes a repeated request the same one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Idempotency {
    /// The caller's `Idempotency-Key`; unique within an account.
    pub key: String,
    /// The hash of what was asked.
    pub body_hash: [u8; 32],
}

/// What became of a [`Begin`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// The task and its hold are durable.
    Begun,
    /// The wallet can't cover the hold. Nothing was recorded.
    Insufficient {
        /// What is neither spent nor held.
        available: Money,
    },
    /// The account used this `Idempotency-Key` before. Nothing was recorded.
    Repeated {
        /// The task of the first time.
        task: TaskId,
        /// Where it stands.
        status: TaskStatus,
        /// Whether the same was asked; another body under the same key is a conflict.
        same_body: bool,
    },
}
