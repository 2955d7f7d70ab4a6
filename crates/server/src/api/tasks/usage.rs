//! What a task used, as its caller sees it: tokens, and images, video or sound beside them.

use easyai_core::media::{ImageQuality, MediaUsage, Pixels, Resolution};
use easyai_core::usage::Usage;

/// What an answer used.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct UsageView {
    input_tokens: u64,
    cached_input_tokens: u64,
    cache_write_tokens: u64,
    output_tokens: u64,
    reasoning_tokens: u64,
    total_tokens: u64,
    /// What was made or heard, of a task that is about media.
    #[serde(skip_serializing_if = "Option::is_none")]
    media: Option<MediaView>,
    /// `upstream`, or `counted` where the upstream gave none.
    source: &'static str,
}

/// What was made or heard.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(tag = "unit", rename_all = "snake_case")]
pub enum MediaView {
    /// Images that came.
    Images {
        count: u32,
        #[schema(value_type = Option<String>, example = "1024x1024")]
        #[serde(skip_serializing_if = "Option::is_none")]
        size: Option<Pixels>,
        #[schema(value_type = Option<String>, example = "high")]
        #[serde(skip_serializing_if = "Option::is_none")]
        quality: Option<ImageQuality>,
    },
    /// A video.
    Video {
        /// Its length in milliseconds.
        millis: u64,
        #[schema(value_type = Option<String>, example = "720p")]
        #[serde(skip_serializing_if = "Option::is_none")]
        resolution: Option<Resolution>,
        /// Whether it has sound.
        audio: bool,
        /// Whether it was made from another video.
        video_input: bool,
    },
    /// Text that was spoken.
    Speech { characters: u64 },
    /// Sound that was heard.
    Audio {
        /// Its length in milliseconds.
        millis: u64,
    },
}

impl From<Usage> for UsageView {
    fn from(usage: Usage) -> Self {
        Self {
            input_tokens: usage.input_tokens,
            cached_input_tokens: usage.cached_input_tokens,
            cache_write_tokens: usage.cache_write_tokens,
            output_tokens: usage.output_tokens,
            reasoning_tokens: usage.reasoning_tokens,
            total_tokens: usage.total_tokens(),
            media: usage.media.map(MediaView::from),
            source: usage.source.as_str(),
        }
    }
}

impl From<MediaUsage> for MediaView {
    fn from(media: MediaUsage) -> Self {
        match media {
            MediaUsage::Images { count, size, quality } => Self::Images { count, size, quality },
            MediaUsage::Video { millis, resolution, audio, video_input } => Self::Video { millis, resolution, audio, video_input },
            MediaUsage::Speech { characters } => Self::Speech { characters },
            MediaUsage::Audio { millis } => Self::Audio { millis },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_tells_what_it_made() {
        let told = |usage| serde_json::to_string(&UsageView::from(usage)).unwrap();
        let tokens =
            r#""input_tokens":0,"cached_input_tokens":0,"cache_write_tokens":0,"output_tokens":0,"reasoning_tokens":0,"total_tokens":0"#;
        assert_eq!(told(Usage::counted(0, 0)), format!(r#"{{{tokens},"source":"counted"}}"#));
        let size = "1024x1536".parse().ok();
        for (media, expected) in [
            (MediaUsage::Images { count: 3, size, quality: None }, r#"{"unit":"images","count":3,"size":"1024x1536"}"#),
            (
                MediaUsage::Video { millis: 5_000, resolution: Some(Resolution::P720), audio: true, video_input: false },
                r#"{"unit":"video","millis":5000,"resolution":"720p","audio":true,"video_input":false}"#,
            ),
            (MediaUsage::Speech { characters: 7 }, r#"{"unit":"speech","characters":7}"#),
            (MediaUsage::Audio { millis: 900 }, r#"{"unit":"audio","millis":900}"#),
        ] {
            assert_eq!(told(Usage::of_media(media)), format!(r#"{{{tokens},"media":{expected},"source":"counted"}}"#));
        }
    }
}
