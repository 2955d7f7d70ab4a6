//! How long answers usually are: a high quantile of observed output, so that a hold is neither a guess nor the whole allowance.
//!
//! A histogram over a logarithmic scale, of fixed size, in which old observations fade: what is new counts as much as all that came
//! before. It errs upwards by at most a quarter.

/// Steps in each doubling.
const STEPS: u32 = 4;
/// Up to 2²⁴ tokens, four steps a doubling; longer answers count as the longest.
const BUCKETS: usize = 24 * STEPS as usize;
/// At this many all counts are halved: a change of habit shows after some hundred answers.
const FADE_AT: u32 = 512;
/// With fewer answers than this, one odd one would decide.
const MIN_OBSERVED: u32 = 8;
/// Which part of the answers the expectation covers.
const PERCENT: u32 = 95;
/// Expected when nothing is known.
const DEFAULT_OUTPUT_TOKENS: u64 = 1_024;

/// An estimator of the 95th percentile of output tokens.
#[derive(Debug, Clone)]
pub struct OutputQuantile {
    counts: [u16; BUCKETS],
    total: u32,
}

impl Default for OutputQuantile {
    fn default() -> Self {
        Self { counts: [0; BUCKETS], total: 0 }
    }
}

impl OutputQuantile {
    /// An answer had this many output tokens.
    pub fn observe(&mut self, tokens: u64) {
        let count = &mut self.counts[bucket(tokens)];
        *count = count.saturating_add(1);
        self.total += 1;
        if self.total >= FADE_AT {
            self.fade();
        }
    }

    /// How many output tokens 95 of 100 answers don't exceed; none after too few answers.
    #[must_use]
    pub fn expected(&self) -> Option<u64> {
        if self.total < MIN_OBSERVED {
            return None;
        }
        let wanted = (self.total * PERCENT).div_ceil(100);
        let mut seen = 0;
        let index = self.counts.iter().position(|count| {
            seen += u32::from(*count);
            seen >= wanted
        });
        index.map(upper_edge)
    }

    fn fade(&mut self) {
        for count in &mut self.counts {
            *count /= 2;
        }
        self.total = self.counts.iter().map(|count| u32::from(*count)).sum();
    }
}

/// The output to hold money for: what was observed, or a default, but never more than the caller and the model allow.
#[must_use]
pub fn expected_output(observed: Option<u64>, asked_max: Option<u64>, model_max: Option<u64>) -> u64 {
    let allowed = asked_max.unwrap_or(u64::MAX).min(model_max.unwrap_or(u64::MAX));
    observed.unwrap_or(DEFAULT_OUTPUT_TOKENS).min(allowed)
}

/// Tokens `t ≥ 4` with highest bit `2ᵉ` are in step `(t >> (e-2)) & 3` of their doubling; fewer are exact.
fn bucket(tokens: u64) -> usize {
    let index = match tokens.checked_ilog2() {
        Some(exponent) if exponent >= 2 => u64::from(STEPS * (exponent - 1)) + ((tokens >> (exponent - 2)) & 3),
        Some(_) | None => tokens,
    };
    usize::try_from(index).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

fn upper_edge(index: usize) -> u64 {
    let index = index as u64;
    let steps = u64::from(STEPS);
    if index < steps { index } else { ((steps + index % steps + 1) << (index / steps - 1)) - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_what_its_edge_says() {
        for tokens in (0..5_000).chain([65_535, 65_536, 1_000_000, 16_000_000]) {
            let edge = upper_edge(bucket(tokens));
            assert!(tokens <= edge && edge <= tokens + tokens / 4, "{tokens} {edge}");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn the_expectation_covers_most_answers_but_not_the_oddest() {
        let mut observed = OutputQuantile::default();
        assert_eq!(observed.expected(), None);
        (0..97).for_each(|_| observed.observe(200));
        (0..3).for_each(|_| observed.observe(100_000));
        assert_eq!(observed.expected(), Some(223));
    }

    #[test]
    fn a_change_of_habit_is_learnt() {
        let mut observed = OutputQuantile::default();
        (0..100_000).for_each(|_| observed.observe(4_000));
        (0..6_000).for_each(|_| observed.observe(100));
        assert!(observed.expected() < Some(128), "{:?}", observed.expected());
    }

    #[test]
    fn never_more_is_expected_than_allowed() {
        assert_eq!(expected_output(None, None, None), 1_024);
        assert_eq!(expected_output(Some(500), Some(100_000), Some(8_000)), 500);
        assert_eq!(expected_output(Some(500), Some(10), Some(8_000)), 10);
        assert_eq!(expected_output(None, Some(4_000), Some(300)), 300);
    }
}
