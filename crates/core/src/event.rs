//! The events of a task's life. Names, phases and progress are a contract, written once in [`EventPayload::row`]; their JSON is what
//! the API shows and the store keeps.

mod log;
mod payload;

pub use log::EventLog;
pub use payload::{
    AttemptFailed, AttemptStarted, Billings, Cancelled, ClientProgress, Completed, Currency, EventPayload, Failed, FailoverStopped,
    Metrics, Normalizing, RetryScope, Retrying, Row, Settled, TaskResult,
};

use serde_json::value::RawValue;

use crate::task::TaskStatus;
use crate::time::Timestamp;

crate::words! {
    /// The name of an event.
    pub enum EventType as "event type" {
        /// The work goes on.
        Progress = "task.progress",
        /// A candidate is being called.
        AttemptStarted = "task.attempt.started",
        /// It failed.
        AttemptFailed = "task.attempt.failed",
        /// Another attempt follows.
        Retrying = "task.retrying",
        /// No other attempt follows.
        FailoverStopped = "task.failover.stopped",
        /// The charge is booked.
        Settled = "task.billing.settled",
        /// The task succeeded.
        Completed = "task.completed",
        /// The task failed.
        Failed = "task.failed",
        /// The task was given up by its caller.
        Cancelled = "task.cancelled",
    }
}

crate::words! {
    /// The part of a task's life that an event belongs to.
    pub enum Phase as "phase" {
        /// The request is checked and typed.
        Normalizing = "normalizing",
        /// A candidate is called.
        Submitting = "submitting",
        /// The upstream is asked how far its job is.
        Polling = "polling",
        /// The upstream generates.
        Generating = "generating",
        /// A candidate failed.
        AttemptFailed = "attempt_failed",
        /// What comes after a failure.
        Retry = "retry",
        /// The charge.
        Billing = "billing",
        /// Over, with an answer.
        Completed = "completed",
        /// Over, without one.
        Failed = "failed",
        /// Over, at the caller's wish.
        Cancelled = "cancelled",
    }
}

/// How far a task is, in hundredths; 0 to 1 in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Progress(u8);

impl Progress {
    /// Not begun.
    pub const NONE: Self = Self(0);
    /// Over.
    pub const DONE: Self = Self(100);

    /// `hundredths` of the whole; more than all is all.
    #[must_use]
    pub const fn from_hundredths(hundredths: u8) -> Self {
        if hundredths > 100 { Self::DONE } else { Self(hundredths) }
    }

    /// How many hundredths.
    #[must_use]
    pub const fn hundredths(self) -> u8 {
        self.0
    }
}

impl serde::Serialize for Progress {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::DONE => serializer.serialize_u8(1),
            Self(hundredths) => serializer.serialize_f64(f64::from(hundredths) / 100.0),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Progress {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let share = f64::deserialize(deserializer)?;
        let hundredths = (0..=100u8).find(|hundredths| (f64::from(*hundredths) - share * 100.0).abs() < 0.5);
        hundredths.map(Self).ok_or_else(|| serde::de::Error::custom(format_args!("{share} is not a progress from 0 to 1")))
    }
}

/// One step of a task's life.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Event {
    /// Its number within the task, from 1.
    pub seq: u32,
    /// Its name.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Where the task stands then.
    pub status: TaskStatus,
    /// Which part of its life it is.
    pub phase: Phase,
    /// How far it is; never decreasing.
    pub progress: Progress,
    /// For a person.
    pub message: String,
    /// What else there is to say.
    pub payload: EventPayload,
    /// Whether the task is simulated.
    pub simulated: bool,
    /// When.
    pub at: Timestamp,
}

/// An event as it is read, from JSON text and nothing else (`RawValue`): its payload's shape follows from its name and phase.
#[derive(serde::Deserialize)]
struct Wire {
    seq: u32,
    #[serde(rename = "type")]
    event_type: EventType,
    status: TaskStatus,
    phase: Phase,
    progress: Progress,
    message: String,
    payload: Box<RawValue>,
    simulated: bool,
    at: Timestamp,
}

impl<'de> serde::Deserialize<'de> for Event {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Wire { seq, event_type, status, phase, progress, message, payload, simulated, at } = Wire::deserialize(deserializer)?;
        let row = Row { event_type, status, phase, progress };
        let payload = EventPayload::read(row, payload.get()).map_err(serde::de::Error::custom)?;
        Ok(Self { seq, event_type, status, phase, progress, message, payload, simulated, at })
    }
}

#[cfg(test)]
mod tests;
