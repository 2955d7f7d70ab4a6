//! Reading a caller strictly: what is there and can't be understood is refused, and the refusal names its path.
//!
//! serde alone says where a wrong value lies by byte, not by name. So an object is read into a struct of [`Given`] members, and each of
//! these is read in turn, with the place at which it stands. `null` is the same as absent, as it is for every provider.

use std::fmt;
use std::str::FromStr;

use easyai_core::words::UnknownWord;
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::request::BadRequest;

/// A place in a caller's body, such as `messages[2].content[0].type`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum At<'p> {
    /// The body itself.
    Body,
    /// A member of what stands there.
    Member(&'p At<'p>, &'p str),
    /// An element of the array that stands there.
    Element(&'p At<'p>, usize),
}

/// A member of a caller's body that has not been looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Given<'a>(Option<&'a RawValue>);

/// What can be asked of a [`Given`], and how it is called when something else stands there.
pub(crate) trait Wanted: DeserializeOwned {
    /// With its article: `a string`.
    const WHAT: &'static str;
}

impl<'p> At<'p> {
    /// A member of what stands here.
    pub(crate) const fn member(&'p self, name: &'p str) -> Self {
        Self::Member(self, name)
    }

    /// An element of the array that stands here.
    pub(crate) const fn element(&'p self, index: usize) -> Self {
        Self::Element(self, index)
    }

    /// Refuses what stands here: `` `place` problem ``.
    pub(crate) fn refuse(&self, problem: impl AsRef<str>) -> BadRequest {
        match self {
            Self::Body => BadRequest::whole(format!("the request body {}", problem.as_ref())),
            Self::Member(..) | Self::Element(..) => BadRequest::field(&self.to_string(), problem),
        }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body => Ok(()),
            Self::Member(Self::Body, name) => f.write_str(name),
            Self::Member(outer, name) => write!(f, "{outer}.{name}"),
            Self::Element(outer, index) => write!(f, "{outer}[{index}]"),
        }
    }
}

impl<'a> Given<'a> {
    /// The whole body.
    pub(crate) fn body(body: &'a [u8]) -> Result<Self, BadRequest> {
        let raw: &RawValue = serde_json::from_slice(body).map_err(|error| At::Body.refuse(format!("is not JSON: {error}")))?;
        Ok(Self(Some(raw)))
    }

    /// Whether something but `null` stands here.
    pub(crate) const fn is_there(self) -> bool {
        self.0.is_some()
    }

    /// Whether an object, array or string begins here, by its first character.
    pub(crate) fn begins_with(self, first: char) -> bool {
        self.text().starts_with(first)
    }

    /// What stands here, if anything does.
    pub(crate) fn read<T: Wanted>(self, at: &At<'_>) -> Result<Option<T>, BadRequest> {
        let Some(raw) = self.0 else { return Ok(None) };
        serde_json::from_str(raw.get()).map(Some).map_err(|_| at.refuse(format!("must be {}", T::WHAT)))
    }

    /// What must stand here.
    pub(crate) fn need<T: Wanted>(self, at: &At<'_>) -> Result<T, BadRequest> {
        self.read(at)?.ok_or_else(|| at.refuse(format!("is missing: send {}", T::WHAT)))
    }

    /// One of an enum's spellings, if anything stands here.
    pub(crate) fn word<T: FromStr<Err = UnknownWord>>(self, at: &At<'_>) -> Result<Option<T>, BadRequest> {
        let Some(text) = self.read::<String>(at)? else { return Ok(None) };
        text.parse().map(Some).map_err(|error: UnknownWord| at.refuse(format!("must be one of {}", error.expected)))
    }

    /// The members of the object that stands here, if one does.
    pub(crate) fn object<T: Deserialize<'a>>(self, at: &At<'_>) -> Result<Option<T>, BadRequest> {
        let Some(raw) = self.0 else { return Ok(None) };
        if !self.begins_with('{') {
            return Err(at.refuse("must be an object"));
        }
        serde_json::from_str(raw.get()).map(Some).map_err(|error| at.refuse(format!("can't be read: {error}")))
    }

    /// The members of the object that must stand here.
    pub(crate) fn need_object<T: Deserialize<'a>>(self, at: &At<'_>) -> Result<T, BadRequest> {
        self.object(at)?.ok_or_else(|| at.refuse("is missing: send an object"))
    }

    /// The elements of the array that stands here; none if nothing does.
    pub(crate) fn array(self, at: &At<'_>) -> Result<Vec<Given<'a>>, BadRequest> {
        let Some(raw) = self.0 else { return Ok(Vec::new()) };
        serde_json::from_str(raw.get()).map_err(|_| at.refuse("must be an array"))
    }

    /// The JSON itself; empty if nothing stands here.
    pub(crate) fn text(self) -> &'a str {
        self.0.map(RawValue::get).unwrap_or_default()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Given<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Ok(Self((raw.get() != "null").then_some(raw)))
    }
}

macro_rules! wanted {
    ($($type:ty = $what:literal,)+) => { $(impl Wanted for $type { const WHAT: &'static str = $what; })+ };
}

wanted! {
    String = "a string",
    bool = "true or false",
    u32 = "a whole number",
    u64 = "a whole number",
    i64 = "a whole number",
    f64 = "a number",
    Value = "JSON",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Wire<'a> {
        #[serde(borrow, default)]
        a: Given<'a>,
    }

    #[test]
    fn what_is_wrong_is_named_by_its_path() {
        let at = At::Body;
        let wire: Wire<'_> = Given::body(br#"{"a":[{"b":5},null],"c":1}"#).unwrap().need_object(&at).unwrap();
        let list = at.member("a");
        let elements = wire.a.array(&list).unwrap();
        assert_eq!((elements.len(), elements[1].is_there()), (2, false));
        let element = list.element(0);
        let error = elements[0].need::<String>(&element.member("b")).unwrap_err();
        assert_eq!(error, BadRequest { param: Some("a[0].b".to_owned()), message: "`a[0].b` must be a string".to_owned() });
        assert_eq!(elements[1].need::<u64>(&list.element(1)).unwrap_err().message, "`a[1]` is missing: send a whole number");
        assert_eq!(elements[1].read::<u64>(&element), Ok(None));
        assert_eq!(wire.a.object::<Wire<'_>>(&list).err().map(|error| error.message), Some("`a` must be an object".to_owned()));
    }
}
