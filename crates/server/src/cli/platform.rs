//! `easyai platform`: who is used, who is not well, and the switches that a person has.

mod unwell;

use easyai_core::catalog::Enabled;
use easyai_core::health::Subject;
use easyai_core::id::PlatformId;
use easyai_store::catalog::{self, PlatformRow};
use easyai_store::{Db, candidate_state, now};
use serde::Serialize;

use super::PlatformCommand;
use super::open::open;
use super::out::{List, Out, table};
use super::verdict::Verdict;
use crate::config::Config;
use unwell::{State, Unwell};

/// Who switches, for the audit log.
const ACTOR: &str = "easyai platform";

#[derive(Serialize)]
struct PlatformView {
    id: PlatformId,
    name: String,
    provider: String,
    base_url: String,
    priority: i64,
    test_mode: bool,
    enabled: bool,
    /// Why a policy switched it off, if one did.
    switched_off: Option<String>,
    source: String,
    models: i64,
    /// What is the matter with it, its models and its credentials.
    unwell: Vec<Unwell>,
}

#[derive(Serialize)]
struct Switched {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    enabled: bool,
    changed: bool,
}

/// Does what the command says.
///
/// # Errors
/// If the platform does not exist or does not offer the model, or the database can't be used.
pub async fn run(config: &Config, out: &Out, command: PlatformCommand) -> anyhow::Result<Verdict> {
    let (db, _vault) = open(config).await?;
    let (name, model, enabled) = match command {
        PlatformCommand::List => {
            out.show(&List { data: list(&db).await? }, |list| platforms_table(&list.data))?;
            return Ok(Verdict::Good);
        }
        PlatformCommand::Enable { name, model } => (name, model, Enabled::Yes),
        PlatformCommand::Disable { name, model } => (name, model, Enabled::No),
    };
    let changed = match &model {
        Some(model) => catalog::set_platform_model_enabled(&db, &name, model, enabled, ACTOR).await?,
        None => catalog::set_platform_enabled(&db, &name, enabled, ACTOR).await?,
    };
    let switched = Switched { name, model, enabled: enabled == Enabled::Yes, changed };
    out.show(&switched, |switched| {
        let state = if switched.enabled { "enabled" } else { "disabled" };
        let already = if switched.changed { "" } else { " already" };
        let model = switched.model.as_ref().map(|model| format!("model \"{model}\" at ")).unwrap_or_default();
        format!("{model}platform \"{}\" is {state}{already}", switched.name)
    })?;
    Ok(Verdict::Good)
}

async fn list(db: &Db) -> anyhow::Result<Vec<PlatformView>> {
    let conditions = candidate_state::load(db).await?;
    let (models, credentials) = (catalog::list_platform_models(db).await?, catalog::list_credentials(db).await?);
    let view = |row: PlatformRow| {
        let unwell = unwell::of(row.id, &models, &credentials, &conditions, now());
        PlatformView::of(row, unwell)
    };
    Ok(catalog::list_platforms(db).await?.into_iter().map(view).collect())
}

impl PlatformView {
    fn of(row: PlatformRow, unwell: Vec<Unwell>) -> Self {
        let own = unwell.iter().find(|found| found.subject == Subject::Platform(row.id) && found.state == State::SwitchedOff);
        let switched_off = own.map(|off| off.reason.clone());
        let (name, PlatformRow { id, provider, base_url, priority, test_mode, enabled, source, models, .. }) = (row.name.to_string(), row);
        Self { id, name, provider, base_url, priority, test_mode, enabled, switched_off, source, models, unwell }
    }
}

fn platforms_table(platforms: &[PlatformView]) -> String {
    let rows = platforms.iter().map(|platform| {
        let state = match (platform.enabled, &platform.switched_off, platform.test_mode) {
            (false, _, _) => "disabled",
            (true, Some(_), _) => "switched off",
            (true, None, true) => "test mode",
            (true, None, false) => "enabled",
        };
        let (priority, models) = (platform.priority.to_string(), platform.models.to_string());
        let (name, provider, base_url) = (platform.name.clone(), platform.provider.clone(), platform.base_url.clone());
        [name, provider, base_url, priority, models, state.to_owned(), platform.source.clone()]
    });
    let head = ["name", "provider", "base URL", "priority", "models", "state", "owner"];
    let all = table(head, rows, "no platforms yet: `easyai apply -f catalog.toml` brings them");
    let unwell: Vec<[String; 5]> =
        platforms.iter().flat_map(|platform| platform.unwell.iter().map(|found| found.row(&platform.name))).collect();
    if unwell.is_empty() {
        return all;
    }
    let unwell = table(["platform", "what", "state", "until (UTC)", "why"], unwell, "");
    format!("{all}\n\n{unwell}\n`easyai platform enable NAME [--model MODEL]` brings back what was switched off")
}
