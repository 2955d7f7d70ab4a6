//! The video object of OpenAI and compatible upstreams (`providers.md` section 4.4), as far as a job needs it.

use std::time::Duration;

use easyai_core::media::{MediaUsage, Pixels, Resolution};
use easyai_core::usage::{Usage, UsageSource};
use serde::Deserialize;

use super::no_answer;
use crate::media::{JobReport, JobResult, MadeFile};
use crate::openai::error::{WireError, read_error};
use crate::openai::lenient::{Object, Present, Word};
use crate::wire::BadAnswer;

/// What an upstream says of a video.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VideoState {
    /// What it calls it.
    pub id: Option<String>,
    /// The status in its own word.
    pub status: Option<String>,
    /// In percent.
    pub progress: Option<u8>,
    /// Where the video lies, for upstreams that say so.
    pub url: Option<String>,
    /// Its length, as it was made.
    pub seconds: Option<u32>,
    /// Its size, as it was made.
    pub size: Option<Pixels>,
    /// What went wrong.
    pub error: Option<WireError>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Whole {
    id: Word,
    status: Word,
    progress: Word,
    url: Word,
    // The same by the names of compatible upstreams, alone or beside the others.
    video_id: Word,
    task_id: Word,
    state: Word,
    video_url: Word,
    result_url: Word,
    seconds: Word,
    size: Word,
    error: Present,
    detail: Present,
}

/// Reads a video object.
///
/// # Errors
/// [`BadAnswer`] if it has neither id nor status.
pub fn read_video(body: &[u8]) -> Result<VideoState, BadAnswer> {
    let Object(whole) = serde_json::from_slice::<Object<Whole>>(body).map_err(|error| BadAnswer::Unparseable(error.to_string()))?;
    let whole = whole.unwrap_or_default();
    let has_error = whole.error.0;
    let first = |words: [Word; 3]| words.into_iter().find_map(|word| word.0);
    let id = first([whole.id, whole.video_id, whole.task_id]);
    let status = first([whole.status, whole.state, Word::default()]);
    let url = first([whole.url, whole.video_url, whole.result_url]);
    if id.is_none() && status.is_none() {
        return Err(no_answer(body, has_error || whole.detail.0));
    }
    let percent = whole.progress.0.as_deref().map(|text| text.trim_end_matches('%'));
    let percent = percent.and_then(|text| text.split('.').next()?.parse::<u8>().ok()).map(|percent| percent.min(100));
    Ok(VideoState {
        id,
        status: status.map(|status| status.trim().to_ascii_lowercase()),
        progress: percent,
        url: url.filter(|url| url.starts_with("http://") || url.starts_with("https://")),
        seconds: whole.seconds.0.and_then(|text| text.split('.').next()?.parse().ok()),
        size: whole.size.0.and_then(|size| size.parse().ok()),
        error: has_error.then(|| read_error(body)),
    })
}

impl VideoState {
    /// What that means for the job. `asked` is what is billed where the upstream does not say; `content` is where the video lies behind
    /// the upstream's own door. A word that nobody knows is a job that goes on: time gives it up.
    #[must_use]
    pub fn report(self, asked: MediaUsage, content: String, poll_after: Option<Duration>) -> JobReport {
        match self.status.as_deref().unwrap_or_default() {
            "completed" | "succeeded" | "success" | "done" | "finished" | "complete" => {
                JobReport::Succeeded(Box::new(self.result(asked, content)))
            }
            "failed" | "failure" | "error" | "rejected" => JobReport::Failed(
                self.error
                    .unwrap_or_else(|| WireError { message: "the video failed, without a reason".to_owned(), ..WireError::default() }),
            ),
            "cancelled" | "canceled" => JobReport::Cancelled,
            "expired" | "timeout" => JobReport::Expired,
            "queued" | "pending" | "submitted" | "created" | "in_queue" | "waiting" => JobReport::Queued,
            _under_way => JobReport::Running { percent: self.progress, poll_after },
        }
    }

    fn result(self, asked: MediaUsage, content: String) -> JobResult {
        let file = match self.url {
            Some(url) => MadeFile::Url { url, with_credential: false },
            None => MadeFile::Url { url: content, with_credential: true },
        };
        let resolution = self.size.map(Resolution::of);
        let media = match asked {
            MediaUsage::Video { millis, resolution: asked, audio, video_input } => MediaUsage::Video {
                millis: self.seconds.map_or(millis, |seconds| u64::from(seconds) * 1_000),
                resolution: resolution.or(asked),
                audio,
                video_input,
            },
            other @ (MediaUsage::Images { .. } | MediaUsage::Speech { .. } | MediaUsage::Audio { .. }) => other,
        };
        let usage = Usage { source: UsageSource::Upstream, ..Usage::of_media(media) };
        JobResult { files: vec![file], thumbnail: None, usage, resolution }
    }
}
