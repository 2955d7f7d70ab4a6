//! A client that hides nothing: the bytes as they came, and how the connection ended.

use std::{io, time::Duration};

use easyai_bench::{
    http1::{BodyFraming, Dechunker, Head},
    mock::{Behaviour, MockUpstream, Reply},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

pub const SOON: Duration = Duration::from_secs(10);

pub const PLAIN: &str = r#"{"model":"m","messages":[]}"#;
pub const STREAM: &str = r#"{"model":"m","messages":[],"stream":true}"#;
pub const STREAM_WITH_USAGE: &str = r#"{"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":true}}"#;

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// As its framing has it; the connection is open.
    Complete,
    /// Closed before.
    Cut,
    /// Reset before.
    Reset,
}

/// What was received.
#[derive(Debug)]
pub struct Seen {
    pub head: String,
    pub body: String,
    pub ended: Ended,
}

impl Seen {
    pub fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// `{"content": …}` of each delta with text.
    pub fn deltas(&self) -> Vec<String> {
        self.events().iter().filter_map(text_of).filter(|text| !text.is_empty()).collect()
    }

    pub fn events(&self) -> Vec<serde_json::Value> {
        let data = self.body.lines().filter_map(|line| line.strip_prefix("data:"));
        data.filter_map(|data| serde_json::from_str(data).ok()).collect()
    }
}

fn text_of(event: &serde_json::Value) -> Option<String> {
    event["choices"][0]["delta"]["content"].as_str().map(str::to_owned)
}

pub async fn mock(reply: impl Into<Reply>) -> MockUpstream {
    MockUpstream::start(Behaviour::always(reply)).await.unwrap()
}

pub async fn send(mock: &MockUpstream, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(mock.addr()).await.unwrap();
    write(&mut stream, body).await;
    stream
}

pub async fn write(stream: &mut TcpStream, body: &str) {
    let length = body.len();
    let head = format!("POST /v1/chat/completions HTTP/1.1\r\nHost: m\r\nX-Test: yes\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all((head + body).as_bytes()).await.unwrap();
}

pub async fn call(mock: &MockUpstream, body: &str) -> Seen {
    read(&mut send(mock, body).await).await
}

/// Reads one answer, however it ends.
pub async fn read(stream: &mut TcpStream) -> Seen {
    tokio::time::timeout(SOON, read_unbounded(stream)).await.expect("an answer that ends")
}

/// Reads until this much of the body has come, and leaves the rest.
pub async fn read_until(stream: &mut TcpStream, wanted: &str) -> String {
    let mut received = String::new();
    while !received.contains(wanted) {
        let mut part = [0; 4096];
        let count = tokio::time::timeout(SOON, stream.read(&mut part)).await.unwrap().unwrap();
        assert!(count > 0, "ended after {received}");
        received.push_str(std::str::from_utf8(&part[..count]).unwrap());
    }
    received
}

async fn read_unbounded(stream: &mut TcpStream) -> Seen {
    let mut received = Vec::new();
    loop {
        if let Some(seen) = complete(&received) {
            return seen;
        }
        let ended = match stream.read_buf(&mut received).await {
            Ok(0) => Ended::Cut,
            Ok(_) => continue,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ended::Reset,
            Err(error) => panic!("{error}"),
        };
        return unfinished(&received, ended);
    }
}

fn complete(received: &[u8]) -> Option<Seen> {
    let head = Head::parse(received).unwrap()?;
    let (seen, rest) = (head.first_line.to_owned() + "\r\n", &received[head.length..]);
    let seen = head.headers().fold(seen, |seen, (name, value)| format!("{seen}{name}: {value}\r\n"));
    let mut body = Vec::new();
    let done = match head.body_framing().unwrap() {
        BodyFraming::Length(length) => {
            body.extend_from_slice(rest);
            rest.len() == length
        }
        BodyFraming::Chunked => {
            let mut dechunker = Dechunker::default();
            let used = dechunker.feed(rest, &mut body).unwrap();
            dechunker.is_done() && used == rest.len()
        }
        BodyFraming::Unsaid => panic!("no framing"),
    };
    done.then(|| Seen { head: seen, body: String::from_utf8(body).unwrap(), ended: Ended::Complete })
}

/// A broken answer's body is left in its chunks: its lines can be read all the same.
fn unfinished(received: &[u8], ended: Ended) -> Seen {
    let text = String::from_utf8(received.to_vec()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
    Seen { head: head.to_owned(), body: body.to_owned(), ended }
}
