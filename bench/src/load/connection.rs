//! One connection: writes a request, reads its answer to the last byte, keeps the connection for the next.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{Checker, Expectation, Progress, Shape, Wrong};
use crate::http1::{BadHttp, BodyFraming, Dechunker, Head};

const READ_BYTES: usize = 16 * 1024;

/// Times of one good answer, from before the request was written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    pub(super) total: Duration,
    /// In a stream only.
    pub(super) first_delta: Option<Duration>,
}

/// Why a call gave no good answer. Its connection is closed.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error("can't connect: {0}")]
    Connect(io::Error),
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    #[error("the connection was closed before the answer was complete")]
    Closed,
    #[error("no complete answer in time")]
    Timeout,
    #[error("not HTTP: {0}")]
    Http(#[from] BadHttp),
    #[error("status {0}: {1}")]
    Status(u16, String),
    #[error("a wrong answer: {0}")]
    Wrong(#[from] Wrong),
}

impl CallError {
    /// What it is counted under.
    pub(super) fn sort(&self) -> String {
        match self {
            Self::Connect(_) => "connect".to_owned(),
            Self::Io(_) => "connection".to_owned(),
            Self::Closed => "closed".to_owned(),
            Self::Timeout => "timeout".to_owned(),
            Self::Http(_) => "http".to_owned(),
            Self::Status(status, _) => format!("status {status}"),
            Self::Wrong(_) => "wrong answer".to_owned(),
        }
    }
}

/// A place for one request at a time; it connects when it has to.
#[derive(Debug)]
pub(super) struct Connection {
    addr: SocketAddr,
    request: Bytes,
    expectation: Arc<Expectation>,
    timeout: Duration,
    stream: Option<TcpStream>,
    inbox: BytesMut,
    /// Data taken out of its chunks, before it is checked.
    data: Vec<u8>,
    checker: Checker,
}

impl Connection {
    pub(super) fn new(addr: SocketAddr, request: Bytes, expectation: Arc<Expectation>, timeout: Duration) -> Self {
        let inbox = BytesMut::with_capacity(READ_BYTES);
        Self { addr, request, expectation, timeout, stream: None, inbox, data: Vec::new(), checker: Checker::default() }
    }

    /// One request and its answer.
    pub(super) async fn call(&mut self) -> Result<Timing, CallError> {
        let start = Instant::now();
        let taken = self.stream.take();
        self.inbox.clear();
        let mut stream = match taken {
            Some(stream) => stream,
            None => connect(self.addr).await.map_err(CallError::Connect)?,
        };
        let answered = tokio::time::timeout(self.timeout, self.exchange(&mut stream, start)).await;
        let (timing, keeps) = answered.map_err(|_| CallError::Timeout)??;
        if keeps == Keeps::Open {
            self.stream = Some(stream);
        }
        Ok(timing)
    }

    async fn exchange(&mut self, stream: &mut TcpStream, start: Instant) -> Result<(Timing, Keeps), CallError> {
        stream.write_all(&self.request).await?;
        let (status, framing, keeps) = self.read_head(stream).await?;
        if status != 200 {
            return Err(CallError::Status(status, self.read_refusal(stream, framing).await));
        }
        self.checker.begin();
        let first_delta = match framing {
            BodyFraming::Length(length) => self.read_sized(stream, length, start).await?,
            BodyFraming::Chunked => self.read_chunked(stream, start).await?,
            BodyFraming::Unsaid => return Err(Wrong("neither content-length nor chunked".to_owned()).into()),
        };
        if !self.inbox.is_empty() {
            return Err(Wrong("bytes after the answer".to_owned()).into());
        }
        self.checker.finish(&self.expectation)?;
        let first_delta = first_delta.filter(|_| self.expectation.shape != Shape::Plain);
        Ok((Timing { total: start.elapsed(), first_delta }, keeps))
    }

    async fn read_head(&mut self, stream: &mut TcpStream) -> Result<(u16, BodyFraming, Keeps), CallError> {
        loop {
            if let Some(head) = Head::parse(&self.inbox)? {
                let keeps = if head.closes() { Keeps::Closed } else { Keeps::Open };
                let found = (head.status()?, head.body_framing()?, keeps);
                let length = head.length;
                self.inbox.advance(length);
                return Ok(found);
            }
            self.read_more(stream).await?;
        }
    }

    async fn read_sized(&mut self, stream: &mut TcpStream, length: usize, start: Instant) -> Result<Option<Duration>, CallError> {
        let (mut left, mut first_delta) = (length, None);
        loop {
            let part = left.min(self.inbox.len());
            let progress = self.checker.feed(&self.inbox[..part], &self.expectation)?;
            note(&mut first_delta, progress, start);
            self.inbox.advance(part);
            left -= part;
            if left == 0 {
                return Ok(first_delta);
            }
            self.read_more(stream).await?;
        }
    }

    async fn read_chunked(&mut self, stream: &mut TcpStream, start: Instant) -> Result<Option<Duration>, CallError> {
        let (mut dechunker, mut first_delta) = (Dechunker::default(), None);
        loop {
            self.data.clear();
            let used = dechunker.feed(&self.inbox, &mut self.data)?;
            self.inbox.advance(used);
            if !self.data.is_empty() {
                let progress = self.checker.feed(&self.data, &self.expectation)?;
                note(&mut first_delta, progress, start);
            }
            if dechunker.is_done() {
                return Ok(first_delta);
            }
            self.read_more(stream).await?;
        }
    }

    /// The beginning of an error answer, for the report; what can't be read is left out.
    async fn read_refusal(&mut self, stream: &mut TcpStream, framing: BodyFraming) -> String {
        let wanted = match framing {
            BodyFraming::Length(length) => length.min(500),
            BodyFraming::Chunked | BodyFraming::Unsaid => 1,
        };
        while self.inbox.len() < wanted && self.read_more(stream).await.is_ok() {}
        String::from_utf8_lossy(&self.inbox).chars().take(500).collect()
    }

    async fn read_more(&mut self, stream: &mut TcpStream) -> Result<(), CallError> {
        self.inbox.reserve(READ_BYTES / 2);
        match stream.read_buf(&mut self.inbox).await? {
            0 => Err(CallError::Closed),
            _ => Ok(()),
        }
    }
}

/// Whether the connection can be used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeps {
    Open,
    Closed,
}

async fn connect(addr: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(addr).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn note(first_delta: &mut Option<Duration>, progress: Progress, start: Instant) {
    match progress {
        Progress::Text => {
            first_delta.get_or_insert_with(|| start.elapsed());
        }
        Progress::BeforeText => {}
    }
}
