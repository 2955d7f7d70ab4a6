//! `easyai task`: what was asked, and why it went as it did.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use easyai_core::event::Event;
use easyai_core::id::{AccountId, TaskId};
use easyai_core::pricing::Bill;
use easyai_core::run_trace::RunTrace;
use easyai_core::task::TaskStatus;
use easyai_store::journal::AttemptRow;
use easyai_store::tasks::{self, Filter, TaskRow};
use easyai_store::{Db, accounts};
use serde::Serialize;
use serde_json::value::RawValue;

use super::TaskFilter;
use super::bar::Bar;
use super::open::open;
use super::out::{Out, table};
use super::timeline;
use super::verdict::Verdict;
use crate::api::tasks::TaskView;
use crate::config::Config;

/// How often a task is looked at that is being watched.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A page of tasks, for programs: as the API shows it, with the account.
#[derive(Serialize)]
struct Page {
    data: Vec<Entry>,
    next_cursor: Option<TaskId>,
}

#[derive(Serialize)]
struct Entry {
    account: String,
    #[serde(flatten)]
    task: TaskView,
}

/// Everything about one task, for programs.
#[derive(Serialize)]
struct Detail {
    #[serde(flatten)]
    entry: Entry,
    bill: Option<Bill>,
    attempt_history: Vec<AttemptView>,
    events: Vec<Event>,
    /// Verbatim, as it was kept.
    trace: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct AttemptView {
    number: u32,
    id: String,
    platform: Arc<str>,
    platform_model: String,
    status: &'static str,
    category: Option<&'static str>,
    http_status: Option<u16>,
    code: Option<String>,
    message: Option<String>,
    upstream_request_id: Option<String>,
    started_at: easyai_core::time::Timestamp,
    first_delta_ms: Option<u64>,
    duration_ms: Option<u64>,
}

/// Everything about one task, as it was read.
#[derive(Debug)]
pub struct Story {
    pub account: String,
    pub task: TaskRow,
    pub attempts: Vec<AttemptRow>,
    pub events: Vec<Event>,
    pub trace: Option<RunTrace>,
}

/// Lists tasks.
///
/// # Errors
/// If the account does not exist, or the database can't be read.
pub async fn list(config: &Config, out: &Out, given: TaskFilter) -> anyhow::Result<Verdict> {
    let (db, _vault) = open(config).await?;
    let account = match given.account {
        Some(name) => Some(accounts::find(&db, &name).await?.id),
        None => None,
    };
    let filter = Filter { account, status: given.status, model: given.model, kind: given.kind, since: given.since, until: given.until };
    let page = tasks::list(&db, &filter, given.cursor, given.limit).await?;
    let names = names(&db).await?;
    let text = tasks_table(&page.tasks, &names, &config.currency);
    let data = page.tasks.into_iter().map(|row| entry(row, &names, config)).collect();
    out.show(&Page { data, next_cursor: page.next }, |page| match page.next_cursor {
        Some(next) => format!("{text}\nmore: --cursor {next}"),
        None => text,
    })?;
    Ok(Verdict::Good)
}

/// Shows one task.
///
/// # Errors
/// If it does not exist, or the database can't be read.
pub async fn show(config: &Config, out: &Out, id: TaskId) -> anyhow::Result<Verdict> {
    let (db, _vault) = open(config).await?;
    let task = tasks::get(&db, id).await?.with_context(|| format!("the task {id} does not exist"))?;
    let names = names(&db).await?;
    let (attempts, events) = (tasks::attempts(&db, id).await?, tasks::events_of(&db, &task, 1, &config.currency).await?);
    let text = tasks::trace(&db, id).await?;
    // A trace of another version is still shown to programs; a person gets the rest of the story.
    let trace = text.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let raw = text.and_then(|text| RawValue::from_string(text).ok());
    let detail = Detail {
        bill: task.bill.clone(),
        entry: entry(task.clone(), &names, config),
        attempt_history: attempts.iter().map(AttemptView::of).collect(),
        events: events.clone(),
        trace: raw,
    };
    let story = Story { account: name(&names, task.account_id), task, attempts, events, trace };
    out.show(&detail, |_| timeline::render(&story, &config.currency, out.paint))?;
    Ok(Verdict::Good)
}

/// Follows a task to its end, then shows it.
///
/// # Errors
/// If it does not exist, or the database can't be read.
pub async fn watch(config: &Config, out: &Out, id: TaskId) -> anyhow::Result<Verdict> {
    let (db, _vault) = open(config).await?;
    let mut bar = Bar::default();
    let task = loop {
        let task = tasks::get(&db, id).await?.with_context(|| format!("the task {id} does not exist"))?;
        if task.status.is_terminal() {
            break task;
        }
        let last = tasks::events_of(&db, &task, 1, &config.currency).await?.pop();
        if let Some(last) = last {
            bar.show(u64::from(last.progress.hundredths()) * 10, || format!("{}: {}", task.status, last.message));
        }
        // Another process works on it: nobody can tell this one.
        tokio::time::sleep(LOOK_EVERY).await;
    };
    bar.end();
    show(config, out, id).await?;
    Ok(if task.status == TaskStatus::Succeeded { Verdict::Good } else { Verdict::Bad })
}

/// Names of all accounts: what people know them by.
async fn names(db: &Db) -> anyhow::Result<HashMap<AccountId, Arc<str>>> {
    Ok(accounts::list(db).await?.into_iter().map(|account| (account.id, account.name)).collect())
}

fn name(names: &HashMap<AccountId, Arc<str>>, account: AccountId) -> String {
    names.get(&account).map_or_else(|| account.to_string(), ToString::to_string)
}

fn entry(row: TaskRow, names: &HashMap<AccountId, Arc<str>>, config: &Config) -> Entry {
    Entry { account: name(names, row.account_id), task: TaskView::of(row, &config.currency) }
}

fn tasks_table(tasks: &[TaskRow], names: &HashMap<AccountId, Arc<str>>, currency: &str) -> String {
    let rows = tasks.iter().map(|task| {
        let charge = task.charge.map_or_else(|| "-".to_owned(), |charge| format!("{charge} {currency}"));
        let status = task.code.map_or_else(|| task.status.to_string(), |code| format!("{}: {code}", task.status));
        let account = name(names, task.account_id);
        [task.started_at.to_string(), account, task.model.to_string(), status, task.attempts.to_string(), charge, task.id.to_string()]
    });
    table(["time (UTC)", "account", "model", "status", "attempts", "charge", "id"], rows, "no tasks")
}

impl AttemptView {
    fn of(row: &AttemptRow) -> Self {
        let failure = row.failure.as_ref();
        Self {
            number: row.number,
            id: row.id.to_string(),
            platform: Arc::clone(&row.platform),
            platform_model: row.platform_model.to_string(),
            status: row.status.as_str(),
            category: failure.map(|failure| failure.category.as_str()),
            http_status: failure.and_then(|failure| failure.http_status),
            code: failure.and_then(|failure| failure.code.clone()),
            message: failure.map(|failure| failure.message.clone()),
            upstream_request_id: row.upstream_request_id.clone(),
            started_at: row.started_at,
            first_delta_ms: row.first_delta_ms,
            duration_ms: row.duration_ms,
        }
    }
}
