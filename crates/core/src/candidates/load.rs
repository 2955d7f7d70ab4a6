//! How busy and how fast candidates are: what some strategies look at.

use crate::catalog::PlatformModel;

/// How busy and how fast candidates are at the moment.
pub trait Load {
    /// Calls under way at this model of the platform.
    fn under_way(&self, offer: &PlatformModel) -> u32;

    /// The usual time to the first useful delta, in microseconds; none if nobody knows yet.
    fn first_delta_micros(&self, offer: &PlatformModel) -> Option<u64>;
}

/// Nobody is busy, and nobody's speed is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLoad;

impl Load for NoLoad {
    fn under_way(&self, _: &PlatformModel) -> u32 {
        0
    }

    fn first_delta_micros(&self, _: &PlatformModel) -> Option<u64> {
        None
    }
}
