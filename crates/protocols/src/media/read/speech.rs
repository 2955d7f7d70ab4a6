//! Requests for speech: `POST /audio/speech`.
//!
//! Source: OpenAI API reference, Audio (`providers.md` section 4.5).

use serde::Deserialize;

use super::fields::{Auto, Fields, Value, string};
use super::{model, words};
use crate::given::{At, Given};
use crate::media::{MediaBody, SpeechRequest};
use crate::request::BadRequest;

/// The longest text in characters. OpenAI's own models take 4,096; others speak a chapter.
const MAX_INPUT_CHARS: usize = 20_000;

/// A voice that its owner made.
#[derive(Deserialize)]
struct Voice<'a> {
    #[serde(borrow, default)]
    id: Given<'a>,
}

/// Reads a request for speech.
pub(super) fn read(body: MediaBody) -> Result<SpeechRequest, BadRequest> {
    let fields = Fields::of(&body, "`model`, `input` and `voice`")?;
    Ok(SpeechRequest {
        model: model(&fields)?,
        input: words(&fields, "input", "what to say", MAX_INPUT_CHARS)?,
        voice: voice(&fields)?,
        instructions: fields.text("instructions")?.filter(|text| !text.trim().is_empty()),
        format: fields.word("response_format", Auto::Refused)?.unwrap_or_default(),
        speed_percent: speed(&fields)?,
        stream_format: fields.word("stream_format", Auto::Refused)?.unwrap_or_default(),
        body: body.clone(),
    })
}

fn voice(fields: &Fields<'_>) -> Result<String, BadRequest> {
    let object = fields.all("voice").find_map(|field| match field.value {
        Value::Json(json) if json.starts_with('{') => Some(json),
        Value::Json(_) | Value::Part(_) => None,
    });
    let voice = match object {
        Some(json) => {
            let at = At::Body.member("voice");
            let voice: Voice<'_> = Given::body(json.as_bytes())?.need_object(&at)?;
            string(voice.id.text())?.map(std::borrow::Cow::into_owned)
        }
        None => fields.text("voice")?,
    };
    let voice = voice.filter(|voice| !voice.trim().is_empty());
    voice.ok_or_else(|| BadRequest::field("voice", "is missing: send the name of a voice, such as `alloy`, or an object with its `id`"))
}

/// In percent.
fn speed(fields: &Fields<'_>) -> Result<Option<u16>, BadRequest> {
    let Some(text) = fields.number("speed")? else { return Ok(None) };
    let wrong = || BadRequest::field("speed", "must be a number from 0.25 to 4");
    let speed = text.trim().parse::<f64>().ok().filter(|speed| (0.25..=4.0).contains(speed)).ok_or_else(wrong)?;
    // From 25 to 400, as was just checked.
    Ok(Some((speed * 100.0).round() as u16))
}
