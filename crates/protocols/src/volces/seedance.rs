//! What Ark's video models can make: lengths, resolutions, shapes, references.
//!
//! A name that is not known (an endpoint id `ep-…`, a model of tomorrow) is given what was asked: its platform refuses what it can't do.
//! Source: `providers.md` section 7.6.

use std::ops::RangeInclusive;

use easyai_core::media::{Pixels, Resolution};

use crate::media::ratio::Ratio;

/// The shapes that Ark knows by name.
pub(super) const RATIOS: [Ratio; 6] = [(16, 9), (4, 3), (1, 1), (3, 4), (9, 16), (21, 9)];

/// What Ark makes of nothing.
pub(super) const DEFAULT_SECONDS: u32 = 5;

/// All videos have so many frames a second, and one more.
const FRAMES_A_SECOND: u64 = 24;

/// A family of models.
#[derive(Debug)]
pub(super) struct Seedance {
    /// What its models' names hold.
    name: &'static str,
    pub(super) seconds: RangeInclusive<u32>,
    pub(super) resolutions: &'static [Resolution],
    /// What it makes if nothing is said.
    pub(super) default: Resolution,
    /// Whether it has sound, which it then makes unless told not to.
    pub(super) audio: bool,
    /// How many reference images it takes.
    pub(super) references: usize,
    /// Whether it starts from a picture.
    pub(super) frames: Frames,
    /// Whether it is one of the first, which have sizes of their own.
    first: bool,
}

/// What a model does with a first frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frames {
    /// It takes none.
    Refused,
    /// It takes one, and a ratio beside it.
    WithRatio,
    /// It takes one, whose ratio the video has.
    OwnRatio,
}

const UP_TO_720P: &[Resolution] = &[Resolution::P480, Resolution::P720];
const UP_TO_1080P: &[Resolution] = &[Resolution::P480, Resolution::P720, Resolution::P1080];
const UP_TO_4K: &[Resolution] = &[Resolution::P480, Resolution::P720, Resolution::P1080, Resolution::K4];

/// The first generation, but for what differs in it.
const FIRST: Seedance = Seedance {
    name: "seedance-1-0-pro",
    seconds: 2..=12,
    resolutions: UP_TO_1080P,
    default: Resolution::P1080,
    audio: false,
    references: 0,
    frames: Frames::WithRatio,
    first: true,
};

/// The second, likewise.
const SECOND: Seedance = Seedance {
    name: "seedance-2-0",
    seconds: 4..=15,
    resolutions: UP_TO_4K,
    default: Resolution::P720,
    audio: true,
    references: 9,
    frames: Frames::OwnRatio,
    first: false,
};

/// The first whose name fits.
const FAMILIES: &[Seedance] = &[
    Seedance { name: "seedance-1-0-lite-t2v", default: Resolution::P720, frames: Frames::Refused, ..FIRST },
    Seedance { name: "seedance-1-0-lite", default: Resolution::P720, references: 4, ..FIRST },
    FIRST,
    Seedance { name: "seedance-1-5-pro", seconds: 4..=12, resolutions: UP_TO_1080P, references: 0, ..SECOND },
    Seedance { name: "seedance-2-0-fast", resolutions: UP_TO_720P, ..SECOND },
    Seedance { name: "seedance-2-0-mini", resolutions: UP_TO_720P, ..SECOND },
    SECOND,
    Seedance { name: "seedance-2-5", seconds: 4..=30, references: 30, ..SECOND },
];

/// The family of a model by its name on the platform; none if nobody knows it.
pub(super) fn family(model: &str) -> Option<&'static Seedance> {
    let name = model.to_ascii_lowercase().replace('.', "-");
    FAMILIES.iter().find(|family| name.contains(family.name))
}

/// Whether a family's sizes are those of the first generation. Of an unknown one nobody can say; the newer ones are larger.
pub(super) fn is_first(family: Option<&Seedance>) -> bool {
    family.is_some_and(|family| family.first)
}

