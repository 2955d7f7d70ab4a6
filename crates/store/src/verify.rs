//! Whether the books are right: the whole database in a few set-based questions, each of which finds nothing if all is well.
//!
//! Everything is read from one snapshot, so it may run beside a working gateway.

use easyai_core::id::{AccountId, EntryId, TaskId};
use easyai_core::ledger::{EntryKind, check_wallet};
use easyai_core::money::Money;

use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::{books, rows, sql};

/// Findings shown for each question. What is wrong a hundred times is wrong for one reason.
const SHOWN: i64 = 100;

/// What was looked at, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Wallets looked at.
    pub wallets: u64,
    /// Entries looked at.
    pub entries: u64,
    /// Tasks looked at.
    pub tasks: u64,
    /// What is wrong, each a sentence for a person; at most a hundred of a sort.
    pub findings: Vec<String>,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

rows! {
    struct Counts { wallets: u64, entries: u64, tasks: u64, }
}

rows! {
    struct WalletSums { account_id: AccountId, balance: Money, held: Money, entries: Money, holds: Money, }
}

rows! {
    struct TaskCharge { id: TaskId, status: String, charge: Option<Money>, entry: Option<Money>, same_account: bool, }
}

rows! {
    struct BadEntry { id: EntryId, kind: String, debit: String, credit: String, amount: Money, task_id: Option<TaskId>, }
}

rows! {
    struct Lost { account_id: AccountId, amount: Money, }
}

rows! {
    struct Repeated { task_id: TaskId, kind: String, times: u64, }
}

rows! {
    struct BadTask { id: TaskId, hold: Money, charge: Option<Money>, simulated: bool, }
}

/// Looks at the whole database.
///
/// # Errors
/// [`StoreError`] if it can't be read to the end; then nothing is known.
pub async fn verify(db: &Db) -> Result<Report, StoreError> {
    let mut tx = db.snapshot().await?;
    let counts = sql!(
        tx, one Counts,
        "SELECT (SELECT COUNT(*) FROM wallets) AS wallets, (SELECT COUNT(*) FROM ledger_entries) AS entries,
            (SELECT COUNT(*) FROM tasks) AS tasks"
    )?;
    let mut findings = wallets(&mut tx).await?;
    findings.extend(lost(&mut tx).await?);
    findings.extend(charges(&mut tx).await?);
    findings.extend(entries(&mut tx).await?);
    findings.extend(repeated(&mut tx).await?);
    findings.extend(tasks(&mut tx).await?);
    Ok(Report { wallets: counts.wallets, entries: counts.entries, tasks: counts.tasks, findings })
}

/// Each balance is the sum of its entries, each held amount the sum of the holds of the account's unfinished tasks.
async fn wallets(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    let select = "SELECT * FROM (
            SELECT w.account_id, w.balance, w.held, COALESCE(e.entries, 0) AS entries, COALESCE(t.holds, 0) AS holds
            FROM wallets w
            LEFT JOIN (SELECT account_id, CAST(SUM(CASE WHEN credit = 'wallet' THEN amount ELSE -amount END) AS BIGINT) AS entries
                FROM ledger_entries GROUP BY account_id) e ON e.account_id = w.account_id
            LEFT JOIN (SELECT account_id, CAST(SUM(hold) AS BIGINT) AS holds
                FROM tasks WHERE status IN ('queued', 'running') GROUP BY account_id) t ON t.account_id = w.account_id) sums
        WHERE balance <> entries OR held <> holds OR held < 0 ORDER BY account_id LIMIT $1";
    let found = sql!(tx, all WalletSums, select, SHOWN)?;
    let told = |row: WalletSums| {
        let wrong = check_wallet(row.balance, row.held, row.entries, row.holds);
        wrong.into_iter().map(move |wrong| format!("the wallet of {}: {wrong}", row.account_id))
    };
    Ok(found.into_iter().flat_map(told).collect())
}

/// No entries and no unfinished tasks without a wallet.
async fn lost(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    let of_entries = "SELECT account_id, CAST(SUM(CASE WHEN credit = 'wallet' THEN amount ELSE -amount END) AS BIGINT) AS amount
        FROM ledger_entries WHERE account_id NOT IN (SELECT account_id FROM wallets) GROUP BY account_id ORDER BY account_id LIMIT $1";
    let of_holds = "SELECT account_id, CAST(SUM(hold) AS BIGINT) AS amount FROM tasks
        WHERE status IN ('queued', 'running') AND account_id NOT IN (SELECT account_id FROM wallets)
        GROUP BY account_id ORDER BY account_id LIMIT $1";
    let entries = sql!(tx, all Lost, of_entries, SHOWN)?;
    let holds = sql!(tx, all Lost, of_holds, SHOWN)?;
    let entries = entries.into_iter().map(|row| format!("{} has entries of {} but no wallet", row.account_id, row.amount));
    let holds = holds.into_iter().map(|row| format!("{} has holds of {} but no wallet", row.account_id, row.amount));
    Ok(entries.chain(holds).collect())
}

