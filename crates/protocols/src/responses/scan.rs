//! The one pass over a request's body: what we act on, checked, and where it lies.

mod turns;

use std::ops::Range;

use bytes::Bytes;

use self::turns::{Turns, turns};
use crate::json::{JsonError, Scanner, Sort};
use crate::openai::scan::{bool_or_null, model, positive, text_span};
use crate::request::{BadRequest, Framing, Needs, Scan, Spans, TextRequest};
use crate::tokens::TextSize;
use crate::wire::Protocol;

/// What an item costs beside its text, as a chat message does.
const TOKENS_AN_ITEM: u64 = 4;

/// What of [`ResponsesAsk::encrypted_reasoning`] the caller writes into `include`.
pub(super) const ENCRYPTED_REASONING: &str = "reasoning.encrypted_content";

/// What only a response has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponsesAsk {
    /// Whether it is to be found later. True unless the caller said otherwise.
    pub store: bool,
    /// Whether it is worked on without its caller. Only together with `store`.
    pub background: bool,
    /// The response it goes on from.
    pub previous_response_id: Option<String>,
    /// Whether `include` asks for reasoning in a form that the caller can give back.
    pub encrypted_reasoning: bool,
}

/// Checks a body.
///
/// # Errors
/// [`BadRequest`] names the first field that is wrong.
pub fn scan(body: Bytes) -> Result<(TextRequest, ResponsesAsk), BadRequest> {
    let draft = Draft::of_a_model(&body)?;
    // Whoever goes on from a response may have nothing to add.
    if draft.turns().is_none() && draft.previous_response_id.is_none() {
        return Err(BadRequest::field("input", "is missing: send a string or an array of items"));
    }
    let ask = draft.ask()?;
    Ok((draft.request(body), ask))
}

/// The same for a body that is only counted, with the response it goes on from: anything may be missing.
pub(super) fn scan_count(body: Bytes) -> Result<(TextRequest, Option<String>), BadRequest> {
    let mut draft = Draft::of(&body)?;
    let previous = draft.previous_response_id.take();
    Ok((draft.request(body), previous))
}

/// The same for a body whose conversation is only made short, with the response it goes on from: there may be no input.
pub(super) fn scan_compact(body: Bytes) -> Result<(TextRequest, Option<String>), BadRequest> {
    let mut draft = Draft::of_a_model(&body)?;
    let previous = draft.previous_response_id.take();
    Ok((draft.request(body), previous))
}

#[derive(Default)]
struct Draft {
    model: Option<(String, Range<usize>)>,
    stream: bool,
    max_output_tokens: Option<u64>,
    needs: Needs,
    /// Of everything but the turns.
    size: TextSize,
    input: Option<Turns>,
    /// Product rule: `messages` where there is no `input` (`providers.md` section 5.1).
    messages: Option<Turns>,
    prompt_cache_key: Option<Range<usize>>,
    safety_identifier: Option<Range<usize>>,
    user: Option<Range<usize>>,
    store: Option<bool>,
    background: bool,
    previous_response_id: Option<String>,
    encrypted_reasoning: bool,
    /// The brace that ends the body.
    end: usize,
    seen: Vec<&'static str>,
}

impl Draft {
    fn of_a_model(body: &Bytes) -> Result<Self, BadRequest> {
        let draft = Self::of(body)?;
        if draft.model.is_none() {
            return Err(BadRequest::field("model", "is missing: name the model, as GET /v1/models lists it"));
        }
        Ok(draft)
    }

