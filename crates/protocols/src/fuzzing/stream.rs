//! An upstream's stream on its way back: passed by, or turned into another protocol's.

use bytes::{Bytes, BytesMut};
use easyai_core::error::ErrorCode;
use easyai_core::usage::Usage;

use super::{envelope, is_json};
use crate::bridge;
use crate::convert::Converter;
use crate::sse::{DONE, Reader, SseEvent, TooLarge, frame, write_named};
use crate::wire::{EventFacts, Protocol, Reading};

/// Pieces as a bad network makes them.
const PIECE: usize = 5;

/// Far above what the samples hold.
const MAX_EVENT_BYTES: usize = 1 << 20;

/// Hardly above what the samples hold, so that bounds are met.
const TIGHT: usize = 64;

/// A stream is read alike wherever it is cut, and no event is larger than allowed. Says whether it held events.
pub fn sse(data: &[u8]) -> bool {
    let mut events = Vec::new();
    for max_event_bytes in [TIGHT, MAX_EVENT_BYTES] {
        let whole = read(data, data.len(), max_event_bytes);
        assert_eq!(whole, read(data, PIECE, max_event_bytes), "the cut does not matter: {}", String::from_utf8_lossy(data));
        events = whole.0;
        assert!(events.iter().all(|(_, data)| data.len() <= max_event_bytes), "events are bounded");
    }
    !events.is_empty()
}

type Told = (Option<Bytes>, Bytes);

fn read(data: &[u8], piece: usize, max_event_bytes: usize) -> (Vec<Told>, Option<TooLarge>) {
    let mut events = Vec::new();
    let too_large = each_event(data, piece, max_event_bytes, |event| {
        if let Some(raw) = &event.raw {
            assert_eq!(*raw, framed(&event), "what passes by as it is, is as we would write it");
        }
        events.push((event.name, event.data));
        true
    });
    (events, too_large.err())
}

fn framed(event: &SseEvent) -> Bytes {
    let Some(name) = &event.name else { return frame(&event.data) };
    let mut out = BytesMut::new();
    write_named(&mut out, name, &event.data);
    out.freeze()
}

