//! The two passes over the history: a page is read while nothing else is, then worked on away from the threads that serve. Dropping the
//! future ends it within a page.

use anyhow::Context;
use easyai_core::catalog::Catalog;
use easyai_core::replay::{Lessons, Replay, TaskRecord, World};
use easyai_core::time::Timestamp;
use easyai_store::Db;
use easyai_store::history::{History, Span};

use super::outcome::{Outcome, Plan};

/// How far a replay is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Tasks that have been replayed.
    pub tasks: u64,
    /// Of the whole work.
    pub thousandths: u64,
}

/// How much of the history has been gone through, in which of two passes.
struct Pass<'a> {
    history: History<'a>,
    /// Tasks that may still be read.
    left: u64,
    read: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    complete: bool,
}

/// Replays what the plan asks for in today's catalogue, and tells how far it is.
///
/// # Errors
/// If the history can't be read to its end.
pub async fn run(db: &Db, today: &Catalog, plan: &Plan, mut tell: impl FnMut(Progress)) -> anyhow::Result<Outcome> {
    // Both passes see the same tasks: those of before now.
    let until = plan.span.until.unwrap_or_else(easyai_store::now);
    let span = Span { until: Some(until), ..plan.span.clone() };
    let mut lessons = Lessons::new(plan.seed);
    let mut pass = Pass::over(db, &span, plan.most_tasks);
    while let Some(page) = pass.next().await? {
        lessons = away(move || {
            page.iter().for_each(|record| lessons.learn(record));
            lessons
        })
        .await?;
        tell(Progress { tasks: 0, thousandths: pass.thousandths(until) / 2 });
    }
    let world = World::new(today, &plan.draft);
    let mut replay = Replay::new(world, lessons, usize::try_from(plan.differences).unwrap_or(usize::MAX));
    let mut pass = Pass::over(db, &span, plan.most_tasks);
    while let Some(page) = pass.next().await? {
        replay = away(move || {
            page.iter().for_each(|record| replay.take(record));
            replay
        })
        .await?;
        tell(Progress { tasks: pass.read, thousandths: 500 + pass.thousandths(until) / 2 });
    }
    tell(Progress { tasks: pass.read, thousandths: 1_000 });
    Ok(Outcome { complete: pass.complete, first_task_at: pass.first, last_task_at: pass.last, report: replay.report() })
}

/// Some milliseconds of work, where it delays nobody.
async fn away<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await.context("a page of the history could not be worked on")
}

impl<'a> Pass<'a> {
    fn over(db: &'a Db, span: &'a Span, most_tasks: Option<u64>) -> Self {
        Self { history: History::new(db, span), left: most_tasks.unwrap_or(u64::MAX), read: 0, first: None, last: None, complete: true }
    }

    /// The next page; none at the end, or when enough was read.
    async fn next(&mut self) -> anyhow::Result<Option<Vec<TaskRecord>>> {
        if !self.complete {
            return Ok(None);
        }
        let mut page = self.history.next().await.context("the history can't be read")?;
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX);
        if page.len() > wanted {
            page.truncate(wanted);
            self.complete = false;
        }
        self.left -= page.len() as u64;
        self.read += page.len() as u64;
        self.first = self.first.or_else(|| page.first().map(|record| record.started_at));
        self.last = page.last().map(|record| record.started_at).or(self.last);
        Ok(Some(page).filter(|page| !page.is_empty()))
    }

    /// By the time of the last task: how many there are nobody has counted.
    fn thousandths(&self, until: Timestamp) -> u64 {
        let (Some(first), Some(last)) = (self.first, self.last) else { return 0 };
        let done = last.since(first).as_millis().saturating_mul(1_000) / until.since(first).as_millis().max(1);
        u64::try_from(done).unwrap_or(1_000).min(1_000)
    }
}
