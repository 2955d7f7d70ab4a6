//! Where in an upstream's answer a video is: compatible upstreams each have a place of their own.

use serde_json::value::RawValue;

use crate::encoded::decode_file;
use crate::media::{MadeFile, sniff};

/// As deep as it is looked for: `{"data": [{"content": {"video": {"url": …}}}]}`.
const MAX_DEPTH: usize = 6;

/// The members that hold a video, its address, or an object with either. Thumbnails and covers have other names.
///
/// Source: the API pages of OpenAI-compatible video services; `metadata.url` is new-api's.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Holder<'a> {
    #[serde(borrow)]
    url: Option<&'a RawValue>,
    #[serde(borrow)]
    video_url: Option<&'a RawValue>,
    #[serde(borrow)]
    result_url: Option<&'a RawValue>,
    #[serde(borrow)]
    download_url: Option<&'a RawValue>,
    #[serde(borrow)]
    uri: Option<&'a RawValue>,
    #[serde(borrow)]
    video: Option<&'a RawValue>,
    #[serde(borrow)]
    videos: Option<&'a RawValue>,
    #[serde(borrow)]
    output: Option<&'a RawValue>,
    #[serde(borrow)]
    outputs: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    results: Option<&'a RawValue>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

/// The video that an answer holds or leads to; none if it says nothing of it.
pub(super) fn find_video(body: &[u8]) -> Option<MadeFile> {
    find(serde_json::from_slice(body).ok()?, MAX_DEPTH)
}

fn find(value: &RawValue, depth: usize) -> Option<MadeFile> {
    let below = depth.checked_sub(1)?;
    match value.get().bytes().next()? {
        b'"' => file(&serde_json::from_str::<String>(value.get()).ok()?),
        b'[' => serde_json::from_str::<Vec<&RawValue>>(value.get()).ok()?.into_iter().find_map(|value| find(value, below)),
        b'{' => {
            let holder: Holder<'_> = serde_json::from_str(value.get()).ok()?;
            holder.places().into_iter().flatten().find_map(|value| find(value, below))
        }
        _other => None,
    }
}

impl<'a> Holder<'a> {
    /// The surest first.
    const fn places(&self) -> [Option<&'a RawValue>; 14] {
        [
            self.video_url,
            self.result_url,
            self.download_url,
            self.url,
            self.uri,
            self.video,
            self.videos,
            self.output,
            self.outputs,
            self.result,
            self.results,
            self.content,
            self.data,
            self.metadata,
        ]
    }
}

/// An address, whole or at the platform itself, or the video.
fn file(text: &str) -> Option<MadeFile> {
    if text.starts_with("data:") {
        let data = decode_file(text)?;
        return Some(MadeFile::Inline { media_type: sniff(&data).map(str::to_owned), data });
    }
    let is_address = text.starts_with("http://") || text.starts_with("https://") || text.starts_with('/');
    is_address.then(|| MadeFile::Url { url: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: Option<&str>) {
        let found = find_video(body.as_bytes());
        assert_eq!(found, expected.map(|url| MadeFile::Url { url: url.to_owned() }), "{body}");
    }

    #[test]
    fn a_video_is_found_wherever_it_is() {
        for body in [
            r#"{"url":"https://x/v"}"#,
            r#"{"video_url":"https://x/v","url":"https://x/page"}"#,
            r#"{"output":"https://x/v"}"#,
            r#"{"output":["https://x/v"]}"#,
            r#"{"outputs":[{"thumbnail_url":"https://x/t","url":"https://x/v"}]}"#,
            r#"{"output":{"url":"https://x/v"},"metadata":{"url":"https://x/other"}}"#,
            r#"{"data":[{"url":"https://x/v"}]}"#,
            r#"{"content":{"video_url":"https://x/v"}}"#,
            r#"{"video":{"url":"https://x/v"}}"#,
            r#"{"result":{"videos":[{"uri":"https://x/v"}]}}"#,
            r#"{"id":"v","metadata":{"url":"https://x/v"}}"#,
        ] {
            check(body, Some("https://x/v"));
        }
        check(r#"{"url":"/v1/videos/v/file"}"#, Some("/v1/videos/v/file"));
    }

    #[test]
    fn what_is_no_address_is_no_video() {
        for body in [
            r#"{"id":"v","status":"completed"}"#,
            r#"{"output":"a dog runs","url":null,"content":[1,true]}"#,
            r#"{"thumbnail_url":"https://x/t","metadata":{"page":"https://x/p"}}"#,
            r#"{"data":{"data":{"data":{"data":{"data":{"data":{"url":"https://x/v"}}}}}}}"#,
            "[]",
            "nonsense",
        ] {
            check(body, None);
        }
    }

    #[test]
    fn a_video_may_be_inside() {
        let found = find_video(br#"{"video":"data:video/mp4;base64,AAAAGGZ0eXBtcDQyAAAAAA=="}"#);
        let Some(MadeFile::Inline { media_type, data }) = found else { panic!("{found:?}") };
        assert_eq!((media_type.as_deref(), data.len()), (Some("video/mp4"), 16));
    }
}
