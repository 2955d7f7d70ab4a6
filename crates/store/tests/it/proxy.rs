//! A proxy before a server that behaves badly when told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// All is well.
    Passing,
    /// Connections stand, and nothing comes.
    Frozen,
    /// The next commit reaches the server, but its answer is lost with the connection. Then all is well again.
    CutAtCommit,
}

pub struct LazyProxy {
    pub url: String,
    pub mode: watch::Sender<Mode>,
}

impl LazyProxy {
    /// Stands before the server of `url`.
    pub async fn to(url: &str) -> Self {
        let (before, rest) = url.split_once('@').unwrap();
        let (server, database) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        // In the clear: the proxy reads along.
        let url = format!("{before}@{}/{database}?sslmode=disable", listener.local_addr().unwrap());
        let mode = watch::Sender::new(Mode::Passing);
        let (server, told) = (server.to_owned(), mode.clone());
        tokio::spawn(async move {
            loop {
                let (caller, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(&server).await.unwrap();
                let ((from_caller, to_caller), (from_server, to_server)) = (caller.into_split(), server.into_split());
                let cut = Arc::new(AtomicBool::new(false));
                tokio::spawn(pass(from_caller, to_server, told.clone(), Arc::clone(&cut)));
                tokio::spawn(pass(from_server, to_caller, told.clone(), cut));
            }
        });
        Self { url, mode }
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mode: watch::Sender<Mode>, cut: Arc<AtomicBool>) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let bytes = &buffer[..count];
        if mode.subscribe().wait_for(|mode| *mode != Mode::Frozen).await.is_err() || cut.load(Ordering::SeqCst) {
            return;
        }
        if *mode.borrow() == Mode::CutAtCommit && bytes.windows(6).any(|window| window == b"COMMIT") {
            cut.store(true, Ordering::SeqCst);
            mode.send_replace(Mode::Passing);
        }
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}
