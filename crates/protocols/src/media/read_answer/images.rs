//! Images as OpenAI and compatible upstreams answer them (`providers.md` section 4.3).

use std::borrow::Cow;

use easyai_core::media::{MediaUsage, Pixels};
use easyai_core::usage::{Usage, UsageSource};
use serde::Deserialize;

use super::no_answer;
use crate::encoded::decode_file;
use crate::media::usage::WireUsage;
use crate::media::{ImageAnswer, ImageRequest, ItemFailure, MadeFile, MadeImage, size, sniff};
use crate::openai::lenient::{Count, Object, Objects, Present, Word};
use crate::wire::BadAnswer;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Whole<'a> {
    created: Count,
    #[serde(borrow)]
    data: Objects<Item<'a>>,
    /// As some compatible upstreams call it, a few beside `data`.
    #[serde(borrow)]
    images: Objects<Item<'a>>,
    background: Word,
    output_format: Word,
    quality: Word,
    size: Word,
    usage: Object<WireUsage>,
    error: Present,
    detail: Present,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Item<'a> {
    #[serde(borrow)]
    b64_json: Option<Cow<'a, str>>,
    #[serde(borrow)]
    url: Option<Cow<'a, str>>,
    revised_prompt: Word,
    size: Word,
    error: Object<ItemError>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ItemError {
    code: Word,
    message: Word,
}

/// Reads images. Without any it is a failure; of several, those count that came.
///
/// # Errors
/// [`BadAnswer`] if there is none in it.
pub fn read_images(body: &[u8], request: &ImageRequest) -> Result<ImageAnswer, BadAnswer> {
    let whole: Whole<'_> = serde_json::from_slice(body).map_err(|error| BadAnswer::Unparseable(error.to_string()))?;
    let items = if whole.data.0.is_empty() { whole.images.0 } else { whole.data.0 };
    let (mut images, mut failed) = (Vec::new(), Vec::new());
    for (index, item) in (0..).zip(items) {
        match item.made() {
            Some(image) => images.push(image),
            None => failed.push(item.failure(index)),
        }
    }
    if images.is_empty() {
        return Err(match failed.into_iter().next() {
            Some(ItemFailure { error, .. }) if !error.message.is_empty() => BadAnswer::Error(error),
            Some(_) | None => no_answer(body, whole.error.0 || whole.detail.0),
        });
    }
    let size = whole.size.0.as_deref().and_then(|size| size.parse().ok()).or_else(|| images.first().and_then(|image| image.size));
    let quality = whole.quality.0.as_deref().and_then(|quality| quality.parse().ok()).or(request.quality);
    let count = u32::try_from(images.len()).unwrap_or(u32::MAX);
    let media = Some(MediaUsage::Images { count, size: size.or(request.size), quality });
    let usage = whole.usage.0.as_ref().and_then(WireUsage::tokens);
    let usage = usage.unwrap_or(Usage { source: UsageSource::Upstream, ..Usage::counted(0, 0) });
    Ok(ImageAnswer {
        images,
        failed,
        created_at: i64::try_from(whole.created.0).ok().filter(|created| *created > 0),
        background: whole.background.0,
        output_format: whole.output_format.0,
        quality: whole.quality.0,
        size: whole.size.0,
        usage: Usage { media, ..usage },
    })
}

impl Item<'_> {
    fn made(&self) -> Option<MadeImage> {
        let inline = self.b64_json.as_deref().filter(|text| !text.is_empty()).and_then(inline);
        let file = inline.or_else(|| self.url.as_deref().filter(|url| !url.is_empty()).and_then(at_url))?;
        let told = self.size.0.as_deref().and_then(|size| size.parse::<Pixels>().ok());
        let seen = match &file {
            MadeFile::Inline { data, .. } => size(data),
            MadeFile::Url { .. } => None,
        };
        Some(MadeImage { file, revised_prompt: self.revised_prompt.0.clone(), size: seen.or(told) })
    }

    fn failure(&self, index: u32) -> ItemFailure {
        let error = match &self.error.0 {
            Some(ItemError { code, message }) => crate::openai::error::WireError {
                message: message.0.clone().or_else(|| code.0.clone()).unwrap_or_default(),
                code: code.0.clone(),
                ..Default::default()
            },
            None => crate::openai::error::WireError::default(),
        };
        ItemFailure { index, error }
    }
}

/// Base64, which some send as a data URL.
fn inline(text: &str) -> Option<MadeFile> {
    let data = decode_file(text)?;
    Some(MadeFile::Inline { media_type: sniff(&data).map(str::to_owned), data })
}

fn at_url(url: &str) -> Option<MadeFile> {
    if url.starts_with("data:") { inline(url) } else { Some(MadeFile::Url { url: url.to_owned() }) }
}
