//! Numbers a task's events and keeps its progress from going back.

use super::{Event, EventPayload, Progress};
use crate::time::Timestamp;

/// The next events of one task.
#[derive(Debug, Clone)]
pub struct EventLog {
    next_seq: u32,
    floor: Progress,
    simulated: bool,
    events: Vec<Event>,
}

impl EventLog {
    /// A log whose first event is number `first_seq`; `floor` is the progress of the one before.
    #[must_use]
    pub const fn new(first_seq: u32, floor: Progress, simulated: bool) -> Self {
        Self { next_seq: first_seq, floor, simulated, events: Vec::new() }
    }

    /// Appends an event with the name, status, phase and progress of its payload.
    pub fn add(&mut self, payload: EventPayload, at: Timestamp) {
        let row = payload.row();
        self.floor = self.floor.max(row.progress);
        self.events.push(Event {
            seq: self.next_seq,
            event_type: row.event_type,
            status: row.status,
            phase: row.phase,
            progress: self.floor,
            message: payload.message(),
            payload,
            simulated: self.simulated,
            at,
        });
        self.next_seq = self.next_seq.saturating_add(1);
    }

    /// The number of the next event.
    #[must_use]
    pub const fn next_seq(&self) -> u32 {
        self.next_seq
    }

    /// The progress of the last event.
    #[must_use]
    pub const fn progress(&self) -> Progress {
        self.floor
    }

    /// What was appended since the last time.
    #[must_use]
    pub fn take(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }
}
