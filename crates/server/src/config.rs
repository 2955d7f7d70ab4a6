//! What an operator may set: by flag, by `EASYAI_…` variable, or in the file of `--config`. A flag goes before the environment, the
//! environment before the file.
//!
//! A setting that can't be read stops the program before it does anything, with its name, where it came from and what to write.

mod assets;
mod source;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use easyai_clients::{PrivateAddresses, callback_host};
use easyai_core::delivery::{CallbackTarget, EventNames, Receiver};
use easyai_runner::settings::CallerGone;
use easyai_store::DatabaseUrl;
use easyai_store::assets::{AssetSettings, LinkTerms};
use secrecy::SecretString;

pub use source::{Flags, Given};

easyai_core::words! {
    /// How log lines are written.
    pub enum LogFormat as "log format" {
        /// For people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}

easyai_core::words! {
    /// What a caller's going does, as it is written.
    enum Gone as "way to treat the upstream of a caller that is gone" {
        /// Cancels the upstream.
        Cancel = "cancel",
        /// Reads it to its end.
        Drain = "drain",
    }
}

/// Everything that can be set. `easyai.example.toml` has each with its default and why.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where files are: the database, the master key.
    pub data_dir: PathBuf,
    /// The address that is served.
    pub listen: SocketAddr,
    /// The database.
    pub database: DatabaseUrl,
    /// The master key, if it is not the file in the data folder. From the environment alone.
    pub master_key: Option<SecretString>,
    /// The gateway's one billing currency.
    pub currency: Arc<str>,
    /// The outbound proxy of platforms that have none of their own.
    pub proxy: Option<SecretString>,
    /// Whether addresses that callers or upstreams choose may lead into our own network.
    pub egress_allow_private: bool,
    /// A filter such as `info` or `info,easyai_runner=debug`.
    pub log_level: String,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// The largest request body.
    pub max_body_bytes: usize,
    /// The largest body of a request that may bring files: images, sound.
    pub max_media_body_bytes: usize,
    /// The largest request head.
    pub max_header_bytes: usize,
    /// How long a request head may take to arrive.
    pub header_timeout: Duration,
    /// Calls under way at once, all together.
    pub max_in_flight: NonZeroU32,
    /// Calls under way at once for each account, if that is limited.
    pub max_in_flight_per_account: Option<NonZeroU32>,
    /// How long a call waits for a limit that says nothing about it.
    pub queue_timeout: Duration,
    /// How often a comment tells the caller of a stream that its upstream still thinks.
    pub keep_alive: Duration,
    /// How long running calls may take to end after a signal.
    pub drain: Duration,
    /// What to do with the upstream when the caller is gone.
    pub caller_gone: CallerGone,
    /// How often a stream's delivery is written down.
    pub checkpoint_every: Duration,
    /// How long an answer waits for its settlement.
    pub finish_patience: Duration,
    /// Whether callers may see which platform served them.
    pub expose_platform: bool,
    /// What an operator sends to the admin API; without it that is off.
    pub admin_token: Option<SecretString>,
    /// Who is told the events of all tasks.
    pub callback: Option<Arc<CallbackTarget>>,
    /// How generated media are kept.
    pub assets: AssetSettings,
    /// On what terms links to them are given.
    pub links: LinkTerms,
}

impl Config {
    /// The settings of this process: `flags`, then the environment, then the file of `--config` or `EASYAI_CONFIG`.
    ///
    /// # Errors
    /// One line for each setting that is wrong.
    pub fn load(flags: Flags) -> anyhow::Result<Self> {
        Self::read(Given::gather(flags, std::env::vars_os())?)
    }

    fn read(mut given: Given) -> anyhow::Result<Self> {
        let data: PathBuf = given.text("data").map_or_else(|| PathBuf::from("data"), PathBuf::from);
        let ms = |given: &mut Given, name, default, range| Duration::from_millis(given.number(name, default, range));
        let config = Self {
            listen: given.parsed("listen", "an address such as 127.0.0.1:8080").unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
            database: given
                .parsed("database_url", "sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/NAME")
                .unwrap_or_else(|| DatabaseUrl::Sqlite(data.join("easyai.db"))),
            master_key: given.text("master_key").map(SecretString::from),
            currency: currency(&mut given),
            proxy: proxy(&mut given),
            egress_allow_private: given.parsed("egress_allow_private", "true or false").unwrap_or(false),
            log_level: given.text("log_level").unwrap_or_else(|| "info".to_owned()),
            log_format: given.parsed("log_format", "text or json").unwrap_or(LogFormat::Text),
            max_body_bytes: size(given.number("max_body_bytes", 32 * MIB, KIB..=GIB)),
            max_media_body_bytes: size(given.number("max_media_body_bytes", 128 * MIB, KIB..=GIB)),
            max_header_bytes: size(given.number("max_header_bytes", 64 * KIB, 8 * KIB..=MIB)),
            header_timeout: ms(&mut given, "header_timeout_ms", 10_000, 100..=600_000),
            max_in_flight: count(given.number("max_in_flight", 4_096, 1..=1_000_000)),
            max_in_flight_per_account: given.optional_number("max_in_flight_per_account", 1..=1_000_000).map(count),
            queue_timeout: ms(&mut given, "queue_timeout_ms", 0, 0..=600_000),
            keep_alive: ms(&mut given, "keep_alive_ms", 15_000, 0..=600_000),
            drain: Duration::from_secs(given.number("drain_seconds", 30, 0..=3_600)),
            caller_gone: caller_gone(given.parsed("caller_gone", "cancel or drain")),
            checkpoint_every: ms(&mut given, "checkpoint_ms", 2_000, 100..=60_000),
            finish_patience: ms(&mut given, "finish_patience_ms", 10_000, 100..=600_000),
            expose_platform: given.parsed("expose_platform", "true or false").unwrap_or(false),
            admin_token: admin_token(&mut given),
            callback: callback(&mut given),
            assets: assets::settings(&mut given, &data),
            links: assets::links(&mut given),
            data_dir: data,
        };
        given.finish()?;
        Ok(config)
    }
}

impl Config {
    /// Where addresses that callers or upstreams choose may lead.
    #[must_use]
    pub const fn private_addresses(&self) -> PrivateAddresses {
        if self.egress_allow_private { PrivateAddresses::Allowed } else { PrivateAddresses::Refused }
    }
}

/// 16 random letters and digits are 95 bits.
const MIN_ADMIN_TOKEN: usize = 16;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

/// A number of bytes; the ranges above fit any machine.
fn size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// A number from 1; the ranges above begin there.
fn count(number: u64) -> NonZeroU32 {
    u32::try_from(number).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN)
}

