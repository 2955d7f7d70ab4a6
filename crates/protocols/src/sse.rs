//! Server-sent events: an incremental reader that bears what real upstreams send, and the framing we send ourselves.
//!
//! Lines end in LF, CRLF or CR; the space after `data:` may be missing; several `data:` lines join; comments and unknown fields are
//! passed over; a BOM may lead; events may be cut anywhere; a last event may lack its blank line.
//! Source: WHATWG HTML, "Server-sent events"; `providers.md` section 3.1.

use bytes::{Bytes, BytesMut};

/// The frame that ends an OpenAI stream.
pub const DONE: &[u8] = b"data: [DONE]\n\n";

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SseEvent {
    /// Its data lines, joined.
    pub data: Bytes,
    /// Its very bytes, if they are already as we would write them: `data: …`, one blank line, nothing else.
    pub raw: Option<Bytes>,
}

/// An event that is larger than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is larger than {0} bytes")]
pub struct TooLarge(pub usize);

/// Reads events out of pieces of bytes.
#[derive(Debug)]
pub struct Reader {
    /// What is read next.
    pending: Bytes,
    /// A line whose end has not come yet. It grows without being looked at again.
    partial: BytesMut,
    data: Vec<Bytes>,
    data_bytes: usize,
    max_event_bytes: usize,
    at_start: bool,
    skip_lf: bool,
    ended: bool,
}

impl Reader {
    /// A reader that refuses events beyond `max_event_bytes`.
    #[must_use]
    pub fn new(max_event_bytes: usize) -> Self {
        Self {
            pending: Bytes::new(),
            partial: BytesMut::new(),
            data: Vec::new(),
            data_bytes: 0,
            max_event_bytes,
            at_start: true,
            skip_lf: false,
            ended: false,
        }
    }

    /// Takes what was read. Pull all events with [`Reader::next`] before pushing more.
    pub fn push(&mut self, piece: Bytes) {
        if self.pending.is_empty() && self.partial.is_empty() {
            self.pending = piece;
            return;
        }
        self.partial.extend_from_slice(&std::mem::take(&mut self.pending));
        self.partial.extend_from_slice(&piece);
        if memchr::memchr2(b'\n', b'\r', &piece).is_some() || self.at_start {
            self.pending = self.partial.split().freeze();
        }
    }

    /// Nothing more will come: a last event without a blank line counts.
    pub fn finish(&mut self) {
        self.ended = true;
        if !self.partial.is_empty() {
            self.partial.extend_from_slice(&std::mem::take(&mut self.pending));
            self.pending = self.partial.split().freeze();
        }
    }

    /// The next whole event; none until more is pushed.
    ///
    /// # Errors
    /// [`TooLarge`]; the reader is of no use afterwards.
    #[expect(clippy::should_implement_trait, reason = "none means not yet, not never")]
    pub fn next(&mut self) -> Result<Option<SseEvent>, TooLarge> {
        if self.pending.first().is_some_and(|first| *first != BOM[0]) {
            self.at_start = false;
        }
        if self.data.is_empty()
            && !self.skip_lf
            && !self.at_start
            && let Some(event) = self.canonical()
        {
            return Ok(Some(event));
        }
        self.by_lines()
    }

    /// The usual case, without copying or looking at each line: `data: …\n\n` lies whole in the piece.
    fn canonical(&mut self) -> Option<SseEvent> {
        let rest = self.pending.strip_prefix(b"data: ")?;
        let length = memchr::memchr2(b'\n', b'\r', rest)?;
        if length == 0 || length > self.max_event_bytes || rest.get(length..length + 2)? != b"\n\n" {
            return None;
        }
        let raw = self.pending.split_to(b"data: ".len() + length + 2);
        Some(SseEvent { data: raw.slice(b"data: ".len()..raw.len() - 2), raw: Some(raw) })
    }

    fn by_lines(&mut self) -> Result<Option<SseEvent>, TooLarge> {
        loop {
            if self.skip_lf && !self.pending.is_empty() {
                self.skip_lf = false;
                if self.pending[0] == b'\n' {
                    let _ = self.pending.split_to(1);
                }
            }
            if self.at_start && !self.strip_bom() {
                return Ok(None);
            }
            let Some(line) = self.line()? else { return Ok(None) };
            if line.is_empty() {
                if let Some(event) = self.dispatch() {
                    return Ok(Some(event));
                }
            } else {
                self.field(&line)?;
            }
        }
    }

    /// Takes a leading BOM away. False while it can't be told yet whether there is one.
    fn strip_bom(&mut self) -> bool {
        if self.pending.len() < BOM.len() && BOM.starts_with(&self.pending) && !self.ended {
            return false;
        }
        if self.pending.starts_with(BOM) {
            let _ = self.pending.split_to(BOM.len());
        }
        self.at_start = false;
        true
    }

    /// The next line without its end. At the end of the stream, what is left, then the blank line that is missing.
    fn line(&mut self) -> Result<Option<Bytes>, TooLarge> {
        if let Some(length) = memchr::memchr2(b'\n', b'\r', &self.pending) {
            let line = self.pending.split_to(length);
            self.skip_lf = self.pending[0] == b'\r';
            let _ = self.pending.split_to(1);
            return Ok(Some(line));
        }
        if self.partial.len() + self.pending.len() + self.data_bytes > self.max_event_bytes {
            return Err(TooLarge(self.max_event_bytes));
        }
        if self.ended && !self.pending.is_empty() {
            return Ok(Some(std::mem::take(&mut self.pending)));
        }
        Ok((self.ended && !self.data.is_empty()).then(Bytes::new))
    }

    fn field(&mut self, line: &Bytes) -> Result<(), TooLarge> {
        let value = match line.strip_prefix(b"data") {
            Some([]) => line.slice(line.len()..),
            Some([b':', b' ', ..]) => line.slice(6..),
            Some([b':', ..]) => line.slice(5..),
            // Comments (`:`), other fields, and lines that mean nothing.
            Some([_, ..]) | None => return Ok(()),
        };
        self.data_bytes += value.len() + 1;
        if self.data_bytes > self.max_event_bytes {
            return Err(TooLarge(self.max_event_bytes));
        }
        self.data.push(value);
        Ok(())
    }

    fn dispatch(&mut self) -> Option<SseEvent> {
        self.data_bytes = 0;
        let mut lines = std::mem::take(&mut self.data);
        let data = match lines.len() {
            0 => return None,
            1 => lines.swap_remove(0),
            _ => Bytes::from(lines.join(&b'\n')),
        };
        (!data.is_empty()).then_some(SseEvent { data, raw: None })
    }
}

/// An event as we write it.
#[must_use]
pub fn frame(data: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(data.len() + 8);
    write_frame(&mut frame, data);
    frame.freeze()
}

/// Appends an event as we write it.
pub fn write_frame(into: &mut BytesMut, data: &[u8]) {
    // A line break inside data begins another data line: a bare one would end the event's line and lose the rest.
    for line in data.split(|byte| *byte == b'\n') {
        into.extend_from_slice(b"data: ");
        into.extend_from_slice(line);
        into.extend_from_slice(b"\n");
    }
    into.extend_from_slice(b"\n");
}

#[cfg(test)]
mod tests;
