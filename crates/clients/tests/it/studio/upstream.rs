//! A small HTTP upstream: answers by a function, remembers what it was asked.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

/// What it was asked.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Method, path and query.
    pub line: String,
    pub headers: HeaderMap,
    pub body: String,
    /// How many came before.
    pub number: usize,
}

/// What it answers.
#[derive(Debug, Clone)]
pub struct Said {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    /// Whether the connection ends before the body does.
    pub cut: bool,
}

impl Said {
    pub fn json(status: u16, body: impl Into<String>) -> Self {
        Self { status, headers: vec![("content-type", "application/json".to_owned())], body: body.into(), cut: false }
    }

    pub fn ok(body: impl Into<String>) -> Self {
        Self::json(200, body)
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub fn cut(self) -> Self {
        Self { cut: true, ..self }
    }
}

struct Piece {
    data: Option<Bytes>,
    cut: bool,
    /// What was given so far has been sent.
    flushed: bool,
}

impl http_body::Body for Piece {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if let Some(data) = self.data.take() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if self.cut && !std::mem::replace(&mut self.flushed, true) {
            // The server sends what it has before it asks again.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(std::mem::take(&mut self.cut).then(|| Err(std::io::Error::other("cut"))))
    }
}

/// A running upstream. Ends when dropped.
pub struct Upstream {
    address: std::net::SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    _accepting: JoinSet<()>,
}

impl Upstream {
    pub async fn answering(answer: impl Fn(&Seen) -> Said + Send + Sync + 'static) -> Self {
        Self::together(1, answer).await
    }

    /// Answers only when so many calls wait for their answers.
    pub async fn together(calls: usize, answer: impl Fn(&Seen) -> Said + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let mut accepting = JoinSet::new();
        let (answer, gate, calls_seen) = (Arc::new(answer), Arc::new(Barrier::new(calls)), Arc::clone(&seen));
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, gate, seen) = (Arc::clone(&answer), Arc::clone(&gate), Arc::clone(&calls_seen));
                let service = service_fn(move |request| {
                    let (answer, gate, seen) = (Arc::clone(&answer), Arc::clone(&gate), Arc::clone(&seen));
                    async move {
                        let call = read(request, &seen).await;
                        gate.wait().await;
                        Ok::<_, std::convert::Infallible>(written(answer(&call)))
                    }
                });
                connections.spawn(async move {
                    let _broken = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, seen, _accepting: accepting }
    }

    /// A base URL that ends with `path`.
    pub fn base(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Methods and paths alone.
    pub fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|call| call.line).collect()
    }
}

async fn read(request: Request<Incoming>, seen: &Mutex<Vec<Seen>>) -> Seen {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let mut seen = seen.lock().unwrap();
    let line = format!("{} {}", head.method, head.uri);
    let call = Seen { line, headers: head.headers, body: String::from_utf8_lossy(&body).into_owned(), number: seen.len() };
    seen.push(call.clone());
    call
}

fn written(said: Said) -> Response<Piece> {
    let mut response = Response::builder().status(said.status);
    for (name, value) in said.headers {
        response = response.header(name, value);
    }
    response.body(Piece { data: Some(Bytes::from(said.body)), cut: said.cut, flushed: false }).unwrap()
}
