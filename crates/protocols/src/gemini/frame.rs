//! The frames of a stream for a caller: server-sent events, or the members of one JSON array for callers without `alt=sse`.
//!
//! Google's Python SDK takes every line that does not begin with `data: ` for an error: no comments, no event names, no keep-alive and no
//! `[DONE]` may ever be written. Source: `providers.md` sections 3.3 and 15.

use bytes::{BufMut, BytesMut};
use easyai_core::error::ErrorCode;

use super::error::error_body;
use crate::request::Framing;

/// Puts the frames of one stream together, in order. Used where events pass by as they are, and by
/// [`Writer`](super::stream_writer::Writer).
#[derive(Debug, Clone, Copy, Default)]
pub struct Framer {
    framing: Framing,
    begun: bool,
    closed: bool,
}

impl Framer {
    /// The frames of a stream that has not begun.
    #[must_use]
    pub const fn new(framing: Framing) -> Self {
        Self { framing, begun: false, closed: false }
    }

    /// The frames of a stream that has: for who puts only its failure behind it.
    #[must_use]
    pub(super) const fn begun(framing: Framing) -> Self {
        Self { framing, begun: true, closed: false }
    }

    /// Appends one event: a JSON object, as an upstream sent it.
    pub fn frame(&mut self, data: &[u8], out: &mut BytesMut) {
        self.open(out);
        let mut rest = data;
        // A line break would end the event. In JSON it can only stand between tokens, where a space means the same.
        while let Some(at) = memchr::memchr2(b'\n', b'\r', rest) {
            let (line, after) = rest.split_at(at);
            out.extend_from_slice(line);
            out.put_u8(b' ');
            rest = after.get(1..).unwrap_or_default();
        }
        out.extend_from_slice(rest);
        self.close(out);
    }

    /// Appends one event.
    pub(super) fn write(&mut self, event: &impl serde::Serialize, out: &mut BytesMut) {
        self.open(out);
        // Nothing that we write has a map whose keys are no text, and memory does not fail.
        let _written = serde_json::to_writer(out.writer(), event);
        self.close(out);
    }

    /// Appends what ends the stream: nothing for events, the closing bracket for an array.
    pub fn end(&mut self, out: &mut BytesMut) {
        if self.framing == Framing::Array && !self.closed {
            out.extend_from_slice(if self.begun { b"]" } else { b"[]" });
        }
        self.closed = true;
    }

    /// Appends a failure, and ends the stream. An array is closed, or nobody could read the failure; what tells it from a complete
    /// stream is that no candidate has finished.
    pub fn error(&mut self, code: ErrorCode, message: &str, out: &mut BytesMut) {
        self.frame(error_body(code, message, None).as_bytes(), out);
        self.end(out);
    }

    fn open(&mut self, out: &mut BytesMut) {
        out.extend_from_slice(match (self.framing, self.begun) {
            (Framing::Events, _) => b"data: ",
            (Framing::Array, false) => b"[",
            (Framing::Array, true) => b",\r\n",
        });
        self.begun = true;
    }

    fn close(self, out: &mut BytesMut) {
        if self.framing == Framing::Events {
            out.extend_from_slice(b"\r\n\r\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(framing: Framing, events: &[&str]) -> String {
        let (mut framer, mut out) = (Framer::new(framing), BytesMut::new());
        for event in events {
            framer.frame(event.as_bytes(), &mut out);
        }
        framer.end(&mut out);
        framer.end(&mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn frames_are_as_googles_own() {
        assert_eq!(framed(Framing::Events, &["{}", "{\n\"a\":\r\n1}"]), "data: {}\r\n\r\ndata: { \"a\":  1}\r\n\r\n");
        assert_eq!(framed(Framing::Array, &["{}", "{\"a\":1}"]), "[{},\r\n{\"a\":1}]");
        assert_eq!(framed(Framing::Events, &[]), "");
        assert_eq!(framed(Framing::Array, &[]), "[]");
    }

    #[test]
    fn a_failure_is_the_last_frame() {
        let body = r#"{"error":{"code":502,"message":"no","status":"INTERNAL","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"UPSTREAM_ERROR","domain":"easyai"}]}}"#;
        for (framing, expected) in [(Framing::Events, format!("data: {body}\r\n\r\n")), (Framing::Array, format!("[{body}]"))] {
            let (mut framer, mut out) = (Framer::new(framing), BytesMut::new());
            framer.error(ErrorCode::UpstreamError, "no", &mut out);
            framer.end(&mut out);
            assert_eq!(String::from_utf8(out.to_vec()).unwrap(), expected);
        }
    }
}
