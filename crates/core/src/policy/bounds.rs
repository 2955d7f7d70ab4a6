//! How large the numbers of a policy may be, and their readers, which refuse with the field's name.

use std::num::NonZeroU32;

use serde::{Deserialize, Deserializer};

pub(super) const fn count(value: u32) -> NonZeroU32 {
    match NonZeroU32::new(value) {
        Some(value) => value,
        None => NonZeroU32::MIN,
    }
}

/// The contract's limit; also the default, which in practice means all.
pub const MAX_PLATFORMS: NonZeroU32 = count(99);
/// More attempts than this at one client is a mistake in a file, not a wish.
pub const MAX_ATTEMPTS: NonZeroU32 = count(99);
/// The contract's default.
pub const DEFAULT_DURATION_SECONDS: NonZeroU32 = count(600);
/// Nothing is worth trying for longer than a day.
pub const MAX_DURATION_SECONDS: NonZeroU32 = count(86_400);
/// Thirty days: whoever wants longer means `disable_and_next`.
pub const MAX_REMEDY_SECONDS: NonZeroU32 = count(2_592_000);
/// Far below the lowest priority anybody uses.
pub const MAX_DEMOTION_STEPS: NonZeroU32 = count(1_000_000);
/// Each failure within a window is remembered with its time, and written down: this many are enough to be sure.
pub const MAX_FAILURES: NonZeroU32 = count(1_000);
/// Failures of more than a day ago say nothing about now.
pub const MAX_WINDOW_SECONDS: NonZeroU32 = count(86_400);
/// Who asks less often than once a day asks too late.
pub const MAX_INTERVAL_SECONDS: NonZeroU32 = count(86_400);
/// Whoever takes longer for one token is not well.
pub const MAX_PROBE_TIMEOUT_MS: NonZeroU32 = count(60_000);
/// All of them.
pub const MAX_PERCENT: NonZeroU32 = count(100);

/// The default of counts.
pub const fn one() -> NonZeroU32 {
    NonZeroU32::MIN
}

/// The default of windows and demotions, in seconds.
pub const fn a_minute() -> NonZeroU32 {
    count(60)
}

pub fn max_attempts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NonZeroU32, D::Error> {
    within(deserializer, "max_attempts", MAX_ATTEMPTS)
}

pub fn some_max_attempts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NonZeroU32>, D::Error> {
    max_attempts(deserializer).map(Some)
}

pub fn max_platforms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NonZeroU32, D::Error> {
    within(deserializer, "max_platforms", MAX_PLATFORMS)
}

pub fn some_max_platforms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NonZeroU32>, D::Error> {
    max_platforms(deserializer).map(Some)
}

pub fn max_duration_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NonZeroU32, D::Error> {
    within(deserializer, "max_duration_seconds", MAX_DURATION_SECONDS)
}

pub fn some_max_duration_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NonZeroU32>, D::Error> {
    max_duration_seconds(deserializer).map(Some)
}

pub fn failures<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NonZeroU32, D::Error> {
    within(deserializer, "failures", MAX_FAILURES)
}

pub fn window_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NonZeroU32, D::Error> {
    within(deserializer, "window_seconds", MAX_WINDOW_SECONDS)
}

pub fn cooldown_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NonZeroU32, D::Error> {
    within(deserializer, "cooldown_seconds", MAX_REMEDY_SECONDS)
}

pub fn some_max_cooldown_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NonZeroU32>, D::Error> {
    within(deserializer, "max_cooldown_seconds", MAX_REMEDY_SECONDS).map(Some)
}

pub fn interval_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NonZeroU32, D::Error> {
    within(deserializer, "interval_seconds", MAX_INTERVAL_SECONDS)
}

pub fn some_max_interval_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NonZeroU32>, D::Error> {
    within(deserializer, "max_interval_seconds", MAX_INTERVAL_SECONDS).map(Some)
}

pub fn timeout_ms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NonZeroU32, D::Error> {
    within(deserializer, "timeout_ms", MAX_PROBE_TIMEOUT_MS)
}

pub fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NonZeroU32, D::Error> {
    within(deserializer, "seconds", MAX_REMEDY_SECONDS)
}

pub fn some_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NonZeroU32>, D::Error> {
    seconds(deserializer).map(Some)
}

pub fn steps<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NonZeroU32, D::Error> {
    within(deserializer, "steps", MAX_DEMOTION_STEPS)
}

pub fn some_max_steps<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NonZeroU32>, D::Error> {
    within(deserializer, "max_steps", MAX_DEMOTION_STEPS).map(Some)
}

pub fn heal_steps<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NonZeroU32, D::Error> {
    within(deserializer, "heal_steps", MAX_DEMOTION_STEPS)
}

pub fn some_max_out_percent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NonZeroU32>, D::Error> {
    within(deserializer, "max_out_percent", MAX_PERCENT).map(Some)
}

fn within<'de, D: Deserializer<'de>>(deserializer: D, field: &str, most: NonZeroU32) -> Result<NonZeroU32, D::Error> {
    let given = i64::deserialize(deserializer)?;
    let value = u32::try_from(given).ok().and_then(NonZeroU32::new).filter(|value| *value <= most);
    value.ok_or_else(|| serde::de::Error::custom(format_args!("`{field}` is {given}: write a number from 1 to {most}")))
}
