//! The exact response cache: what a model says of it, and what a trace says of an answer that came from it.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use crate::id::TaskId;
use crate::trace::millis;

/// All of a charge.
const MAX_PERCENT: u8 = 100;

/// The same request of a key that allows it gets the same answer, for a share of the charge. Its JSON is what the catalogue file and the
/// database hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResponseCache {
    /// How long an answer is given again.
    pub seconds: NonZeroU32,
    /// Which share of its charge is charged again, from 0 to 100.
    #[serde(deserialize_with = "charge_percent")]
    pub charge_percent: u8,
}

impl Default for ResponseCache {
    /// Ten minutes, free of charge.
    fn default() -> Self {
        const TEN_MINUTES: NonZeroU32 = NonZeroU32::MIN.saturating_add(599);
        Self { seconds: TEN_MINUTES, charge_percent: 0 }
    }
}

impl ResponseCache {
    /// `seconds`.
    #[must_use]
    pub fn keeps_for(&self) -> Duration {
        Duration::from_secs(self.seconds.get().into())
    }
}

fn charge_percent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    let given = i64::deserialize(deserializer)?;
    let percent = u8::try_from(given).ok().filter(|percent| *percent <= MAX_PERCENT);
    percent.ok_or_else(|| serde::de::Error::custom(format_args!("`charge_percent` is {given}: write a number from 0 to {MAX_PERCENT}")))
}

/// That a task was answered from the cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheNote {
    /// Whose answer it is.
    pub of: TaskId,
    /// How old that was.
    pub age_ms: u64,
    /// Which share of its charge was charged.
    pub charge_percent: u8,
    /// The same for a person.
    pub message: String,
}

impl CacheNote {
    /// The answer of `of`, this old.
    #[must_use]
    pub fn new(of: TaskId, age: Duration, charge_percent: u8) -> Self {
        let charged = if charge_percent == 0 { "nothing".to_owned() } else { format!("{charge_percent} %") };
        let message = format!("answered from the response cache: the answer of {of} {} s ago, charged {charged}", age.as_secs());
        Self { of, age_ms: millis(age), charge_percent, message }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_share_is_from_nothing_to_all() {
        let read = |json: &str| serde_json::from_str::<ResponseCache>(json).map_err(|error| error.to_string());
        let ten_minutes = ResponseCache::default();
        assert_eq!((ten_minutes.keeps_for(), ten_minutes.charge_percent), (Duration::from_secs(600), 0));
        assert_eq!(read("{}"), Ok(ten_minutes));
        assert_eq!(read(r#"{"charge_percent":100}"#), Ok(ResponseCache { charge_percent: 100, ..ten_minutes }));
        for given in ["101", "-1", "4294967296"] {
            let told = read(&format!(r#"{{"charge_percent":{given}}}"#)).unwrap_err();
            assert!(told.starts_with(&format!("`charge_percent` is {given}: write a number from 0 to 100")), "{told}");
        }
        assert!(read(r#"{"seconds":0}"#).is_err() && read(r#"{"second":1}"#).is_err());
    }

    #[test]
    fn a_note_says_whose_answer_it_is_how_old_and_for_how_much() {
        let of = TaskId::from_uuid(Uuid::from_u128(1));
        let told = |percent| CacheNote::new(of, Duration::from_millis(12_900), percent).message;
        assert_eq!(told(10), format!("answered from the response cache: the answer of {of} 12 s ago, charged 10 %"));
        assert!(told(0).ends_with(", charged nothing"));
    }
}
