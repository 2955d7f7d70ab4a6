//! One place that knows which module is which protocol.

use std::time::Duration;

use bytes::Bytes;
use easyai_core::error::ErrorCode;
use easyai_core::usage::Usage;

use crate::conversation::{Answer, CannotCarry, Conversation};
use crate::json::repaired;
use crate::request::{BadRequest, Framing, TextRequest};
use crate::wire::{AnswerFacts, BadAnswer, Envelope, Protocol, SideReader, StreamReader, StreamWriter, Talk, Target, Written};
use crate::{anthropic, completions, embeddings, gemini, media, moderations, openai, responses};

/// Reads a caller's request into the inner form.
///
/// # Errors
/// [`BadRequest`] names the first field that has no meaning.
pub fn read_request(request: &TextRequest) -> Result<Conversation, BadRequest> {
    let body = request.body();
    let conversation = match request.protocol.talk() {
        Some(Talk::Chat) => openai::read_request::read_request(body),
        Some(Talk::Responses) => responses::read_request::read_request(body),
        Some(Talk::Messages) => anthropic::read_request::read_request(body),
        Some(Talk::GenerateContent) => gemini::read_request::read_request(body),
        Some(Talk::Completions) => completions::read_request::read_request(body),
        None => Err(BadRequest::whole("this is no conversation")),
    };
    // Gemini's verb says whether it is streamed, not its body.
    conversation.map(|conversation| Conversation { stream: request.scan.stream, ..conversation })
}

/// Writes a conversation for an upstream.
///
/// # Errors
/// [`CannotCarry`] names what would lose its meaning.
pub fn write_request(protocol: Protocol, conversation: &Conversation, target: &Target<'_>) -> Result<Written, CannotCarry> {
    match protocol.talk() {
        Some(Talk::Chat) => openai::write_request::write_request(conversation, target),
        Some(Talk::Responses) => responses::write_request::write_request(conversation, target),
        Some(Talk::Messages) => anthropic::write_request::write_request(conversation, target),
        Some(Talk::GenerateContent) => gemini::write_request::write_request(conversation, target),
        Some(Talk::Completions) => Err(CannotCarry {
            field: "messages".to_owned(),
            target: "the Completions API",
            why: "it takes a bare prompt, no conversation".to_owned(),
        }),
        None => Err(CannotCarry { field: "messages".to_owned(), target: protocol.as_str(), why: "it takes no conversation".to_owned() }),
    }
}

fn no_answer(protocol: Protocol) -> BadAnswer {
    BadAnswer::Unparseable(format!("{protocol} is no text"))
}

/// What a whole answer that passes by says.
///
/// # Errors
/// [`BadAnswer`] if it is none.
pub fn answer_facts(protocol: Protocol, body: &[u8]) -> Result<AnswerFacts, BadAnswer> {
    readable(body, |body| facts_of(protocol, body))
}

/// Reads a body; where it can't be read, again without its broken characters.
fn readable<T>(body: &[u8], read: impl Fn(&[u8]) -> Result<T, BadAnswer>) -> Result<T, BadAnswer> {
    match read(body) {
        Err(BadAnswer::Unparseable(why)) => repaired(body).map_or(Err(BadAnswer::Unparseable(why)), |body| read(&body)),
        found @ (Ok(_) | Err(BadAnswer::Error(_) | BadAnswer::Empty | BadAnswer::Filtered(_))) => found,
    }
}

fn facts_of(protocol: Protocol, body: &[u8]) -> Result<AnswerFacts, BadAnswer> {
    match protocol {
        Protocol::Chat => openai::read_answer::answer_facts(body),
        Protocol::Responses => responses::read_answer::answer_facts(body),
        Protocol::Messages => anthropic::read_answer::answer_facts(body),
        Protocol::GenerateContent => gemini::read_answer::answer_facts(body),
        Protocol::Completions => completions::read_answer::answer_facts(body),
        Protocol::Embeddings => embeddings::answer_facts(body),
        Protocol::Moderations => moderations::answer_facts(body),
        Protocol::Compaction => responses::compact::answer_facts(body),
        Protocol::Rerank
        | Protocol::Images
        | Protocol::ImageEdits
        | Protocol::Videos
        | Protocol::Speech
        | Protocol::Transcriptions
        | Protocol::Translations => Err(no_answer(protocol)),
    }
}

/// What goes to the caller in place of a whole answer that official SDKs would stumble over; none if it passes as it is.
#[must_use]
pub fn mended_answer(protocol: Protocol, body: &[u8]) -> Option<Bytes> {
    match protocol.talk()? {
        Talk::Chat => openai::mend::mended_answer(body),
        Talk::Responses => responses::mend::mended_answer(body),
        Talk::Messages | Talk::GenerateContent | Talk::Completions => None,
    }
}

/// Reads a whole answer into the inner form.
///
/// # Errors
/// [`BadAnswer`] if it is none.
pub fn read_answer(protocol: Protocol, body: &[u8]) -> Result<Answer, BadAnswer> {
    readable(body, |body| answer_of(protocol, body))
}

fn answer_of(protocol: Protocol, body: &[u8]) -> Result<Answer, BadAnswer> {
    match protocol.talk() {
        Some(Talk::Chat) => openai::read_answer::read_answer(body),
        Some(Talk::Responses) => responses::read_answer::read_answer(body),
        Some(Talk::Messages) => anthropic::read_answer::read_answer(body),
        Some(Talk::GenerateContent) => gemini::read_answer::read_answer(body),
        Some(Talk::Completions) => completions::read_answer::read_answer(body),
        None => Err(no_answer(protocol)),
    }
}

