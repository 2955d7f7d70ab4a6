//! Tiny proxies: one that tunnels, one that speaks SOCKS 5. They let everybody in and write down who asked for what.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A running proxy; dropping it ends it.
pub struct Proxy {
    pub port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    _task: JoinSet<()>,
}

impl Proxy {
    /// For `http://` proxies.
    pub async fn tunnel() -> Self {
        Self::start(|stream, asked| async move { drop(tunnel(stream, asked).await) }).await
    }

    /// For `socks5://` proxies, with a login.
    pub async fn socks() -> Self {
        Self::start(|stream, asked| async move { drop(socks(stream, asked).await) }).await
    }

    /// What each connection asked for.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    async fn start<F: Future<Output = ()> + Send + 'static>(
        serve: impl Fn(TcpStream, Arc<Mutex<Vec<String>>>) -> F + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, asked) = (listener.local_addr().unwrap().port(), Arc::default());
        let (mut task, theirs) = (JoinSet::new(), Arc::clone(&asked));
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&theirs)));
            }
        });
        Self { port, asked, _task: task }
    }
}

async fn tunnel(mut stream: TcpStream, asked: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    asked.lock().unwrap().push(head);
    let mut upstream = TcpStream::connect(target).await?;
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    copy_bidirectional(&mut stream, &mut upstream).await.map(drop)
}

async fn socks(mut stream: TcpStream, asked: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    let _version = stream.read_u8().await?;
    text(&mut stream).await?;
    stream.write_all(&[5, 2]).await?;
    let _version = stream.read_u8().await?;
    let (user, password) = (text(&mut stream).await?, text(&mut stream).await?);
    stream.write_all(&[1, 0]).await?;
    let mut command = [0; 4];
    stream.read_exact(&mut command).await?;
    let host = match command[3] {
        1 => std::net::Ipv4Addr::from(stream.read_u32().await?).to_string(),
        _ => text(&mut stream).await?,
    };
    let port = stream.read_u16().await?;
    asked.lock().unwrap().push(format!("{user}:{password} {host}:{port}"));
    let mut upstream = TcpStream::connect((host.as_str(), port)).await?;
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    copy_bidirectional(&mut stream, &mut upstream).await.map(drop)
}

/// A length and so many bytes.
async fn text(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut text = vec![0; usize::from(stream.read_u8().await?)];
    stream.read_exact(&mut text).await?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
