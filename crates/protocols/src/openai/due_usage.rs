//! The chunk with usage and nothing else, which `include_usage` promises, where an upstream tells its usage elsewhere or not at all.

use bytes::{BufMut, BytesMut};
use easyai_core::usage::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::usage::WrittenUsage;

/// What all chunks of a stream begin with, without the closing brace: `{"id":"…","object":"…","created":…,"model":"…"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueUsage {
    head: Vec<u8>,
}

/// Looks for the usage in the chunks of a stream.
#[derive(Debug, Default)]
pub(crate) struct UsageWatch {
    was_told: bool,
    due: Option<DueUsage>,
}

/// What stands in every chunk, as it came.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    object: Option<&'a RawValue>,
    #[serde(borrow)]
    created: Option<&'a RawValue>,
    #[serde(borrow)]
    model: Option<&'a RawValue>,
}

impl UsageWatch {
    /// The caller was shown the usage.
    pub(crate) const fn told(&mut self) {
        self.was_told = true;
    }

    /// The answer, or a choice of it, ended with this chunk.
    pub(crate) fn finished(&mut self, data: &[u8]) {
        if !self.was_told && self.due.is_none() {
            self.due = DueUsage::beginning_like(data);
        }
    }

    /// The chunk that is still owed.
    pub(crate) fn due(&self) -> Option<DueUsage> {
        self.due.clone().filter(|_| !self.was_told)
    }
}

impl DueUsage {
    fn beginning_like(data: &[u8]) -> Option<Self> {
        let Head { id, object, created, model } = serde_json::from_slice(data).ok()?;
        let mut head = b"{".to_vec();
        for (name, value) in [("id", id), ("object", object), ("created", created), ("model", model)] {
            let Some(value) = value else { continue };
            let comma = if head.len() > 1 { "," } else { "" };
            head.extend_from_slice(format!("{comma}\"{name}\":{}", value.get()).as_bytes());
        }
        Some(Self { head })
    }

    /// Appends the chunk as a frame.
    pub fn frame(&self, usage: &Usage, out: &mut BytesMut) {
        usage_frame(&self.head, usage, out);
    }
}

/// Appends a chunk that begins with `head` and tells the usage.
pub(super) fn usage_frame(head: &[u8], usage: &Usage, out: &mut BytesMut) {
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(head);
    out.extend_from_slice(if head.len() > 1 { b",\"choices\":[],\"usage\":" } else { b"\"choices\":[],\"usage\":" });
    // Numbers alone can't fail to be written, nor does the buffer end.
    let _ = serde_json::to_writer(out.writer(), &WrittenUsage::from(usage));
    out.extend_from_slice(b"}\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(chunk: &str, expected: Option<&str>) {
        let mut watch = UsageWatch::default();
        watch.finished(chunk.as_bytes());
        let frame = watch.due().map(|due| {
            let mut out = BytesMut::new();
            due.frame(&Usage::counted(2, 1), &mut out);
            String::from_utf8(out.to_vec()).unwrap()
        });
        let tokens = r#""choices":[],"usage":{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3,"#;
        let details =
            r#""prompt_tokens_details":{"cached_tokens":0,"cache_write_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}"#;
        assert_eq!(frame, expected.map(|head| format!("data: {{{head}{tokens}{details}}}\n\n")));
    }

    #[test]
    fn it_begins_as_the_chunks_before_it() {
        check(
            r#"{"model": "m","id":"c1","choices":[],"created":7,"object":"o","x":1}"#,
            Some(r#""id":"c1","object":"o","created":7,"model":"m","#),
        );
        check(r#"{"id":null,"choices":[{"finish_reason":"stop"}]}"#, Some(""));
        check("[]", None);
    }

    #[test]
    fn it_is_owed_only_if_nothing_was_told() {
        let mut watch = UsageWatch::default();
        watch.finished(br#"{"id":"c1"}"#);
        assert!(watch.due().is_some());
        watch.told();
        assert_eq!(watch.due(), None);
    }
}
