//! What a stream of events with media made, out of the events themselves: the whole images, the pieces of sound put together.
//!
//! Source: OpenAI API reference, image and speech streaming events (`providers.md` sections 4.3 and 4.5).

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use serde::Deserialize;

use super::MadeFile;
use super::read::sniff;
use crate::encoded::decode_file;
use crate::sse::Reader;

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default, borrow)]
    b64_json: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    audio: Option<Cow<'a, str>>,
}

/// The files of a complete stream in the caller's framing, in their order. Drafts are none; what can't be read is passed over.
#[must_use]
pub fn made_in_stream(frames: &Bytes) -> Vec<MadeFile> {
    let mut reader = Reader::new(frames.len());
    reader.push(frames.clone());
    reader.finish();
    let mut files = Vec::new();
    let mut sound = BytesMut::new();
    while let Ok(Some(event)) = reader.next() {
        let Ok(event) = serde_json::from_slice::<Event<'_>>(&event.data) else { continue };
        match (&*event.kind, event.b64_json, event.audio) {
            ("image_generation.completed" | "image_edit.completed", Some(image), _) => files.extend(decode_file(&image).map(file)),
            ("speech.audio.delta", _, Some(piece)) => sound.extend_from_slice(&decode_file(&piece).unwrap_or_default()),
            (_, _, _) => {}
        }
    }
    if !sound.is_empty() {
        files.push(file(sound.freeze()));
    }
    files
}

fn file(data: Bytes) -> MadeFile {
    MadeFile::Inline { media_type: sniff(&data).map(str::to_owned), data }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(frames: &'static str, expected: &[&[u8]]) {
        let files = made_in_stream(&Bytes::from_static(frames.as_bytes()));
        let data: Vec<&[u8]> = files
            .iter()
            .map(|file| match file {
                MadeFile::Inline { data, .. } => &data[..],
                MadeFile::Url { .. } => panic!("a URL"),
            })
            .collect();
        assert_eq!(data, expected);
    }

    #[test]
    fn whole_images_are_files_and_drafts_are_not() {
        check(
            concat!(
                "event: image_generation.partial_image\ndata: {\"type\":\"image_generation.partial_image\",\"b64_json\":\"ZHJhZnQ=\"}\n\n",
                "event: image_generation.completed\ndata: {\"type\":\"image_generation.completed\",\"b64_json\":\"b25l\"}\n\n",
                "event: image_edit.completed\ndata: {\"type\":\"image_edit.completed\",\"b64_json\":\"dHdv\",\"usage\":{}}\n\n",
            ),
            &[b"one", b"two"],
        );
    }

    #[test]
    fn pieces_of_sound_are_one_file() {
        check(
            concat!(
                "data: {\"type\":\"speech.audio.delta\",\"audio\":\"b25l\"}\n\n: a comment\n\ndata: no JSON\n\n",
                "data: {\"type\":\"speech.audio.delta\",\"audio\":\"dHdv\"}\n\ndata: {\"type\":\"speech.audio.done\"}\n\n",
            ),
            &[b"onetwo"],
        );
    }

    #[test]
    fn nothing_comes_of_nothing() {
        check("", &[]);
        check("data: {\"type\":\"image_generation.completed\"}\n\n", &[]);
        check("data: {\"type\":\"image_generation.completed\",\"b64_json\":\"?\"}\n\n", &[]);
    }
}
