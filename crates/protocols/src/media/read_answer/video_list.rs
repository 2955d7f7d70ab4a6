//! A page of the list of videos of OpenAI and compatible upstreams (`providers.md` section 4.4): where a video of a lost submission may be.

use serde::Deserialize;

use crate::media::WantedVideo;
use crate::openai::lenient::{Count, Objects, Word};
use crate::wire::BadAnswer;

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoPage {
    /// The ids of those that were made from the same words in that time.
    pub matching: Vec<String>,
    /// Where the next page begins, if there is one that may hold more.
    pub after: Option<String>,
}

#[derive(Deserialize)]
struct Whole {
    data: Objects<Listed>,
    #[serde(default)]
    has_more: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Listed {
    id: Word,
    created_at: Count,
    prompt: Word,
    seconds: Word,
}

/// Reads a page, the newest first.
///
/// # Errors
/// [`BadAnswer`] if it is no list.
pub fn read_video_page(body: &[u8], wanted: &WantedVideo<'_>) -> Result<VideoPage, BadAnswer> {
    let whole: Whole = serde_json::from_slice(body).map_err(|error| BadAnswer::Unparseable(error.to_string()))?;
    let listed = whole.data.0;
    let goes_on = whole.has_more == Some(true) && listed.last().is_some_and(|last| !wanted.is_younger_than(created(last)));
    let after = listed.last().filter(|_| goes_on).and_then(|last| last.id.0.clone());
    let matching = listed.into_iter().filter(|video| may_be(video, wanted)).filter_map(|video| video.id.0).collect();
    Ok(VideoPage { matching, after })
}

fn created(video: &Listed) -> i64 {
    i64::try_from(video.created_at.0).unwrap_or(i64::MAX)
}

/// The words must be the same: others may use the list, and their videos are not shown to anybody here.
fn may_be(video: &Listed, wanted: &WantedVideo<'_>) -> bool {
    let same_words = video.prompt.0.as_deref().is_some_and(|prompt| prompt.trim() == wanted.request.prompt.trim());
    let told = video.seconds.0.as_deref().and_then(|seconds| seconds.parse().ok());
    same_words && wanted.is_of(created(video)) && wanted.has_length(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volces::tests::video;

    #[test]
    fn a_video_is_known_by_its_words_and_its_time() {
        let request = video(|request| {
            request.prompt = "waves ".to_owned();
            request.seconds = std::num::NonZeroU32::new(4);
        });
        let wanted = WantedVideo { model: "m", request: &request, after: 1_000, before: 1_100 };
        let page = |data: &str, more: &str| read_video_page(format!(r#"{{"object":"list","data":[{data}]{more}}}"#).as_bytes(), &wanted);
        let item = |id: &str, more: &str| format!(r#"{{"id":"{id}","object":"video",{more}}}"#);
        let all = [
            item("same", r#""prompt":"waves","created_at":1010,"seconds":"4""#),
            item("lenient", r#""prompt":" waves","created_at":"1010","seconds":4.0"#),
            item("unsaid", r#""prompt":"waves","created_at":975"#),
            item("other", r#""prompt":"hills","created_at":1010"#),
            item("wordless", r#""prompt":null,"created_at":1010"#),
            item("longer", r#""prompt":"waves","created_at":1010,"seconds":"8""#),
            item("later", r#""prompt":"waves","created_at":1200"#),
            item("older", r#""prompt":"waves","created_at":900"#),
        ];
        let matching = ["same", "lenient", "unsaid"].map(str::to_owned).to_vec();
        assert_eq!(
            page(&all.join(","), r#","has_more":true"#),
            Ok(VideoPage { matching: matching.clone(), after: None }),
            "the rest is older"
        );
        let young = page(&all[..2].join(","), r#","has_more":true"#).unwrap();
        assert_eq!((young.matching.len(), young.after.as_deref()), (2, Some("lenient")));
        assert_eq!(page(&all[..2].join(","), "").unwrap().after, None);
        assert_eq!(page("", r#","has_more":true"#), Ok(VideoPage { matching: Vec::new(), after: None }));
        assert!(read_video_page(br#"{"error":{"message":"no"}}"#, &wanted).is_err());
    }
}
