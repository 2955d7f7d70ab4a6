//! The audit log: who changed what, written in the transaction of the change.

use crate::db::Tx;
use crate::error::StoreError;
use crate::{now, sql};

/// One entry.
pub(crate) struct Audit<'a> {
    /// Who: a person, the command line, or a policy.
    pub actor: &'a str,
    /// What was done, such as `platform.disable`.
    pub action: &'a str,
    /// To what: an id, or a name.
    pub object: &'a str,
    /// What is so now, as JSON.
    pub after: Option<String>,
}

/// Adds the entry of something new, or of a change whose name says what was before.
pub(crate) async fn record(tx: &mut Tx, entry: &Audit<'_>) -> Result<(), StoreError> {
    record_change(tx, entry, None).await
}

/// Adds the entry of a change: `before` is what was so, as JSON.
pub(crate) async fn record_change(tx: &mut Tx, entry: &Audit<'_>, before: Option<&str>) -> Result<(), StoreError> {
    let insert =
        "INSERT INTO audit_log (id, actor, origin, action, object, before, after, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let id = crate::new_id();
    // The actor says it: what happens in the gateway itself and at the command line has no address.
    let origin = "local";
    sql!(tx, execute insert, id, entry.actor, origin, entry.action, entry.object, before, entry.after.as_deref(), now().micros()).map(drop)
}
