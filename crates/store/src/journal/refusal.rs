//! A task that was refused before it began: one row that says why. Nothing was held, sent or charged.

use std::sync::Arc;

use easyai_core::delivery::CallbackTarget;
use easyai_core::error::ErrorCode;
use easyai_core::id::{AccountId, KeyId, NodeId, RunnerPolicyId, TaskId};
use easyai_core::kind::{Kind, ModelType, RunMode};
use easyai_core::time::Timestamp;

/// A refused task.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The task that the caller was told of.
    pub task: TaskId,
    /// Who asked.
    pub account: AccountId,
    /// With which key.
    pub key: KeyId,
    /// Which node refused.
    pub node: NodeId,
    /// The endpoint.
    pub kind: Kind,
    /// What was asked for, as far as it could be read.
    pub model: Arc<str>,
    /// What was to be done.
    pub model_type: ModelType,
    /// Whether the answer was to be streamed.
    pub stream: bool,
    /// Whether it would have cost anything.
    pub run_mode: RunMode,
    /// Estimated; 0 if it was not read so far.
    pub input_tokens: u64,
    /// The catalogue it was held against.
    pub catalog_revision: i64,
    /// The runner policy at that time.
    pub runner_policy: RunnerPolicyId,
    /// What the caller is told.
    pub code: ErrorCode,
    /// The same for a person.
    pub message: String,
    /// Who could have served and who could not, as JSON.
    pub trace_json: Option<String>,
    /// When it came.
    pub started_at: Timestamp,
    /// When it was refused.
    pub finished_at: Timestamp,
    /// Who is told of it.
    pub callbacks: Vec<Arc<CallbackTarget>>,
}

/// In place of a candidate and a price: there was none.
pub(super) const NOBODY: uuid::Uuid = uuid::Uuid::nil();

/// The row of a refused task, for both engines. Again is harmless.
pub(super) const INSERT: &str = "INSERT INTO tasks (id, account_id, key_id, node_id, kind, model, model_type, stream, simulated, status,
        platform_model_id, platform, hold, input_tokens, expected_output_tokens, price_id, catalog_revision, runner_policy_id, started_at,
        finished_at, code, message, trace, charge, attempts)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'failed', $10, '', 0, $11, 0, $10, $12, $13, $14, $15, $16, $17, $18, 0, 0)
    ON CONFLICT (id) DO NOTHING";

impl Refusal {
    /// Whether it would have cost nothing.
    pub(super) const fn simulated(&self) -> bool {
        match self.run_mode {
            RunMode::Live => false,
            RunMode::Simulation => true,
        }
    }
}
