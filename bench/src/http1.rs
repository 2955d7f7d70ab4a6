//! The little of HTTP/1.1 that both ends here need: a head, and a body that is sized or chunked.
//!
//! Pure: bytes in, values out. Written by hand so that the mock and the load client, which share a core in benchmarks,
//! cost little beside what they measure.

/// No head of ours or of a caller we test is longer; a longer one is refused.
pub const MAX_HEAD_BYTES: usize = 64 * 1024;

/// A size line of a chunked body, or a trailer, is never longer than this.
const MAX_LINE_BYTES: usize = 8 * 1024;

/// What can't be read as HTTP/1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadHttp {
    /// The head is longer than [`MAX_HEAD_BYTES`], or isn't text, or has no proper first line.
    #[error("the head is malformed")]
    Head,
    /// `content-length` isn't a number.
    #[error("content-length is not a number")]
    Length,
    /// A chunk's size line or its end is malformed.
    #[error("the chunked body is malformed")]
    Chunk,
}

/// A request's or an answer's first line and header lines, borrowed from the buffer they were read into.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// `POST /v1/chat/completions HTTP/1.1` or `HTTP/1.1 200 OK`.
    pub first_line: &'a str,
    lines: &'a str,
    /// Bytes of the head including its blank line: where the body begins.
    pub length: usize,
}

/// How the end of a body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFraming {
    /// So many bytes.
    Length(usize),
    /// `transfer-encoding: chunked`.
    Chunked,
    /// Neither was said: no body in a request, up to the end of the connection in an answer.
    Unsaid,
}

impl<'a> Head<'a> {
    /// The head at the start of `buffer`, or `None` while it isn't complete.
    ///
    /// # Errors
    /// [`BadHttp::Head`] when it never will be.
    pub fn parse(buffer: &'a [u8]) -> Result<Option<Self>, BadHttp> {
        let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else {
            return if buffer.len() > MAX_HEAD_BYTES { Err(BadHttp::Head) } else { Ok(None) };
        };
        let text = std::str::from_utf8(&buffer[..end]).map_err(|_| BadHttp::Head)?;
        let (first_line, lines) = text.split_once("\r\n").unwrap_or((text, ""));
        Ok(Some(Self { first_line, lines, length: end + 4 }))
    }

    /// All header lines in order, values trimmed.
    pub fn headers(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.lines.split("\r\n").filter_map(|line| line.split_once(':')).map(|(name, value)| (name, value.trim()))
    }

    /// The first header of this name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// How the body that follows is framed.
    ///
    /// # Errors
    /// [`BadHttp::Length`].
    pub fn body_framing(&self) -> Result<BodyFraming, BadHttp> {
        for (name, value) in self.headers() {
            if name.eq_ignore_ascii_case("transfer-encoding") && value.eq_ignore_ascii_case("chunked") {
                return Ok(BodyFraming::Chunked);
            }
            if name.eq_ignore_ascii_case("content-length") {
                return value.parse().map(BodyFraming::Length).map_err(|_| BadHttp::Length);
            }
        }
        Ok(BodyFraming::Unsaid)
    }

    /// The status of an answer.
    ///
    /// # Errors
    /// [`BadHttp::Head`] when the first line isn't that of an HTTP/1 answer.
    pub fn status(&self) -> Result<u16, BadHttp> {
        let rest = self.first_line.strip_prefix("HTTP/1.").ok_or(BadHttp::Head)?;
        rest.get(2..5).and_then(|digits| digits.parse().ok()).ok_or(BadHttp::Head)
    }

    /// Whether the other side closes the connection after this message.
    pub fn closes(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// Takes a chunked body apart as it comes, cut anywhere.
#[derive(Debug, Default)]
pub struct Dechunker {
    state: Chunk,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Chunk {
    #[default]
    Size,
    Data(usize),
    AfterData,
    Trailer,
    Done,
}

impl Dechunker {
    /// Whether the terminating chunk has been read.
    pub fn is_done(&self) -> bool {
        self.state == Chunk::Done
    }

    /// Appends to `out` what `input` carries and says how many bytes of it were used: all of a chunk's data, but of a size
    /// line only if it is complete, and nothing after the end of the body.
    ///
    /// # Errors
    /// [`BadHttp::Chunk`].
    pub fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<usize, BadHttp> {
        let mut rest = input;
        loop {
            match self.state {
                Chunk::Size => {
                    let Some((line, after)) = split_line(rest)? else { break };
                    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
                    let digits = std::str::from_utf8(digits).map_err(|_| BadHttp::Chunk)?;
                    let size = usize::from_str_radix(digits, 16).map_err(|_| BadHttp::Chunk)?;
                    self.state = if size == 0 { Chunk::Trailer } else { Chunk::Data(size) };
                    rest = after;
                }
                Chunk::Data(size) => {
                    if rest.is_empty() {
                        break;
                    }
                    let (data, after) = rest.split_at(size.min(rest.len()));
                    out.extend_from_slice(data);
                    self.state = if data.len() == size { Chunk::AfterData } else { Chunk::Data(size - data.len()) };
                    rest = after;
                }
                Chunk::AfterData => {
                    let Some((line, after)) = split_line(rest)? else { break };
                    if !line.is_empty() {
                        return Err(BadHttp::Chunk);
                    }
                    self.state = Chunk::Size;
                    rest = after;
                }
                Chunk::Trailer => {
                    let Some((line, after)) = split_line(rest)? else { break };
                    if line.is_empty() {
                        self.state = Chunk::Done;
                    }
                    rest = after;
                }
                Chunk::Done => break,
            }
        }
        Ok(input.len() - rest.len())
    }
}

/// A line and what follows it.
type Line<'a> = (&'a [u8], &'a [u8]);

/// The first line without its CRLF, and what follows it; `None` while it isn't complete.
fn split_line(input: &[u8]) -> Result<Option<Line<'_>>, BadHttp> {
    let Some(end) = input.iter().take(MAX_LINE_BYTES).position(|byte| *byte == b'\n') else {
        return if input.len() > MAX_LINE_BYTES { Err(BadHttp::Chunk) } else { Ok(None) };
    };
    let line = input[..end].strip_suffix(b"\r").ok_or(BadHttp::Chunk)?;
    Ok(Some((line, &input[end + 1..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_complete() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\nbody";
        for cut in 0..text.len() - 4 {
            assert!(Head::parse(&text[..cut]).unwrap().is_none(), "cut at {cut}");
        }
        let head = Head::parse(text).unwrap().unwrap();
        assert_eq!(head.status(), Ok(200));
        assert_eq!(head.body_framing(), Ok(BodyFraming::Length(12)));
        assert_eq!(&text[head.length..], b"body");
        assert!(head.closes());
    }

    #[test]
    fn a_chunked_body_survives_any_cut_and_ends_where_it_ends() {
        let body = b"5\r\nhello\r\n7;ext=1\r\n, world\r\n0\r\ntrailer: x\r\n\r\nnext";
        for cut in 0..body.len() {
            let (mut dechunker, mut out) = (Dechunker::default(), Vec::new());
            let used = dechunker.feed(&body[..cut], &mut out).unwrap();
            let used = used + dechunker.feed(&body[used..], &mut out).unwrap();
            assert_eq!((out.as_slice(), &body[used..]), (b"hello, world".as_slice(), b"next".as_slice()), "cut at {cut}");
            assert!(dechunker.is_done());
        }
    }

    #[test]
    fn a_chunk_longer_than_it_says_is_refused() {
        assert_eq!(Dechunker::default().feed(b"2\r\nhello\r\n", &mut Vec::new()), Err(BadHttp::Chunk));
    }
}
