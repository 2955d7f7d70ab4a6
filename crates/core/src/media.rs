//! Images, video and sound in the gateway's own terms: sizes, and what of them a task used beside tokens.
//!
//! These are the dimensions that providers bill by (`providers.md` section 14.1); prices name them, usage counts them.

use std::num::NonZeroU32;

/// The size of a picture: width and height in pixels, written `1024x1536`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pixels {
    /// From left to right.
    pub width: NonZeroU32,
    /// From top to bottom.
    pub height: NonZeroU32,
}

/// Text that is no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a size: write WIDTHxHEIGHT in pixels, such as 1024x1024")]
pub struct BadSize(pub String);

/// The longest side that is believed; no provider makes larger ones.
const MAX_SIDE: u32 = 32_768;

impl Pixels {
    /// A size, if both sides are from 1 to 32,768.
    #[must_use]
    pub fn new(width: u32, height: u32) -> Option<Self> {
        let side = |side: u32| NonZeroU32::new(side).filter(|side| side.get() <= MAX_SIDE);
        Some(Self { width: side(width)?, height: side(height)? })
    }

    /// All pixels of it.
    #[must_use]
    pub const fn area(self) -> u64 {
        self.width.get() as u64 * self.height.get() as u64
    }

    /// The longer side.
    #[must_use]
    pub fn long_side(self) -> u32 {
        self.width.max(self.height).get()
    }

    /// The shorter side, by which resolutions are named.
    #[must_use]
    pub fn short_side(self) -> u32 {
        self.width.min(self.height).get()
    }
}

impl std::fmt::Display for Pixels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl std::str::FromStr for Pixels {
    type Err = BadSize;

    fn from_str(text: &str) -> Result<Self, BadSize> {
        let sides = text.trim().split_once(['x', 'X', '*', '×']);
        let size = sides.and_then(|(width, height)| Self::new(width.parse().ok()?, height.parse().ok()?));
        size.ok_or_else(|| BadSize(text.to_owned()))
    }
}

impl serde::Serialize for Pixels {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Pixels {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <std::borrow::Cow<'de, str>>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

crate::words! {
    /// How carefully an image is made. Source: OpenAI API reference, `quality` of images.
    pub enum ImageQuality as "image quality" {
        /// Quick and cheap.
        Low = "low",
        /// In between.
        Medium = "medium",
        /// Slow and dear.
        High = "high",
        /// As the older models call their usual one.
        Standard = "standard",
        /// As the older models call their better one.
        Hd = "hd",
    }
}

crate::words! {
    /// The size of a video, by what its shorter side is called.
    pub enum Resolution as "resolution" {
        /// 480 lines.
        P480 = "480p",
        /// 720 lines.
        P720 = "720p",
        /// 1,080 lines.
        P1080 = "1080p",
        /// 2,160 lines.
        K4 = "4k",
    }
}

impl Resolution {
    /// The resolution of a size, by its shorter side (`providers.md` section 7.6: from 1,000 on 1080p, from 700 on 720p).
    #[must_use]
    pub fn of(size: Pixels) -> Self {
        match size.short_side() {
            0..700 => Self::P480,
            700..1_000 => Self::P720,
            1_000..2_000 => Self::P1080,
            2_000.. => Self::K4,
        }
    }
}

/// What a task used or made beside tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "unit", rename_all = "snake_case")]
pub enum MediaUsage {
    /// Images that were made.
    Images {
        /// How many came; failed ones are not billed.
        count: u32,
        /// Their size, if known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size: Option<Pixels>,
        /// Their quality, if it was chosen or told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quality: Option<ImageQuality>,
    },
    /// A video that was made. Its tokens, where the provider counts any, are the usage's output tokens.
    Video {
        /// Its length.
        millis: u64,
        /// Its resolution, if known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resolution: Option<Resolution>,
        /// Whether it has sound.
        audio: bool,
        /// Whether it was made from another video.
        video_input: bool,
    },
    /// Text that was spoken.
    Speech {
        /// Its characters (Unicode scalar values).
        characters: u64,
    },
    /// Sound that was heard.
    Audio {
        /// Its length.
        millis: u64,
    },
}

impl MediaUsage {
    /// Whether it is used as soon as the work begins, however much of the answer comes: text to be spoken, sound to be heard.
    #[must_use]
    pub const fn is_of_the_request(self) -> bool {
        match self {
            Self::Speech { .. } | Self::Audio { .. } => true,
            Self::Images { .. } | Self::Video { .. } => false,
        }
    }

