//! Reading what compatible upstreams send instead of what they should: a count may be missing, null, a float or text, and content may be
//! a string or an array. Nothing here fails but on broken JSON.

mod shape;

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

pub use self::shape::{Arguments, Content, List, Maybe};

/// A count of tokens; whatever is no number is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count(pub u64);

/// Whether something that was sent holds anything: a string with characters, an array or object with members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Present(pub bool);

/// Text wherever it may be: a string, a part's `text`, or the text of an array's parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text(pub String);

/// A code or message that may be text, a number or null.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Word(pub Option<String>);

/// Reads a field that should hold a `T`: whatever else it holds is none.
///
/// # Errors
/// Broken JSON only.
pub fn tolerant<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).ok())
}

struct CountVisitor;
struct PresentVisitor;
struct TextVisitor;
struct WordVisitor;

fn drain_seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<usize, A::Error> {
    let mut count = 0;
    while seq.next_element::<IgnoredAny>()?.is_some() {
        count += 1;
    }
    Ok(count)
}

fn drain_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<usize, A::Error> {
    let mut count = 0;
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
        count += 1;
    }
    Ok(count)
}

impl<'de> Visitor<'de> for CountVisitor {
    type Value = Count;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a count")
    }

    fn visit_u64<E>(self, value: u64) -> Result<Count, E> {
        Ok(Count(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Count, E> {
        Ok(Count(u64::try_from(value).unwrap_or(0)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Count, E> {
        // Saturates, and what is no number is zero.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
        Ok(Count(value.round() as u64))
    }

    fn visit_str<E>(self, value: &str) -> Result<Count, E> {
        Ok(Count(value.parse().unwrap_or(0)))
    }

    fn visit_bool<E>(self, _value: bool) -> Result<Count, E> {
        Ok(Count(0))
    }

    fn visit_unit<E>(self) -> Result<Count, E> {
        Ok(Count(0))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Count, A::Error> {
        drain_seq(seq).map(|_| Count(0))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Count, A::Error> {
        drain_map(map).map(|_| Count(0))
    }
}

impl<'de> Visitor<'de> for PresentVisitor {
    type Value = Present;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_bool<E>(self, _value: bool) -> Result<Present, E> {
        Ok(Present(false))
    }

    fn visit_u64<E>(self, _value: u64) -> Result<Present, E> {
        Ok(Present(true))
    }

    fn visit_i64<E>(self, _value: i64) -> Result<Present, E> {
        Ok(Present(true))
    }

    fn visit_f64<E>(self, _value: f64) -> Result<Present, E> {
        Ok(Present(true))
    }

    fn visit_str<E>(self, value: &str) -> Result<Present, E> {
        Ok(Present(!value.is_empty()))
    }

    fn visit_unit<E>(self) -> Result<Present, E> {
        Ok(Present(false))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Present, A::Error> {
        drain_seq(seq).map(|count| Present(count > 0))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Present, A::Error> {
        drain_map(map).map(|count| Present(count > 0))
    }
}

#[derive(serde::Deserialize)]
struct Part {
    #[serde(default)]
    text: Text,
}

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text or parts")
    }

    fn visit_str<E>(self, value: &str) -> Result<Text, E> {
        Ok(Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Text, E> {
        Ok(Text::default())
    }

    fn visit_bool<E>(self, _value: bool) -> Result<Text, E> {
        Ok(Text::default())
    }

    fn visit_u64<E>(self, _value: u64) -> Result<Text, E> {
        Ok(Text::default())
    }

    fn visit_i64<E>(self, _value: i64) -> Result<Text, E> {
        Ok(Text::default())
    }

    fn visit_f64<E>(self, _value: f64) -> Result<Text, E> {
        Ok(Text::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Text, A::Error> {
        let mut whole = String::new();
        while let Some(part) = seq.next_element::<Text>()? {
            whole.push_str(&part.0);
        }
        Ok(Text(whole))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Text, A::Error> {
        Part::deserialize(MapAccessDeserializer::new(map)).map(|part| part.text)
    }
}

impl<'de> Visitor<'de> for WordVisitor {
    type Value = Word;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text or a number")
    }

    fn visit_str<E>(self, value: &str) -> Result<Word, E> {
        Ok(Word((!value.is_empty()).then(|| value.to_owned())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Word, E> {
        Ok(Word(Some(value.to_string())))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Word, E> {
        Ok(Word(Some(value.to_string())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Word, E> {
        Ok(Word(Some(value.to_string())))
    }

    fn visit_bool<E>(self, _value: bool) -> Result<Word, E> {
        Ok(Word(None))
    }

    fn visit_unit<E>(self) -> Result<Word, E> {
        Ok(Word(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Word, A::Error> {
        drain_seq(seq).map(|_| Word(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Word, A::Error> {
        drain_map(map).map(|_| Word(None))
    }
}

macro_rules! read_by {
    ($($type:ty => $visitor:expr,)+) => { $(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any($visitor)
            }
        }
    )+ };
}

read_by! {
    Count => CountVisitor,
    Present => PresentVisitor,
    Text => TextVisitor,
    Word => WordVisitor,
}

/// An object, if it is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Object<T>(pub Option<T>);

/// The objects of an array; what is no object is left out, and what is no array has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objects<T>(pub Vec<T>);

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Default for Objects<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

struct ObjectVisitor<T>(PhantomData<T>);
struct ObjectsVisitor<T>(PhantomData<T>);

/// Answers all sorts that are not wanted with the default.
macro_rules! nothing_else {
    ($value:ty: $($visit:ident($given:ty),)+) => {
        $(fn $visit<E>(self, _value: $given) -> Result<$value, E> {
            Ok(<$value>::default())
        })+

        fn visit_unit<E>(self) -> Result<$value, E> {
            Ok(<$value>::default())
        }
    };
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|value| Object(Some(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Object<T>, A::Error> {
        drain_seq(seq).map(|_| Object(None))
    }

    nothing_else!(Object<T>: visit_bool(bool), visit_u64(u64), visit_i64(i64), visit_f64(f64), visit_str(&str),);
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectsVisitor<T> {
    type Value = Objects<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Objects<T>, A::Error> {
        let mut objects = Vec::new();
        while let Some(object) = seq.next_element::<Object<T>>()? {
            objects.extend(object.0);
        }
        Ok(Objects(objects))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Objects<T>, A::Error> {
        drain_map(map).map(|_| Objects::default())
    }

    nothing_else!(Objects<T>: visit_bool(bool), visit_u64(u64), visit_i64(i64), visit_f64(f64), visit_str(&str),);
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Objects<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectsVisitor(PhantomData))
    }
}
