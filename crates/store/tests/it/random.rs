//! Whatever is done in whatever order: the books are right afterwards.

use std::sync::Arc;

use easyai_core::id::TaskId;
use easyai_core::kind::RunMode;
use easyai_core::task::TaskStatus;
use easyai_core::usage::Usage;
use easyai_store::journal::{Begun, Checkpoint, Idempotency, Note};
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use rstest::rstest;
use tokio::task::JoinSet;

use crate::fixture::{Fixture, account, attempt, begin, bill, event, finish, money};

/// A repeatable sequence of numbers (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_books_are_right_after_any_sequence(#[values(Sqlite, Postgres)] engine: TestEngine, #[values(1, 2, 3)] seed: u64) {
    let fixture = Arc::new(Fixture::new(engine, 5_000).await);
    let other = account(&fixture.test, "other", 300).await;
    let mut callers = JoinSet::new();
    for caller in 0..16 {
        let fixture = Arc::clone(&fixture);
        callers.spawn(async move {
            let mut dice = Dice(seed * 1000 + caller);
            for _ in 0..20 {
                let account = if dice.roll(3) == 0 { other } else { fixture.account };
                one_task(&fixture, account, &mut dice).await;
            }
        });
    }
    callers.join_all().await;
    fixture.journal.flush().await.unwrap();
    fixture.assert_clean().await;
}

async fn one_task(fixture: &Fixture, account: easyai_core::id::AccountId, dice: &mut Dice) {
    let mut new = begin(account, fixture.node, i64::try_from(dice.roll(40)).unwrap());
    if dice.roll(5) == 0 {
        new.run_mode = RunMode::Simulation;
    }
    if dice.roll(4) == 0 {
        new.idempotency = Some(Idempotency { key: format!("key {}", dice.roll(10)), body_hash: [0; 32] });
    }
    let task = new.task;
    if fixture.journal.begin(new).await.unwrap() != Begun::Begun {
        return;
    }
    for _ in 0..dice.roll(4) {
        on_the_way(fixture, account, task, dice).await;
    }
    // Some are left running.
    if dice.roll(8) == 0 {
        return;
    }
    let status = [TaskStatus::Succeeded, TaskStatus::Failed, TaskStatus::Cancelled][usize::try_from(dice.roll(3)).unwrap()];
    let end = finish(account, task, status, i64::try_from(dice.roll(50)).unwrap());
    for _ in 0..=dice.roll(2) {
        fixture.journal.finish(end.clone()).await.unwrap();
    }
}

async fn on_the_way(fixture: &Fixture, account: easyai_core::id::AccountId, task: TaskId, dice: &mut Dice) {
    match dice.roll(3) {
        0 => drop(fixture.journal.raise_hold(task, account, money(i64::try_from(dice.roll(90)).unwrap())).await.unwrap()),
        1 => fixture.journal.checkpoint(&Checkpoint { task, usage: Usage::counted(1, 2), bill: bill(5) }),
        _ => {
            let attempts = vec![attempt(1, easyai_core::task::AttemptStatus::Failed)];
            fixture.journal.note(Note { task, attempts, events: vec![event(3)] });
        }
    }
}
