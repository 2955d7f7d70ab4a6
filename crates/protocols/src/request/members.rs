//! Reading a caller's JSON body member by member: it is text, it is an object, and what we act on comes once.

use std::num::NonZeroU32;
use std::ops::Range;

use super::BadRequest;
use crate::json::{Scanner, Sort};
use crate::tokens::TextSize;

/// Calls `each` for every member of the object in `body`, and says where the brace lies that ends it. `each` must pass over the value.
/// `expected` says what to send, such as "`model` and `input`".
///
/// # Errors
/// [`BadRequest`] if the body is no JSON object, or whatever `each` says.
pub(crate) fn members(
    body: &[u8],
    expected: &str,
    mut each: impl FnMut(&mut Scanner<'_>, &str) -> Result<(), BadRequest>,
) -> Result<usize, BadRequest> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(BadRequest::whole(format!("the request body is empty: send a JSON object with {expected}")));
    }
    let text = std::str::from_utf8(body).map_err(|error| {
        BadRequest::whole(format!("the request body is not UTF-8: byte {} is not part of a character", error.valid_up_to()))
    })?;
    let mut scanner = Scanner::new(text);
    if scanner.peek()? != Sort::Object {
        return Err(BadRequest::whole(format!("the request body must be a JSON object with {expected}")));
    }
    scanner.object(|scanner, key| each(scanner, &key))?;
    scanner.end()?;
    Ok(text.trim_ascii_end().len().saturating_sub(1))
}

/// The members that were met. One that we act on may come only once: another reader might act on the other one.
#[derive(Debug, Default)]
pub(crate) struct Seen(Vec<&'static str>);

impl Seen {
    /// Remembers `name`.
    pub(crate) fn once(&mut self, name: &'static str) -> Result<(), BadRequest> {
        if self.0.contains(&name) {
            return Err(BadRequest::field(name, "stands twice in the body: send it once"));
        }
        self.0.push(name);
        Ok(())
    }
}

/// A text that is read, not only passed on: where it lies, quotes included, and its estimate in tokens (at least one).
pub(crate) fn text(scanner: &mut Scanner<'_>) -> Result<(Range<usize>, u64), BadRequest> {
    let span = scanner.skip()?;
    // Refuses half characters (`"\ud800"`), which nobody else could be sent.
    let text = scanner.unescaped(&span)?;
    let mut size = TextSize::default();
    size.add(text.as_bytes());
    Ok((span, size.tokens().max(1)))
}

/// A text that we only note, if it is one.
pub(crate) fn note(scanner: &mut Scanner<'_>) -> Result<Option<String>, BadRequest> {
    let sort = scanner.peek()?;
    let span = scanner.skip()?;
    if sort != Sort::String {
        return Ok(None);
    }
    Ok(Some(scanner.unescaped(&span)?.into_owned()).filter(|text| !text.is_empty()))
}

/// A whole number above zero, or null.
pub(crate) fn count(scanner: &mut Scanner<'_>, name: &str) -> Result<Option<NonZeroU32>, BadRequest> {
    let sort = scanner.peek()?;
    let span = scanner.skip()?;
    if sort == Sort::Null {
        return Ok(None);
    }
    scanner.slice(&span).parse().map(Some).map_err(|_| BadRequest::field(name, "must be a whole number above zero"))
}
