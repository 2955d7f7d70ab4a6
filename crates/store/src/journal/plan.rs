//! What a batch writes, decided in memory from what was read: one file for both engines, without I/O.
//!
//! Order counts: each piece of work sees what those before it did. A question whose answer is "no" writes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use easyai_core::delivery::CallbackTarget;
use easyai_core::id::{AccountId, CallbackId, EntryId, TaskId};
use easyai_core::ledger::{Hold, Wallet};
use easyai_core::money::Money;
use easyai_core::task::TaskStatus;
use easyai_core::time::Timestamp;

use super::begin::{Begin, Begun};
use super::finish::Finished;
use super::note::{AttemptRow, Raise, Raised};
use super::refusal::Refusal;
use super::row::{AnswerRow, CheckpointRow, EventsRow, FinishRow};
use super::work::Work;
use crate::error::StoreError;

/// A task as the database knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KnownTask {
    pub(super) account: AccountId,
    pub(super) status: TaskStatus,
    pub(super) simulated: bool,
    pub(super) hold: Money,
    pub(super) charge: Option<Money>,
    pub(super) finished_at: Option<Timestamp>,
}

/// The first task of an `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FirstUse {
    pub(super) task: TaskId,
    pub(super) body_hash: [u8; 32],
    pub(super) status: TaskStatus,
}

/// What must be read before deciding.
#[derive(Debug, Default)]
pub(super) struct Needs {
    pub(super) accounts: BTreeSet<AccountId>,
    pub(super) tasks: BTreeSet<TaskId>,
    pub(super) keys: Vec<(AccountId, String)>,
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) wallets: HashMap<AccountId, Wallet>,
    pub(super) tasks: HashMap<TaskId, KnownTask>,
    pub(super) keys: HashMap<(AccountId, String), FirstUse>,
}

/// A task that ends, with what is booked.
#[derive(Debug)]
pub(super) struct Ending<'a> {
    pub(super) row: &'a FinishRow,
    pub(super) charge: Money,
}

/// A charge for the ledger.
#[derive(Debug)]
pub(super) struct Charge<'a> {
    pub(super) entry: EntryId,
    pub(super) row: &'a FinishRow,
    pub(super) amount: Money,
}

/// Somebody who is told of a new task.
#[derive(Debug)]
pub(super) struct NewCallback<'a> {
    pub(super) id: CallbackId,
    pub(super) task: TaskId,
    pub(super) account: AccountId,
    pub(super) target: &'a CallbackTarget,
    pub(super) at: Timestamp,
}

impl NewCallback<'_> {
    /// The names of what it is told, as JSON; none for everything.
    pub(super) fn events(&self) -> Option<String> {
        // A list of constant words can't fail to be written.
        self.target.events.as_ref().and_then(|events| serde_json::to_string(events).ok())
    }
}

