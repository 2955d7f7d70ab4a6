//! Accounts: who pays. Made by a person; each comes with its empty wallet, in one transaction.

use std::sync::Arc;

use easyai_core::id::AccountId;
use easyai_core::limit::LimitSet;
use easyai_core::money::Money;
use easyai_core::time::Timestamp;
use uuid::Uuid;

use crate::catalog::{ADMIN, Audit, DEFAULT_GROUP, REMOVED, bump, in_table, record, record_change, seed_in};
use crate::column::One;
use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::limit_edit::{LimitEdit, edited, stored};
use crate::{ledger, now, rows, sql};

/// The longest name: it stands in tables, logs and metrics.
pub const MAX_NAME_CHARS: usize = 100;

/// Who makes accounts and keys, as the audit log names it: until there is an admin API, whoever may run the program.
pub(crate) const CLI: &str = "command line";

rows! {
    /// An account with its group and wallet.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct AccountRow {
        /// Its id.
        pub id: AccountId,
        /// Its unique name.
        pub name: Arc<str>,
        /// The name of its group.
        pub group_name: Arc<str>,
        /// Whether it may make calls.
        pub enabled: bool,
        /// What its wallet has.
        pub balance: Money,
        /// What of it is set aside.
        pub held: Money,
        /// What it may use.
        pub limits: LimitSet,
        /// Since when.
        pub created_at: Timestamp,
    }
}

macro_rules! select {
    ($where:literal) => {
        concat!(
            "SELECT a.id, a.name, g.name AS group_name, a.enabled, COALESCE(w.balance, 0) AS balance, COALESCE(w.held, 0) AS held, ",
            "a.limits, a.created_at FROM accounts a JOIN groups g ON g.id = a.group_id LEFT JOIN wallets w ON w.account_id = a.id",
            $where,
            " ORDER BY a.name"
        )
    };
}

/// Checks a name that people give to something.
///
/// # Errors
/// [`StoreError::Setting`] for one that is empty, too long, or has control characters or white space at its ends.
pub fn check_name(what: &str, name: &str) -> Result<(), StoreError> {
    let bad = name.is_empty() || name.trim() != name || name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control);
    if bad {
        return Err(StoreError::Setting(format!(
            "`{}` is not a name for {what}: 1 to {MAX_NAME_CHARS} characters, no control characters, no spaces at the ends",
            name.escape_debug()
        )));
    }
    Ok(())
}

/// Makes an account in the group of this name, without limits of its own.
///
/// # Errors
/// [`StoreError::Conflict`] if the name is taken, [`StoreError::NotFound`] if there is no such group, [`StoreError::Setting`] for a bad
/// name.
pub async fn create(db: &Db, name: &str, group: &str) -> Result<AccountId, StoreError> {
    create_limited(db, name, group, &LimitSet::default()).await
}

/// The same, with these limits of its own.
///
/// # Errors
/// As [`create`].
pub async fn create_limited(db: &Db, name: &str, group: &str, limits: &LimitSet) -> Result<AccountId, StoreError> {
    check_name("an account", name)?;
    let mut tx = db.write().await?;
    if group == DEFAULT_GROUP {
        seed_in(&mut tx).await?;
    }
    let group_id = group_id(&mut tx, group).await?;
    let id = AccountId::from_uuid(crate::new_id());
    let insert = "INSERT INTO accounts (id, name, group_id, source, enabled, limits, created_at) VALUES ($1, $2, $3, $4, TRUE, $5, $6)";
    let is_limited = *limits != LimitSet::default();
    let limits = stored(limits)?;
    let inserted = sql!(tx, execute insert, id.uuid(), name, group_id, ADMIN, limits.as_str(), now().micros());
    inserted.map_err(|error| match error {
        StoreError::Conflict(_) => StoreError::Conflict(format!("the account `{name}`")),
        other => other,
    })?;
    ledger::open_wallet(&mut tx, id).await?;
    record(&mut tx, &Audit { actor: CLI, action: "account.create", object: name, after: is_limited.then_some(limits) }).await?;
    bump(&mut tx).await?;
    tx.commit().await?;
    Ok(id)
}

async fn group_id(tx: &mut Tx, name: &str) -> Result<Uuid, StoreError> {
    let found = sql!(tx, optional One<Uuid>, "SELECT id FROM groups WHERE name = $1 AND source <> $2", name, REMOVED)?;
    found.map(|(id,)| id).ok_or_else(|| StoreError::NotFound(format!("the group `{name}`")))
}

/// What changes of an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountChange<'a> {
    /// The name of its group from now on; none: the one it has.
    pub group: Option<&'a str>,
    /// Its limits that change.
    pub limits: &'a [LimitEdit],
}

/// An account before or after a change, as the audit log shows it.
#[derive(serde::Serialize)]
struct AuditView<'a> {
    group: &'a str,
    limits: &'a LimitSet,
}

impl AuditView<'_> {
    fn json(&self) -> Result<String, StoreError> {
        serde_json::to_string(self).map_err(|error| StoreError::Statement(error.to_string()))
    }
}

/// Changes an account; gives whether anything is different now.
///
/// # Errors
/// [`StoreError::NotFound`] if there is no such account or group.
pub async fn set(db: &Db, name: &str, change: &AccountChange<'_>) -> Result<bool, StoreError> {
    let mut tx = db.write().await?;
    // Nobody else changes it between reading and writing.
    bump(&mut tx).await?;
    let found = in_table("accounts", sql!(tx, optional AccountRow, select!(" WHERE a.name = $1"), name))?;
    let before = found.ok_or_else(|| StoreError::NotFound(format!("the account `{name}`")))?;
    let (group, limits) = (change.group.unwrap_or(&before.group_name), edited(&before.limits, change.limits));
    let group_id = group_id(&mut tx, group).await?;
    if *group == *before.group_name && limits == before.limits {
        // Without a commit the revision has not moved.
        return Ok(false);
    }
    sql!(tx, execute "UPDATE accounts SET group_id = $2, limits = $3 WHERE id = $1", before.id.uuid(), group_id, stored(&limits)?)?;
    let was = AuditView { group: &before.group_name, limits: &before.limits }.json()?;
    let after = Some(AuditView { group, limits: &limits }.json()?);
    record_change(&mut tx, &Audit { actor: CLI, action: "account.set", object: name, after }, Some(&was)).await?;
    tx.commit().await?;
    Ok(true)
}

/// All accounts, by name.
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub async fn list(db: &Db) -> Result<Vec<AccountRow>, StoreError> {
    let mut conn = db.read().await?;
    in_table("accounts", sql!(conn, all AccountRow, select!("")))
}

/// The account of this name.
///
/// # Errors
/// [`StoreError::NotFound`] if there is none.
pub async fn find(db: &Db, name: &str) -> Result<AccountRow, StoreError> {
    let mut conn = db.read().await?;
    let row = in_table("accounts", sql!(conn, optional AccountRow, select!(" WHERE a.name = $1"), name))?;
    row.ok_or_else(|| StoreError::NotFound(format!("the account `{name}`")))
}
