//! Media at Volcengine Ark.

use easyai_core::catalog::PlatformModel;
use easyai_core::failure::{Category, Failure, Sent};
use easyai_core::usage::Usage;
use easyai_protocols::conversation::CannotCarry;
use easyai_protocols::media::{JobReport, MediaRequest};

use super::job::JobCall;
use crate::call::{Clients, TextAnswer, TextCall};

pub(super) fn fits(_offer: &PlatformModel, _asked: &MediaRequest) -> Result<(), CannotCarry> {
    Ok(())
}

pub(super) fn expected(_offer: &PlatformModel, _asked: &MediaRequest, prompt_tokens: u64) -> Usage {
    Usage::counted(prompt_tokens, 0)
}

pub(super) async fn call(_clients: &Clients, _call: &TextCall<'_>, _asked: &MediaRequest) -> Result<TextAnswer, Failure> {
    Err(Failure::new(Category::Internal, Sent::Nothing, "not there yet"))
}

pub(super) async fn job(_clients: &Clients, _call: &JobCall<'_>) -> Result<JobReport, Failure> {
    Err(Failure::new(Category::Internal, Sent::Nothing, "not there yet"))
}

pub(super) async fn stop_job(_clients: &Clients, _call: &JobCall<'_>) -> Result<super::StoppedJob, Failure> {
    Err(Failure::new(Category::Internal, Sent::Nothing, "not there yet"))
}

pub(super) async fn find_job(_clients: &Clients, _lookup: &super::JobLookup<'_>) -> Result<Option<String>, Failure> {
    Err(Failure::new(Category::Internal, Sent::Nothing, "not there yet"))
}
