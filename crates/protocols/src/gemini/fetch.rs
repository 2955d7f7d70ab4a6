//! What must be fetched before a conversation can be sent to Google: it takes data inline, and by URL only its own files and YouTube.
//!
//! The one who may do I/O asks [`needed`], fetches, and puts each piece in with [`inline`]. What is still a URL after that can't be
//! written. Source: `providers.md` sections 2.2 and 6.1.

use crate::conversation::{Conversation, Media, Part, Source};

/// The URLs that must be fetched, each once, in the order in which they stand.
#[must_use]
pub fn needed(conversation: &Conversation) -> Vec<String> {
    let mut urls: Vec<String> = Vec::new();
    for part in conversation.turns.iter().flat_map(|turn| &turn.parts) {
        collect(part, &mut urls);
    }
    urls
}

/// Puts what was fetched from `url` in, wherever it stands: `media_type` as the answer to the fetch said, `data` in standard base64.
pub fn inline(conversation: &mut Conversation, url: &str, media_type: &str, data: &str) {
    for part in conversation.turns.iter_mut().flat_map(|turn| &mut turn.parts) {
        replace(part, url, media_type, data);
    }
}

fn collect(part: &Part, urls: &mut Vec<String>) {
    match part {
        Part::Image(media) | Part::Audio(media) | Part::Video(media) | Part::File(media) => {
            if let Source::Url { url, .. } = &media.source
                && !is_taken_by_url(url)
                && !urls.contains(url)
            {
                urls.push(url.clone());
            }
        }
        Part::ToolResult(result) => result.parts.iter().for_each(|part| collect(part, urls)),
        Part::Text(_) | Part::ToolCall(_) | Part::Reasoning(_) | Part::Refusal(_) => {}
    }
}

fn replace(part: &mut Part, fetched: &str, media_type: &str, data: &str) {
    match part {
        Part::Image(Media { source, .. })
        | Part::Audio(Media { source, .. })
        | Part::Video(Media { source, .. })
        | Part::File(Media { source, .. }) => {
            if matches!(source, Source::Url { url, .. } if url == fetched) {
                *source = Source::Inline { media_type: media_type.to_owned(), data: data.to_owned() };
            }
        }
        Part::ToolResult(result) => result.parts.iter_mut().for_each(|part| replace(part, fetched, media_type, data)),
        Part::Text(_) | Part::ToolCall(_) | Part::Reasoning(_) | Part::Refusal(_) => {}
    }
}

/// Whether Google reads it by its address.
pub(super) fn is_taken_by_url(url: &str) -> bool {
    is_youtube(url) || is_googles_file(url)
}

/// A film on YouTube.
pub(super) fn is_youtube(url: &str) -> bool {
    matches!(host(url), Some("youtube.com" | "www.youtube.com" | "m.youtube.com" | "youtu.be"))
}

/// A file stored with the Files API, or in Google's cloud.
pub(super) fn is_googles_file(url: &str) -> bool {
    url.starts_with("gs://") || (host(url) == Some("generativelanguage.googleapis.com") && url.contains("/files/"))
}

fn host(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    rest.split(['/', '?', '#']).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::{Role, ToolResult, Turn};

    fn at(url: &str) -> Part {
        Part::Image(Media { source: Source::Url { url: url.to_owned(), media_type: None }, name: None, detail: None })
    }

    #[test]
    fn what_google_does_not_read_itself_is_fetched_once() {
        let result = ToolResult { call_id: "c".to_owned(), name: None, parts: vec![at("https://a/2")], is_error: false, custom: false };
        let google = [
            "https://www.youtube.com/watch?v=x",
            "https://youtu.be/x",
            "https://generativelanguage.googleapis.com/v1beta/files/x",
            "gs://b/x",
        ];
        let mut parts = vec![at("https://a/1"), at("https://a/1"), Part::ToolResult(result), at("https://youtube.com.evil/x")];
        parts.extend(google.map(at));
        let mut conversation = Conversation { turns: vec![Turn { role: Role::User, parts }], ..Conversation::default() };
        assert_eq!(needed(&conversation), ["https://a/1", "https://a/2", "https://youtube.com.evil/x"]);
        for url in needed(&conversation) {
            inline(&mut conversation, &url, "image/png", "AA==");
        }
        assert_eq!(needed(&conversation), Vec::<String>::new());
        let inlined = Source::Inline { media_type: "image/png".to_owned(), data: "AA==".to_owned() };
        let Some(Part::ToolResult(ToolResult { parts, .. })) = conversation.turns[0].parts.get(2) else { panic!() };
        assert!(matches!(parts.as_slice(), [Part::Image(Media { source, .. })] if *source == inlined));
    }
}
