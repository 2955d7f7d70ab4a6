//! An MP4's duration and size, from two boxes that may stand before or after gigabytes of pictures: read as the bytes pass.
//!
//! ```text
//! moov ─┬─ mvhd   time scale, duration
//!       └─ trak ── tkhd   width, height (of the first track that has any)
//! ```
//! Everything else is skipped without being kept. Boxes that contradict themselves, or too many of them, end the reading.
//!
//! Source: ISO/IEC 14496-12, 4.2 (boxes), 8.2.2 (mvhd), 8.3.2 (tkhd).

/// Boxes at the places that are read. A film has a few dozen; a fragmented one a few for each second.
const MAX_BOXES: u32 = 65_536;

/// What is kept of a box that is read: all that is needed of either lies before this.
const KEPT: usize = 100;

/// Reads an MP4 as it passes.
#[derive(Debug, Default)]
pub(super) struct Mp4 {
    state: State,
    boxes: u32,
    /// Units a second, and how many.
    duration: Option<(u32, u64)>,
    size: Option<(u32, u32)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Film,
    Track,
}

#[derive(Debug)]
enum State {
    /// In a box's head.
    Head { bytes: [u8; 16], have: usize },
    /// In a box that is read, of which `left` bytes come after those that are kept.
    Box { sort: Sort, bytes: Vec<u8>, keep: usize, left: u64 },
    /// In a box that is not.
    Skip(u64),
    /// This is no MP4, or not one that we go on with.
    Over,
}

impl Default for State {
    fn default() -> Self {
        Self::Head { bytes: [0; 16], have: 0 }
    }
}

impl Mp4 {
    /// How long it plays.
    pub(super) fn duration_ms(&self) -> Option<u64> {
        let (scale, units) = self.duration?;
        // Fragmented films write none, or all ones, for "not known".
        (units > 0 && units < u64::from(u32::MAX)).then(|| units.saturating_mul(1_000).checked_div(u64::from(scale)))?
    }

    /// Width and height in pixels.
    pub(super) const fn size(&self) -> Option<(u32, u32)> {
        self.size
    }

    /// Takes the next bytes.
    pub(super) fn push(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            piece = match std::mem::replace(&mut self.state, State::Over) {
                State::Over => return,
                State::Skip(left) => self.skip(left, piece),
                State::Head { bytes, have } => self.head(bytes, have, piece),
                State::Box { sort, bytes, keep, left } => self.keep(sort, bytes, keep, left, piece),
            };
        }
    }

    fn skip<'a>(&mut self, left: u64, piece: &'a [u8]) -> &'a [u8] {
        let here = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
        let left = left - here as u64;
        self.state = if left == 0 { State::default() } else { State::Skip(left) };
        &piece[here..]
    }

    fn head<'a>(&mut self, mut bytes: [u8; 16], have: usize, piece: &'a [u8]) -> &'a [u8] {
        bytes[have] = piece[0];
        let have = have + 1;
        let (length, name) = (u32_at(&bytes, 0), &bytes[4..8]);
        // A length of 1 is followed by the real one, of 64 bits.
        let head = if have >= 4 && length == 1 { 16 } else { 8 };
        if have < head {
            self.state = State::Head { bytes, have };
            return &piece[1..];
        }
        self.boxes += 1;
        let length = if head == 16 { u64_at(&bytes, 8) } else { u64::from(length) };
        // A length of 0 reaches to the end.
        let body = if length == 0 { Some(u64::MAX) } else { length.checked_sub(head as u64) };
        self.state = match body {
            None => State::Over,
            Some(_) if self.boxes > MAX_BOXES => State::Over,
            Some(body) => Self::begin(name, body),
        };
        &piece[1..]
    }

    fn begin(name: &[u8], body: u64) -> State {
        let sort = match name {
            // What is inside these is read box by box.
            b"moov" | b"trak" => return State::default(),
            b"mvhd" => Sort::Film,
            b"tkhd" => Sort::Track,
            _ => return if body == 0 { State::default() } else { State::Skip(body) },
        };
        let keep = usize::try_from(body).unwrap_or(KEPT).min(KEPT);
        if keep == 0 { State::default() } else { State::Box { sort, bytes: Vec::with_capacity(keep), keep, left: body - keep as u64 } }
    }

    fn keep<'a>(&mut self, sort: Sort, mut bytes: Vec<u8>, keep: usize, left: u64, piece: &'a [u8]) -> &'a [u8] {
        let here = (keep - bytes.len()).min(piece.len());
        bytes.extend_from_slice(&piece[..here]);
        self.state = if bytes.len() < keep {
            State::Box { sort, bytes, keep, left }
        } else {
            self.read(sort, &bytes);
            if left == 0 { State::default() } else { State::Skip(left) }
        };
        &piece[here..]
    }

    fn read(&mut self, sort: Sort, bytes: &[u8]) {
        let long = bytes.first() == Some(&1);
        match sort {
            Sort::Film if self.duration.is_none() => {
                let (scale, units) = if long { (20, 24) } else { (12, 16) };
                let end = units + if long { 8 } else { 4 };
                if bytes.len() >= end {
                    self.duration = Some((u32_at(bytes, scale), if long { u64_at(bytes, units) } else { u64::from(u32_at(bytes, units)) }));
                }
            }
            Sort::Track if self.size.is_none() => {
                let at = if long { 88 } else { 76 };
                if bytes.len() >= at + 8 {
                    // Fixed point, 16.16.
                    let (width, height) = (u32_at(bytes, at) >> 16, u32_at(bytes, at + 4) >> 16);
                    self.size = (width > 0 && height > 0).then_some((width, height));
                }
            }
            Sort::Film | Sort::Track => {}
        }
    }
}

