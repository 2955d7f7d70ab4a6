//! The one pass over the body of a request for vectors.

use std::num::NonZeroU32;
use std::ops::Range;

use bytes::Bytes;

use super::{EmbedRequest, Encoding};
use crate::json::{Scanner, Sort};
use crate::openai::scan::model;
use crate::request::BadRequest;
use crate::request::inputs::{Empty, Inputs, inputs};
use crate::request::members::{Seen, count, members, note};

#[derive(Default)]
struct Draft {
    seen: Seen,
    model: Option<(String, Range<usize>)>,
    input: Option<Inputs>,
    dimensions: Option<NonZeroU32>,
    encoding: Option<Encoding>,
    user: Option<String>,
}

/// Checks the body of a request for vectors.
///
/// # Errors
/// [`BadRequest`] names the first field that is wrong.
pub fn scan(body: Bytes) -> Result<EmbedRequest, BadRequest> {
    let mut draft = Draft::default();
    members(&body, "`model` and `input`", |scanner, key| draft.member(scanner, key))?;
    let Some((model, model_at)) = draft.model else {
        return Err(BadRequest::field("model", "is missing: name the model, as GET /v1/models lists it"));
    };
    let Some(input) = draft.input else {
        return Err(BadRequest::field("input", "is missing: send a string or an array of strings"));
    };
    Ok(EmbedRequest {
        model: model.into(),
        form: input.form,
        inputs: input.count,
        dimensions: draft.dimensions,
        encoding: draft.encoding.unwrap_or_default(),
        user: draft.user,
        tokens: input.tokens,
        body,
        model_at,
        input_at: input.at,
    })
}

impl Draft {
    fn member(&mut self, scanner: &mut Scanner<'_>, key: &str) -> Result<(), BadRequest> {
        match key {
            "model" => {
                self.seen.once("model")?;
                self.model = Some(model(scanner)?);
            }
            "input" => {
                self.seen.once("input")?;
                self.input = Some(inputs(scanner, "input", Empty::Refused)?);
            }
            "dimensions" => {
                self.seen.once("dimensions")?;
                self.dimensions = count(scanner, "dimensions")?;
            }
            "encoding_format" => {
                self.seen.once("encoding_format")?;
                self.encoding = encoding(scanner)?;
            }
            "user" => self.user = note(scanner)?,
            _unknown => {
                scanner.skip()?;
            }
        }
        Ok(())
    }
}

fn encoding(scanner: &mut Scanner<'_>) -> Result<Option<Encoding>, BadRequest> {
    let wrong = || BadRequest::field("encoding_format", "must be `float` or `base64`");
    match scanner.peek()? {
        Sort::Null => scanner.skip().map(|_| None).map_err(BadRequest::from),
        Sort::String => {
            let span = scanner.skip()?;
            scanner.unescaped(&span)?.parse().map(Some).map_err(|_| wrong())
        }
        Sort::Bool | Sort::Number | Sort::Array | Sort::Object => Err(wrong()),
    }
}
