//! A caller's fields, whether they came as JSON or as a form.
//!
//! `null` is the same as absent, and so is an empty field of a form where a number, a word or a flag is meant. In JSON a number is a
//! number; in a form everything is text. A field that we act on comes once.

use std::borrow::Cow;
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::str::FromStr;

use easyai_core::words::UnknownWord;

use crate::media::MediaBody;
use crate::multipart::{self, Part};
use crate::request::BadRequest;
use crate::request::members::members;

/// What a caller sent.
#[derive(Debug)]
pub(super) struct Fields<'a>(Vec<Field<'a>>);

/// One thing that was sent under a name.
#[derive(Debug)]
pub(super) struct Field<'a> {
    /// As it was sent: `image`, `image[]`, `input_reference[image_url]`.
    pub(super) name: Cow<'a, str>,
    /// What stands there.
    pub(super) value: Value<'a>,
}

/// What stands in a field.
#[derive(Debug, Clone)]
pub(super) enum Value<'a> {
    /// JSON other than `null`.
    Json(&'a str),
    /// A part of a form.
    Part(Part),
}

impl<'a> Fields<'a> {
    /// The fields of `body`; `expected` says what to send, such as "`model` and `prompt`".
    pub(super) fn of(body: &'a MediaBody, expected: &str) -> Result<Self, BadRequest> {
        if body.is_form() {
            let parts = multipart::parts(&body.content_type, &body.bytes)?;
            let field = |part: Part| Field { name: Cow::Owned(part.name.clone()), value: Value::Part(part) };
            return Ok(Self(parts.into_iter().map(field).collect()));
        }
        let mut found: Vec<(String, Range<usize>)> = Vec::new();
        members(&body.bytes, expected, |scanner, key| {
            let key = key.to_owned();
            found.push((key, scanner.skip()?));
            Ok(())
        })?;
        // `members` has seen that it is UTF-8.
        let text = std::str::from_utf8(&body.bytes).unwrap_or_default();
        let field = |(name, at): (String, Range<usize>)| {
            let json = text.get(at).filter(|json| *json != "null")?;
            Some(Field { name: Cow::Owned(name), value: Value::Json(json) })
        };
        Ok(Self(found.into_iter().filter_map(field).collect()))
    }

