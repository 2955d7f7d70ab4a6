//! Whom a task's events are told, and which of them.

use std::sync::Arc;

use super::Receiver;
use crate::event::EventType;
use crate::words::UnknownWord;

/// Somebody who is told a task's events. The address was checked by whoever made this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackTarget {
    /// Who named it: whose secret signs, and whether the address is guarded.
    pub receiver: Receiver,
    /// An http or https URL.
    pub url: Arc<str>,
    /// Host and port of the URL: receivers are kept apart by it.
    pub host: Arc<str>,
    /// What is told; none is everything.
    pub events: Option<EventNames>,
}

/// Names of events, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventNames(Arc<[EventType]>);

/// A list of events that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadEvents {
    /// A name is no event's.
    #[error(transparent)]
    Unknown(#[from] UnknownWord),
    /// The list is empty.
    #[error("name at least one event, or leave the list out for all of them")]
    Empty,
}

impl EventNames {
    /// The events of these names; none if `*` is among them, which is all of them.
    ///
    /// # Errors
    /// [`BadEvents`] says what to write.
    pub fn read<'a>(names: impl Iterator<Item = &'a str>) -> Result<Option<Self>, BadEvents> {
        let mut known = Vec::new();
        for name in names.map(str::trim) {
            if name == "*" {
                return Ok(None);
            }
            let event = name.parse()?;
            if !known.contains(&event) {
                known.push(event);
            }
        }
        if known.is_empty() { Err(BadEvents::Empty) } else { Ok(Some(Self(known.into()))) }
    }

    /// Whether `event` is among them.
    #[must_use]
    pub fn contains(&self, event: EventType) -> bool {
        self.0.contains(&event)
    }

    /// All of them, in the order they were named.
    pub fn iter(&self) -> impl Iterator<Item = EventType> {
        self.0.iter().copied()
    }
}

impl serde::Serialize for EventNames {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for EventNames {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<EventType>::deserialize(deserializer).map(|names| Self(names.into()))
    }
}
