//! What Google's video models can make: lengths, resolutions, shapes, references.
//!
//! A name that is not known is given what was asked: Google refuses what it can't do. Source: `providers.md` section 6.7.

use easyai_core::media::Resolution;

/// A family of models.
#[derive(Debug)]
pub(super) struct Veo {
    /// What its models' names hold.
    name: &'static str,
    /// Lengths in seconds.
    pub(super) seconds: &'static [u32],
    pub(super) resolutions: &'static [Resolution],
    /// Whether a resolution can be named at all.
    pub(super) names_resolution: bool,
    /// Whether its videos have sound: always or never.
    pub(super) audio: bool,
    /// Whether it takes reference images.
    pub(super) references: bool,
}

/// Most reference images of a video. Source: Google's documentation of Veo 3.1.
pub(super) const MAX_REFERENCES: usize = 3;

/// What is needed for more than 720p, and for reference images; and what is made if nothing is said.
pub(super) const FULL_SECONDS: u32 = 8;

const THIRD: Veo = Veo {
    name: "veo-3.1",
    seconds: &[4, 6, 8],
    resolutions: &[Resolution::P720, Resolution::P1080, Resolution::K4],
    names_resolution: true,
    audio: true,
    references: true,
};

/// The first whose name fits.
const FAMILIES: &[Veo] = &[
    Veo { name: "veo-3.1-lite", references: false, resolutions: &[Resolution::P720, Resolution::P1080], ..THIRD },
    THIRD,
    Veo { name: "veo-3.0", seconds: &[8], references: false, resolutions: &[Resolution::P720, Resolution::P1080], ..THIRD },
    Veo {
        name: "veo-2.0",
        seconds: &[5, 6, 7, 8],
        resolutions: &[Resolution::P720],
        names_resolution: false,
        audio: false,
        references: false,
    },
];

/// The family of a model by its name on the platform; none if nobody knows it.
pub(super) fn family(model: &str) -> Option<&'static Veo> {
    FAMILIES.iter().find(|family| model.contains(family.name))
}
