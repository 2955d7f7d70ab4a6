//! Lists, objects and arguments that may be something else: what has the wrong shape counts as absent.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{Text, drain_seq};

/// An object; none if something else stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Maybe<T>(pub Option<T>);

/// An array's objects; empty if something else stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T>(pub Vec<T>);

/// The arguments of a call as JSON text, even where an upstream sends the object itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Arguments(pub String);

/// The content of a message: text, or parts of text and of thought (Mistral's).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// All that is no thought.
    pub text: String,
    /// All that is.
    pub thought: String,
}

#[derive(serde::Deserialize)]
struct ContentPart {
    #[serde(default)]
    text: Text,
    #[serde(default)]
    thinking: Text,
}

// Derived, these would ask for a default of `T`.
impl<T> Default for Maybe<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

struct MaybeVisitor<T>(PhantomData<T>);
struct ListVisitor<T>(PhantomData<T>);
struct ArgumentsVisitor;
struct ContentVisitor;

/// Scalars count as absent.
macro_rules! absent {
    ($($visit:ident: $type:ty,)+) => { $(
        fn $visit<E>(self, _value: $type) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
    )+ };
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for MaybeVisitor<T> {
    type Value = Maybe<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    absent! { visit_bool: bool, visit_u64: u64, visit_i64: i64, visit_f64: f64, visit_str: &str, }

    fn visit_unit<E>(self) -> Result<Maybe<T>, E> {
        Ok(Maybe(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Maybe<T>, A::Error> {
        drain_seq(seq).map(|_| Maybe(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Maybe<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|value| Maybe(Some(value)))
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    absent! { visit_bool: bool, visit_u64: u64, visit_i64: i64, visit_f64: f64, visit_str: &str, }

    fn visit_unit<E>(self) -> Result<List<T>, E> {
        Ok(List::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(Maybe(element)) = seq.next_element()? {
            list.extend(element);
        }
        Ok(List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<List<T>, A::Error> {
        super::drain_map(map).map(|_| List::default())
    }
}

impl<'de> Visitor<'de> for ArgumentsVisitor {
    type Value = Arguments;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("arguments as text or as an object")
    }

    absent! { visit_bool: bool, visit_u64: u64, visit_i64: i64, visit_f64: f64, }

    fn visit_str<E>(self, value: &str) -> Result<Arguments, E> {
        Ok(Arguments(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Arguments, E> {
        Ok(Arguments::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Arguments, A::Error> {
        drain_seq(seq).map(|_| Arguments::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Arguments, A::Error> {
        Value::deserialize(MapAccessDeserializer::new(map)).map(|object| Arguments(object.to_string()))
    }
}

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text or parts")
    }

    absent! { visit_bool: bool, visit_u64: u64, visit_i64: i64, visit_f64: f64, }

    fn visit_str<E>(self, value: &str) -> Result<Content, E> {
        Ok(Content { text: value.to_owned(), thought: String::new() })
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Content, A::Error> {
        let mut whole = Content::default();
        while let Some(part) = seq.next_element::<Content>()? {
            whole.text.push_str(&part.text);
            whole.thought.push_str(&part.thought);
        }
        Ok(whole)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Content, A::Error> {
        let part = ContentPart::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Content { text: part.text.0, thought: part.thinking.0 })
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MaybeVisitor(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Arguments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ArgumentsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Count, Text};
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Inner {
        #[serde(default)]
        n: Count,
    }

    fn inner(n: u64) -> Inner {
        Inner { n: Count(n) }
    }

    #[test]
    fn what_has_the_wrong_shape_is_absent() {
        let read = |json: &str| serde_json::from_str::<Maybe<Inner>>(json).unwrap().0;
        assert_eq!(read(r#"{"n":"7","m":[{}]}"#), Some(inner(7)));
        for json in ["null", "[{}]", "\"a\"", "1", "-1", "1.5", "true"] {
            assert_eq!(read(json), None, "{json}");
            assert_eq!(serde_json::from_str::<List<Inner>>(json).unwrap().0.len(), usize::from(json.starts_with('[')), "{json}");
        }
        let list = serde_json::from_str::<List<Inner>>(r#"[null,{"n":1},[2],"x",{"n":3}]"#).unwrap();
        assert_eq!(list.0, [inner(1), inner(3)]);
    }

    #[test]
    fn arguments_are_text_in_any_case() {
        let read = |json: &str| serde_json::from_str::<Arguments>(json).unwrap().0;
        assert_eq!(read(r#""{\"a\":1}""#), r#"{"a":1}"#);
        assert_eq!(read(r#"{ "b" : [1, null], "a": {} }"#), r#"{"b":[1,null],"a":{}}"#);
        assert_eq!([read("null"), read("5"), read("[1]")], ["", "", ""]);
    }

    #[test]
    fn text_is_found_in_parts_of_all_sorts() {
        let read = |json: &str| serde_json::from_str::<Text>(json).unwrap().0;
        assert_eq!(read(r#"[{"type":"text","text":"a"},"b",null,{"type":"image"},7,{"text":["c"]}]"#), "abc");
        assert_eq!(read(r#"{"text":"a"}"#), "a");
    }

    #[test]
    fn thought_among_parts_is_told_from_text() {
        let read = |json: &str| {
            let content = serde_json::from_str::<Content>(json).unwrap();
            format!("{}|{}", content.text, content.thought)
        };
        assert_eq!(
            read(r#"[{"type":"thinking","thinking":[{"type":"text","text":"t"}],"closed":true},{"type":"text","text":"a"},"b",7]"#),
            "ab|t"
        );
        assert_eq!([read("\"a\""), read("null"), read("[]"), read("7")], ["a|", "|", "|", "|"]);
    }
}
