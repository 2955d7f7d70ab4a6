//! One connection to an upstream, for one call at a time.
//!
//! hyper's connection is polled by whoever waits for the answer, not by a task of its own: what one read brings is there in the same
//! poll, without a wake-up in between, and dropping the answer closes the connection at once. Measured for streams of 50 chunks, a
//! task for each connection cost about as much again as everything else here.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};

use super::Segments;
use super::connector::Io;
use super::pool::Pool;

/// The largest head of an answer; bodies are read through the same buffer.
const MAX_BUFFER: usize = 256 * 1024;

/// A connection.
#[derive(Debug)]
pub(super) struct Lane {
    sender: SendRequest<Segments>,
    driver: Connection<Io, Segments>,
    closed: bool,
}

impl Lane {
    pub(super) async fn over(io: Io) -> hyper::Result<Self> {
        let (sender, driver) = Builder::new().max_buf_size(MAX_BUFFER).handshake(io).await?;
        Ok(Self { sender, driver, closed: false })
    }

    /// Reads and writes what can be.
    fn drive(&mut self, cx: &mut Context<'_>) {
        // An end, good or bad, is told through the answer too.
        if !self.closed && Pin::new(&mut self.driver).poll(cx).is_ready() {
            self.closed = true;
        }
    }

    /// Whether another call may be sent: the peer has not closed it while it was idle.
    pub(super) fn is_usable(&mut self) -> bool {
        self.drive(&mut Context::from_waker(Waker::noop()));
        !self.closed && self.sender.is_ready()
    }

    /// Sends a request and waits for the head of the answer. Gives the request back if none of it was sent.
    pub(super) async fn send(
        &mut self,
        request: Request<Segments>,
    ) -> Result<Response<Incoming>, (hyper::Error, Option<Request<Segments>>)> {
        let mut answer = std::pin::pin!(self.sender.try_send_request(request));
        let answered = poll_fn(|cx| {
            if let Poll::Ready(answered) = answer.as_mut().poll(cx) {
                return Poll::Ready(answered);
            }
            if !self.closed && Pin::new(&mut self.driver).poll(cx).is_ready() {
                self.closed = true;
            }
            answer.as_mut().poll(cx)
        });
        answered.await.map_err(|mut error| {
            let request = error.take_message();
            (error.into_error(), request)
        })
    }
}

/// The body of an answer. At its end the connection goes back to its pool; dropped before, it is closed.
#[derive(Debug)]
pub(crate) struct AnswerBody {
    incoming: Incoming,
    lane: Option<Lane>,
    pool: Arc<Pool>,
}

impl AnswerBody {
    pub(super) const fn new(incoming: Incoming, lane: Lane, pool: Arc<Pool>) -> Self {
        Self { incoming, lane: Some(lane), pool }
    }

    /// The next piece; none at the end.
    pub(crate) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Bytes>>> {
        let mut driven = false;
        loop {
            match Pin::new(&mut self.incoming).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    self.lane = None;
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(None) => {
                    self.go_home();
                    return Poll::Ready(None);
                }
                Poll::Pending if driven => return Poll::Pending,
                Poll::Pending => {
                    if let Some(lane) = &mut self.lane {
                        lane.drive(cx);
                    }
                    driven = true;
                }
            }
        }
    }

    /// The next piece; none at the end.
    pub(crate) async fn data(&mut self) -> Option<hyper::Result<Bytes>> {
        poll_fn(|cx| self.poll_data(cx)).await
    }

    fn go_home(&mut self) {
        if let Some(mut lane) = self.lane.take()
            && lane.is_usable()
        {
            self.pool.give_back(lane);
        }
    }
}
