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
    /// What to set aside for a call of `offer` that is expected to use so much.
    pub(crate) fn estimate(self, offer: &PlatformModel, expected: &Usage) -> Result<Money, Failure> {
        if self.is_free(offer) {
            return Ok(Money::ZERO);
        }
        pricing::estimate(price(offer)?, self.multiplier, expected).map_err(|error| ours(error.to_string()))
    }

    /// The bill of an answer: by what was `asked` where the platform does not tell what has a price. What a platform in test mode answers
    /// has its lines, and costs nothing.
    pub(crate) fn bill(self, offer: &PlatformModel, usage: &Usage, asked: &Usage) -> Result<Bill, Failure> {
        let version = price(offer)?;
        match pricing::bill_as_asked(version, self.multiplier, usage, asked) {
            Ok(bill) if self.is_free(offer) => Ok(Bill { charge: Money::ZERO, cost: None, ..bill }),
            // Nobody pays for it: what it used is no reason to fail, even if that has no price.
            Err(_) if self.is_free(offer) => {
                Ok(Bill { price: version.id, multiplier: self.multiplier, lines: Vec::new(), charge: Money::ZERO, cost: None })
            }
            billed => billed.map_err(|error| ours(error.to_string())),
        }
    }

    fn is_free(self, offer: &PlatformModel) -> bool {
        self.simulated || offer.platform.test_mode
    }
}

/// Selection leaves out offers without a price, so that this is a mistake of ours.
fn price(offer: &PlatformModel) -> Result<&Arc<PriceVersion>, Failure> {
    offer.price.as_ref().ok_or_else(|| ours(format!("{} at {} has no price", offer.model, offer.platform.name)))
}

fn ours(message: String) -> Failure {
    Failure::new(Category::Internal, Sent::Nothing, message)
}
