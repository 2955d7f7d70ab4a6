//! `easyai replay`: what a draft would have done to recorded tasks.

mod text;

use std::path::Path;

use anyhow::Context;
use easyai_core::catalog::Catalog;
use easyai_core::replay::{Draft, Seed};
use easyai_store::history::Span;
use easyai_store::{accounts, catalog};

use super::ReplayArgs;
use super::bar::Bar;
use super::open::open;
use super::out::Out;
use super::verdict::Verdict;
use crate::config::Config;
use crate::replay::{Plan, Progress, read_draft};

/// The largest draft that is read: as large as a catalogue.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// Replays, and shows what would change.
///
/// # Errors
/// If the draft is wrong, the account does not exist, or the history can't be read.
pub async fn run(config: &Config, out: &Out, args: ReplayArgs) -> anyhow::Result<Verdict> {
    let (db, vault) = open(config).await?;
    let today = catalog::load(&db, &vault).await?;
    let draft = args.policy.as_deref().map(|path| draft(path, &today)).transpose()?.unwrap_or_default();
    let account = match args.account {
        Some(name) => Some(accounts::find(&db, &name).await?.id),
        None => None,
    };
    let plan = Plan {
        span: Span { since: args.since, until: args.until, model: args.model, account },
        draft,
        seed: Seed(args.seed),
        differences: args.differences,
        most_tasks: None,
    };
    let mut bar = Bar::default();
    let outcome = crate::replay::run(&db, &today, &plan, |progress| bar.show(progress.thousandths, || told(progress))).await?;
    bar.end();
    out.show(&outcome, |outcome| text::render(outcome, &config.currency, out.paint))?;
    Ok(Verdict::Good)
}

fn draft(path: &Path, today: &Catalog) -> anyhow::Result<Draft> {
    let name = path.display().to_string();
    let size = std::fs::metadata(path).with_context(|| format!("{name} can't be read"))?.len();
    anyhow::ensure!(size <= MAX_FILE_BYTES, "{name} is larger than {MAX_FILE_BYTES} bytes: it can't be a draft");
    let text = std::fs::read_to_string(path).with_context(|| format!("{name} can't be read"))?;
    read_draft(&name, &text, today).map_err(anyhow::Error::msg)
}

fn told(progress: Progress) -> String {
    if progress.tasks == 0 { "learning".to_owned() } else { format!("{} tasks", progress.tasks) }
}
