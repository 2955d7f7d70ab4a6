//! The one pass over a chat request's body: what we act on, checked, and where it lies.

use std::ops::Range;

use bytes::Bytes;

use crate::json::{JsonError, Scanner, Sort};
use crate::request::{BadRequest, Framing, Needs, Scan, Spans, StreamOptions, TextRequest};
use crate::tokens::TextSize;
use crate::wire::Protocol;

/// No provider's model name is longer.
const MAX_MODEL_NAME: usize = 256;

/// OpenAI's bound on `n`.
const MAX_CHOICES: u64 = 128;

/// What a message costs beside its text (OpenAI's own count for chat framing).
const TOKENS_A_MESSAGE: u64 = 4;

#[derive(Default)]
struct Draft {
    model: Option<(String, Range<usize>)>,
    stream: bool,
    include_usage: bool,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    choices: Option<u64>,
    needs: Needs,
    size: TextSize,
    messages: Option<(Range<usize>, usize)>,
    prompt_cache_key: Option<Range<usize>>,
    user: Option<Range<usize>>,
    stream_options: Option<StreamOptions>,
    seen: Vec<&'static str>,
}

/// Checks the body of a chat request.
///
/// # Errors
/// [`BadRequest`] names the first field that is wrong.
pub fn scan(body: Bytes) -> Result<TextRequest, BadRequest> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(whole("the request body is empty: send a JSON object with `model` and `messages`"));
    }
    let text = std::str::from_utf8(&body)
        .map_err(|error| whole(format!("the request body is not UTF-8: byte {} is not part of a character", error.valid_up_to())))?;
    let mut scanner = Scanner::new(text);
    if scanner.peek()? != Sort::Object {
        return Err(whole("the request body must be a JSON object with `model` and `messages`"));
    }
    let mut draft = Draft::default();
    scanner.object(|scanner, key| draft.member(scanner, &key))?;
    scanner.end()?;
    let end = text.trim_ascii_end().len() - 1;
    let scan = draft.finish(end)?;
    Ok(TextRequest::new(Protocol::Chat, body, scan, Framing::Events))
}

impl Draft {
    fn member(&mut self, scanner: &mut Scanner<'_>, key: &str) -> Result<(), BadRequest> {
        match key {
            "model" => {
                self.once("model")?;
                self.model = Some(model(scanner)?);
            }
            "messages" => {
                self.once("messages")?;
                self.messages = Some(messages(scanner, &mut self.size, &mut self.needs)?);
            }
            "stream" => {
                self.once("stream")?;
                self.stream = bool_or_null(scanner, "stream")?.unwrap_or(false);
            }
            "stream_options" => {
                self.once("stream_options")?;
                (self.stream_options, self.include_usage) = stream_options(scanner)?;
            }
            "max_tokens" => {
                self.once("max_tokens")?;
                self.max_tokens = bound(scanner, "max_tokens")?;
            }
            "max_completion_tokens" => {
                self.once("max_completion_tokens")?;
                self.max_completion_tokens = bound(scanner, "max_completion_tokens")?;
            }
            "n" => {
                self.once("n")?;
                self.choices = positive(scanner, "n")?;
            }
            "tools" => {
                self.once("tools")?;
                self.needs.tools = tools(scanner, &mut self.size)?;
            }
            "tool_choice" => {
                self.once("tool_choice")?;
                self.needs.tool_call = forces_a_call(scanner)?;
            }
            "response_format" => {
                self.once("response_format")?;
                asks_for_json(scanner, &mut self.needs)?;
            }
            "audio" => {
                self.needs.audio |= scanner.peek()? != Sort::Null;
                scanner.skip()?;
            }
            "prompt_cache_key" => self.prompt_cache_key = text_span(scanner)?,
            "user" => self.user = text_span(scanner)?,
            _unknown => {
                scanner.skip()?;
            }
        }
        Ok(())
    }

    /// A member that we act on may come only once: another reader might act on the other one.
    fn once(&mut self, name: &'static str) -> Result<(), BadRequest> {
        if self.seen.contains(&name) {
            return Err(field(name, "stands twice in the body: send it once"));
        }
        self.seen.push(name);
        Ok(())
    }

    fn finish(self, end: usize) -> Result<Scan, BadRequest> {
        let Some((model, model_span)) = self.model else {
            return Err(field("model", "is missing: name the model, as GET /v1/models lists it"));
        };
        let Some((messages, count)) = self.messages else { return Err(field("messages", "is missing: send an array of messages")) };
        let choices = self.choices.unwrap_or(1);
        if choices > MAX_CHOICES {
            return Err(field("n", format!("must be from 1 to {MAX_CHOICES}")));
        }
        Ok(Scan {
            model: model.into(),
            stream: self.stream,
            include_usage: self.include_usage,
            max_output_tokens: self.max_completion_tokens.or(self.max_tokens),
            choices: u32::try_from(choices).unwrap_or(1),
            needs: self.needs,
            prompt_tokens: self.size.tokens().saturating_add(TOKENS_A_MESSAGE.saturating_mul(count as u64)),
            spans: Spans {
                model: Some(model_span),
                stream_options: self.stream_options,
                turns: messages,
                cache_key: self.prompt_cache_key,
                user: self.user,
                end,
            },
        })
    }
}

