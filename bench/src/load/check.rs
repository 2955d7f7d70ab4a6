//! Whether an answer is exactly the expected one.
//!
//! The first good answer is kept. A later one with the same bytes is good without being parsed again, so that the client stays
//! cheap; at its first different byte it is parsed from its beginning.

use std::borrow::Cow;

use serde::Deserialize;

use super::check_stream::EventReader;

/// A longer answer is wrong.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// What every answer must be.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// Plain or streamed.
    pub shape: Shape,
    /// The whole text; none means any that isn't empty.
    pub text: Option<String>,
    /// The number of deltas with content in a stream; none means any but zero.
    pub deltas: Option<usize>,
    /// Prompt and completion tokens, where usage is expected; none means any.
    pub tokens: Option<(u64, u64)>,
}

/// Plain or streamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One JSON object, always with usage.
    Plain,
    /// Events.
    Stream(ExpectedUsage),
}

/// Whether a stream asks for usage, and so must have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpectedUsage {
    /// It must have one.
    Present,
    /// It must have none.
    Absent,
}

/// What is wrong with an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Wrong(pub String);

/// Checks one answer after another.
#[derive(Debug)]
pub struct Checker {
    body: Vec<u8>,
    reading: Reading,
    verified: Option<Verified>,
}

#[derive(Debug)]
enum Reading {
    /// So far the same bytes as the verified answer.
    Same,
    Parsing(EventReader),
}

/// An answer that was parsed and found good.
#[derive(Debug)]
struct Verified {
    body: Vec<u8>,
    /// Bytes up to and including its first delta.
    first_delta_end: usize,
}

/// Whether the first delta has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Not yet.
    BeforeText,
    /// It has.
    Text,
}

impl Default for Checker {
    fn default() -> Self {
        Self { body: Vec::new(), reading: Reading::Parsing(EventReader::default()), verified: None }
    }
}

impl Checker {
    /// Gets ready for the next answer.
    pub fn begin(&mut self) {
        self.body.clear();
        self.reading = match self.verified {
            Some(_) => Reading::Same,
            None => Reading::Parsing(EventReader::default()),
        };
    }

    /// Takes more of the body.
    ///
    /// # Errors
    /// [`Wrong`], as soon as it is.
    pub fn feed(&mut self, data: &[u8], expected: &Expectation) -> Result<Progress, Wrong> {
        let before = self.body.len();
        self.body.extend_from_slice(data);
        if self.body.len() > MAX_ANSWER_BYTES {
            return Err(Wrong("the answer is longer than 64 MiB".to_owned()));
        }
        if let (Reading::Same, Some(verified)) = (&self.reading, &self.verified) {
            if verified.body.get(before..self.body.len()) == Some(data) {
                let text = self.body.len() >= verified.first_delta_end;
                return Ok(if text { Progress::Text } else { Progress::BeforeText });
            }
            self.reading = Reading::Parsing(EventReader::default());
        }
        match (&mut self.reading, expected.shape) {
            (Reading::Parsing(events), Shape::Stream(_)) => events.read(&self.body, expected),
            (Reading::Parsing(_) | Reading::Same, _) => Ok(Progress::BeforeText),
        }
    }

    /// Judges the answer, now that its body has ended.
    ///
    /// # Errors
    /// [`Wrong`].
    pub fn finish(&mut self, expected: &Expectation) -> Result<(), Wrong> {
        if let (Reading::Same, Some(verified)) = (&self.reading, &self.verified)
            && verified.body.len() == self.body.len()
        {
            return Ok(());
        }
        let first_delta_end = match (&mut self.reading, expected.shape) {
            (_, Shape::Plain) => check_plain(&self.body, expected)?,
            (Reading::Parsing(events), Shape::Stream(_)) => events.finish(&self.body, expected)?,
            (Reading::Same, Shape::Stream(_)) => return Err(Wrong("the stream ends too early".to_owned())),
        };
        self.verified = Some(Verified { body: self.body.clone(), first_delta_end });
        Ok(())
    }
}

fn check_plain(body: &[u8], expected: &Expectation) -> Result<usize, Wrong> {
    #[derive(Deserialize)]
    struct Completion<'a> {
        #[serde(borrow)]
        choices: Vec<Choice<'a>>,
        usage: Tokens,
    }
    #[derive(Deserialize)]
    struct Choice<'a> {
        #[serde(borrow)]
        message: Message<'a>,
        finish_reason: Cow<'a, str>,
    }
    #[derive(Deserialize)]
    struct Message<'a> {
        #[serde(borrow)]
        content: Cow<'a, str>,
    }

    let completion: Completion<'_> = serde_json::from_slice(body).map_err(|error| Wrong(format!("not a chat completion: {error}")))?;
    let [choice] = completion.choices.as_slice() else {
        return Err(Wrong(format!("{} choices", completion.choices.len())));
    };
    let text = &choice.message.content;
    match &expected.text {
        Some(expected) if text != expected => return Err(Wrong(format!("another text: {text:.200}"))),
        None if text.is_empty() => return Err(Wrong("no text".to_owned())),
        Some(_) | None => {}
    }
    if choice.finish_reason.is_empty() {
        return Err(Wrong("no finish reason".to_owned()));
    }
    completion.usage.check(expected)?;
    Ok(body.len())
}

/// Usage on the wire.
#[derive(Debug, Deserialize)]
pub(super) struct Tokens {
    prompt_tokens: u64,
    completion_tokens: u64,
}

impl Tokens {
    pub(super) fn check(&self, expected: &Expectation) -> Result<(), Wrong> {
        let found = (self.prompt_tokens, self.completion_tokens);
        match expected.tokens {
            Some(tokens) if tokens != found => Err(Wrong(format!("usage {found:?}, not {tokens:?}"))),
            Some(_) | None => Ok(()),
        }
    }
}
