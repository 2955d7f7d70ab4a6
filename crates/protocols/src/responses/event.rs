//! The events of a response's stream, as our callers get them.
//!
//! Source: `providers.md` section 5.3 for their order and fields.

use bytes::{BufMut, BytesMut};
use serde::Serialize;

use super::item::{Annotation, Content, Item, Summary};

/// One event about an item, with all fields that any of them has.
#[derive(Debug, Default, Serialize)]
pub(super) struct ItemEvent<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) item_id: Option<&'a str>,
    pub(super) output_index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) summary_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) annotation_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) item: Option<&'a Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) part: Option<Part<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) annotation: Option<&'a Annotation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) delta: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) arguments: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) input: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logprobs: Option<[(); 0]>,
}

/// A part of an item.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Part<'a> {
    Content(&'a Content),
    Summary(&'a Summary),
}

/// Where events about items go.
pub(super) trait Sink {
    fn event(&mut self, event: ItemEvent<'_>);
}

/// For an answer that is written whole.
pub(super) struct Silence;

impl Sink for Silence {
    fn event(&mut self, _event: ItemEvent<'_>) {}
}

/// The frames of a stream, numbered from 0 without gaps.
#[derive(Debug)]
pub(super) struct Frames<'a> {
    pub(super) out: &'a mut BytesMut,
    pub(super) next_number: &'a mut u64,
}

#[derive(Serialize)]
struct Numbered<T> {
    #[serde(flatten)]
    event: T,
    sequence_number: u64,
}

impl Frames<'_> {
    /// Appends a frame. `kind` is the event's own type: its name must be the same.
    pub(super) fn write(&mut self, kind: &'static str, event: impl Serialize) {
        self.out.extend_from_slice(b"event: ");
        self.out.extend_from_slice(kind.as_bytes());
        self.out.extend_from_slice(b"\ndata: ");
        let numbered = Numbered { event, sequence_number: *self.next_number };
        // Text, numbers and the caller's own JSON can't fail to be written to memory.
        let _written = serde_json::to_writer((&mut *self.out).writer(), &numbered);
        self.out.extend_from_slice(b"\n\n");
        // Upstreams number as they like, up to the last number there is.
        *self.next_number = self.next_number.saturating_add(1);
    }
}

impl Sink for Frames<'_> {
    fn event(&mut self, event: ItemEvent<'_>) {
        self.write(event.kind, event);
    }
}
