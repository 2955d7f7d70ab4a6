//! `easyai policy`: the policies in force for a model's candidates, each value with where it comes from.

mod text;

use std::sync::Arc;

use clap::Subcommand;
use easyai_core::catalog::{Catalog, Model, PlatformModel};
use easyai_core::id::RunnerPolicyId;
use easyai_core::policy::effective::{DefaultRow, EffectivePolicy, default_rows};
use easyai_store::catalog;
use serde::Serialize;

use super::open::open;
use super::out::Out;
use super::verdict::Verdict;
use crate::config::Config;
use crate::nearest;

/// What can be asked about policies.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// The policies in force for each candidate of a model: every value, and where it comes from
    Show {
        model: String,
        /// Only this platform's
        #[arg(long)]
        platform: Option<String>,
    },
}

/// What is shown.
#[derive(Serialize)]
struct Shown {
    model: Arc<str>,
    /// The version in force; none: nobody made one.
    runner_policy: Option<RunnerPolicyId>,
    candidates: Vec<EffectivePolicy>,
    /// What happens to failures that no rule matches.
    default_table: Vec<DefaultRow>,
}

/// Does what the command says.
///
/// # Errors
/// If there is no such model, or the platform does not offer it.
pub async fn run(config: &Config, out: &Out, command: PolicyCommand) -> anyhow::Result<Verdict> {
    let PolicyCommand::Show { model, platform } = command;
    let (db, vault) = open(config).await?;
    let catalog = catalog::load(&db, &vault).await?;
    let model = find(&catalog, &model)?;
    let mut offers = offers(model, platform.as_deref())?;
    offers.sort_by_key(|offer| (offer.priority.unwrap_or(offer.platform.priority), Arc::clone(&offer.platform.name)));
    let runner = &catalog.runner_policy;
    let shown = Shown {
        model: Arc::clone(&model.name),
        runner_policy: (!runner.id.uuid().is_nil()).then_some(runner.id),
        candidates: offers.into_iter().map(|offer| EffectivePolicy::of(offer, runner)).collect(),
        default_table: default_rows(),
    };
    out.show(&shown, |shown| text::render(&shown.candidates, &shown.default_table, out.paint))?;
    Ok(Verdict::Good)
}

fn find<'a>(catalog: &'a Catalog, name: &str) -> anyhow::Result<&'a Model> {
    let mut known: Vec<&str> = catalog.models.keys().map(AsRef::as_ref).collect();
    known.sort_unstable();
    let found = catalog.models.get(name).map(AsRef::as_ref);
    found.ok_or_else(|| anyhow::anyhow!("there is no model `{name}`{}", nearest::hint(name, known)))
}

fn offers<'a>(model: &'a Model, platform: Option<&str>) -> anyhow::Result<Vec<&'a PlatformModel>> {
    let all = || model.offers.iter().map(AsRef::as_ref);
    let Some(platform) = platform else { return Ok(all().collect()) };
    let found: Vec<&PlatformModel> = all().filter(|offer| *offer.platform.name == *platform).collect();
    let mut known: Vec<&str> = all().map(|offer| &*offer.platform.name).collect();
    known.sort_unstable();
    anyhow::ensure!(!found.is_empty(), "no platform `{platform}` offers `{}`{}", model.name, nearest::hint(platform, known));
    Ok(found)
}
