//! Images by Imagen's `:predict`: several a call, from a prompt alone.
//!
//! Source: `providers.md` section 6.6.

use bytes::Bytes;
use easyai_core::media::{MediaUsage, Pixels};
use easyai_core::usage::Usage;
use serde_json::value::RawValue;

use super::cannot;
use super::finish::{FILTERED, UNUSABLE};
use crate::conversation::{CannotCarry, Notes};
use crate::encoded::decode_file;
use crate::media::ratio::{self, Ratio, nearest};
use crate::media::{Background, ImageAnswer, ImageFormat, ImageRequest, ImageWork, ItemFailure, MadeFile, MadeImage};
use crate::openai::error::{WireError, read_error};
use crate::openai::lenient::{List, Word};
use crate::wire::{BadAnswer, Written};

const RATIOS: [Ratio; 5] = [(1, 1), (3, 4), (4, 3), (9, 16), (16, 9)];

/// Most images of one call.
const MAX_IMAGES: u32 = 4;

/// Whether a model is asked this way.
#[must_use]
pub fn is_imagen(model: &str) -> bool {
    model.contains("imagen")
}

/// Whether Imagen can be asked this.
///
/// # Errors
/// [`CannotCarry`] names the field, and what is allowed.
pub fn fits(asked: &ImageRequest) -> Result<(), CannotCarry> {
    if asked.work == ImageWork::Edit || !asked.images.is_empty() {
        return Err(cannot("image", "Imagen makes images from text alone"));
    }
    if asked.n.get() > MAX_IMAGES {
        return Err(cannot("n", "Imagen makes at most 4 images at once"));
    }
    if asked.background == Some(Background::Transparent) {
        return Err(cannot("background", "Imagen fills the whole picture: auto or opaque"));
    }
    if asked.output_format == Some(ImageFormat::Webp) {
        return Err(cannot("output_format", "Imagen gives png or jpeg"));
    }
    Ok(())
}

#[derive(serde::Serialize)]
struct Body<'a> {
    instances: [Instance<'a>; 1],
    parameters: Parameters,
}

#[derive(serde::Serialize)]
struct Instance<'a> {
    prompt: &'a str,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    sample_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    aspect_ratio: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sample_image_size: Option<&'static str>,
    /// A seed and a mark exclude one another.
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    add_watermark: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_options: Option<OutputOptions>,
    include_rai_reason: bool,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct OutputOptions {
    mime_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    compression_quality: Option<u8>,
}

/// Writes a request.
#[must_use]
pub fn write(asked: &ImageRequest) -> Written {
    let mut notes = Notes::default();
    let ratio = asked.size.map(|size| nearest(size, &RATIOS));
    if let (Some(size), Some(ratio)) = (asked.size, ratio) {
        notes.changed("size", &format!("the nearest of Imagen's shapes to {size} is {}", ratio::name(ratio)));
    }
    if asked.quality.is_some() {
        notes.dropped("quality", "Imagen has none");
    }
    let mime = asked.output_format.map(|format| format!("image/{}", format.as_str()));
    let compression_quality = asked.output_compression.filter(|_| asked.output_format == Some(ImageFormat::Jpeg));
    let parameters = Parameters {
        sample_count: asked.n.get(),
        aspect_ratio: ratio.map(ratio::name),
        sample_image_size: asked.size.filter(|size| size.long_side() > 1_600).map(|_| "2K"),
        seed: asked.seed,
        add_watermark: asked.seed.map(|_| false),
        output_options: mime.map(|mime_type| OutputOptions { mime_type, compression_quality }),
        include_rai_reason: true,
    };
    let body = Body { instances: [Instance { prompt: &asked.prompt }], parameters };
    // Strings and numbers alone can't fail to be written.
    Written { body: Bytes::from(serde_json::to_vec(&body).unwrap_or_default()), notes }
}

/// What a request is expected to use.
#[must_use]
pub fn expected(asked: &ImageRequest) -> Usage {
    Usage::of_media(MediaUsage::Images { count: asked.n.get(), size: None, quality: None })
}

#[derive(serde::Deserialize)]
struct Answer<'a> {
    #[serde(default)]
    predictions: List<Prediction>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Prediction {
    #[serde(default)]
    bytes_base64_encoded: Word,
    #[serde(default)]
    mime_type: Word,
    #[serde(default)]
    prompt: Word,
    #[serde(default)]
    rai_filtered_reason: Word,
}

