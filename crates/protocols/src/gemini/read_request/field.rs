//! Reading single fields of a caller's body, so that the one that is wrong can be named.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};
use serde_json::value::RawValue;

use crate::request::BadRequest;

/// Where in the body something lies.
#[derive(Debug)]
pub(crate) struct Place(String);

impl Place {
    /// The body itself.
    pub(crate) const fn body() -> Self {
        Self(String::new())
    }

    /// A place by its path.
    pub(crate) const fn named(path: String) -> Self {
        Self(path)
    }

    /// The path of a field here.
    pub(crate) fn path(&self, name: &str) -> String {
        if self.0.is_empty() { name.to_owned() } else { format!("{}.{name}", self.0) }
    }

    /// A field here.
    pub(crate) fn at(&self, name: &str) -> Self {
        Self(self.path(name))
    }

    /// What is wrong with a field here.
    pub(crate) fn bad(&self, name: &str, problem: impl AsRef<str>) -> BadRequest {
        BadRequest::field(&self.path(name), problem)
    }

    /// What is wrong with what is here.
    pub(crate) fn bad_self(&self, problem: impl AsRef<str>) -> BadRequest {
        BadRequest::field(&self.0, problem)
    }

    /// Reads a field here; none if it is missing or null.
    pub(crate) fn read<'a, T: Deserialize<'a>>(&self, raw: Option<&'a RawValue>, name: &str) -> Result<Option<T>, BadRequest> {
        let Some(raw) = raw else { return Ok(None) };
        serde_json::from_str::<Option<T>>(raw.get()).map_err(|error| self.bad(name, problem(&error)))
    }

    /// Reads what is here.
    pub(crate) fn object<'a, T: Deserialize<'a>>(&self, raw: &'a RawValue) -> Result<T, BadRequest> {
        // Derived readers take an array for an object's members in order.
        if !raw.get().starts_with('{') {
            return Err(self.bad_self("must be an object"));
        }
        serde_json::from_str(raw.get()).map_err(|error| self.bad_self(problem(&error)))
    }
}

fn problem(error: &serde_json::Error) -> String {
    let text = error.to_string();
    // Line and column count from the field's own beginning, which says nothing to the caller.
    let what = text.split(" at line ").next().unwrap_or_default();
    format!("can't be read: {what}")
}

/// The whole body.
pub(crate) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, BadRequest> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(BadRequest::whole("the request body must be a JSON object"));
    }
    serde_json::from_slice(body).map_err(|error| BadRequest::whole(format!("the request body can't be read: {error}")))
}

/// The members of a list; one that stands alone may lack the brackets.
pub(crate) fn elements<'a>(raw: Option<&'a RawValue>, path: &str) -> Result<Vec<&'a RawValue>, BadRequest> {
    let Some(raw) = raw.filter(|raw| raw.get() != "null") else { return Ok(Vec::new()) };
    match raw.get().as_bytes().first() {
        Some(b'[') => serde_json::from_str(raw.get()).map_err(|error| BadRequest::field(path, problem(&error))),
        Some(b'{' | b'"') => Ok(vec![raw]),
        Some(_) | None => Err(BadRequest::field(path, "must be an array")),
    }
}

/// A whole number; may be text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Int(pub(crate) i64);

/// A number; may be text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Num(pub(crate) f64);

struct IntVisitor;
struct NumVisitor;

impl Visitor<'_> for IntVisitor {
    type Value = Int;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Int, E> {
        Ok(Int(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Int, E> {
        i64::try_from(value).map(Int).map_err(|_| E::custom("the number is too large"))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Int, E> {
        // 2^53: beyond it not every whole number can be told.
        if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
            #[expect(clippy::cast_possible_truncation, reason = "checked")]
            return Ok(Int(value as i64));
        }
        Err(E::custom("a whole number is expected"))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Int, E> {
        value.parse().map(Int).map_err(|_| E::custom("a whole number is expected"))
    }
}

impl Visitor<'_> for NumVisitor {
    type Value = Num;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Num, E> {
        Ok(Num(value as f64))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Num, E> {
        Ok(Num(value as f64))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Num, E> {
        Ok(Num(value))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Num, E> {
        value.parse().ok().filter(|value: &f64| value.is_finite()).map(Num).ok_or_else(|| E::custom("a number is expected"))
    }
}

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IntVisitor)
    }
}

impl<'de> Deserialize<'de> for Num {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumVisitor)
    }
}
