//! Values as Google's JSON allows them: a list with one member may lack its brackets, and a number may be text.

use std::borrow::Cow;

use crate::json::{Scanner, Sort};
use crate::request::BadRequest;

/// Calls `member` for every member of a list, or for an object that stands alone; says how many there were.
pub(super) fn each<'a>(
    scanner: &mut Scanner<'a>,
    path: &str,
    mut member: impl FnMut(&mut Scanner<'a>, usize) -> Result<(), BadRequest>,
) -> Result<usize, BadRequest> {
    match scanner.peek()? {
        Sort::Null => {
            scanner.skip()?;
            Ok(0)
        }
        Sort::Array => {
            let mut count = 0;
            scanner.array(|scanner, index| {
                count = index + 1;
                member(scanner, index)
            })?;
            Ok(count)
        }
        Sort::Object | Sort::String => member(scanner, 0).map(|()| 1),
        Sort::Bool | Sort::Number => Err(BadRequest::field(path, "must be an array")),
    }
}

/// A string, or none for null.
pub(super) fn string<'a>(scanner: &mut Scanner<'a>, path: &str) -> Result<Option<Cow<'a, str>>, BadRequest> {
    let sort = scanner.peek()?;
    let span = scanner.skip()?;
    match sort {
        Sort::Null => Ok(None),
        Sort::String => Ok(Some(scanner.unescaped(&span)?)),
        Sort::Bool | Sort::Number | Sort::Array | Sort::Object => Err(BadRequest::field(path, "must be a string")),
    }
}

/// A count above zero, or none for null. Zero means the default here, as in all of Google's messages.
pub(super) fn positive(scanner: &mut Scanner<'_>, path: &str) -> Result<Option<u64>, BadRequest> {
    let sort = scanner.peek()?;
    let span = scanner.skip()?;
    let text = scanner.slice(&span).trim_matches('"');
    match sort {
        Sort::Null => Ok(None),
        Sort::Number | Sort::String => match text.parse::<u64>() {
            Ok(value) => Ok((value > 0).then_some(value)),
            Err(_) => Err(BadRequest::field(path, "must be a whole number")),
        },
        Sort::Bool | Sort::Array | Sort::Object => Err(BadRequest::field(path, "must be a whole number")),
    }
}
