//! A caller's object, member by member, so that whatever is wrong is named by its path.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::request::BadRequest;

/// An object and where it stands.
#[derive(Debug)]
pub(super) struct Object<'a> {
    path: String,
    members: Members<'a>,
}

/// A member that was sent, and is not null.
#[derive(Debug)]
pub(super) struct Given<'a> {
    pub(super) path: String,
    raw: &'a RawValue,
}

/// What stands in a place that takes text or blocks.
#[derive(Debug)]
pub(super) enum Content<'a> {
    Text(Cow<'a, str>),
    Blocks(Vec<Object<'a>>),
}

#[derive(Debug)]
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    /// The body.
    pub(super) fn whole(body: &'a [u8]) -> Result<Self, BadRequest> {
        let members = serde_json::from_slice(body)
            .map_err(|error| BadRequest::whole(format!("the request body is not a JSON object that can be read: {error}")))?;
        Ok(Self { path: String::new(), members })
    }

    /// Where it stands.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// A member, if it was sent and is not null. Of several with one name the last counts, as in most readers.
    pub(super) fn get(&self, name: &str) -> Option<Given<'a>> {
        let (_, raw) = self.members.0.iter().rev().find(|(key, _)| key == name)?;
        (raw.get() != "null").then(|| Given { path: self.path_of(name), raw })
    }

    /// A member that must be there; `hint` says what to send.
    pub(super) fn need(&self, name: &str, hint: &str) -> Result<Given<'a>, BadRequest> {
        self.get(name).ok_or_else(|| BadRequest::field(&self.path_of(name), format!("is missing: {hint}")))
    }

    /// The object's `type`.
    pub(super) fn kind(&self, hint: &str) -> Result<Cow<'a, str>, BadRequest> {
        self.need("type", hint)?.string()
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}

impl<'a> Given<'a> {
    pub(super) fn string(self) -> Result<Cow<'a, str>, BadRequest> {
        let text: Result<Text<'a>, _> = serde_json::from_str(self.raw.get());
        text.map(|text| text.0).map_err(|_| self.must_be("a string"))
    }

    pub(super) fn boolean(self) -> Result<bool, BadRequest> {
        self.value("true or false")
    }

    pub(super) fn number(self) -> Result<f64, BadRequest> {
        self.value("a number")
    }

    pub(super) fn whole_number(self) -> Result<u64, BadRequest> {
        self.value("a whole number")
    }

    pub(super) fn positive(self) -> Result<u64, BadRequest> {
        let wrong = self.must_be("a whole number above zero");
        self.whole_number().ok().filter(|value| *value > 0).ok_or(wrong)
    }

    pub(super) fn strings(self) -> Result<Vec<String>, BadRequest> {
        self.value("an array of strings")
    }

    pub(super) fn object(self) -> Result<Object<'a>, BadRequest> {
        let members = serde_json::from_str(self.raw.get()).map_err(|_| self.must_be("an object"))?;
        Ok(Object { path: self.path, members })
    }

    /// The elements, whatever they are, each with its path.
    pub(super) fn array(self) -> Result<Vec<Self>, BadRequest> {
        let elements: Vec<&'a RawValue> = serde_json::from_str(self.raw.get()).map_err(|_| self.must_be("an array"))?;
        let path = |index| format!("{}[{index}]", self.path);
        Ok(elements.into_iter().enumerate().map(|(index, raw)| Self { path: path(index), raw }).collect())
    }

    pub(super) fn objects(self) -> Result<Vec<Object<'a>>, BadRequest> {
        self.array()?.into_iter().map(Self::object).collect()
    }

    pub(super) fn content(self) -> Result<Content<'a>, BadRequest> {
        match self.raw.get().as_bytes().first() {
            Some(b'"') => self.string().map(Content::Text),
            Some(b'[') => self.objects().map(Content::Blocks),
            Some(_) | None => Err(self.must_be("a string or an array of blocks")),
        }
    }

    /// A JSON schema: free but for being an object.
    pub(super) fn schema(self) -> Result<serde_json::Value, BadRequest> {
        let wrong = self.must_be("a JSON schema, which is an object");
        self.value("a JSON schema, which is an object").ok().filter(serde_json::Value::is_object).ok_or(wrong)
    }

    /// The very text of an object.
    pub(super) fn object_text(self) -> Result<&'a str, BadRequest> {
        if self.raw.get().starts_with('{') { Ok(self.raw.get()) } else { Err(self.must_be("an object")) }
    }

    pub(super) fn must_be(&self, what: &str) -> BadRequest {
        BadRequest::field(&self.path, format!("must be {what}"))
    }

    fn value<T: DeserializeOwned>(self, what: &str) -> Result<T, BadRequest> {
        serde_json::from_str(self.raw.get()).map_err(|_| self.must_be(what))
    }
}

/// A string that is copied only if it holds escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::with_capacity(map.size_hint().unwrap_or(4));
                while let Some((Text(key), raw)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
                    members.push((key, raw));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}
