//! The one pass over the body of a completion request: what we act on, checked, and where it lies.

use std::num::NonZeroU32;
use std::ops::Range;

use bytes::Bytes;

use crate::json::{Scanner, Sort};
use crate::openai::scan::{bool_or_null, model, stream_options, text_span};
use crate::request::inputs::{Empty, Inputs, inputs};
use crate::request::members::{Seen, count, members};
use crate::request::{BadRequest, Framing, Needs, Scan, Spans, StreamOptions, TextRequest};
use crate::wire::Protocol;

/// OpenAI's bound on `n`.
const MAX_CHOICES: u32 = 128;

#[derive(Default)]
struct Draft {
    seen: Seen,
    model: Option<(String, Range<usize>)>,
    prompt: Option<Inputs>,
    stream: bool,
    stream_options: Option<StreamOptions>,
    include_usage: bool,
    max_tokens: Option<u64>,
    choices: Option<NonZeroU32>,
    user: Option<Range<usize>>,
}

/// Checks the body of a completion request.
///
/// # Errors
/// [`BadRequest`] names the first field that is wrong.
pub fn scan(body: Bytes) -> Result<TextRequest, BadRequest> {
    let mut draft = Draft::default();
    let end = members(&body, "`model` and `prompt`", |scanner, key| draft.member(scanner, key))?;
    let scan = draft.finish(end)?;
    Ok(TextRequest::new(Protocol::Completions, body, scan, Framing::Events))
}

impl Draft {
    fn member(&mut self, scanner: &mut Scanner<'_>, key: &str) -> Result<(), BadRequest> {
        match key {
            "model" => {
                self.seen.once("model")?;
                self.model = Some(model(scanner)?);
            }
            "prompt" => {
                self.seen.once("prompt")?;
                self.prompt = Some(inputs(scanner, "prompt", Empty::Taken)?);
            }
            "stream" => {
                self.seen.once("stream")?;
                self.stream = bool_or_null(scanner, "stream")?.unwrap_or(false);
            }
            "stream_options" => {
                self.seen.once("stream_options")?;
                (self.stream_options, self.include_usage) = stream_options(scanner)?;
            }
            "max_tokens" => {
                self.seen.once("max_tokens")?;
                self.max_tokens = limit(scanner)?;
            }
            "n" => {
                self.seen.once("n")?;
                self.choices = count(scanner, "n")?;
            }
            "user" => self.user = text_span(scanner)?,
            _unknown => {
                scanner.skip()?;
            }
        }
        Ok(())
    }

    fn finish(self, end: usize) -> Result<Scan, BadRequest> {
        let Some((model, model_span)) = self.model else {
            return Err(BadRequest::field("model", "is missing: name the model, as GET /v1/models lists it"));
        };
        let Some(prompt) = self.prompt else { return Err(BadRequest::field("prompt", "is missing: send a string")) };
        let choices = self.choices.map_or(1, NonZeroU32::get);
        if choices > MAX_CHOICES {
            return Err(BadRequest::field("n", format!("must be from 1 to {MAX_CHOICES}")));
        }
        Ok(Scan {
            model: model.into(),
            stream: self.stream,
            include_usage: self.include_usage,
            max_output_tokens: self.max_tokens,
            // Each prompt is answered `n` times. What `best_of` throws away is billed too, but is no answer.
            choices: choices.saturating_mul(u32::try_from(prompt.count).unwrap_or(u32::MAX)),
            needs: Needs::default(),
            prompt_tokens: prompt.tokens,
            spans: Spans {
                model: Some(model_span),
                stream_options: self.stream_options,
                turns: prompt.at,
                cache_key: None,
                user: self.user,
                end,
            },
        })
    }
}

/// Unlike chat's, zero is a bound here: with `echo` and `logprobs` it asks how likely the prompt itself is.
fn limit(scanner: &mut Scanner<'_>) -> Result<Option<u64>, BadRequest> {
    let sort = scanner.peek()?;
    let span = scanner.skip()?;
    if sort == Sort::Null {
        return Ok(None);
    }
    scanner.slice(&span).parse().map(Some).map_err(|_| BadRequest::field("max_tokens", "must be a whole number, zero or above"))
}
