//! Data URLs, and what OpenAI calls the formats of sound.

use crate::conversation::Source;

/// Reads `data:image/png;base64,…`; parameters of the media type are left out. None if it is not base64.
pub(crate) fn data_url(url: &str) -> Option<Source> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    let media_type = head.strip_suffix(";base64")?.split(';').next().filter(|media_type| !media_type.is_empty())?;
    Some(Source::Inline { media_type: media_type.to_ascii_lowercase(), data: data.to_owned() })
}

/// The media type of a chat audio `format`.
pub(crate) fn audio_type(format: &str) -> String {
    match format {
        "mp3" => "audio/mpeg".to_owned(),
        other => format!("audio/{other}"),
    }
}

/// The chat audio `format` of a media type; only `wav` and `mp3` are known to all.
pub(crate) fn audio_format(media_type: &str) -> Option<&'static str> {
    match media_type {
        "audio/wav" | "audio/x-wav" | "audio/wave" | "audio/vnd.wave" => Some("wav"),
        "audio/mpeg" | "audio/mp3" => Some("mp3"),
        _other => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_urls_are_base64_or_nothing() {
        let inline = |media_type: &str, data: &str| Some(Source::Inline { media_type: media_type.to_owned(), data: data.to_owned() });
        assert_eq!(data_url("data:image/PNG;base64,AAAA"), inline("image/png", "AAAA"));
        assert_eq!(data_url("data:text/plain;charset=utf-8;base64,AA=="), inline("text/plain", "AA=="));
        for bad in ["data:image/png,abc", "data:;base64,AAAA", "data:image/png;base64", "https://x/y,z"] {
            assert_eq!(data_url(bad), None, "{bad}");
        }
    }

    #[test]
    fn audio_formats_have_media_types_and_back() {
        for format in ["wav", "mp3"] {
            assert_eq!(audio_format(&audio_type(format)), Some(format));
        }
        assert_eq!(audio_format("audio/ogg"), None);
    }
}
