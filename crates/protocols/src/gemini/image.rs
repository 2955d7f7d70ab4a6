//! Images by `generateContent`: one a call, from a prompt or from images and a prompt.
//!
//! Source: `providers.md` section 6.5.

use bytes::Bytes;
use easyai_core::media::MediaUsage;
use easyai_core::usage::Usage;

use super::cannot;
use super::generated::{Generated, read as read_generated};
use super::image_family::{ImageSize, family};
use super::send::{Ask, Content, GenerationConfig, Part};
use crate::conversation::{CannotCarry, Notes};
use crate::media::{Background, ImageAnswer, ImageFormat, ImageRequest, MadeFile, MadeImage};
use crate::wire::{BadAnswer, Written};

/// Most images of one request, and so most calls of it.
const MAX_IMAGES: u32 = 10;

/// Most images that any model takes.
const MAX_INPUTS: usize = 14;

/// What an image costs that goes in. Source: Google's documentation of media resolutions, the highest.
const INPUT_TOKENS: u64 = 1_120;

/// Whether Gemini can be asked this.
///
/// # Errors
/// [`CannotCarry`] names the field, and what is allowed.
pub fn fits(model: &str, asked: &ImageRequest) -> Result<(), CannotCarry> {
    if asked.mask.is_some() {
        return Err(cannot("mask", "its models edit by the prompt alone: leave the mask away, or say in the prompt what to change"));
    }
    if asked.n.get() > MAX_IMAGES {
        return Err(cannot("n", "at most 10 images are made at once"));
    }
    if asked.images.len() > MAX_INPUTS && family(model).is_known() {
        return Err(cannot("image", "it takes at most 14 images"));
    }
    if asked.background == Some(Background::Transparent) {
        return Err(cannot("background", "its models fill the whole picture: auto or opaque"));
    }
    if asked.output_format == Some(ImageFormat::Webp) {
        return Err(cannot("output_format", "its models give png or jpeg"));
    }
    Ok(())
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImageConfig {
    aspect_ratio: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_size: Option<ImageSize>,
}

/// Writes a request for one image. `inputs` are the images that it starts from, in the caller's order, as media type and bytes.
#[must_use]
pub fn write(model: &str, asked: &ImageRequest, inputs: &[(String, Bytes)]) -> Written {
    let mut notes = Notes::default();
    let family = family(model);
    let shape = asked.size.map(|size| family.shape(size));
    if let (Some(size), Some(shape)) = (asked.size, shape)
        && shape.pixels != Some(size)
    {
        let made = shape.pixels.map_or_else(|| crate::media::ratio::name(shape.ratio), |pixels| pixels.to_string());
        notes.changed("size", &format!("{made} is made: it is the nearest that the model makes"));
    }
    note(&mut notes, asked);
    let parts = inputs.iter().map(|(media_type, data)| Part::inline(media_type, data));
    let parts = parts.chain(std::iter::once(Part::text(&asked.prompt))).collect();
    let generation_config = GenerationConfig {
        // Models that nobody knows may be old ones, which say something beside every image.
        response_modalities: Some(if family.is_known() { &["IMAGE"] } else { &["TEXT", "IMAGE"] }),
        image_config: shape.map(|shape| ImageConfig { aspect_ratio: crate::media::ratio::name(shape.ratio), image_size: shape.size }),
        ..GenerationConfig::default()
    };
    Ask { contents: [Content { role: "user", parts }], generation_config }.written(notes)
}

fn note(notes: &mut Notes, asked: &ImageRequest) {
    if asked.quality.is_some() {
        notes.dropped("quality", "Gemini's models have none");
    }
    if asked.output_format.is_some() || asked.output_compression.is_some() {
        notes.dropped("output_format", "Gemini's models give png or jpeg as they like");
    }
    if asked.seed.is_some() {
        notes.dropped("seed", "Gemini's models promise no picture twice");
    }
    if asked.stream && asked.partial_images > 0 {
        notes.dropped("partial_images", "Gemini shows no drafts");
    }
}

/// What a request is expected to use.
#[must_use]
pub fn expected(model: &str, asked: &ImageRequest, prompt_tokens: u64) -> Usage {
    let family = family(model);
    let shape = asked.size.map(|size| family.shape(size));
    let images = u64::from(asked.n.get());
    let inputs = INPUT_TOKENS.saturating_mul(asked.images.len() as u64);
    let input_tokens = prompt_tokens.saturating_add(inputs).saturating_mul(images);
    let output_tokens = family.tokens(shape.and_then(|shape| shape.size)).saturating_mul(images);
    let size = shape.and_then(|shape| shape.pixels);
    let media = Some(MediaUsage::Images { count: asked.n.get(), size, quality: None });
    Usage { media, ..Usage::counted(input_tokens, output_tokens) }
}

/// Reads the answer of one call.
///
/// # Errors
/// [`BadAnswer`] if it holds no image: refused for its content, or the model's own explanation.
pub fn read(model: &str, asked: &ImageRequest, body: &[u8]) -> Result<ImageAnswer, BadAnswer> {
    let Generated { pieces, usage, .. } = match read_generated(body)? {
        generated if generated.pieces.is_empty() => return Err(generated.without("image")),
        generated => generated,
    };
    let count = u32::try_from(pieces.len()).unwrap_or(u32::MAX);
    // Google does not tell the size: it is known by what was asked for.
    let size = asked.size.and_then(|size| family(model).shape(size).pixels);
    let output_format = pieces.first().and_then(|piece| piece.media_type.as_deref()?.strip_prefix("image/").map(str::to_owned));
    let image = |file| MadeImage { file, revised_prompt: None, size };
    let images = pieces.into_iter().map(|piece| image(MadeFile::Inline { media_type: piece.media_type, data: piece.data })).collect();
    let media = Some(MediaUsage::Images { count, size, quality: None });
    let usage = Usage { media, ..usage.unwrap_or(Usage::counted(0, 0)) };
    let shown = size.map(|size| size.to_string());
    Ok(ImageAnswer { images, failed: Vec::new(), created_at: None, background: None, output_format, quality: None, size: shown, usage })
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::volces::tests::{image, inline, picture};

    #[test]
    fn a_request_puts_its_images_before_the_prompt() {
        let asked = picture(|asked| {
            asked.images = vec![inline("image/png"), inline("image/jpeg")];
            asked.size = "1792x1024".parse().ok();
            asked.seed = Some(1);
        });
        let inputs = [("image/png".to_owned(), Bytes::from_static(b"hi")), ("image/jpeg".to_owned(), Bytes::from_static(b"ho"))];
        let written = write("gemini-3-pro-image-preview", &asked, &inputs);
        assert_eq!(
            String::from_utf8_lossy(&written.body),
            r#"{"contents":[{"role":"user","parts":[{"inlineData":{"mimeType":"image/png","data":"aGk="}},{"inlineData":{"mimeType":"image/jpeg","data":"aG8="}},{"text":"a \"cat\""}]}],"generationConfig":{"responseModalities":["IMAGE"],"imageConfig":{"aspectRatio":"16:9","imageSize":"2K"}}}"#
        );
        assert_eq!(written.notes.fields(), "size, seed");
        let plain = write("gemini-2.5-flash-image", &picture(|asked| asked.size = "1024x1024".parse().ok()), &[]);
        assert_eq!(
            String::from_utf8_lossy(&plain.body),
            r#"{"contents":[{"role":"user","parts":[{"text":"a \"cat\""}]}],"generationConfig":{"responseModalities":["IMAGE"],"imageConfig":{"aspectRatio":"1:1"}}}"#
        );
        assert_eq!(plain.notes.fields(), "");
    }

    #[test]
    fn what_no_image_model_does_is_refused_by_its_field() {
        let check = |change: &dyn Fn(&mut ImageRequest), field: &str| {
            assert_eq!(fits("gemini-2.5-flash-image", &picture(change)).unwrap_err().field, field);
        };
        check(&|asked| asked.mask = Some(image("https://x")), "mask");
        check(&|asked| asked.n = NonZeroU32::new(11).unwrap(), "n");
        check(&|asked| asked.images = vec![image("https://x"); 15], "image");
        check(&|asked| asked.background = Some(Background::Transparent), "background");
        check(&|asked| asked.output_format = Some(ImageFormat::Webp), "output_format");
        assert!(fits("gemini-9", &picture(|asked| asked.images = vec![image("https://x"); 15])).is_ok());
    }

    #[test]
    fn an_answer_s_images_are_counted_with_their_tokens() {
        let body = br#"{"candidates":[{"finishReason":"STOP","content":{"parts":[{"text":"Here:"},{"inlineData":{"mimeType":"image/png","data":"aGk="}}]}}],
            "usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":1290}}"#;
        let answer = read("gemini-2.5-flash-image", &picture(|asked| asked.size = "1024x1024".parse().ok()), body).unwrap();
        assert_eq!(answer.images.len(), 1);
        let media = MediaUsage::Images { count: 1, size: "1024x1024".parse().ok(), quality: None };
        assert_eq!((answer.usage.output_tokens, answer.usage.media, answer.output_format.as_deref()), (1_290, Some(media), Some("png")));
        assert!(read("m", &picture(|_| {}), br#"{"candidates":[{"finishReason":"NO_IMAGE"}]}"#).is_err());
    }

    #[test]
    fn a_hold_covers_all_images_and_what_goes_in_with_each() {
        let asked = picture(|asked| {
            asked.n = NonZeroU32::new(3).unwrap();
            asked.images = vec![image("https://x")];
        });
        let usage = expected("gemini-2.5-flash-image", &asked, 10);
        assert_eq!((usage.input_tokens, usage.output_tokens), (3_390, 3_870));
    }
}
