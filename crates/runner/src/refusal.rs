//! What becomes of a call that is refused before it begins: its task is recorded as failed, so that the id its caller was told of can be
//! looked up and says why.

use std::sync::Arc;
use std::time::Duration;

use easyai_core::delivery::CallbackTarget;
use easyai_core::error::ErrorCode;
use easyai_core::kind::{Kind, RunMode};
use easyai_core::run_trace::RunTrace;
use easyai_core::time::Timestamp;
use easyai_store::journal::Refusal;

use crate::caller::Caller;
use crate::clock::now;
use crate::error::CallError;
use crate::runner::Runner;

/// A refusal is told even if it can't be recorded by then.
const PATIENCE: Duration = Duration::from_secs(1);

/// A call that is refused, as far as it was understood.
#[derive(Debug)]
pub struct RefusedCall<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// The endpoint.
    pub kind: Kind,
    /// What for; empty if that could not be read.
    pub model: &'a str,
    /// Whether the answer was to be streamed.
    pub stream: bool,
    /// Whether it would have cost anything.
    pub run_mode: RunMode,
    /// Estimated; 0 if it was not read.
    pub input_tokens: u64,
    /// When it came.
    pub started_at: Timestamp,
    /// Who could have served and who could not.
    pub trace: Option<RunTrace>,
    /// Whom the caller wants told, as far as that was read.
    pub callback: Option<&'a Arc<CallbackTarget>>,
}

/// What is recorded of a refusal, and whether its caller waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Record {
    /// Before the caller is told.
    First,
    /// In passing: whoever comes too often must not become dear by it.
    InPassing,
    /// Not at all: there is no account, no room or no database to record it in, or the task is another one.
    Not,
}

const fn record(code: ErrorCode) -> Record {
    match code {
        ErrorCode::BadRequest
        | ErrorCode::ContextLengthExceeded
        | ErrorCode::ContentFilter
        | ErrorCode::InsufficientBalance
        | ErrorCode::BudgetExceeded
        | ErrorCode::CapabilityUnsupported
        | ErrorCode::ModelNotAllowed
        | ErrorCode::PermissionDenied
        | ErrorCode::ModelNotFound
        | ErrorCode::RequestTooLarge
        | ErrorCode::NoCandidate
        | ErrorCode::CandidatesCoolingDown
        | ErrorCode::UpstreamTimeout
        | ErrorCode::InternalError => Record::First,
        ErrorCode::RateLimit => Record::InPassing,
        ErrorCode::InvalidApiKey
        | ErrorCode::TaskNotFound
        | ErrorCode::AssetNotFound
        | ErrorCode::IdempotencyConflict
        | ErrorCode::UpstreamError
        | ErrorCode::UpstreamAuth
        | ErrorCode::ShuttingDown
        | ErrorCode::StoreUnavailable
        | ErrorCode::Overloaded
        | ErrorCode::Interrupted
        | ErrorCode::AssetUnavailable
        | ErrorCode::Cancelled => Record::Not,
    }
}

impl Runner {
    /// Records a call that is refused, and counts it.
    pub async fn refused(&self, call: RefusedCall<'_>, error: &CallError) {
        let how = record(error.code);
        if how == Record::Not {
            return;
        }
        self.metrics.ended(easyai_core::task::TaskStatus::Failed);
        let mut refusal = self.refusal(call, error);
        if how == Record::InPassing {
            // A flood of calls must not become a flood of callbacks.
            refusal.callbacks.clear();
        }
        let journal = self.journal.clone();
        let write = async move {
            if let Err(error) = journal.refuse(refusal).await {
                tracing::warn!(%error, "A refused task could not be recorded");
            }
        };
        match how {
            Record::First => drop(tokio::time::timeout(PATIENCE, write).await),
            Record::InPassing => drop(self.finisher.background(write)),
            Record::Not => {}
        }
    }

    fn refusal(&self, call: RefusedCall<'_>, error: &CallError) -> Refusal {
        let RefusedCall { caller, kind, model, stream, run_mode, input_tokens, started_at, trace, callback } = call;
        Refusal {
            task: error.task,
            account: caller.account.id,
            key: caller.key.id,
            node: self.node,
            kind,
            model: Arc::from(model),
            model_type: kind.model_type(),
            stream,
            run_mode,
            input_tokens,
            catalog_revision: caller.catalog.revision,
            runner_policy: caller.catalog.runner_policy.id,
            code: error.code,
            message: error.message.clone(),
            trace_json: trace.and_then(|trace| serde_json::to_string(&trace).ok()),
            started_at,
            finished_at: now(),
            callbacks: self.told(callback),
        }
    }
}
