//! A picture out of nothing: a real PNG of the asked size, a few kilobytes, the same for the same seed.
//!
//! Symmetrical cells in colours of the seed. Rows that are like the one above are zeros after PNG's `Up` filter, and runs of a byte are
//! one match of deflate: so the effort goes with the height, not with the area, and no library is needed for it.
//! Source: PNG specification (third edition), RFC 1950, RFC 1951 section 3.2.6 (fixed codes).

use bytes::Bytes;
use easyai_core::media::Pixels;

use super::super::text::next;

/// Cells from side to side.
const CELLS: u32 = 8;

/// Colours of a picture.
const COLOURS: u64 = 4;

/// A picture of this size.
pub(crate) fn picture(size: Pixels, seed: u64) -> Bytes {
    let mut state = seed;
    let palette: Vec<u8> = (0..COLOURS * 3).map(|_| next(&mut state).to_le_bytes()[0]).collect();
    let cells: Vec<u8> = (0..CELLS * CELLS / 2).map(|_| (next(&mut state) % COLOURS).to_le_bytes()[0]).collect();
    let (width, height) = (size.width.get(), size.height.get());
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut head = [width.to_be_bytes(), height.to_be_bytes()].concat();
    // Eight bits, a palette; deflate, the usual filters, not interlaced.
    head.extend_from_slice(&[8, 3, 0, 0, 0]);
    chunk(&mut png, *b"IHDR", &head);
    chunk(&mut png, *b"PLTE", &palette);
    chunk(&mut png, *b"IDAT", &pixels(width, height, &cells));
    chunk(&mut png, *b"IEND", &[]);
    Bytes::from(png)
}

/// The colour of the cell in which a pixel lies; the right half mirrors the left.
fn cell(cells: &[u8], column: u32, row: u32) -> u8 {
    let column = column.min(CELLS - 1 - column);
    cells.get((row * CELLS / 2 + column) as usize).copied().unwrap_or(0)
}

fn pixels(width: u32, height: u32, cells: &[u8]) -> Vec<u8> {
    let mut zlib = Zlib::default();
    let start = |at: u32, side: u32| (u64::from(at) * u64::from(side)).div_ceil(u64::from(CELLS));
    let row_of = |y: u32| (u64::from(y) * u64::from(CELLS) / u64::from(height)) as u32;
    let mut above = None;
    for y in 0..height {
        let row = row_of(y);
        // Filter `Up`.
        zlib.run(2, 1);
        if above == Some(row) {
            zlib.run(0, width.into());
        } else {
            for column in 0..CELLS {
                let length = start(column + 1, width) - start(column, width);
                let before = above.map_or(0, |above| cell(cells, column, above));
                zlib.run(cell(cells, column, row).wrapping_sub(before), length);
            }
        }
        above = Some(row);
    }
    zlib.finish()
}

fn chunk(png: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    png.extend_from_slice(&u32::try_from(data.len()).unwrap_or(0).to_be_bytes());
    let start = png.len();
    png.extend_from_slice(&kind);
    png.extend_from_slice(data);
    let sum = crc(png.get(start..).unwrap_or_default());
    png.extend_from_slice(&sum.to_be_bytes());
}

/// CRC-32 of ISO 3309.
fn crc(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |mut crc, byte| {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
        crc
    })
}

/// The shortest length of each of deflate's codes from 257 on.
const BASE: [u64; 29] = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
/// The bits that follow each.
const EXTRA: [u32; 29] = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];

const MOST_AT_ONCE: u64 = 258;

const ADLER: u64 = 65_521;

/// Runs of bytes, compressed into one block of fixed codes.
struct Zlib {
    out: Vec<u8>,
    bits: u64,
    held: u32,
    sums: (u64, u64),
}

impl Default for Zlib {
    fn default() -> Self {
        let mut zlib = Self { out: vec![0x78, 0x01], bits: 0, held: 0, sums: (1, 0) };
        // The last block, with fixed codes.
        zlib.put(0b011, 3);
        zlib
    }
}

impl Zlib {
    fn put(&mut self, bits: u64, count: u32) {
        self.bits |= bits << self.held;
        self.held += count;
        while self.held >= 8 {
            self.out.push(self.bits.to_le_bytes()[0]);
            self.bits >>= 8;
            self.held -= 8;
        }
    }

    /// Huffman codes begin with their highest bit.
    fn code(&mut self, code: u64, count: u32) {
        self.put(code.reverse_bits() >> (64 - count), count);
    }

    fn symbol(&mut self, symbol: u64) {
        match symbol {
            0..144 => self.code(0x30 + symbol, 8),
            144..256 => self.code(0x190 + symbol - 144, 9),
            256..280 => self.code(symbol - 256, 7),
            280.. => self.code(0xc0 + symbol - 280, 8),
        }
    }

    /// `length` times the same byte.
    fn run(&mut self, byte: u8, length: u64) {
        let (value, (low, high)) = (u64::from(byte), self.sums);
        let triangle = length * (length + 1) / 2 % ADLER;
        self.sums = ((low + value * length) % ADLER, (high + length * low + value * triangle) % ADLER);
        // A match repeats the byte before it; what is too short for one is written out.
        let mut left = length;
        if left > 0 {
            self.symbol(value);
            left -= 1;
        }
        while let Some((index, base)) = BASE.iter().enumerate().rfind(|(_, base)| **base <= left.min(MOST_AT_ONCE)) {
            let extra = EXTRA.get(index).copied().unwrap_or(0);
            let taken = (*base + (1 << extra) - 1).min(left).min(if *base == MOST_AT_ONCE { MOST_AT_ONCE } else { MOST_AT_ONCE - 1 });
            self.symbol(257 + index as u64);
            self.put(taken - base, extra);
            // Distance one.
            self.code(0, 5);
            left -= taken;
        }
        (0..left).for_each(|_| self.symbol(value));
    }

    fn finish(mut self) -> Vec<u8> {
        self.symbol(256);
        let padding = (8 - self.held % 8) % 8;
        self.put(0, padding);
        let (low, high) = self.sums;
        self.out.extend_from_slice(&((high << 16 | low) as u32).to_be_bytes());
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_a_png_of_its_size_and_of_its_seed() {
        let check = |size: &str| {
            let size: Pixels = size.parse().unwrap();
            let png = picture(size, 7);
            assert_eq!((easyai_protocols::media::sniff(&png), easyai_protocols::media::size(&png)), (Some("image/png"), Some(size)));
            assert_eq!((&png, picture(size, 8) != png), (&picture(size, 7), true));
            assert!(png.len() < 1_000 + 32 * size.height.get() as usize, "{size} takes {} bytes", png.len());
        };
        ["1x1", "7x3", "64x64", "1024x1024", "1536x1024", "4096x4096"].into_iter().for_each(check);
        assert_eq!(crc(b"123456789"), 0xcbf4_3926);
    }
}
