//! Several calls for images, as one answer.

use easyai_core::media::MediaUsage;
use easyai_core::usage::{Usage, UsageSource};

use super::answer::{ImageAnswer, ItemFailure};
use crate::openai::error::WireError;

/// Puts together what several calls gave, in their order. None if no image came at all.
///
/// What was used is added up: only answers count, since a call that failed is not billed.
#[must_use]
pub fn gather(parts: Vec<Result<ImageAnswer, WireError>>) -> Option<ImageAnswer> {
    let mut whole: Option<ImageAnswer> = None;
    let (mut images, mut failed, mut position) = (Vec::new(), Vec::new(), 0_u32);
    for part in parts {
        match part {
            Ok(mut answer) => {
                let items = answer.images.len().saturating_add(answer.failed.len());
                images.append(&mut answer.images);
                failed.extend(answer.failed.drain(..).map(|item| ItemFailure { index: position.saturating_add(item.index), ..item }));
                position = position.saturating_add(u32::try_from(items).unwrap_or(u32::MAX));
                whole = Some(match whole {
                    Some(first) => ImageAnswer { usage: sum(first.usage, answer.usage), ..first },
                    None => answer,
                });
            }
            Err(error) => {
                failed.push(ItemFailure { index: position, error });
                position = position.saturating_add(1);
            }
        }
    }
    whole.filter(|_| !images.is_empty()).map(|whole| ImageAnswer { images, failed, ..whole })
}

fn sum(first: Usage, more: Usage) -> Usage {
    let counted = [first, more].iter().any(|usage| usage.source == UsageSource::Counted);
    Usage {
        input_tokens: first.input_tokens.saturating_add(more.input_tokens),
        cached_input_tokens: first.cached_input_tokens.saturating_add(more.cached_input_tokens),
        cache_write_tokens: first.cache_write_tokens.saturating_add(more.cache_write_tokens),
        output_tokens: first.output_tokens.saturating_add(more.output_tokens),
        reasoning_tokens: first.reasoning_tokens.saturating_add(more.reasoning_tokens),
        media: both(first.media, more.media),
        source: if counted { UsageSource::Counted } else { UsageSource::Upstream },
    }
}

/// Images add up; nothing else comes from several calls.
const fn both(first: Option<MediaUsage>, more: Option<MediaUsage>) -> Option<MediaUsage> {
    match (first, more) {
        (Some(MediaUsage::Images { count, size, quality }), Some(MediaUsage::Images { count: others, .. })) => {
            Some(MediaUsage::Images { count: count.saturating_add(others), size, quality })
        }
        (Some(media), _) | (None, Some(media)) => Some(media),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{MadeFile, MadeImage};

    fn made(urls: &[&str], failed: &[u32]) -> Result<ImageAnswer, WireError> {
        let file = |url: &&str| MadeFile::Url { url: (*url).to_owned() };
        let images: Vec<_> = urls.iter().map(|url| MadeImage { file: file(url), revised_prompt: None, size: None }).collect();
        let count = u32::try_from(images.len()).unwrap();
        Ok(ImageAnswer {
            images,
            failed: failed.iter().map(|index| ItemFailure { index: *index, error: WireError::default() }).collect(),
            created_at: None,
            background: None,
            output_format: None,
            quality: None,
            size: None,
            usage: Usage {
                source: UsageSource::Upstream,
                media: Some(MediaUsage::Images { count, size: None, quality: None }),
                ..Usage::counted(3, 5)
            },
        })
    }

    #[test]
    fn images_keep_their_order_failures_their_place_and_usage_adds_up() {
        let whole = gather(vec![made(&["a"], &[]), Err(WireError::default()), made(&["b"], &[1]), made(&["c"], &[])]).unwrap();
        let urls: Vec<_> = whole.images.iter().map(|image| &image.file).collect();
        assert!(format!("{urls:?}").contains("\"a\"") && urls.len() == 3, "{urls:?}");
        assert_eq!(whole.failed.iter().map(|item| item.index).collect::<Vec<_>>(), [1, 3]);
        assert_eq!((whole.usage.input_tokens, whole.usage.output_tokens, whole.usage.source), (9, 15, UsageSource::Upstream));
        assert_eq!(whole.usage.media, Some(MediaUsage::Images { count: 3, size: None, quality: None }));
    }

    #[test]
    fn nothing_is_no_answer() {
        assert_eq!(gather(vec![Err(WireError::default())]), None);
        assert_eq!(gather(Vec::new()), None);
    }
}
