//! What is asked of a model that makes videos.

use std::num::NonZeroU32;
use std::sync::Arc;

use easyai_core::media::{Pixels, Resolution};

use super::file::{InputFile, MediaBody};

/// Where nothing better is known.
const FULL: Pixels = Pixels { width: side(1_280), height: side(720) };

const fn side(side: u32) -> NonZeroU32 {
    match NonZeroU32::new(side) {
        Some(side) => side,
        None => NonZeroU32::MIN,
    }
}

/// A request for a video, checked.
///
/// The reference images come under any of the usual names (`spec.md` section 4.1); which of them is which is told apart here.
#[derive(Debug)]
pub struct VideoRequest {
    /// The public model name.
    pub model: Arc<str>,
    /// What to show; not blank.
    pub prompt: String,
    /// Its length in seconds; none leaves it to the model.
    pub seconds: Option<NonZeroU32>,
    /// Its size.
    pub size: Option<Pixels>,
    /// Its resolution, where it was named instead of a size.
    pub resolution: Option<Resolution>,
    /// Its aspect ratio as the caller wrote it, such as `16:9`, where it was named instead of a size.
    pub aspect_ratio: Option<String>,
    /// Whether it shall have sound; none leaves it to the model.
    pub audio: Option<bool>,
    /// What not to show.
    pub negative_prompt: Option<String>,
    /// For the same video again, where a model keeps that promise.
    pub seed: Option<i64>,
    /// Whether a visible mark is wanted; nobody who says nothing wants one.
    pub watermark: Option<bool>,
    /// The picture it begins with.
    pub first_frame: Option<InputFile>,
    /// The picture it ends with.
    pub last_frame: Option<InputFile>,
    /// Pictures of what is in it.
    pub references: Vec<InputFile>,
    /// The upstream's own id of the video that is made anew (`/videos/{id}/remix`), with the name of the platform that has it.
    pub remix_of: Option<RemixOf>,
    /// As it came.
    pub body: MediaBody,
}

/// The video that a remix starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemixOf {
    /// The gateway's task that made it.
    pub task: easyai_core::id::TaskId,
    /// What its provider calls it.
    pub upstream_id: String,
}

impl VideoRequest {
    /// The size that is meant: as asked, else by resolution and aspect ratio, with 720p and 16:9 where nobody said. Sides are even.
    #[must_use]
    pub fn pixels(&self) -> Pixels {
        if let Some(size) = self.size {
            return size;
        }
        let lines = match self.resolution.unwrap_or(Resolution::P720) {
            Resolution::P480 => 480,
            Resolution::P720 => 720,
            Resolution::P1080 => 1_080,
            Resolution::K4 => 2_160,
        };
        let sides = self.aspect_ratio.as_deref().and_then(|ratio| ratio.split_once(':'));
        let sides = sides.and_then(|(width, height)| Some((width.parse::<u32>().ok()?, height.parse::<u32>().ok()?)));
        let (width, height) = sides.filter(|(width, height)| *width > 0 && *height > 0).unwrap_or((16, 9));
        let long = u64::from(lines) * u64::from(width.max(height)) / u64::from(width.min(height));
        let long = u32::try_from(long).unwrap_or(u32::MAX).min(4_096) & !1;
        let (width, height) = if width >= height { (long, lines) } else { (lines, long) };
        Pixels::new(width, height).unwrap_or(FULL)
    }

    /// Whether it starts from a picture, which makes it `image_to_video`.
    #[must_use]
    pub fn has_reference(&self) -> bool {
        self.first_frame.is_some() || self.last_frame.is_some() || !self.references.is_empty()
    }
}
