//! Media types by their first bytes.

/// The type of what begins with `head`, in its registered spelling; only media that may be shown to a browser as what they are.
pub(super) fn sniff(head: &[u8]) -> Option<&'static str> {
    let known = infer::get(head).map(|kind| kind.mime_type()).and_then(registered);
    known.or_else(|| iso(head))
}

/// `infer`'s names that we give out, as IANA has them. Formats that nobody generates and few programs open are left out.
fn registered(name: &'static str) -> Option<&'static str> {
    Some(match name {
        "image/png" | "image/jpeg" | "image/webp" | "image/gif" | "image/avif" | "image/bmp" | "image/tiff" | "image/jxl" => name,
        "image/heif" => "image/heic",
        "video/mp4" | "video/webm" | "video/quicktime" => name,
        "video/x-m4v" => "video/mp4",
        "video/x-matroska" => "video/matroska",
        "audio/mpeg" | "audio/ogg" | "audio/aac" => name,
        "audio/opus" => "audio/ogg",
        "audio/m4a" => "audio/mp4",
        "audio/x-wav" => "audio/wav",
        "audio/x-flac" => "audio/flac",
        _ => return None,
    })
}

/// ISO base media whose brand `infer` does not know: there are hundreds.
fn iso(head: &[u8]) -> Option<&'static str> {
    let brand = head.get(4..12)?.strip_prefix(b"ftyp")?;
    Some(match brand {
        b"qt  " => "video/quicktime",
        b"avif" | b"avis" => "image/avif",
        b"heic" | b"heix" | b"heim" | b"heis" | b"mif1" | b"msf1" => "image/heic",
        b"M4A " | b"M4B " => "audio/mp4",
        _ => "video/mp4",
    })
}

/// The type of sound without a header, of which nothing but what its server says can tell: samples of 16 bits.
pub(super) fn headless(declared: &str) -> Option<&'static str> {
    let name = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(name.as_str(), "audio/pcm" | "audio/l16" | "audio/x-pcm").then_some("audio/pcm")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_told_by_their_first_bytes() {
        let check = |head: &[u8], expected: &str| assert_eq!(sniff(head), Some(expected), "{head:?}");
        check(b"\x89PNG\r\n\x1a\n", "image/png");
        check(b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg");
        check(b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp");
        check(b"RIFF\x24\0\0\0WAVEfmt ", "audio/wav");
        check(b"GIF89a\x01\0", "image/gif");
        check(b"ID3\x04\0\0\0\0", "audio/mpeg");
        check(b"\xff\xfb\x90\x64\0\0\0\0", "audio/mpeg");
        check(b"OggS\0\x02\0\0\0\0\0\0\0\0", "audio/ogg");
        check(b"fLaC\0\0\0\x22", "audio/flac");
        let mut webm = b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm".to_vec();
        webm.resize(300, 0);
        check(&webm, "video/webm");
        for (brand, expected) in [(b"isom", "video/mp4"), (b"zzzz", "video/mp4"), (b"qt  ", "video/quicktime"), (b"avif", "image/avif")] {
            check(&[b"\0\0\0\x20ftyp".as_slice(), brand, b"\0\0\0\0"].concat(), expected);
        }
    }
}
