//! A film out of nothing: an MP4 of the asked size and length that players open, its colours of the seed.
//!
//! Source: ISO/IEC 14496-12 (boxes) and 14496-15 (`avcC`).

use bytes::Bytes;
use easyai_core::media::Pixels;

use super::super::text::next;
use super::h264::Shape;

/// Frames a second.
const RATE: u32 = 24;

/// Key frames, each with a colour of its own: more seconds than these share one.
const MAX_COLOURS: u32 = 12;

/// The longest side: what level 5.2 decodes.
const MAX_SIDE: u32 = 4_096;

/// The longest film in seconds.
const MAX_SECONDS: u32 = 120;

/// The size of the film that is made for a size that was asked for: even, and none that no player opens.
pub(super) fn film_size(asked: Pixels) -> Pixels {
    let side = |side: u32| (side.clamp(2, MAX_SIDE)) & !1;
    Pixels::new(side(asked.width.get()), side(asked.height.get())).unwrap_or(asked)
}

/// A film of this size and length.
pub(super) fn film(size: Pixels, seconds: u32, seed: u64) -> Bytes {
    let (size, seconds) = (film_size(size), seconds.clamp(1, MAX_SECONDS));
    let shape = Shape::of(size);
    let frames = frames(shape, seconds, seed);
    let head = joined(&[b"isom", &512_u32.to_be_bytes(), b"isomiso2avc1mp41"]);
    let mut film = boxed(b"ftyp", &[&head]);
    // Where the frames begin is known once the length of what stands before them is.
    let length = movie(size, shape, seconds, &frames, 0).len();
    let begin = u32::try_from(film.len() + length + 8).unwrap_or(0);
    film.extend(movie(size, shape, seconds, &frames, begin));
    let data: Vec<&[u8]> = frames.iter().map(|frame| frame.data.as_slice()).collect();
    film.extend(boxed(b"mdat", &data));
    Bytes::from(film)
}

struct Frame {
    data: Vec<u8>,
    is_key: bool,
}

fn frames(shape: Shape, seconds: u32, seed: u64) -> Vec<Frame> {
    let mut state = seed;
    let stretch = seconds.div_ceil(MAX_COLOURS) * RATE;
    let frame = |at: u32| {
        let is_key = at.is_multiple_of(stretch);
        let unit = if is_key {
            // From 32 to 223: within what every player shows, and never zero.
            let colour = [0; 3].map(|_: u8| 32 + (next(&mut state) % 192).to_le_bytes()[0]);
            shape.key_frame(colour, at / stretch)
        } else {
            shape.same_frame(at % stretch)
        };
        let length = u32::try_from(unit.len()).unwrap_or(0).to_be_bytes();
        Frame { data: joined(&[&length, &unit]), is_key }
    };
    (0..seconds * RATE).map(frame).collect()
}

fn movie(size: Pixels, shape: Shape, seconds: u32, frames: &[Frame], begin: u32) -> Vec<u8> {
    let matrix = numbers(&[0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000]);
    let millis = seconds * 1_000;
    // Times, timescale, length; rate, volume; the next track.
    let header = boxed(
        b"mvhd",
        &[&numbers(&[0, 0, 0, 1_000, millis, 0x1_0000]), &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0], &matrix, &[0; 24], &numbers(&[2])],
    );
    let sides = numbers(&[size.width.get() << 16, size.height.get() << 16]);
    // Enabled and in the movie.
    let track = boxed(b"tkhd", &[&numbers(&[3, 0, 0, 1, 0, millis, 0, 0, 0, 0]), &matrix, &sides]);
    let media = boxed(b"mdhd", &[&numbers(&[0, 0, 0, RATE, seconds * RATE]), &[0x55, 0xc4, 0, 0]]);
    let handler = boxed(b"hdlr", &[&numbers(&[0, 0]), b"vide", &[0; 12], b"simulation\0"]);
    let video = boxed(b"vmhd", &[&numbers(&[1]), &[0; 8]]);
    let here = boxed(b"dinf", &[&boxed(b"dref", &[&numbers(&[0, 1]), &boxed(b"url ", &[&numbers(&[1])])])]);
    let information = boxed(b"minf", &[&video, &here, &table(size, shape, frames, begin)]);
    let media = boxed(b"mdia", &[&media, &handler, &information]);
    boxed(b"moov", &[&header, &boxed(b"trak", &[&track, &media])])
}

