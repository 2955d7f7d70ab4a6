//! A completion request as a conversation of one turn.
//!
//! What only an upstream of this protocol can do (several prompts, token ids, `suffix`, `echo`, `best_of`, `logprobs`) is noted in
//! [`Conversation::only_here`]. A missing `max_tokens` stays missing, though OpenAI's default here is 16: a model that thinks first would
//! answer nothing within it.

use serde_json::value::RawValue;

use crate::conversation::{Conversation, Part, Role, Sampling, Text, Turn};
use crate::request::BadRequest;

/// OpenAI's bound on `stop`.
const MAX_STOPS: usize = 4;

#[derive(serde::Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default)]
    prompt: Field<'a>,
    #[serde(borrow, default)]
    max_tokens: Field<'a>,
    #[serde(borrow, default)]
    temperature: Field<'a>,
    #[serde(borrow, default)]
    top_p: Field<'a>,
    #[serde(borrow, default)]
    n: Field<'a>,
    #[serde(borrow, default)]
    best_of: Field<'a>,
    #[serde(borrow, default)]
    stream: Field<'a>,
    #[serde(borrow, default)]
    logprobs: Field<'a>,
    #[serde(borrow, default)]
    echo: Field<'a>,
    #[serde(borrow, default)]
    stop: Field<'a>,
    #[serde(borrow, default)]
    presence_penalty: Field<'a>,
    #[serde(borrow, default)]
    frequency_penalty: Field<'a>,
    #[serde(borrow, default)]
    seed: Field<'a>,
    #[serde(borrow, default)]
    suffix: Field<'a>,
    #[serde(borrow, default)]
    user: Field<'a>,
    #[serde(borrow, default)]
    logit_bias: Field<'a>,
}

type Field<'a> = Option<&'a RawValue>;

/// One prompt, or what no other protocol can be asked.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Prompt {
    One(String),
    Only([String; 1]),
    Other(serde::de::IgnoredAny),
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Stop {
    One(String),
    Many(Vec<String>),
}

/// Reads a body that [`scan`](super::scan::scan) has checked.
///
/// # Errors
/// [`BadRequest`] names the first field that is wrong.
pub fn read_request(body: &[u8]) -> Result<Conversation, BadRequest> {
    let wire: Wire<'_> =
        serde_json::from_slice(body).map_err(|error| BadRequest::whole(format!("the request body can't be read: {error}")))?;
    let mut only_here = wire.only_here()?;
    let prompt = match read(wire.prompt, "prompt", "must be a string or an array")? {
        Some(Prompt::One(text) | Prompt::Only([text])) if !text.is_empty() => text,
        Some(Prompt::One(_) | Prompt::Only(_) | Prompt::Other(_)) => {
            only_here.insert(0, "prompt".to_owned());
            String::new()
        }
        None => return Err(BadRequest::field("prompt", "is missing: send a string")),
    };
    Ok(Conversation {
        turns: vec![Turn { role: Role::User, parts: vec![Part::Text(Text::plain(prompt))] }],
        sampling: wire.sampling()?,
        max_output_tokens: wire.limit()?,
        choices: wire.choices()?,
        end_user: read(wire.user, "user", "must be a string")?,
        stream: read(wire.stream, "stream", "must be true or false")?.unwrap_or(false),
        tuning: if is_set(wire.logit_bias) { vec!["logit_bias"] } else { Vec::new() },
        only_here,
        ..Conversation::default()
    })
}

impl Wire<'_> {
    fn choices(&self) -> Result<u32, BadRequest> {
        Ok(read(self.n, "n", "must be a whole number above zero")?.unwrap_or(1))
    }

    fn limit(&self) -> Result<Option<u64>, BadRequest> {
        read(self.max_tokens, "max_tokens", "must be a whole number, zero or above")
    }

    /// The fields that keep the request here.
    fn only_here(&self) -> Result<Vec<String>, BadRequest> {
        let choices = self.choices()?;
        let best_of = read(self.best_of, "best_of", "must be a whole number above zero")?.unwrap_or(choices);
        if best_of < choices {
            return Err(BadRequest::field("best_of", "must not be smaller than `n`"));
        }
        let suffix: Option<String> = read(self.suffix, "suffix", "must be a string")?;
        let logprobs: Option<u32> = read(self.logprobs, "logprobs", "must be a whole number, zero or above")?;
        let fields = [
            ("suffix", suffix.is_some_and(|suffix| !suffix.is_empty())),
            ("max_tokens", self.limit()? == Some(0)),
            ("echo", read(self.echo, "echo", "must be true or false")?.unwrap_or(false)),
            ("best_of", best_of > choices),
            // No other protocol lists them as `tokens`, `token_logprobs` and `text_offset`.
            ("logprobs", logprobs.is_some()),
        ];
        Ok(fields.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name.to_owned()).collect())
    }

    fn sampling(&self) -> Result<Sampling, BadRequest> {
        let number = |field, name| read::<f64>(field, name, "must be a number");
        let stop = match read(self.stop, "stop", "must be a string or an array of strings")? {
            Some(Stop::One(text)) => vec![text],
            Some(Stop::Many(texts)) if texts.len() > MAX_STOPS => {
                return Err(BadRequest::field("stop", format!("has more than {MAX_STOPS} elements")));
            }
            Some(Stop::Many(texts)) => texts,
            None => Vec::new(),
        };
        Ok(Sampling {
            temperature: number(self.temperature, "temperature")?,
            top_p: number(self.top_p, "top_p")?,
            frequency_penalty: number(self.frequency_penalty, "frequency_penalty")?,
            presence_penalty: number(self.presence_penalty, "presence_penalty")?,
            seed: read(self.seed, "seed", "must be a whole number")?,
            stop,
            ..Sampling::default()
        })
    }
}

/// What a field holds; null is as good as nothing.
fn read<'de, T: serde::Deserialize<'de>>(field: Field<'de>, name: &str, must: &str) -> Result<Option<T>, BadRequest> {
    let Some(raw) = field.filter(|raw| raw.get() != "null") else { return Ok(None) };
    serde_json::from_str(raw.get()).map(Some).map_err(|_| BadRequest::field(name, must))
}

/// Whether a field holds something: an empty object does not.
fn is_set(field: Field<'_>) -> bool {
    field.is_some_and(|raw| serde_json::from_str::<crate::openai::lenient::Present>(raw.get()).is_ok_and(|present| present.0))
}