/// Each finished task has one charge entry, equal to its charge (none if that is zero), on its own account; an unfinished one has none.
async fn charges(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    let select = "SELECT t.id, t.status, t.charge, e.amount AS entry, COALESCE(e.account_id = t.account_id, TRUE) AS same_account
        FROM tasks t LEFT JOIN ledger_entries e ON e.task_id = t.id AND e.kind = 'charge'
        WHERE CASE WHEN t.status IN ('queued', 'running') THEN t.charge IS NOT NULL OR e.id IS NOT NULL
            ELSE t.charge IS NULL OR t.charge <> COALESCE(e.amount, 0) OR e.account_id <> t.account_id END
        ORDER BY t.id LIMIT $1";
    let found = sql!(tx, all TaskCharge, select, SHOWN)?;
    Ok(found.into_iter().map(|row| charge_finding(&row)).collect())
}

fn charge_finding(row: &TaskCharge) -> String {
    let TaskCharge { id, status, .. } = row;
    match (row.charge, row.entry) {
        _ if !row.same_account => format!("{id}: its charge is booked on another account"),
        (None, None) => format!("{id} is {status}, but it is not said what it was charged"),
        (None, Some(entry)) => format!("{id} is {status} without a charge, but {entry} is booked for it"),
        (Some(charge), None) => format!("{id} is {status} with a charge of {charge}, but nothing is booked for it"),
        (Some(charge), Some(entry)) => format!("{id} is {status} with a charge of {charge}, but {entry} is booked for it"),
    }
}

/// Each entry moves money between the books of its kind; charges and refunds belong to a task.
async fn entries(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    // Kinds and their books are written once, in `books`; what fits none of them is found by leaving out those that fit.
    let select = "SELECT e.id, e.kind, e.debit, e.credit, e.amount, e.task_id FROM ledger_entries e LEFT JOIN tasks t ON t.id = e.task_id
        WHERE e.amount <= 0
            OR NOT ((e.kind = $2 AND e.debit = $3 AND e.credit = $4) OR (e.kind = $5 AND e.debit = $6 AND e.credit = $7)
                OR (e.kind = $8 AND e.debit = $9 AND e.credit = $10)
                OR (e.kind = $11 AND ((e.debit = $12 AND e.credit = $13) OR (e.debit = $13 AND e.credit = $12))))
            OR (e.kind IN ($5, $8) AND t.id IS NULL)
        ORDER BY e.id LIMIT $1";
    let [top_up, charge, refund, adjustment] = [EntryKind::TopUp, EntryKind::Charge, EntryKind::Refund, EntryKind::Adjustment];
    let found = sql!(
        tx, all BadEntry, select, SHOWN,
        top_up.as_str(), books::of(top_up).0, books::of(top_up).1,
        charge.as_str(), books::of(charge).0, books::of(charge).1,
        refund.as_str(), books::of(refund).0, books::of(refund).1,
        adjustment.as_str(), books::of(adjustment).0, books::of(adjustment).1,
    )?;
    let told = |row: BadEntry| {
        let task = row.task_id.map_or_else(|| "no task".to_owned(), |task| task.to_string());
        format!(
            "{}: a {} of {} from {} to {} for {task}, which is not there or not so",
            row.id, row.kind, row.amount, row.debit, row.credit
        )
    };
    Ok(found.into_iter().map(told).collect())
}

/// Each task has at most one entry of a kind.
async fn repeated(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    let select = "SELECT task_id, kind, COUNT(*) AS times FROM ledger_entries WHERE task_id IS NOT NULL
        GROUP BY task_id, kind HAVING COUNT(*) > 1 ORDER BY task_id LIMIT $1";
    let found = sql!(tx, all Repeated, select, SHOWN)?;
    Ok(found.into_iter().map(|row| format!("{} has {} entries of kind {}", row.task_id, row.times, row.kind)).collect())
}

/// Nothing below zero, and simulated tasks cost nothing.
async fn tasks(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    let select =
        "SELECT id, hold, charge, simulated FROM tasks WHERE hold < 0 OR charge < 0 OR (simulated AND charge <> 0) ORDER BY id LIMIT $1";
    let found = sql!(tx, all BadTask, select, SHOWN)?;
    let told = |row: BadTask| {
        let (simulated, charge) = (if row.simulated { "simulated " } else { "" }, row.charge.unwrap_or_default());
        format!("{simulated}{} has a hold of {} and a charge of {charge}", row.id, row.hold)
    };
    Ok(found.into_iter().map(told).collect())
}
