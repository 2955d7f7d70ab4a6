//! WAV around raw samples.

use bytes::{BufMut, Bytes, BytesMut};

/// What stands before the samples.
pub(crate) const HEADER_BYTES: usize = 44;

/// 16-bit mono samples, little-endian, as a WAV file. `hertz` is the sample rate.
#[must_use]
pub fn wave(samples: &[u8], hertz: u32) -> Bytes {
    // More than 4 GB can't be told in this header, and can't come in one answer either.
    let length = u32::try_from(samples.len()).unwrap_or(u32::MAX);
    let mut file = BytesMut::with_capacity(samples.len() + HEADER_BYTES);
    file.put_slice(b"RIFF");
    file.put_u32_le(length.saturating_add(36));
    file.put_slice(b"WAVEfmt ");
    file.put_u32_le(16);
    // Uncompressed, one channel.
    file.put_u16_le(1);
    file.put_u16_le(1);
    file.put_u32_le(hertz);
    file.put_u32_le(hertz.saturating_mul(2));
    file.put_u16_le(2);
    file.put_u16_le(16);
    file.put_slice(b"data");
    file.put_u32_le(length);
    file.put_slice(samples);
    file.freeze()
}

/// The length in milliseconds of a WAV file by its header; none if it is no such file.
pub(crate) fn wave_millis(file: &[u8]) -> Option<u64> {
    let (head, body) = file.split_at_checked(HEADER_BYTES)?;
    if !head.starts_with(b"RIFF") {
        return None;
    }
    let bytes_a_second = u32::from_le_bytes(head.get(28..32)?.try_into().ok()?);
    (body.len() as u64).checked_mul(1_000)?.checked_div(u64::from(bytes_a_second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_how_long_its_samples_are() {
        let file = wave(&vec![0; 48_000], 24_000);
        assert_eq!(file.len(), 48_044);
        assert_eq!(&file[..4], b"RIFF");
        assert_eq!(&file[36..44], b"data\x80\xbb\0\0");
        assert_eq!(wave_millis(&file), Some(1_000));
        for bad in [b"RIFF".as_slice(), &[0; 60], b""] {
            assert_eq!(wave_millis(bad), None);
        }
    }
}
