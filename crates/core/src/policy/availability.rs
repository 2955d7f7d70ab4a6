//! How many of a model's candidates may be out at once, and what happens when all are.

use std::num::NonZeroU32;

use super::bounds;

/// How far cooldowns and circuit breakers may thin out the candidates of a model. What is disabled is out whatever this says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Availability {
    /// The largest share of a model's candidates that is out at once, from 1 to 100; by default as many as `last_resort` lets.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "bounds::some_max_out_percent")]
    pub max_out_percent: Option<NonZeroU32>,
    /// What happens when all of them are out.
    pub last_resort: LastResort,
}

crate::words! {
    /// Whether a model may be left without a candidate by cooldowns and circuit breakers.
    #[derive(Default)]
    pub enum LastResort as "last resort" {
        /// No: of candidates that are all out, the one that comes back soonest serves.
        #[default]
        Serves = "serves",
        /// Yes: callers are told when to come again.
        Rests = "rests",
    }
}

impl Availability {
    /// How many of `candidates` that are not disabled may be out at once; shares are rounded down.
    #[must_use]
    pub fn most_out(&self, candidates: usize) -> usize {
        let all = match self.last_resort {
            LastResort::Serves => candidates.saturating_sub(1),
            LastResort::Rests => candidates,
        };
        let share = |percent: NonZeroU32| candidates.saturating_mul(usize::try_from(percent.get()).unwrap_or(100)) / 100;
        self.max_out_percent.map_or(all, |percent| share(percent).min(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_one_may_be_out_unless_the_policy_says_otherwise() {
        let check = |text: &str, expected: [usize; 5]| {
            let availability: Availability = serde_json::from_str(text).unwrap();
            assert_eq!([0, 1, 2, 3, 10].map(|candidates| availability.most_out(candidates)), expected, "{text}");
        };
        check("{}", [0, 0, 1, 2, 9]);
        check(r#"{"last_resort": "rests"}"#, [0, 1, 2, 3, 10]);
        check(r#"{"max_out_percent": 50}"#, [0, 0, 1, 1, 5]);
        check(r#"{"max_out_percent": 100}"#, [0, 0, 1, 2, 9]);
        check(r#"{"max_out_percent": 100, "last_resort": "rests"}"#, [0, 1, 2, 3, 10]);
        check(r#"{"max_out_percent": 1, "last_resort": "rests"}"#, [0, 0, 0, 0, 0]);
    }

    #[test]
    fn what_is_unknown_or_out_of_bounds_is_refused_by_name() {
        for (text, expected) in [
            (r#"{"max_out_percent": 0}"#, "`max_out_percent` is 0: write a number from 1 to 100"),
            (r#"{"max_out_percent": 101}"#, "`max_out_percent` is 101"),
            (r#"{"last_resort": "sleeps"}"#, "`sleeps` is not a last resort: use one of serves, rests"),
            (r#"{"max_out": 1}"#, "unknown field `max_out`"),
        ] {
            let error = serde_json::from_str::<Availability>(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
