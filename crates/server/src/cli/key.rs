//! `easyai key`: what callers send.

use easyai_core::catalog::Enabled;
use easyai_core::id::KeyId;
use easyai_core::kind::RunMode;
use easyai_core::limit::LimitSet;
use easyai_core::time::Timestamp;
use easyai_store::keys::{self, KeyRow, NewKey};
use easyai_store::limit_edit::{LimitEdit, edited};
use easyai_store::{Db, accounts, now, vault::Vault};
use secrecy::ExposeSecret;
use serde::Serialize;

use super::limit_args::told;
use super::open::open;
use super::out::{List, Out, table};
use super::verdict::Verdict;
use super::{KeyCommand, Switch};
use crate::config::Config;

#[derive(Serialize)]
struct Created {
    id: KeyId,
    key: String,
}

#[derive(Serialize)]
struct KeyView {
    id: KeyId,
    account: String,
    name: String,
    hint: String,
    models: Vec<String>,
    run_mode: RunMode,
    status: &'static str,
    limits: LimitSet,
    response_cache: bool,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    created_at: Timestamp,
}

/// What was set.
#[derive(Serialize)]
struct Changed {
    id: KeyId,
    #[serde(skip_serializing_if = "Option::is_none")]
    limits: Option<LimitSet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_cache: Option<bool>,
}

#[derive(Serialize)]
struct Revoked {
    id: KeyId,
    revoked_at: Timestamp,
}

/// Does what the command says.
///
/// # Errors
/// If the account or key does not exist, or the database can't be used.
pub async fn run(config: &Config, out: &Out, command: KeyCommand) -> anyhow::Result<Verdict> {
    let (db, vault) = open(config).await?;
    match command {
        KeyCommand::Create { account, name, models, expires, run_mode, response_cache, limits } => {
            let limits = edited(&LimitSet::default(), &limits.edits());
            let response_cache = if response_cache { Enabled::Yes } else { Enabled::No };
            let new = NewKey { name, models, expires_at: expires, run_mode, limits, response_cache };
            create(&db, &vault, out, &account, new).await?;
        }
        KeyCommand::Set { id, response_cache, limits } => {
            let changed = set(&db, id, response_cache, &limits.edits()).await?;
            out.show(&changed, Changed::told)?;
        }
        KeyCommand::List { account } => {
            let account = match account {
                Some(name) => Some(accounts::find(&db, &name).await?.id),
                None => None,
            };
            let keys = keys::list(&db, account).await?.into_iter().map(KeyView::of).collect::<anyhow::Result<_>>()?;
            out.show(&List { data: keys }, |list| keys_table(&list.data))?;
        }
        KeyCommand::Revoke { id } => {
            let revoked_at = keys::revoke(&db, id).await?;
            out.show(&Revoked { id, revoked_at }, |revoked| format!("{} is refused since {}", revoked.id, revoked.revoked_at))?;
        }
    }
    Ok(Verdict::Good)
}

async fn set(db: &Db, id: KeyId, response_cache: Option<Switch>, edits: &[LimitEdit]) -> anyhow::Result<Changed> {
    let nothing = edits.is_empty() && response_cache.is_none();
    anyhow::ensure!(!nothing, "nothing to set: give --limit, --budget, --shadow or --response-cache");
    let mut changed = Changed { id, limits: None, response_cache: None };
    if !edits.is_empty() {
        changed.limits = Some(keys::set_limits(db, id, edits).await?);
    }
    if let Some(switch) = response_cache {
        let wanted = match switch {
            Switch::On => Enabled::Yes,
            Switch::Off => Enabled::No,
        };
        keys::set_response_cache(db, id, wanted).await?;
        changed.response_cache = Some(wanted == Enabled::Yes);
    }
    Ok(changed)
}

impl Changed {
    fn told(&self) -> String {
        let limits = self.limits.as_ref().map(|limits| format!("{} has the limits: {}", self.id, told(limits)));
        let cache = self.response_cache.map(|on| format!("{} has the response cache {}", self.id, on_or_off(on)));
        limits.into_iter().chain(cache).collect::<Vec<_>>().join("\n")
    }
}

const fn on_or_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

async fn create(db: &Db, vault: &Vault, out: &Out, account: &str, new: NewKey) -> anyhow::Result<()> {
    let expired = new.expires_at.is_some_and(|expires| expires <= now());
    anyhow::ensure!(!expired, "--expires is in the past: the key would never be accepted");
    let account = accounts::find(db, account).await?;
    let (id, key) = keys::create(db, vault, account.id, &new).await?;
    let created = Created { id, key: key.expose_secret().to_owned() };
    out.show(&created, |created| format!("{}\n\nThis is the only time the key is shown. Its id is {}.", created.key, created.id))
}

impl KeyView {
    fn of(row: KeyRow) -> anyhow::Result<Self> {
        let status = match (row.revoked_at, row.expires_at) {
            (Some(_), _) => "revoked",
            (None, Some(expires)) if expires <= now() => "expired",
            (None, Some(_) | None) => "active",
        };
        let models = serde_json::from_str(&row.models)
            .map_err(|error| anyhow::anyhow!("table api_keys, row `{}`, field models can't be read: {error}", row.id))?;
        Ok(Self {
            id: row.id,
            account: row.account.to_string(),
            name: row.name.to_string(),
            hint: row.hint,
            models,
            run_mode: row.run_mode,
            status,
            limits: row.limits,
            response_cache: row.response_cache,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            created_at: row.created_at,
        })
    }
}

fn keys_table(keys: &[KeyView]) -> String {
    let rows = keys.iter().map(|key| {
        let expires = key.expires_at.map_or_else(|| "never".to_owned(), |expires| expires.to_string());
        let hint = format!("{}…", key.hint);
        [
            key.id.to_string(),
            key.account.clone(),
            key.name.clone(),
            hint,
            key.models.join(", "),
            key.run_mode.to_string(),
            key.status.to_owned(),
            expires,
            told(&key.limits),
            on_or_off(key.response_cache).to_owned(),
        ]
    });
    let head = ["id", "account", "name", "key", "models", "run mode", "status", "expires (UTC)", "limits", "response cache"];
    table(head, rows, "no keys yet: `easyai key create --account NAME` makes one")
}
