//! What becomes of an upstream's events on their way to the caller: they pass as they are, or change their protocol.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use easyai_core::error::ErrorCode;
use easyai_core::usage::Usage;
use easyai_protocols::bridge;
use easyai_protocols::conversation::StopReason;
use easyai_protocols::convert::Converter;
use easyai_protocols::json::{looks_like_object, repaired};
use easyai_protocols::openai::due_usage::DueUsage;
use easyai_protocols::openai::error::read_error;
use easyai_protocols::responses::expand::with_previous;
use easyai_protocols::sse::{DONE, SseEvent, write_frame, write_named};
use easyai_protocols::wire::{BadEvent, EventFacts, Protocol, Reading, SideReader};
use http::HeaderValue;
use serde::Deserialize;

use super::feed::Feed;
use super::{Clock, Source};

/// The way of one stream.
#[derive(Debug)]
pub(crate) enum Passage {
    /// Both sides speak this protocol: a side-reader looks on.
    Same {
        protocol: Protocol,
        side: Box<dyn SideReader>,
        /// The response that is gone on from, of which the upstream was not told.
        previous: Option<Arc<str>>,
    },
    /// They don't.
    Converted(Box<Converter>),
    /// Sound, as it is: there is nothing to look at but whether it comes.
    Sound {
        /// What it is.
        media_type: HeaderValue,
        /// What it used, however it ends.
        usage: Usage,
        /// Whether some of it has come.
        begun: bool,
    },
}

impl Passage {
    pub(crate) fn same(protocol: Protocol) -> Self {
        Self::Same { protocol, side: bridge::side_reader(protocol), previous: None }
    }

    /// A file of sound.
    pub(crate) const fn sound(media_type: HeaderValue, usage: Usage) -> Self {
        Self::Sound { media_type, usage, begun: false }
    }

    /// The same for a response that goes on from another one.
    pub(crate) fn going_on_from(self, previous: Option<&Arc<str>>) -> Self {
        match self {
            Self::Same { protocol, side, .. } => Self::Same { protocol, side, previous: previous.cloned() },
            Self::Converted(_) | Self::Sound { .. } => self,
        }
    }

    /// The events of `source` as this way reads them.
    pub(super) fn feed(&self, source: Source, clock: Clock) -> Feed {
        match self {
            Self::Same { .. } | Self::Converted(_) => Feed::new(source, clock),
            Self::Sound { .. } => Feed::of_pieces(source, clock),
        }
    }

    /// What the stream is, where it is a file and has no events.
    pub(super) const fn media_type(&self) -> Option<&HeaderValue> {
        match self {
            Self::Same { .. } | Self::Converted(_) => None,
            Self::Sound { media_type, .. } => Some(media_type),
        }
    }

    /// What an event means, and the caller's frames for it: empty if it has none.
    pub(super) fn event(&mut self, event: SseEvent, reading: Reading) -> Result<(EventFacts, Bytes), BadEvent> {
        match self {
            Self::Same { protocol, side, previous } => {
                let facts = side.event(&event.data, reading);
                // What is passed on stays as it came: callers' parsers take it.
                let facts = facts.or_else(|bad| repaired(&event.data).map_or(Err(bad), |data| side.event(&data, reading)))?;
                let mended = side.mended(&event.data);
                let changed = match previous {
                    Some(previous) => Some(with_previous(mended.as_ref().unwrap_or(&event.data), previous)),
                    None => mended,
                };
                let event = match changed {
                    Some(data) => SseEvent { data, raw: None, ..event },
                    None => event,
                };
                Ok((facts, frame(*protocol, event)))
            }
            Self::Converted(converter) => {
                let mut frames = BytesMut::new();
                let facts = converter.event(&event.data, &mut frames)?;
                Ok((facts, frames.freeze()))
            }
            Self::Sound { usage, begun, .. } => {
                let data = event.data;
                if data.is_empty() {
                    let end = EventFacts { finish: Some(StopReason::Stop), usage: Some(*usage), done: true, ..EventFacts::default() };
                    return Ok((end, data));
                }
                // Sound as JSON is an error in spite of the status and the type.
                if !std::mem::replace(begun, true) && looks_like_object(&data) {
                    return Ok((EventFacts { error: Some(read_error(&data)), ..EventFacts::default() }, Bytes::new()));
                }
                Ok((EventFacts { useful: true, ..EventFacts::default() }, data))
            }
        }
    }

    /// Whether the frames of an end wait for the settlement as they came. A converter writes them when it is over.
    pub(super) const fn keeps_its_end(&self) -> bool {
        matches!(self, Self::Same { .. } | Self::Sound { .. })
    }

    /// Whether the frame that says nothing follows is the caller's too. Chat's `[DONE]` is written by us.
    pub(super) const fn ends_by_its_own_frame(&self) -> bool {
        match self {
            Self::Same { protocol, .. } => match protocol {
                Protocol::Messages | Protocol::Responses | Protocol::GenerateContent => true,
                Protocol::Images | Protocol::ImageEdits | Protocol::Videos => true,
                Protocol::Speech | Protocol::Transcriptions | Protocol::Translations => true,
                Protocol::Chat
                | Protocol::Completions
                | Protocol::Embeddings
                | Protocol::Moderations
                | Protocol::Rerank
                | Protocol::Compaction => false,
            },
            Self::Converted(_) | Self::Sound { .. } => false,
        }
    }

