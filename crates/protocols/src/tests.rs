//! What several modules' tests share.

use proptest::prelude::*;

/// Arbitrary bytes, or one of `samples` with some bytes changed, cut out or doubled.
pub(crate) fn bytes_like(samples: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let mutated = (prop::sample::select(samples), prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 0..6));
    prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..64),
        4 => mutated.prop_map(|(sample, changes)| changes.into_iter().fold(sample.as_bytes().to_vec(), change)),
    ]
}

fn change(mut bytes: Vec<u8>, (at, byte, how): (prop::sample::Index, u8, u8)) -> Vec<u8> {
    /// Bytes that mean something in JSON: arbitrary ones hardly ever do.
    const TELLING: &[u8] = b"\"\\{}[]:,0-1.en tul";
    if bytes.is_empty() {
        return bytes;
    }
    let at = at.index(bytes.len());
    match how {
        0 => bytes[at] = byte,
        1 => bytes[at] = TELLING[usize::from(byte) % TELLING.len()],
        2 => drop(bytes.drain(at..(at + usize::from(byte % 16)).min(bytes.len()))),
        _ => {
            let piece = bytes[at..(at + usize::from(byte % 16)).min(bytes.len())].to_vec();
            bytes.splice(at..at, piece);
        }
    }
    bytes
}
