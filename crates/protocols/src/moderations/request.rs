//! A caller's request for moderation, and the one pass over its body.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::json::splice::with_model;
use crate::json::{Scanner, Sort};
use crate::openai::scan::model;
use crate::request::BadRequest;
use crate::request::members::{Seen, members, text};

/// The model of callers who name none, as OpenAI has it.
pub const DEFAULT_MODEL: &str = "omni-moderation-latest";

/// A request for moderation, checked.
#[derive(Debug, Clone)]
pub struct ModerationRequest {
    /// The public model name.
    pub model: Arc<str>,
    /// Whether it brings images.
    pub images: bool,
    /// All texts in tokens, estimated.
    pub tokens: u64,
    body: Bytes,
    /// The model's name, or the `null` in its place.
    model_at: Option<Range<usize>>,
    end: usize,
}

impl ModerationRequest {
    /// The body as it came.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body for an upstream of the same protocol that calls the model `upstream_name`: the same bytes but for the name, which is
    /// added if the caller gave none.
    #[must_use]
    pub fn outbound(&self, upstream_name: &str) -> Vec<Bytes> {
        with_model(&self.body, self.model_at.as_ref(), self.end, upstream_name)
    }
}

#[derive(Default)]
struct Draft {
    seen: Seen,
    model: Option<String>,
    model_at: Option<Range<usize>>,
    input: bool,
    images: bool,
    tokens: u64,
}

/// Checks the body of a request for moderation.
///
/// # Errors
/// [`BadRequest`] names the first field that is wrong.
pub fn scan(body: Bytes) -> Result<ModerationRequest, BadRequest> {
    let mut draft = Draft::default();
    let end = members(&body, "`input`", |scanner, key| draft.member(scanner, key))?;
    if !draft.input {
        return Err(BadRequest::field("input", "is missing: send a string, an array of strings, or an array of parts"));
    }
    Ok(ModerationRequest {
        model: draft.model.as_deref().unwrap_or(DEFAULT_MODEL).into(),
        images: draft.images,
        tokens: draft.tokens,
        body,
        model_at: draft.model_at,
        end,
    })
}

impl Draft {
    fn member(&mut self, scanner: &mut Scanner<'_>, key: &str) -> Result<(), BadRequest> {
        match key {
            "model" => {
                self.seen.once("model")?;
                if scanner.peek()? == Sort::Null {
                    self.model_at = Some(scanner.skip()?);
                } else {
                    let (name, at) = model(scanner)?;
                    (self.model, self.model_at) = (Some(name), Some(at));
                }
            }
            "input" => {
                self.seen.once("input")?;
                self.input(scanner)?;
            }
            _unknown => {
                scanner.skip()?;
            }
        }
        Ok(())
    }

    fn input(&mut self, scanner: &mut Scanner<'_>) -> Result<(), BadRequest> {
        self.input = true;
        match scanner.peek()? {
            Sort::String => self.text(scanner, "input"),
            Sort::Array => {
                let mut first = None;
                scanner.array(|scanner, index| {
                    let sort = scanner.peek()?;
                    let name = format!("input[{index}]");
                    if *first.get_or_insert(sort) != sort {
                        return Err(BadRequest::field(&name, "is not of the same sort as the inputs before it"));
                    }
                    match sort {
                        Sort::String => self.text(scanner, &name),
                        Sort::Object => self.part(scanner, &name),
                        Sort::Null | Sort::Bool | Sort::Number | Sort::Array => {
                            Err(BadRequest::field(&name, "must be a string, or a part with a `type`"))
                        }
                    }
                })?;
                first.map(drop).ok_or_else(|| BadRequest::field("input", "is empty: send at least one input"))
            }
            Sort::Null | Sort::Bool | Sort::Number | Sort::Object => {
                Err(BadRequest::field("input", "must be a string, an array of strings, or an array of parts"))
            }
        }
    }

    fn text(&mut self, scanner: &mut Scanner<'_>, name: &str) -> Result<(), BadRequest> {
        let (at, tokens) = text(scanner)?;
        // Quotes alone.
        if at.len() <= 2 {
            return Err(BadRequest::field(name, "is empty"));
        }
        self.tokens = self.tokens.saturating_add(tokens);
        Ok(())
    }

    /// A text or an image. What kinds may come later, the upstream knows.
    fn part(&mut self, scanner: &mut Scanner<'_>, name: &str) -> Result<(), BadRequest> {
        let mut typed = false;
        scanner.object(|scanner, key| {
            let sort = scanner.peek()?;
            match (&*key, sort) {
                ("type", Sort::String) => {
                    let span = scanner.skip()?;
                    typed = true;
                    self.images |= scanner.unescaped(&span)? == "image_url";
                    Ok(())
                }
                ("text", Sort::String) => self.text(scanner, &format!("{name}.text")),
                (_other, _sort) => scanner.skip().map(drop).map_err(BadRequest::from),
            }
        })?;
        if typed { Ok(()) } else { Err(BadRequest::field(&format!("{name}.type"), "is missing: send `text` or `image_url`")) }
    }
}
