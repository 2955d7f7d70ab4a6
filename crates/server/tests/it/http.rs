//! The least HTTP client that can misbehave: a connection a request, bytes as they are given, answers read to wherever they end.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use easyai_bench::http1::{BodyFraming, Dechunker, Head};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Nothing here takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer as far as it came.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Whether the body ended as HTTP has it.
    pub whole: bool,
}

/// An answer whose body is still on its way. Dropping it closes the connection.
#[derive(Debug)]
pub struct Exchange {
    socket: TcpStream,
    unread: Vec<u8>,
    framing: BodyFraming,
    dechunker: Dechunker,
    answer: Answer,
    /// Bytes of the body that [`Exchange::frame`] has given out.
    given: usize,
}

impl Exchange {
    /// Sends `request` and reads the head of the answer.
    pub async fn begin(addr: SocketAddr, request: &[u8]) -> io::Result<Self> {
        let begun = async {
            let mut socket = TcpStream::connect(addr).await?;
            socket.set_nodelay(true)?;
            // A server may answer and close before it has read all: the answer counts.
            drop(socket.write_all(request).await);
            Self::head(socket).await
        };
        timeout(PATIENCE, begun).await.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no head of an answer"))?
    }

    async fn head(mut socket: TcpStream) -> io::Result<Self> {
        let bad = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        let mut unread = Vec::new();
        loop {
            if let Some(head) = Head::parse(&unread).map_err(bad)? {
                let headers = head.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                let answer = Answer { status: head.status().map_err(bad)?, headers, body: Vec::new(), whole: false };
                let (framing, length) = (head.body_framing().map_err(bad)?, head.length);
                unread.drain(..length);
                let mut exchange = Self { socket, unread, framing, dechunker: Dechunker::default(), answer, given: 0 };
                exchange.digest()?;
                return Ok(exchange);
            }
            if socket.read_buf(&mut unread).await? == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "closed before the head of an answer"));
            }
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.answer.header(name)
    }

    pub fn status(&self) -> u16 {
        self.answer.status
    }

    /// The data of the next server-sent event; none when the body is over or the connection gone.
    pub async fn frame(&mut self) -> Option<String> {
        loop {
            let rest = &self.answer.body[self.given..];
            if let Some(end) = rest.windows(2).position(|window| window == b"\n\n") {
                let event = String::from_utf8_lossy(&rest[..end]).into_owned();
                self.given += end + 2;
                if let Some(data) = data_of(&event) {
                    return Some(data);
                }
                continue;
            }
            if !self.more().await.ok()? {
                return None;
            }
        }
    }

    /// The rest, however it ends.
    pub async fn rest(mut self) -> Answer {
        let read = timeout(PATIENCE, async { while let Ok(true) = self.more().await {} });
        assert!(read.await.is_ok(), "the body does not end: {}", self.answer);
        self.answer
    }

    /// Reads once. False when there is nothing more.
    async fn more(&mut self) -> io::Result<bool> {
        if self.answer.whole {
            return Ok(false);
        }
        let read = timeout(PATIENCE, self.socket.read_buf(&mut self.unread)).await;
        if read.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the body hangs"))?? == 0 {
            self.answer.whole = self.framing == BodyFraming::Unsaid;
            return Ok(false);
        }
        self.digest()?;
        Ok(true)
    }

    fn digest(&mut self) -> io::Result<()> {
        let body = &mut self.answer.body;
        match self.framing {
            BodyFraming::Chunked => {
                let used = self.dechunker.feed(&self.unread, body).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
                self.unread.drain(..used);
                self.answer.whole = self.dechunker.is_done();
            }
            BodyFraming::Length(length) => {
                body.append(&mut self.unread);
                self.answer.whole = body.len() >= length;
            }
            BodyFraming::Unsaid => body.append(&mut self.unread),
        }
        Ok(())
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The task that the answer is about.
    #[track_caller]
    pub fn task(&self) -> String {
        self.header("x-easyai-task-id").unwrap_or_else(|| panic!("no task id: {self}")).to_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The body as it came.
    pub fn body_text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The data of all server-sent events.
    pub fn frames(&self) -> Vec<String> {
        String::from_utf8_lossy(&self.body).split("\n\n").filter_map(data_of).collect()
    }

    pub fn is_stream(&self) -> bool {
        self.header("content-type").is_some_and(|value| value.starts_with("text/event-stream"))
    }

    /// What the model said, plain or streamed.
    pub fn text(&self) -> String {
        let said = |value: &Value, part: &str| value["choices"][0][part]["content"].as_str().unwrap_or_default().to_owned();
        if !self.is_stream() {
            return said(&self.json(), "message");
        }
        self.frames().iter().filter_map(|frame| serde_json::from_str::<Value>(frame).ok()).map(|chunk| said(&chunk, "delta")).collect()
    }

    /// `error.code`, of an error answer or of the last frame of a stream.
    pub fn error_code(&self) -> Option<String> {
        let value: Value = match self.frames().last() {
            Some(frame) if self.is_stream() => serde_json::from_str(frame).ok()?,
            _ => serde_json::from_slice(&self.body).ok()?,
        };
        value["error"]["code"].as_str().map(str::to_owned)
    }

    /// Whether a caller may take it for a complete and good answer.
    pub fn is_complete(&self) -> bool {
        let ended = if self.is_stream() { self.frames().last().is_some_and(|frame| frame == "[DONE]") } else { true };
        self.status == 200 && self.whole && ended
    }

    #[track_caller]
    pub fn ok(self) -> Self {
        assert!(self.is_complete() && self.error_code().is_none(), "{self}");
        self
    }

    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.error_code().as_deref()), (status, Some(code)), "{self}");
        self
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}\n{}", self.status, self.headers, String::from_utf8_lossy(&self.body))
    }
}

fn data_of(event: &str) -> Option<String> {
    event.lines().find_map(|line| line.strip_prefix("data:")).map(|data| data.trim_start().to_owned())
}
