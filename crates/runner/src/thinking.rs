//! A stream whose upstream thinks for long: its head has gone out, and comments keep the connection alive until the first useful delta.
//!
//! Failover goes on unseen meanwhile. Only a failure of all candidates is told differently: as an event, since the status is sent.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use easyai_core::error::ErrorCode;
use easyai_core::id::TaskId;
use easyai_protocols::bridge;
use easyai_protocols::wire::Protocol;
use http_body::{Body, Frame};
use tokio::time::{Instant, Sleep};

use crate::deliver::{BrokenOff, Delivering};
use crate::error::CallError;
use crate::runner::Reply;

/// What says nothing but that we are still here, where the protocol's SDKs bear it (`providers.md` section 3.3): a comment, which every
/// reader of server-sent events passes over (WHATWG HTML, section 9.2.6), or the protocol's own.
const fn keep_alive(protocol: Protocol) -> Option<Bytes> {
    match protocol {
        Protocol::Chat | Protocol::Responses | Protocol::Completions => Some(Bytes::from_static(b": keep-alive\n\n")),
        Protocol::Messages => Some(Bytes::from_static(b"event: ping\ndata: {\"type\":\"ping\"}\n\n")),
        // Google's SDK reads every line that is no data as an error; what is no text is never streamed.
        Protocol::GenerateContent
        | Protocol::Embeddings
        | Protocol::Moderations
        | Protocol::Rerank
        | Protocol::Compaction
        | Protocol::Images
        | Protocol::ImageEdits
        | Protocol::Videos
        | Protocol::Speech
        | Protocol::Transcriptions
        | Protocol::Translations => None,
    }
}

/// A failure that is told when no stream is left to tell it.
pub(crate) fn error_frame(protocol: Protocol, code: ErrorCode, message: &str) -> Bytes {
    let mut frame = BytesMut::new();
    bridge::side_reader(protocol).error(code, message, &mut frame);
    frame.freeze()
}

/// What is still being opened.
pub(crate) type Opening = Pin<Box<dyn Future<Output = Result<Reply, CallError>> + Send>>;

/// A stream that has not begun. If it is dropped, so is the opening, and the task ends as cancelled.
pub struct Thinking {
    state: State,
    protocol: Protocol,
    keep_alive: Bytes,
    every: Duration,
    tick: Pin<Box<Sleep>>,
}

enum State {
    Opening(Opening),
    Delivering(Box<Delivering>),
    Over,
}

impl Thinking {
    /// Comments now, and from then on as often as `every`.
    pub(crate) fn new(opening: Opening, protocol: Protocol, keep_alive: Bytes, every: Duration) -> Self {
        Self { state: State::Opening(opening), protocol, keep_alive, every, tick: Box::pin(tokio::time::sleep(Duration::ZERO)) }
    }

    /// The opening is over: the answer's own frames follow, or why there are none.
    fn opened(&mut self, reply: Result<Reply, CallError>) -> Option<Bytes> {
        self.state = State::Over;
        match reply {
            Ok(Reply::Stream { body, .. }) => {
                self.state = State::Delivering(body);
                None
            }
            Ok(Reply::Cached { body, .. }) => Some(body),
            Err(error) => Some(error_frame(self.protocol, error.code, &error.message)),
            Ok(Reply::Plain { .. } | Reply::Relayed { .. } | Reply::Thinking { .. } | Reply::Replayed { .. }) => {
                Some(error_frame(self.protocol, ErrorCode::InternalError, "the answer is no stream"))
            }
        }
    }
}

impl Body for Thinking {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let this = self.get_mut();
        loop {
            match &mut this.state {
                State::Over => return Poll::Ready(None),
                State::Delivering(body) => return Pin::new(body.as_mut()).poll_frame(cx),
                State::Opening(opening) => {
                    if let Poll::Ready(reply) = opening.as_mut().poll(cx) {
                        match this.opened(reply) {
                            Some(frame) => return Poll::Ready(Some(Ok(Frame::data(frame)))),
                            None => continue,
                        }
                    }
                    std::task::ready!(this.tick.as_mut().poll(cx));
                    this.tick.as_mut().reset(Instant::now() + this.every);
                    return Poll::Ready(Some(Ok(Frame::data(this.keep_alive.clone()))));
                }
            }
        }
    }
}

/// Waits for the opening as long as nothing needs to be said meanwhile.
pub(crate) async fn open(task: TaskId, protocol: Protocol, mut opening: Opening, every: Duration) -> Result<Reply, CallError> {
    let Some(keep_alive) = keep_alive(protocol).filter(|_| !every.is_zero()) else { return opening.await };
    match tokio::time::timeout(every, &mut opening).await {
        Ok(reply) => reply,
        Err(_) => Ok(Reply::Thinking { task, body: Box::new(Thinking::new(opening, protocol, keep_alive, every)) }),
    }
}
