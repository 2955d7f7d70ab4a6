//! Videos: the object that callers ask about while it is made.
//!
//! Source: OpenAI API reference, Videos (`providers.md` section 4.4).

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use super::json;

easyai_core::words! {
    /// What became of a video. Official SDKs take every other word for an end: there is none for cancelled, which is `failed`.
    pub enum VideoStatus as "video status" {
        /// Not begun.
        Queued = "queued",
        /// Under way.
        InProgress = "in_progress",
        /// Done.
        Completed = "completed",
        /// Failed, expired or cancelled; its error says which.
        Failed = "failed",
    }
}

/// Why there is no video.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VideoError {
    /// One of our codes, or `cancelled`.
    pub code: String,
    /// For a person.
    pub message: String,
}

/// A video as its caller sees it. Times are Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoObject {
    /// Our own id.
    pub id: String,
    /// The public model name.
    pub model: Arc<str>,
    /// What became of it.
    pub status: VideoStatus,
    /// In percent.
    pub progress: u8,
    /// When it was asked for.
    pub created_at: i64,
    /// When it was done.
    pub completed_at: Option<i64>,
    /// When it will be gone.
    pub expires_at: Option<i64>,
    /// What it shows.
    pub prompt: Option<String>,
    /// Its length, if anybody said.
    pub seconds: Option<u32>,
    /// Its size, such as `1280x720`, if anybody said.
    pub size: Option<String>,
    /// The video it was made from.
    pub remixed_from_video_id: Option<String>,
    /// Why it failed, if it did.
    pub error: Option<VideoError>,
}

#[derive(Serialize)]
struct Written<'a> {
    id: &'a str,
    object: &'static str,
    model: &'a str,
    status: VideoStatus,
    progress: u8,
    created_at: i64,
    completed_at: Option<i64>,
    expires_at: Option<i64>,
    prompt: Option<&'a str>,
    seconds: Option<String>,
    size: Option<&'a str>,
    remixed_from_video_id: Option<&'a str>,
    error: Option<&'a VideoError>,
}

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Written<'a>>,
    first_id: Option<&'a str>,
    last_id: Option<&'a str>,
    has_more: bool,
}

#[derive(Serialize)]
struct Deleted<'a> {
    id: &'a str,
    object: &'static str,
    deleted: bool,
}

impl<'a> From<&'a VideoObject> for Written<'a> {
    fn from(video: &'a VideoObject) -> Self {
        Self {
            id: &video.id,
            object: "video",
            model: &video.model,
            status: video.status,
            progress: video.progress.min(100),
            created_at: video.created_at,
            completed_at: video.completed_at,
            expires_at: video.expires_at,
            prompt: video.prompt.as_deref(),
            seconds: video.seconds.map(|seconds| seconds.to_string()),
            size: video.size.as_deref(),
            remixed_from_video_id: video.remixed_from_video_id.as_deref(),
            error: video.error.as_ref(),
        }
    }
}

/// One video.
#[must_use]
pub fn write_video(video: &VideoObject) -> Bytes {
    json(&Written::from(video))
}

/// A page of videos.
#[must_use]
pub fn write_video_list(videos: &[VideoObject], has_more: bool) -> Bytes {
    json(&List {
        object: "list",
        data: videos.iter().map(Written::from).collect(),
        first_id: videos.first().map(|video| video.id.as_str()),
        last_id: videos.last().map(|video| video.id.as_str()),
        has_more,
    })
}

/// A video that is gone.
#[must_use]
pub fn write_deleted_video(id: &str) -> Bytes {
    json(&Deleted { id, object: "video.deleted", deleted: true })
}
