//! What waits for the journal: a question, room for its answer, and who waits for it.

use tokio::sync::oneshot;

use super::begin::{Begin, Begun};
use super::finish::{Finish, Finished};
use super::note::{Raise, Raised};
use super::refusal::Refusal;
use super::row::{CheckpointRow, FinishRow, NoteRow};
use crate::error::StoreError;

/// A question and who waits for the answer. The answer is decided before the commit and told after it.
#[derive(Debug)]
pub(super) struct Asked<Q, A> {
    pub(super) question: Q,
    pub(super) answer: Option<Result<A, StoreError>>,
    /// None if the journal itself asks.
    waiter: Option<oneshot::Sender<Result<A, StoreError>>>,
}

/// What waits for the answer to an [`Asked`].
pub(super) type Waiting<A> = oneshot::Receiver<Result<A, StoreError>>;

/// What it gets: the answer, or word that whoever should give it is gone.
pub(super) type Told<A> = Result<Result<A, StoreError>, oneshot::error::RecvError>;

impl<Q, A> Asked<Q, A> {
    pub(super) fn new(question: Q) -> (Self, Waiting<A>) {
        let (waiter, waiting) = oneshot::channel();
        (Self { question, answer: None, waiter: Some(waiter) }, waiting)
    }

    /// A question of the journal's own: it is asked until there is an answer.
    pub(super) const fn own(question: Q) -> Self {
        Self { question, answer: None, waiter: None }
    }

    /// Tells the answer; gives it back if nobody waits any more.
    fn tell(self, failed: Option<&StoreError>) -> Result<(), (Q, Result<A, StoreError>)> {
        let Some(waiter) = self.waiter else { return Ok(()) };
        let answer = match (failed, self.answer) {
            (Some(error), _) => Err(error.clone()),
            (None, Some(answer)) => answer,
            (None, None) => Err(StoreError::Statement("the journal left a question unanswered".to_owned())),
        };
        waiter.send(answer).map_err(|answer| (self.question, answer))
    }
}

/// One thing to be written. Boxed where large, so that the queue stays small.
#[derive(Debug)]
pub(super) enum Work {
    Begin(Asked<Box<Begin>, Begun>),
    Refuse(Asked<Box<Refusal>, ()>),
    Raise(Asked<Raise, Raised>),
    Finish(Asked<Box<FinishRow>, Finished>),
    Note(Box<NoteRow>),
    Checkpoint(Box<CheckpointRow>),
    Flush(Asked<(), ()>),
}

/// What is known about a failed batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// All of it is durable.
    Committed,
    /// None of it is.
    RolledBack,
    /// The connection broke at the commit, and looking was not possible.
    Unknown,
}

/// Tells all answers, or `failed`. Tasks that began (or may have) and that nobody waits for are given back as [`Work`] that ends them:
/// otherwise their holds would stay until the next start.
pub(super) fn tell_all(batch: Vec<Work>, fate: Fate, failed: Option<&StoreError>) -> Vec<Work> {
    let mut orphans = Vec::new();
    for work in batch {
        match work {
            Work::Begin(asked) => {
                let begin = if fate == Fate::Unknown { Some(asked.question.clone()) } else { None };
                match asked.tell(failed) {
                    Err((begin, Ok(Begun::Begun))) => orphans.extend(abandon(&begin)),
                    Err(_) | Ok(()) => orphans.extend(begin.as_deref().and_then(abandon)),
                }
            }
            Work::Refuse(asked) => drop(asked.tell(failed)),
            // Nobody needs to be told: these can be asked again without harm.
            Work::Raise(asked) => drop(asked.tell(failed)),
            // Our own must not get lost; the database will be back.
            Work::Finish(asked) if asked.waiter.is_none() && failed.is_some_and(StoreError::is_temporary) => {
                orphans.push(Work::Finish(asked));
            }
            Work::Finish(asked) => drop(asked.tell(failed)),
            Work::Flush(asked) => drop(asked.tell(failed)),
            Work::Note(_) | Work::Checkpoint(_) => {}
        }
    }
    orphans
}

/// The end of a task whose caller went away while it began: nothing was sent, nothing is charged.
pub(super) fn abandon(begin: &Begin) -> Option<Work> {
    let row = FinishRow::new(Finish::abandoned(begin, crate::now()).into()).ok()?;
    Some(Work::Finish(Asked::own(Box::new(row))))
}