fn caller_gone(given: Option<Gone>) -> CallerGone {
    match given {
        None => CallerGone::default(),
        Some(Gone::Cancel) => CallerGone::Cancel,
        Some(Gone::Drain) => CallerGone::Drain,
    }
}

fn currency(given: &mut Given) -> Arc<str> {
    let Some(text) = given.text("currency") else { return "USD".into() };
    if text.len() != 3 || !text.bytes().all(|letter| letter.is_ascii_uppercase()) {
        given.wrong("currency", &text, "three capital letters such as USD");
    }
    text.into()
}

/// Whoever has it may do everything: it must not be guessed.
fn admin_token(given: &mut Given) -> Option<SecretString> {
    let text = given.text("admin_token")?;
    if text.len() < MIN_ADMIN_TOKEN || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        given.wrong(
            "admin_token",
            "(not shown)",
            &format!("at least {MIN_ADMIN_TOKEN} letters, digits and signs without spaces, at random"),
        );
    }
    Some(SecretString::from(text))
}

/// The operator's own receiver: it may be anywhere.
fn callback(given: &mut Given) -> Option<Arc<CallbackTarget>> {
    let listed = given.text("callback_events");
    let events = listed.as_deref().map(|listed| EventNames::read(listed.split(',')));
    let events = match (events, listed) {
        (Some(Err(bad)), Some(listed)) => {
            given.wrong("callback_events", &listed, &format!("names of events, separated by commas ({bad})"));
            None
        }
        (Some(Ok(events)), _) => events,
        (None | Some(Err(_)), _) => None,
    };
    let url = given.text("callback_url")?;
    match callback_host(&url, PrivateAddresses::Allowed) {
        Ok(host) => Some(Arc::new(CallbackTarget { receiver: Receiver::Gateway, url: url.into(), host: host.into(), events })),
        Err(bad) => {
            // Its query may hold a token.
            given.wrong("callback_url", "(not shown)", &format!("the URL of your receiver: {bad}"));
            None
        }
    }
}

fn proxy(given: &mut Given) -> Option<SecretString> {
    let text = given.text("proxy").filter(|text| text != "none")?;
    let known = ["http://", "https://", "socks5://", "socks5h://"].iter().any(|scheme| text.starts_with(scheme));
    if !known || text.parse::<http::Uri>().is_err() {
        given.wrong("proxy", "(not shown)", "a URL that begins with http://, https://, socks5:// or socks5h://, or none");
    }
    Some(SecretString::from(text))
}
