//! The parts of a message, and of a tool's answer. Chat's spellings are understood too: they come in `messages`.

use crate::conversation::{Conversation, Media, Part, Source, Text};
use crate::given::{At, Given};
use crate::openai::media;
use crate::request::BadRequest;

/// Where parts stand: what may stand there differs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Anything may.
    User,
    /// Text and refusals.
    Assistant,
    /// Text.
    System,
    /// Anything may.
    Tool,
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
    /// A bare string; chat's object has it in `url`.
    #[serde(borrow)]
    image_url: Given<'a>,
    #[serde(borrow)]
    detail: Given<'a>,
    #[serde(borrow)]
    file_id: Given<'a>,
    #[serde(borrow)]
    file_data: Given<'a>,
    #[serde(borrow)]
    file_url: Given<'a>,
    #[serde(borrow)]
    filename: Given<'a>,
    /// Chat's, around the four above.
    #[serde(borrow)]
    file: Given<'a>,
    #[serde(borrow)]
    input_audio: Given<'a>,
    /// Ark's.
    #[serde(borrow)]
    audio_url: Given<'a>,
    /// Ark's.
    #[serde(borrow)]
    video_url: Given<'a>,
    /// Ark's, of a video.
    #[serde(borrow)]
    fps: Given<'a>,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Inner<'a> {
    #[serde(borrow)]
    url: Given<'a>,
    #[serde(borrow)]
    detail: Given<'a>,
    #[serde(borrow)]
    data: Given<'a>,
    #[serde(borrow)]
    format: Given<'a>,
}

/// A content: text, or parts.
pub(super) fn parts(given: Given<'_>, at: &At<'_>, place: Place, conversation: &mut Conversation) -> Result<Vec<Part>, BadRequest> {
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

fn text_part(text: String) -> Option<Part> {
    (!text.is_empty()).then(|| Part::Text(Text::plain(text)))
}

fn part(given: Given<'_>, at: &At<'_>, place: Place, conversation: &mut Conversation) -> Result<Option<Part>, BadRequest> {
    let wire: Wire<'_> = given.need_object(at)?;
    let kind_at = at.member("type");
    let kind: String = wire.kind.need(&kind_at)?;
    match (kind.as_str(), place) {
        ("input_text" | "output_text" | "text", _) => Ok(text_part(wire.text.need(&at.member("text"))?)),
        ("refusal", Place::Assistant) => Ok(Some(Part::Refusal(wire.refusal.need(&at.member("refusal"))?))),
        ("input_image" | "image_url", Place::User | Place::Tool) => image(&wire, at, conversation).map(Some),
        ("input_file", Place::User | Place::Tool) => file(&wire, at, conversation).map(Some),
        ("file", Place::User | Place::Tool) => {
            let at = at.member("file");
            file(&wire.file.need_object(&at)?, &at, conversation).map(Some)
        }
        ("input_audio", Place::User | Place::Tool) => audio(&wire, at).map(Some),
        ("input_video" | "video_url", Place::User | Place::Tool) => video(&wire, at, conversation).map(Some),
        (_, Place::Assistant) => Err(kind_at.refuse("must be `output_text` or `refusal` in an assistant's message")),
        (_, Place::System) => Err(kind_at.refuse("must be `input_text` in a system or developer message")),
        (_, Place::User | Place::Tool) => Err(kind_at.refuse("must be `input_text`, `input_image`, `input_file` or `input_audio`")),
    }
}

fn image(wire: &Wire<'_>, at: &At<'_>, conversation: &mut Conversation) -> Result<Part, BadRequest> {
    let detail = wire.detail.read(&at.member("detail"))?;
    if let Some(stored) = stored(wire.file_id, &at.member("file_id"), conversation)? {
        return Ok(Part::Image(Media { source: stored, name: None, detail }));
    }
    let (source, inner) = address(wire.image_url, &at.member("image_url"))?;
    Ok(Part::Image(Media { source, name: None, detail: detail.or(inner) }))
}

fn file(wire: &Wire<'_>, at: &At<'_>, conversation: &mut Conversation) -> Result<Part, BadRequest> {
    let name = wire.filename.read::<String>(&at.member("filename"))?;
    let source = if let Some(stored) = stored(wire.file_id, &at.member("file_id"), conversation)? {
        stored
    } else if let Some(url) = wire.file_url.read(&at.member("file_url"))? {
        Source::Url { url, media_type: None }
    } else {
        let at = at.member("file_data");
        let data: String = wire.file_data.need(&at)?;
        if data.starts_with("data:") {
            media::data_url(&data).ok_or_else(|| at.refuse("must be a data URL in base64: `data:application/pdf;base64,…`"))?
        } else {
            // OpenAI takes bare base64 too; PDF is what it takes everywhere.
            Source::Inline { media_type: "application/pdf".to_owned(), data }
        }
    };
    Ok(Part::File(Media { source, name, detail: None }))
}

fn audio(wire: &Wire<'_>, at: &At<'_>) -> Result<Part, BadRequest> {
    if wire.audio_url.is_there() {
        let (source, _) = address(wire.audio_url, &at.member("audio_url"))?;
        return Ok(Part::Audio(unnamed(source)));
    }
    let at = at.member("input_audio");
    let inner: Inner<'_> = wire.input_audio.need_object(&at)?;
    let format: String = inner.format.need(&at.member("format"))?;
    let data = inner.data.need(&at.member("data"))?;
    Ok(Part::Audio(unnamed(Source::Inline { media_type: media::audio_type(&format), data })))
}

fn video(wire: &Wire<'_>, at: &At<'_>, conversation: &mut Conversation) -> Result<Part, BadRequest> {
    if wire.fps.is_there() && !conversation.tuning.contains(&"input_video.fps") {
        conversation.tuning.push("input_video.fps");
    }
    let source = match stored(wire.file_id, &at.member("file_id"), conversation)? {
        Some(stored) => stored,
        None => address(wire.video_url, &at.member("video_url"))?.0,
    };
    Ok(Part::Video(unnamed(source)))
}

/// What only the upstream that stores it can read.
fn stored(given: Given<'_>, at: &At<'_>, conversation: &mut Conversation) -> Result<Option<Source>, BadRequest> {
    let Some(id) = given.read::<String>(at)? else { return Ok(None) };
    conversation.only_here.push(at.to_string());
    Ok(Some(Source::Stored(id)))
}

/// An address, and how closely to look if it is chat's object.
fn address(given: Given<'_>, at: &At<'_>) -> Result<(Source, Option<String>), BadRequest> {
    if given.begins_with('{') {
        let inner: Inner<'_> = given.need_object(at)?;
        return Ok((source(inner.url, &at.member("url"))?, inner.detail.read(&at.member("detail"))?));
    }
    Ok((source(given, at)?, None))
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
