//! The video object of OpenAI and compatible upstreams (`providers.md` section 4.4), as far as a job needs it.

use std::time::Duration;

use easyai_core::media::{MediaUsage, Pixels, Resolution};
use easyai_core::usage::{Usage, UsageSource};
use serde::Deserialize;

use super::no_answer;
use super::place::find_video;
use crate::media::usage::Seconds;
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
    /// The video, or where it lies, for upstreams that say so.
    pub file: Option<MadeFile>,
    /// Its length in milliseconds, as it was made.
    pub millis: Option<u64>,
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
    // The same by the names of compatible upstreams, alone or beside the others.
    video_id: Word,
    task_id: Word,
    state: Word,
    seconds: Seconds,
    duration: Seconds,
    size: Word,
    error: Present,
    detail: Present,
    // Why it failed, where there is no `error`.
    fail_reason: Word,
    failure_reason: Word,
    error_message: Word,
    message: Word,
}

impl Whole {
    /// Why it failed, in whatever words there are.
    fn reason(&mut self) -> Option<WireError> {
        let words = [&mut self.fail_reason, &mut self.failure_reason, &mut self.error_message, &mut self.message];
        let message = words.into_iter().find_map(|word| word.0.take())?;
        Some(WireError { message, ..WireError::default() })
    }
}

/// Reads a video object.
///
/// # Errors
/// [`BadAnswer`] if it has neither id nor status.
pub fn read_video(body: &[u8]) -> Result<VideoState, BadAnswer> {
    let Object(whole) = serde_json::from_slice::<Object<Whole>>(body).map_err(|error| BadAnswer::Unparseable(error.to_string()))?;
    let mut whole = whole.unwrap_or_default();
    let has_error = whole.error.0;
    let id = whole.id.0.take().or(whole.video_id.0.take()).or(whole.task_id.0.take());
    let status = whole.status.0.take().or(whole.state.0.take());
    if id.is_none() && status.is_none() {
        return Err(no_answer(body, has_error || whole.detail.0));
    }
    let percent = whole.progress.0.as_deref().map(|text| text.trim_end_matches('%'));
    let percent = percent.and_then(|text| text.split('.').next()?.parse::<u8>().ok()).map(|percent| percent.min(100));
    Ok(VideoState {
        id,
        status: status.map(|status| status.trim().to_ascii_lowercase()),
        progress: percent,
        file: find_video(body),
        millis: whole.seconds.millis().or(whole.duration.millis()),
        size: whole.size.0.take().and_then(|size| size.parse().ok()),
        error: has_error.then(|| read_error(body)).or_else(|| whole.reason()),
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
        let file = self.file.unwrap_or(MadeFile::Url { url: content });
        let resolution = self.size.map(Resolution::of);
        let media = match asked {
            MediaUsage::Video { millis, resolution: asked, audio, video_input } => {
                MediaUsage::Video { millis: self.millis.unwrap_or(millis), resolution: resolution.or(asked), audio, video_input }
            }
            other @ (MediaUsage::Images { .. } | MediaUsage::Speech { .. } | MediaUsage::Audio { .. }) => other,
        };
        let usage = Usage { source: UsageSource::Upstream, ..Usage::of_media(media) };
        JobResult { files: vec![file], thumbnail: None, usage, resolution }
    }
}