/// All text of a whole answer that passed by, for counting.
#[must_use]
pub fn delivered_text(protocol: Protocol, body: &[u8]) -> String {
    match protocol.talk() {
        Some(Talk::Chat) => openai::read_answer::delivered_text(body),
        Some(Talk::Responses) => responses::read_answer::delivered_text(body),
        Some(Talk::Messages) => anthropic::read_answer::delivered_text(body),
        Some(Talk::GenerateContent) => gemini::read_answer::delivered_text(body),
        Some(Talk::Completions) => completions::read_answer::delivered_text(body),
        // Vectors, verdicts, scores and what is sealed are not counted.
        None => String::new(),
    }
}

/// Appends the text of one event of a stream, for counting.
pub fn event_text(protocol: Protocol, data: &[u8], into: &mut String) {
    match protocol {
        Protocol::Chat => openai::side::delivered_text(data, into),
        Protocol::Responses => responses::side::delivered_text(data, into),
        Protocol::Messages => anthropic::side::delivered_text(data, into),
        Protocol::GenerateContent => gemini::side::delivered_text(data, into),
        Protocol::Completions => completions::side::delivered_text(data, into),
        Protocol::Embeddings
        | Protocol::Moderations
        | Protocol::Rerank
        | Protocol::Compaction
        | Protocol::Images
        | Protocol::ImageEdits
        | Protocol::Videos
        | Protocol::Speech => {}
        Protocol::Transcriptions | Protocol::Translations => media::event_text(data, into),
    }
}

/// Whether the events of a stream in this protocol bring text.
#[must_use]
pub const fn streams_text(protocol: Protocol) -> bool {
    match protocol {
        Protocol::Chat | Protocol::Responses | Protocol::Messages | Protocol::GenerateContent | Protocol::Completions => true,
        Protocol::Transcriptions | Protocol::Translations => true,
        Protocol::Embeddings | Protocol::Moderations | Protocol::Rerank | Protocol::Compaction => false,
        Protocol::Images | Protocol::ImageEdits | Protocol::Videos | Protocol::Speech => false,
    }
}

/// Writes a whole answer for the caller.
#[must_use]
pub fn write_answer(protocol: Protocol, answer: &Answer, usage: &Usage, envelope: &Envelope) -> Bytes {
    match protocol.talk() {
        Some(Talk::Chat) => openai::write_answer::write_answer(answer, usage, envelope),
        Some(Talk::Responses) => responses::write_answer::write_answer(answer, usage, envelope),
        Some(Talk::Messages) => anthropic::write_answer::write_answer(answer, usage, envelope),
        Some(Talk::GenerateContent) => gemini::write_answer::write_answer(answer, usage, envelope),
        Some(Talk::Completions) => completions::write_answer::write_answer(answer, usage, envelope),
        // No conversation is ever asked for in these.
        None => Bytes::new(),
    }
}

/// Reads an upstream's stream.
#[must_use]
pub fn stream_reader(protocol: Protocol) -> Box<dyn StreamReader> {
    match protocol.talk() {
        // Whatever is no conversation streams as chat does, if at all.
        Some(Talk::Chat) | None => Box::<openai::stream_reader::Reader>::default(),
        Some(Talk::Responses) => Box::<responses::stream_reader::Reader>::default(),
        Some(Talk::Messages) => Box::<anthropic::stream_reader::Reader>::default(),
        Some(Talk::GenerateContent) => Box::<gemini::stream_reader::Reader>::default(),
        Some(Talk::Completions) => Box::<completions::stream_reader::Reader>::default(),
    }
}

/// Writes a caller's stream.
#[must_use]
pub fn stream_writer(protocol: Protocol, envelope: Envelope) -> Box<dyn StreamWriter> {
    match protocol.talk() {
        // Whatever is no conversation streams as chat does, if at all.
        Some(Talk::Chat) | None => Box::new(openai::stream_writer::Writer::new(envelope)),
        Some(Talk::Responses) => Box::new(responses::stream_writer::Writer::new(envelope)),
        Some(Talk::Messages) => Box::new(anthropic::stream_writer::Writer::new(envelope)),
        Some(Talk::GenerateContent) => Box::new(gemini::stream_writer::Writer::new(envelope, Framing::Events)),
        Some(Talk::Completions) => Box::new(completions::stream_writer::Writer::new(envelope)),
    }
}

/// Looks at a stream that passes by.
#[must_use]
pub fn side_reader(protocol: Protocol) -> Box<dyn SideReader> {
    match protocol {
        Protocol::Chat | Protocol::Embeddings | Protocol::Moderations | Protocol::Rerank | Protocol::Compaction => {
            Box::<openai::side::Side>::default()
        }
        Protocol::Images
        | Protocol::ImageEdits
        | Protocol::Videos
        | Protocol::Speech
        | Protocol::Transcriptions
        | Protocol::Translations => Box::<media::Side>::default(),
        Protocol::Responses => Box::<responses::side::Side>::default(),
        Protocol::Messages => Box::<anthropic::side::Side>::default(),
        Protocol::GenerateContent => Box::<gemini::side::Side>::default(),
        Protocol::Completions => Box::<completions::side::Side>::default(),
    }
}

/// Our error, in the shape of the caller's protocol.
#[must_use]
pub fn error_body(protocol: Protocol, code: ErrorCode, message: &str, param: Option<&str>, retry_after: Option<Duration>) -> String {
    match protocol.talk() {
        Some(Talk::Chat | Talk::Responses | Talk::Completions) | None => openai::error::error_body(code, message, param),
        Some(Talk::Messages) => anthropic::error::error_body(code, message, param),
        Some(Talk::GenerateContent) => gemini::error::error_body(code, message, retry_after),
    }
}
