//! How prices are written: one flat table. Read by hand-flattened types, because serde's `flatten` lets unknown fields pass and a
//! misspelt price would silently cost nothing.

use std::num::NonZeroU64;

use super::rates::Rate;
use super::{ImageRate, Price, Rates, Tier, TokenPrices, VideoRate};
use crate::money::Money;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PriceWire {
    input_per_million: Option<Money>,
    cached_input_per_million: Option<Money>,
    cache_write_per_million: Option<Money>,
    output_per_million: Option<Money>,
    reasoning_per_million: Option<Money>,
    per_request: Option<Money>,
    per_image: Option<Rates<ImageRate>>,
    per_second: Option<Rates<VideoRate>>,
    per_minute: Option<Money>,
    per_million_video_tokens: Option<Rates<VideoRate>>,
    per_million_characters: Option<Money>,
    #[serde(default)]
    tiers: Vec<TierWire>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct TierWire {
    above_input_tokens: NonZeroU64,
    input_per_million: Money,
    cached_input_per_million: Option<Money>,
    cache_write_per_million: Option<Money>,
    output_per_million: Money,
    reasoning_per_million: Option<Money>,
}

/// A price that can't be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPrice {
    /// It says nothing.
    #[error(
        "it has no component: give it `input_per_million` and `output_per_million`, or `per_image`, `per_second`, `per_minute`, \
         `per_million_video_tokens`, `per_million_characters` or `per_request`"
    )]
    Empty,
    /// Token prices, but not all that must be there.
    #[error("missing field `{0}`")]
    Missing(&'static str),
    /// Nobody is paid for using a model.
    #[error("`{field}` is {given}: a price can't be negative")]
    Negative {
        /// The field.
        field: &'static str,
        /// What was given.
        given: Money,
    },
    /// Two tiers begin at the same input.
    #[error("two `tiers` have the same `above_input_tokens` {0}")]
    SameTier(NonZeroU64),
    /// A table without entries has no price for anything.
    #[error("`{0}` has no entry: write a price, or take it out")]
    EmptyTable(&'static str),
    /// An entry that can never count.
    #[error("entry {entry} of `{field}` is never reached: entry {before} is for all of it already")]
    Unreachable {
        /// The table.
        field: &'static str,
        /// Which entry, from 1.
        entry: usize,
        /// Whose case it is already.
        before: usize,
    },
    /// The same would be paid twice.
    #[error("`{0}` and `{1}` are prices of the same thing: keep one of them")]
    Twice(&'static str, &'static str),
}

impl TryFrom<PriceWire> for Price {
    type Error = BadPrice;

    fn try_from(wire: PriceWire) -> Result<Self, BadPrice> {
        let tokens = tokens(&wire)?;
        let mut tiers = wire.tiers.into_iter().map(Tier::try_from).collect::<Result<Vec<_>, _>>()?;
        tiers.sort_by_key(|tier| tier.above_input_tokens);
        if let Some(pair) = tiers.windows(2).find(|pair| pair[0].above_input_tokens == pair[1].above_input_tokens) {
            return Err(BadPrice::SameTier(pair[0].above_input_tokens));
        }
        let price = Self {
            tokens,
            per_request: wire.per_request,
            per_image: wire.per_image,
            per_second: wire.per_second,
            per_minute: wire.per_minute,
            per_million_video_tokens: wire.per_million_video_tokens,
            per_million_characters: wire.per_million_characters,
            tiers,
        };
        check_components(&price)?;
        Ok(price)
    }
}

/// The token prices, if there are any: then input and output both have one.
fn tokens(wire: &PriceWire) -> Result<Option<TokenPrices>, BadPrice> {
    let none_of_its_own = wire.cached_input_per_million.is_none() && wire.cache_write_per_million.is_none();
    let none = none_of_its_own && wire.reasoning_per_million.is_none() && wire.tiers.is_empty();
    let (input_per_million, output_per_million) = match (wire.input_per_million, wire.output_per_million) {
        (Some(input), Some(output)) => (input, output),
        (None, None) if none => return Ok(None),
        (None, _) => return Err(BadPrice::Missing("input_per_million")),
        (Some(_), None) => return Err(BadPrice::Missing("output_per_million")),
    };
    let prices = TokenPrices {
        input_per_million,
        cached_input_per_million: wire.cached_input_per_million,
        cache_write_per_million: wire.cache_write_per_million,
        output_per_million,
        reasoning_per_million: wire.reasoning_per_million,
    };
    check_tokens(&prices)?;
    Ok(Some(prices))
}

impl TryFrom<TierWire> for Tier {
    type Error = BadPrice;

    fn try_from(wire: TierWire) -> Result<Self, BadPrice> {
        let prices = TokenPrices {
            input_per_million: wire.input_per_million,
            cached_input_per_million: wire.cached_input_per_million,
            cache_write_per_million: wire.cache_write_per_million,
            output_per_million: wire.output_per_million,
            reasoning_per_million: wire.reasoning_per_million,
        };
        check_tokens(&prices)?;
        Ok(Self { above_input_tokens: wire.above_input_tokens, prices })
    }
}

fn check_components(price: &Price) -> Result<(), BadPrice> {
    let Price { tokens, per_request, per_image, per_second, per_minute, per_million_video_tokens, per_million_characters, tiers: _ } =
        price;
    check("per_request", *per_request)?;
    check_rates("per_image", per_image.as_ref())?;
    check_rates("per_second", per_second.as_ref())?;
    check("per_minute", *per_minute)?;
    check_rates("per_million_video_tokens", per_million_video_tokens.as_ref())?;
    check("per_million_characters", *per_million_characters)?;
    if per_second.is_some() && per_million_video_tokens.is_some() {
        return Err(BadPrice::Twice("per_second", "per_million_video_tokens"));
    }
    if per_second.is_some() && per_minute.is_some() {
        return Err(BadPrice::Twice("per_second", "per_minute"));
    }
    let of_media = per_image.is_some() || per_second.is_some() || per_million_video_tokens.is_some();
    let of_sound = per_minute.is_some() || per_million_characters.is_some();
    if tokens.is_none() && per_request.is_none() && !of_media && !of_sound { Err(BadPrice::Empty) } else { Ok(()) }
}

fn check_rates<R: Rate>(field: &'static str, rates: Option<&Rates<R>>) -> Result<(), BadPrice> {
    match rates {
        None => Ok(()),
        Some(Rates::One(price)) => check(field, Some(*price)),
        Some(Rates::Table(entries)) => check_table(field, entries),
    }
}

fn check_table<R: Rate>(field: &'static str, entries: &[R]) -> Result<(), BadPrice> {
    if entries.is_empty() {
        return Err(BadPrice::EmptyTable(field));
    }
    for (index, entry) in entries.iter().enumerate() {
        check(field, Some(entry.price()))?;
        if let Some(before) = entries[..index].iter().position(|before| before.covers(entry)) {
            return Err(BadPrice::Unreachable { field, entry: index + 1, before: before + 1 });
        }
    }
    Ok(())
}

fn check_tokens(prices: &TokenPrices) -> Result<(), BadPrice> {
    check("input_per_million", Some(prices.input_per_million))?;
    check("cached_input_per_million", prices.cached_input_per_million)?;
    check("cache_write_per_million", prices.cache_write_per_million)?;
    check("output_per_million", Some(prices.output_per_million))?;
    check("reasoning_per_million", prices.reasoning_per_million)
}

fn check(field: &'static str, price: Option<Money>) -> Result<(), BadPrice> {
    match price {
        Some(given) if given < Money::ZERO => Err(BadPrice::Negative { field, given }),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
