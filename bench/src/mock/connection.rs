//! One connection of a caller: read a request, perform its answer, again.
//!
//! While nothing is being written the connection watches for its peer's going away, which is what a cancelled call looks
//! like from here.

use std::{io, ops::Range, sync::Arc, time::Duration};

use bytes::{Buf as _, BytesMut};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{
    Reply, UpstreamError,
    plan::{End, Plan, Step},
    request::Asked,
    shared::{Order, Shared},
    stats::{Call, Outcome},
};
use crate::http1::{BodyFraming, Dechunker, Head};

/// Bodies up to this size are read; what we test must never send more.
const MAX_BODY_BYTES: usize = 256 * 1024 * 1024;

/// Room for one read: a usual request fits.
const READ_BYTES: usize = 16 * 1024;

/// Bytes of following requests that are kept while an answer is being sent.
const MAX_PIPELINED_BYTES: usize = 1024 * 1024;

/// Answers the connection's requests until it ends.
pub(super) async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    // Without it the kernel would hold small events back.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let mut connection = Connection { stream, inbox: BytesMut::with_capacity(READ_BYTES) };
    while let Ok(Some(request)) = connection.receive().await {
        if let After::Close = connection.answer(&request, &shared).await {
            return;
        }
        connection.inbox.advance(request.length);
    }
}

struct Connection {
    stream: TcpStream,
    /// What has been read and not been answered: it begins with the current request.
    inbox: BytesMut,
}

/// A complete request at the start of the inbox.
struct Received {
    head_length: usize,
    body: Body,
    /// Bytes of the inbox that it takes.
    length: usize,
}

enum Body {
    InPlace(Range<usize>),
    Decoded(Vec<u8>),
}

enum After {
    Continue,
    Close,
}

impl Connection {
    /// Reads up to the end of the next request; `None` when the peer has gone.
    async fn receive(&mut self) -> io::Result<Option<Received>> {
        let (head_length, framing) = loop {
            if let Some(head) = Head::parse(&self.inbox).map_err(io::Error::other)? {
                let framing = head.body_framing().map_err(io::Error::other)?;
                let expects = head.header("expect").is_some();
                let length = head.length;
                if expects {
                    self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
                }
                break (length, framing);
            }
            if !self.read_more().await? {
                return Ok(None);
            }
        };
        match framing {
            BodyFraming::Unsaid => Ok(Some(Received { head_length, body: Body::InPlace(head_length..head_length), length: head_length })),
            BodyFraming::Length(size) if size > MAX_BODY_BYTES => Ok(None),
            BodyFraming::Length(size) => {
                let length = head_length + size;
                self.inbox.reserve(length.saturating_sub(self.inbox.len()));
                while self.inbox.len() < length {
                    if !self.read_more().await? {
                        return Ok(None);
                    }
                }
                Ok(Some(Received { head_length, body: Body::InPlace(head_length..length), length }))
            }
            BodyFraming::Chunked => self.receive_chunked(head_length).await,
        }
    }

    async fn receive_chunked(&mut self, head_length: usize) -> io::Result<Option<Received>> {
        let (mut dechunker, mut body, mut length) = (Dechunker::default(), Vec::new(), head_length);
        loop {
            length += dechunker.feed(&self.inbox[length..], &mut body).map_err(io::Error::other)?;
            if dechunker.is_done() {
                return Ok(Some(Received { head_length, body: Body::Decoded(body), length }));
            }
            if body.len() > MAX_BODY_BYTES || !self.read_more().await? {
                return Ok(None);
            }
        }
    }

    async fn read_more(&mut self) -> io::Result<bool> {
        self.inbox.reserve(READ_BYTES / 2);
        Ok(self.stream.read_buf(&mut self.inbox).await? > 0)
    }

    async fn answer(&mut self, request: &Received, shared: &Shared) -> After {
        let Ok(Some(head)) = Head::parse(&self.inbox[..request.head_length]) else { return After::Close };
        let body = match &request.body {
            Body::InPlace(range) => &self.inbox[range.clone()],
            Body::Decoded(body) => body,
        };
        shared.record(&head, body);
        let order = if shared.takes_any_path() {
            shared.next_order(Asked::of(body).unwrap_or(Asked::Plain))
        } else if is_chat(&head) {
            match Asked::of(body) {
                Ok(asked) => shared.next_order(asked),
                Err(error) => refusal(400, &format!("We could not parse the JSON body of your request: {error}")),
            }
        } else {
            // Not a call: whoever sends it has the wrong path, and should see that.
            let Order { plan, .. } = refusal(404, &format!("Invalid URL ({})", head.first_line));
            return match self.perform(&plan).await {
                Outcome::Completed => After::Continue,
                Outcome::Broken | Outcome::Cancelled => After::Close,
            };
        };
        let call = Call::begin(&shared.stats);
        let outcome = match self.pause(order.latency).await {
            Peer::Here => self.perform(&order.plan).await,
            Peer::Gone => Outcome::Cancelled,
        };
        call.end(outcome);
        match outcome {
            Outcome::Completed => After::Continue,
            Outcome::Broken | Outcome::Cancelled => After::Close,
        }
    }

    async fn perform(&mut self, plan: &Plan) -> Outcome {
        for step in &plan.steps {
            let peer = match step {
                Step::Write(bytes) => match self.stream.write_all(bytes).await {
                    Ok(()) => Peer::Here,
                    Err(_) => Peer::Gone,
                },
                Step::Pause(delay) => self.pause(*delay).await,
                Step::Breathe => {
                    tokio::task::yield_now().await;
                    Peer::Here
                }
            };
            if let Peer::Gone = peer {
                return Outcome::Cancelled;
            }
        }
        match plan.end {
            End::KeepAlive => Outcome::Completed,
            End::Close => Outcome::Broken,
            End::Reset => {
                // Closing a socket that doesn't linger sends RST in place of FIN. If that can't be set, it is a cut.
                let _ = self.stream.set_zero_linger();
                Outcome::Broken
            }
            End::Stall => {
                self.peer_gone().await;
                Outcome::Cancelled
            }
        }
    }

    async fn pause(&mut self, delay: Duration) -> Peer {
        if delay.is_zero() {
            return Peer::Here;
        }
        tokio::select! {
            () = tokio::time::sleep(delay) => Peer::Here,
            () = self.peer_gone() => Peer::Gone,
        }
    }

    /// Returns when the peer has closed or reset the connection. What it sends meanwhile is kept.
    async fn peer_gone(&mut self) {
        while self.inbox.len() < MAX_PIPELINED_BYTES + MAX_BODY_BYTES {
            match self.read_more().await {
                Ok(true) => {}
                Ok(false) | Err(_) => return,
            }
        }
        std::future::pending().await
    }
}

enum Peer {
    Here,
    Gone,
}

fn is_chat(head: &Head<'_>) -> bool {
    let mut words = head.first_line.split(' ');
    let (method, target) = (words.next(), words.next().unwrap_or_default());
    let path = target.split('?').next().unwrap_or_default();
    method == Some("POST") && path.ends_with("/chat/completions")
}

fn refusal(status: u16, message: &str) -> Order {
    let error = UpstreamError::new(status, "invalid_request_error", None, message);
    Order { latency: Duration::ZERO, plan: Arc::new(Reply::Error(error).plan(Asked::Plain)) }
}
