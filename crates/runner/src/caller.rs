//! Who asks: a key, its account and the account's group, out of one snapshot of the catalogue.

use std::sync::Arc;

use easyai_core::catalog::{Account, ApiKey, Catalog, Enabled, Group, KeyHash};
use easyai_core::id::KeyId;
use easyai_core::time::Timestamp;

/// A caller whose key is good. The three belong to the same snapshot.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The catalogue the caller was found in; the whole run uses it.
    pub catalog: Arc<Catalog>,
    /// The key.
    pub key: Arc<ApiKey>,
    /// Who pays.
    pub account: Arc<Account>,
    /// The account's class.
    pub group: Arc<Group>,
}

/// Why a key is refused. Only for the log: the caller is told one message for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefused {
    /// No such key.
    #[error("unknown")]
    Unknown,
    /// A person revoked it.
    #[error("revoked")]
    Revoked,
    /// Its time is over.
    #[error("expired")]
    Expired,
    /// Its account is switched off, or not complete.
    #[error("its account is switched off")]
    AccountOff,
}

impl Caller {
    /// Who asked with the key of this id, whatever became of it since: what was taken on is done.
    #[must_use]
    pub fn of_key(catalog: &Arc<Catalog>, id: KeyId) -> Option<Self> {
        let key = catalog.keys.values().find(|key| key.id == id)?;
        let account = catalog.accounts.get(&key.account)?;
        let group = catalog.groups.get(&account.group)?;
        Some(Self { catalog: Arc::clone(catalog), key: Arc::clone(key), account: Arc::clone(account), group: Arc::clone(group) })
    }

    /// Finds whose key has this hash.
    ///
    /// # Errors
    /// [`KeyRefused`] if nobody may call with it now.
    pub fn find(catalog: &Arc<Catalog>, hash: &KeyHash, now: Timestamp) -> Result<Self, KeyRefused> {
        let key = catalog.keys.get(hash).ok_or(KeyRefused::Unknown)?;
        if key.revoked_at.is_some() {
            return Err(KeyRefused::Revoked);
        }
        if key.expires_at.is_some_and(|expires| expires <= now) {
            return Err(KeyRefused::Expired);
        }
        let account = catalog.accounts.get(&key.account).filter(|account| account.enabled == Enabled::Yes);
        let account = account.ok_or(KeyRefused::AccountOff)?;
        let group = catalog.groups.get(&account.group).ok_or(KeyRefused::AccountOff)?;
        Ok(Self { catalog: Arc::clone(catalog), key: Arc::clone(key), account: Arc::clone(account), group: Arc::clone(group) })
    }
}
