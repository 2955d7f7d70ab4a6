//! One price for all cases, or a table of them: the first entry whose conditions hold counts, and one without conditions is for all.
//! Where no entry is for what was used, there is no price: never zero.

use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::media::{ImageQuality, Pixels, Resolution};
use crate::money::Money;

/// Entries of a table at most: more is a mistake, since there are fewer cases.
pub(super) const MAX_RATES: usize = 200;

/// A price, or one for each case. In JSON a decimal string, or a list of entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Rates<R> {
    /// The same for all.
    One(Money),
    /// By case. Never empty.
    Table(Vec<R>),
}

/// The price of images of one case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageRate {
    /// Only for images of this size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Pixels>,
    /// Only for images of this quality.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<ImageQuality>,
    /// For each image.
    pub price: Money,
}

/// The price of video of one case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VideoRate {
    /// Only for video of this resolution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// Only for video with sound, or only for video without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<bool>,
    /// Only for video that was made from another, or only for video that was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video_input: Option<bool>,
    /// For each unit.
    pub price: Money,
}

impl<R> Rates<R> {
    /// The price of the first entry that `of` finds one in.
    pub(crate) fn find(&self, of: impl Fn(&R) -> Option<Money>) -> Option<Money> {
        match self {
            Self::One(price) => Some(*price),
            Self::Table(rates) => rates.iter().find_map(of),
        }
    }
}

/// An entry of a table.
pub(super) trait Rate {
    fn price(&self) -> Money;

    /// Whether all that `other` is for is this one's already.
    fn covers(&self, other: &Self) -> bool;
}

impl Rate for ImageRate {
    fn price(&self) -> Money {
        self.price
    }

    fn covers(&self, other: &Self) -> bool {
        wider(self.size, other.size) && wider(self.quality, other.quality)
    }
}

impl Rate for VideoRate {
    fn price(&self) -> Money {
        self.price
    }

    fn covers(&self, other: &Self) -> bool {
        let of_input = wider(self.video_input, other.video_input);
        wider(self.resolution, other.resolution) && wider(self.audio, other.audio) && of_input
    }
}

/// Whether a condition holds wherever `other` does.
fn wider<T: PartialEq>(condition: Option<T>, other: Option<T>) -> bool {
    condition.is_none() || condition == other
}

impl ImageRate {
    /// The price, if it is for such an image. Of what nobody knows, no condition holds.
    pub(crate) fn of(&self, size: Option<Pixels>, quality: Option<ImageQuality>) -> Option<Money> {
        (wider(self.size, size) && wider(self.quality, quality)).then_some(self.price)
    }
}

impl VideoRate {
    /// The price, if it is for such a video.
    pub(crate) fn of(&self, resolution: Option<Resolution>, audio: bool, video_input: bool) -> Option<Money> {
        let fits = wider(self.resolution, resolution) && wider(self.audio, Some(audio)) && wider(self.video_input, Some(video_input));
        fits.then_some(self.price)
    }

    /// The price, if it is for anything: what is no video has nothing that a condition could be about.
    pub(crate) fn of_all(&self) -> Option<Money> {
        (self.resolution.is_none() && self.audio.is_none() && self.video_input.is_none()).then_some(self.price)
    }
}

/// By hand, since what serde says of untagged enums names neither the field nor the mistake.
impl<'de, R: Deserialize<'de>> Deserialize<'de> for Rates<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RatesVisitor(std::marker::PhantomData))
    }
}

struct RatesVisitor<R>(std::marker::PhantomData<R>);

impl<'de, R: Deserialize<'de>> Visitor<'de> for RatesVisitor<R> {
    type Value = Rates<R>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Ends as a message about money does: whoever reads it is told to write quotes.
        f.write_str("a list of prices or a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Rates<R>, E> {
        text.parse().map(Rates::One).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Rates<R>, A::Error> {
        let mut rates = Vec::new();
        while let Some(rate) = entries.next_element()? {
            if rates.len() == MAX_RATES {
                return Err(A::Error::custom(format_args!("a table of prices has at most {MAX_RATES} entries")));
            }
            rates.push(rate);
        }
        Ok(Rates::Table(rates))
    }
}
