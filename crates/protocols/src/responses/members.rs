//! A JSON object whose members are changed one by one, while all others keep their bytes and their order.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

/// The members, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Members<'a>(Vec<(String, Cow<'a, RawValue>)>);

impl<'a> Members<'a> {
    pub(super) fn get(&self, name: &str) -> Option<&RawValue> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| &**value)
    }

    /// The same, to be kept while others change. Costs nothing for one that was not changed itself.
    pub(super) fn value(&self, name: &str) -> Option<Cow<'a, RawValue>> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }

    /// The text of a member that is a string.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.get(name)?.get()).ok()
    }

    /// Whether something but `null` is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.get() != "null")
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Cow<'a, RawValue>> {
        let at = self.0.iter().position(|(key, _)| key == name)?;
        Some(self.0.remove(at).1)
    }

    /// Puts a value in the place of the one that is there, or at the end.
    pub(super) fn set(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        // What is written here (text, lists of raw JSON) can't fail to be.
        let Ok(value) = serde_json::value::to_raw_value(value) else { return };
        match self.0.iter_mut().find(|(key, _)| key == name) {
            Some((_, there)) => *there = Cow::Owned(value),
            None => self.0.push((name.to_owned(), Cow::Owned(value))),
        }
    }

    /// The object, as a member of another.
    pub(super) fn raw(&self) -> Box<RawValue> {
        serde_json::value::to_raw_value(self).unwrap_or_default()
    }

    /// The object.
    pub(super) fn written(&self) -> Bytes {
        Bytes::from(serde_json::to_vec(self).unwrap_or_default())
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::with_capacity(map.size_hint().unwrap_or(8));
        while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
            members.push((key, Cow::Borrowed(value)));
        }
        Ok(Members(members))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, &**value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_changed_changes() {
        let mut members: Members<'_> = serde_json::from_str(r#"{"b": 1.50, "a":[ 1 ],"c":null,"d":"\u00e9"}"#).unwrap();
        assert_eq!(members.text("d").as_deref(), Some("é"));
        assert!(!members.has("c") && members.has("b"));
        members.set("a", &"x");
        members.set("e", &[1, 2]);
        assert!(members.remove("c").is_some());
        assert_eq!(members.written(), r#"{"b":1.50,"a":"x","d":"\u00e9","e":[1,2]}"#);
    }
}
