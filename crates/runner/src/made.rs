//! Something that was made by a call that waits: brought home, booked, then given.

use std::sync::Arc;

use easyai_clients::Made;
use easyai_core::run::Delivery;

use crate::error::CallError;
use crate::open::Live;
use crate::runner::{Reply, Runner};

pub(crate) async fn deliver(_runner: &Arc<Runner>, live: Live, _delivery: Delivery, _made: Made) -> Result<Reply, CallError> {
    Err(CallError::refused(live.record.subject().task, easyai_core::error::ErrorCode::InternalError, "not yet"))
}
