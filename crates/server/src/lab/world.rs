//! The gateway of a scenario: the real engine on a database of its own, with simulated platforms.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use easyai_clients::{Clients, Faults};
use easyai_core::catalog::{Enabled, KeyHash};
use easyai_core::kind::RunMode;
use easyai_core::limit::LimitSet;
use easyai_runner::settings::CallerGone;
use easyai_runner::{Caller, Parts, Runner, Settings, clock};
use easyai_store::assets::{AssetPlace, AssetSettings, AssetStore, LinkTerms};
use easyai_store::catalog::{self, DEFAULT_GROUP};
use easyai_store::keys::NewKey;
use easyai_store::nodes::Node;
use easyai_store::vault::Vault;
use easyai_store::{DatabaseUrl, Db, Journal, accounts, keys, ledger};
use secrecy::ExposeSecret;

use super::scenario::Scenario;

/// The currency of all scenarios.
pub const CURRENCY: &str = "USD";

/// The name of the account that pays.
pub const ACCOUNT: &str = "callers";

/// Who writes, for the catalogue's history.
const ACTOR: &str = "easyai lab";

/// More calls at once than any scenario has: the lab shows policies, not the gateway's own bound.
const MAX_IN_FLIGHT: NonZeroU32 = NonZeroU32::MAX;

/// The longest answer kept for an `Idempotency-Key`; the lab's callers send none.
const MAX_RECORDED_BYTES: usize = 1 << 20;
const MAX_ASSET_BYTES: u64 = 16 << 20;

/// The gateway of a scenario.
pub struct World {
    /// The engine.
    pub runner: Arc<Runner>,
    /// Its database.
    pub db: Db,
    key: KeyHash,
    node: Node,
}

impl World {
    /// Makes the database in `folder`, with the scenario's catalogue, an account and a key.
    ///
    /// # Errors
    /// If the database can't be made, or the catalogue can't be applied.
    pub async fn make(scenario: &Scenario, folder: &Path, faults: Arc<dyn Faults>) -> anyhow::Result<Self> {
        let path = folder.join("easyai.db");
        ensure!(!path.exists(), "{} is there already: choose an empty folder", path.display());
        let db = Db::open(&DatabaseUrl::Sqlite(path)).await?;
        db.migrate().await?;
        catalog::seed(&db).await?;
        let vault = Arc::new(Vault::open(folder, None)?);
        let plan = catalog::apply(&db, &vault, &scenario.catalog, ACTOR).await?;
        ensure!(plan.conflicts.is_empty(), "the catalogue can't be applied: {:?}", plan.conflicts);
        let account = accounts::create(&db, ACCOUNT, DEFAULT_GROUP).await?;
        if scenario.balance.is_positive() {
            ledger::top_up(&db, account, scenario.balance, None).await?;
        }
        let new = NewKey {
            name: ACTOR.to_owned(),
            models: vec!["*".to_owned()],
            expires_at: None,
            run_mode: RunMode::Live,
            limits: LimitSet::default(),
            response_cache: Enabled::No,
        };
        let (_, key) = keys::create(&db, &vault, account, &new).await?;
        let key = vault.hash_key(key.expose_secret());
        let node = Node::join(&db, "lab", env!("CARGO_PKG_VERSION")).await?;
        let journal = Journal::start(&db)?;
        let clients = Clients::new(None)?.with_faults(faults);
        let place = AssetPlace::Folder(folder.join("assets"));
        let assets = Arc::new(AssetStore::open(&db, &AssetSettings { place, max_bytes: MAX_ASSET_BYTES, keep: None }).await?);
        let parts = Parts { settings: settings(), node: node.id(), db: db.clone(), journal, vault, clients, assets };
        let runner = Runner::start(parts).await?;
        Ok(Self { runner, db, key, node })
    }

    /// Who calls.
    ///
    /// # Errors
    /// If the key is not good, which would be a mistake of the lab's.
    pub fn caller(&self) -> anyhow::Result<Caller> {
        Caller::find(&self.runner.catalog(), &self.key, clock::now()).context("the lab's own key is refused")
    }

    /// Ends it: everything is durable then.
    ///
    /// # Errors
    /// If something can't be written.
    pub async fn end(self) -> anyhow::Result<Db> {
        self.runner.settled().await?;
        self.node.leave(&self.db).await?;
        Ok(self.db)
    }
}

fn settings() -> Settings {
    Settings {
        currency: CURRENCY.into(),
        caller_gone: CallerGone::Cancel,
        checkpoint_every: Duration::from_secs(2),
        finish_patience: Duration::from_secs(10),
        max_in_flight: Arc::new(LimitSet { concurrent: Some(MAX_IN_FLIGHT), ..LimitSet::default() }),
        account_limits: Arc::default(),
        queue_timeout: Duration::ZERO,
        keep_alive: Duration::ZERO,
        max_recorded_answer_bytes: MAX_RECORDED_BYTES,
        links: LinkTerms { public_url: None, lifetime: Duration::from_secs(3_600) },
        callback: None,
    }
}
