//! Requests for videos: `POST /videos`, as a form or as JSON.
//!
//! Source: OpenAI API reference, Videos (`providers.md` section 4.4). Beside OpenAI's own fields those of other providers are taken under
//! their usual names, the reference images under all of `spec.md` section 4.1.

use std::num::NonZeroU32;
use std::sync::Arc;

use easyai_core::media::{Pixels, Resolution};

use super::fields::Fields;
use super::upload::{Sort, files};
use super::{MAX_PROMPT_CHARS, model, words};
use crate::media::{InputFile, MediaBody, RemixOf, VideoRequest};
use crate::request::BadRequest;

/// The longest video that is believed: nobody makes one of an hour.
const MAX_SECONDS: u32 = 3_600;

/// Pictures of what is in it: no provider takes more than nine.
const MAX_REFERENCES: usize = 16;

const FIRST_FRAMES: [&str; 6] = ["input_reference", "first_frame", "firstFrame", "image", "image_url", "imageUrl"];
const LAST_FRAMES: [&str; 4] = ["last_frame", "lastFrame", "last_frame_url", "lastFrameUrl"];
const REFERENCES: [&str; 6] = ["images", "image_urls", "imageUrls", "reference_image", "referenceImage", "reference_images"];

/// Reads a request for a video.
pub(super) fn read(body: MediaBody) -> Result<VideoRequest, BadRequest> {
    let fields = Fields::of(&body, "`model` and `prompt`")?;
    let model = model(&fields)?;
    let pictures = Pictures::read(&fields)?;
    rest(&fields, &body, model, pictures, None)
}

/// Reads a request that makes a video anew.
pub(super) fn read_remix(body: MediaBody, model: Arc<str>, of: RemixOf) -> Result<VideoRequest, BadRequest> {
    let fields = Fields::of(&body, "`prompt`")?;
    rest(&fields, &body, model, Pictures::default(), Some(of))
}

