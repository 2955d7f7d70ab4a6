//! Which components of a price are for what was used, and how much of each: lines without their amounts.
//!
//! Tokens are paid by token prices, if there are any. Media is paid by its own component; without one by the tokens it took, if those are
//! priced and were counted; else by the request, if that is all the price has. Otherwise it has no price, which is an error.

use super::{Component, PricingError};
use crate::media::MediaUsage;
use crate::money::Money;
use crate::price::{Price, TokenPrices, VideoRate};
use crate::usage::Usage;

/// A line without its amount.
pub(super) struct Part {
    pub(super) component: Component,
    /// As [`Line::quantity`](super::Line::quantity).
    pub(super) quantity: u64,
    pub(super) unit_price: Money,
}

/// Gives `add` what of `price` is for `usage`.
pub(super) fn parts(price: &Price, usage: &Usage, mut add: impl FnMut(Part) -> Result<(), PricingError>) -> Result<(), PricingError> {
    let medium = match &usage.media {
        Some(media) => of_media(price, media, usage)?,
        None if price.tokens.is_some() || price.is_flat() => None,
        None => return Err(PricingError::NoTokenPrice),
    };
    if let Some(base) = &price.tokens {
        let mut used = Quantities::of(usage);
        if medium.as_ref().is_some_and(|part| part.component == Component::VideoTokens) {
            (used.output, used.reasoning) = (0, 0);
        }
        used.parts(tier(price, base, used.total_input)).into_iter().filter(|part| part.quantity > 0).try_for_each(&mut add)?;
    }
    medium.filter(|part| part.quantity > 0).map_or(Ok(()), &mut add)?;
    let request = price.per_request.map(|unit_price| Part { component: Component::Request, quantity: 1, unit_price });
    request.map_or(Ok(()), add)
}

/// The tier with the largest bound below the input counts for every token. They are few, so all are looked at.
fn tier<'a>(price: &'a Price, base: &'a TokenPrices, total_input: u64) -> &'a TokenPrices {
    let reached = price.tiers.iter().filter(|tier| total_input > tier.above_input_tokens.get());
    reached.max_by_key(|tier| tier.above_input_tokens).map_or(base, |tier| &tier.prices)
}

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

    fn parts(&self, prices: &TokenPrices) -> [Part; 5] {
        let (mut input, mut output) = (self.input, self.output);
        // What has no price of its own is priced with its whole, in one line, so that it is rounded once.
        let own = |component, quantity, own: Option<Money>, whole: &mut u64| match own {
            Some(unit_price) => Part { component, quantity, unit_price },
            None => {
                *whole += quantity;
                Part { component, quantity: 0, unit_price: Money::ZERO }
            }
        };
        let cached = own(Component::CachedInput, self.cached_input, prices.cached_input_per_million, &mut input);
        let written = own(Component::CacheWrite, self.cache_write, prices.cache_write_per_million, &mut input);
        let reasoning = own(Component::Reasoning, self.reasoning, prices.reasoning_per_million, &mut output);
        [
            Part { component: Component::Input, quantity: input, unit_price: prices.input_per_million },
            cached,
            written,
            Part { component: Component::Output, quantity: output, unit_price: prices.output_per_million },
            reasoning,
        ]
    }
}

/// The component that is for `media`; none where it is paid by its tokens, or by the request.
fn of_media(price: &Price, media: &MediaUsage, usage: &Usage) -> Result<Option<Part>, PricingError> {
    let used = *media;
    // The component, how much, the unit price if an entry is for it, and the field.
    let (component, quantity, unit_price, field) = match *media {
        MediaUsage::Images { count, size, quality } => {
            let found = price.per_image.as_ref().map(|rates| rates.find(|rate| rate.of(size, quality)));
            (Component::Image, u64::from(count), found, "per_image")
        }
        MediaUsage::Video { resolution, audio, video_input, .. } if price.per_million_video_tokens.is_some() => {
            let rates = price.per_million_video_tokens.as_ref();
            let found = rates.map(|rates| rates.find(|rate| rate.of(resolution, audio, video_input)));
            if usage.output_tokens == 0 && made(media) {
                return Err(PricingError::Uncounted { used, field: "per_second" });
            }
            (Component::VideoTokens, usage.output_tokens, found, "per_million_video_tokens")
        }
        MediaUsage::Video { millis, resolution, audio, video_input } => {
            let found = price.per_second.as_ref().map(|rates| rates.find(|rate| rate.of(resolution, audio, video_input)));
            (Component::Second, millis, found, "per_second")
        }
        MediaUsage::Speech { characters } => {
            (Component::Character, characters, price.per_million_characters.map(Some), "per_million_characters")
        }
        MediaUsage::Audio { millis } if price.per_minute.is_some() => (Component::Minute, millis, price.per_minute.map(Some), "per_minute"),
        MediaUsage::Audio { millis } => {
            let found = price.per_second.as_ref().map(|rates| rates.find(VideoRate::of_all));
            (Component::Second, millis, found, "per_second")
        }
    };
    match unit_price {
        Some(Some(unit_price)) => Ok(Some(Part { component, quantity, unit_price })),
        // What was not made costs nothing in any size.
        Some(None) if !made(media) => Ok(None),
        Some(None) => Err(PricingError::NoEntry { used, field }),
        None if price.is_flat() => Ok(None),
        None if price.tokens.is_none() => Err(PricingError::NoMediaPrice { used, field }),
        None if made(media) && !counted(media, usage) => Err(PricingError::Uncounted { used, field }),
        None => Ok(None),
    }
}

/// Whether there is any of it.
const fn made(media: &MediaUsage) -> bool {
    match media {
        MediaUsage::Images { count, .. } => *count > 0,
        MediaUsage::Video { millis, .. } | MediaUsage::Audio { millis } => *millis > 0,
        MediaUsage::Speech { characters } => *characters > 0,
    }
}

/// Whether its tokens are known: what is made is output. What is heard gives text, which is counted here if nobody else does.
const fn counted(media: &MediaUsage, usage: &Usage) -> bool {
    match media {
        MediaUsage::Images { .. } | MediaUsage::Video { .. } | MediaUsage::Speech { .. } => usage.output_tokens > 0,
        MediaUsage::Audio { .. } => true,
    }
}
