//! What an answer of a candidate costs this caller.

use std::sync::Arc;

use easyai_core::catalog::PlatformModel;
use easyai_core::failure::{Category, Failure, Sent};
use easyai_core::money::Money;
use easyai_core::price::{Multiplier, PriceVersion};
use easyai_core::pricing::{self, Bill};
use easyai_core::usage::Usage;

/// The terms of one run: the caller's multiplier, and whether it costs anything at all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) multiplier: Multiplier,
    pub(crate) simulated: bool,
}

impl Terms {
    /// What to set aside for a call of `offer`.
    pub(crate) fn estimate(self, offer: &PlatformModel, input_tokens: u64, output_tokens: u64) -> Result<Money, Failure> {
        if self.simulated || offer.platform.test_mode {
            return Ok(Money::ZERO);
        }
        let price = price(offer)?;
        pricing::estimate(price, self.multiplier, input_tokens, output_tokens).map_err(|error| ours(error.to_string()))
    }

    /// The bill of an answer. What a platform in test mode answers has its lines, and costs nothing.
    pub(crate) fn bill(self, offer: &PlatformModel, usage: &Usage) -> Result<Bill, Failure> {
        let mut bill = pricing::bill(price(offer)?, self.multiplier, usage).map_err(|error| ours(error.to_string()))?;
        if self.simulated || offer.platform.test_mode {
            bill.charge = Money::ZERO;
            bill.cost = None;
        }
        Ok(bill)
    }
}

/// Selection leaves out offers without a price, so that this is a mistake of ours.
fn price(offer: &PlatformModel) -> Result<&Arc<PriceVersion>, Failure> {
    offer.price.as_ref().ok_or_else(|| ours(format!("{} at {} has no price", offer.model, offer.platform.name)))
}

fn ours(message: String) -> Failure {
    Failure::new(Category::Internal, Sent::Nothing, message)
}
