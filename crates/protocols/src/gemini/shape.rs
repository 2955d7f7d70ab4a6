//! Reading objects, lists and flags of an upstream that may be something else than they should: then they are absent. Nothing here fails
//! but on broken JSON, as in [`lenient`](crate::openai::lenient).

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// An object, if it is one.
#[derive(Debug, Clone)]
pub(super) struct Object<T>(pub(super) Option<T>);

/// A list; an object alone is a list of one, and whatever else is an empty one.
#[derive(Debug, Clone)]
pub(super) struct List<T>(pub(super) Vec<T>);

/// `true`, or anything else.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flag(pub(super) bool);

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> List<Object<T>> {
    /// The members that are objects.
    pub(super) fn objects(self) -> impl Iterator<Item = T> {
        self.0.into_iter().filter_map(|member| member.0)
    }

    /// The members that are objects, to look at.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().filter_map(|member| member.0.as_ref())
    }
}

struct ObjectVisitor<T>(PhantomData<T>);
struct ListVisitor<T>(PhantomData<T>);
struct FlagVisitor;

/// The sorts of values that are none of what is wanted.
macro_rules! otherwise {
    ($value:ty: $($visit:ident($given:ty))+) => { $(
        fn $visit<E>(self, _value: $given) -> Result<$value, E> {
            Ok(<$value>::default())
        }
    )+ };
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|value| Object(Some(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Object<T>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Object(None))
    }

    fn visit_unit<E>(self) -> Result<Object<T>, E> {
        Ok(Object(None))
    }

    otherwise! { Object<T>: visit_bool(bool) visit_u64(u64) visit_i64(i64) visit_f64(f64) visit_str(&str) }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<T>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = seq.next_element()? {
            members.push(member);
        }
        Ok(List(members))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<List<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|member| List(vec![member]))
    }

    fn visit_unit<E>(self) -> Result<List<T>, E> {
        Ok(List::default())
    }

    otherwise! { List<T>: visit_bool(bool) visit_u64(u64) visit_i64(i64) visit_f64(f64) visit_str(&str) }
}

impl<'de> Visitor<'de> for FlagVisitor {
    type Value = Flag;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true or false")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Flag, E> {
        Ok(Flag(value))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Flag, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Flag(false))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Flag, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Flag(false))
    }

    fn visit_unit<E>(self) -> Result<Flag, E> {
        Ok(Flag(false))
    }

    otherwise! { Flag: visit_u64(u64) visit_i64(i64) visit_f64(f64) visit_str(&str) }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FlagVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize, Default)]
    #[serde(default)]
    struct Sample {
        object: Object<Inner>,
        list: List<Object<Inner>>,
        flag: Flag,
    }

    #[derive(serde::Deserialize, Default)]
    #[serde(default)]
    struct Inner {
        flag: Flag,
    }

    #[test]
    fn what_is_not_as_it_should_be_is_absent() {
        for wrong in ["null", "1", "-1", "1.5", "true", "\"x\"", "[1,[2],{}]", "{}"] {
            let text = format!(r#"{{"object":{wrong},"list":{wrong},"flag":{wrong}}}"#);
            let sample: Sample = serde_json::from_str(&text).unwrap();
            assert_eq!(sample.flag.0, wrong == "true", "{wrong}");
            assert_eq!(sample.object.0.is_some(), wrong == "{}", "{wrong}");
            assert_eq!(sample.list.iter().count(), usize::from(wrong.ends_with(['}', ']'])), "{wrong}");
        }
        let sample: Sample = serde_json::from_str(r#"{"list":[{"flag":true},3,null,{}]}"#).unwrap();
        assert_eq!(sample.list.objects().map(|inner| inner.flag.0).collect::<Vec<_>>(), [true, false]);
    }
}
