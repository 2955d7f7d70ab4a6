//! `easyai apply`: a catalogue file against the database, as a diff; then applied.

use std::path::Path;

use easyai_store::catalog::{self, Change, Changed, Field, Plan};
use serde::Serialize;

use super::open::open;
use super::out::Out;
use super::paint::Paint;
use super::verdict::Verdict;
use crate::catalog_file;
use crate::config::Config;

/// Who changes the catalogue, for its history.
const ACTOR: &str = "easyai apply";

/// Whether anything is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Only shown.
    DryRun,
    /// Shown and done.
    Apply,
}

impl Mode {
    /// The mode that `--dry-run` chooses.
    #[must_use]
    pub const fn of(dry_run: bool) -> Self {
        if dry_run { Self::DryRun } else { Self::Apply }
    }
}

/// What came of it, for programs.
#[derive(Serialize)]
pub struct Outcome {
    applied: bool,
    revision: i64,
    warnings: Vec<String>,
    #[serde(flatten)]
    plan: Plan,
}

/// Applies the file, or shows what would change.
///
/// # Errors
/// If the file is wrong, or the database can't be read or written; then nothing was changed.
pub async fn apply(config: &Config, out: &Out, file: &Path, mode: Mode) -> anyhow::Result<Verdict> {
    let read = catalog_file::read_file(file)?;
    let (db, vault) = open(config).await?;
    let plan = match mode {
        Mode::DryRun => catalog::plan(&db, &vault, &read.declared).await?,
        Mode::Apply => catalog::apply(&db, &vault, &read.declared, ACTOR).await?,
    };
    Outcome::of(plan, mode, catalog::revision(&db).await?, read.warnings).show(out, mode, "the file")
}

impl Outcome {
    /// What came of a plan, carried out or not.
    #[must_use]
    pub fn of(plan: Plan, mode: Mode, revision: i64, warnings: Vec<String>) -> Self {
        let applied = mode == Mode::Apply && plan.conflicts.is_empty() && !plan.is_empty();
        Self { applied, revision, warnings, plan }
    }

    /// Prints it; `wanted` is what says how the catalogue should be.
    ///
    /// # Errors
    /// If it can't be printed.
    pub fn show(&self, out: &Out, mode: Mode, wanted: &str) -> anyhow::Result<Verdict> {
        out.show(self, |outcome| render(outcome, mode, wanted, out.paint))?;
        Ok(if self.plan.conflicts.is_empty() { Verdict::Good } else { Verdict::Bad })
    }
}

fn render(outcome: &Outcome, mode: Mode, wanted: &str, paint: Paint) -> String {
    let plan = &outcome.plan;
    let mut lines: Vec<String> = outcome.warnings.iter().map(|warning| paint.yellow(&format!("warning: {warning}"))).collect();
    lines.extend(plan.changes.iter().map(|change| change_lines(change, paint)));
    lines.extend(plan.conflicts.iter().map(|conflict| paint.red(&format!("conflict: {conflict}"))));
    let count = |changed| plan.changes.iter().filter(|change| change.change == changed).count();
    let counts = format!(
        "{} to create, {} to change, {} to remove, {} unchanged",
        count(Changed::Create),
        count(Changed::Update),
        count(Changed::Remove),
        plan.unchanged
    );
    lines.push(match (plan.conflicts.is_empty(), plan.is_empty(), mode) {
        (false, _, _) => paint.red("nothing was changed: resolve the conflicts first"),
        (true, true, _) => format!("no changes ({} objects are as {wanted} says)", plan.unchanged),
        (true, false, Mode::DryRun) => format!("dry run: {counts}; nothing was changed"),
        (true, false, Mode::Apply) => format!("applied as revision {}: {counts}", outcome.revision),
    });
    lines.join("\n")
}

/// One change: `~` and the object, then its fields.
pub fn change_lines(change: &Change, paint: Paint) -> String {
    let head = format!("{} \"{}\"", change.kind, change.name);
    match change.change {
        Changed::Create => {
            let fields = change.fields.iter().map(|field| format!("\n    + {}: {}", field.name, shown(field.after.as_deref())));
            paint.green(&format!("+ {head}{}", fields.collect::<String>()))
        }
        Changed::Update => {
            let fields = change.fields.iter().map(field_line);
            paint.yellow(&format!("~ {head}{}", fields.collect::<String>()))
        }
        Changed::Remove => paint.red(&format!("- {head}")),
    }
}

fn field_line(field: &Field) -> String {
    let name = &field.name;
    match (&field.before, &field.after) {
        (Some(before), Some(after)) => format!("\n    ~ {name}: {before} -> {after}"),
        (None, after) => format!("\n    + {name}: {}", shown(after.as_deref())),
        (before, None) => format!("\n    - {name}: {}", shown(before.as_deref())),
    }
}

fn shown(value: Option<&str>) -> &str {
    value.unwrap_or("(absent)")
}