/// Calls `each` for every event until it says that it has enough.
fn each_event(data: &[u8], piece: usize, max: usize, mut each: impl FnMut(SseEvent) -> bool) -> Result<(), TooLarge> {
    let mut reader = Reader::new(max);
    for piece in data.chunks(piece.max(1)).map(Some).chain([None]) {
        match piece {
            Some(piece) => reader.push(Bytes::copy_from_slice(piece)),
            None => reader.finish(),
        }
        while let Some(event) = reader.next()? {
            if !each(event) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// A stream turned into another protocol's has valid frames, the same ones wherever it is cut. Says whether it came to its end.
pub fn stream(upstream: Protocol, caller: Protocol, data: &[u8]) -> bool {
    let whole = replies(upstream, caller, data, data.len());
    assert!(whole == replies(upstream, caller, data, PIECE), "the cut does not matter: {}", String::from_utf8_lossy(data));
    assert_frames(caller, &whole.0, whole.1);
    whole.1
}

/// What the caller gets, and whether it is complete.
fn replies(upstream: Protocol, caller: Protocol, data: &[u8], piece: usize) -> (BytesMut, bool) {
    let mut converter = Converter::new(upstream, caller, envelope());
    let (mut out, mut failed) = (BytesMut::new(), false);
    let read = each_event(data, piece, MAX_EVENT_BYTES, |event| {
        let facts = converter.event(&event.data, &mut out);
        failed = facts.as_ref().map_or(true, |facts| facts.error.is_some());
        !failed && facts.is_ok_and(|facts| !facts.done)
    });
    failed |= read.is_err();
    if failed {
        converter.error(ErrorCode::UpstreamError, "it\nfailed", &mut out);
    } else {
        converter.end(&mut out);
    }
    (out, !failed)
}

#[derive(serde::Deserialize)]
struct Typed {
    #[serde(rename = "type")]
    kind: String,
    sequence_number: Option<usize>,
}

/// What a caller gets consists of frames alone, each with JSON in it, as its protocol wants them.
pub(super) fn assert_frames(caller: Protocol, out: &[u8], complete: bool) {
    let (mut bytes, mut last, mut number) = (0, None, 0);
    // Google ends its lines otherwise than all others, whose frames could be passed on as they are.
    let around = if caller == Protocol::GenerateContent { b"data: \r\n\r\n".len() } else { 0 };
    let read = each_event(out, out.len(), out.len(), |event| {
        bytes += event.raw.as_ref().map_or(event.data.len() + around, Bytes::len);
        assert!(event.raw.as_deref() == Some(DONE) || is_json(&event.data), "an event is JSON: {:?}", event.data);
        if let Some(name) = &event.name {
            let typed = serde_json::from_slice::<Typed>(&event.data).ok();
            assert!(typed.as_ref().is_some_and(|typed| typed.kind.as_bytes() == name), "events are named by their type: {event:?}");
            let counted = typed.and_then(|typed| typed.sequence_number);
            assert!(caller != Protocol::Responses || counted == Some(number), "events are counted: {event:?}");
        }
        let named = matches!(caller, Protocol::Responses | Protocol::Messages);
        assert_eq!(event.name.is_some(), named, "events have names where the protocol has: {event:?}");
        number += 1;
        last = Some(event);
        true
    });
    assert_eq!(read, Ok(()), "no event is larger than the whole");
    assert_eq!(bytes, out.len(), "nothing but frames is written: {}", String::from_utf8_lossy(out));
    let Some(last) = last else { return };
    let ends = match caller {
        Protocol::Chat
        | Protocol::Completions
        | Protocol::Embeddings
        | Protocol::Moderations
        | Protocol::Rerank
        | Protocol::Compaction
        | Protocol::Images
        | Protocol::ImageEdits
        | Protocol::Videos
        | Protocol::Speech
        | Protocol::Transcriptions
        | Protocol::Translations => last.raw.as_deref() == Some(DONE),
        Protocol::Responses => matches!(last.name.as_deref(), Some(b"response.completed" | b"response.incomplete")),
        Protocol::Messages => last.name.as_deref() == Some(b"message_stop"),
        // Nothing ends it but its end.
        Protocol::GenerateContent => complete,
    };
    assert_eq!(ends, complete, "a stream says that it is complete if it is: {last:?}");
}

/// A stream that passes by is seen to end, to count and to fail alike, however closely it is looked at once something useful has come. Says
/// whether all of it was read.
pub fn side(protocol: Protocol, data: &[u8]) -> bool {
    let (mut full, mut quick) = (bridge::side_reader(protocol), bridge::side_reader(protocol));
    let (mut text, mut whole, mut reading) = (String::new(), true, Reading::Full);
    let read = each_event(data, data.len(), MAX_EVENT_BYTES, |event| {
        bridge::event_text(protocol, &event.data, &mut text);
        let Ok(facts) = full.event(&event.data, Reading::Full) else {
            whole = false;
            return false;
        };
        if let Some(mended) = full.mended(&event.data) {
            assert!(!is_json(&event.data) || is_json(&mended), "what is put right is JSON: {mended:?} for {:?}", event.data);
        }
        let glanced = quick.event(&event.data, reading);
        if facts.useful {
            reading = Reading::AfterCommit;
        }
        // Names that are looked for may be written with escapes, which nobody does.
        if memchr::memmem::find(&event.data, b"\\u").is_none() {
            let expected = EventFacts { useful: glanced.as_ref().is_ok_and(|glanced| glanced.useful), ..facts };
            assert_eq!(glanced, Ok(expected), "both readings agree: {:?}", event.data);
        }
        true
    });
    let mut out = BytesMut::new();
    if let Some(due) = full.due_usage() {
        due.frame(&Usage::counted(1, 1), &mut out);
    }
    full.close(&mut out);
    assert!(out.is_empty() || out.ends_with(b"\n\n"), "what closes a stream are frames: {out:?}");
    out.clear();
    full.error(ErrorCode::UpstreamError, "it\nfailed", &mut out);
    assert!(out.is_empty() || out.ends_with(b"\n\n") || out.ends_with(b"\r\n\r\n"), "a failure is a frame: {out:?}");
    whole && read.is_ok()
}
