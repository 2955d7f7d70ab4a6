//! What bytes are, told from themselves while they pass: type, width and height, duration. What their server says is not believed.
//!
//! Only the beginning is kept, and of an MP4 two small boxes wherever they are. What can't be read is left open; nothing here fails.

mod mp4;
mod sniff;
mod wav;

use self::mp4::Mp4;

easyai_core::words! {
    /// The sort of medium.
    pub enum MediaClass as "class of media" {
        /// A picture.
        Image = "image",
        /// Moving pictures.
        Video = "video",
        /// Sound.
        Audio = "audio",
    }
}

impl MediaClass {
    /// The class of a media type (`image/png`).
    #[must_use]
    pub fn of(media_type: &str) -> Option<Self> {
        media_type.split_once('/').and_then(|(class, _)| class.parse().ok())
    }
}

/// What is kept of the beginning. A JPEG's size comes after its profile and preview, which may be large.
const HEAD_BYTES: usize = 256 << 10;

/// By then any type has shown itself.
const TYPE_BYTES: usize = 4 << 10;

/// What was found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) media_type: &'static str,
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
    pub(super) duration_ms: Option<u64>,
}

/// Looks at bytes as they pass.
#[derive(Debug)]
pub(super) struct Probe {
    head: Vec<u8>,
    declared: Option<&'static str>,
    mp4: Mp4,
}

impl Probe {
    /// `declared` is what the server of the bytes says they are.
    pub(super) fn new(declared: Option<&str>) -> Self {
        Self { head: Vec::new(), declared: declared.and_then(sniff::headless), mp4: Mp4::default() }
    }

    /// Takes the next bytes; true once, when the type has shown itself.
    pub(super) fn push(&mut self, piece: &[u8]) -> bool {
        let before = self.head.len();
        let room = HEAD_BYTES.saturating_sub(before).min(piece.len());
        self.head.extend_from_slice(&piece[..room]);
        self.mp4.push(piece);
        before < TYPE_BYTES && self.head.len() >= TYPE_BYTES
    }

    /// What the bytes are, `application/octet-stream` if they are nothing that is known.
    pub(super) fn media_type(&self) -> &'static str {
        sniff::sniff(&self.head).or(self.declared).unwrap_or("application/octet-stream")
    }

    /// All that was found out of `size` bytes.
    pub(super) fn facts(&self, size: u64) -> Facts {
        let media_type = self.media_type();
        let found = |(width, height), duration_ms| Facts { media_type, width, height, duration_ms };
        match MediaClass::of(media_type) {
            Some(MediaClass::Image) => found(image_size(&self.head), None),
            Some(MediaClass::Audio) if media_type == "audio/wav" => found((None, None), wav::duration_ms(&self.head, size)),
            Some(MediaClass::Video | MediaClass::Audio) => found(self.mp4.size().unzip(), self.mp4.duration_ms()),
            None => found((None, None), None),
        }
    }
}

fn image_size(head: &[u8]) -> (Option<u32>, Option<u32>) {
    let Ok(size) = imagesize::blob_size(head) else { return (None, None) };
    (u32::try_from(size.width).ok(), u32::try_from(size.height).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(bytes: &[u8], piece: usize) -> Facts {
        let mut probe = Probe::new(Some("text/html"));
        bytes.chunks(piece).for_each(|piece| {
            probe.push(piece);
        });
        probe.facts(bytes.len() as u64)
    }

    #[test]
    fn a_picture_tells_its_size() {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        png.extend([0, 0, 4, 0, 0, 0, 3, 0, 8, 2, 0, 0, 0]);
        png.resize(5_000, 0);
        for piece in [1, 7, 5_000] {
            let expected = Facts { media_type: "image/png", width: Some(1024), height: Some(768), duration_ms: None };
            assert_eq!(facts(&png, piece), expected, "{piece}");
        }
    }

    #[test]
    fn what_is_nothing_known_is_plain_bytes_whatever_its_server_says() {
        for bytes in [b"<html><script>alert(1)</script>".as_slice(), b"{}", b"%PDF-1.7", b"\x7fELF", b"<svg/>", b""] {
            let expected = Facts { media_type: "application/octet-stream", width: None, height: None, duration_ms: None };
            assert_eq!(facts(bytes, 3), expected);
        }
    }

    #[test]
    fn sound_without_a_header_is_what_its_server_says() {
        let declared = |declared: &str| Probe::new(Some(declared)).media_type();
        assert_eq!(declared("audio/L16;codec=pcm;rate=24000"), "audio/pcm");
        assert_eq!(declared("audio/mpeg"), "application/octet-stream");
    }

    #[test]
    fn the_type_shows_itself_once() {
        let mut probe = Probe::new(None);
        assert_eq!([4_000, 96, 10_000].map(|bytes| probe.push(&vec![0; bytes])), [false, true, false]);
        assert_eq!(MediaClass::of("video/mp4"), Some(MediaClass::Video));
        assert_eq!(MediaClass::of("application/json"), None);
    }
}