    /// All fields whose name, up to its first bracket, is `base`.
    pub(super) fn all<'f>(&'f self, base: &'f str) -> impl Iterator<Item = &'f Field<'a>> {
        self.0.iter().filter(move |field| field.base() == base)
    }

    /// The field of exactly this name.
    fn one(&self, name: &str) -> Result<Option<&Value<'a>>, BadRequest> {
        let mut found = self.0.iter().filter(|field| field.name == name);
        let first = found.next();
        if found.next().is_some() {
            return Err(BadRequest::field(name, "stands twice in the body: send it once"));
        }
        Ok(first.map(|field| &field.value))
    }

    /// The first of several names of one thing that is there, with its name. Two of them at once are refused.
    pub(super) fn named(&self, names: &[&'static str]) -> Result<Option<&'static str>, BadRequest> {
        let mut there = names.iter().copied().filter(|name| self.0.iter().any(|field| field.name == *name));
        let first = there.next();
        match (first, there.next()) {
            (Some(first), Some(second)) => Err(BadRequest::field(second, format!("says the same as `{first}`: send one of them"))),
            (first, _) => Ok(first),
        }
    }

    /// A text.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, BadRequest> {
        match self.one(name)? {
            None => Ok(None),
            Some(Value::Json(json)) => match string(json)? {
                Some(text) => Ok(Some(text.into_owned())),
                None => Err(BadRequest::field(name, "must be a string")),
            },
            Some(Value::Part(part)) => part_text(name, part).map(|text| Some(text.to_owned())),
        }
    }

    /// One of an enum's spellings. `auto`, where `auto` says so, leaves it to the model.
    pub(super) fn word<T: FromStr<Err = UnknownWord>>(&self, name: &str, auto: Auto) -> Result<Option<T>, BadRequest> {
        let Some(text) = self.text(name)?.filter(|text| !text.is_empty()) else { return Ok(None) };
        if auto == Auto::Taken && text == "auto" {
            return Ok(None);
        }
        let also = if auto == Auto::Taken { "auto, " } else { "" };
        text.parse().map(Some).map_err(|error: UnknownWord| BadRequest::field(name, format!("must be one of {also}{}", error.expected)))
    }

    /// A whole number.
    pub(super) fn whole<T: FromStr + PartialOrd + Display>(&self, name: &str, range: RangeInclusive<T>) -> Result<Option<T>, BadRequest> {
        let Some(text) = self.number(name)? else { return Ok(None) };
        let number = text.trim().parse::<T>().ok().filter(|number| range.contains(number));
        let (least, most) = (range.start(), range.end());
        number.map(Some).ok_or_else(|| BadRequest::field(name, format!("must be a whole number from {least} to {most}")))
    }

    /// Checks a number that is passed on as it stands.
    pub(super) fn decimal(&self, name: &str, range: RangeInclusive<f64>) -> Result<(), BadRequest> {
        let Some(text) = self.number(name)? else { return Ok(()) };
        let fits = text.trim().parse::<f64>().is_ok_and(|number| range.contains(&number));
        let (least, most) = (range.start(), range.end());
        if fits { Ok(()) } else { Err(BadRequest::field(name, format!("must be a number from {least} to {most}"))) }
    }

    /// What stands where a number is meant.
    pub(super) fn number(&self, name: &str) -> Result<Option<String>, BadRequest> {
        match self.one(name)? {
            None => Ok(None),
            Some(Value::Json(json)) if json.starts_with(['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) => {
                Ok(Some((*json).to_owned()))
            }
            Some(Value::Json(_)) => Err(BadRequest::field(name, "must be a number")),
            Some(Value::Part(part)) => Ok(Some(part_text(name, part)?.to_owned()).filter(|text| !text.is_empty())),
        }
    }

    /// A number, or the same as text, as OpenAI writes seconds.
    pub(super) fn number_or_text(&self, name: &str) -> Result<Option<String>, BadRequest> {
        match self.one(name)? {
            Some(Value::Json(json)) if json.starts_with('"') => self.text(name),
            Some(_) | None => self.number(name),
        }
    }

    /// Yes or no.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, BadRequest> {
        let wrong = || BadRequest::field(name, "must be true or false");
        match self.one(name)? {
            None => Ok(None),
            Some(Value::Json("true")) => Ok(Some(true)),
            Some(Value::Json("false")) => Ok(Some(false)),
            Some(Value::Json(_)) => Err(wrong()),
            // Python writes its own words for them.
            Some(Value::Part(part)) => match part_text(name, part)? {
                "" => Ok(None),
                "true" | "True" | "1" => Ok(Some(true)),
                "false" | "False" | "0" => Ok(Some(false)),
                _other => Err(wrong()),
            },
        }
    }
}

/// Whether `auto` is a word too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Auto {
    Taken,
    Refused,
}

impl Field<'_> {
    /// The name up to its first bracket.
    pub(super) fn base(&self) -> &str {
        self.name.split('[').next().unwrap_or_default()
    }

    /// What stands in brackets that is no index: `image_url` in `images[0][image_url]`.
    pub(super) fn member(&self) -> Option<&str> {
        let last = self.name.rsplit_once('[')?.1.strip_suffix(']')?;
        Some(last).filter(|last| !last.is_empty() && !last.bytes().all(|byte| byte.is_ascii_digit()))
    }
}

/// The text of a JSON string; none if it is something else.
pub(super) fn string(json: &str) -> Result<Option<Cow<'_, str>>, BadRequest> {
    let Some(inner) = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return Ok(None) };
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Ok(Some(Cow::Borrowed(inner)));
    }
    let text = serde_json::from_str(json).map(Cow::Owned);
    text.map(Some).map_err(|_| BadRequest::whole("the request body holds a string with an escape that means no character"))
}

/// The text of a form's part.
pub(super) fn part_text<'p>(name: &str, part: &'p Part) -> Result<&'p str, BadRequest> {
    if part.filename.is_some() {
        return Err(BadRequest::field(name, "must be text, and no file"));
    }
    std::str::from_utf8(&part.data).map_err(|_| BadRequest::field(name, "is not UTF-8"))
}
