//! What a caller asks for: claims on limits, and the ways in which a call may go.

use std::sync::Arc;

use easyai_core::limit::{Amounts, LimitKind, LimitScope, LimitSet};
use easyai_core::time::Timestamp;

/// Wall time. Tests turn it by hand; should it go back, the counters wait until it has caught up.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// One scope and what limits it. A call names each scope once.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Whose limits.
    pub scope: LimitScope,
    /// The limits; an empty set only counts the calls under way.
    pub limits: Arc<LimitSet>,
}

/// One candidate's claims and what the call would take of each.
#[derive(Debug, Clone)]
pub struct Way {
    /// All limits the call comes under if it goes this way.
    pub claims: Vec<Claim>,
    /// The estimate for this way.
    pub amounts: Amounts,
}

/// How much of a limit of `kind` a call takes; money in nano-units.
pub(crate) fn asked(kind: LimitKind, amounts: Amounts) -> u64 {
    match kind {
        LimitKind::RequestsPerMinute | LimitKind::RequestsPerDay | LimitKind::Concurrent => 1,
        LimitKind::TokensPerMinute | LimitKind::TokensPerDay => amounts.tokens,
        LimitKind::DailyBudget | LimitKind::MonthlyBudget => u64::try_from(amounts.charge.nanos()).unwrap_or(0),
    }
}
