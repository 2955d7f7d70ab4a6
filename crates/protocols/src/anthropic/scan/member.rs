//! The members of a Messages body, one function for each: each passes over the value and says what we act on.

use std::ops::Range;

use crate::json::{JsonError, Scanner, Sort};
use crate::request::{BadRequest, Needs};
use crate::tokens::TextSize;

/// No provider's model name is longer.
const MAX_MODEL_NAME: usize = 256;

pub(super) fn model(scanner: &mut Scanner<'_>) -> Result<(String, Range<usize>), BadRequest> {
    if scanner.peek()? != Sort::String {
        return Err(BadRequest::field("model", "must be a string"));
    }
    let span = scanner.skip()?;
    let name = scanner.unescaped(&span)?;
    if name.trim().is_empty() {
        return Err(BadRequest::field("model", "is empty: name the model, as GET /v1/models lists it"));
    }
    if name.len() > MAX_MODEL_NAME {
        return Err(BadRequest::field("model", format!("is longer than {MAX_MODEL_NAME} bytes")));
    }
    if name.chars().any(char::is_control) {
        return Err(BadRequest::field("model", "holds a control character"));
    }
    Ok((name.into_owned(), span))
}

/// Where the turns lie, and how many they are.
pub(super) fn turns(scanner: &mut Scanner<'_>, size: &mut TextSize, needs: &mut Needs) -> Result<(Range<usize>, usize), BadRequest> {
    if scanner.peek()? != Sort::Array {
        return Err(BadRequest::field("messages", "must be an array of messages"));
    }
    let start = scanner.position();
    let mut count = 0;
    scanner.array(|scanner, index| {
        count = index + 1;
        if scanner.peek()? != Sort::Object {
            return Err(BadRequest::field(&format!("messages[{index}]"), "must be an object with `role` and `content`"));
        }
        let (mut role, mut content) = (false, false);
        scanner.object(|scanner, key| match &*key {
            "role" => {
                if scanner.peek()? != Sort::String {
                    return Err(BadRequest::field(&format!("messages[{index}].role"), "must be a string"));
                }
                // Quotes alone: an empty role.
                role = scanner.skip()?.len() > 2;
                Ok(())
            }
            "content" => {
                content = true;
                turn_content(scanner, index, size, needs)
            }
            _other => Ok(scanner.measure(size).map(drop)?),
        })?;
        if !role {
            return Err(BadRequest::field(&format!("messages[{index}].role"), "is missing: send `user` or `assistant`"));
        }
        if !content {
            return Err(BadRequest::field(&format!("messages[{index}].content"), "is missing: send a string or an array of blocks"));
        }
        Ok(())
    })?;
    if count == 0 {
        return Err(BadRequest::field("messages", "is empty: send at least one message"));
    }
    Ok((start..scanner.position(), count))
}

fn turn_content(scanner: &mut Scanner<'_>, index: usize, size: &mut TextSize, needs: &mut Needs) -> Result<(), BadRequest> {
    match scanner.peek()? {
        Sort::String => Ok(scanner.measure(size).map(drop)?),
        Sort::Array => Ok(scanner.array(|scanner, _index| block(scanner, size, needs))?),
        Sort::Null | Sort::Bool | Sort::Number | Sort::Object => {
            Err(BadRequest::field(&format!("messages[{index}].content"), "must be a string or an array of blocks"))
        }
    }
}

/// One block: text, an image, a document, a call, or a result with blocks of its own.
fn block(scanner: &mut Scanner<'_>, size: &mut TextSize, needs: &mut Needs) -> Result<(), JsonError> {
    if scanner.peek()? != Sort::Object {
        return scanner.measure(size).map(drop);
    }
    scanner.object(|scanner, key| match &*key {
        "type" => {
            let span = scanner.skip()?;
            needs.vision |= scanner.slice(&span) == "\"image\"";
            Ok(())
        }
        "content" if scanner.peek()? == Sort::Array => scanner.array(|scanner, _index| block(scanner, size, needs)),
        "source" if scanner.peek()? == Sort::Object => source(scanner, size, needs),
        // What is not read as text: state, and ids.
        "signature" | "id" | "tool_use_id" | "cache_control" => scanner.skip().map(drop),
        // The state of redacted thinking.
        "data" => scanner.skip().map(drop),
        _text => scanner.measure(size).map(drop),
    })
}

