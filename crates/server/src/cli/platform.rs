//! `easyai platform`: who is used, and the switch that a person has.

use easyai_core::catalog::Enabled;
use easyai_core::health::{Condition, Subject};
use easyai_core::id::PlatformId;
use easyai_store::candidate_state;
use easyai_store::catalog::{self, PlatformRow};
use serde::Serialize;

use super::PlatformCommand;
use super::open::open;
use super::out::{List, Out, table};
use super::verdict::Verdict;
use crate::config::Config;

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
}

#[derive(Serialize)]
struct Switched {
    name: String,
    enabled: bool,
    changed: bool,
}

/// Does what the command says.
///
/// # Errors
/// If the platform does not exist, or the database can't be used.
pub async fn run(config: &Config, out: &Out, command: PlatformCommand) -> anyhow::Result<Verdict> {
    let (db, _vault) = open(config).await?;
    let (name, enabled) = match command {
        PlatformCommand::List => {
            let conditions = candidate_state::load(&db).await?;
            let rows = catalog::list_platforms(&db).await?;
            let list = List { data: rows.into_iter().map(|row| PlatformView::of(row, &conditions)).collect() };
            out.show(&list, |list| platforms_table(&list.data, models_off(&conditions)))?;
            return Ok(Verdict::Good);
        }
        PlatformCommand::Enable { name } => (name, Enabled::Yes),
        PlatformCommand::Disable { name } => (name, Enabled::No),
    };
    let changed = catalog::set_platform_enabled(&db, &name, enabled, ACTOR).await?;
    let switched = Switched { name, enabled: enabled == Enabled::Yes, changed };
    out.show(&switched, |switched| {
        let state = if switched.enabled { "enabled" } else { "disabled" };
        let already = if switched.changed { "" } else { " already" };
        format!("platform \"{}\" is {state}{already}", switched.name)
    })?;
    Ok(Verdict::Good)
}

impl PlatformView {
    fn of(row: PlatformRow, conditions: &[(Subject, Condition)]) -> Self {
        let own = conditions.iter().find(|(subject, _)| *subject == Subject::Platform(row.id));
        let switched_off = own.and_then(|(_, condition)| condition.disabled.as_ref()).map(|off| off.reason.to_string());
        let (name, PlatformRow { id, provider, base_url, priority, test_mode, enabled, source, models, .. }) = (row.name.to_string(), row);
        Self { id, name, provider, base_url, priority, test_mode, enabled, switched_off, source, models }
    }
}

fn models_off(conditions: &[(Subject, Condition)]) -> usize {
    let off = |(subject, condition): &&(Subject, Condition)| matches!(subject, Subject::PlatformModel(_)) && condition.disabled.is_some();
    conditions.iter().filter(off).count()
}

/// `off` platform models were switched off by policies.
fn platforms_table(platforms: &[PlatformView], off: usize) -> String {
    let rows = platforms.iter().map(|platform| {
        let state = match (platform.enabled, &platform.switched_off, platform.test_mode) {
            (false, _, _) => "disabled".to_owned(),
            (true, Some(reason), _) => format!("switched off: {reason}"),
            (true, None, true) => "test mode".to_owned(),
            (true, None, false) => "enabled".to_owned(),
        };
        let (priority, models) = (platform.priority.to_string(), platform.models.to_string());
        [platform.name.clone(), platform.provider.clone(), platform.base_url.clone(), priority, models, state, platform.source.clone()]
    });
    let head = ["name", "provider", "base URL", "priority", "models", "state", "owner"];
    let table = table(head, rows, "no platforms yet: `easyai apply -f catalog.toml` brings them");
    if off == 0 {
        return table;
    }
    format!(
        "{table}\n{off} platform models were switched off by policies: `easyai platform enable NAME` of their platform brings them back"
    )
}
