//! What stands in a user's message.

use std::borrow::Cow;

use super::Writing;
use super::wire::{Audio, File, Image, Part, Video};
use crate::conversation::{self, CannotCarry, Media, Source};
use crate::openai::dialect::Dialect;
use crate::openai::media::audio_format;

impl<'a> Writing<'a> {
    /// A part, if it stands in a user's message at all.
    pub(super) fn part(&self, part: &'a conversation::Part) -> Result<Option<Part<'a>>, CannotCarry> {
        match part {
            conversation::Part::Text(text) if text.text.is_empty() => Ok(None),
            conversation::Part::Text(text) => Ok(Some(Part::Text { text: Cow::Borrowed(&text.text) })),
            conversation::Part::Image(media) => {
                let image = Image { url: self.url(media, "image")?, detail: media.detail.as_deref() };
                Ok(Some(Part::ImageUrl { image_url: image }))
            }
            conversation::Part::Audio(media) => self.audio(media).map(|input_audio| Some(Part::InputAudio { input_audio })),
            conversation::Part::Video(media) if self.dialect == Dialect::Ark => {
                Ok(Some(Part::VideoUrl { video_url: Video { url: self.url(media, "video")? } }))
            }
            conversation::Part::Video(_) => Err(self.cannot("video", "it takes no video")),
            conversation::Part::File(media) => self.file(media).map(|file| Some(Part::File { file })),
            conversation::Part::ToolCall(_)
            | conversation::Part::ToolResult(_)
            | conversation::Part::Reasoning(_)
            | conversation::Part::Refusal(_) => Ok(None),
        }
    }

    fn url(&self, media: &'a Media, what: &str) -> Result<Cow<'a, str>, CannotCarry> {
        match &media.source {
            Source::Inline { media_type, data } => Ok(Cow::Owned(format!("data:{media_type};base64,{data}"))),
            Source::Url { url, .. } => Ok(Cow::Borrowed(url)),
            Source::Stored(_) => Err(self.stored(what)),
        }
    }

    fn audio(&self, media: &'a Media) -> Result<Audio<'a>, CannotCarry> {
        match &media.source {
            Source::Inline { media_type, data } => match audio_format(media_type) {
                Some(format) => Ok(Audio::Data { data, format }),
                None => Err(self.cannot("audio", format!("it takes WAV and MP3, not `{media_type}`"))),
            },
            Source::Url { url, .. } if self.dialect == Dialect::Ark => Ok(Audio::Url { url }),
            Source::Url { .. } => Err(self.cannot("audio", "it takes sound in the request alone, not by its address")),
            Source::Stored(_) => Err(self.stored("audio")),
        }
    }

    fn file(&self, media: &'a Media) -> Result<File<'a>, CannotCarry> {
        match &media.source {
            _any if self.dialect == Dialect::Ark => Err(self.cannot("file", "it takes no files")),
            Source::Inline { media_type, data } => {
                // OpenAI insists on a name, and tells the format by it.
                let filename = if media_type == "application/pdf" { "document.pdf" } else { "document" };
                let file_data = Cow::Owned(format!("data:{media_type};base64,{data}"));
                Ok(File { filename: media.name.as_deref().unwrap_or(filename), file_data })
            }
            Source::Url { .. } => Err(self.cannot("file", "it takes files in the request alone, not by their address")),
            Source::Stored(_) => Err(self.stored("file")),
        }
    }

    fn stored(&self, what: &str) -> CannotCarry {
        self.cannot(what, "it is stored at another provider: send its data")
    }
}