/// The number at a place that is there.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&u32::try_from(body.len() + 8).unwrap().to_be_bytes(), name.as_slice(), body].concat()
    }

    fn mvhd(scale: u32, units: u32) -> Vec<u8> {
        let mut body = vec![0; 12];
        body.extend(scale.to_be_bytes());
        body.extend(units.to_be_bytes());
        body.resize(100, 0);
        boxed(b"mvhd", &body)
    }

    fn trak(width: u32, height: u32) -> Vec<u8> {
        let mut body = vec![0; 76];
        body.extend((width << 16).to_be_bytes());
        body.extend((height << 16).to_be_bytes());
        boxed(b"trak", &[boxed(b"tkhd", &body), boxed(b"mdia", &[7; 40])].concat())
    }

    fn read(film: &[u8], piece: usize) -> (Option<u64>, Option<(u32, u32)>) {
        let mut mp4 = Mp4::default();
        film.chunks(piece).for_each(|piece| mp4.push(piece));
        (mp4.duration_ms(), mp4.size())
    }

    fn film() -> Vec<u8> {
        let sound_then_pictures = [mvhd(1_000, 5_250), trak(0, 0), trak(1280, 720)].concat();
        let mut large = vec![0, 0, 0, 1];
        large.extend(b"mdat");
        large.extend(5_016_u64.to_be_bytes());
        large.extend(vec![0xff; 5_000]);
        [boxed(b"ftyp", b"isom\0\0\0\0"), large, boxed(b"free", b""), boxed(b"moov", &sound_then_pictures)].concat()
    }

    #[test]
    fn a_film_tells_its_length_and_size_however_it_comes() {
        for piece in [1, 2, 13, 1_000, 100_000] {
            assert_eq!(read(&film(), piece), (Some(5_250), Some((1280, 720))), "{piece}");
        }
    }

    #[test]
    fn a_film_of_version_1_has_longer_fields() {
        let mut body = vec![1];
        body.resize(20, 0);
        body.extend(90_000_u32.to_be_bytes());
        body.extend(180_000_u64.to_be_bytes());
        assert_eq!(read(&boxed(b"moov", &boxed(b"mvhd", &body)), 9), (Some(2_000), None));
    }

    #[test]
    fn what_is_not_known_is_left_open() {
        assert_eq!(read(&mvhd(1_000, 0), 50), (None, None));
        assert_eq!(read(&mvhd(1_000, u32::MAX), 50), (None, None));
        assert_eq!(read(&mvhd(0, 5), 50), (None, None));
        for garbage in [b"<html><body>".as_slice(), b"\0\0\0\x04mdat", &[0; 64], &[0xff; 64]] {
            assert_eq!(read(garbage, 5), (None, None));
        }
        let mut many = boxed(b"free", b"").repeat(MAX_BOXES as usize + 1);
        many.extend(film());
        assert_eq!(read(&many, 4_096), (None, None));
        for end in 0..film().len() - 1 {
            read(&film()[..end], 64);
        }
    }
}
