//! Fields of an upstream's answer that should hold something and may hold anything else: that counts as absent.

use serde::de::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A `T`, or none.
pub(super) fn maybe<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).ok())
}

/// The elements of an array that are a `T`.
pub(super) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let elements: Option<Vec<&RawValue>> = maybe(deserializer)?;
    Ok(elements.into_iter().flatten().filter_map(|raw| serde_json::from_str(raw.get()).ok()).collect())
}

/// Text, even where somebody who means well sends the JSON itself.
pub(super) fn json_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(match serde_json::from_str::<Option<String>>(raw.get()) {
        Ok(text) => text.unwrap_or_default(),
        Err(_) => raw.get().to_owned(),
    })
}
