//! Frames of one colour as H.264, a few kilobytes for any size.
//!
//! A key frame's first macroblock has its samples in it; all others are predicted from their neighbours and have nothing to add. Frames
//! between say only that nothing has changed.
//! Source: ITU-T H.264, sections 7.3 (syntax), 9.1 (Exp-Golomb) and 9.2.1 (`coeff_token`).

use easyai_core::media::Pixels;

/// A film's shape: its sides in whole macroblocks, and what of them is cut off.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    columns: u32,
    rows: u32,
    cut_right: u32,
    cut_below: u32,
}

/// A colour: luma and both chromas, none of them zero.
pub(super) type Colour = [u8; 3];

/// Samples of a side of a macroblock.
const BLOCK: u32 = 16;

impl Shape {
    /// Both sides are even.
    pub(super) fn of(size: Pixels) -> Self {
        let (width, height) = (size.width.get(), size.height.get());
        let (columns, rows) = (width.div_ceil(BLOCK), height.div_ceil(BLOCK));
        Self { columns, rows, cut_right: columns * BLOCK - width, cut_below: rows * BLOCK - height }
    }

    /// The sequence's parameters: baseline profile, eight bits of frame number, pictures in the order in which they are shown.
    pub(super) fn sequence(self) -> Vec<u8> {
        let mut bits = Bits::default();
        bits.put(8, 66).put(8, 0xc0).put(8, self.level().into());
        // Id; four more bits of frame number than four; order by frame number; one frame to refer to; without gaps.
        bits.ue(0).ue(4).ue(2).ue(1).put(1, 0);
        bits.ue(self.columns - 1).ue(self.rows - 1).put(2, 0b11);
        if self.cut_right + self.cut_below == 0 {
            bits.put(1, 0);
        } else {
            bits.put(1, 1).ue(0).ue(self.cut_right / 2).ue(0).ue(self.cut_below / 2);
        }
        bits.put(1, 0);
        bits.unit(0x67)
    }

    /// Annex A.3.1, by macroblocks a frame: enough for 24 frames a second.
    const fn level(self) -> u8 {
        match self.columns * self.rows {
            0..1_621 => 30,
            1_621..3_601 => 31,
            3_601..8_193 => 40,
            8_193..22_081 => 50,
            22_081.. => 52,
        }
    }

    /// The pictures' parameters: all as usual.
    pub(super) fn pictures() -> Vec<u8> {
        let mut bits = Bits::default();
        bits.ue(0).ue(0).put(2, 0).ue(0).ue(0).ue(0).put(3, 0).ue(0).ue(0).ue(0).put(3, 0);
        bits.unit(0x68)
    }

    /// A key frame of one colour; neighbours among key frames have different numbers.
    pub(super) fn key_frame(self, colour: Colour, number: u32) -> Vec<u8> {
        let mut bits = Bits::default();
        bits.ue(0).ue(7).ue(0).put(8, 0).ue(number % 2).put(2, 0).ue(0);
        // I_PCM, from the next whole byte on.
        bits.ue(25).align();
        let [luma, blue, red] = colour;
        for (sample, count) in [(luma, 256), (blue, 64), (red, 64)] {
            (0..count).for_each(|_| {
                bits.put(8, sample.into());
            });
        }
        for row in 0..self.rows {
            for column in 0..self.columns {
                match (column, row) {
                    (0, 0) => {}
                    // Predicted by its neighbours' mean, without coefficients. Beside the samples `coeff_token` has its longest code.
                    (1, 0) | (0, 1) => drop(bits.put(7, 0b001_0011).put(6, 0b000_011)),
                    (_, _) => drop(bits.put(8, 0b0010_0111)),
                }
            }
        }
        bits.unit(0x65)
    }

    /// A frame like the one before it, the `number`th after its key frame.
    pub(super) fn same_frame(self, number: u32) -> Vec<u8> {
        let mut bits = Bits::default();
        bits.ue(0).ue(5).ue(0).put(8, (number % 256).into()).put(3, 0).ue(0);
        bits.ue(self.columns * self.rows);
        bits.unit(0x61)
    }
}

/// Bits, the highest first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    held: u64,
    count: u32,
}

impl Bits {
    fn put(&mut self, count: u32, value: u64) -> &mut Self {
        self.held = self.held << count | value;
        self.count += count;
        while self.count >= 8 {
            self.count -= 8;
            self.bytes.push((self.held >> self.count).to_le_bytes()[0]);
        }
        self.held &= (1 << self.count) - 1;
        self
    }

    /// Exp-Golomb.
    fn ue(&mut self, value: u32) -> &mut Self {
        let code = u64::from(value) + 1;
        let length = u64::BITS - code.leading_zeros();
        self.put(length - 1, 0).put(length, code)
    }

    fn align(&mut self) -> &mut Self {
        if self.count > 0 { self.put(8 - self.count, 0) } else { self }
    }

    /// The whole unit: with its head, the stop bit, and a byte between zeros that could be taken for a start code.
    fn unit(mut self, head: u8) -> Vec<u8> {
        self.put(1, 1).align();
        let mut unit = vec![head];
        let mut zeros = 0;
        for byte in self.bytes {
            if zeros == 2 && byte <= 3 {
                unit.push(3);
                zeros = 0;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            unit.push(byte);
        }
        unit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_standard_has_them() {
        let check = |value: u32, expected: u8| {
            let mut bits = Bits::default();
            bits.ue(value).align();
            assert_eq!(bits.bytes, [expected], "{value}");
        };
        check(0, 0b1000_0000);
        check(1, 0b0100_0000);
        check(3, 0b0010_0000);
        check(7, 0b0001_0000);
        let mut zeros = Bits::default();
        zeros.put(32, 1);
        assert_eq!(zeros.unit(0x65), [0x65, 0, 0, 3, 0, 1, 0x80]);
    }
}
