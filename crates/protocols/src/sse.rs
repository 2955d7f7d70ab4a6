//! Server-sent events: an incremental reader that bears what real upstreams send, and the framing we send ourselves.
//!
//! Lines end in LF, CRLF or CR; the space after `data:` may be missing; several `data:` lines join; comments and unknown fields are
//! passed over; a BOM may lead; events may be cut anywhere; a last event may lack its blank line. Bare JSON between events (Gemini's
//! late errors, error bodies under the wrong content type) is an event of its own.
//! Source: WHATWG HTML, "Server-sent events"; `providers.md` section 3.1.

use bytes::{Bytes, BytesMut};

/// The frame that ends an OpenAI stream.
pub const DONE: &[u8] = b"data: [DONE]\n\n";

/// What a line may have beside its data.
const FIELD_BYTES: usize = b"event: ".len();

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SseEvent {
    /// Its data lines, joined.
    pub data: Bytes,
    /// Its name, if an `event:` line gave one.
    pub name: Option<Bytes>,
    /// Its very bytes, if they are already as we would write them: `data: …`, or `event: …` and `data: …`, one blank line, nothing else.
    pub raw: Option<Bytes>,
}

/// An event, or a line of one, that is larger than allowed.
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
    data: Data,
    name: Option<Bytes>,
    /// JSON without `data:` that has begun and not ended.
    bare: Option<Bare>,
    max_event_bytes: usize,
    at_start: bool,
    skip_lf: bool,
    ended: bool,
}

