//! Prices: what a unit costs. Price is what the account pays, cost what the platform charges the operator; both have this shape.
//!
//! A price has components, and what is used is paid by those that are there: `pricing` says how, and what is an error.

mod rates;
mod wire;

use std::num::NonZeroU64;

use crate::id::PriceId;
use crate::money::Money;

pub use rates::{ImageRate, Rates, VideoRate};
pub use wire::BadPrice;

/// A price for each million tokens of one sort.
pub type PerMillion = Money;

/// Token prices, chosen by the total input of the request: then every token of the request has that tier's price.
///
/// Source: `providers.md` section 14.1 (context tier; not graduated).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TokenPrices {
    /// Input that is neither cached nor written to a cache.
    pub input_per_million: PerMillion,
    /// Input read from a prompt cache; as input if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_input_per_million: Option<PerMillion>,
    /// Input written to a prompt cache; as input if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_per_million: Option<PerMillion>,
    /// Output.
    pub output_per_million: PerMillion,
    /// Output that was reasoning; as output if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_per_million: Option<PerMillion>,
}

/// Other token prices for requests whose input is larger than `above_input_tokens`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Tier {
    /// Input tokens that the request must exceed.
    pub above_input_tokens: NonZeroU64,
    /// The prices of every token of such a request.
    #[serde(flatten)]
    pub prices: TokenPrices,
}

/// What one platform model costs, in the gateway's currency. It has at least one component. The JSON form is what the catalogue file and
/// the database hold.
///
/// Source: `providers.md` section 14.1 (what providers bill by).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "wire::PriceWire")]
pub struct Price {
    /// Token prices of requests in no tier; none where tokens are not what is paid for.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<TokenPrices>,
    /// A fixed amount for each request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_request: Option<Money>,
    /// For each image that was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_image: Option<Rates<ImageRate>>,
    /// For each second of video that was made, or of sound that was heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_second: Option<Rates<VideoRate>>,
    /// For each minute of sound that was heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_minute: Option<Money>,
    /// For each million tokens of video, which are the output tokens of its usage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_million_video_tokens: Option<Rates<VideoRate>>,
    /// For each million characters that were spoken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_million_characters: Option<Money>,
    /// Tiers by context size; the one with the largest bound below the input counts. None without token prices.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
}

impl Price {
    /// Whether the request is all that is paid for, whatever it uses.
    #[must_use]
    pub const fn is_flat(&self) -> bool {
        let Self { tokens, per_request, per_image, per_second, per_minute, per_million_video_tokens, per_million_characters, tiers: _ } =
            self;
        let of_video = per_second.is_some() || per_million_video_tokens.is_some();
        let of_sound = per_minute.is_some() || per_million_characters.is_some();
        per_request.is_some() && tokens.is_none() && per_image.is_none() && !of_video && !of_sound
    }
}

/// An immutable version of a platform model's price and cost. Every charge names its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceVersion {
    /// The version.
    pub id: PriceId,
    /// What the account pays, before its group's multiplier.
    pub price: Price,
    /// What the platform charges the operator, if known.
    pub cost: Option<Price>,
}

/// A factor of a group, in millionths: `1.0` is 1,000,000. Exact, never a float.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Multiplier(u32);

/// Text that is not a multiplier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a multiplier: write a decimal from 0 to 1000 with at most six decimals, such as 1.25")]
pub struct BadMultiplier(pub String);

impl Multiplier {
    /// Times one.
    pub const ONE: Self = Self(1_000_000);

    /// A factor of `millionths` / 1,000,000.
    #[must_use]
    pub const fn from_millionths(millionths: u32) -> Self {
        Self(millionths)
    }

    /// A share of the factor, cut to whole millionths: what is lost is lost in the account's favour.
    #[must_use]
    pub fn share(self, percent: u8) -> Self {
        Self(u32::try_from(u64::from(self.0) * u64::from(percent) / 100).unwrap_or(u32::MAX))
    }

    /// The factor in millionths, as the database keeps it.
    #[must_use]
    pub const fn millionths(self) -> u32 {
        self.0
    }
}

impl std::fmt::Display for Multiplier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&rust_decimal::Decimal::from_i128_with_scale(i128::from(self.0), 6).normalize().to_string())
    }
}

impl std::str::FromStr for Multiplier {
    type Err = BadMultiplier;

    fn from_str(text: &str) -> Result<Self, BadMultiplier> {
        use rust_decimal::prelude::ToPrimitive;
        let bad = || BadMultiplier(text.to_owned());
        let decimal = rust_decimal::Decimal::from_str_exact(text).map_err(|_| bad())?.normalize();
        if decimal.scale() > 6 || decimal > rust_decimal::Decimal::from(1000) {
            return Err(bad());
        }
        decimal.checked_mul(rust_decimal::Decimal::from(1_000_000)).and_then(|millionths| millionths.to_u32()).map(Self).ok_or_else(bad)
    }
}

impl serde::Serialize for Multiplier {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Multiplier {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <std::borrow::Cow<'de, str>>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
