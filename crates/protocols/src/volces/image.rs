//! Images at Ark: Seedream makes and edits them at one endpoint.
//!
//! An answer may hold images that were made beside others that failed; those that were made are paid for and kept.
//! Source: `providers.md` section 7.5.

use bytes::Bytes;
use easyai_core::media::{MediaUsage, Pixels};
use easyai_core::usage::{Usage, UsageSource};
use serde_json::value::RawValue;

use super::cannot;
use super::seedream::{MAX_OF_A_GROUP, family, is_too_long};
use crate::conversation::{CannotCarry, Notes};
use crate::encoded::decode_file;
use crate::media::{
    Background, ImageAnswer, ImageFormat, ImageRequest, InputFile, InputSource, ItemFailure, MadeFile, MadeImage, ResponseFormat,
};
use crate::openai::error::{WireError, read_error};
use crate::openai::lenient::{Count, List, Maybe, Word, tolerant};
use crate::wire::{BadAnswer, Written};

/// Most images of one request: what OpenAI's callers may ask for, with room for Ark's own.
const MAX_IMAGES: u32 = 15;

/// Up to so many images come inside the answer, if the caller wants them there; more are fetched by their URLs, so that an answer stays
/// well below what is read of one (4K images have up to 15 MB).
const MAX_INLINE: u32 = 3;

/// How a request for several images is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// One call, in which the model makes up to so many: what it leaves out is asked for by calls of one.
    Group,
    /// A call for each.
    Single,
}

/// Whether Ark can be asked this.
///
/// # Errors
/// [`CannotCarry`] names the field, and what is allowed.
pub fn fits(model: &str, asked: &ImageRequest) -> Result<(), CannotCarry> {
    let family = family(model);
    if asked.mask.is_some() {
        return Err(cannot("mask", "its models edit by the prompt alone: leave the mask away, or say in the prompt what to change"));
    }
    if asked.n.get() > MAX_IMAGES {
        return Err(cannot("n", &format!("at most {MAX_IMAGES} images are made at once")));
    }
    if asked.size.is_some_and(is_too_long) {
        return Err(cannot("size", "no side may be longer than 16 times the other"));
    }
    if let Some(family) = family.filter(|family| asked.images.len() > family.inputs) {
        return Err(cannot("image", &format!("it takes at most {} images", family.inputs)));
    }
    match asked.output_format {
        Some(ImageFormat::Webp) => return Err(cannot("output_format", "it makes png and jpeg (before Seedream 5.0 only jpeg)")),
        Some(ImageFormat::Png) if family.is_some_and(|family| !family.formats) => {
            return Err(cannot("output_format", "before Seedream 5.0 it makes only jpeg"));
        }
        Some(ImageFormat::Png | ImageFormat::Jpeg) | None => {}
    }
    if asked.background == Some(Background::Transparent) && !may_be_transparent(model, asked) {
        return Err(cannot("background", "only Seedream 5.0 pro leaves it away, from exactly one png and with `output_format` png"));
    }
    Ok(())
}

fn may_be_transparent(model: &str, asked: &ImageRequest) -> bool {
    let one_png = match asked.images.as_slice() {
        [InputFile { source: InputSource::Inline { media_type, .. }, .. }] => media_type == "image/png",
        [InputFile { source: InputSource::Url(_), .. }] => true,
        _none_or_several => false,
    };
    family(model).is_none_or(|family| family.transparent) && one_png && asked.output_format != Some(ImageFormat::Jpeg)
}

/// How so many images are made.
#[must_use]
pub fn way(model: &str, asked: &ImageRequest) -> Way {
    let together = asked.images.len().saturating_add(usize::try_from(asked.n.get()).unwrap_or(usize::MAX));
    let groups = family(model).is_some_and(|family| family.groups);
    if asked.n.get() > 1 && groups && together <= MAX_OF_A_GROUP { Way::Group } else { Way::Single }
}

/// The size that is made, where one was asked for.
fn size(model: &str, asked: &ImageRequest) -> Option<Pixels> {
    asked.size.map(|size| family(model).map_or(size, |family| family.size(size)))
}

#[derive(serde::Serialize)]
struct Body<'a> {
    model: &'a str,
    prompt: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<Inputs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<Pixels>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequential_image_generation: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequential_image_generation_options: Option<Group>,
    response_format: ResponseFormat,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_format: Option<ImageFormat>,
    #[serde(skip_serializing_if = "Option::is_none")]
    background: Option<Background>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    /// Always said: older models put one in if nobody says anything.
    watermark: bool,
}

#[derive(serde::Serialize)]
#[serde(untagged)]
enum Inputs {
    One(String),
    Several(Vec<String>),
}

#[derive(serde::Serialize)]
struct Group {
    max_images: u32,
}

