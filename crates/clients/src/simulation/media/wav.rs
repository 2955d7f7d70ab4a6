//! Sound out of nothing: a tone for each word, as long as the text takes to be read.

use super::super::text::hash;

/// Samples a second: what OpenAI's `pcm` has too.
pub(super) const RATE: u32 = 24_000;

/// Characters that are read in a second.
const CHARACTERS_A_SECOND: u64 = 15;

/// The longest sound in milliseconds; at [`RATE`] this takes 14 MB.
const MAX_MILLIS: u64 = 300_000;

/// The lowest tone in hertz, and how far they reach above it.
const LOWEST: u64 = 200;
const SPAN: u64 = 400;

/// How long reading `text` takes, in milliseconds.
pub(super) fn millis(text: &str, speed_percent: u16) -> u64 {
    let characters = text.chars().count() as u64;
    (characters * 1_000 * 100 / CHARACTERS_A_SECOND / u64::from(speed_percent.max(1))).clamp(100, MAX_MILLIS)
}

/// 16-bit mono samples, little-endian.
pub(super) fn samples(text: &str, millis: u64) -> Vec<u8> {
    let total = millis * u64::from(RATE) / 1_000;
    let tones: Vec<f64> = text.split_whitespace().map(|word| (LOWEST + hash(word) % SPAN) as f64).collect();
    let each = total / (tones.len().max(1) as u64) + 1;
    let mut samples = Vec::with_capacity(total as usize * 2);
    for at in 0..total {
        let tone = tones.get((at / each) as usize).copied().unwrap_or(LOWEST as f64);
        let phase = (at % each) as f64 / f64::from(RATE) * tone * std::f64::consts::TAU;
        samples.extend_from_slice(&((phase.sin() * 8_000.0) as i16).to_le_bytes());
    }
    samples
}
