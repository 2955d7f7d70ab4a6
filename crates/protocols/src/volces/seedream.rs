//! What Ark's image models can make: sizes, inputs, groups.
//!
//! A name that is not known (an endpoint id `ep-…`, a model of tomorrow) is given what was asked: its platform refuses what it can't do.
//! Source: `providers.md` section 7.5.

use std::ops::RangeInclusive;

use easyai_core::media::Pixels;

use crate::media::ratio::{Ratio, nearest};

/// Most images, those that go in and those that come out together, of one call for a group.
pub(super) const MAX_OF_A_GROUP: usize = 15;

/// Neither side may be longer than this many times the other.
const MAX_ASPECT: u32 = 16;

/// A family of models.
#[derive(Debug)]
pub(super) struct Seedream {
    /// What its models' names hold.
    name: &'static str,
    tiers: &'static [Tier],
    /// How many pixels an image may have.
    pixels: RangeInclusive<u64>,
    /// How many images it takes.
    pub(super) inputs: usize,
    /// Whether one call makes several.
    pub(super) groups: bool,
    /// Whether the file format can be chosen.
    pub(super) formats: bool,
    /// Whether it leaves the background away.
    pub(super) transparent: bool,
}

/// What a size is rounded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tier {
    K1,
    K2,
    K3,
    K4,
}

/// The first whose name fits.
const FAMILIES: &[Seedream] = &[
    Seedream {
        name: "seedream-5-0-pro",
        tiers: &[Tier::K1, Tier::K2],
        pixels: 921_600..=4_624_220,
        inputs: 10,
        groups: false,
        formats: true,
        transparent: true,
    },
    Seedream {
        name: "seedream-5-0",
        tiers: &[Tier::K2, Tier::K3],
        pixels: 3_686_400..=10_404_496,
        inputs: 14,
        groups: true,
        formats: true,
        transparent: false,
    },
    Seedream {
        name: "seedream-4-5",
        tiers: &[Tier::K2, Tier::K4],
        pixels: 3_686_400..=16_777_216,
        inputs: 14,
        groups: true,
        formats: false,
        transparent: false,
    },
    Seedream {
        name: "seedream-4-0",
        tiers: &[Tier::K1, Tier::K2, Tier::K4],
        pixels: 921_600..=16_777_216,
        inputs: 14,
        groups: true,
        formats: false,
        transparent: false,
    },
];

const RATIOS: [Ratio; 8] = [(1, 1), (4, 3), (3, 4), (16, 9), (9, 16), (3, 2), (2, 3), (21, 9)];

/// The family of a model by its name on the platform; none if nobody knows it.
pub(super) fn family(model: &str) -> Option<&'static Seedream> {
    let name = model.to_ascii_lowercase().replace('.', "-");
    FAMILIES.iter().find(|family| name.contains(family.name))
}

/// Whether any model makes such a shape.
pub(super) const fn is_too_long(size: Pixels) -> bool {
    let (width, height) = (size.width.get(), size.height.get());
    width > height.saturating_mul(MAX_ASPECT) || height > width.saturating_mul(MAX_ASPECT)
}

impl Seedream {
    /// The size that is made where `asked` was asked for: itself if it lies in the window of pixels, else the nearest shape of the tables
    /// in the smallest tier that the window holds, or in the largest if too much was asked.
    pub(super) fn size(&self, asked: Pixels) -> Pixels {
        if self.pixels.contains(&asked.area()) {
            return asked;
        }
        let ratio = nearest(asked, &RATIOS);
        let mut fitting = self.tiers.iter().filter_map(|tier| tier.size(ratio)).filter(|size| self.pixels.contains(&size.area()));
        let found = if asked.area() < *self.pixels.start() { fitting.next() } else { fitting.next_back() };
        found.unwrap_or(asked)
    }
}

