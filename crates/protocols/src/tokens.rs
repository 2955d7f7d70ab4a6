//! A quick estimate of tokens, by script. Only for what must be known before the call and may be wrong: the upstream's usage, or an
//! exact count, replaces it.

/// Bytes of ASCII text for one token: English prose and code have about four.
const ASCII_BYTES_A_TOKEN: u64 = 4;

/// What was seen of a text, in the two classes that tokenizers treat so differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TextSize {
    ascii_bytes: u64,
    other_chars: u64,
}

impl TextSize {
    /// No text.
    pub const NOTHING: Self = Self { ascii_bytes: 0, other_chars: 0 };

    /// Adds a piece of text. Pieces may be cut anywhere.
    pub fn add(&mut self, text: &[u8]) {
        // Most text has no other script, and that is seen at many bytes a cycle.
        if text.is_ascii() {
            self.ascii_bytes += text.len() as u64;
            return;
        }
        let other = count(text, |byte| byte >= 0x80);
        self.ascii_bytes += text.len() as u64 - other;
        self.other_chars += count(text, |byte| byte >= 0xC0);
    }

    /// Adds what was seen of another text.
    pub const fn join(&mut self, other: Self) {
        self.ascii_bytes += other.ascii_bytes;
        self.other_chars += other.other_chars;
    }

    /// The estimate: four ASCII characters or one and a half others for a token, rounded up.
    #[must_use]
    pub const fn tokens(self) -> u64 {
        self.ascii_bytes.div_ceil(ASCII_BYTES_A_TOKEN) + (self.other_chars * 2).div_ceil(3)
    }
}

/// Sums of bytes in small chunks, which the compiler makes vector code of.
fn count(text: &[u8], wanted: impl Fn(u8) -> bool) -> u64 {
    text.chunks(255).map(|chunk| u64::from(chunk.iter().map(|byte| u8::from(wanted(*byte))).sum::<u8>())).sum()
}

/// The estimate of one text.
#[must_use]
pub fn estimate(text: &str) -> u64 {
    let mut size = TextSize::default();
    size.add(text.as_bytes());
    size.tokens()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_weigh_differently() {
        assert_eq!(estimate(""), 0);
        assert_eq!(estimate("12345678"), 2);
        assert_eq!(estimate("你好世"), 2);
        assert_eq!(estimate("a"), 1);
    }
}