    fn of(body: &Bytes) -> Result<Self, BadRequest> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(BadRequest::whole("the request body is empty: send a JSON object with `model` and `input`"));
        }
        let text = std::str::from_utf8(body).map_err(|error| {
            BadRequest::whole(format!("the request body is not UTF-8: byte {} is not part of a character", error.valid_up_to()))
        })?;
        let mut scanner = Scanner::new(text);
        if scanner.peek()? != Sort::Object {
            return Err(BadRequest::whole("the request body must be a JSON object with `model` and `input`"));
        }
        let mut draft = Self { end: text.trim_ascii_end().len().saturating_sub(1), ..Self::default() };
        scanner.object(|scanner, key| draft.member(scanner, &key))?;
        scanner.end()?;
        Ok(draft)
    }

    fn member(&mut self, scanner: &mut Scanner<'_>, key: &str) -> Result<(), BadRequest> {
        match key {
            "model" => {
                self.once("model")?;
                self.model = Some(model(scanner)?);
            }
            "input" => {
                self.once("input")?;
                self.input = turns(scanner, "input")?;
            }
            "messages" => {
                self.once("messages")?;
                self.messages = turns(scanner, "messages")?;
            }
            "stream" => {
                self.once("stream")?;
                self.stream = bool_or_null(scanner, "stream")?.unwrap_or(false);
            }
            "max_output_tokens" => {
                self.once("max_output_tokens")?;
                self.max_output_tokens = positive(scanner, "max_output_tokens")?;
            }
            "tools" => {
                self.once("tools")?;
                self.needs.tools = tools(scanner, &mut self.size)?;
            }
            "tool_choice" => {
                self.once("tool_choice")?;
                self.needs.tool_call = forces_a_call(scanner)?;
            }
            "text" => {
                self.once("text")?;
                format(scanner, &mut self.needs, &mut self.size)?;
            }
            "instructions" => {
                scanner.measure(&mut self.size)?;
            }
            "prompt_cache_key" => self.prompt_cache_key = text_span(scanner)?,
            "safety_identifier" => self.safety_identifier = text_span(scanner)?,
            "user" => self.user = text_span(scanner)?,
            _other => self.of_responses_alone(scanner, key)?,
        }
        Ok(())
    }

    /// What no other protocol has a word for.
    fn of_responses_alone(&mut self, scanner: &mut Scanner<'_>, key: &str) -> Result<(), BadRequest> {
        match key {
            "store" => {
                self.once("store")?;
                self.store = bool_or_null(scanner, "store")?;
            }
            "background" => {
                self.once("background")?;
                self.background = bool_or_null(scanner, "background")?.unwrap_or(false);
            }
            "previous_response_id" => {
                self.once("previous_response_id")?;
                self.previous_response_id = text(scanner, "previous_response_id")?;
            }
            "conversation" if scanner.peek()? != Sort::Null => {
                return Err(BadRequest::field("conversation", "is not supported: go on from a response with `previous_response_id`"));
            }
            "include" => {
                self.once("include")?;
                self.encrypted_reasoning = includes_encrypted_reasoning(scanner)?;
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

    const fn turns(&self) -> Option<&Turns> {
        if self.input.is_some() { self.input.as_ref() } else { self.messages.as_ref() }
    }

    fn ask(&self) -> Result<ResponsesAsk, BadRequest> {
        let store = self.store.unwrap_or(true);
        if self.background && !store {
            return Err(BadRequest::field("background", "needs `store` to be true: else nobody could fetch the response"));
        }
        Ok(ResponsesAsk {
            store,
            background: self.background,
            previous_response_id: self.previous_response_id.clone(),
            encrypted_reasoning: self.encrypted_reasoning,
        })
    }

    fn request(mut self, body: Bytes) -> TextRequest {
        let turns = self.input.take().or(self.messages.take()).unwrap_or_default();
        let (model, model_span) = self.model.map_or((String::new(), None), |(model, span)| (model, Some(span)));
        let needs = Needs { vision: turns.vision, audio: turns.audio, earlier_items: turns.refers, ..self.needs };
        let tokens = self.size.tokens().saturating_add(turns.size.tokens());
        let scan = Scan {
            model: model.into(),
            stream: self.stream,
            include_usage: true,
            max_output_tokens: self.max_output_tokens,
            choices: 1,
            needs,
            prompt_tokens: tokens.saturating_add(TOKENS_AN_ITEM.saturating_mul(turns.count as u64)),
            spans: Spans {
                model: model_span,
                stream_options: None,
                turns: turns.span,
                cache_key: self.prompt_cache_key,
                user: self.safety_identifier.or(self.user),
                end: self.end,
            },
        };
        TextRequest::new(Protocol::Responses, body, scan, Framing::Events)
    }
}

fn tools(scanner: &mut Scanner<'_>, size: &mut TextSize) -> Result<bool, BadRequest> {
    match scanner.peek()? {
        Sort::Null => scanner.skip().map(|_| false).map_err(BadRequest::from),
        Sort::Array => {
            let mut any = false;
            scanner.array(|scanner, index| {
                any = true;
                if scanner.peek()? != Sort::Object {
                    return Err(BadRequest::field(&format!("tools[{index}]"), "must be an object"));
                }
                scanner.measure(size).map(drop).map_err(BadRequest::from)
            })?;
            Ok(any)
        }
        Sort::Bool | Sort::Number | Sort::String | Sort::Object => Err(BadRequest::field("tools", "must be an array of tools")),
    }
}

/// Whether `required` is said, or a tool named. A choice among some tools says it in its `mode`.
fn forces_a_call(scanner: &mut Scanner<'_>) -> Result<bool, JsonError> {
    if scanner.peek()? != Sort::Object {
        let span = scanner.skip()?;
        return Ok(scanner.slice(&span) == "\"required\"");
    }
    let (mut mode, mut among_some) = (false, false);
    scanner.object(|scanner, key| {
        let span = scanner.skip()?;
        match (&*key, scanner.slice(&span)) {
            ("mode", value) => mode = value == "\"required\"",
            ("type", value) => among_some = value == "\"allowed_tools\"",
            (_, _) => {}
        }
        Ok::<_, JsonError>(())
    })?;
    Ok(!among_some || mode)
}

/// `text`: whether its format is JSON. A schema is part of the prompt.
fn format(scanner: &mut Scanner<'_>, needs: &mut Needs, size: &mut TextSize) -> Result<(), JsonError> {
    if scanner.peek()? != Sort::Object {
        return scanner.skip().map(drop);
    }
    scanner.object(|scanner, key| {
        if key != "format" || scanner.peek()? != Sort::Object {
            return scanner.skip().map(drop);
        }
        scanner.object(|scanner, key| {
            let span = scanner.measure(size)?;
            if key == "type" {
                let kind = scanner.slice(&span);
                (needs.json, needs.json_schema) = (kind.starts_with("\"json"), kind == "\"json_schema\"");
            }
            Ok(())
        })
    })
}

fn includes_encrypted_reasoning(scanner: &mut Scanner<'_>) -> Result<bool, JsonError> {
    if scanner.peek()? != Sort::Array {
        return scanner.skip().map(|_| false);
    }
    let mut found = false;
    scanner.array(|scanner, _index| {
        let span = scanner.skip()?;
        found |= scanner.slice(&span).trim_matches('"') == ENCRYPTED_REASONING;
        Ok::<_, JsonError>(())
    })?;
    Ok(found)
}

fn text(scanner: &mut Scanner<'_>, name: &str) -> Result<Option<String>, BadRequest> {
    let sort = scanner.peek()?;
    let span = scanner.skip()?;
    match sort {
        Sort::Null => Ok(None),
        Sort::String => Ok(Some(scanner.unescaped(&span)?.into_owned()).filter(|text| !text.is_empty())),
        Sort::Bool | Sort::Number | Sort::Array | Sort::Object => Err(BadRequest::field(name, "must be a string")),
    }
}

#[cfg(test)]
mod tests;
