//! Lets assets go whose time is over, again and again, while the gateway serves.

use easyai_runner::clock;
use easyai_store::assets::{AssetStore, SWEEP_EVERY};
use tokio_util::sync::CancellationToken;

/// Sweeps until `stop`; a sweep that is cut off goes on at the next start.
pub async fn keep_assets(store: &AssetStore, stop: &CancellationToken) {
    let sweeping = async {
        loop {
            sweep(store).await;
            tokio::time::sleep(SWEEP_EVERY).await;
        }
    };
    let _: Option<()> = stop.run_until_cancelled(sweeping).await;
}

async fn sweep(store: &AssetStore) {
    match store.sweep(clock::now()).await {
        Ok(swept) if swept.failed > 0 => {
            tracing::warn!(
                failed = swept.failed,
                deleted = swept.deleted,
                "{} assets could not be deleted and are due again",
                swept.failed
            );
        }
        Ok(swept) if swept.deleted > 0 => tracing::info!(deleted = swept.deleted, "Deleted {} assets whose time was over", swept.deleted),
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "Assets whose time is over could not be looked for"),
    }
}
