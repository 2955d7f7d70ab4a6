//! A caller with a key: what it asks, and what it can see of its own tasks and wallet.

use std::io;
use std::net::SocketAddr;

use easyai_core::money::Money;
use serde_json::{Value, json};

use crate::http::{Answer, Exchange};

/// The largest page of tasks.
const PAGE: usize = 500;

#[derive(Debug, Clone)]
pub struct Caller {
    pub addr: SocketAddr,
    pub key: String,
}

/// A chat that is about to be sent.
#[derive(Debug, Clone)]
pub struct Chat {
    caller: Caller,
    body: Value,
    headers: Vec<(String, String)>,
}

impl Caller {
    /// A chat with the model `demo`.
    pub fn chat(&self, prompt: &str) -> Chat {
        let body = json!({ "model": "demo", "messages": [{ "role": "user", "content": prompt }] });
        Chat { caller: self.clone(), body, headers: Vec::new() }
    }

    /// A request with any body.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Exchange> {
        Exchange::begin(self.addr, &self.request(method, path, headers, body)).await
    }

    /// The same as bytes.
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\nauthorization: Bearer {}\r\n", self.key);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        [head.as_bytes(), body].concat()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).await
    }

    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, headers, b"").await.unwrap_or_else(|error| panic!("GET {path}: {error}")).rest().await
    }

    pub async fn post(&self, body: &[u8]) -> Answer {
        self.send("POST", "/v1/chat/completions", &[], body).await.unwrap().rest().await
    }

    pub async fn task(&self, id: &str) -> Value {
        let answer = self.get(&format!("/api/v1/tasks/{id}")).await;
        assert_eq!(answer.status, 200, "{answer}");
        answer.json()
    }

    pub async fn trace(&self, id: &str) -> Value {
        self.get(&format!("/api/v1/tasks/{id}/trace")).await.ok().json()["trace"].clone()
    }

    /// All tasks that the query (such as `&status=running`) finds.
    pub async fn tasks(&self, query: &str) -> Vec<Value> {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("/api/v1/tasks?limit={PAGE}{query}{cursor}")).await.ok().json();
            found.extend(page["data"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return found,
            }
        }
    }

    /// Balance and held.
    pub async fn wallet(&self) -> (Money, Money) {
        let wallet = self.get("/api/v1/wallet").await.ok().json();
        (money(&wallet["balance"]), money(&wallet["held"]))
    }
}

impl Chat {
    pub fn model(self, model: &str) -> Self {
        self.field("model", model)
    }

    pub fn streamed(self) -> Self {
        self.field("stream", true)
    }

    pub fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.body[name] = value.into();
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The head of the answer; an error if the gateway is gone.
    pub async fn try_begin(&self) -> io::Result<Exchange> {
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.caller.send("POST", "/v1/chat/completions", &headers, self.body.to_string().as_bytes()).await
    }

    pub async fn begin(&self) -> Exchange {
        self.try_begin().await.unwrap_or_else(|error| panic!("{}: {error}", self.body))
    }

    /// The whole answer.
    pub async fn answer(&self) -> Answer {
        self.begin().await.rest().await
    }
}

/// A decimal string of an answer.
#[track_caller]
pub fn money(value: &Value) -> Money {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no amount: {value}"))
}

/// What the tasks cost, all together.
#[track_caller]
pub fn charged(tasks: &[Value]) -> Money {
    Money::from_nanos(tasks.iter().map(|task| money(&task["charge"]).nanos()).sum())
}
