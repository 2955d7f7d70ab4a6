//! Requests for images: `POST /images/generations` and `/images/edits`.
//!
//! Source: OpenAI API reference, Images (`providers.md` section 4.3). An edit comes as a form or as JSON; a generation may bring images
//! too, as Ark's has it.

use std::num::NonZeroU32;

use easyai_core::media::Pixels;

use super::fields::{Auto, Fields};
use super::upload::{Sort, files};
use super::{MAX_PROMPT_CHARS, model, size, words};
use crate::media::{ImageRequest, ImageWork, InputFile, InputSource, MediaBody};
use crate::request::BadRequest;

/// Images of one call: OpenAI's bound.
const MAX_COUNT: u32 = 10;

/// Images that one edit starts from: OpenAI's bound.
const MAX_INPUTS: usize = 16;

/// Drafts of one streamed image: OpenAI's bound.
const MAX_PARTIAL: u8 = 3;

/// The names under which images come, in the order in which they are read.
const INPUTS: [&str; 4] = ["image", "images", "image_url", "image_urls"];

/// Reads a request for images.
pub(super) fn read(work: ImageWork, body: MediaBody) -> Result<ImageRequest, BadRequest> {
    let expected = match work {
        ImageWork::Generate => "`model` and `prompt`",
        ImageWork::Edit => "`model`, `prompt` and `image`",
    };
    let fields = Fields::of(&body, expected)?;
    let model = model(&fields)?;
    let prompt = words(&fields, "prompt", "what to show", MAX_PROMPT_CHARS)?;
    let images = inputs(&fields)?;
    if work == ImageWork::Edit && images.is_empty() {
        return Err(BadRequest::field("image", "is missing: send the image to edit, as a file or as `images`: [{\"image_url\": …}]"));
    }
    let mask = mask(&fields, &images)?;
    let request = ImageRequest {
        work,
        model,
        prompt,
        n: fields.whole("n", 1..=MAX_COUNT)?.and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN),
        size: image_size(&fields)?,
        quality: fields.word("quality", Auto::Taken)?,
        output_format: fields.word("output_format", Auto::Refused)?,
        output_compression: fields.whole("output_compression", 0..=100)?,
        background: fields.word("background", Auto::Refused)?,
        response_format: fields.word("response_format", Auto::Refused)?,
        stream: fields.flag("stream")?.unwrap_or(false),
        partial_images: fields.whole("partial_images", 0..=MAX_PARTIAL)?.unwrap_or(0),
        seed: fields.whole("seed", i64::MIN..=i64::MAX)?,
        images,
        mask,
        body: MediaBody { content_type: body.content_type.clone(), bytes: body.bytes.clone() },
    };
    Ok(request)
}

fn inputs(fields: &Fields<'_>) -> Result<Vec<InputFile>, BadRequest> {
    let mut images = Vec::new();
    for name in INPUTS {
        for field in fields.all(name) {
            images.extend(files(field, Sort::Image, images.len())?);
            if images.len() > MAX_INPUTS {
                return Err(BadRequest::field(name, format!("holds more than {MAX_INPUTS} images")));
            }
        }
    }
    Ok(images)
}

fn mask(fields: &Fields<'_>, images: &[InputFile]) -> Result<Option<InputFile>, BadRequest> {
    let mut masks = Vec::new();
    for field in fields.all("mask") {
        masks.extend(files(field, Sort::Image, 0)?);
    }
    if masks.len() > 1 {
        return Err(BadRequest::field("mask", "stands twice in the body: send it once"));
    }
    let Some(mask) = masks.pop() else { return Ok(None) };
    let Some(first) = images.first() else {
        return Err(BadRequest::field("mask", "needs an image to lie on: send `image` too"));
    };
    if let (InputSource::Inline { data: mask, .. }, InputSource::Inline { data: image, .. }) = (&mask.source, &first.source)
        && let (Some(of_mask), Some(of_image)) = (size(mask), size(image))
        && of_mask != of_image
    {
        return Err(BadRequest::field("mask", format!("has {of_mask} pixels: it must have as many as the first image, {of_image}")));
    }
    Ok(Some(mask))
}

/// A size in pixels. Seedream's words are sizes too: it takes them for the longer side of a square.
fn image_size(fields: &Fields<'_>) -> Result<Option<Pixels>, BadRequest> {
    let Some(text) = fields.text("size")? else { return Ok(None) };
    match text.trim() {
        "" | "auto" => Ok(None),
        "1K" | "1k" => Ok(Pixels::new(1024, 1024)),
        "2K" | "2k" => Ok(Pixels::new(2048, 2048)),
        "4K" | "4k" => Ok(Pixels::new(4096, 4096)),
        text => {
            text.parse().map(Some).map_err(|_| BadRequest::field("size", "must be WIDTHxHEIGHT in pixels, such as 1024x1024, or `auto`"))
        }
    }
}
