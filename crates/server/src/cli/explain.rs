//! `easyai explain`: what would be done with a request, for a person.
//!
//! It reads the database: the catalogue, wallets, how candidates are, and the counters of limits as a gateway that ended left them. Those of
//! one that serves live in its memory: `POST /api/v1/explain` there knows them to the call.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use axum::http::HeaderMap;
use easyai_clients::Clients;
use easyai_core::catalog::{Catalog, KeyHash};
use easyai_core::explain::{Explained, Explanation, LimitNote};
use easyai_core::id::{KeyId, NodeId};
use easyai_runner::{Caller, Kept, Parts, Runner, clock};
use easyai_store::Journal;
use easyai_store::assets::AssetStore;

use super::open::open;
use super::out::Out;
use super::paint::Paint;
use super::verdict::Verdict;
use crate::api::error::ApiError;
use crate::api::explain::{ExplainQuery, scan};
use crate::api::text::ask;
use crate::config::Config;

/// Explains the request in `file` (`-` is standard input) as asked by a key of `account`.
///
/// # Errors
/// If the request, the account or a key can't be read.
pub async fn run(
    config: &Config,
    out: &Out,
    file: &Path,
    query: &ExplainQuery,
    account: &str,
    key: Option<KeyId>,
) -> anyhow::Result<Verdict> {
    let body = read(file)?;
    let (db, vault) = open(config).await?;
    let journal = Journal::start(&db)?;
    let clients = Clients::new(config.proxy.clone())?;
    let (node, vault) = (NodeId::from_uuid(clock::new_id()), Arc::new(vault));
    let assets = Arc::new(AssetStore::open(&db, &config.assets).await?);
    let parts = Parts { settings: crate::serve::settings(config), node, db: db.clone(), journal, vault, clients, assets };
    let runner = Runner::start(parts).await.context("the catalogue can't be read")?;
    runner.restore_counters(Kept::Left).await?;
    let catalog = runner.catalog();
    let hash = key_of(&catalog, account, key)?;
    let caller = Caller::find(&catalog, &hash, clock::now()).map_err(|why| anyhow::anyhow!("the key can't be used: {why}"))?;
    let said = |error: ApiError| anyhow::anyhow!("{}: {}", file.display(), error.message);
    let request = scan(query, body.into()).map_err(said)?;
    let ask = ask::read(&caller, HeaderMap::new(), request).map_err(said)?;
    let wallet = easyai_store::ledger::wallet(&db, caller.account.id).await?.unwrap_or_default();
    let explanation = runner.explain(&ask).with_wallet(wallet.available(), &config.currency);
    out.show(&explanation, |explanation| render(explanation, &config.currency, out.paint))?;
    Ok(Verdict::Good)
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    if file == Path::new("-") {
        let mut body = Vec::new();
        std::io::stdin().lock().read_to_end(&mut body).context("standard input can't be read")?;
        return Ok(body);
    }
    std::fs::read(file).with_context(|| format!("{} can't be read", file.display()))
}

/// The hash of the asked key, or of any of the account's keys that is not revoked.
fn key_of(catalog: &Catalog, account: &str, key: Option<KeyId>) -> anyhow::Result<KeyHash> {
    let Some(account) = catalog.accounts.values().find(|known| &*known.name == account) else {
        bail!("there is no account \"{account}\": `easyai account list` shows all");
    };
    let usable = catalog.keys.iter().filter(|(_, known)| known.account == account.id && known.revoked_at.is_none());
    let mut usable: Vec<_> = usable.filter(|(_, known)| key.is_none_or(|key| known.id == key)).collect();
    usable.sort_by_key(|(_, known)| known.id);
    match usable.first() {
        Some((hash, _)) => Ok(**hash),
        None => bail!("the account \"{}\" has no such key: `easyai key list --account {0}` shows all", account.name),
    }
}

/// The explanation for a person.
#[must_use]
pub fn render(explanation: &Explanation, currency: &str, paint: Paint) -> String {
    let mut lines = vec![paint.bold(&format!("What would be done with a request for {}", explanation.model))];
    if let Some(refused) = &explanation.refused {
        lines.push(paint.red(&format!("  refused with {}: {}", refused.code, refused.message)));
    }
    lines.push(String::new());
    lines.push(paint.bold("Candidates"));
    for (index, candidate) in explanation.candidates.iter().enumerate() {
        lines.extend(told(index + 1, candidate, currency));
    }
    if explanation.candidates.is_empty() {
        lines.push("  none".to_owned());
    }
    lines.extend(explanation.left_out.iter().map(|left| paint.yellow(&format!("  -  left out: {} [{}]", left.message, left.reason))));
    if let Some(hold) = &explanation.hold {
        let wallet = hold.available.map(|available| format!("; the wallet has {available}")).unwrap_or_default();
        lines.push(String::new());
        lines.push(paint.bold("Hold"));
        let media = hold.media.map(|media| format!(" and {media}")).unwrap_or_default();
        lines.push(format!(
            "  {} {currency} for {} tokens in and {} out{media}, prices times {}{wallet}",
            hold.amount, hold.input_tokens, hold.output_tokens, hold.multiplier
        ));
    }
    if !explanation.limits.is_empty() {
        lines.push(String::new());
        lines.push(paint.bold("Limits of the caller"));
        lines.extend(explanation.limits.iter().map(limit));
    }
    lines.push(String::new());
    lines.push(paint.bold("Policy"));
    lines.push(format!(
        "  runner policy {}: at most {} platforms, nothing begins after {} s",
        explanation.runner_policy, explanation.max_platforms, explanation.max_duration_seconds
    ));
    lines.join("\n")
}

fn told(number: usize, candidate: &Explained, currency: &str) -> Vec<String> {
    let last = if candidate.last_resort { ", as a last resort" } else { "" };
    let fallback = candidate.fallback_model.as_ref().map(|model| format!(", for the fallback model {model}")).unwrap_or_default();
    let media = candidate.media.map(|media| format!(" for {media}")).unwrap_or_default();
    let estimate = candidate.estimate.map(|estimate| format!("estimate {estimate} {currency}{media}")).unwrap_or_default();
    let cost = candidate.cost_estimate.map(|cost| format!(", cost {cost}")).unwrap_or_default();
    let mut lines = vec![
        format!(
            "  {number}. {} ({}), priority {}, weight {}{last}{fallback}",
            candidate.platform, candidate.upstream_name, candidate.priority, candidate.weight
        ),
        format!("     {}; {estimate}{cost}; at most {} attempts", candidate.health, candidate.max_attempts),
    ];
    if candidate.credentials.len() > 1 {
        lines.extend(candidate.credentials.iter().map(|credential| format!("     credential {}: {}", credential.name, credential.health)));
    }
    lines.extend(candidate.limits.iter().map(|note| format!("   {}", limit(note))));
    lines
}

fn limit(note: &LimitNote) -> String {
    let full = if note.full { ": this request does not fit now" } else { "" };
    let shadow = if note.shadow { " (only measured)" } else { "" };
    format!("  {}: {} of {} {} left, {} asked{full}{shadow}", note.scope, note.remaining, note.limit, note.kind, note.asked)
}
