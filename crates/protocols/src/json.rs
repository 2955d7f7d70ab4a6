//! One pass over JSON text: checks it, and finds where things lie, without building anything.
//!
//! serde_json checks too, but skipping with it has no depth limit, and reading with it copies every string that holds an escape. Here
//! a body of 100 KB costs a few tens of microseconds. A property test compares the verdicts of both.

mod repair;
pub(crate) mod splice;

use std::borrow::Cow;
use std::ops::Range;

pub use self::repair::repaired;
use crate::tokens::TextSize;

/// Whether bytes of which nobody knows what they are begin as a JSON object does. Sound without a header may begin with its brace too.
#[must_use]
pub fn looks_like_object(data: &[u8]) -> bool {
    let inside = data.trim_ascii_start().strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    inside.is_some_and(|inside| inside.starts_with(b"\"") || inside.starts_with(b"}"))
}

/// Arrays and objects inside one another. Deeper bodies are refused: no API needs them, and parsers behind us may recurse.
pub const MAX_DEPTH: usize = 128;

/// Why text is not JSON that we take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {offset}")]
pub struct JsonError {
    /// What is wrong.
    pub what: &'static str,
    /// Where.
    pub offset: usize,
}

/// Reads through one text.
#[derive(Debug)]
pub struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
}

