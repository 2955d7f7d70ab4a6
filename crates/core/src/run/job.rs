//! A job that failed after a provider had taken it on, or may have: nobody else is asked.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::opening::entry;
use crate::candidates::{Candidate, Chance};
use crate::catalog::{Credential, PlatformModel};
use crate::decide::{Decision, Verb, fixed};
use crate::failure::Failure;
use crate::reason::Reason;
use crate::trace::TraceEntry;

/// The trace entry of such a failure. `attempt` is the one that submitted it.
#[must_use]
pub fn job_failed(
    offer: &Arc<PlatformModel>,
    credential: Option<&Arc<Credential>>,
    attempt: NonZeroU32,
    failure: &Failure,
    elapsed: Duration,
) -> TraceEntry {
    let several = offer.platform.credentials.len() > 1;
    let credentials = credential.filter(|_| several).cloned().into_iter().collect();
    let candidate = Candidate { credentials, ..Candidate::new(offer, 0, Chance::Usual) };
    let reason = Reason::MediaMayHaveBeenSent;
    let decision = Decision { verb: Verb::Stop(reason), ruling: fixed("job=accepted", reason), same_client: None, remedy: None };
    entry(&candidate, 0, attempt, failure, elapsed, &decision)
}