impl Tier {
    /// Its entry for a ratio. Only 2K and 4K have tables; the sides of 1K are half of 2K's, those of 3K half as much again.
    fn size(self, ratio: Ratio) -> Option<Pixels> {
        let (width, height) = match self {
            Self::K1 => halves(2, ratio, 1)?,
            Self::K2 => halves(2, ratio, 2)?,
            Self::K3 => halves(2, ratio, 3)?,
            Self::K4 => halves(4, ratio, 2)?,
        };
        Pixels::new(width, height)
    }
}

/// The entry of the table for 2K or 4K, in halves of it.
fn halves(table: u8, ratio: Ratio, halves: u32) -> Option<(u32, u32)> {
    let (width, height) = match (table, ratio) {
        (2, (1, 1)) => (2048, 2048),
        (2, (4, 3)) => (2304, 1728),
        (2, (3, 4)) => (1728, 2304),
        (2, (16, 9)) => (2848, 1600),
        (2, (9, 16)) => (1600, 2848),
        (2, (3, 2)) => (2496, 1664),
        (2, (2, 3)) => (1664, 2496),
        (2, (21, 9)) => (3136, 1344),
        (4, (1, 1)) => (4096, 4096),
        (4, (4, 3)) => (4704, 3520),
        (4, (3, 4)) => (3520, 4704),
        (4, (16, 9)) => (5504, 3040),
        (4, (9, 16)) => (3040, 5504),
        (4, (3, 2)) => (4992, 3328),
        (4, (2, 3)) => (3328, 4992),
        (4, (21, 9)) => (6240, 2656),
        _other => return None,
    };
    Some((width / 2 * halves, height / 2 * halves))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(model: &str, asked: &str, expected: &str) {
        let size = family(model).unwrap().size(asked.parse().unwrap());
        assert_eq!(size.to_string(), expected, "{model} {asked}");
        assert!(family(model).unwrap().pixels.contains(&size.area()), "{model} {asked} {size}");
    }

    #[test]
    fn a_size_outside_the_window_becomes_the_nearest_entry() {
        // Inside: as it was asked.
        check("doubao-seedream-4-0-250828", "1024x1024", "1024x1024");
        check("doubao-seedream-4-5-251128", "2048x2048", "2048x2048");
        check("doubao-seedream-5-0-pro-260628", "1536x1024", "1536x1024");
        // 1024x1024 is below the least of these.
        check("doubao-seedream-4-5-251128", "1024x1024", "2048x2048");
        check("doubao-seedream-5-0-lite-260128", "1024x1024", "2048x2048");
        check("doubao-seedream-4-5-251128", "1024x1792", "1600x2848");
        check("doubao-seedream-4-5-251128", "1536x1024", "2496x1664");
        check("doubao-seedream-4.5", "1792x768", "3136x1344");
        check("doubao-seedream-4-0-250828", "512x512", "1024x1024");
        check("doubao-seedream-4-0-250828", "640x480", "1152x864");
        // And this above the most.
        check("doubao-seedream-5-0-pro-260628", "4096x4096", "2048x2048");
        check("doubao-seedream-5-0-lite-260128", "3840x2880", "3456x2592");
        check("doubao-seedream-4-5-251128", "6000x3400", "5504x3040");
    }

    #[test]
    fn every_entry_of_every_tier_lies_in_its_family_s_window() {
        for family in FAMILIES {
            for (tier, ratio) in family.tiers.iter().flat_map(|tier| RATIOS.iter().map(move |ratio| (tier, *ratio))) {
                let size = tier.size(ratio).unwrap();
                assert!(family.pixels.contains(&size.area()), "{} {tier:?} {size}", family.name);
            }
        }
    }

    #[test]
    fn unknown_names_have_no_family_and_no_shape_is_endless() {
        assert!(family("ep-20250101-abcde").is_none() && family("doubao-seedream-3-0-t2i").is_none());
        assert!(is_too_long("1700x100".parse().unwrap()) && is_too_long("100x1700".parse().unwrap()));
        assert!(!is_too_long("1600x100".parse().unwrap()));
    }
}
