//! How long a recording is, where that is cheap to tell.

/// Bytes a second of what says nothing of its length: 128 kbit/s, as most music has. Speech has less, and so is not underestimated.
const BYTES_A_SECOND: u64 = 16_000;

/// The length of a recording in milliseconds: by its head if it is WAV or FLAC, else by its size.
#[must_use]
pub fn sound_millis(data: &[u8]) -> u64 {
    let told = match data {
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', chunks @ ..] => wav(chunks),
        [b'f', b'L', b'a', b'C', blocks @ ..] => flac(blocks),
        _other => None,
    };
    told.unwrap_or(data.len() as u64 * 1_000 / BYTES_A_SECOND)
}

/// Chunk by chunk to the data; a length that reaches beyond the file, as streamed files have it, is the file's.
fn wav(chunks: &[u8]) -> Option<u64> {
    let (mut rest, mut bytes_a_second) = (chunks, None);
    loop {
        let (kind, length) = (rest.get(..4)?, u32::from_le_bytes(rest.get(4..8)?.try_into().ok()?));
        let body = rest.get(8..)?;
        match kind {
            b"fmt " => bytes_a_second = Some(u64::from(u32::from_le_bytes(body.get(8..12)?.try_into().ok()?))),
            b"data" => {
                let length = u64::from(length).min(body.len() as u64);
                return (length * 1_000).checked_div(bytes_a_second?);
            }
            _other => {}
        }
        // Chunks begin at even places.
        rest = body.get(usize::try_from(length).ok()?.checked_add(usize::from(length % 2 == 1))?..)?;
    }
}

/// STREAMINFO is the first block (RFC 9639 section 8.2): twenty bits of rate, eight of format, thirty-six of the number of samples.
fn flac(blocks: &[u8]) -> Option<u64> {
    let bits = u64::from_be_bytes(blocks.get(14..22)?.try_into().ok()?);
    let (rate, samples) = (bits >> 44, bits & 0xf_ffff_ffff);
    if samples == 0 { None } else { (samples * 1_000).checked_div(rate) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_told_by_the_head_or_by_the_size() {
        let mut wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\xc0\x5d\0\0\x80\xbb\0\0\x02\0\x10\0LIST\x03\0\0\0abc\0data".to_vec();
        wav.extend_from_slice(&96_000_u32.to_le_bytes());
        assert_eq!(sound_millis(&wav), 0, "not longer than the file");
        wav.resize(wav.len() + 96_000, 0);
        assert_eq!(sound_millis(&wav), 2_000);
        let mut flac = b"fLaC\x80\0\0\x22".to_vec();
        flac.extend_from_slice(&[0; 10]);
        flac.extend_from_slice(&(44_100_u64 << 44 | 88_200).to_be_bytes());
        assert_eq!(sound_millis(&flac), 2_000);
        assert_eq!((sound_millis(&[0; 32_000]), sound_millis(b"RIFF\0\0\0\0WAVE"), sound_millis(b"")), (2_000, 0, 0));
    }
}