/// Where each frame lies, how long it is shown, and how it is decoded.
fn table(size: Pixels, shape: Shape, frames: &[Frame], begin: u32) -> Vec<u8> {
    let count = u32::try_from(frames.len()).unwrap_or(0);
    let sizes: Vec<u32> = frames.iter().map(|frame| u32::try_from(frame.data.len()).unwrap_or(0)).collect();
    let keys: Vec<u32> = (1..).zip(frames).filter(|(_, frame)| frame.is_key).map(|(number, _)| number).collect();
    let description = boxed(b"stsd", &[&numbers(&[0, 1]), &sample_entry(size, shape)]);
    let times = boxed(b"stts", &[&numbers(&[0, 1, count, 1])]);
    let sync = boxed(b"stss", &[&numbers(&[0, u32::try_from(keys.len()).unwrap_or(0)]), &numbers(&keys)]);
    // All of them in one chunk.
    let chunks = boxed(b"stsc", &[&numbers(&[0, 1, 1, count, 1])]);
    let lengths = boxed(b"stsz", &[&numbers(&[0, 0, count]), &numbers(&sizes)]);
    let offset = boxed(b"stco", &[&numbers(&[0, 1, begin])]);
    boxed(b"stbl", &[&description, &times, &sync, &chunks, &lengths, &offset])
}

fn sample_entry(size: Pixels, shape: Shape) -> Vec<u8> {
    let side = |side: u32| u16::try_from(side).unwrap_or(u16::MAX).to_be_bytes();
    let (sequence, pictures) = (shape.sequence(), Shape::pictures());
    let profile = sequence.get(1..4).unwrap_or_default();
    let length = |unit: &[u8]| u16::try_from(unit.len()).unwrap_or(0).to_be_bytes();
    // Lengths of four bytes; one set of each kind.
    let configuration = boxed(b"avcC", &[&[1], profile, &[0xff, 0xe1], &length(&sequence), &sequence, &[1], &length(&pictures), &pictures]);
    let resolution = numbers(&[0x48_0000, 0x48_0000, 0]);
    boxed(
        b"avc1",
        &[
            &[0, 0, 0, 0, 0, 0, 0, 1],
            &[0; 16],
            &side(size.width.get()),
            &side(size.height.get()),
            &resolution,
            &[0, 1],
            &[0; 32],
            &[0, 0x18, 0xff, 0xff],
            &configuration,
        ],
    )
}

fn numbers(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

fn joined(pieces: &[&[u8]]) -> Vec<u8> {
    pieces.concat()
}

fn boxed(kind: &[u8; 4], pieces: &[&[u8]]) -> Vec<u8> {
    let length = 8 + pieces.iter().map(|piece| piece.len()).sum::<usize>();
    let mut whole = u32::try_from(length).unwrap_or(0).to_be_bytes().to_vec();
    whole.extend_from_slice(kind);
    pieces.iter().for_each(|piece| whole.extend_from_slice(piece));
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_film_is_an_mp4_of_its_seed() {
        let size: Pixels = "1280x720".parse().unwrap();
        let whole = film(size, 4, 7);
        assert_eq!(easyai_protocols::media::sniff(&whole), Some("video/mp4"));
        assert!(whole.len() < 40_000, "{} bytes", whole.len());
        assert_eq!((&whole, film(size, 4, 8) != whole), (&film(size, 4, 7), true));
        // Boxes fill it without a gap.
        let mut at = 0;
        while at < whole.len() {
            at += u32::from_be_bytes(whole[at..at + 4].try_into().unwrap()) as usize;
        }
        assert_eq!(at, whole.len());
    }
}
