//! A stream as one JSON array, for callers without `alt=sse`.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use easyai_protocols::gemini::frame::Framer;
use easyai_protocols::request::Framing;
use easyai_protocols::sse::Reader;
use http_body::Frame;

/// No event is longer than what clients read of one.
const MAX_EVENT_BYTES: usize = 64 << 20;

/// Turns events into members of an array.
#[derive(Debug)]
pub struct ArrayFrames {
    reader: Reader,
    framer: Framer,
}

impl ArrayFrames {
    /// An array that has not begun.
    pub fn new() -> Self {
        Self { reader: Reader::new(MAX_EVENT_BYTES), framer: Framer::new(Framing::Array) }
    }

    /// The members that `frames` bring.
    pub fn turn(&mut self, frames: Bytes) -> Bytes {
        self.reader.push(frames);
        let mut out = BytesMut::new();
        while let Ok(Some(event)) = self.reader.next() {
            self.framer.frame(&event.data, &mut out);
        }
        out.freeze()
    }

    /// What closes it.
    pub fn end(&mut self) -> Bytes {
        let mut out = BytesMut::new();
        self.framer.end(&mut out);
        out.freeze()
    }
}

/// A body of events as a body of one array.
pub struct ArrayBody {
    events: Body,
    frames: ArrayFrames,
    over: bool,
}

impl ArrayBody {
    /// `events` as an array.
    pub fn new(events: Body) -> Self {
        Self { events, frames: ArrayFrames::new(), over: false }
    }
}

impl http_body::Body for ArrayBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        loop {
            if this.over {
                return Poll::Ready(None);
            }
            match std::task::ready!(Pin::new(&mut this.events).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    let members = frame.into_data().map(|frames| this.frames.turn(frames)).unwrap_or_default();
                    if !members.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(members))));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    this.over = true;
                    return Poll::Ready(Some(Ok(Frame::data(this.frames.end()))));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_become_one_array() {
        let mut frames = ArrayFrames::new();
        let mut all = Vec::new();
        for piece in ["data: {\"a\":1}\r\n\r\nda", "ta: {\"b\":2}\r\n\r\n"] {
            all.extend_from_slice(&frames.turn(Bytes::from_static(piece.as_bytes())));
        }
        all.extend_from_slice(&frames.end());
        assert_eq!(String::from_utf8(all).unwrap(), "[{\"a\":1},\r\n{\"b\":2}]");
    }
}
