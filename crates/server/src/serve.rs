//! `easyai serve`: from an open database to an open port, and back.

mod keeper;
mod listener;

use std::num::NonZeroU32;
use std::sync::Arc;

use anyhow::Context;
use easyai_clients::Clients;
use easyai_core::limit::LimitSet;
use easyai_runner::{Kept, Parts, Runner, Settings};
use easyai_store::assets::AssetStore;
use easyai_store::nodes::Node;
use easyai_store::{Journal, sweep};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::api::admin::AdminToken;
use crate::app::App;
use crate::config::Config;
use crate::telemetry::{Telemetry, init_logs};
use crate::{api, cli};

/// Serves until a signal ends it.
///
/// # Errors
/// If the database, the catalogue or the port can't be had; the message says what to do.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    init_logs(&config.log_level, config.log_format)?;
    let (db, vault) = cli::open::open(&config).await?;
    let vault = Arc::new(vault);
    let node = Node::join(&db, &host(), env!("CARGO_PKG_VERSION")).await?;
    let journal = Journal::start(&db)?;
    let swept = sweep::sweep(&db, &journal, &node, &config.currency).await.context("the tasks of an earlier run could not be ended")?;
    if swept.tasks > 0 {
        tracing::warn!(tasks = swept.tasks, charged = %swept.charged, "Ended {} tasks that an earlier run left behind", swept.tasks);
    }
    let assets = Arc::new(AssetStore::open(&db, &config.assets).await?);
    let parts = Parts {
        settings: settings(&config),
        node: node.id(),
        db: db.clone(),
        journal,
        vault: Arc::clone(&vault),
        clients: Clients::with_private_addresses(config.proxy.clone(), config.private_addresses())?,
        assets: Arc::clone(&assets),
    };
    let runner = Runner::start(parts).await.context("the catalogue can't be read")?;
    runner.restore_counters(Kept::Taken).await.context("the counters of limits can't be read")?;
    let app = Arc::new(App {
        telemetry: Telemetry::new(&runner),
        runner: Arc::clone(&runner),
        db: db.clone(),
        vault,
        currency: Arc::clone(&config.currency),
        max_body_bytes: config.max_body_bytes,
        max_media_body_bytes: config.max_media_body_bytes,
        max_header_bytes: config.max_header_bytes,
        expose_platform: config.expose_platform,
        admin_token: config.admin_token.as_ref().map(AdminToken::new),
        assets: Arc::clone(&assets),
        links: config.links.clone(),
        replaying: Semaphore::new(1),
    });
    let stop = CancellationToken::new();
    let following = tokio::spawn({
        let (runner, stop) = (Arc::clone(&runner), stop.clone());
        async move {
            tokio::join!(
                runner.follow_catalog(&stop),
                runner.keep_health(&stop),
                runner.keep_probing(&stop),
                runner.work(&stop),
                runner.ask_about_jobs(&stop),
                runner.deliver_callbacks(&stop),
                keeper::keep_assets(&assets, &stop)
            )
        }
    });

    listener::serve(&config, api::router(app), &runner, asked_to_end()?).await?;

    stop.cancel();
    following.await.context("the catalogue's follower died")?;
    runner.settled().await.context("the last tasks could not be written; the next start ends them")?;
    node.leave(&db).await?;
    db.close().await;
    tracing::info!("Ended");
    Ok(())
}

/// What an operator set about runs.
#[must_use]
pub fn settings(config: &Config) -> Settings {
    Settings {
        currency: Arc::clone(&config.currency),
        caller_gone: config.caller_gone,
        checkpoint_every: config.checkpoint_every,
        finish_patience: config.finish_patience,
        max_in_flight: concurrent(Some(config.max_in_flight)),
        account_limits: concurrent(config.max_in_flight_per_account),
        queue_timeout: config.queue_timeout,
        keep_alive: config.keep_alive,
        max_recorded_answer_bytes: config.max_body_bytes,
        links: config.links.clone(),
        callback: config.callback.clone(),
    }
}

fn concurrent(limit: Option<NonZeroU32>) -> Arc<LimitSet> {
    Arc::new(LimitSet { concurrent: limit, ..LimitSet::default() })
}

/// The machine's name, for people.
fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").map_or_else(|_| "localhost".to_owned(), |name| name.trim().to_owned())
}

/// Ends with the first SIGTERM or SIGINT.
fn asked_to_end() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
