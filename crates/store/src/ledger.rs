//! Wallets and their entries, for people and commands. What running tasks do to a wallet is the journal's alone.

use easyai_core::id::{AccountId, EntryId, PriceId, TaskId};
use easyai_core::ledger::{EntryKind, Wallet};
use easyai_core::money::Money;
use easyai_core::time::Timestamp;

use crate::column::One;
use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::{books, now, rows, sql};

/// The most entries of one page.
pub const MAX_PAGE: u32 = 500;

rows! {
    struct WalletRow { balance: Money, held: Money, }
}

rows! {
    /// One movement of money, as seen from the wallet.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct EntryRow {
        /// Its id; later ones are greater.
        pub id: EntryId,
        /// Whose wallet.
        pub account_id: AccountId,
        /// Why.
        pub kind: EntryKind,
        /// What the wallet gained; below zero is what it lost.
        pub amount: Money,
        /// The task that was charged.
        pub task_id: Option<TaskId>,
        /// The price version of the charge.
        pub price_id: Option<PriceId>,
        /// For a person.
        pub note: Option<String>,
        /// When.
        pub created_at: Timestamp,
    }
}

/// Gives a new account its empty wallet. Without one it can't begin a task, not even a free one.
///
/// # Errors
/// [`StoreError`] if it can't be written; one that is there already is left as it is.
pub async fn open_wallet(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    let insert = "INSERT INTO wallets (account_id, balance, held) VALUES ($1, 0, 0) ON CONFLICT (account_id) DO NOTHING";
    sql!(tx, execute insert, account.uuid()).map(drop)
}

/// The wallet of `account`; none for an account that does not exist.
///
/// # Errors
/// [`StoreError`] if it can't be read.
pub async fn wallet(db: &Db, account: AccountId) -> Result<Option<Wallet>, StoreError> {
    let mut conn = db.read().await?;
    let row = sql!(conn, optional WalletRow, "SELECT balance, held FROM wallets WHERE account_id = $1", account.uuid())?;
    Ok(row.map(|row| Wallet { balance: row.balance, held: row.held }))
}

/// Adds money that came in from outside; gives the wallet as it is then.
///
/// # Errors
/// [`StoreError::Setting`] if `amount` is not above zero or the balance would pass nine billion units, [`StoreError::NotFound`] for an
/// account that does not exist.
pub async fn top_up(db: &Db, account: AccountId, amount: Money, note: Option<&str>) -> Result<Wallet, StoreError> {
    if !amount.is_positive() {
        return Err(StoreError::Setting(format!("a top-up adds money: {amount} is not above zero")));
    }
    let mut tx = db.write().await?;
    if sql!(tx, optional One<i64>, "SELECT created_at FROM accounts WHERE id = $1", account.uuid())?.is_none() {
        return Err(StoreError::NotFound(format!("the account {account}")));
    }
    open_wallet(&mut tx, account).await?;
    // The bound is part of the statement, as the sum is: SQLite would go on with a float.
    let update = "UPDATE wallets SET balance = balance + $2 WHERE account_id = $1 AND balance <= $3";
    if sql!(tx, execute update, account.uuid(), amount.nanos(), i64::MAX - amount.nanos())? == 0 {
        return Err(StoreError::Setting("the balance would pass nine billion units of currency".to_owned()));
    }
    let (debit, credit) = books::of(EntryKind::TopUp);
    let insert = "INSERT INTO ledger_entries (id, account_id, kind, debit, credit, amount, note, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let (id, kind) = (crate::new_id(), EntryKind::TopUp.as_str());
    sql!(tx, execute insert, id, account.uuid(), kind, debit, credit, amount.nanos(), note, now().micros())?;
    let row = sql!(tx, one WalletRow, "SELECT balance, held FROM wallets WHERE account_id = $1", account.uuid())?;
    tx.commit().await?;
    Ok(Wallet { balance: row.balance, held: row.held })
}

/// The entries of `account`, the latest first, older than `before`.
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub async fn entries(db: &Db, account: AccountId, before: Option<EntryId>, limit: u32) -> Result<Vec<EntryRow>, StoreError> {
    let mut conn = db.read().await?;
    let select = "SELECT id, account_id, kind, CASE WHEN credit = 'wallet' THEN amount ELSE -amount END AS amount, task_id, price_id, note,
            created_at
        FROM ledger_entries WHERE account_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    let before = before.map_or(uuid::Uuid::max(), EntryId::uuid);
    sql!(conn, all EntryRow, select, account.uuid(), before, i64::from(limit.min(MAX_PAGE)))
}