    /// So much of what was `asked`: in its size, quality and so on, where that is the same sort of thing.
    #[must_use]
    pub const fn as_asked(self, asked: Self) -> Self {
        match (self, asked) {
            (Self::Images { count, .. }, Self::Images { size, quality, .. }) => Self::Images { count, size, quality },
            (Self::Video { millis, .. }, Self::Video { resolution, audio, video_input, .. }) => {
                Self::Video { millis, resolution, audio, video_input }
            }
            (Self::Images { .. } | Self::Video { .. } | Self::Speech { .. } | Self::Audio { .. }, _) => self,
        }
    }
}

/// Seconds as a person writes them, such as `4.5`.
#[must_use]
pub fn seconds(millis: u64) -> rust_decimal::Decimal {
    rust_decimal::Decimal::from_i128_with_scale(i128::from(millis), 3).normalize()
}

impl std::fmt::Display for MediaUsage {
    /// For a person: `3 images of 1024x1024 in high quality`, `8 s of 720p video with sound`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Images { count, size, quality } => {
                write!(f, "{count} {}", if *count == 1 { "image" } else { "images" })?;
                size.iter().try_for_each(|size| write!(f, " of {size}"))?;
                quality.iter().try_for_each(|quality| write!(f, " in {quality} quality"))
            }
            Self::Video { millis, resolution, audio, video_input } => {
                write!(f, "{} s of ", seconds(*millis))?;
                resolution.iter().try_for_each(|resolution| write!(f, "{resolution} "))?;
                write!(f, "video {} sound", if *audio { "with" } else { "without" })?;
                f.write_str(if *video_input { ", made from a video" } else { "" })
            }
            Self::Speech { characters } => write!(f, "{characters} characters of speech"),
            Self::Audio { millis } => write!(f, "{} s of sound", seconds(*millis)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_told_to_a_person() {
        let size = Pixels::new(1024, 1536);
        for (usage, expected) in [
            (MediaUsage::Images { count: 1, size: None, quality: None }, "1 image"),
            (MediaUsage::Images { count: 3, size, quality: Some(ImageQuality::High) }, "3 images of 1024x1536 in high quality"),
            (
                MediaUsage::Video { millis: 4_500, resolution: Some(Resolution::P720), audio: true, video_input: false },
                "4.5 s of 720p video with sound",
            ),
            (
                MediaUsage::Video { millis: 8_000, resolution: None, audio: false, video_input: true },
                "8 s of video without sound, made from a video",
            ),
            (MediaUsage::Speech { characters: 12 }, "12 characters of speech"),
            (MediaUsage::Audio { millis: 61_250 }, "61.25 s of sound"),
        ] {
            assert_eq!(usage.to_string(), expected);
        }
    }

    #[test]
    fn a_size_reads_back_what_it_shows() {
        for text in ["1024x1024", "1536X1024", " 1280*720 "] {
            let size: Pixels = text.parse().unwrap();
            assert_eq!(size.to_string().parse(), Ok(size));
        }
        for bad in ["", "auto", "1024", "0x5", "1024x", "x", "-1x5", "99999x5", "10.5x4"] {
            assert_eq!(bad.parse::<Pixels>(), Err(BadSize(bad.to_owned())));
        }
    }

    #[test]
    fn a_resolution_is_named_by_the_shorter_side() {
        for (size, expected) in [
            ("864x496", "480p"),
            ("1280x720", "720p"),
            ("720x1280", "720p"),
            ("1920x1080", "1080p"),
            ("1024x1792", "1080p"),
            ("3840x2160", "4k"),
        ] {
            assert_eq!(Resolution::of(size.parse().unwrap()).as_str(), expected, "{size}");
        }
    }

    #[test]
    fn usage_reads_back_what_it_shows() {
        let size = Pixels::new(1024, 1536);
        for usage in [
            MediaUsage::Images { count: 3, size, quality: Some(ImageQuality::High) },
            MediaUsage::Video { millis: 5_000, resolution: Some(Resolution::P720), audio: true, video_input: false },
            MediaUsage::Speech { characters: 12 },
            MediaUsage::Audio { millis: 900 },
        ] {
            let json = serde_json::to_string(&usage).unwrap();
            assert_eq!(serde_json::from_str::<MediaUsage>(&json).unwrap(), usage, "{json}");
        }
    }
}
