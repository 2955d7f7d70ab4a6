//! The scenario's own chance, apart from the gateway's: what befalls callers does not change because a policy drew a number more.

/// Numbers from a seed.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// Those of `seed`, for one use of it.
    pub const fn new(seed: u64, purpose: u64) -> Self {
        Self(seed ^ purpose.wrapping_mul(0xd6e8_feb8_6659_fd93))
    }

    /// Whether it happens, in `percent` of all cases. Nothing is drawn where there is no doubt.
    pub fn happens(&mut self, percent: u32) -> bool {
        match percent {
            0 => false,
            100.. => true,
            percent => self.next() % 100 < u64::from(percent),
        }
    }

    /// SplitMix64.
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_share_and_the_same_seed_the_same_story() {
        let story = |seed| {
            let mut chance = Chance::new(seed, 1);
            (0..1000).map(|_| chance.happens(30)).collect::<Vec<_>>()
        };
        assert_eq!(story(7), story(7));
        assert_ne!(story(7), story(8));
        assert!((250..350).contains(&story(7).into_iter().filter(|happened| *happened).count()));
        let mut sure = Chance::new(1, 1);
        assert!((0..100).all(|_| sure.happens(100) && !sure.happens(0)));
    }
}
