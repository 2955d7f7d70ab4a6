//! A file server that says what it is told to, whatever HTTP thinks of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What follows the bytes.
#[derive(Clone, Copy)]
pub enum Then {
    /// The connection ends.
    Close,
    /// It stays, and nothing more comes.
    Stall,
    /// More and more comes.
    GoOn,
    /// A byte now and then.
    Drip,
}

/// Between two drops.
const DROP: Duration = Duration::from_millis(20);

/// A running server; dropping it ends it.
pub struct Files {
    pub port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    _task: JoinSet<()>,
}

impl Files {
    /// Answers everything with these bytes.
    pub async fn of(answer: &str) -> Self {
        Self::then(answer, Then::Close).await
    }

    pub async fn then(answer: &str, then: Then) -> Self {
        Self::start(vec![answer.to_owned()], then).await
    }

    /// One answer after the other, each on a connection of its own.
    pub async fn one_by_one(answers: &[&str]) -> Self {
        Self::start(answers.iter().map(|answer| (*answer).to_owned()).collect(), Then::Close).await
    }

    async fn start(answers: Vec<String>, then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, asked) = (listener.local_addr().unwrap().port(), Arc::<Mutex<Vec<String>>>::default());
        let (mut task, theirs) = (JoinSet::new(), Arc::clone(&asked));
        task.spawn(async move {
            let mut connections = JoinSet::new();
            let mut turn = 0;
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, asked) = (answers[turn % answers.len()].clone(), Arc::clone(&theirs));
                turn += 1;
                connections.spawn(async move { drop(serve(stream, &answer, then, &asked).await) });
            }
        });
        Self { port, asked, _task: task }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The heads of all requests.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, answer: &str, then: Then, asked: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    asked.lock().unwrap().push(String::from_utf8_lossy(&head).into_owned());
    stream.write_all(answer.as_bytes()).await?;
    match then {
        Then::Close => stream.shutdown().await,
        Then::Stall => std::future::pending().await,
        Then::GoOn => loop {
            stream.write_all(&[b'x'; 4_096]).await?;
        },
        Then::Drip => loop {
            stream.write_all(b"x").await?;
            tokio::time::sleep(DROP).await;
        },
    }
}
