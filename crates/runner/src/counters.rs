//! The counters of limits over a restart: kept by a clean end, made anew from the books after any other.

use std::collections::{HashMap, HashSet};

use easyai_core::catalog::Catalog;
use easyai_core::limit::{LimitScope, LimitSet};
use easyai_core::money::{Money, Overflow};
use easyai_core::time::Timestamp;
use easyai_limits::{Limits, Snapshot};
use easyai_store::{Db, StoreError, limit_state, spent};

use crate::clock::now;

/// What becomes of what a clean end kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is used once: after a crash it would no longer be true.
    Taken,
    /// It is only looked at.
    Left,
}

/// Takes over what was counted before. After a crash the minutes begin anew, and what was spent is
/// read from the books.
///
/// # Errors
/// [`StoreError`] if either can't be read. Counters that can't be understood are left behind, with a word in the log.
pub(crate) async fn restore(limits: &Limits, db: &Db, catalog: &Catalog, kept: Kept) -> Result<(), StoreError> {
    let mut budgets = budgeted(catalog);
    if let Some(saved) = limit_state::load(db).await? {
        if kept == Kept::Taken {
            limit_state::clear(db).await?;
        }
        match serde_json::from_str::<Snapshot>(&saved.state) {
            Ok(snapshot) => {
                // A budget that came after the end has no counter. Neither has one of which nothing is spent.
                let counted: HashSet<LimitScope> = snapshot.charged().collect();
                budgets.retain(|scope| !counted.contains(scope));
                limits.restore(snapshot);
            }
            Err(error) => tracing::warn!(%error, "The counters of the last run can't be read: minutes and days begin anew"),
        }
    }
    from_books(limits, db, catalog, &budgets).await
}

/// Budgets that `after` has and `before` had not begin with what was spent. Calls under way are not charged to them.
///
/// # Errors
/// [`StoreError`] if the books can't be read.
pub(crate) async fn add_budgets(limits: &Limits, db: &Db, before: &Catalog, after: &Catalog) -> Result<(), StoreError> {
    let known = budgeted(before);
    let new = budgeted(after).into_iter().filter(|scope| !known.contains(scope)).collect();
    from_books(limits, db, after, &new).await
}

/// Keeps what was counted, at a clean end.
///
/// # Errors
/// [`StoreError`] if it can't be written.
pub(crate) async fn keep(limits: &Limits, db: &Db) -> Result<(), StoreError> {
    let snapshot = limits.snapshot();
    if snapshot.is_empty() {
        return Ok(());
    }
    let state = serde_json::to_string(&snapshot).map_err(|error| StoreError::Statement(error.to_string()))?;
    limit_state::save(db, &state).await
}

/// Everybody who has a budget.
fn budgeted(catalog: &Catalog) -> HashSet<LimitScope> {
    let has = |set: &LimitSet| set.daily_budget.is_some() || set.monthly_budget.is_some();
    let keys = catalog.keys.values().filter(|key| has(&key.limits)).map(|key| LimitScope::Key(key.id));
    let accounts = catalog.accounts.values().filter(|account| has(&account.limits)).map(|account| LimitScope::Account(account.id));
    let groups = catalog.groups.values().filter(|group| has(&group.limits)).map(|group| LimitScope::Group(group.id));
    keys.chain(accounts).chain(groups).collect()
}

/// Tells the limiter what was charged to `budgets` in this day and month.
async fn from_books(limits: &Limits, db: &Db, catalog: &Catalog, budgets: &HashSet<LimitScope>) -> Result<(), StoreError> {
    if budgets.is_empty() {
        return Ok(());
    }
    let (day, month) = beginnings(now());
    let mut sums: HashMap<LimitScope, (Money, Money)> = HashMap::new();
    for spent in spent::since(db, day, month).await? {
        let group = catalog.accounts.get(&spent.account_id).map(|account| LimitScope::Group(account.group));
        for scope in [Some(LimitScope::Key(spent.key_id)), Some(LimitScope::Account(spent.account_id)), group].into_iter().flatten() {
            let (of_day, of_month) = sums.entry(scope).or_default();
            let sum = |one: Money, other: Money| one.plus(other).map_err(|overflow: Overflow| StoreError::Corrupt(overflow.to_string()));
            (*of_day, *of_month) = (sum(*of_day, spent.day)?, sum(*of_month, spent.month)?);
        }
    }
    for scope in budgets {
        let (day, month) = sums.get(scope).copied().unwrap_or_default();
        limits.set_spent(*scope, day, month);
    }
    Ok(())
}

/// The beginnings of the day and the month of `now`, in UTC.
fn beginnings(now: Timestamp) -> (Timestamp, Timestamp) {
    let date = now.to_string();
    let at = |text: String| text.parse().unwrap_or(now);
    (at(date.chars().take(10).collect()), at(format!("{}-01", date.chars().take(7).collect::<String>())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_and_a_month_begin_at_midnight_in_utc() {
        let now: Timestamp = "2026-11-23T14:05:06.7Z".parse().unwrap();
        let (day, month) = beginnings(now);
        assert_eq!((day.to_string().as_str(), month.to_string().as_str()), ("2026-11-23T00:00:00.000000Z", "2026-11-01T00:00:00.000000Z"));
    }
}
