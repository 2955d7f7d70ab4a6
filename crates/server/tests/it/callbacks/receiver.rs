//! A receiver of callbacks that behaves as it is told, and remembers all it heard.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use easyai_bench::http1::{BodyFraming, Head};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a receiver says.
#[derive(Debug, Clone)]
pub enum Say {
    Status(u16),
    /// With one header more.
    With(u16, String),
    /// Nothing, and the connection stays open.
    Nothing,
}

type Behaviour = Arc<dyn Fn(usize) -> Say + Send + Sync>;

/// A delivery as it came.
#[derive(Debug, Clone)]
pub struct Heard {
    pub headers: Vec<(String, String)>,
    pub first_line: String,
    pub body: Vec<u8>,
    /// Whether it was answered with success.
    pub taken: bool,
}

pub struct Receiver {
    pub addr: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
    behaviour: Arc<Mutex<Behaviour>>,
}

impl Receiver {
    pub async fn always(say: Say) -> Self {
        Self::new(move |_| say.clone()).await
    }

    /// What it says to its n-th request, from 0.
    pub async fn new(behaviour: impl Fn(usize) -> Say + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let behaviour: Arc<Mutex<Behaviour>> = Arc::new(Mutex::new(Arc::new(behaviour)));
        let receiver = Self { addr, heard: Arc::default(), behaviour };
        let (heard, behaviour) = (Arc::clone(&receiver.heard), Arc::clone(&receiver.behaviour));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&heard), Arc::clone(&behaviour)));
            }
        });
        receiver
    }

    pub fn now_says(&self, say: Say) {
        *self.behaviour.lock().unwrap() = Arc::new(move |_| say.clone());
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook?of=us", self.addr)
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// The ids of what was taken, each once, in the order of their first arrival.
    pub fn ids(&self) -> Vec<String> {
        let mut ids = Vec::new();
        for heard in self.heard().iter().filter(|heard| heard.taken) {
            let id = heard.header("webhook-id").to_owned();
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }

    /// The types of the events that were taken.
    pub fn types(&self) -> Vec<String> {
        self.heard().iter().filter(|heard| heard.taken).map(|heard| heard.json()["type"].as_str().unwrap().to_owned()).collect()
    }
}

impl Heard {
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str()).unwrap_or_else(|| panic!("no {name} in {:?}", self.headers))
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// How many of its signatures are by `secret`: computed here by the letter of RFC 2104, with nothing of the gateway's.
    pub fn signatures_by(&self, secret: &str) -> usize {
        use base64::Engine as _;
        use base64::engine::general_purpose::STANDARD;
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let signed = [self.header("webhook-id").as_bytes(), b".", self.header("webhook-timestamp").as_bytes(), b".", &self.body].concat();
        let expected = format!("v1,{}", STANDARD.encode(hmac(&key, &signed)));
        self.header("webhook-signature").split(' ').filter(|signature| **signature == expected).count()
    }
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Sha256::digest([&padded(0x36)[..], message].concat());
    Sha256::digest([&padded(0x5c)[..], &inner].concat()).to_vec()
}

async fn serve(mut socket: TcpStream, heard: Arc<Mutex<Vec<Heard>>>, behaviour: Arc<Mutex<Behaviour>>) {
    let mut read = Vec::new();
    let (headers, first_line, start, length) = loop {
        if let Some(head) = Head::parse(&read).unwrap() {
            let headers = head.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let BodyFraming::Length(length) = head.body_framing().unwrap() else { panic!("no content-length: {head:?}") };
            break (headers, head.first_line.to_owned(), head.length, length);
        }
        if socket.read_buf(&mut read).await.unwrap_or(0) == 0 {
            return;
        }
    };
    while read.len() < start + length {
        if socket.read_buf(&mut read).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let say = {
        let behaviour = Arc::clone(&behaviour.lock().unwrap());
        let mut heard = heard.lock().unwrap();
        let say = behaviour(heard.len());
        let taken = matches!(say, Say::Status(200..=299));
        heard.push(Heard { headers, first_line, body: read[start..].to_vec(), taken });
        say
    };
    let (status, more) = match say {
        Say::Status(status) => (status, String::new()),
        Say::With(status, header) => (status, format!("{header}\r\n")),
        Say::Nothing => return std::future::pending().await,
    };
    let answer = format!("HTTP/1.1 {status} Said\r\ncontent-length: 2\r\nconnection: close\r\n{more}\r\nok");
    drop(socket.write_all(answer.as_bytes()).await);
}
