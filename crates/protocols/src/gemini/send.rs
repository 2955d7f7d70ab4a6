//! A `generateContent` request that makes or hears something: one turn, and what is to come of it.

use bytes::Bytes;

use super::image::ImageConfig;
use super::speech::SpeechConfig;
use crate::conversation::Notes;
use crate::encoded::encode;
use crate::wire::Written;

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ask<'a> {
    pub(super) contents: [Content<'a>; 1],
    #[serde(skip_serializing_if = "GenerationConfig::is_empty")]
    pub(super) generation_config: GenerationConfig<'a>,
}

#[derive(serde::Serialize)]
pub(super) struct Content<'a> {
    pub(super) role: &'static str,
    pub(super) parts: Vec<Part<'a>>,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Part<'a> {
    Text(std::borrow::Cow<'a, str>),
    InlineData(Blob<'a>),
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Blob<'a> {
    mime_type: &'a str,
    data: String,
}

/// What is to come.
#[derive(serde::Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct GenerationConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response_modalities: Option<&'static [&'static str]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) image_config: Option<ImageConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) speech_config: Option<SpeechConfig<'a>>,
}

impl GenerationConfig<'_> {
    const fn is_empty(&self) -> bool {
        self.response_modalities.is_none() && self.image_config.is_none() && self.speech_config.is_none()
    }
}

impl<'a> Part<'a> {
    pub(super) fn text(text: impl Into<std::borrow::Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn inline(media_type: &'a str, data: &[u8]) -> Self {
        Self::InlineData(Blob { mime_type: media_type, data: encode(data) })
    }
}

impl Ask<'_> {
    pub(super) fn written(&self, notes: Notes) -> Written {
        // Strings alone can't fail to be written.
        Written { body: Bytes::from(serde_json::to_vec(self).unwrap_or_default()), notes }
    }
}
