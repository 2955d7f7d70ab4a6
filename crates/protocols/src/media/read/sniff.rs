//! What a file is by its first bytes, and how large a picture is.
//!
//! Source: the WHATWG MIME Sniffing standard, section 6, and the formats' own specifications.

use easyai_core::media::Pixels;

/// What is looked at to tell text from what we don't know.
const TEXT_BYTES: usize = 512;

/// The media type by the first bytes; none if they say nothing.
#[must_use]
pub fn sniff(data: &[u8]) -> Option<&'static str> {
    Some(match data {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => "image/png",
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => "image/gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => "audio/wav",
        // Four reserved bytes follow the size.
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => "image/bmp",
        [b'I', b'I', b'*', 0, ..] | [b'M', b'M', 0, b'*', ..] => "image/tiff",
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => of_brand(brand),
        [b'O', b'g', b'g', b'S', ..] => "audio/ogg",
        [b'f', b'L', b'a', b'C', ..] => "audio/flac",
        [b'I', b'D', b'3', ..] => "audio/mpeg",
        // A frame's eleven ones; the layer's two bits tell AAC (none) from MP3.
        [0xff, second, ..] if second & 0xf6 == 0xf0 => "audio/aac",
        [0xff, second, ..] if second & 0xe0 == 0xe0 && second & 0x06 != 0 => "audio/mpeg",
        [0x1a, 0x45, 0xdf, 0xa3, ..] => "video/webm",
        [0, 0, 1, 0xba | 0xb3, ..] => "video/mpeg",
        [b'%', b'P', b'D', b'F', b'-', ..] => "application/pdf",
        [b'P', b'K', 3, 4, ..] => "application/zip",
        [] => return None,
        _ if is_text(data) => "text/plain",
        _ => return None,
    })
}

/// ISO/IEC 14496-12: the brand says what is in it.
fn of_brand(brand: &[u8]) -> &'static str {
    match brand.get(..4).unwrap_or_default() {
        b"heic" | b"heix" | b"hevc" | b"heim" | b"heis" | b"mif1" | b"msf1" => "image/heic",
        b"avif" | b"avis" => "image/avif",
        b"M4A " | b"M4B " => "audio/mp4",
        b"qt  " => "video/quicktime",
        _other => "video/mp4",
    }
}

fn is_text(data: &[u8]) -> bool {
    let start = data.get(..TEXT_BYTES).unwrap_or(data);
    let valid = match std::str::from_utf8(start) {
        Ok(_) => true,
        // The last character may be cut.
        Err(error) => error.error_len().is_none() && error.valid_up_to() > 0,
    };
    valid && !start.iter().any(|byte| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b))
}

/// The size of a picture, where it is cheap to tell: PNG, GIF, BMP, JPEG, and WebP.
#[must_use]
pub fn size(data: &[u8]) -> Option<Pixels> {
    match sniff(data)? {
        "image/png" => Pixels::new(big(data, 16)?, big(data, 20)?),
        "image/gif" => Pixels::new(little16(data, 6)?, little16(data, 8)?),
        "image/bmp" => Pixels::new(little32(data, 18)?, i32::from_le_bytes(four(data, 22)?).unsigned_abs()),
        "image/jpeg" => jpeg(data),
        "image/webp" => webp(data),
        _other => None,
    }
}

fn four(data: &[u8], at: usize) -> Option<[u8; 4]> {
    data.get(at..at.checked_add(4)?)?.try_into().ok()
}

fn big(data: &[u8], at: usize) -> Option<u32> {
    four(data, at).map(u32::from_be_bytes)
}

fn little32(data: &[u8], at: usize) -> Option<u32> {
    four(data, at).map(u32::from_le_bytes)
}

fn little16(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from(u16::from_le_bytes(data.get(at..at.checked_add(2)?)?.try_into().ok()?)))
}

fn big16(data: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_be_bytes(data.get(at..at.checked_add(2)?)?.try_into().ok()?)))
}

/// Segment by segment to the frame's head (ITU T.81, annex B).
fn jpeg(data: &[u8]) -> Option<Pixels> {
    let mut at = 2;
    loop {
        let [0xff, marker] = data.get(at..at + 2)? else { return None };
        match marker {
            // Fill bytes.
            0xff => at += 1,
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                return Pixels::new(u32::try_from(big16(data, at + 7)?).ok()?, u32::try_from(big16(data, at + 5)?).ok()?);
            }
            0xd8 | 0x01 | 0xd0..=0xd7 => at += 2,
            _segment => at += 2 + big16(data, at + 2)?.max(2),
        }
    }
}

/// Google's WebP container specification, and RFC 6386 section 9.1.
fn webp(data: &[u8]) -> Option<Pixels> {
    match data.get(12..16)? {
        b"VP8X" => {
            let side = |at: usize| Some(u32::from_le_bytes([*data.get(at)?, *data.get(at + 1)?, *data.get(at + 2)?, 0]) + 1);
            Pixels::new(side(24)?, side(27)?)
        }
        b"VP8 " => Pixels::new(little16(data, 26)? & 0x3fff, little16(data, 28)? & 0x3fff),
        b"VP8L" => {
            let bits = little32(data, 21)?;
            Pixels::new((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1)
        }
        _other => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_first_bytes() {
        let check = |data: &[u8], expected: Option<&str>| assert_eq!(sniff(data), expected, "{data:?}");
        check(b"\x89PNG\r\n\x1a\n", Some("image/png"));
        check(b"\xff\xd8\xff\xe0", Some("image/jpeg"));
        check(b"RIFF\0\0\0\0WEBPVP8 ", Some("image/webp"));
        check(b"RIFF\0\0\0\0WAVEfmt ", Some("audio/wav"));
        check(b"\0\0\0\x18ftypheic", Some("image/heic"));
        check(b"\0\0\0\x18ftypisom", Some("video/mp4"));
        check(b"\0\0\0\x18ftypM4A ", Some("audio/mp4"));
        check(b"\xff\xfb\x90\x00", Some("audio/mpeg"));
        check(b"\xff\xf1\x50\x80", Some("audio/aac"));
        check(b"BMW is a car", Some("text/plain"));
        check("{\"a\":\"ä".as_bytes(), Some("text/plain"));
        check(b"\xc3", None);
        check(b"", None);
        check(b"\0\0\0\0\0\0", None);
    }

    #[test]
    fn a_picture_tells_its_size() {
        let check = |data: &[u8], expected: &str| assert_eq!(size(data).map(|size| size.to_string()).as_deref(), Some(expected));
        check(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x04\0\0\0\x06\0", "1024x1536");
        check(b"GIF89a\x02\0\x03\0", "2x3");
        check(b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x11\x08\0\x10\0\x20\x03", "32x16");
        check(b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x3f\0\0\x1f\0\0", "64x32");
        let whole = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x11\x08\0\x10\0\x20\x03";
        assert!((0..17).all(|cut| size(&whole[..cut]).is_none()));
    }
}
