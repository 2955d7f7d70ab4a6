//! An answer with media from its head on: it may come as events, or whole.

use bytes::Bytes;
use easyai_core::failure::Failure;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request};
use tokio::time::timeout_at;

use crate::egress::{AnswerBody, Route, Segments};
use crate::refusal::{TimeOut, bad_response};
use crate::stream::Clock;
use crate::text::{Sort, read, refusal, request_id};

/// An answer that has begun well, by its sort.
pub(super) enum Begun {
    /// Events, or text that may be.
    Stream {
        /// What comes.
        body: AnswerBody,
        /// The id that the upstream gave its answer.
        request_id: Option<String>,
    },
    /// Whatever else.
    Whole {
        /// What comes.
        body: AnswerBody,
        /// What it is.
        content_type: Option<HeaderValue>,
        /// The id that the upstream gave its answer.
        request_id: Option<String>,
    },
}

impl Begun {
    /// What it says that it is.
    pub(super) fn content_type(&self) -> Option<&str> {
        match self {
            Self::Stream { .. } => None,
            Self::Whole { content_type, .. } => content_type.as_ref().and_then(|kind| kind.to_str().ok()),
        }
    }

    /// The whole of it, with the id that the upstream gave it.
    pub(super) async fn whole(self, clock: &Clock) -> Result<(Bytes, Option<String>), Failure> {
        let (Self::Stream { body, request_id } | Self::Whole { body, request_id, .. }) = self;
        Ok((read(body, clock).await?, request_id))
    }
}

/// Sends `request` along `route` and waits for the head of the answer.
///
/// # Errors
/// A [`Failure`] for everything but a 2xx that is no HTML page.
pub(super) async fn begun(route: &Route, request: Request<Segments>, clock: &Clock) -> Result<Begun, Failure> {
    let head = timeout_at(clock.first_delta(), route.pool.send(request)).await.map_err(|_| clock.too_late(TimeOut::FirstDelta))??;
    let (head, body) = head.into_parts();
    if !head.status.is_success() {
        return Err(refusal(head.status, &head.headers, body, clock).await.1);
    }
    let (content_type, request_id) = (head.headers.get(CONTENT_TYPE).cloned(), request_id(&head.headers));
    if matches!(Sort::of(content_type.as_ref()), Sort::Html) {
        return Err(bad_response("a 200 with an HTML page, as a proxy in between gives"));
    }
    // Some compatible upstreams stream as `text/plain`, or do not say.
    let is_events = content_type.as_ref().is_none_or(|kind| kind.as_bytes().starts_with(b"text/"));
    Ok(if is_events { Begun::Stream { body, request_id } } else { Begun::Whole { body, content_type, request_id } })
}
