//! The one pass over a request's body: what we act on, checked, and where it lies.

use std::ops::Range;

use bytes::Bytes;

use crate::json::{JsonError, Scanner, Sort};
use crate::openai::scan::{bool_or_null, model, positive, text_span};
use crate::request::{BadRequest, Framing, Needs, Scan, Spans, TextRequest};
use crate::tokens::TextSize;
use crate::wire::Protocol;

/// What an item costs beside its text.
const TOKENS_AN_ITEM: u64 = 4;

/// What only a response has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponsesAsk {
    /// Whether it is to be found later. True unless the caller said otherwise.
    pub store: bool,
    /// Whether it is to be worked on without its caller.
    pub background: bool,
    /// The response it goes on from.
    pub previous_response_id: Option<String>,
}

#[derive(Default)]
struct Draft {
    model: Option<(String, Range<usize>)>,
    stream: bool,
    max_output_tokens: Option<u64>,
    needs: Needs,
    size: TextSize,
    items: u64,
    input: Option<Range<usize>>,
    cache_key: Option<Range<usize>>,
    user: Option<Range<usize>>,
    store: Option<bool>,
    background: bool,
    previous: Option<String>,
    seen: Vec<&'static str>,
}

/// Checks a body.
///
/// # Errors
/// [`BadRequest`] names the first field that is wrong.
pub fn scan(body: Bytes) -> Result<(TextRequest, ResponsesAsk), BadRequest> {
    let (draft, end) = read(&body)?;
    let Some((model, model_span)) = draft.model else {
        return Err(BadRequest::field("model", "is missing: name the model, as GET /v1/models lists it"));
    };
    let Some(input) = draft.input else {
        return Err(BadRequest::field("input", "is missing: send a string or an array of items"));
    };
    let store = draft.store.unwrap_or(true);
    if draft.background && !store {
        return Err(BadRequest::field("background", "needs `store` to be true: else nobody could get the response"));
    }
    let scan = Scan {
        model: model.into(),
        stream: draft.stream,
        include_usage: true,
        max_output_tokens: draft.max_output_tokens,
        choices: 1,
        needs: draft.needs,
        prompt_tokens: draft.size.tokens().saturating_add(TOKENS_AN_ITEM.saturating_mul(draft.items)),
        spans: Spans { model: Some(model_span), stream_options: None, turns: input, cache_key: draft.cache_key, user: draft.user, end },
    };
    let ask = ResponsesAsk { store, background: draft.background, previous_response_id: draft.previous };
    Ok((TextRequest::new(Protocol::Responses, body, scan, Framing::Events), ask))
}

fn read(body: &Bytes) -> Result<(Draft, usize), BadRequest> {
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
    let mut draft = Draft::default();
    scanner.object(|scanner, key| draft.member(scanner, &key))?;
    scanner.end()?;
    Ok((draft, text.trim_ascii_end().len() - 1))
}