/// What the batch writes, each list in the order it was asked for.
#[derive(Debug, Default)]
pub(super) struct Plan<'a> {
    /// The tasks it is about, as they are once it is written.
    pub(super) tasks: HashMap<TaskId, KnownTask>,
    pub(super) wallets: BTreeMap<AccountId, Wallet>,
    pub(super) begins: Vec<&'a Begin>,
    pub(super) refusals: Vec<&'a Refusal>,
    pub(super) callbacks: Vec<NewCallback<'a>>,
    pub(super) holds: Vec<(TaskId, Money)>,
    pub(super) checkpoints: Vec<&'a CheckpointRow>,
    pub(super) endings: Vec<Ending<'a>>,
    pub(super) charges: Vec<Charge<'a>>,
    pub(super) released_keys: Vec<TaskId>,
    pub(super) ended_jobs: Vec<TaskId>,
    pub(super) attempts: Vec<(TaskId, &'a AttemptRow)>,
    pub(super) events: Vec<(TaskId, &'a EventsRow)>,
    pub(super) answers: Vec<(TaskId, &'a AnswerRow)>,
}

/// Whether an earlier try of the same batch may have been committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Try {
    /// No.
    First,
    /// Yes: its commit got no answer. Tasks that are there already began by it.
    Again,
}

impl Needs {
    pub(super) fn of(batch: &[Work], attempt: Try) -> Self {
        let mut needs = Self::default();
        for work in batch {
            match work {
                Work::Begin(asked) => {
                    let begin = &asked.question;
                    needs.accounts.insert(begin.account);
                    needs.keys.extend(begin.idempotency.as_ref().map(|idempotency| (begin.account, idempotency.key.clone())));
                    if attempt == Try::Again {
                        needs.tasks.insert(begin.task);
                    }
                }
                Work::Raise(asked) => {
                    needs.accounts.insert(asked.question.account);
                    needs.tasks.insert(asked.question.task);
                }
                Work::Finish(asked) => {
                    needs.accounts.insert(asked.question.finish.account);
                    needs.tasks.insert(asked.question.finish.task);
                }
                Work::Refuse(_) | Work::Note(_) | Work::Checkpoint(_) | Work::Flush(_) => {}
            }
        }
        needs
    }
}

impl<'a> Plan<'a> {
    /// Decides the whole batch; the answers are left in it.
    pub(super) fn decide(batch: &'a mut [Work], facts: Facts) -> Self {
        let mut deciding = Deciding { facts, plan: Self::default() };
        for work in batch {
            match work {
                Work::Begin(asked) => asked.answer = Some(deciding.begin(&asked.question)),
                Work::Refuse(asked) => {
                    let refusal = &asked.question;
                    deciding.plan.refusals.push(refusal);
                    deciding.call_back(refusal.task, refusal.account, &refusal.callbacks, refusal.finished_at);
                    asked.answer = Some(Ok(()));
                }
                Work::Raise(asked) => asked.answer = Some(deciding.raise(&asked.question)),
                Work::Finish(asked) => asked.answer = Some(deciding.finish(&asked.question)),
                Work::Note(note) => deciding.write(note.task, &note.attempts, note.events.as_ref()),
                Work::Checkpoint(checkpoint) => deciding.plan.checkpoints.push(checkpoint),
                Work::Flush(asked) => asked.answer = Some(Ok(())),
            }
        }
        Self { tasks: deciding.facts.tasks, ..deciding.plan }
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.begins.is_empty()
            && self.refusals.is_empty()
            && self.holds.is_empty()
            && self.checkpoints.is_empty()
            && self.endings.is_empty()
            && self.attempts.is_empty()
            && self.events.is_empty()
    }

    /// The tasks that somebody may be watching.
    pub(super) fn touched(&self) -> Vec<TaskId> {
        let events = self.events.iter().map(|(task, _)| *task);
        let refused = self.refusals.iter().map(|refusal| refusal.task);
        self.begins
            .iter()
            .map(|begin| begin.task)
            .chain(refused)
            .chain(events)
            .chain(self.endings.iter().map(|ending| ending.row.finish.task))
            .collect()
    }
}

struct Deciding<'a> {
    facts: Facts,
    plan: Plan<'a>,
}

impl<'a> Deciding<'a> {
    fn begin(&mut self, begin: &'a Begin) -> Result<Begun, StoreError> {
        if self.facts.tasks.contains_key(&begin.task) {
            return Ok(Begun::Begun);
        }
        let key = begin.idempotency.as_ref().map(|idempotency| (begin.account, idempotency.key.clone()));
        if let (Some(first), Some(idempotency)) = (key.as_ref().and_then(|key| self.facts.keys.get(key)), &begin.idempotency) {
            let same_body = first.body_hash == idempotency.body_hash;
            return Ok(Begun::Repeated { task: first.task, status: first.status, same_body });
        }
        let mut wallet = self.wallet(begin.account)?;
        let hold = match wallet.hold(begin.hold) {
            Ok(hold) => hold.amount(),
            Err(insufficient) => return Ok(Begun::Insufficient { available: insufficient.available }),
        };
        self.set_wallet(begin.account, wallet);
        if let (Some(key), Some(idempotency)) = (key, &begin.idempotency) {
            let first = FirstUse { task: begin.task, body_hash: idempotency.body_hash, status: begin.status() };
            self.facts.keys.insert(key, first);
        }
        let simulated = begin.simulated();
        let known = KnownTask { account: begin.account, status: begin.status(), simulated, hold, charge: None, finished_at: None };
        self.facts.tasks.insert(begin.task, known);
        self.plan.begins.push(begin);
        self.call_back(begin.task, begin.account, &begin.callbacks, begin.started_at);
        Ok(Begun::Begun)
    }

