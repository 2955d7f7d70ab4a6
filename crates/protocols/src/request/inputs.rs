//! The four forms in which old completions and embeddings take their texts: one, several, and both as token ids.

use std::ops::Range;

use super::BadRequest;
use super::members::text;
use crate::json::{Scanner, Sort};

/// OpenAI's bound on the texts of one request.
const MAX_INPUTS: usize = 2048;

/// In which form texts came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputForm {
    /// One text.
    Text,
    /// Texts.
    Texts,
    /// One text as token ids.
    Tokens,
    /// Texts as token ids.
    TokenLists,
}

/// The texts of a request.
#[derive(Debug, Clone)]
pub(crate) struct Inputs {
    pub(crate) form: InputForm,
    /// How many texts; at least one.
    pub(crate) count: usize,
    /// All of them in tokens: estimated for texts, exact for token ids.
    pub(crate) tokens: u64,
    pub(crate) at: Range<usize>,
}

/// Whether a text may be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Empty {
    Taken,
    Refused,
}

/// Reads the texts that the member `name` holds.
pub(crate) fn inputs(scanner: &mut Scanner<'_>, name: &str, empty: Empty) -> Result<Inputs, BadRequest> {
    match scanner.peek()? {
        Sort::String => {
            let (at, tokens) = text_of(scanner, empty, || name.to_owned())?;
            Ok(Inputs { form: InputForm::Text, count: 1, tokens, at })
        }
        Sort::Array => list(scanner, name, empty),
        Sort::Null | Sort::Bool | Sort::Number | Sort::Object => Err(wrong(name)),
    }
}

/// The first element says which form the others must have.
fn list(scanner: &mut Scanner<'_>, name: &str, empty: Empty) -> Result<Inputs, BadRequest> {
    let start = scanner.position();
    let (mut first, mut count, mut tokens) = (None, 0, 0_u64);
    scanner.array(|scanner, index| {
        let element = || format!("{name}[{index}]");
        let form = match scanner.peek()? {
            Sort::String => InputForm::Texts,
            Sort::Number => InputForm::Tokens,
            Sort::Array => InputForm::TokenLists,
            Sort::Null | Sort::Bool | Sort::Object => return Err(wrong(name)),
        };
        if *first.get_or_insert(form) != form {
            return Err(BadRequest::field(&element(), "is not of the same sort as the elements before it"));
        }
        let (inputs, size) = match form {
            InputForm::Text | InputForm::Texts => (index + 1, text_of(scanner, empty, element)?.1),
            InputForm::Tokens => (1, token(scanner, element)?),
            InputForm::TokenLists => (index + 1, token_list(scanner, element)?),
        };
        count = inputs;
        tokens = tokens.saturating_add(size);
        if count > MAX_INPUTS { Err(BadRequest::field(name, format!("has more than {MAX_INPUTS} elements"))) } else { Ok(()) }
    })?;
    let form = first.ok_or_else(|| BadRequest::field(name, "is empty: send at least one text"))?;
    Ok(Inputs { form, count, tokens, at: start..scanner.position() })
}

fn wrong(name: &str) -> BadRequest {
    BadRequest::field(name, "must be a string, an array of strings, an array of token ids, or an array of arrays of token ids")
}

fn text_of(scanner: &mut Scanner<'_>, empty: Empty, name: impl Fn() -> String) -> Result<(Range<usize>, u64), BadRequest> {
    let (at, tokens) = text(scanner)?;
    // Quotes alone.
    if at.len() <= 2 && empty == Empty::Refused { Err(BadRequest::field(&name(), "is empty")) } else { Ok((at, tokens)) }
}

fn token_list(scanner: &mut Scanner<'_>, name: impl Fn() -> String) -> Result<u64, BadRequest> {
    let mut tokens = 0_u64;
    scanner.array(|scanner, index| {
        tokens += token(scanner, || format!("{}[{index}]", name()))?;
        Ok::<_, BadRequest>(())
    })?;
    if tokens == 0 { Err(BadRequest::field(&name(), "is empty")) } else { Ok(tokens) }
}

/// One token.
fn token(scanner: &mut Scanner<'_>, name: impl Fn() -> String) -> Result<u64, BadRequest> {
    let span = scanner.skip()?;
    let id = scanner.slice(&span).parse::<u32>();
    id.map(|_| 1).map_err(|_| BadRequest::field(&name(), "must be a token id: a whole number, zero or above"))
}
