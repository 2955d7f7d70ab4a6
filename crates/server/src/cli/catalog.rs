//! `easyai catalog`: what was applied when, what changed, and an earlier catalogue again.

use clap::Subcommand;
use easyai_core::time::Timestamp;
use easyai_store::catalog::{self, Changed, Document, Plan, Revision};
use serde::Serialize;

use super::apply::{Mode, Outcome, change_lines};
use super::open::open;
use super::out::{List, Out, table};
use super::paint::Paint;
use super::verdict::Verdict;
use crate::config::Config;

/// Names of objects that a line about a revision has room for.
const NAMED: usize = 4;

/// What can be done with the catalogue's history.
#[derive(Debug, Subcommand)]
pub enum CatalogCommand {
    /// The catalogues that were applied, the latest first
    Revisions {
        /// Catalogues shown
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
    },
    /// What changed from one revision to another
    Diff { before: i64, after: i64 },
    /// What a revision holds, without secrets; the latest if none is named
    Show { revision: Option<i64> },
    /// Make the catalogue what it was, with the secrets that are still stored; shows what changes
    Restore {
        revision: i64,
        /// Only show what would change
        #[arg(long)]
        dry_run: bool,
    },
}

/// A revision in a list.
#[derive(Serialize)]
struct RevisionView {
    revision: i64,
    created_at: Timestamp,
    actor: String,
    source: String,
    created: usize,
    changed: usize,
    removed: usize,
    objects: Vec<String>,
}

/// Does what the command says.
///
/// # Errors
/// If there is no such revision, or a secret of it is not stored any more.
pub async fn run(config: &Config, out: &Out, command: CatalogCommand) -> anyhow::Result<Verdict> {
    let (db, vault) = open(config).await?;
    match command {
        CatalogCommand::Revisions { limit } => {
            let revisions = catalog::revisions(&db, limit).await?;
            let list = List { data: revisions.into_iter().map(|(revision, plan)| RevisionView::of(revision, &plan)).collect() };
            out.show(&list, |list| revisions_table(&list.data))?;
        }
        CatalogCommand::Diff { before, after } => {
            let plan = catalog::difference(&db, before, after).await?;
            out.show(&plan, |plan| difference(plan, out.paint))?;
        }
        CatalogCommand::Show { revision } => {
            let document = catalog::revision_document(&db, revision).await?;
            out.show(&document, |document| contents(document, out.paint))?;
        }
        CatalogCommand::Restore { revision, dry_run } => {
            let mode = Mode::of(dry_run);
            let plan = match mode {
                Mode::DryRun => catalog::plan_restore(&db, &vault, revision).await?,
                Mode::Apply => catalog::restore(&db, &vault, revision, &format!("easyai catalog restore {revision}")).await?,
            };
            let outcome = Outcome::of(plan, mode, catalog::revision(&db).await?, Vec::new());
            return outcome.show(out, mode, &format!("revision {revision}"));
        }
    }
    Ok(Verdict::Good)
}

impl RevisionView {
    fn of(revision: Revision, plan: &Plan) -> Self {
        let Revision { revision, created_at, actor, source } = revision;
        let count = |changed| plan.changes.iter().filter(|change| change.change == changed).count();
        Self {
            revision,
            created_at,
            actor,
            source,
            created: count(Changed::Create),
            changed: count(Changed::Update),
            removed: count(Changed::Remove),
            objects: plan.changes.iter().map(|change| format!("{} {}", change.kind, change.name)).collect(),
        }
    }

    /// What changed in one line: `+1 ~2 -0: platform primary, model gpt`.
    fn line(&self) -> String {
        let counts = format!("+{} ~{} -{}", self.created, self.changed, self.removed);
        let named: Vec<&str> = self.objects.iter().take(NAMED).map(String::as_str).collect();
        match self.objects.len().checked_sub(NAMED).filter(|more| *more > 0) {
            Some(more) => format!("{counts}: {} and {more} more", named.join(", ")),
            None if named.is_empty() => counts,
            None => format!("{counts}: {}", named.join(", ")),
        }
    }
}

fn revisions_table(revisions: &[RevisionView]) -> String {
    let rows = revisions.iter().map(|revision| {
        let RevisionView { revision: number, created_at, actor, source, .. } = revision;
        [number.to_string(), created_at.to_string(), actor.clone(), source.clone(), revision.line()]
    });
    let empty = "no catalogue was applied yet: `easyai apply -f catalog.toml` brings one";
    table(["revision", "time (UTC)", "by", "source", "changed"], rows, empty)
}

fn difference(plan: &Plan, paint: Paint) -> String {
    if plan.is_empty() {
        return format!("no difference ({} objects are the same)", plan.unchanged);
    }
    plan.changes.iter().map(|change| change_lines(change, paint)).collect::<Vec<_>>().join("\n")
}

fn contents(document: &Document, paint: Paint) -> String {
    let Revision { revision, created_at, actor, source } = &document.revision;
    let mut lines = vec![paint.bold(&format!("revision {revision}, {created_at}, by {actor} ({source})"))];
    for change in &document.made.changes {
        lines.push(format!("{} \"{}\"", change.kind, change.name));
        lines.extend(change.fields.iter().map(|field| format!("    {}: {}", field.name, field.after.as_deref().unwrap_or_default())));
    }
    lines.join("\n")
}
