//! The secrets that sign callbacks: one of each account and one of the gateway, sealed at rest. Both sides must know them, so that a
//! person may see one again. One that was replaced signs along for [`OVERLAP`].

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use easyai_core::id::AccountId;
use easyai_core::time::Timestamp;
use secrecy::SecretString;
use uuid::Uuid;

use crate::accounts::CLI;
use crate::catalog::{Audit, record};
use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::vault::Vault;
use crate::{rows, sql};

/// How long a secret that was replaced signs beside its successor: time to tell receivers the new one.
pub const OVERLAP: Duration = Duration::from_secs(24 * 3600);

/// What stands before a secret. Source: Standard Webhooks 1.0, "Signature scheme".
const PREFIX: &str = "whsec_";

/// As long as a hash of SHA-256. The specification asks for 24 to 64 bytes.
const SECRET_BYTES: usize = 32;

/// In place of the account, for the gateway's own secret.
pub const GATEWAY: AccountId = AccountId::from_uuid(Uuid::nil());

/// A secret that signs.
#[derive(Debug, Clone)]
pub struct Secret {
    /// `whsec_` and base64.
    pub secret: SecretString,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when, if it was replaced.
    pub expires_at: Option<Timestamp>,
}

rows! {
    struct SecretRow { id: Uuid, secret: Vec<u8>, created_at: Timestamp, expires_at: Option<Timestamp>, }
}

/// All secrets that sign for `owner` now, the current one first. One is made if there is none.
///
/// # Errors
/// [`StoreError`] if they can't be read, opened or made.
pub async fn signing(db: &Db, vault: &Vault, owner: AccountId, now: Timestamp) -> Result<Vec<Secret>, StoreError> {
    let found = read(db, vault, owner, now).await?;
    if found.first().is_some_and(|secret| secret.expires_at.is_none()) {
        return Ok(found);
    }
    let mut tx = db.write().await?;
    insert(&mut tx, vault, owner, now).await?;
    tx.commit().await?;
    // Another node may have been faster: then it is its secret that counts.
    read(db, vault, owner, now).await
}

/// Replaces the secret of `owner`, which is called `name` in the audit log; the old one signs along for [`OVERLAP`]. Gives those that
/// sign now, the new one first.
///
/// # Errors
/// [`StoreError`] if it can't be written.
pub async fn rotate(db: &Db, vault: &Vault, owner: AccountId, name: &str, now: Timestamp) -> Result<Vec<Secret>, StoreError> {
    let mut tx = db.write().await?;
    let until = now.plus(OVERLAP).micros();
    let update = "UPDATE callback_secrets SET expires_at = $2 WHERE owner_id = $1 AND expires_at IS NULL";
    sql!(tx, execute update, owner.uuid(), until)?;
    sql!(tx, execute "DELETE FROM callback_secrets WHERE owner_id = $1 AND expires_at <= $2", owner.uuid(), now.micros())?;
    insert(&mut tx, vault, owner, now).await?;
    record(&mut tx, &Audit { actor: CLI, action: "callback_secret.rotate", object: name, after: None }).await?;
    tx.commit().await?;
    read(db, vault, owner, now).await
}

async fn read(db: &Db, vault: &Vault, owner: AccountId, now: Timestamp) -> Result<Vec<Secret>, StoreError> {
    let select = "SELECT id, secret, created_at, expires_at FROM callback_secrets
        WHERE owner_id = $1 AND (expires_at IS NULL OR expires_at > $2) ORDER BY created_at DESC, id DESC";
    let mut conn = db.read().await?;
    let rows = sql!(conn, all SecretRow, select, owner.uuid(), now.micros())?;
    drop(conn);
    let opened = rows.into_iter().map(|row| {
        let secret = vault.unseal(row.id, &row.secret)?;
        Ok(Secret { secret, created_at: row.created_at, expires_at: row.expires_at })
    });
    opened.collect()
}

/// Adds a secret, unless there is a current one.
async fn insert(tx: &mut Tx, vault: &Vault, owner: AccountId, now: Timestamp) -> Result<(), StoreError> {
    let id = crate::new_id();
    let sealed = vault.seal(id, &fresh()?)?;
    let insert = "INSERT INTO callback_secrets (id, owner_id, secret, created_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (owner_id) WHERE expires_at IS NULL DO NOTHING";
    sql!(tx, execute insert, id, owner.uuid(), sealed, now.micros()).map(drop)
}

fn fresh() -> Result<SecretString, StoreError> {
    let mut bytes = [0_u8; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Setting(format!("the system gives no randomness: {error}")))?;
    Ok(SecretString::from(format!("{PREFIX}{}", BASE64.encode(bytes))))
}