/// Where `stream_options` lies, and whether it asks for usage.
pub(crate) fn stream_options(scanner: &mut Scanner<'_>) -> Result<(Option<StreamOptions>, bool), BadRequest> {
    match scanner.peek()? {
        Sort::Null => return Ok((Some(StreamOptions::Null(scanner.skip()?)), false)),
        Sort::Object => {}
        Sort::Bool | Sort::Number | Sort::String | Sort::Array => return Err(field("stream_options", "must be an object")),
    }
    let after_brace = scanner.position() + 1;
    let mut options = StreamOptions::Object { after_brace, is_empty: true };
    let mut include_usage = None;
    scanner.object(|scanner, key| {
        if key == "include_usage" {
            if matches!(options, StreamOptions::IncludeUsage(_)) {
                return Err(field("stream_options.include_usage", "stands twice in the body: send it once"));
            }
            let (value, span) = bool_span(scanner, "stream_options.include_usage")?;
            include_usage = value;
            options = StreamOptions::IncludeUsage(span);
        } else {
            scanner.skip()?;
            if let StreamOptions::Object { is_empty, .. } = &mut options {
                *is_empty = false;
            }
        }
        Ok::<_, BadRequest>(())
    })?;
    Ok((Some(options), include_usage.unwrap_or(false)))
}

/// The model's name, and where it lies.
pub(crate) fn model(scanner: &mut Scanner<'_>) -> Result<(String, Range<usize>), BadRequest> {
    if scanner.peek()? != Sort::String {
        return Err(field("model", "must be a string"));
    }
    let span = scanner.skip()?;
    let name = scanner.unescaped(&span)?;
    check_model(&name)?;
    Ok((name.into_owned(), span))
}

/// Refuses what can't be a model's name.
pub(crate) fn check_model(name: &str) -> Result<(), BadRequest> {
    if name.trim().is_empty() {
        return Err(field("model", "is empty: name the model, as GET /v1/models lists it"));
    }
    if name.len() > MAX_MODEL_NAME {
        return Err(field("model", format!("is longer than {MAX_MODEL_NAME} bytes")));
    }
    if name.chars().any(char::is_control) {
        return Err(field("model", "holds a control character"));
    }
    Ok(())
}

fn messages(scanner: &mut Scanner<'_>, size: &mut TextSize, needs: &mut Needs) -> Result<(Range<usize>, usize), BadRequest> {
    if scanner.peek()? != Sort::Array {
        return Err(field("messages", "must be an array of messages"));
    }
    let start = scanner.position();
    let mut count = 0;
    scanner.array(|scanner, index| {
        count = index + 1;
        if scanner.peek()? != Sort::Object {
            return Err(field(&format!("messages[{index}]"), "must be an object with `role` and `content`"));
        }
        let mut role = false;
        scanner.object(|scanner, key| message_member(scanner, &key, index, &mut role, size, needs))?;
        if role { Ok(()) } else { Err(field(&format!("messages[{index}].role"), "is missing: send `user`, `assistant`, `system`, …")) }
    })?;
    if count == 0 {
        return Err(field("messages", "is empty: send at least one message"));
    }
    Ok((start..scanner.position(), count))
}

fn message_member(
    scanner: &mut Scanner<'_>,
    key: &str,
    index: usize,
    role: &mut bool,
    size: &mut TextSize,
    needs: &mut Needs,
) -> Result<(), BadRequest> {
    match key {
        "role" => {
            if scanner.peek()? != Sort::String {
                return Err(field(&format!("messages[{index}].role"), "must be a string"));
            }
            // Quotes alone: an empty role.
            *role = scanner.skip()?.len() > 2;
        }
        "content" => match scanner.peek()? {
            Sort::String | Sort::Null => {
                scanner.measure(size)?;
            }
            Sort::Array => scanner.array(|scanner, _index| part(scanner, size, needs))?,
            Sort::Bool | Sort::Number | Sort::Object => {
                return Err(field(&format!("messages[{index}].content"), "must be a string or an array of parts"));
            }
        },
        _other => {
            scanner.measure(size)?;
        }
    }
    Ok(())
}