/// Writes a request: for a group of as many as were asked for, or for one image.
#[must_use]
pub fn write(model: &str, asked: &ImageRequest, way: Way) -> Written {
    let mut notes = Notes::default();
    let family = family(model);
    let size = size(model, asked);
    if let Some(size) = size.filter(|size| Some(*size) != asked.size) {
        notes.changed("size", &format!("{size} is made: it is the nearest that the model makes"));
    }
    note(&mut notes, asked, family.is_some());
    let transparent = asked.background == Some(Background::Transparent);
    let png = transparent.then_some(ImageFormat::Png);
    let inline = asked.response_format == Some(ResponseFormat::B64Json) && asked.n.get() <= MAX_INLINE;
    let body = Body {
        model,
        prompt: &asked.prompt,
        image: inputs(&asked.images),
        size,
        sequential_image_generation: (way == Way::Group).then_some("auto"),
        sequential_image_generation_options: (way == Way::Group).then_some(Group { max_images: asked.n.get() }),
        response_format: if inline { ResponseFormat::B64Json } else { ResponseFormat::Url },
        output_format: asked.output_format.or(png).filter(|_| family.is_none_or(|family| family.formats)),
        background: asked.background.filter(|_| transparent),
        // Only models older than the known families have one.
        seed: asked.seed.filter(|_| family.is_none()),
        watermark: false,
    };
    // Strings and numbers alone can't fail to be written.
    Written { body: Bytes::from(serde_json::to_vec(&body).unwrap_or_default()), notes }
}

fn note(notes: &mut Notes, asked: &ImageRequest, known: bool) {
    if asked.quality.is_some() {
        notes.dropped("quality", "Ark's models have none");
    }
    if asked.output_compression.is_some() {
        notes.dropped("output_compression", "Ark's models have none");
    }
    if asked.seed.is_some() && known {
        notes.dropped("seed", "Ark's models have none since Seedream 4.0");
    }
    if asked.stream && asked.partial_images > 0 {
        notes.dropped("partial_images", "Ark shows no drafts");
    }
}

fn inputs(files: &[InputFile]) -> Option<Inputs> {
    let mut files: Vec<String> = files.iter().map(super::address).collect();
    match files.len() {
        0 => None,
        1 => files.pop().map(Inputs::One),
        _several => Some(Inputs::Several(files)),
    }
}

/// What a request is expected to use: an image has a token for every 256 pixels.
#[must_use]
pub fn expected(model: &str, asked: &ImageRequest) -> Usage {
    let size = size(model, asked);
    let output_tokens = size.map_or(0, |size| size.area() / 256).saturating_mul(asked.n.get().into());
    Usage { output_tokens, ..Usage::of_media(MediaUsage::Images { count: asked.n.get(), size, quality: None }) }
}

#[derive(serde::Deserialize)]
struct Answer<'a> {
    #[serde(default, deserialize_with = "tolerant")]
    created: Option<i64>,
    #[serde(borrow, default)]
    data: List<Item<'a>>,
    #[serde(default)]
    usage: Maybe<WireUsage>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(serde::Deserialize)]
struct Item<'a> {
    #[serde(default)]
    url: Word,
    #[serde(default)]
    b64_json: Word,
    #[serde(default)]
    size: Word,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(serde::Deserialize, Default)]
struct WireUsage {
    #[serde(default)]
    output_tokens: Count,
    #[serde(default)]
    input_tokens: Count,
}

/// Reads an answer.
///
/// # Errors
/// [`BadAnswer`] if it holds no image: the error of the first that failed, or the whole answer's.
pub fn read(body: &[u8]) -> Result<ImageAnswer, BadAnswer> {
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|error| BadAnswer::Unparseable(error.to_string()))?;
    let (mut images, mut failed) = (Vec::new(), Vec::new());
    for (index, item) in (0..).zip(answer.data.0) {
        match made(item) {
            Ok(image) => images.push(image),
            Err(error) => failed.push(ItemFailure { index, error }),
        }
    }
    if images.is_empty() {
        let whole = answer.error.filter(|error| error.get() != "null").map(|_| read_error(body));
        let error = failed.into_iter().next().map(|item| item.error).or(whole);
        return Err(error.map_or(BadAnswer::Empty, BadAnswer::Error));
    }
    let size = images.first().and_then(|image| image.size);
    let count = u32::try_from(images.len()).unwrap_or(u32::MAX);
    let told = answer.usage.0;
    let source = if told.is_some() { UsageSource::Upstream } else { UsageSource::Counted };
    let told = told.unwrap_or_default();
    let media = Some(MediaUsage::Images { count, size, quality: None });
    let usage = Usage { media, source, ..Usage::counted(told.input_tokens.0, told.output_tokens.0) };
    let created_at = answer.created.filter(|created| *created > 0);
    let size = size.map(|size| size.to_string());
    Ok(ImageAnswer { images, failed, created_at, background: None, output_format: None, quality: None, size, usage })
}

fn made(item: Item<'_>) -> Result<MadeImage, WireError> {
    let unusable =
        |message: &str| WireError { message: message.to_owned(), code: Some(super::NO_RESULT.to_owned()), ..WireError::default() };
    if let Some(error) = item.error.filter(|error| error.get() != "null") {
        return Err(read_error(format!("{{\"error\":{}}}", error.get()).as_bytes()));
    }
    let file = match (item.b64_json.0, item.url.0) {
        (Some(text), _) if !text.is_empty() => {
            let data = decode_file(&text).ok_or_else(|| unusable("an image that is no base64"))?;
            MadeFile::Inline { media_type: None, data }
        }
        (_, Some(url)) if !url.is_empty() => MadeFile::Url { url },
        (_, _) => return Err(unusable("an image without url or b64_json")),
    };
    Ok(MadeImage { file, revised_prompt: None, size: item.size.0.and_then(|size| size.parse().ok()) })
}
