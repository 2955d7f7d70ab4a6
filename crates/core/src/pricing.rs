//! What usage costs: lines, charge and cost. Each line is computed exactly in 128 bits and rounded half-even once; a sum that passes
//! nine billion units is an error, never a wrong amount. So is something that the price has nothing for: it never costs zero.

mod parts;

use crate::id::PriceId;
use crate::media::MediaUsage;
use crate::money::{Money, Overflow};
use crate::price::{Multiplier, Price, PriceVersion};
use crate::usage::Usage;
use parts::{Part, parts};

crate::words! {
    /// What a line is about.
    pub enum Component as "price component" {
        /// Input that was neither cached nor written to a cache, or has no price of its own.
        Input = "input",
        /// Input read from a prompt cache.
        CachedInput = "cached_input",
        /// Input written to a prompt cache.
        CacheWrite = "cache_write",
        /// Output that was not reasoning, or whose reasoning has no price of its own.
        Output = "output",
        /// Output that was reasoning.
        Reasoning = "reasoning",
        /// Images that were made.
        Image = "image",
        /// Seconds of video that was made, or of sound that was heard.
        Second = "second",
        /// Minutes of sound that was heard.
        Minute = "minute",
        /// Tokens of a video that was made.
        VideoTokens = "video_tokens",
        /// Characters that were spoken.
        Character = "character",
        /// The request itself.
        Request = "request",
    }
}

impl Component {
    /// How much of a line's quantity one unit price is for.
    #[must_use]
    const fn unit(self) -> i128 {
        match self {
            Self::Input | Self::CachedInput | Self::CacheWrite | Self::Output | Self::Reasoning => 1_000_000,
            Self::VideoTokens | Self::Character => 1_000_000,
            Self::Image | Self::Request => 1,
            // Their quantity is in milliseconds.
            Self::Second => 1_000,
            Self::Minute => 60_000,
        }
    }
}

/// One priced line: `quantity · unit_price · multiplier`, rounded half-even to whole nano-units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Line {
    /// What it is about.
    pub component: Component,
    /// Tokens, characters, images; milliseconds of what is priced by the second or the minute; 1 for the request itself.
    pub quantity: u64,
    /// For each million tokens or characters, for each image, second or minute, or for the request; before the multiplier.
    pub unit_price: Money,
    /// What the account pays for it.
    pub amount: Money,
}

/// What an answer costs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Bill {
    /// The price version it was computed by.
    pub price: PriceId,
    /// The group's multiplier.
    pub multiplier: Multiplier,
    /// Only what was used.
    pub lines: Vec<Line>,
    /// The sum of the lines: what the account pays.
    pub charge: Money,
    /// What the platform charges the operator, if its cost is known.
    pub cost: Option<Money>,
}

/// Why usage can't be priced. Nothing was charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PricingError {
    /// A line or the sum is beyond nine billion units of currency.
    #[error(transparent)]
    Overflow(#[from] Overflow),
    /// The price is of media alone.
    #[error("nothing in its price is for tokens: give it `input_per_million` and `output_per_million`")]
    NoTokenPrice,
    /// The price is of something else.
    #[error("nothing in its price is for {used}: give it `{field}`")]
    NoMediaPrice {
        /// What was used.
        used: MediaUsage,
        /// What would be for it.
        field: &'static str,
    },
    /// A table has no entry for it.
    #[error("no entry of `{field}` is for {used}: add one, or one without conditions")]
    NoEntry {
        /// What was used.
        used: MediaUsage,
        /// The table.
        field: &'static str,
    },
    /// It is paid by its tokens, and has none.
    #[error("its price is by tokens, and those of {used} were not counted: give it `{field}`")]
    Uncounted {
        /// What was used.
        used: MediaUsage,
        /// What would not need them.
        field: &'static str,
    },
}