/// How large a video is. Upright shapes are the lying ones on their side; 4k is twice as large as 1080p on each side.
pub(super) fn pixels(resolution: Resolution, ratio: Ratio, first: bool) -> Option<Pixels> {
    let (width, height) = ratio;
    if width < height {
        let lying = pixels(resolution, (height, width), first)?;
        return Some(Pixels { width: lying.height, height: lying.width });
    }
    let (width, height) = match (resolution, ratio, first) {
        (Resolution::P480, (16, 9), false) => (864, 496),
        (Resolution::P480, (16, 9), true) => (864, 480),
        (Resolution::P480, (4, 3), false) => (752, 560),
        (Resolution::P480, (4, 3), true) => (736, 544),
        (Resolution::P480, (1, 1), _) => (640, 640),
        (Resolution::P480, (21, 9), false) => (992, 432),
        (Resolution::P480, (21, 9), true) => (960, 416),
        (Resolution::P720, (16, 9), false) => (1280, 720),
        (Resolution::P720, (16, 9), true) => (1248, 704),
        (Resolution::P720, (4, 3), false) => (1112, 834),
        (Resolution::P720, (4, 3), true) => (1120, 832),
        (Resolution::P720, (1, 1), _) => (960, 960),
        (Resolution::P720, (21, 9), false) => (1470, 630),
        (Resolution::P720, (21, 9), true) => (1504, 640),
        (Resolution::P1080, (16, 9), false) => (1920, 1080),
        (Resolution::P1080, (16, 9), true) => (1920, 1088),
        (Resolution::P1080, (4, 3), _) => (1664, 1248),
        (Resolution::P1080, (1, 1), _) => (1440, 1440),
        (Resolution::P1080, (21, 9), false) => (2206, 946),
        (Resolution::P1080, (21, 9), true) => (2176, 928),
        (Resolution::K4, ratio, first) => {
            let half = pixels(Resolution::P1080, ratio, first)?;
            (half.width.get() * 2, half.height.get() * 2)
        }
        (Resolution::P480 | Resolution::P720 | Resolution::P1080, _unknown, _) => return None,
    };
    Pixels::new(width, height)
}

/// What a video costs in tokens: its pixels in all frames, by 1,024.
pub(super) fn tokens(size: Pixels, seconds: u32) -> u64 {
    let frames = u64::from(seconds).saturating_mul(FRAMES_A_SECOND).saturating_add(1);
    size.area().saturating_mul(frames) / 1_024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_seconds_at_720p_cost_what_ark_says() {
        let size = pixels(Resolution::P720, (16, 9), false).unwrap();
        assert_eq!((size.to_string().as_str(), tokens(size, 5)), ("1280x720", 108_900));
    }

    #[test]
    fn sizes_turn_with_their_ratio() {
        for (resolution, ratio, first, expected) in [
            (Resolution::P720, (9, 16), false, "720x1280"),
            (Resolution::P720, (9, 16), true, "704x1248"),
            (Resolution::P480, (3, 4), false, "560x752"),
            (Resolution::P1080, (21, 9), true, "2176x928"),
            (Resolution::K4, (16, 9), false, "3840x2160"),
        ] {
            assert_eq!(pixels(resolution, ratio, first).unwrap().to_string(), expected, "{resolution:?} {ratio:?} {first}");
        }
        assert_eq!(pixels(Resolution::P720, (5, 4), false), None);
    }

    #[test]
    fn a_name_leads_to_its_family() {
        for (model, expected) in [
            ("doubao-seedance-1-0-pro-250528", Some("seedance-1-0-pro")),
            ("doubao-seedance-1-0-pro-fast-251015", Some("seedance-1-0-pro")),
            ("doubao-seedance-1-0-lite-t2v-250428", Some("seedance-1-0-lite-t2v")),
            ("doubao-seedance-1-0-lite-i2v-250428", Some("seedance-1-0-lite")),
            ("doubao-seedance-1-5-pro-251215", Some("seedance-1-5-pro")),
            ("doubao-seedance-2-0-260128", Some("seedance-2-0")),
            ("doubao-seedance-2-0-fast-260128", Some("seedance-2-0-fast")),
            ("Doubao-Seedance-2.5", Some("seedance-2-5")),
            ("ep-20260101-x", None),
        ] {
            assert_eq!(family(model).map(|family| family.name), expected, "{model}");
        }
    }
}