/// Where an image or a document is. Only plain text counts: what is base64 is no text, and its tokens are not known here.
fn source(scanner: &mut Scanner<'_>, size: &mut TextSize, needs: &mut Needs) -> Result<(), JsonError> {
    let mut is_text = false;
    let mut data = TextSize::NOTHING;
    let mut content = TextSize::NOTHING;
    scanner.object(|scanner, key| match &*key {
        "type" => {
            let span = scanner.skip()?;
            is_text = scanner.slice(&span) == "\"text\"";
            Ok(())
        }
        "data" => scanner.measure(&mut data).map(drop),
        "content" if scanner.peek()? == Sort::Array => scanner.array(|scanner, _index| block(scanner, &mut content, needs)),
        "content" => scanner.measure(&mut content).map(drop),
        _other => scanner.skip().map(drop),
    })?;
    size.join(content);
    if is_text {
        size.join(data);
    }
    Ok(())
}

pub(super) fn system(scanner: &mut Scanner<'_>, size: &mut TextSize) -> Result<(), BadRequest> {
    match scanner.peek()? {
        Sort::Null | Sort::String => Ok(scanner.measure(size).map(drop)?),
        Sort::Array => Ok(scanner.array(|scanner, _index| block(scanner, size, &mut Needs::default()))?),
        Sort::Bool | Sort::Number | Sort::Object => Err(BadRequest::field("system", "must be a string or an array of text blocks")),
    }
}

/// Whether there is any.
pub(super) fn tools(scanner: &mut Scanner<'_>, size: &mut TextSize) -> Result<bool, BadRequest> {
    match scanner.peek()? {
        Sort::Null => Ok(scanner.skip().map(|_| false)?),
        Sort::Array => {
            let mut any = false;
            scanner.array(|scanner, index| {
                any = true;
                if scanner.peek()? != Sort::Object {
                    return Err(BadRequest::field(&format!("tools[{index}]"), "must be an object"));
                }
                Ok::<_, BadRequest>(scanner.measure(size).map(drop)?)
            })?;
            Ok(any)
        }
        Sort::Bool | Sort::Number | Sort::String | Sort::Object => Err(BadRequest::field("tools", "must be an array of tools")),
    }
}

/// `any` and `tool` do.
pub(super) fn forces_a_call(scanner: &mut Scanner<'_>) -> Result<bool, BadRequest> {
    match scanner.peek()? {
        Sort::Null => Ok(scanner.skip().map(|_| false)?),
        Sort::Object => {
            let mut forces = false;
            scanner.object(|scanner, key| {
                let span = scanner.skip()?;
                forces |= key == "type" && matches!(scanner.slice(&span), "\"any\"" | "\"tool\"");
                Ok::<_, BadRequest>(())
            })?;
            Ok(forces)
        }
        Sort::Bool | Sort::Number | Sort::String | Sort::Array => {
            Err(BadRequest::field("tool_choice", "must be an object with a `type`: `auto`, `any`, `tool` or `none`"))
        }
    }
}

/// Where a text lies that is not empty.
pub(super) fn text_span(scanner: &mut Scanner<'_>) -> Result<Option<Range<usize>>, JsonError> {
    let sort = scanner.peek()?;
    let span = scanner.skip()?;
    Ok((sort == Sort::String && span.len() > 2).then_some(span))
}

pub(super) fn boolean(scanner: &mut Scanner<'_>, name: &str) -> Result<Option<bool>, BadRequest> {
    let sort = scanner.peek()?;
    let span = scanner.skip()?;
    match sort {
        Sort::Null => Ok(None),
        Sort::Bool => Ok(Some(scanner.slice(&span) == "true")),
        Sort::Number | Sort::String | Sort::Array | Sort::Object => Err(BadRequest::field(name, "must be true or false")),
    }
}

pub(super) fn positive(scanner: &mut Scanner<'_>, name: &str) -> Result<Option<u64>, BadRequest> {
    let sort = scanner.peek()?;
    let span = scanner.skip()?;
    let wrong = || BadRequest::field(name, "must be a whole number above zero");
    match sort {
        Sort::Null => Ok(None),
        Sort::Number => scanner.slice(&span).parse::<u64>().ok().filter(|value| *value > 0).map(Some).ok_or_else(wrong),
        Sort::Bool | Sort::String | Sort::Array | Sort::Object => Err(wrong()),
    }
}
