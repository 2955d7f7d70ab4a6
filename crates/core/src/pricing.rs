//! What usage costs: lines, charge and cost. Each line is computed exactly in 128 bits and rounded half-even once; a sum that passes
//! nine billion units is an error, never a wrong amount.

use crate::id::PriceId;
use crate::money::{Money, Overflow};
use crate::price::{Multiplier, Price, PriceVersion, TokenPrices};
use crate::usage::Usage;

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
        /// The request itself.
        Request = "request",
    }
}

/// One priced line: `quantity · unit_price · multiplier`, rounded half-even to whole nano-units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Line {
    /// What it is about.
    pub component: Component,
    /// Tokens, or 1 for the request itself.
    pub quantity: u64,
    /// For each million tokens, or for the request; before the multiplier.
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

/// Prices `usage`.
///
/// # Errors
/// [`Overflow`] when a line or the sum passes nine billion units of currency.
pub fn bill(version: &PriceVersion, multiplier: Multiplier, usage: &Usage) -> Result<Bill, Overflow> {
    let quantities = Quantities::of(usage);
    let mut lines = Vec::with_capacity(MAX_LINES);
    let charge = price(&version.price, multiplier, &quantities, |line| lines.push(line))?;
    let cost = version.cost.as_ref().map(|cost| price(cost, Multiplier::ONE, &quantities, |_| ())).transpose()?;
    Ok(Bill { price: version.id, multiplier, lines, charge, cost })
}

/// Prices `usage` once more, for an answer that is given again: `percent` of what it costs. The operator pays nobody for it.
///
/// # Errors
/// [`Overflow`] when a line or the sum passes nine billion units of currency.
pub fn cached(version: &PriceVersion, multiplier: Multiplier, percent: u8, usage: &Usage) -> Result<Bill, Overflow> {
    Ok(Bill { cost: Some(Money::ZERO), ..bill(version, multiplier.share(percent), usage)? })
}

/// What `input_tokens` and `output_tokens` would cost the account, with nothing cached.
///
/// # Errors
/// [`Overflow`] when the sum passes nine billion units of currency.
pub fn estimate(version: &PriceVersion, multiplier: Multiplier, input_tokens: u64, output_tokens: u64) -> Result<Money, Overflow> {
    price(&version.price, multiplier, &Quantities::of(&Usage::counted(input_tokens, output_tokens)), |_| ())
}

/// What they would cost the operator; the account, if the platform's cost is not known.
///
/// # Errors
/// [`Overflow`] when the sum passes nine billion units of currency.
pub fn cost_estimate(version: &PriceVersion, input_tokens: u64, output_tokens: u64) -> Result<Money, Overflow> {
    let known = version.cost.as_ref().unwrap_or(&version.price);
    price(known, Multiplier::ONE, &Quantities::of(&Usage::counted(input_tokens, output_tokens)), |_| ())
}

/// One for each component.
const MAX_LINES: usize = Component::ALL.len();

/// Usage in disjoint parts. A part that claims to be larger than its whole is cut to it: upstreams have been seen to err.
struct Quantities {
    total_input: u64,
    input: u64,
    cached_input: u64,
    cache_write: u64,
    output: u64,
    reasoning: u64,
}

impl Quantities {
    fn of(usage: &Usage) -> Self {
        let cached_input = usage.cached_input_tokens.min(usage.input_tokens);
        let cache_write = usage.cache_write_tokens.min(usage.input_tokens - cached_input);
        let reasoning = usage.reasoning_tokens.min(usage.output_tokens);
        Self {
            total_input: usage.input_tokens,
            input: usage.input_tokens - cached_input - cache_write,
            cached_input,
            cache_write,
            output: usage.output_tokens - reasoning,
            reasoning,
        }
    }
}

fn price(price: &Price, multiplier: Multiplier, used: &Quantities, mut line: impl FnMut(Line)) -> Result<Money, Overflow> {
    let tokens = token_prices(price, used.total_input);
    let (mut input, mut output) = (used.input, used.output);
    let mut parts = [
        (Component::CachedInput, used.cached_input, tokens.cached_input_per_million),
        (Component::CacheWrite, used.cache_write, tokens.cache_write_per_million),
        (Component::Reasoning, used.reasoning, tokens.reasoning_per_million),
    ];
    // What has no price of its own is priced with its whole, in one line, so that it is rounded once.
    for (component, quantity, own) in &mut parts {
        if own.is_none() {
            let whole = if *component == Component::Reasoning { &mut output } else { &mut input };
            *whole += std::mem::take(quantity);
        }
    }
    let [cached, written, reasoning] = parts.map(|(component, quantity, own)| (component, quantity, own.unwrap_or(Money::ZERO)));
    let of_tokens = [
        (Component::Input, input, tokens.input_per_million),
        cached,
        written,
        (Component::Output, output, tokens.output_per_million),
        reasoning,
    ];
    let mut sum = Money::ZERO;
    let mut add = |component, quantity, unit_price, divisor| {
        let amount = amount(quantity, unit_price, multiplier, divisor)?;
        sum = sum.plus(amount)?;
        line(Line { component, quantity, unit_price, amount });
        Ok(())
    };
    for (component, quantity, unit_price) in of_tokens.into_iter().filter(|(_, quantity, _)| *quantity > 0) {
        add(component, quantity, unit_price, TOKENS_A_PRICE)?;
    }
    if let Some(per_request) = price.per_request {
        add(Component::Request, 1, per_request, 1)?;
    }
    Ok(sum)
}

/// Prices of tokens are for each million.
const TOKENS_A_PRICE: i128 = 1_000_000;
/// A multiplier is in millionths.
const MILLIONTHS: i128 = 1_000_000;

/// The tier with the largest bound below the input counts for every token. They are few, so all are looked at.
fn token_prices(price: &Price, total_input: u64) -> &TokenPrices {
    let reached = price.tiers.iter().filter(|tier| total_input > tier.above_input_tokens.get());
    reached.max_by_key(|tier| tier.above_input_tokens).map_or(&price.base, |tier| &tier.prices)
}

fn amount(quantity: u64, unit_price: Money, multiplier: Multiplier, divisor: i128) -> Result<Money, Overflow> {
    let product = i128::from(quantity)
        .checked_mul(i128::from(unit_price.nanos()))
        .and_then(|product| product.checked_mul(i128::from(multiplier.millionths())))
        .ok_or(Overflow)?;
    i64::try_from(divide_half_even(product, divisor * MILLIONTHS)).map(Money::from_nanos).map_err(|_| Overflow)
}

/// The one rounding: to the nearest whole, and from the middle to the even one. `divisor` is positive.
const fn divide_half_even(dividend: i128, divisor: i128) -> i128 {
    let (quotient, remainder) = (dividend.div_euclid(divisor), dividend.rem_euclid(divisor));
    let twice = remainder * 2;
    if twice > divisor || (twice == divisor && quotient % 2 != 0) { quotient + 1 } else { quotient }
}

#[cfg(test)]
mod tests;
