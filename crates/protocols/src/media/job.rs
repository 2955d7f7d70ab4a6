//! A provider's job: what it says of one when it is asked.

use std::time::Duration;

use easyai_core::media::Resolution;
use easyai_core::usage::Usage;

use super::VideoRequest;
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

/// Clocks of two machines may differ by so much.
const SKEW_SECONDS: i64 = 30;

/// What is looked for in a provider's list: the job of a submission whose answer was lost.
#[derive(Debug, Clone, Copy)]
pub struct WantedVideo<'a> {
    /// What the platform calls the model.
    pub model: &'a str,
    /// What was asked.
    pub request: &'a VideoRequest,
    /// When it was submitted at the earliest, in seconds since 1970.
    pub after: i64,
    /// When it was submitted at the latest.
    pub before: i64,
}

impl WantedVideo<'_> {
    /// Whether what was made then is too old to be it, as is all that was made before.
    pub(crate) const fn is_younger_than(&self, created: i64) -> bool {
        created < self.after.saturating_sub(SKEW_SECONDS)
    }

    /// Whether it may have been made then.
    pub(crate) const fn is_of(&self, created: i64) -> bool {
        !self.is_younger_than(created) && created <= self.before.saturating_add(SKEW_SECONDS)
    }

    /// Whether it may have this length, in seconds: where either is not said, it may.
    pub(crate) fn has_length(&self, told: Option<f64>) -> bool {
        let asked = self.request.seconds.map(|seconds| f64::from(seconds.get()));
        !matches!((told, asked), (Some(told), Some(asked)) if (told - asked).abs() > 0.5)
    }
}