impl Reader {
    /// A reader that refuses events beyond `max_event_bytes`. It keeps a small multiple of that and of one piece at most.
    #[must_use]
    pub fn new(max_event_bytes: usize) -> Self {
        Self {
            pending: Bytes::new(),
            partial: BytesMut::new(),
            data: Data::None,
            name: None,
            bare: None,
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
        if self.data.is_none()
            && self.name.is_none()
            && !self.skip_lf
            && !self.at_start
            && let Some(event) = self.canonical()
        {
            return Ok(Some(event));
        }
        self.by_lines()
    }

    /// The usual case, without copying or looking at each line: `data: …\n\n` lies whole in the piece, perhaps after `event: …\n`.
    fn canonical(&mut self) -> Option<SseEvent> {
        let name = match self.pending.strip_prefix(b"event: ") {
            Some(rest) => {
                let length = memchr::memchr2(b'\n', b'\r', rest)?;
                if length == 0 || length > self.max_event_bytes || rest.get(length) != Some(&b'\n') {
                    return None;
                }
                Some(b"event: ".len()..b"event: ".len() + length)
            }
            None => None,
        };
        let line = name.as_ref().map_or(0, |name| name.end + 1);
        let rest = self.pending.get(line..)?.strip_prefix(b"data: ")?;
        let length = memchr::memchr2(b'\n', b'\r', rest)?;
        if length == 0 || length > self.max_event_bytes || rest.get(length..length + 2)? != b"\n\n" {
            return None;
        }
        let raw = self.pending.split_to(line + b"data: ".len() + length + 2);
        let data = raw.slice(line + b"data: ".len()..raw.len() - 2);
        Some(SseEvent { data, name: name.map(|name| raw.slice(name)), raw: Some(raw) })
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
            if self.bare.is_some() || (self.data.is_none() && matches!(line.first(), Some(b'{' | b'['))) {
                if let Some(event) = self.bare_line(line)? {
                    return Ok(Some(event));
                }
            } else if line.is_empty() {
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
        let max_line_bytes = self.max_event_bytes.saturating_add(FIELD_BYTES);
        if let Some(length) = memchr::memchr2(b'\n', b'\r', &self.pending) {
            // A line is bounded whether or not its end is in the same piece: where a stream is cut must not matter.
            if length > max_line_bytes {
                return Err(TooLarge(self.max_event_bytes));
            }
            let line = self.pending.split_to(length);
            self.skip_lf = self.pending[0] == b'\r';
            let _ = self.pending.split_to(1);
            return Ok(Some(line));
        }
        if self.partial.len() + self.pending.len() > max_line_bytes {
            return Err(TooLarge(self.max_event_bytes));
        }
        if self.ended && !self.pending.is_empty() {
            return Ok(Some(std::mem::take(&mut self.pending)));
        }
        Ok((self.ended && !self.data.is_none()).then(Bytes::new))
    }

    fn field(&mut self, line: &Bytes) -> Result<(), TooLarge> {
        let value = match line.strip_prefix(b"data") {
            Some([]) => line.slice(line.len()..),
            Some([b':', b' ', ..]) => line.slice(6..),
            Some([b':', ..]) => line.slice(5..),
            Some([_, ..]) | None => {
                self.other_field(line);
                return Ok(());
            }
        };
        self.keep(value)
    }

    fn keep(&mut self, value: Bytes) -> Result<(), TooLarge> {
        if self.data.len_with(&value) > self.max_event_bytes {
            return Err(TooLarge(self.max_event_bytes));
        }
        self.data.push(value);
        Ok(())
    }

    /// A name; or a comment (`:`), another field, or a line that means nothing.
    fn other_field(&mut self, line: &Bytes) {
        if let Some(value) = line.strip_prefix(b"event:") {
            let value = value.strip_prefix(b" ").unwrap_or(value);
            self.name = (!value.is_empty()).then(|| line.slice(line.len() - value.len()..));
        }
    }

    /// A line of bare JSON: the event ends with the line that closes what the first one opened, or with the stream.
    fn bare_line(&mut self, line: Bytes) -> Result<Option<SseEvent>, TooLarge> {
        if line.starts_with(b"data:") {
            // No line of JSON begins like this: what came before was nothing, and the stream goes on.
            self.bare = None;
            self.data = Data::None;
            return self.field(&line).map(|()| None);
        }
        let is_whole = self.bare.get_or_insert_default().closes(&line);
        let is_last = self.ended && self.pending.is_empty();
        if !(is_last && line.is_empty()) {
            self.keep(line)?;
        }
        if is_whole || is_last {
            self.bare = None;
            return Ok(self.dispatch());
        }
        Ok(None)
    }

    fn dispatch(&mut self) -> Option<SseEvent> {
        let name = self.name.take();
        let data = match std::mem::take(&mut self.data) {
            Data::None => return None,
            Data::Line(line) => line,
            Data::Lines(lines) => lines.freeze(),
        };
        (!data.is_empty()).then_some(SseEvent { data, name, raw: None })
    }
}

/// The data lines of an event so far. One line, which is the rule, is not copied; several are joined at once, since a handle for each would
/// take more memory than a short line itself.
#[derive(Debug, Default)]
enum Data {
    #[default]
    None,
    Line(Bytes),
    Lines(BytesMut),
}

impl Data {
    const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// How long it is with one line more.
    fn len_with(&self, line: &Bytes) -> usize {
        match self {
            Self::None => line.len(),
            Self::Line(first) => first.len() + 1 + line.len(),
            Self::Lines(lines) => lines.len() + 1 + line.len(),
        }
    }

    fn push(&mut self, line: Bytes) {
        let mut lines = match std::mem::take(self) {
            Self::None => {
                *self = Self::Line(line);
                return;
            }
            Self::Line(first) => BytesMut::from(&*first),
            Self::Lines(lines) => lines,
        };
        lines.extend_from_slice(b"\n");
        lines.extend_from_slice(&line);
        *self = Self::Lines(lines);
    }
}

/// How deep inside bare JSON the reader is.
#[derive(Debug, Default)]
struct Bare {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Bare {
    /// Reads one line more; true once all braces and brackets are closed. It counts, it does not check.
    fn closes(&mut self, line: &[u8]) -> bool {
        for byte in line {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                _ if self.in_string => {}
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        self.depth == 0
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
    for line in data.split(|byte| matches!(byte, b'\n' | b'\r')) {
        into.extend_from_slice(b"data: ");
        into.extend_from_slice(line);
        into.extend_from_slice(b"\n");
    }
    into.extend_from_slice(b"\n");
}

/// Appends an event with a name as we write it.
pub fn write_named(into: &mut BytesMut, name: &[u8], data: &[u8]) {
    into.extend_from_slice(b"event: ");
    into.extend_from_slice(name);
    into.extend_from_slice(b"\n");
    write_frame(into, data);
}

#[cfg(test)]
mod tests;
