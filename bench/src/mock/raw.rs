//! An answer given byte for byte, for tests of what must pass through untouched.

use std::time::Duration;

use bytes::Bytes;

use super::{
    Writes,
    plan::{End, Plan},
};

/// Any status, headers and body.
#[derive(Debug, Clone)]
pub struct Raw {
    /// The status.
    pub status: u16,
    /// Headers, apart from `content-length` and `transfer-encoding`, which follow from the body.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: RawBody,
    /// How the bytes go out.
    pub writes: Writes,
}

/// A body, verbatim.
#[derive(Debug, Clone)]
pub enum RawBody {
    /// With a content-length.
    Sized(Bytes),
    /// Chunked, each piece an HTTP chunk of its own.
    Chunked {
        /// The pieces in order; none may be empty.
        pieces: Vec<Bytes>,
        /// The pause before each piece but the first.
        delay: Duration,
    },
}

impl Raw {
    /// A JSON answer with exactly this body.
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self::sized(status, "application/json", body.into())
    }

    /// A sized answer of this content type.
    pub fn sized(status: u16, content_type: &str, body: Bytes) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { status, headers, body: RawBody::Sized(body), writes: Writes::Each }
    }

    /// A 200 event stream of exactly these bytes, one HTTP chunk a piece. Nothing is added, also no `[DONE]`.
    pub fn event_stream(pieces: Vec<Bytes>) -> Self {
        let headers = vec![("content-type".to_owned(), "text/event-stream; charset=utf-8".to_owned())];
        Self { status: 200, headers, body: RawBody::Chunked { pieces, delay: Duration::ZERO }, writes: Writes::Each }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn plan(&self) -> Plan {
        match &self.body {
            RawBody::Sized(body) => {
                let mut plan = Plan::new(self.status, &self.headers, Some(body.len()));
                plan.append(body);
                plan.finish(self.writes, End::KeepAlive)
            }
            RawBody::Chunked { pieces, delay } => {
                let mut plan = Plan::new(self.status, &self.headers, None);
                for (index, piece) in pieces.iter().enumerate() {
                    if index > 0 {
                        plan.pause(*delay);
                    }
                    plan.chunk(piece);
                }
                plan.last_chunk();
                plan.finish(self.writes, End::KeepAlive)
            }
        }
    }
}
