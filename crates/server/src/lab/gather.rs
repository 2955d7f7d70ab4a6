//! What the database tells of the tasks of a scenario: the same that `easyai task show` and the API read.

use easyai_core::run_trace::RunTrace;
use easyai_store::journal::AttemptRow;
use easyai_store::tasks::{self, Filter, MAX_PAGE, TaskRow};
use easyai_store::{Db, StoreError};

use super::world::{ACCOUNT, CURRENCY};
use crate::cli::task::Story;

/// One task.
#[derive(Debug, Clone)]
pub struct Told {
    /// Its row.
    pub task: TaskRow,
    /// Its attempts, in their order.
    pub attempts: Vec<AttemptRow>,
    /// Its trace, if it has one that can be read.
    pub trace: Option<RunTrace>,
}

/// All tasks, in the order in which they began.
///
/// # Errors
/// If they can't be read.
pub async fn gather(db: &Db) -> anyhow::Result<Vec<Told>> {
    let mut told = Vec::new();
    let mut after = None;
    loop {
        let page = tasks::list(db, &Filter::default(), after, MAX_PAGE).await?;
        for task in page.tasks {
            let attempts = tasks::attempts(db, task.id).await?;
            let trace = tasks::trace(db, task.id).await?.map(|text| serde_json::from_str(&text)).transpose()?;
            told.push(Told { task, attempts, trace });
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    told.sort_by_key(|told| (told.task.started_at, told.task.id));
    Ok(told)
}

/// The whole story of one of them, as `easyai task show` tells it.
///
/// # Errors
/// If its events can't be read.
pub async fn story(db: &Db, told: &Told) -> Result<Story, StoreError> {
    let events = tasks::events_of(db, &told.task, 1, &CURRENCY.into()).await?;
    let Told { task, attempts, trace } = told.clone();
    Ok(Story { account: ACCOUNT.to_owned(), task, attempts, events, trace })
}
