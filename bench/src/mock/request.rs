//! A request as it arrived.

use std::time::Instant;

use bytes::Bytes;
use serde::Deserialize;

use crate::http1::Head;

/// One request that the mock has read.
#[derive(Debug, Clone)]
pub struct RecordedRequest {
    /// When it had been read.
    pub at: Instant,
    /// `POST`.
    pub method: String,
    /// Path and query, such as `/v1/chat/completions`.
    pub path: String,
    /// All headers in order, names as they were sent.
    pub headers: Vec<(String, String)>,
    /// The body, taken out of its chunks.
    pub body: Bytes,
}

impl RecordedRequest {
    /// Requests that are kept; older ones are forgotten.
    pub const KEPT: usize = 10_000;

    /// The first header of this name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it isn't.
    pub fn json(&self) -> serde_json::Result<serde_json::Value> {
        serde_json::from_slice(&self.body)
    }

    pub(super) fn new(head: &Head<'_>, body: &[u8]) -> Self {
        let mut words = head.first_line.split(' ').map(str::to_owned);
        Self {
            at: Instant::now(),
            method: words.next().unwrap_or_default(),
            path: words.next().unwrap_or_default(),
            headers: head.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body: Bytes::copy_from_slice(body),
        }
    }
}

/// What a chat request asks of the shape of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Plain,
    Stream,
    StreamWithUsage,
}

impl Asked {
    /// Reads it from a body. The rest of the body is skipped, not kept.
    ///
    /// # Errors
    /// When the body isn't a JSON object, which a real upstream would refuse as well.
    pub(super) fn of(body: &[u8]) -> serde_json::Result<Self> {
        #[derive(Deserialize)]
        struct Wire {
            stream: Option<bool>,
            stream_options: Option<Options>,
        }
        #[derive(Deserialize)]
        struct Options {
            include_usage: Option<bool>,
        }

        let wire: Wire = serde_json::from_slice(body)?;
        let with_usage = wire.stream_options.and_then(|options| options.include_usage).unwrap_or(false);
        Ok(match (wire.stream.unwrap_or(false), with_usage) {
            (false, _) => Self::Plain,
            (true, false) => Self::Stream,
            (true, true) => Self::StreamWithUsage,
        })
    }
}
