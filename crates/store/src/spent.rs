//! What was charged since the beginning of a day and a month, by key: what budgets begin with after a start that found no counters.

use easyai_core::id::{AccountId, KeyId};
use easyai_core::money::Money;
use easyai_core::time::Timestamp;
use uuid::Uuid;

use crate::db::Db;
use crate::error::StoreError;
use crate::{rows, sql};

rows! {
    /// What one key was charged.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Spent {
        /// The account that paid.
        pub account_id: AccountId,
        /// The key that asked.
        pub key_id: KeyId,
        /// Since the beginning of the day.
        pub day: Money,
        /// Since the beginning of the month.
        pub month: Money,
    }
}

/// No task runs longer than this, so none that ended in the month began earlier before it.
const LONGEST_TASK_MICROS: i64 = 2 * 86_400 * 1_000_000;

/// What each key was charged since these times. Keys without a charge are not listed.
///
/// # Errors
/// [`StoreError`] if it can't be read.
pub async fn since(db: &Db, day: Timestamp, month: Timestamp) -> Result<Vec<Spent>, StoreError> {
    let mut conn = db.read().await?;
    let select = "SELECT account_id, key_id, CAST(SUM(CASE WHEN finished_at >= $1 THEN charge ELSE 0 END) AS BIGINT) AS day,
            CAST(SUM(charge) AS BIGINT) AS month
        FROM tasks WHERE id >= $3 AND finished_at >= $2 AND charge > 0 GROUP BY account_id, key_id";
    sql!(conn, all Spent, select, day.micros(), month.micros(), earliest_id(month))
}

/// The least id of a task that may have ended since `month`: ids begin with the time of their creation.
fn earliest_id(month: Timestamp) -> Uuid {
    let millis = month.micros().saturating_sub(LONGEST_TASK_MICROS).max(0) / 1_000;
    Uuid::from_u128(u128::from(u64::try_from(millis).unwrap_or(0)) << 80)
}
