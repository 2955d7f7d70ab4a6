//! A provider's job: what it says of one when it is asked.

use std::time::Duration;

use easyai_core::media::Resolution;
use easyai_core::usage::Usage;

use super::answer::MadeFile;
use crate::openai::error::WireError;

/// What a provider says of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobReport {
    /// It has not begun.
    Queued,
    /// It goes on.
    Running {
        /// In percent, if the provider tells it.
        percent: Option<u8>,
        /// When to ask again, if the provider says so.
        poll_after: Option<Duration>,
    },
    /// It is done.
    Succeeded(Box<JobResult>),
    /// It failed, and costs nothing.
    Failed(WireError),
    /// Somebody cancelled it.
    Cancelled,
    /// It took too long for its provider.
    Expired,
}

/// What a job made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobResult {
    /// The video, or the videos.
    pub files: Vec<MadeFile>,
    /// A picture of it, if the provider made one.
    pub thumbnail: Option<MadeFile>,
    /// What was used: always with [`MediaUsage::Video`](easyai_core::media::MediaUsage), as far as the provider tells and else as asked;
    /// with output tokens where the provider bills by them.
    pub usage: Usage,
    /// Its resolution as the provider told it.
    pub resolution: Option<Resolution>,
}
