//! What Gemini's image models can make: shapes, sizes, and what an image costs.
//!
//! A name that is not known is given what was asked: Google refuses what it can't do. Source: `providers.md` section 6.5.

use easyai_core::media::Pixels;

use crate::media::ratio::{Ratio, nearest};

/// A family of models.
#[derive(Debug)]
pub(super) struct ImageFamily {
    /// What its models' names hold.
    name: &'static str,
    ratios: &'static [Ratio],
    /// What `imageSize` may be, in order; none where there is no such field.
    sizes: &'static [ImageSize],
    /// The sides at 1K.
    pixels: fn(Ratio) -> Option<(u32, u32)>,
}

/// `imageSize`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub(super) enum ImageSize {
    #[serde(rename = "512")]
    Small,
    #[serde(rename = "1K")]
    K1,
    #[serde(rename = "2K")]
    K2,
    #[serde(rename = "4K")]
    K4,
}

/// What is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) ratio: Ratio,
    /// None: as the model's only size.
    pub(super) size: Option<ImageSize>,
    /// What comes of it, if known.
    pub(super) pixels: Option<Pixels>,
}

const RATIOS: &[Ratio] = &[(1, 1), (2, 3), (3, 2), (3, 4), (4, 3), (4, 5), (5, 4), (9, 16), (16, 9), (21, 9)];

const MORE_RATIOS: &[Ratio] =
    &[(1, 1), (2, 3), (3, 2), (3, 4), (4, 3), (4, 5), (5, 4), (9, 16), (16, 9), (21, 9), (1, 4), (4, 1), (1, 8), (8, 1)];

const FAMILIES: &[ImageFamily] = &[
    ImageFamily { name: "2.5-flash-image", ratios: RATIOS, sizes: &[], pixels: second },
    ImageFamily { name: "3-pro-image", ratios: RATIOS, sizes: &[ImageSize::K1, ImageSize::K2, ImageSize::K4], pixels: third },
    ImageFamily {
        name: "3.1-flash-image",
        ratios: MORE_RATIOS,
        sizes: &[ImageSize::Small, ImageSize::K1, ImageSize::K2, ImageSize::K4],
        pixels: third,
    },
];

/// What is not known is taken for a model of the third generation.
const UNKNOWN: ImageFamily = ImageFamily { name: "", ratios: RATIOS, sizes: &[ImageSize::K1, ImageSize::K2, ImageSize::K4], pixels: third };

/// The family of a model by its name on the platform.
pub(super) fn family(model: &str) -> &'static ImageFamily {
    FAMILIES.iter().find(|family| model.contains(family.name)).unwrap_or(&UNKNOWN)
}

impl ImageFamily {
    /// Whether anybody knows it.
    pub(super) const fn is_known(&self) -> bool {
        !self.name.is_empty()
    }

    /// The nearest to a size.
    pub(super) fn shape(&self, asked: Pixels) -> Shape {
        let ratio = nearest(asked, self.ratios);
        let wanted = ImageSize::of(asked);
        let size = self.sizes.contains(&wanted).then_some(wanted).or_else(|| self.sizes.first().copied());
        let scale = size.unwrap_or(ImageSize::K1);
        let pixels = (self.pixels)(ratio).and_then(|(width, height)| Pixels::new(scale.scaled(width), scale.scaled(height)));
        Shape { ratio, size, pixels }
    }

    /// Tokens of one image. What is not known is counted as the dearest of its size.
    pub(super) fn tokens(&self, size: Option<ImageSize>) -> u64 {
        match (self.name, size.unwrap_or(ImageSize::K1)) {
            ("2.5-flash-image", _) => 1_290,
            ("3-pro-image", ImageSize::K4) => 2_000,
            ("3-pro-image", _) => 1_120,
            (_, ImageSize::Small) => 747,
            ("3.1-flash-image", ImageSize::K1) => 1_120,
            (_, ImageSize::K1) => 1_290,
            (_, ImageSize::K2) => 1_680,
            (_, ImageSize::K4) => 2_520,
        }
    }
}

