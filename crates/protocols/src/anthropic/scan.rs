//! The one pass over a Messages request's body: what we act on, checked, and where it lies.
//!
//! Source: `providers.md` sections 9.1 and 9.4.

mod member;

use std::ops::Range;

use bytes::Bytes;
use memchr::memmem;

use self::member::{boolean, forces_a_call, model, positive, system, text_span, tools, turns};
use super::marker::OURS;
use crate::json::{Scanner, Sort};
use crate::request::{BadRequest, Framing, Needs, Scan, Spans, TextRequest};
use crate::tokens::TextSize;
use crate::wire::Protocol;

/// What a message costs beside its text.
const TOKENS_A_MESSAGE: u64 = 4;

/// Checks the body of `POST /v1/messages`.
///
/// # Errors
/// [`BadRequest`] names the first field that is wrong.
pub fn scan(body: Bytes) -> Result<TextRequest, BadRequest> {
    let draft = read(&body)?;
    if draft.max_tokens.is_none() {
        return Err(BadRequest::field("max_tokens", "is missing: say how many tokens the answer may have at most"));
    }
    draft.finish(body)
}

/// Checks the body of `POST /v1/messages/count_tokens`: the same, without `max_tokens`.
///
/// # Errors
/// [`BadRequest`] names the first field that is wrong.
pub fn scan_count(body: Bytes) -> Result<TextRequest, BadRequest> {
    read(&body)?.finish(body)
}

/// Whether a body brings back state of other providers, which the gateway gave out inside Anthropic's fields: signatures and data that
/// begin with our mark. Such a body must not be passed on as it is: Anthropic refuses signatures that are not its own.
#[must_use]
pub fn holds_foreign_state(body: &[u8]) -> bool {
    let quoted = format!("\"{OURS}");
    memmem::find(body, quoted.as_bytes()).is_some()
}

#[derive(Default)]
struct Draft {
    model: Option<(String, Range<usize>)>,
    stream: bool,
    max_tokens: Option<u64>,
    needs: Needs,
    size: TextSize,
    turns: Option<(Range<usize>, usize)>,
    user: Option<Range<usize>>,
    end: usize,
    seen: Vec<&'static str>,
}

fn read(body: &[u8]) -> Result<Draft, BadRequest> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(BadRequest::whole("the request body is empty: send a JSON object with `model`, `max_tokens` and `messages`"));
    }
    let text = std::str::from_utf8(body).map_err(|error| {
        BadRequest::whole(format!("the request body is not UTF-8: byte {} is not part of a character", error.valid_up_to()))
    })?;
    let mut scanner = Scanner::new(text);
    if scanner.peek()? != Sort::Object {
        return Err(BadRequest::whole("the request body must be a JSON object with `model`, `max_tokens` and `messages`"));
    }
    let mut draft = Draft::default();
    scanner.object(|scanner, key| draft.member(scanner, &key))?;
    scanner.end()?;
    draft.end = text.trim_ascii_end().len().saturating_sub(1);
    Ok(draft)
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
                self.turns = Some(turns(scanner, &mut self.size, &mut self.needs)?);
            }
            "system" => {
                self.once("system")?;
                system(scanner, &mut self.size)?;
            }
            "max_tokens" => {
                self.once("max_tokens")?;
                self.max_tokens = positive(scanner, "max_tokens")?;
            }
            "stream" => {
                self.once("stream")?;
                self.stream = boolean(scanner, "stream")?.unwrap_or(false);
            }
            "tools" => {
                self.once("tools")?;
                self.needs.tools = tools(scanner, &mut self.size)?;
            }
            "tool_choice" => {
                self.once("tool_choice")?;
                self.needs.tool_call = forces_a_call(scanner)?;
            }
            "output_config" => {
                self.once("output_config")?;
                self.output_config(scanner)?;
            }
            "output_format" => self.asks_for_json(scanner)?,
            "metadata" => {
                self.once("metadata")?;
                self.metadata(scanner)?;
            }
            _unknown => {
                scanner.skip()?;
            }
        }
        Ok(())
    }

    /// A member that we act on may come only once: another reader might act on the other one.
    fn once(&mut self, name: &'static str) -> Result<(), BadRequest> {
        if self.seen.contains(&name) {
            return Err(BadRequest::field(name, "stands twice in the body: send it once"));
        }
        self.seen.push(name);
        Ok(())
    }

    fn output_config(&mut self, scanner: &mut Scanner<'_>) -> Result<(), BadRequest> {
        if scanner.peek()? != Sort::Object {
            scanner.skip()?;
            return Ok(());
        }
        scanner.object(|scanner, key| if key == "format" { self.asks_for_json(scanner) } else { Ok(scanner.skip().map(drop)?) })
    }

    /// A format is always a schema's.
    fn asks_for_json(&mut self, scanner: &mut Scanner<'_>) -> Result<(), BadRequest> {
        let asks = scanner.peek()? == Sort::Object;
        self.needs.json |= asks;
        self.needs.json_schema |= asks;
        Ok(scanner.measure(&mut self.size).map(drop)?)
    }

    fn metadata(&mut self, scanner: &mut Scanner<'_>) -> Result<(), BadRequest> {
        match scanner.peek()? {
            Sort::Null => Ok(scanner.skip().map(drop)?),
            Sort::Object => scanner.object(|scanner, key| {
                if key == "user_id" {
                    self.user = text_span(scanner)?;
                } else {
                    scanner.skip()?;
                }
                Ok(())
            }),
            Sort::Bool | Sort::Number | Sort::String | Sort::Array => Err(BadRequest::field("metadata", "must be an object")),
        }
    }

    fn finish(self, body: Bytes) -> Result<TextRequest, BadRequest> {
        let Some((model, model_span)) = self.model else {
            return Err(BadRequest::field("model", "is missing: name the model, as GET /v1/models lists it"));
        };
        let Some((turns, count)) = self.turns else {
            return Err(BadRequest::field("messages", "is missing: send an array of messages"));
        };
        let scan = Scan {
            model: model.into(),
            stream: self.stream,
            include_usage: false,
            max_output_tokens: self.max_tokens,
            choices: 1,
            needs: self.needs,
            prompt_tokens: self.size.tokens().saturating_add(TOKENS_A_MESSAGE.saturating_mul(count as u64)),
            spans: Spans { model: Some(model_span), stream_options: None, turns, cache_key: None, user: self.user, end: self.end },
        };
        Ok(TextRequest::new(Protocol::Messages, body, scan, Framing::Events))
    }
}

#[cfg(test)]
mod tests;