/// The sort of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl<'a> Scanner<'a> {
    /// Begins at the start of `text`, which the caller has checked to be UTF-8.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self { text: text.as_bytes(), at: 0, depth: 0 }
    }

    /// The sort of the next value.
    ///
    /// # Errors
    /// [`JsonError`] where no value begins.
    pub fn peek(&mut self) -> Result<Sort, JsonError> {
        self.space();
        match self.text.get(self.at) {
            Some(b'{') => Ok(Sort::Object),
            Some(b'[') => Ok(Sort::Array),
            Some(b'"') => Ok(Sort::String),
            Some(b't' | b'f') => Ok(Sort::Bool),
            Some(b'n') => Ok(Sort::Null),
            Some(b'-' | b'0'..=b'9') => Ok(Sort::Number),
            Some(_) => Err(self.error("a value is expected")),
            None => Err(self.error("the text ends where a value is expected")),
        }
    }

    /// Where the next byte lies; after [`Scanner::peek`], where the value begins.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.at
    }

    /// The text at `span`.
    #[must_use]
    pub fn slice(&self, span: &Range<usize>) -> &'a str {
        // Spans lie between ASCII bytes of checked UTF-8.
        self.text.get(span.clone()).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// Passes over one value and says where it lies.
    ///
    /// # Errors
    /// [`JsonError`] if it is not one.
    pub fn skip(&mut self) -> Result<Range<usize>, JsonError> {
        self.measure(&mut Ignore)
    }

    /// Passes over one value, adds the sizes of the texts in it, and says where it lies. Strings that carry data (`data:` URLs) are
    /// no text.
    ///
    /// # Errors
    /// [`JsonError`] if it is not one.
    pub fn measure(&mut self, texts: &mut impl Texts) -> Result<Range<usize>, JsonError> {
        let sort = self.peek()?;
        let start = self.at;
        match sort {
            Sort::Object => self.object(|scanner, _key| scanner.measure(texts).map(drop))?,
            Sort::Array => self.array(|scanner, _index| scanner.measure(texts).map(drop))?,
            Sort::String => {
                let span = self.string()?;
                texts.string(&self.text[span.start + 1..span.end - 1]);
            }
            Sort::Number => self.number()?,
            Sort::Bool | Sort::Null => self.literal()?,
        }
        Ok(start..self.at)
    }

    /// Calls `each` for every member of the object that begins here. `each` must pass over the value.
    ///
    /// # Errors
    /// [`JsonError`], or whatever `each` says.
    pub fn object<E: From<JsonError>>(&mut self, mut each: impl FnMut(&mut Self, Cow<'a, str>) -> Result<(), E>) -> Result<(), E> {
        self.enter(b'{', "an object is expected")?;
        if self.take(b'}') {
            return self.leave();
        }
        loop {
            self.space();
            let span = self.string()?;
            let key = self.unescaped(&span)?;
            if !self.take(b':') {
                return Err(self.error("`:` is expected").into());
            }
            each(self, key)?;
            if self.take(b'}') {
                return self.leave();
            }
            if !self.take(b',') {
                return Err(self.error("`,` or `}` is expected").into());
            }
        }
    }

    /// Calls `each` for every element of the array that begins here. `each` must pass over the value.
    ///
    /// # Errors
    /// [`JsonError`], or whatever `each` says.
    pub fn array<E: From<JsonError>>(&mut self, mut each: impl FnMut(&mut Self, usize) -> Result<(), E>) -> Result<(), E> {
        self.enter(b'[', "an array is expected")?;
        if self.take(b']') {
            return self.leave();
        }
        let mut index = 0;
        loop {
            each(self, index)?;
            index += 1;
            if self.take(b']') {
                return self.leave();
            }
            if !self.take(b',') {
                return Err(self.error("`,` or `]` is expected").into());
            }
        }
    }

    /// Nothing but white space may follow.
    ///
    /// # Errors
    /// [`JsonError`] if something does.
    pub fn end(&mut self) -> Result<(), JsonError> {
        self.space();
        if self.at == self.text.len() { Ok(()) } else { Err(self.error("something follows the JSON value")) }
    }

    /// The value of the string that lies at `span`, quotes included.
    ///
    /// # Errors
    /// [`JsonError`] for escapes that mean no character.
    pub fn unescaped(&self, span: &Range<usize>) -> Result<Cow<'a, str>, JsonError> {
        let quoted = &self.text[span.clone()];
        let bad = JsonError { what: "a string holds an escape that means no character", offset: span.start };
        if memchr::memchr(b'\\', quoted).is_none() {
            let inner = &quoted[1..quoted.len() - 1];
            return std::str::from_utf8(inner).map(Cow::Borrowed).map_err(|_| bad);
        }
        serde_json::from_slice::<String>(quoted).map(Cow::Owned).map_err(|_| bad)
    }

    fn enter(&mut self, open: u8, what: &'static str) -> Result<(), JsonError> {
        if !self.take(open) {
            return Err(self.error(what));
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(self.error("arrays and objects lie more than 128 deep inside one another")) } else { Ok(()) }
    }

    fn leave<E>(&mut self) -> Result<(), E> {
        self.depth -= 1;
        Ok(())
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.text.get(self.at) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        self.space();
        let here = self.text.get(self.at) == Some(&byte);
        self.at += usize::from(here);
        here
    }

    fn string(&mut self) -> Result<Range<usize>, JsonError> {
        let start = self.at;
        if self.text.get(self.at) != Some(&b'"') {
            return Err(self.error("a string is expected"));
        }
        self.at += 1;
        loop {
            let rest = &self.text[self.at..];
            let Some(length) = memchr::memchr2(b'"', b'\\', rest) else {
                return Err(JsonError { what: "a string does not end", offset: start });
            };
            if holds_control(&rest[..length]) {
                return Err(self.error("a string holds a bare control character"));
            }
            self.at += length;
            if rest[length] == b'"' {
                self.at += 1;
                return Ok(start..self.at);
            }
            self.escape()?;
        }
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        let length = match self.text.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') if self.text.get(self.at + 2..self.at + 6).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) => 6,
            Some(_) | None => return Err(self.error("a string holds an unknown escape")),
        };
        self.at += length;
        Ok(())
    }

    fn number(&mut self) -> Result<(), JsonError> {
        self.at += usize::from(self.text.get(self.at) == Some(&b'-'));
        let leading_zero = self.text.get(self.at) == Some(&b'0');
        if self.digits()? > 1 && leading_zero {
            return Err(self.error("a number begins with a zero"));
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            self.at += 1;
            self.at += usize::from(matches!(self.text.get(self.at), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<usize, JsonError> {
        let count = self.text[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(self.error("a digit is expected")) } else { Ok(count) }
    }

    fn literal(&mut self) -> Result<(), JsonError> {
        let rest = &self.text[self.at..];
        let word = ["true", "false", "null"].into_iter().find(|word| rest.starts_with(word.as_bytes()));
        let word = word.ok_or_else(|| self.error("a value is expected"))?;
        self.at += word.len();
        Ok(())
    }

    const fn error(&self, what: &'static str) -> JsonError {
        JsonError { what, offset: self.at }
    }
}

/// Without an early exit, so that the compiler makes vector code of it: this looks at every byte of a body.
fn holds_control(text: &[u8]) -> bool {
    text.chunks(CHUNK).any(|chunk| chunk.iter().fold(0, |seen, byte| seen | u8::from(*byte < 0x20)) != 0)
}

/// Bytes that are looked at in one go.
const CHUNK: usize = 256;

/// Is told of every string that is passed over, without its quotes and with its escapes.
pub trait Texts {
    /// A string.
    fn string(&mut self, raw: &[u8]);
}

struct Ignore;

impl Texts for Ignore {
    fn string(&mut self, _raw: &[u8]) {}
}

impl Texts for TextSize {
    fn string(&mut self, raw: &[u8]) {
        if !raw.starts_with(b"data:") {
            self.add(raw);
        }
    }
}

#[cfg(test)]
mod tests;