fn rest(
    fields: &Fields<'_>,
    body: &MediaBody,
    model: Arc<str>,
    pictures: Pictures,
    remix_of: Option<RemixOf>,
) -> Result<VideoRequest, BadRequest> {
    let prompt = words(fields, "prompt", "what to show", MAX_PROMPT_CHARS)?;
    let seconds = seconds(fields)?;
    let extent = Extent::read(fields)?;
    let flag = |names: &[&'static str]| fields.named(names)?.map(|name| fields.flag(name)).transpose().map(Option::flatten);
    let text = |names: &[&'static str]| fields.named(names)?.map(|name| fields.text(name)).transpose().map(Option::flatten);
    let not_blank = |text: &String| !text.trim().is_empty();
    Ok(VideoRequest {
        model,
        prompt,
        seconds,
        size: extent.size,
        resolution: extent.resolution,
        aspect_ratio: extent.aspect_ratio,
        audio: flag(&["generate_audio", "generateAudio", "audio"])?,
        negative_prompt: text(&["negative_prompt", "negativePrompt"])?.filter(not_blank),
        seed: fields.whole("seed", i64::MIN..=i64::MAX)?,
        watermark: fields.flag("watermark")?,
        first_frame: pictures.first,
        last_frame: pictures.last,
        references: pictures.references,
        remix_of,
        body: body.clone(),
    })
}

fn seconds(fields: &Fields<'_>) -> Result<Option<NonZeroU32>, BadRequest> {
    let Some(name) = fields.named(&["seconds", "duration"])? else { return Ok(None) };
    let Some(text) = fields.number_or_text(name)? else { return Ok(None) };
    let seconds = text.trim().strip_suffix(['s', 'S']).unwrap_or(text.trim()).parse().ok();
    let seconds = seconds.filter(|seconds: &NonZeroU32| seconds.get() <= MAX_SECONDS);
    seconds
        .map(Some)
        .ok_or_else(|| BadRequest::field(name, format!("must be a whole number of seconds from 1 to {MAX_SECONDS}, such as \"8\"")))
}

/// How large it is to be.
#[derive(Debug, Default)]
struct Extent {
    size: Option<Pixels>,
    resolution: Option<Resolution>,
    aspect_ratio: Option<String>,
}

impl Extent {
    fn read(fields: &Fields<'_>) -> Result<Self, BadRequest> {
        let mut extent = Self { aspect_ratio: aspect_ratio(fields)?, ..Self::default() };
        let size = fields.text("size")?.map(|size| size.trim().to_ascii_lowercase()).filter(|size| !size.is_empty() && size != "auto");
        if let Some(size) = size {
            match (size.parse(), size.parse()) {
                (Ok(size), _) => extent.size = Some(size),
                (Err(_), Ok(resolution)) => extent.resolution = Some(resolution),
                (Err(_), Err(_)) => {
                    return Err(BadRequest::field(
                        "size",
                        "must be WIDTHxHEIGHT in pixels, such as 1280x720, or a resolution such as 720p",
                    ));
                }
            }
        }
        let resolution =
            fields.text("resolution")?.map(|text| text.trim().to_ascii_lowercase()).filter(|text| !text.is_empty() && text != "auto");
        if let Some(text) = resolution {
            let resolution = match text.as_str() {
                "2160p" => Resolution::K4,
                text => text.parse().map_err(|_| {
                    let known: Vec<&str> = Resolution::ALL.iter().map(|known| known.as_str()).collect();
                    BadRequest::field("resolution", format!("must be one of {}", known.join(", ")))
                })?,
            };
            if extent.size.is_some() {
                return Err(BadRequest::field("resolution", "says the same as `size`: send one of them"));
            }
            extent.resolution = Some(resolution);
        }
        if extent.size.is_some() && extent.aspect_ratio.is_some() {
            return Err(BadRequest::field("size", "has an aspect ratio already: send `resolution` beside an aspect ratio, or only `size`"));
        }
        Ok(extent)
    }
}

/// `16:9`, or Ark's `adaptive`.
fn aspect_ratio(fields: &Fields<'_>) -> Result<Option<String>, BadRequest> {
    let Some(name) = fields.named(&["aspect_ratio", "aspectRatio", "ratio"])? else { return Ok(None) };
    let Some(ratio) = fields.text(name)?.map(|ratio| ratio.trim().to_owned()) else { return Ok(None) };
    let side = |side: &str| side.parse::<NonZeroU32>().is_ok();
    match ratio.as_str() {
        "" | "auto" => Ok(None),
        "adaptive" => Ok(Some(ratio)),
        text if text.split_once(':').is_some_and(|(width, height)| side(width) && side(height)) => Ok(Some(ratio)),
        _wrong => Err(BadRequest::field(name, "must be WIDTH:HEIGHT, such as 16:9")),
    }
}

/// The pictures that it starts from.
#[derive(Debug, Default)]
struct Pictures {
    first: Option<InputFile>,
    last: Option<InputFile>,
    references: Vec<InputFile>,
}

impl Pictures {
    fn read(fields: &Fields<'_>) -> Result<Self, BadRequest> {
        let mut first = all(fields, &FIRST_FRAMES)?;
        let mut references = all(fields, &REFERENCES)?;
        let last = only(all(fields, &LAST_FRAMES)?)?;
        // Several under a name that means one are pictures of what is in it, as in `image[]`.
        if first.len() > 1 && first.iter().all(|file| base(file) == first.first().map(base).unwrap_or_default()) {
            references.splice(0..0, first.drain(..));
        }
        // A single one in a list is where it starts, for all who have only such a list; `reference_image` says that it is not.
        let is_list = |file: &InputFile| !base(file).starts_with("reference");
        if first.is_empty() && references.len() == 1 && references.first().is_some_and(is_list) {
            first.append(&mut references);
        }
        if references.len() > MAX_REFERENCES {
            let name = references.first().map(|file| base(file).to_owned()).unwrap_or_default();
            return Err(BadRequest::field(&name, format!("holds more than {MAX_REFERENCES} images")));
        }
        Ok(Self { first: only(first)?, last, references })
    }
}

fn all(fields: &Fields<'_>, names: &[&str]) -> Result<Vec<InputFile>, BadRequest> {
    let mut found = Vec::new();
    for name in names {
        for field in fields.all(name) {
            found.extend(files(field, Sort::Image, found.len())?);
        }
    }
    Ok(found)
}

fn base(file: &InputFile) -> &str {
    file.field.split(['[', '.']).next().unwrap_or_default()
}

/// At most one.
fn only(files: Vec<InputFile>) -> Result<Option<InputFile>, BadRequest> {
    let mut files = files.into_iter();
    let first = files.next();
    match (first, files.next()) {
        (Some(first), Some(second)) => Err(BadRequest::field(
            &second.field,
            format!("says the same as `{}`: a video starts and ends with one picture each", first.field),
        )),
        (first, _) => Ok(first),
    }
}
