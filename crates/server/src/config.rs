//! placeholder config (the CLI engineer's file replaces it)
use std::net::SocketAddr; use std::num::NonZeroU32; use std::path::PathBuf; use std::sync::Arc; use std::time::Duration; use secrecy::SecretString;
#[derive(Debug, Clone, Copy)]
pub enum LogFormat { Text, Json }
#[derive(Debug, Clone)]
pub struct Config { pub listen: SocketAddr, pub data_dir: PathBuf, pub database: easyai_store::DatabaseUrl, pub master_key: Option<SecretString>, pub currency: Arc<str>, pub max_body_bytes: usize, pub max_header_bytes: usize, pub header_timeout: Duration, pub max_in_flight: NonZeroU32, pub max_in_flight_per_account: Option<NonZeroU32>, pub drain: Duration, pub finish_patience: Duration, pub checkpoint_every: Duration, pub caller_gone: easyai_runner::settings::CallerGone, pub expose_platform: bool, pub proxy: Option<SecretString>, pub log_level: String, pub log_format: LogFormat }
