//! One visit at a receiver: the events that one task has for it, one after the other, until it has them all or one fails.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use easyai_clients::Message;
use easyai_core::delivery::{Answer, Receiver, Verdict, judge, message_id};
use easyai_core::event::{Event, EventType};
use easyai_core::id::{AccountId, TaskId};
use easyai_core::time::Timestamp;
use easyai_store::callbacks::{self, Callback, DeadEvent, GATEWAY, Mark, Next};
use easyai_store::{StoreError, tasks};
use secrecy::SecretString;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::{dice, now};
use crate::runner::Runner;

/// How long a visit takes another event. With the last one's time-out it is well within the lease.
const MAX_TIME: Duration = Duration::from_secs(20);

/// When a visit is tried again that the database did not let begin.
const STORE_PAUSE: Duration = Duration::from_secs(5);

/// What came of a visit.
#[derive(Debug)]
pub(super) struct Visited {
    /// The receiver.
    pub(super) host: Arc<str>,
    /// Whether it answered; none if it was not asked.
    pub(super) answered: Option<bool>,
    /// Whether the task has nothing more to tell.
    pub(super) over: bool,
    /// What is to be written down.
    pub(super) mark: Mark,
}

/// What a receiver gets.
#[derive(serde::Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    event_type: EventType,
    timestamp: Timestamp,
    data: Data<'a>,
}

/// The event as the API shows it, and whose it is.
#[derive(serde::Serialize)]
struct Data<'a> {
    task_id: TaskId,
    account_id: AccountId,
    #[serde(flatten)]
    event: &'a Event,
}

/// A visit under way.
pub(super) struct Visit {
    runner: Arc<Runner>,
    callback: Callback,
    stop: CancellationToken,
    visited: Visited,
}

impl Visit {
    pub(super) fn new(runner: Arc<Runner>, callback: Callback, stop: CancellationToken) -> Self {
        let mark = Mark {
            id: callback.id,
            next_seq: callback.next_seq,
            failures: callback.failures,
            next: Next::Idle,
            error: callback.error.clone(),
            dead: Vec::new(),
        };
        let visited = Visited { host: Arc::clone(&callback.host), answered: None, over: false, mark };
        Self { runner, callback, stop, visited }
    }

    /// Sends what there is. Whatever happens, there is something to write down.
    pub(super) async fn run(mut self) -> Visited {
        if let Err(error) = self.send_all().await {
            tracing::warn!(%error, task.id = %self.callback.task_id, "A callback could not be prepared: trying again");
            self.visited.mark.next = Next::At(now().plus(STORE_PAUSE));
        }
        self.visited
    }

    async fn send_all(&mut self) -> Result<(), StoreError> {
        let (runner, callback) = (Arc::clone(&self.runner), &self.callback);
        let Some(task) = tasks::get(&runner.db, callback.task_id).await? else {
            // It was removed, and its events with it.
            self.visited.mark.next = Next::Done;
            return Ok(());
        };
        let events = tasks::events_of(&runner.db, &task, callback.next_seq, &runner.settings.currency).await?;
        let over = task.status.is_terminal();
        let to_send = if over { events } else { without_gap(events, callback.next_seq) };
        let secrets = self.secrets().await?;
        let started = Instant::now();
        for event in to_send {
            if self.callback.only_seq > 0 && event.seq != self.callback.only_seq {
                break;
            }
            if self.stop.is_cancelled() || started.elapsed() > MAX_TIME {
                self.visited.mark.next = Next::At(now());
                return Ok(());
            }
            if !self.send(&event, &secrets).await {
                return Ok(());
            }
        }
        self.visited.over = over;
        self.visited.mark.next = if over || self.callback.only_seq > 0 { Next::Done } else { Next::Idle };
        Ok(())
    }

    async fn secrets(&self) -> Result<Vec<SecretString>, StoreError> {
        let owner = match self.callback.receiver {
            Receiver::Caller => self.callback.account_id,
            Receiver::Gateway => GATEWAY,
        };
        let secrets = callbacks::signing(&self.runner.db, &self.runner.vault, owner, now()).await?;
        Ok(secrets.into_iter().map(|secret| secret.secret).collect())
    }

