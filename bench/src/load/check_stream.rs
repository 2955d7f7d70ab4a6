//! A streamed answer, checked event by event.

use std::borrow::Cow;

use serde::Deserialize;

use super::{
    Expectation, ExpectedUsage, Shape, Wrong,
    check::{Progress, Tokens},
};

/// How far a stream has been read, and what was found.
#[derive(Debug, Default)]
pub(super) struct EventReader {
    /// Bytes of the body that were read: whole lines.
    read: usize,
    deltas: usize,
    /// Bytes of text.
    text: usize,
    first_delta_end: Option<usize>,
    finish_reasons: usize,
    usages: usize,
    done: bool,
    /// Whether the event that is being read has its data.
    has_data: bool,
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    choices: Vec<Choice<'a>>,
    usage: Option<Tokens>,
    #[serde(borrow)]
    error: Option<&'a serde_json::value::RawValue>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    delta: Delta<'a>,
    #[serde(borrow)]
    finish_reason: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow)]
    content: Option<Cow<'a, str>>,
}

impl EventReader {
    /// Reads the lines of `body` that are complete and were not read yet.
    pub(super) fn read(&mut self, body: &[u8], expected: &Expectation) -> Result<Progress, Wrong> {
        while let Some(length) = body[self.read..].iter().position(|byte| *byte == b'\n') {
            let line = &body[self.read..self.read + length];
            self.read += length + 1;
            self.line(line.strip_suffix(b"\r").unwrap_or(line), expected)?;
        }
        Ok(if self.first_delta_end.is_some() { Progress::Text } else { Progress::BeforeText })
    }

    /// Judges the whole; gives the bytes up to the first delta.
    pub(super) fn finish(&mut self, body: &[u8], expected: &Expectation) -> Result<usize, Wrong> {
        let wrong = |what: String| Err(Wrong(what));
        if self.read != body.len() || self.has_data {
            return wrong("the stream ends inside an event".to_owned());
        }
        if !self.done {
            return wrong("no [DONE]".to_owned());
        }
        if self.finish_reasons != 1 {
            return wrong(format!("{} finish reasons", self.finish_reasons));
        }
        let missing_text = expected.text.as_ref().is_some_and(|text| text.len() != self.text);
        if missing_text || expected.deltas.is_some_and(|deltas| deltas != self.deltas) {
            return wrong(format!("{} deltas with {} bytes of text", self.deltas, self.text));
        }
        match (expected.shape, self.usages) {
            (Shape::Plain | Shape::Stream(ExpectedUsage::Absent), 0) | (Shape::Stream(ExpectedUsage::Present), 1) => {}
            (_, usages) => return wrong(format!("usage {usages} times")),
        }
        self.first_delta_end.ok_or_else(|| Wrong("no text".to_owned()))
    }

    fn line(&mut self, line: &[u8], expected: &Expectation) -> Result<(), Wrong> {
        match line {
            [] => {
                self.has_data = false;
                Ok(())
            }
            _ if self.done && !self.has_data => Err(Wrong("something after [DONE]".to_owned())),
            [b':', ..] => Ok(()),
            [b'd', b'a', b't', b'a', b':', data @ ..] if !self.has_data => {
                self.has_data = true;
                self.data(data.strip_prefix(b" ").unwrap_or(data), expected)
            }
            other => Err(Wrong(format!("an unexpected line: {:.200}", String::from_utf8_lossy(other)))),
        }
    }

    fn data(&mut self, data: &[u8], expected: &Expectation) -> Result<(), Wrong> {
        if data == b"[DONE]" {
            self.done = true;
            return Ok(());
        }
        let chunk: Chunk<'_> = serde_json::from_slice(data).map_err(|error| Wrong(format!("not a chunk: {error}")))?;
        if let Some(error) = chunk.error {
            return Err(Wrong(format!("an error in the stream: {error:.300}")));
        }
        if let Some(usage) = chunk.usage {
            self.usages += 1;
            usage.check(expected)?;
        }
        for choice in &chunk.choices {
            self.finish_reasons += usize::from(choice.finish_reason.is_some());
            if let Some(content) = choice.delta.content.as_deref().filter(|content| !content.is_empty()) {
                self.delta(content, expected)?;
            }
        }
        Ok(())
    }

    fn delta(&mut self, content: &str, expected: &Expectation) -> Result<(), Wrong> {
        let is_next = |text: &String| text.as_bytes().get(self.text..).is_some_and(|rest| rest.starts_with(content.as_bytes()));
        if self.finish_reasons > 0 || !expected.text.as_ref().is_none_or(is_next) {
            return Err(Wrong(format!("another text in delta {}: {content:.200}", self.deltas)));
        }
        self.deltas += 1;
        self.text += content.len();
        self.first_delta_end.get_or_insert(self.read);
        Ok(())
    }
}
