//! What the database holds now, in the shape of what a file declares, so that the two can be compared.

use easyai_core::id::RunnerPolicyId;

use crate::rows;

/// What stands in `platforms.proxy` for a platform that goes through no proxy at all: not sealed, and no sealed value looks so.
pub(super) const PROXY_NONE: &[u8] = b"none";

rows! { pub(super) struct RunnerPolicyRow { pub id: RunnerPolicyId, pub policy: String, pub source: String, } }
