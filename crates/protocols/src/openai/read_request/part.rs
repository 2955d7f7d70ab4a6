//! The parts of a message.

use super::message::text_part;
use crate::conversation::{Conversation, Media, Part, Reasoning, Source};
use crate::given::{At, Given};
use crate::openai::media;
use crate::request::BadRequest;

/// Whose message it is: what may stand in it differs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    /// Anything may.
    User,
    /// Text, refusals, and thoughts.
    Assistant,
    /// Text; some upstreams take images too.
    Tool,
    /// Text.
    TextOnly,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Wire<'a> {
    #[serde(borrow, rename = "type")]
    kind: Given<'a>,
    #[serde(borrow)]
    text: Given<'a>,
    #[serde(borrow)]
    refusal: Given<'a>,
    /// Mistral's: parts of its own, or text.
    #[serde(borrow)]
    thinking: Given<'a>,
    #[serde(borrow)]
    image_url: Given<'a>,
    #[serde(borrow)]
    input_audio: Given<'a>,
    #[serde(borrow)]
    file: Given<'a>,
    #[serde(borrow)]
    video_url: Given<'a>,
}

/// What the parts that are no text hold, all of them together: no name means two things.
#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct MediaWire<'a> {
    #[serde(borrow)]
    url: Given<'a>,
    #[serde(borrow)]
    detail: Given<'a>,
    #[serde(borrow)]
    data: Given<'a>,
    #[serde(borrow)]
    format: Given<'a>,
    #[serde(borrow)]
    file_id: Given<'a>,
    #[serde(borrow)]
    file_data: Given<'a>,
    #[serde(borrow)]
    filename: Given<'a>,
    #[serde(borrow)]
    fps: Given<'a>,
}

/// A message's content: text, or parts.
pub(super) fn parts(given: Given<'_>, at: &At<'_>, place: Where, conversation: &mut Conversation) -> Result<Vec<Part>, BadRequest> {
    if given.begins_with('"') {
        return Ok(text_part(given.need(at)?).into_iter().collect());
    }
    if given.is_there() && !given.begins_with('[') {
        return Err(at.refuse("must be a string or an array of parts"));
    }
    let mut parts = Vec::new();
    for (index, given) in given.array(at)?.into_iter().enumerate() {
        parts.extend(part(given, &at.element(index), place, conversation)?);
    }
    Ok(parts)
}

fn part(given: Given<'_>, at: &At<'_>, place: Where, conversation: &mut Conversation) -> Result<Option<Part>, BadRequest> {
    let wire: Wire<'_> = given.need_object(at)?;
    let kind_at = at.member("type");
    let kind: String = wire.kind.need(&kind_at)?;
    match (kind.as_str(), place) {
        ("text", _) => Ok(text_part(wire.text.need(&at.member("text"))?)),
        ("refusal", Where::Assistant) => Ok(Some(Part::Refusal(wire.refusal.need(&at.member("refusal"))?))),
        ("thinking", Where::Assistant) => Ok(thought(&parts(wire.thinking, &at.member("thinking"), Where::TextOnly, conversation)?)),
        ("image_url", Where::User | Where::Tool) => image(wire.image_url, &at.member("image_url")).map(Some),
        ("input_audio", Where::User) => audio(wire.input_audio, &at.member("input_audio")).map(Some),
        ("file", Where::User) => file(wire.file, &at.member("file"), conversation).map(Some),
        ("video_url", Where::User) => video(wire.video_url, &at.member("video_url"), conversation).map(Some),
        (_, Where::User) => Err(kind_at.refuse("must be `text`, `image_url`, `input_audio`, `file` or `video_url`")),
        (_, Where::Assistant) => Err(kind_at.refuse("must be `text`, `refusal` or `thinking` in an assistant's message")),
        (_, Where::Tool) => Err(kind_at.refuse("must be `text` or `image_url` in a tool's message")),
        (_, Where::TextOnly) => Err(kind_at.refuse("must be `text` in a system message")),
    }
}

fn thought(parts: &[Part]) -> Option<Part> {
    let words = parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.text.as_str()),
        _nothing_else => None,
    });
    let text: String = words.collect();
    (!text.is_empty()).then_some(Part::Reasoning(Reasoning { text, opaque: None }))
}

fn image(given: Given<'_>, at: &At<'_>) -> Result<Part, BadRequest> {
    let wire: MediaWire<'_> = given.need_object(at)?;
    let source = source(wire.url, &at.member("url"))?;
    Ok(Part::Image(Media { source, name: None, detail: wire.detail.read(&at.member("detail"))? }))
}

fn video(given: Given<'_>, at: &At<'_>, conversation: &mut Conversation) -> Result<Part, BadRequest> {
    let wire: MediaWire<'_> = given.need_object(at)?;
    if wire.fps.is_there() {
        conversation.tuning.push("video_url.fps");
    }
    Ok(Part::Video(unnamed(source(wire.url, &at.member("url"))?)))
}

fn audio(given: Given<'_>, at: &At<'_>) -> Result<Part, BadRequest> {
    let wire: MediaWire<'_> = given.need_object(at)?;
    let format = wire.format.read::<String>(&at.member("format"))?;
    // Ark's: an address instead of data.
    if wire.url.is_there() {
        return Ok(Part::Audio(unnamed(source(wire.url, &at.member("url"))?)));
    }
    let format = format.ok_or_else(|| at.member("format").refuse("is missing: send `wav` or `mp3`"))?;
    let data = wire.data.need(&at.member("data"))?;
    Ok(Part::Audio(unnamed(Source::Inline { media_type: media::audio_type(&format), data })))
}

fn file(given: Given<'_>, at: &At<'_>, conversation: &mut Conversation) -> Result<Part, BadRequest> {
    let wire: MediaWire<'_> = given.need_object(at)?;
    let name = wire.filename.read::<String>(&at.member("filename"))?;
    let id_at = at.member("file_id");
    if let Some(id) = wire.file_id.read::<String>(&id_at)? {
        conversation.only_here.push(id_at.to_string());
        return Ok(Part::File(Media { source: Source::Stored(id), name, detail: None }));
    }
    let data_at = at.member("file_data");
    let data: String = wire.file_data.need(&data_at)?;
    let source = if data.starts_with("data:") {
        media::data_url(&data).ok_or_else(|| data_at.refuse("must be a data URL in base64: `data:application/pdf;base64,…`"))?
    } else {
        // OpenAI takes bare base64 too; PDF is what it takes everywhere.
        Source::Inline { media_type: "application/pdf".to_owned(), data }
    };
    Ok(Part::File(Media { source, name, detail: None }))
}

fn source(given: Given<'_>, at: &At<'_>) -> Result<Source, BadRequest> {
    let url: String = given.need(at)?;
    if url.starts_with("data:") {
        return media::data_url(&url).ok_or_else(|| at.refuse("must be a web address, or a data URL in base64: `data:image/png;base64,…`"));
    }
    Ok(Source::Url { url, media_type: None })
}

const fn unnamed(source: Source) -> Media {
    Media { source, name: None, detail: None }
}
