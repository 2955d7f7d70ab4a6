//! Where a stream's bytes come from.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use easyai_core::failure::Failure;
use tokio::time::{Sleep, sleep};

use crate::egress::AnswerBody;
use crate::refusal::{bad_response, body_broken};

/// Where a stream's bytes come from.
#[derive(Debug)]
pub(crate) enum Source {
    /// An upstream.
    Http(Box<AnswerBody>),
    /// An answer that came whole.
    Whole(Option<Bytes>),
    /// The simulation.
    Simulated(Script),
}

/// What the simulation sends, piece by piece.
#[derive(Debug)]
pub(crate) struct Script {
    pieces: VecDeque<(Duration, Piece)>,
    waiting: Option<Pin<Box<Sleep>>>,
}

/// One thing the simulation does.
#[derive(Debug)]
pub(crate) enum Piece {
    /// Sends bytes.
    Send(Bytes),
    /// Breaks the connection.
    Cut,
    /// Does nothing any more.
    Stall,
}

impl Script {
    pub(crate) fn new(pieces: impl IntoIterator<Item = (Duration, Piece)>) -> Self {
        Self { pieces: pieces.into_iter().collect(), waiting: None }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        let Some((delay, _)) = self.pieces.front() else { return Poll::Ready(None) };
        if !delay.is_zero() {
            let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(*delay)));
            ready!(waiting.as_mut().poll(cx));
            self.waiting = None;
        }
        if let Some((_, Piece::Stall)) = self.pieces.front() {
            // Woken by nobody but the stream's own time-outs.
            if let Some((delay, _)) = self.pieces.front_mut() {
                *delay = Duration::ZERO;
            }
            return Poll::Pending;
        }
        match self.pieces.pop_front() {
            Some((_, Piece::Send(bytes))) => Poll::Ready(Some(Ok(bytes))),
            Some((_, Piece::Cut)) => Poll::Ready(Some(Err(bad_response("the stream was cut off")))),
            Some((_, Piece::Stall)) => Poll::Pending,
            None => Poll::Ready(None),
        }
    }
}

impl Source {
    pub(super) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        match self {
            Self::Whole(frames) => Poll::Ready(frames.take().map(Ok)),
            Self::Simulated(script) => script.poll(cx),
            Self::Http(body) => body.poll_data(cx).map(|data| data.map(|data| data.map_err(|error| body_broken(&error)))),
        }
    }
}