    /// Sends one event. False if the visit ends with it.
    async fn send(&mut self, event: &Event, secrets: &[SecretString]) -> bool {
        if self.callback.events.as_ref().is_some_and(|wanted| !wanted.contains(event.event_type)) {
            self.visited.mark.next_seq = event.seq.saturating_add(1);
            return true;
        }
        let message = Message { id: message_id(self.callback.task_id, event.seq), sent_at: now(), body: self.body(event) };
        let answer = self.runner.clients.call_back(&self.callback.url, self.callback.receiver, message, secrets).await;
        self.visited.answered = Some(matches!(answer, Answer::Status { .. }));
        let verdict = judge(&answer, self.visited.mark.failures, dice());
        self.runner.metrics.called_back(verdict);
        self.tell(event.seq, &answer, verdict);
        note(&mut self.visited.mark, event.seq, &answer, verdict, self.callback.only_seq > 0, now()) == Visiting::GoesOn
    }

    /// For the log: of the address only its host, since the rest may hold a token.
    fn tell(&self, seq: u32, answer: &Answer, verdict: Verdict) {
        let (task, host) = (self.callback.task_id, &*self.callback.host);
        match verdict {
            Verdict::Delivered => tracing::debug!(task.id = %task, seq, host, "A callback was delivered"),
            Verdict::Again { after } => {
                tracing::debug!(task.id = %task, seq, host, %answer, after_s = after.as_secs(), "A callback failed");
            }
            Verdict::Dead => {
                tracing::warn!(task.id = %task, seq, host, %answer, "A callback is given up; `easyai callback resend` sends it again");
            }
            Verdict::Gone => {
                tracing::warn!(task.id = %task, seq, host, %answer, "A receiver is given up; `easyai callback resend` tries it again");
            }
        }
    }

    fn body(&self, event: &Event) -> Bytes {
        let data = Data { task_id: self.callback.task_id, account_id: self.callback.account_id, event };
        let body = Body { event_type: event.event_type, timestamp: event.at, data };
        // Typed values of our own can't fail to be written.
        serde_json::to_vec(&body).unwrap_or_default().into()
    }
}

/// Whether a visit goes on after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Visiting {
    GoesOn,
    Ends,
}

/// Notes what an answer means for event `seq`. `single`: the callback is about that event alone.
fn note(mark: &mut Mark, seq: u32, answer: &Answer, verdict: Verdict, single: bool, now: Timestamp) -> Visiting {
    if verdict == Verdict::Delivered {
        (mark.next_seq, mark.failures, mark.error) = (seq.saturating_add(1), 0, None);
        return Visiting::GoesOn;
    }
    mark.failures = mark.failures.saturating_add(1);
    mark.error = Some(answer.to_string());
    match verdict {
        Verdict::Delivered => Visiting::GoesOn,
        Verdict::Again { after } => {
            mark.next = Next::At(now.plus(after));
            Visiting::Ends
        }
        Verdict::Dead if !single => {
            mark.dead.push(DeadEvent { seq, failures: mark.failures, error: answer.to_string() });
            mark.next_seq = seq.saturating_add(1);
            Visiting::GoesOn
        }
        Verdict::Dead | Verdict::Gone => {
            mark.next = Next::Dead;
            Visiting::Ends
        }
    }
}

/// The events up to the first that is missing. A note of a running task may have been left out; its events come with the finish, and
/// what was noted after them has to wait for that.
fn without_gap(events: Vec<Event>, first: u32) -> Vec<Event> {
    events.into_iter().zip(first..).take_while(|(event, expected)| event.seq == *expected).map(|(event, _)| event).collect()
}

#[cfg(test)]
mod tests {
    use easyai_core::event::{EventLog, EventPayload, Normalizing, Progress};
    use easyai_core::kind::ModelType;

    use super::*;

    fn event(seq: u32) -> Event {
        let mut log = EventLog::new(seq, Progress::NONE, false);
        log.add(EventPayload::Normalizing(Normalizing { model_type: ModelType::TextGenerate }), Timestamp::from_micros(5_000_000));
        log.take().remove(0)
    }