impl ImageSize {
    /// By the longer side.
    fn of(size: Pixels) -> Self {
        match size.long_side() {
            0..=768 => Self::Small,
            769..=1_600 => Self::K1,
            1_601..=3_200 => Self::K2,
            3_201.. => Self::K4,
        }
    }

    const fn scaled(self, side: u32) -> u32 {
        match self {
            Self::Small => side / 2,
            Self::K1 => side,
            Self::K2 => side * 2,
            Self::K4 => side * 4,
        }
    }
}

/// The sides of an image of the second generation.
const fn second(ratio: Ratio) -> Option<(u32, u32)> {
    match ratio {
        (1, 1) => Some((1024, 1024)),
        (2, 3) => Some((832, 1248)),
        (3, 2) => Some((1248, 832)),
        (3, 4) => Some((864, 1184)),
        (4, 3) => Some((1184, 864)),
        (4, 5) => Some((896, 1152)),
        (5, 4) => Some((1152, 896)),
        (9, 16) => Some((768, 1344)),
        (16, 9) => Some((1344, 768)),
        (21, 9) => Some((1536, 672)),
        _other => None,
    }
}

/// The sides of an image of the third generation at 1K.
const fn third(ratio: Ratio) -> Option<(u32, u32)> {
    match ratio {
        (1, 1) => Some((1024, 1024)),
        (2, 3) => Some((848, 1264)),
        (3, 2) => Some((1264, 848)),
        (3, 4) => Some((896, 1200)),
        (4, 3) => Some((1200, 896)),
        (4, 5) => Some((928, 1152)),
        (5, 4) => Some((1152, 928)),
        (9, 16) => Some((768, 1376)),
        (16, 9) => Some((1376, 768)),
        (21, 9) => Some((1584, 672)),
        _other => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::ratio::name;

    #[test]
    fn a_size_becomes_a_ratio_and_a_size_of_the_family() {
        for (model, asked, ratio, size, made) in [
            ("gemini-2.5-flash-image", "1024x1024", "1:1", None, "1024x1024"),
            ("gemini-2.5-flash-image", "4096x4096", "1:1", None, "1024x1024"),
            ("gemini-2.5-flash-image", "1536x1024", "3:2", None, "1248x832"),
            ("gemini-3-pro-image-preview", "512x512", "1:1", Some(ImageSize::K1), "1024x1024"),
            ("gemini-3-pro-image-preview", "1024x1792", "9:16", Some(ImageSize::K2), "1536x2752"),
            ("gemini-3-pro-image-preview", "3840x2160", "16:9", Some(ImageSize::K4), "5504x3072"),
            ("gemini-3.1-flash-image-preview", "512x512", "1:1", Some(ImageSize::Small), "512x512"),
            ("gemini-3.1-flash-image-preview", "1600x200", "8:1", Some(ImageSize::K1), ""),
            ("gemini-9-image", "1600x1600", "1:1", Some(ImageSize::K1), "1024x1024"),
            ("gemini-9-image", "1601x1601", "1:1", Some(ImageSize::K2), "2048x2048"),
            ("gemini-9-image", "3200x3200", "1:1", Some(ImageSize::K2), "2048x2048"),
        ] {
            let shape = family(model).shape(asked.parse().unwrap());
            let made_of = shape.pixels.map(|pixels| pixels.to_string()).unwrap_or_default();
            assert_eq!((name(shape.ratio).as_str(), shape.size, made_of.as_str()), (ratio, size, made), "{model} {asked}");
        }
    }

    #[test]
    fn an_image_has_a_fixed_price_in_tokens() {
        for (model, size, tokens) in [
            ("gemini-2.5-flash-image", None, 1_290),
            ("gemini-3-pro-image", Some(ImageSize::K2), 1_120),
            ("gemini-3-pro-image", Some(ImageSize::K4), 2_000),
            ("gemini-3.1-flash-image", Some(ImageSize::Small), 747),
            ("gemini-3.1-flash-image", Some(ImageSize::K4), 2_520),
            ("x", None, 1_290),
        ] {
            assert_eq!(family(model).tokens(size), tokens, "{model} {size:?}");
        }
    }
}