impl Draft {
    fn member(&mut self, scanner: &mut Scanner<'_>, key: &str) -> Result<(), BadRequest> {
        match key {
            "model" => {
                self.once("model")?;
                self.model = Some(model(scanner)?);
            }
            // Product rule: `messages` in place of `input` (`providers.md` section 5.1).
            "input" | "messages" => {
                self.once("input")?;
                self.input = Some(self.read_input(scanner, key)?);
            }
            "stream" => {
                self.once("stream")?;
                self.stream = bool_or_null(scanner, "stream")?.unwrap_or(false);
            }
            "background" => {
                self.once("background")?;
                self.background = bool_or_null(scanner, "background")?.unwrap_or(false);
            }
            "store" => {
                self.once("store")?;
                self.store = bool_or_null(scanner, "store")?;
            }
            "max_output_tokens" => {
                self.once("max_output_tokens")?;
                self.max_output_tokens = positive(scanner, "max_output_tokens")?;
            }
            "previous_response_id" => {
                self.once("previous_response_id")?;
                self.previous = text(scanner, "previous_response_id")?;
            }
            "conversation" => {
                if scanner.peek()? != Sort::Null {
                    return Err(BadRequest::field("conversation", "is not supported: go on with `previous_response_id`"));
                }
                scanner.skip()?;
            }
            "instructions" => {
                scanner.measure(&mut self.size)?;
            }
            "tools" => self.tools(scanner)?,
            "text" => self.text_format(scanner)?,
            "prompt_cache_key" => self.cache_key = text_span(scanner)?,
            "user" | "safety_identifier" => self.user = text_span(scanner)?,
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

    fn read_input(&mut self, scanner: &mut Scanner<'_>, name: &str) -> Result<Range<usize>, BadRequest> {
        match scanner.peek()? {
            Sort::String => {
                self.items = 1;
                Ok(scanner.measure(&mut self.size)?)
            }
            Sort::Array => {
                let start = scanner.position();
                let (size, needs, items) = (&mut self.size, &mut self.needs, &mut self.items);
                scanner.array(|scanner, index| {
                    *items = index as u64 + 1;
                    if scanner.peek()? != Sort::Object {
                        return Err(BadRequest::field(
                            &format!("{name}[{index}]"),
                            "must be an item: an object with `type`, or `role` and `content`",
                        ));
                    }
                    item(scanner, size, needs).map_err(BadRequest::from)
                })?;
                if self.items == 0 {
                    return Err(BadRequest::field(name, "is empty: send at least one item"));
                }
                Ok(start..scanner.position())
            }
            Sort::Null | Sort::Bool | Sort::Number | Sort::Object => Err(BadRequest::field(name, "must be a string or an array of items")),
        }
    }

    fn tools(&mut self, scanner: &mut Scanner<'_>) -> Result<(), BadRequest> {
        match scanner.peek()? {
            Sort::Null => scanner.skip().map(drop).map_err(BadRequest::from),
            Sort::Array => {
                let (size, tools) = (&mut self.size, &mut self.needs.tools);
                scanner.array(|scanner, index| {
                    *tools = true;
                    if scanner.peek()? != Sort::Object {
                        return Err(BadRequest::field(&format!("tools[{index}]"), "must be an object"));
                    }
                    scanner.measure(size).map(drop).map_err(BadRequest::from)
                })
            }
            Sort::Bool | Sort::Number | Sort::String | Sort::Object => Err(BadRequest::field("tools", "must be an array of tools")),
        }
    }

    fn text_format(&mut self, scanner: &mut Scanner<'_>) -> Result<(), BadRequest> {
        if scanner.peek()? != Sort::Object {
            scanner.skip()?;
            return Ok(());
        }
        let needs = &mut self.needs;
        scanner.object(|scanner, key| {
            if key != "format" || scanner.peek()? != Sort::Object {
                return scanner.skip().map(drop);
            }
            scanner.object(|scanner, key| {
                let sort = scanner.peek()?;
                let span = scanner.skip()?;
                if key == "type" && sort == Sort::String {
                    let kind = scanner.unescaped(&span)?;
                    (needs.json, needs.json_schema) = (kind.starts_with("json"), kind == "json_schema");
                }
                Ok::<_, JsonError>(())
            })
        })?;
        Ok(())
    }
}

/// One item: its texts are measured, and images and audio in it noticed.
fn item(scanner: &mut Scanner<'_>, size: &mut TextSize, needs: &mut Needs) -> Result<(), JsonError> {
    scanner.object(|scanner, key| match (&*key, scanner.peek()?) {
        ("content" | "output", Sort::Array) => scanner.array(|scanner, _index| {
            if scanner.peek()? != Sort::Object {
                return scanner.measure(size).map(drop);
            }
            scanner.object(|scanner, key| {
                let span = scanner.measure(size)?;
                if key == "type" {
                    match scanner.slice(&span) {
                        "\"input_image\"" | "\"image_url\"" => needs.vision = true,
                        "\"input_audio\"" => needs.audio = true,
                        _other => {}
                    }
                }
                Ok::<_, JsonError>(())
            })
        }),
        // What only its owner can read is no text.
        ("encrypted_content", _) => scanner.skip().map(drop),
        (_, _) => scanner.measure(size).map(drop),
    })
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
mod tests {
    use super::*;

    fn scanned(body: &str) -> Result<(TextRequest, ResponsesAsk), BadRequest> {
        scan(Bytes::copy_from_slice(body.as_bytes()))
    }

    fn refused(body: &str, param: &str) {
        assert_eq!(scanned(body).unwrap_err().param.as_deref(), Some(param), "{body}");
    }

    #[test]
    fn what_we_act_on_is_typed() {
        let (request, ask) =
            scanned(r#"{"model":"m","input":"hello there","stream":true,"max_output_tokens":20,"previous_response_id":"resp_1"}"#).unwrap();
        assert_eq!((&*request.scan.model, request.scan.stream, request.scan.max_output_tokens), ("m", true, Some(20)));
        assert_eq!(ask, ResponsesAsk { store: true, background: false, previous_response_id: Some("resp_1".to_owned()) });
        let (request, ask) = scanned(r#"{"model":"m","store":false,"input":[{"role":"user","content":[{"type":"input_image","image_url":"data:x"}]}],"text":{"format":{"type":"json_schema"}}}"#).unwrap();
        assert!(request.scan.needs.vision && request.scan.needs.json_schema && !ask.store);
    }

    #[test]
    fn a_wrong_field_is_named() {
        refused(r#"{"input":"x"}"#, "model");
        refused(r#"{"model":"m"}"#, "input");
        refused(r#"{"model":"m","input":[]}"#, "input");
        refused(r#"{"model":"m","input":["x"]}"#, "input[0]");
        refused(r#"{"model":"m","input":"x","conversation":"c"}"#, "conversation");
        refused(r#"{"model":"m","input":"x","background":true,"store":false}"#, "background");
        refused(r#"{"model":"m","input":"x","tools":{}}"#, "tools");
    }
}
