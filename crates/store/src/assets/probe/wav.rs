//! A WAV's duration: bytes of sound, by bytes a second.
//!
//! Source: Microsoft and IBM, "Multimedia Programming Interface and Data Specifications 1.0", RIFF WAVE.

/// Chunks before the sound; encoders write two or three.
const MAX_CHUNKS: usize = 64;

/// The duration of the WAV that begins with `head` and is `size` bytes long.
pub(super) fn duration_ms(head: &[u8], size: u64) -> Option<u64> {
    let mut at = 12;
    let mut bytes_per_second = 0;
    for _ in 0..MAX_CHUNKS {
        let (name, length) = (head.get(at..at + 4)?, u64::from(word(head, at + 4)?));
        let body = at + 8;
        if name == b"fmt " {
            bytes_per_second = u64::from(word(head, body + 8)?);
        }
        if name == b"data" {
            // Whoever streams does not know the length yet, and writes none or the largest.
            let there = size.saturating_sub(body as u64);
            let sound = if length == 0 { there } else { length.min(there) };
            return sound.saturating_mul(1_000).checked_div(bytes_per_second);
        }
        // Chunks begin at even places.
        at = body.checked_add(usize::try_from(length + (length & 1)).ok()?)?;
    }
    None
}

fn word(head: &[u8], at: usize) -> Option<u32> {
    head.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(data_length: u32) -> Vec<u8> {
        let mut wav = b"RIFF\0\0\0\0WAVELIST\x03\0\0\0abc\0fmt \x10\0\0\0\x01\0\x01\0".to_vec();
        wav.extend(24_000_u32.to_le_bytes());
        wav.extend(48_000_u32.to_le_bytes());
        wav.extend([2, 0, 16, 0]);
        wav.extend(b"data");
        wav.extend(data_length.to_le_bytes());
        wav
    }

    #[test]
    fn a_wav_plays_as_long_as_its_sound() {
        let check = |length: u32, sound: u64, expected| {
            let head = wav(length);
            assert_eq!(duration_ms(&head, head.len() as u64 + sound), expected, "{length} {sound}");
        };
        check(96_000, 96_000, Some(2_000));
        check(0, 96_000, Some(2_000));
        check(u32::MAX, 72_000, Some(1_500));
        check(96_000, 48_000, Some(1_000));
    }

    #[test]
    fn a_broken_wav_has_no_duration() {
        let head = wav(9);
        for end in 0..head.len() {
            assert_eq!(duration_ms(&head[..end], 1_000), None, "{end}");
        }
        assert_eq!(duration_ms(&[b"RIFF\0\0\0\0WAVE".as_slice(), &[0; 4_096]].concat(), 1_000), None);
    }
}