    /// The chunk with usage that a caller who asked for it has not been shown.
    pub(super) fn due_usage(&self) -> Option<DueUsage> {
        match self {
            Self::Same { side, .. } => side.due_usage(),
            Self::Converted(_) | Self::Sound { .. } => None,
        }
    }

    /// Whether the end of the body is a good end, though no event said so.
    pub(super) fn ends_with_its_body(&self) -> bool {
        match self {
            Self::Same { side, .. } => side.ends_with_its_body(),
            Self::Converted(_) | Self::Sound { .. } => false,
        }
    }

    /// Appends what closes the stream; `ended` says whether the upstream sent its own last frame.
    pub(super) fn end(&mut self, ended: bool, out: &mut BytesMut) {
        match self {
            Self::Same { protocol: Protocol::Chat | Protocol::Completions, .. } => out.extend_from_slice(DONE),
            Self::Same { protocol: Protocol::Messages, .. } if !ended => write_named(out, b"message_stop", br#"{"type":"message_stop"}"#),
            Self::Same { side, .. } => side.close(out),
            Self::Sound { .. } => {}
            Self::Converted(converter) => converter.end(out),
        }
    }

    /// The frames of a failure after the first delta: none where there are no frames that could tell it.
    pub(super) fn error(&mut self, code: ErrorCode, message: &str) -> Bytes {
        let mut out = BytesMut::new();
        match self {
            Self::Same { side, .. } => side.error(code, message, &mut out),
            Self::Converted(converter) => converter.error(code, message, &mut out),
            Self::Sound { .. } => {}
        }
        out.freeze()
    }
}

/// An event in the caller's framing (`providers.md` section 3.3): the very bytes where they are so already.
fn frame(protocol: Protocol, event: SseEvent) -> Bytes {
    let SseEvent { data, name, raw } = event;
    let mut out = BytesMut::new();
    match (protocol, name, raw) {
        (Protocol::Chat | Protocol::Completions, None, Some(raw))
        | (
            Protocol::Messages
            | Protocol::Responses
            | Protocol::Images
            | Protocol::ImageEdits
            | Protocol::Speech
            | Protocol::Transcriptions,
            Some(_),
            Some(raw),
        ) => {
            return raw;
        }
        // What is no text is never streamed; if it were, it would be like chat.
        (
            Protocol::Chat
            | Protocol::Completions
            | Protocol::Embeddings
            | Protocol::Moderations
            | Protocol::Rerank
            | Protocol::Compaction
            | Protocol::Videos
            | Protocol::Translations,
            _,
            _,
        ) => {
            write_frame(&mut out, &data);
        }
        (
            Protocol::Messages
            | Protocol::Responses
            | Protocol::Images
            | Protocol::ImageEdits
            | Protocol::Speech
            | Protocol::Transcriptions,
            Some(name),
            _,
        ) => write_named(&mut out, &name, &data),
        // Official SDKs look at the name and not at the type.
        (
            Protocol::Messages
            | Protocol::Responses
            | Protocol::Images
            | Protocol::ImageEdits
            | Protocol::Speech
            | Protocol::Transcriptions,
            None,
            _,
        ) => match kind(&data) {
            Some(kind) => write_named(&mut out, kind.as_bytes(), &data),
            None => write_frame(&mut out, &data),
        },
        (Protocol::GenerateContent, _, _) => {
            out.extend_from_slice(b"data: ");
            // Pretty-printed JSON in several data lines: its line breaks are white space.
            out.extend(data.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }));
            out.extend_from_slice(b"\r\n\r\n");
        }
    }
    out.freeze()
}

fn kind(data: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Kind {
        #[serde(rename = "type")]
        kind: String,
    }
    serde_json::from_slice::<Kind>(data).ok().map(|kind| kind.kind).filter(|kind| !kind.contains(['\n', '\r']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(protocol: Protocol, name: Option<&'static str>, data: &'static str, expected: &str) {
        let event =
            SseEvent { data: Bytes::from_static(data.as_bytes()), name: name.map(|name| Bytes::from_static(name.as_bytes())), raw: None };
        assert_eq!(frame(protocol, event), expected.as_bytes());
    }

    #[test]
    fn every_protocol_has_its_own_framing() {
        check(Protocol::Chat, Some("x"), "{}", "data: {}\n\n");
        check(Protocol::Messages, Some("ping"), "{}", "event: ping\ndata: {}\n\n");
        check(Protocol::Messages, None, r#"{"type":"ping"}"#, "event: ping\ndata: {\"type\":\"ping\"}\n\n");
        check(Protocol::GenerateContent, None, "{\n}", "data: { }\r\n\r\n");
    }
}