    fn call_back(&mut self, task: TaskId, account: AccountId, targets: &'a [Arc<CallbackTarget>], at: Timestamp) {
        let new = |target: &'a Arc<CallbackTarget>| NewCallback { id: CallbackId::from_uuid(crate::new_id()), task, account, target, at };
        self.plan.callbacks.extend(targets.iter().map(new));
    }

    fn raise(&mut self, raise: &Raise) -> Result<Raised, StoreError> {
        let Some(task) = self.facts.tasks.get(&raise.task).cloned() else { return Ok(Raised::AlreadyOver) };
        if task.status.is_terminal() {
            return Ok(Raised::AlreadyOver);
        }
        require_account(&task, raise.account)?;
        let mut wallet = self.wallet(task.account)?;
        let mut hold = Hold::stored(task.hold);
        let grown = hold.extend(&mut wallet, raise.to);
        let amount = hold.settle(Money::ZERO).released;
        if let Err(insufficient) = grown {
            return Ok(Raised::Insufficient { available: insufficient.available });
        }
        if amount != task.hold {
            self.set_wallet(task.account, wallet);
            self.facts.tasks.insert(raise.task, KnownTask { hold: amount, ..task });
            self.plan.holds.push((raise.task, amount));
        }
        Ok(Raised::Raised)
    }

    fn finish(&mut self, row: &'a FinishRow) -> Result<Finished, StoreError> {
        let finish = &row.finish;
        let Some(task) = self.facts.tasks.get(&finish.task).cloned() else { return Ok(Finished::AlreadyOver) };
        if task.status.is_terminal() {
            // The same finish again, after an answer that got lost: it is done.
            let same = task.status == finish.status && task.finished_at == Some(finish.finished_at);
            return Ok(if same { Finished::Done { charged: task.charge.unwrap_or_default() } } else { Finished::AlreadyOver });
        }
        require_account(&task, finish.account)?;
        let charge = if task.simulated { Money::ZERO } else { row.charge() };
        if charge < Money::ZERO {
            return Err(StoreError::Corrupt(format!("the bill of {} is below zero", finish.task)));
        }
        let mut wallet = self.wallet(task.account)?;
        let booked = wallet.book(Hold::stored(task.hold).settle(charge));
        booked.map_err(|overflow| StoreError::Corrupt(format!("the wallet of {}: {overflow}", task.account)))?;
        self.set_wallet(task.account, wallet);
        let ended = KnownTask { status: finish.status, charge: Some(charge), finished_at: Some(finish.finished_at), ..task };
        self.facts.tasks.insert(finish.task, ended);
        self.plan.released_keys.extend(finish.releases_key.then_some(finish.task));
        self.plan.ended_jobs.extend(finish.ends_job.then_some(finish.task));
        self.plan.endings.push(Ending { row, charge });
        if charge.is_positive() {
            let entry = EntryId::from_uuid(uuid::Uuid::now_v7());
            self.plan.charges.push(Charge { entry, row, amount: charge });
        }
        self.write(finish.task, &finish.attempts, row.events.as_ref());
        self.plan.answers.extend(row.answer.as_ref().map(|answer| (finish.task, answer)));
        Ok(Finished::Done { charged: charge })
    }

    fn write(&mut self, task: TaskId, attempts: &'a [AttemptRow], events: Option<&'a EventsRow>) {
        self.plan.attempts.extend(attempts.iter().map(|attempt| (task, attempt)));
        self.plan.events.extend(events.map(|events| (task, events)));
    }

    fn wallet(&self, account: AccountId) -> Result<Wallet, StoreError> {
        self.facts.wallets.get(&account).copied().ok_or_else(|| StoreError::NotFound(format!("the wallet of {account}")))
    }

    fn set_wallet(&mut self, account: AccountId, wallet: Wallet) {
        self.facts.wallets.insert(account, wallet);
        self.plan.wallets.insert(account, wallet);
    }
}

fn require_account(task: &KnownTask, account: AccountId) -> Result<(), StoreError> {
    if task.account == account {
        return Ok(());
    }
    Err(StoreError::Statement(format!("a task of {} was asked to end for {account}", task.account)))
}
