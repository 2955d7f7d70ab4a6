//! Lists of tasks, the latest first or the oldest first: page by page, each after the last task of the page before.

use easyai_core::id::{AccountId, TaskId};
use easyai_core::kind::Kind;
use easyai_core::task::TaskStatus;
use easyai_core::time::Timestamp;

use super::{TaskRow, task_columns};
use crate::db::Db;
use crate::error::StoreError;
use crate::sql;

/// The most tasks of one page.
pub const MAX_PAGE: u32 = 500;

/// Which tasks. What is not given is not asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this account.
    pub account: Option<AccountId>,
    /// In this status.
    pub status: Option<TaskStatus>,
    /// Of this public model.
    pub model: Option<String>,
    /// Of this endpoint.
    pub kind: Option<Kind>,
    /// That began at this time or later.
    pub since: Option<Timestamp>,
    /// That began before this time.
    pub until: Option<Timestamp>,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The tasks, the latest first.
    pub tasks: Vec<TaskRow>,
    /// Where the next page begins; none after the last.
    pub next: Option<TaskId>,
}

/// The conditions beside the account: constant text, so that it is prepared once.
macro_rules! select {
    ($of:literal) => {
        select!("<", "DESC", $of)
    };
    ($after:literal, $order:literal, $of:literal) => {
        concat!(
            "SELECT ",
            task_columns!(),
            " FROM tasks WHERE id ",
            $after,
            " $1 AND ($2 IS NULL OR status = $2) AND ($3 IS NULL OR model = $3) AND ($4 IS NULL OR kind = $4)",
            " AND started_at >= $5 AND started_at < $6",
            $of,
            " ORDER BY id ",
            $order,
            " LIMIT $7"
        )
    };
}

/// A page of at most `limit` tasks that began before the task `after` (the `next` of the page before).
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub async fn list(db: &Db, filter: &Filter, after: Option<TaskId>, limit: u32) -> Result<Page, StoreError> {
    page(db, filter, after, limit, Order::LatestFirst).await
}

/// The same, but of those that began after the task `after`, the oldest first. Of one account's alone.
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub async fn list_oldest_first(db: &Db, filter: &Filter, after: Option<TaskId>, limit: u32) -> Result<Page, StoreError> {
    page(db, filter, after, limit, Order::OldestFirst).await
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    LatestFirst,
    OldestFirst,
}

async fn page(db: &Db, filter: &Filter, after: Option<TaskId>, limit: u32, order: Order) -> Result<Page, StoreError> {
    let limit = limit.clamp(1, MAX_PAGE);
    let first = if order == Order::LatestFirst { uuid::Uuid::max() } else { uuid::Uuid::nil() };
    let after = after.map_or(first, TaskId::uuid);
    let (status, kind) = (filter.status.map(TaskStatus::as_str), filter.kind.map(Kind::as_str));
    let model = filter.model.as_deref();
    let since = filter.since.map_or(i64::MIN, Timestamp::micros);
    let until = filter.until.map_or(i64::MAX, Timestamp::micros);
    // One more than asked for: it says whether there is a next page.
    let rows = i64::from(limit) + 1;
    let mut conn = db.read().await?;
    let mut tasks = match filter.account {
        Some(account) if order == Order::OldestFirst => {
            let account = account.uuid();
            let oldest = select!(">", "ASC", " AND account_id = $8 AND deleted_at IS NULL");
            sql!(conn, all TaskRow, oldest, after, status, model, kind, since, until, rows, account)?
        }
        Some(account) => {
            let account = account.uuid();
            sql!(conn, all TaskRow, select!(" AND account_id = $8 AND deleted_at IS NULL"), after, status, model, kind, since, until, rows, account)?
        }
        None => sql!(conn, all TaskRow, select!(""), after, status, model, kind, since, until, rows)?,
    };
    let more = tasks.len() > limit as usize;
    tasks.truncate(limit as usize);
    let next = tasks.last().filter(|_| more).map(|task| task.id);
    Ok(Page { tasks, next })
}
