//! The passes over the history: a page is read, then worked on away from the threads that serve. Dropping the future ends it within a
//! page.

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

/// One way through the history.
struct Pass<'a> {
    history: History<'a>,
    until: Option<Timestamp>,
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
    // All passes see the same tasks: those of before now.
    let span = Span { until: Some(plan.span.until.unwrap_or_else(easyai_store::now)), ..plan.span.clone() };
    let work = Work { db, plan, span, world: || World::new(today, &plan.draft) };
    // Most drafts ask for nothing that nobody knows: then one pass is all.
    if !World::new(today, &plan.draft).asks_for_speed()
        && let Some(outcome) = work.replay(Lessons::new(plan.seed), Guesses::Refused, |done| done, &mut tell).await?
    {
        return Ok(outcome);
    }
    let lessons = work.learn(&mut tell).await?;
    let outcome = work.replay(lessons, Guesses::Allowed, |done| 500 + done / 2, &mut tell).await?;
    outcome.context("the history was not replayed")
}

/// Whether a replay may ask what candidates did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guesses {
    /// That was learned.
    Allowed,
    /// It was not: it ends when it asks.
    Refused,
}

struct Work<'a, W> {
    db: &'a Db,
    plan: &'a Plan,
    span: Span,
    world: W,
}

impl<W: Fn() -> World> Work<'_, W> {
    async fn learn(&self, tell: &mut impl FnMut(Progress)) -> anyhow::Result<Lessons> {
        let mut lessons = Lessons::new(self.plan.seed);
        let mut pass = self.pass();
        while let Some(page) = pass.next().await? {
            lessons = away(move || {
                page.iter().for_each(|record| lessons.learn(record));
                lessons
            })
            .await?;
            tell(Progress { tasks: 0, thousandths: pass.thousandths() / 2 });
        }
        Ok(lessons)
    }

    /// None if it asked for what it must not.
    async fn replay(
        &self,
        lessons: Lessons,
        guesses: Guesses,
        of_all: impl Fn(u64) -> u64,
        tell: &mut impl FnMut(Progress),
    ) -> anyhow::Result<Option<Outcome>> {
        let mut replay = Replay::new((self.world)(), lessons, usize::try_from(self.plan.differences).unwrap_or(usize::MAX));
        let mut pass = self.pass();
        while let Some(page) = pass.next().await? {
            replay = away(move || {
                page.iter().for_each(|record| replay.take(record));
                replay
            })
            .await?;
            if replay.has_guessed() && guesses == Guesses::Refused {
                return Ok(None);
            }
            tell(Progress { tasks: pass.read, thousandths: of_all(pass.thousandths()) });
        }
        tell(Progress { tasks: pass.read, thousandths: 1_000 });
        Ok(Some(Outcome { complete: pass.complete, first_task_at: pass.first, last_task_at: pass.last, report: replay.report() }))
    }

    fn pass(&self) -> Pass<'_> {
        let history = History::new(self.db, &self.span);
        let (left, until) = (self.plan.most_tasks.unwrap_or(u64::MAX), self.span.until);
        Pass { history, left, until, read: 0, first: None, last: None, complete: true }
    }
}

/// Some milliseconds of work, where it delays nobody.
async fn away<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await.context("a page of the history could not be worked on")
}

impl Pass<'_> {
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
    fn thousandths(&self) -> u64 {
        let (Some(first), Some(last), Some(until)) = (self.first, self.last, self.until) else { return 0 };
        let done = last.since(first).as_millis().saturating_mul(1_000) / until.since(first).as_millis().max(1);
        u64::try_from(done).unwrap_or(1_000).min(1_000)
    }
}