/// Reads an answer. Images that were filtered are missing, or are there with a reason only.
///
/// # Errors
/// [`BadAnswer`] if it holds no image.
pub fn read(body: &[u8], asked: &ImageRequest) -> Result<ImageAnswer, BadAnswer> {
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|error| BadAnswer::Unparseable(error.to_string()))?;
    if answer.error.is_some_and(|error| error.get() != "null") {
        return Err(BadAnswer::Error(read_error(body)));
    }
    let (mut images, mut failed) = (Vec::new(), Vec::new());
    for (index, prediction) in (0..).zip(answer.predictions.0) {
        match made(prediction) {
            Ok(image) => images.push(image),
            Err(error) => failed.push(ItemFailure { index, error }),
        }
    }
    let told = u32::try_from(images.len().saturating_add(failed.len())).unwrap_or(u32::MAX);
    failed.extend((told..asked.n.get().min(MAX_IMAGES)).map(|index| ItemFailure { index, error: filtered("it was filtered") }));
    if images.is_empty() {
        return Err(failed.into_iter().next().map_or(BadAnswer::Empty, |item| BadAnswer::Error(item.error)));
    }
    let count = u32::try_from(images.len()).unwrap_or(u32::MAX);
    let usage = Usage::of_media(MediaUsage::Images { count, size: None::<Pixels>, quality: None });
    Ok(ImageAnswer { images, failed, created_at: None, background: None, output_format: None, quality: None, size: None, usage })
}

fn made(prediction: Prediction) -> Result<MadeImage, WireError> {
    let Some(text) = prediction.bytes_base64_encoded.0.filter(|text| !text.is_empty()) else {
        return Err(filtered(prediction.rai_filtered_reason.0.as_deref().unwrap_or("it was filtered")));
    };
    let unusable =
        || WireError { message: "an image that is no base64".to_owned(), kind: Some(UNUSABLE.to_owned()), ..WireError::default() };
    let file = MadeFile::Inline { media_type: prediction.mime_type.0, data: decode_file(&text).ok_or_else(unusable)? };
    Ok(MadeImage { file, revised_prompt: prediction.prompt.0, size: None })
}

fn filtered(reason: &str) -> WireError {
    WireError { message: reason.to_owned(), kind: Some(FILTERED.to_owned()), ..WireError::default() }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::volces::tests::{inline, picture};

    #[test]
    fn a_request_is_one_instance_with_parameters() {
        let asked = picture(|asked| {
            asked.n = NonZeroU32::new(2).unwrap();
            asked.size = "1792x1024".parse().ok();
            asked.seed = Some(9);
            asked.output_format = Some(ImageFormat::Jpeg);
            asked.output_compression = Some(80);
        });
        assert_eq!(
            String::from_utf8_lossy(&write(&asked).body),
            r#"{"instances":[{"prompt":"a \"cat\""}],"parameters":{"sampleCount":2,"aspectRatio":"16:9","sampleImageSize":"2K","seed":9,"addWatermark":false,"outputOptions":{"mimeType":"image/jpeg","compressionQuality":80},"includeRaiReason":true}}"#
        );
        let refused = |change: &dyn Fn(&mut ImageRequest)| fits(&picture(change)).unwrap_err().field;
        assert_eq!(refused(&|asked| asked.images = vec![inline("image/png")]), "image");
        assert_eq!(refused(&|asked| asked.n = NonZeroU32::new(5).unwrap()), "n");
    }

    #[test]
    fn what_was_filtered_is_missing_or_has_a_reason() {
        let asked = picture(|asked| asked.n = NonZeroU32::new(3).unwrap());
        let body = br#"{"predictions":[{"raiFilteredReason":"no"},{"bytesBase64Encoded":"aGk=","mimeType":"image/png","prompt":"a cat, better"}]}"#;
        let answer = read(body, &asked).unwrap();
        assert_eq!(answer.images.iter().map(|image| image.revised_prompt.as_deref()).collect::<Vec<_>>(), [Some("a cat, better")]);
        assert_eq!(answer.failed.iter().map(|item| item.index).collect::<Vec<_>>(), [0, 2]);
        assert_eq!(answer.usage.media, Some(MediaUsage::Images { count: 1, size: None, quality: None }));
        assert!(matches!(read(b"{}", &asked), Err(BadAnswer::Error(error)) if error.kind.as_deref() == Some(FILTERED)));
    }
}
