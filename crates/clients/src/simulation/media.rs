//! Images, videos and sound that are made up.

use easyai_core::failure::{Category, Failure, Sent};
use easyai_protocols::media::{JobReport, MediaRequest};

use crate::call::{TextAnswer, TextCall};
use crate::media::JobCall;

/// Answers a call for media.
pub(super) fn answer(_call: &TextCall<'_>, _asked: &MediaRequest) -> Result<TextAnswer, Failure> {
    Err(Failure::new(Category::Internal, Sent::Nothing, "not there yet"))
}

/// Where a simulated job is, by the time that its id tells.
pub(crate) fn job(_call: &JobCall<'_>) -> JobReport {
    JobReport::Queued
}