/// Prices `usage`. A cost that has nothing for it is not known.
///
/// # Errors
/// [`PricingError`] if the price has nothing for it, or a line or the sum passes nine billion units of currency.
pub fn bill(version: &PriceVersion, multiplier: Multiplier, usage: &Usage) -> Result<Bill, PricingError> {
    let mut lines = Vec::with_capacity(MAX_LINES);
    let charge = price(&version.price, multiplier, usage, |line| lines.push(line))?;
    let cost = match version.cost.as_ref().map(|cost| price(cost, Multiplier::ONE, usage, |_| ())) {
        Some(Ok(cost)) => Some(cost),
        Some(Err(PricingError::Overflow(overflow))) => return Err(overflow.into()),
        None | Some(Err(_)) => None,
    };
    Ok(Bill { price: version.id, multiplier, lines, charge, cost })
}

/// Prices what came. If the price has nothing for it, it is priced as what was `asked`, which it had something for when the task began:
/// an upstream that makes another size than it was asked for, or does not tell the tokens, is paid all the same.
///
/// # Errors
/// As [`bill`], if there is no price for that either.
pub fn bill_as_asked(version: &PriceVersion, multiplier: Multiplier, usage: &Usage, asked: &Usage) -> Result<Bill, PricingError> {
    match bill(version, multiplier, usage) {
        Err(
            PricingError::NoEntry { .. } | PricingError::Uncounted { .. } | PricingError::NoMediaPrice { .. } | PricingError::NoTokenPrice,
        ) => bill(version, multiplier, &usage.as_asked(asked)),
        billed @ (Ok(_) | Err(PricingError::Overflow(_))) => billed,
    }
}

/// Prices `usage` once more, for an answer that is given again: `percent` of what it costs. The operator pays nobody for it.
///
/// # Errors
/// As [`bill`].
pub fn cached(version: &PriceVersion, multiplier: Multiplier, percent: u8, usage: &Usage) -> Result<Bill, PricingError> {
    Ok(Bill { cost: Some(Money::ZERO), ..bill(version, multiplier.share(percent), usage)? })
}

/// What the `expected` usage would cost the account.
///
/// # Errors
/// As [`bill`].
pub fn estimate(version: &PriceVersion, multiplier: Multiplier, expected: &Usage) -> Result<Money, PricingError> {
    price(&version.price, multiplier, expected, |_| ())
}

/// What it would cost the operator; the account, if the platform's cost is not known.
///
/// # Errors
/// As [`bill`].
pub fn cost_estimate(version: &PriceVersion, expected: &Usage) -> Result<Money, PricingError> {
    price(version.cost.as_ref().unwrap_or(&version.price), Multiplier::ONE, expected, |_| ())
}

/// Whether `price` has something for all of `expected`. Computes no amounts.
///
/// # Errors
/// [`PricingError`] says what it has nothing for.
pub fn covers(price: &Price, expected: &Usage) -> Result<(), PricingError> {
    parts(price, expected, |_| Ok(()))
}

/// Five sorts of tokens, one of media, and the request.
const MAX_LINES: usize = 7;

fn price(price: &Price, multiplier: Multiplier, usage: &Usage, mut line: impl FnMut(Line)) -> Result<Money, PricingError> {
    let mut sum = Money::ZERO;
    parts(price, usage, |Part { component, quantity, unit_price }| {
        let amount = amount(quantity, unit_price, multiplier, component.unit())?;
        sum = sum.plus(amount)?;
        line(Line { component, quantity, unit_price, amount });
        Ok(())
    })?;
    Ok(sum)
}

/// A multiplier is in millionths.
const MILLIONTHS: i128 = 1_000_000;

fn amount(quantity: u64, unit_price: Money, multiplier: Multiplier, unit: i128) -> Result<Money, Overflow> {
    let product = i128::from(quantity)
        .checked_mul(i128::from(unit_price.nanos()))
        .and_then(|product| product.checked_mul(i128::from(multiplier.millionths())))
        .ok_or(Overflow)?;
    i64::try_from(divide_half_even(product, unit * MILLIONTHS)).map(Money::from_nanos).map_err(|_| Overflow)
}

/// The one rounding: to the nearest whole, and from the middle to the even one. `divisor` is positive.
const fn divide_half_even(dividend: i128, divisor: i128) -> i128 {
    let (quotient, remainder) = (dividend.div_euclid(divisor), dividend.rem_euclid(divisor));
    let twice = remainder * 2;
    if twice > divisor || (twice == divisor && quotient % 2 != 0) { quotient + 1 } else { quotient }
}

#[cfg(test)]
mod tests;
