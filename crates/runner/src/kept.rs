//! What is kept of an answer, and for whom.

use bytes::Bytes;
use easyai_core::id::TaskId;
use easyai_protocols::response_id::response_id;
use easyai_protocols::responses::expand::upstreams_items;
use easyai_store::journal::{RecordedAnswer, ResponseNote};

/// What is kept of an answer beside its usage.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Keep {
    /// Nothing, unless an `Idempotency-Key` asks for it.
    #[default]
    Nothing,
    /// All of it: for whoever takes up the stream again.
    Answer,
    /// All of it, as a stored response.
    Response(KeepResponse),
}

/// How a stored response is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeepResponse {
    /// Whether its caller is told our own id before it begins; else it has the id that the answer itself has.
    pub own_id: bool,
    /// The response it goes on from.
    pub previous: Option<String>,
    /// Its own input items, as a JSON array.
    pub input: Bytes,
}

impl Keep {
    /// Whether anything is kept.
    pub(crate) const fn keeps(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Answer | Self::Response(_) => true,
        }
    }

    /// The answer as it is recorded.
    pub(crate) fn record(&self, task: TaskId, status: u16, content_type: String, body: Bytes) -> RecordedAnswer {
        let response = match self {
            Self::Nothing | Self::Answer => None,
            Self::Response(KeepResponse { own_id, previous, input }) => own(task, *own_id).or_else(|| response_id(&body)).map(|id| {
                let (previous, input) = (previous.clone(), input.clone());
                ResponseNote { id, previous, input, items: upstreams_items(&body) }
            }),
        };
        RecordedAnswer { status, content_type, body, response }
    }
}

fn own(task: TaskId, wanted: bool) -> Option<String> {
    wanted.then(|| own_id(task))
}

/// The id of a response that is named before it begins.
#[must_use]
pub fn own_id(task: TaskId) -> String {
    format!("resp_{}", task.uuid().simple())
}

/// The task of an id of our own.
#[must_use]
pub fn task_of(response_id: &str) -> Option<TaskId> {
    uuid::Uuid::try_parse(response_id.strip_prefix("resp_")?).ok().map(TaskId::from_uuid)
}
