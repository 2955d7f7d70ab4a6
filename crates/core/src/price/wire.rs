//! How prices are written: one flat table. Read by hand-flattened types, because serde's `flatten` lets unknown fields pass and a
//! misspelt price would silently cost nothing.

use std::num::NonZeroU64;

use super::{Price, Tier, TokenPrices};
use crate::money::Money;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PriceWire {
    input_per_million: Money,
    cached_input_per_million: Option<Money>,
    cache_write_per_million: Option<Money>,
    output_per_million: Money,
    reasoning_per_million: Option<Money>,
    per_request: Option<Money>,
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
}

impl TryFrom<PriceWire> for Price {
    type Error = BadPrice;

    fn try_from(wire: PriceWire) -> Result<Self, BadPrice> {
        let base = TokenPrices {
            input_per_million: wire.input_per_million,
            cached_input_per_million: wire.cached_input_per_million,
            cache_write_per_million: wire.cache_write_per_million,
            output_per_million: wire.output_per_million,
            reasoning_per_million: wire.reasoning_per_million,
        };
        check("per_request", wire.per_request)?;
        check_tokens(&base)?;
        let mut tiers = wire.tiers.into_iter().map(Tier::try_from).collect::<Result<Vec<_>, _>>()?;
        tiers.sort_by_key(|tier| tier.above_input_tokens);
        if let Some(pair) = tiers.windows(2).find(|pair| pair[0].above_input_tokens == pair[1].above_input_tokens) {
            return Err(BadPrice::SameTier(pair[0].above_input_tokens));
        }
        Ok(Self { base, per_request: wire.per_request, tiers })
    }
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
mod tests {
    use super::*;

    #[test]
    fn a_price_reads_back_what_it_shows() {
        let text = concat!(
            r#"{"input_per_million":"1.25","cached_input_per_million":"0.125","output_per_million":"10","per_request":"0.01","#,
            r#""tiers":[{"above_input_tokens":200000,"input_per_million":"2.5","output_per_million":"15"}]}"#
        );
        let price: Price = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&price).unwrap(), text);
    }

    #[test]
    fn what_is_not_a_price_is_refused_by_name() {
        for (text, expected) in [
            (r#"{"input_per_million":"1","output_per_million":"1","ouput":"1"}"#, "unknown field `ouput`"),
            (r#"{"input_per_million":"1"}"#, "missing field `output_per_million`"),
            (r#"{"input_per_million":"-1","output_per_million":"1"}"#, "`input_per_million` is -1"),
            (r#"{"input_per_million":1.5,"output_per_million":"1"}"#, "invalid type: floating point"),
            (
                r#"{"input_per_million":"1","output_per_million":"1","tiers":[{"above_input_tokens":5,"above":2,"input_per_million":"1","output_per_million":"1"}]}"#,
                "unknown field `above`",
            ),
        ] {
            let error = serde_json::from_str::<Price>(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn tiers_are_kept_in_order_and_must_differ() {
        let tiers = |first: u64, second: u64| {
            let tier = |above| format!(r#"{{"above_input_tokens":{above},"input_per_million":"1","output_per_million":"1"}}"#);
            serde_json::from_str::<Price>(&format!(
                r#"{{"input_per_million":"1","output_per_million":"1","tiers":[{},{}]}}"#,
                tier(first),
                tier(second)
            ))
        };
        assert_eq!(tiers(9, 5).unwrap().tiers[0].above_input_tokens.get(), 5);
        assert!(tiers(5, 5).is_err());
    }
}
