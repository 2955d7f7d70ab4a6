//! Writes answers to callers, in OpenAI's shapes: JSON, plain text, and the frames of streams.
//!
//! What was made is shown as the gateway has stored it, never as its provider gave it. Nothing here fails.

mod images;
mod speech;
mod stream_error;
mod transcript;
mod video;

use bytes::{Bytes, BytesMut};

pub use images::{ShownImage, image_frames, image_partial, write_images};
pub use speech::{speech_delta, speech_done};
pub use stream_error::stream_error;
pub(super) use transcript::transcript_delta_data;
pub use transcript::{Segment, Transcript, WordTime, transcript_delta, transcript_done, write_transcription};
pub use video::{VideoError, VideoObject, VideoStatus, write_deleted_video, write_video, write_video_list};

use crate::sse::write_named;

/// The JSON of one of our own types, which can't fail to be written.
fn json(value: &impl serde::Serialize) -> Bytes {
    Bytes::from(serde_json::to_vec(value).unwrap_or_default())
}

/// One event of a stream, named as its type.
fn event(name: &str, value: &impl serde::Serialize) -> Bytes {
    let mut out = BytesMut::new();
    write_named(&mut out, name.as_bytes(), &json(value));
    out.freeze()
}

/// Bytes as base64, written without a copy in between.
struct Base64<'a>(&'a [u8]);

impl serde::Serialize for Base64<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&base64::display::Base64Display::new(self.0, &base64::engine::general_purpose::STANDARD))
    }
}

#[cfg(test)]
mod tests;
