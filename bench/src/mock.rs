//! An upstream that speaks OpenAI's chat completions over HTTP/1.1, and misbehaves on request. Streams of other dialects are for load.
//!
//! ```no_run
//! # use easyai_bench::mock::{Answer, Behaviour, MockUpstream, Reply};
//! # async fn example() -> std::io::Result<()> {
//! let upstream = MockUpstream::start(Behaviour::default()).await?;
//! upstream.script(vec![Reply::status(503), Reply::Reset, Answer::saying(&["Hello", "!"]).into()]);
//! // … call upstream.base_url() three times; what comes after the script is answered by the behaviour.
//! upstream.wait_for(|stats| stats.calls == 3, std::time::Duration::from_secs(5)).await?;
//! # Ok(()) }
//! ```
//!
//! It owns its sockets, so that it can reset, cut and stall them. A call is counted when its request has been read; it ends
//! exactly once: completed, broken (a fault that was asked for) or cancelled (the peer closed first). Everything stops when the
//! [`MockUpstream`] is dropped.

mod answer;
mod connection;
mod event;
mod fault;
mod plan;
mod raw;
mod refused;
mod reply;
mod request;
mod shared;
mod stats;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use self::shared::Shared;
pub use self::{
    answer::{Answer, Content, Dialect, Logprobs, Streaming, ToolCall, Usage, UsageReport},
    event::{DoneMark, Framing, Space},
    fault::{Break, Fault, Place, UnknownReply},
    plan::Writes,
    raw::{Raw, RawBody},
    refused::RefusedAddress,
    reply::{Behaviour, Paths, Recording, Reply, UPSTREAM_REQUEST_ID, UpstreamError},
    request::RecordedRequest,
    stats::Stats,
};

/// A running mock upstream; dropping it closes its port and its connections.
#[derive(Debug)]
pub struct MockUpstream {
    addr: SocketAddr,
    shared: Arc<Shared>,
    stats: watch::Receiver<Stats>,
    /// Aborts the accepting task, and with it every connection.
    _tasks: JoinSet<()>,
}

impl MockUpstream {
    /// Starts on a free port of 127.0.0.1, on the current Tokio runtime.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(behaviour: Behaviour) -> io::Result<Self> {
        Self::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), behaviour).await
    }

    /// Starts on an address of the caller's choice.
    ///
    /// # Errors
    /// When the address can't be bound.
    pub async fn listen(addr: SocketAddr, behaviour: Behaviour) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared::new(behaviour));
        let stats = shared.stats.subscribe();
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { addr, shared, stats, _tasks: tasks })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The base URL of a platform: `http://127.0.0.1:PORT/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.addr)
    }

    /// Answers calls from now on by another behaviour. A script goes on first.
    pub fn set(&self, behaviour: Behaviour) {
        self.shared.set(behaviour);
    }

    /// Answers the next calls by these replies, in order; after them the behaviour answers again. Replaces what is left of an
    /// earlier script.
    pub fn script(&self, replies: Vec<Reply>) {
        self.shared.script(replies);
    }

    /// The last requests in order of arrival, at most [`RecordedRequest::KEPT`]; none if recording is off.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.requests()
    }

    /// Everything that was counted so far.
    pub fn stats(&self) -> Stats {
        *self.stats.borrow()
    }

    /// Calls whose request was read completely.
    pub fn calls(&self) -> u64 {
        self.stats().calls
    }

    /// Calls that are being answered now.
    pub fn in_flight(&self) -> u64 {
        self.stats().in_flight
    }

    /// Most calls that were ever being answered at once.
    pub fn peak(&self) -> u64 {
        self.stats().peak
    }

    /// Calls whose peer closed the connection before the answer was complete.
    pub fn cancelled(&self) -> u64 {
        self.stats().cancelled
    }

    /// Waits until the counters are as `reached` wants them, without polling.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] after `timeout`; the message holds the counters as they were then.
    pub async fn wait_for(&self, reached: impl FnMut(&Stats) -> bool, timeout: Duration) -> io::Result<Stats> {
        let mut stats = self.stats.clone();
        match tokio::time::timeout(timeout, stats.wait_for(reached)).await {
            Ok(Ok(stats)) => Ok(*stats),
            Ok(Err(_)) => Err(io::Error::other("the mock upstream is gone")),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, format!("not reached: {:?}", self.stats()))),
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => { connections.spawn(connection::serve(stream, Arc::clone(&shared))); }
                // Out of file descriptors, most likely: a connection that ends makes room for the next.
                Err(_) => { connections.join_next().await; }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}
