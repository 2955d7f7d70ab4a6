//! What all connections of a mock share: behaviour, script, counters, records.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use super::{Behaviour, Paths, RecordedRequest, Recording, Reply, Stats, plan::Plan, request::Asked};
use crate::http1::Head;

/// Shared by the handle and its connections. Locks are held for a few instructions, never over an await.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) stats: watch::Sender<Stats>,
    prepared: Mutex<Arc<Prepared>>,
    script: Mutex<VecDeque<Reply>>,
    requests: Mutex<VecDeque<RecordedRequest>>,
}

/// A behaviour with its answers worked out, so that a call costs no more than its system calls.
#[derive(Debug)]
struct Prepared {
    latency: Duration,
    recording: Recording,
    paths: Paths,
    plain: Arc<Plan>,
    stream: Arc<Plan>,
    stream_with_usage: Arc<Plan>,
}

/// How one call is answered.
pub(super) struct Order {
    pub(super) latency: Duration,
    pub(super) plan: Arc<Plan>,
}

impl Shared {
    pub(super) fn new(behaviour: Behaviour) -> Self {
        Self {
            stats: watch::Sender::new(Stats::default()),
            prepared: Mutex::new(Arc::new(Prepared::new(&behaviour))),
            script: Mutex::default(),
            requests: Mutex::default(),
        }
    }

    pub(super) fn set(&self, behaviour: Behaviour) {
        *lock(&self.prepared) = Arc::new(Prepared::new(&behaviour));
    }

    pub(super) fn script(&self, replies: Vec<Reply>) {
        *lock(&self.script) = replies.into();
    }

    pub(super) fn requests(&self) -> Vec<RecordedRequest> {
        lock(&self.requests).iter().cloned().collect()
    }

    pub(super) fn record(&self, head: &Head<'_>, body: &[u8]) {
        if self.prepared().recording == Recording::Off {
            return;
        }
        let request = RecordedRequest::new(head, body);
        let mut requests = lock(&self.requests);
        if requests.len() >= RecordedRequest::KEPT {
            requests.pop_front();
        }
        requests.push_back(request);
    }

    /// Whether all requests are calls.
    pub(super) fn takes_any_path(&self) -> bool {
        self.prepared().paths == Paths::Any
    }

    /// The script's next reply, else the behaviour's.
    pub(super) fn next_order(&self, asked: Asked) -> Order {
        let prepared = self.prepared();
        let scripted = lock(&self.script).pop_front();
        let plan = match (scripted, asked) {
            (Some(reply), _) => Arc::new(reply.plan(asked)),
            (None, Asked::Plain) => Arc::clone(&prepared.plain),
            (None, Asked::Stream) => Arc::clone(&prepared.stream),
            (None, Asked::StreamWithUsage) => Arc::clone(&prepared.stream_with_usage),
        };
        Order { latency: prepared.latency, plan }
    }

    fn prepared(&self) -> Arc<Prepared> {
        Arc::clone(&lock(&self.prepared))
    }
}

impl Prepared {
    fn new(behaviour: &Behaviour) -> Self {
        let plan = |asked| Arc::new(behaviour.reply.plan(asked));
        Self {
            latency: behaviour.latency,
            recording: behaviour.recording,
            paths: behaviour.paths,
            plain: plan(Asked::Plain),
            stream: plan(Asked::Stream),
            stream_with_usage: plan(Asked::StreamWithUsage),
        }
    }
}

/// A poisoned lock still holds good values: nothing that is done under it can stop halfway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