/// One part of a message: text, an image, audio, or what came later.
fn part(scanner: &mut Scanner<'_>, size: &mut TextSize, needs: &mut Needs) -> Result<(), JsonError> {
    if scanner.peek()? != Sort::Object {
        return scanner.measure(size).map(drop);
    }
    scanner.object(|scanner, key| {
        let span = scanner.measure(size)?;
        if key == "type" {
            match scanner.slice(&span) {
                "\"image_url\"" | "\"image\"" | "\"input_image\"" => needs.vision = true,
                "\"input_audio\"" | "\"audio\"" => needs.audio = true,
                _other => {}
            }
        }
        Ok(())
    })
}

/// Where a text lies that is not empty.
pub(crate) fn text_span(scanner: &mut Scanner<'_>) -> Result<Option<Range<usize>>, JsonError> {
    let sort = scanner.peek()?;
    let span = scanner.skip()?;
    Ok((sort == Sort::String && span.len() > 2).then_some(span))
}

fn tools(scanner: &mut Scanner<'_>, size: &mut TextSize) -> Result<bool, BadRequest> {
    match scanner.peek()? {
        Sort::Null => scanner.skip().map(|_| false).map_err(BadRequest::from),
        Sort::Array => {
            let mut any = false;
            scanner.array(|scanner, index| {
                any = true;
                if scanner.peek()? != Sort::Object {
                    return Err(field(&format!("tools[{index}]"), "must be an object"));
                }
                scanner.measure(size).map(drop).map_err(BadRequest::from)
            })?;
            Ok(any)
        }
        Sort::Bool | Sort::Number | Sort::String | Sort::Object => Err(field("tools", "must be an array of tools")),
    }
}

fn forces_a_call(scanner: &mut Scanner<'_>) -> Result<bool, BadRequest> {
    let sort = scanner.peek()?;
    let span = scanner.skip()?;
    match sort {
        Sort::String => Ok(scanner.unescaped(&span)? == "required"),
        Sort::Object => Ok(true),
        Sort::Null | Sort::Bool | Sort::Number | Sort::Array => Ok(false),
    }
}

fn asks_for_json(scanner: &mut Scanner<'_>, needs: &mut Needs) -> Result<(), BadRequest> {
    if scanner.peek()? != Sort::Object {
        scanner.skip()?;
        return Ok(());
    }
    scanner.object(|scanner, key| {
        let sort = scanner.peek()?;
        let span = scanner.skip()?;
        if key == "type" && sort == Sort::String {
            let sort = scanner.unescaped(&span)?;
            (needs.json, needs.json_schema) = (sort.starts_with("json"), sort == "json_schema");
        }
        Ok::<_, BadRequest>(())
    })
}

pub(crate) fn bool_or_null(scanner: &mut Scanner<'_>, name: &str) -> Result<Option<bool>, BadRequest> {
    bool_span(scanner, name).map(|(value, _)| value)
}

fn bool_span(scanner: &mut Scanner<'_>, name: &str) -> Result<(Option<bool>, Range<usize>), BadRequest> {
    match scanner.peek()? {
        Sort::Null => Ok((None, scanner.skip()?)),
        Sort::Bool => {
            let span = scanner.skip()?;
            // `true` has four letters, `false` five.
            Ok((Some(span.len() == 4), span))
        }
        Sort::Number | Sort::String | Sort::Array | Sort::Object => Err(field(name, "must be true or false")),
    }
}

/// A bound of the answer. Zero bounds nothing here: whether it means anything is the upstream's to say.
fn bound(scanner: &mut Scanner<'_>, name: &str) -> Result<Option<u64>, BadRequest> {
    let sort = scanner.peek()?;
    let span = scanner.skip()?;
    match sort {
        Sort::Null => Ok(None),
        Sort::Number => {
            let value = scanner.slice(&span).parse::<u64>().map_err(|_| field(name, "must be a whole number, not below zero"))?;
            Ok(Some(value).filter(|value| *value > 0))
        }
        Sort::Bool | Sort::String | Sort::Array | Sort::Object => Err(field(name, "must be a whole number, not below zero")),
    }
}

pub(crate) fn positive(scanner: &mut Scanner<'_>, name: &str) -> Result<Option<u64>, BadRequest> {
    let sort = scanner.peek()?;
    let span = scanner.skip()?;
    match sort {
        Sort::Null => Ok(None),
        Sort::Number => {
            let value = scanner.slice(&span).parse::<u64>().ok().filter(|value| *value > 0);
            value.map(Some).ok_or_else(|| field(name, "must be a whole number above zero"))
        }
        Sort::Bool | Sort::String | Sort::Array | Sort::Object => Err(field(name, "must be a whole number above zero")),
    }
}

fn whole(message: impl Into<String>) -> BadRequest {
    BadRequest::whole(message)
}

fn field(name: &str, problem: impl AsRef<str>) -> BadRequest {
    BadRequest::field(name, problem)
}

#[cfg(test)]
mod tests;
