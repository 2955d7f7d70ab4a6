//! The catalogue in memory. Rebuilt from rows when their revision moves; every process looks at the revision twice a second, so a
//! change is taken up within one.
//!
//! # When the database is gone, or holds a row that can't be read
//! The last good snapshot serves on, and the log says why it is not newer.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use easyai_core::catalog::Catalog;
use easyai_limits::Limits;
use easyai_store::{Db, StoreError, candidate_state, catalog, vault::Vault};
use tokio_util::sync::CancellationToken;

use crate::clock::now;
use crate::counters;
use crate::health::HealthBoard;

/// Half of what the contract allows.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The one current catalogue of this process.
#[derive(Debug)]
pub struct Snapshot {
    catalog: ArcSwap<Catalog>,
}

impl Snapshot {
    /// Reads the catalogue for the first time.
    ///
    /// # Errors
    /// [`StoreError`] if it can't be read: without it nothing can be served.
    pub async fn load(db: &Db, vault: &Vault, health: &HealthBoard) -> Result<Self, StoreError> {
        let current = catalog::load(db, vault).await?;
        health.restore(candidate_state::load(db).await?);
        Ok(Self { catalog: ArcSwap::from_pointee(current) })
    }

    /// The catalogue as it is now.
    #[must_use]
    pub fn now(&self) -> Arc<Catalog> {
        self.catalog.load_full()
    }

    /// Takes up changes until `stop`.
    pub async fn follow(&self, db: &Db, vault: &Vault, health: &HealthBoard, limits: &Limits, stop: &CancellationToken) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            if let Err(error) = self.refresh(db, vault, health, limits).await {
                tracing::error!(%error, revision = self.catalog.load().revision, "The catalogue could not be read again: the last good one serves on");
            }
        }
    }

    async fn refresh(&self, db: &Db, vault: &Vault, health: &HealthBoard, limits: &Limits) -> Result<(), StoreError> {
        let revision = catalog::revision(db).await?;
        if revision == self.catalog.load().revision {
            return Ok(());
        }
        let current = catalog::load(db, vault).await?;
        // Before anybody is held to a new budget: what is charged from then on is counted.
        counters::add_budgets(limits, db, &self.catalog.load(), &current).await?;
        let before = health.before();
        health.follow(&candidate_state::load(db).await?, &before, now());
        tracing::info!(revision = current.revision, models = current.models.len(), "The catalogue changed");
        self.catalog.store(Arc::new(current));
        Ok(())
    }
}