    const NOW: Timestamp = Timestamp::from_micros(0);

    /// A callback at event 3 whose last `failures` tries failed gets `answers` for this event and those after it.
    fn noted(failures: u32, answers: &[u16], single: bool) -> Mark {
        let id = easyai_core::id::CallbackId::from_uuid(uuid::Uuid::nil());
        let mut mark = Mark { id, next_seq: 3, failures, next: Next::Idle, error: None, dead: Vec::new() };
        for (seq, code) in (3..).zip(answers) {
            let answer = Answer::Status { code: *code, retry_after: None };
            let verdict = judge(&answer, mark.failures, 0);
            if note(&mut mark, seq, &answer, verdict, single, NOW) == Visiting::Ends {
                break;
            }
        }
        mark
    }

    #[test]
    fn a_failure_ends_the_visit_and_keeps_its_event_first() {
        let mark = noted(0, &[200, 500, 200], false);
        let later = Next::At(NOW.plus(Duration::from_secs(5)));
        assert_eq!((mark.next_seq, mark.failures, mark.next, mark.error.as_deref()), (4, 1, later, Some("HTTP 500")));
        let mark = noted(2, &[200, 204], false);
        assert_eq!((mark.next_seq, mark.failures, mark.next, mark.error), (5, 0, Next::Idle, None));
    }

    #[test]
    fn a_dead_event_lets_the_next_go_on_and_a_receiver_that_stays_dead_gets_each_once() {
        let mark = noted(10, &[500, 200, 500], false);
        let dead: Vec<_> = mark.dead.iter().map(|dead| (dead.seq, dead.failures)).collect();
        assert_eq!((dead, mark.next_seq, mark.failures), (vec![(3, 11)], 5, 1));
        let mark = noted(10, &[500, 502, 504], false);
        let dead: Vec<_> = mark.dead.iter().map(|dead| (dead.seq, &*dead.error)).collect();
        assert_eq!((dead, mark.next_seq), (vec![(3, "HTTP 500"), (4, "HTTP 502"), (5, "HTTP 504")], 6));
    }

    #[test]
    fn what_is_gone_keeps_its_place_and_a_dead_letter_stays_one() {
        let mark = noted(0, &[410, 200], false);
        assert_eq!((mark.next_seq, mark.next, mark.dead.len()), (3, Next::Dead, 0));
        let mark = noted(10, &[500], true);
        assert_eq!((mark.next_seq, mark.next, mark.dead.len()), (3, Next::Dead, 0));
    }

    #[test]
    fn what_comes_after_a_missing_event_waits() {
        let seqs = |events: &[u32], first| without_gap(events.iter().map(|seq| event(*seq)).collect(), first).len();
        assert_eq!(seqs(&[1, 2, 3], 1), 3);
        assert_eq!(seqs(&[1, 2, 5, 6], 1), 2);
        assert_eq!(seqs(&[5, 6], 3), 0);
        assert_eq!(seqs(&[], 3), 0);
    }

    #[test]
    fn a_body_is_the_event_with_its_task() {
        let (task_id, account_id) = (TaskId::from_uuid(uuid::Uuid::from_u128(1)), AccountId::from_uuid(uuid::Uuid::from_u128(2)));
        let event = event(1);
        let body = Body { event_type: event.event_type, timestamp: event.at, data: Data { task_id, account_id, event: &event } };
        let expected = concat!(
            r#"{"type":"task.progress","timestamp":"1970-01-01T00:00:05.000000Z","data":{"task_id":"task_00000000000000000000000001","#,
            r#""account_id":"acct_00000000000000000000000002","seq":1,"type":"task.progress","status":"running","phase":"normalizing","#,
            r#""progress":0.15,"message":"checked: text_generate","payload":{"model_type":"text_generate"},"simulated":false,"#,
            r#""at":"1970-01-01T00:00:05.000000Z"}}"#
        );
        assert_eq!(serde_json::to_string(&body).unwrap(), expected);
    }
}
