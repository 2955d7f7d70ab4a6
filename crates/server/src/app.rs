//! What all handlers share.

use std::sync::Arc;

use easyai_runner::Runner;
use easyai_store::Db;
use easyai_store::assets::{AssetStore, LinkTerms};
use easyai_store::vault::Vault;
use tokio::sync::Semaphore;

use crate::api::admin::AdminToken;
use crate::telemetry::Telemetry;

/// What all handlers share.
#[derive(Debug)]
pub struct App {
    /// Carries tasks.
    pub runner: Arc<Runner>,
    /// The database, for reading.
    pub db: Db,
    /// Hashes keys.
    pub vault: Arc<Vault>,
    /// What is counted.
    pub telemetry: Telemetry,
    /// The billing currency.
    pub currency: Arc<str>,
    /// The largest request body.
    pub max_body_bytes: usize,
    /// The largest body of a request that may bring files.
    pub max_media_body_bytes: usize,
    /// The largest request head.
    pub max_header_bytes: usize,
    /// Whether callers may see which platform served them.
    pub expose_platform: bool,
    /// What an operator sends to the admin API; without it that is off.
    pub admin_token: Option<AdminToken>,
    /// Where generated media are.
    pub assets: Arc<AssetStore>,
    /// On what terms links to them are given.
    pub links: LinkTerms,
    /// The right to replay: one at a time.
    pub replaying: Semaphore,
}
