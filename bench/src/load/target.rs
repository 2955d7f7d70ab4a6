//! Where requests go, and the request itself, made once.

use std::net::{SocketAddr, ToSocketAddrs as _};

use bytes::Bytes;

use super::{ExpectedUsage, Shape};

/// A plain-HTTP endpoint.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its address.
    pub addr: SocketAddr,
    authority: String,
    path: String,
}

/// A URL that can't be loaded.
#[derive(Debug, thiserror::Error)]
pub enum BadUrl {
    /// It is not of the form `http://host:port/path`.
    #[error("'{0}' is not http://host:port/path")]
    Form(String),
    /// Its host has no address.
    #[error("'{0}' has no address")]
    Host(String),
}

impl Target {
    /// Reads `http://host:port/path` and looks its host up.
    ///
    /// # Errors
    /// [`BadUrl`].
    pub fn parse(url: &str) -> Result<Self, BadUrl> {
        let bad = || BadUrl::Form(url.to_owned());
        let uri: http::Uri = url.parse().map_err(|_| bad())?;
        let host = uri.host().filter(|_| uri.scheme_str() == Some("http")).ok_or_else(bad)?;
        let addresses = (host.trim_matches(['[', ']']), uri.port_u16().unwrap_or(80)).to_socket_addrs();
        let addr = addresses.ok().and_then(|mut found| found.next()).ok_or_else(|| BadUrl::Host(url.to_owned()))?;
        let authority = uri.authority().ok_or_else(bad)?.to_string();
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self { addr, authority, path })
    }

    /// The bytes of a whole request with a body of `body_bytes`, or a little more than the empty prompt needs.
    pub(super) fn request(&self, key: &str, model: &str, shape: Shape, body_bytes: usize) -> Bytes {
        let body = body(model, shape, body_bytes);
        let (Self { authority, path, .. }, length) = (self, body.len());
        format!(
            "POST {path} HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        )
        .into()
    }
}

/// Ordinary words: whoever counts tokens shouldn't meet a worst case that no caller sends.
fn body(model: &str, shape: Shape, body_bytes: usize) -> String {
    let with_prompt = |prompt: &str| {
        let mut body = serde_json::json!({
            "model": model,
            "messages": [
                { "role": "system", "content": "You are a helpful assistant." },
                { "role": "user", "content": format!("What is the answer?{prompt}") },
            ],
        });
        match shape {
            Shape::Plain => {}
            Shape::Stream(ExpectedUsage::Absent) => body["stream"] = true.into(),
            Shape::Stream(ExpectedUsage::Present) => {
                body["stream"] = true.into();
                body["stream_options"] = serde_json::json!({ "include_usage": true });
            }
        }
        body.to_string()
    };
    let missing = body_bytes.saturating_sub(with_prompt("").len());
    let prompt: String = " The quick brown fox jumps over the lazy dog.".chars().cycle().take(missing).collect();
    with_prompt(&prompt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_the_size_that_was_asked_for() {
        for shape in [Shape::Plain, Shape::Stream(ExpectedUsage::Present)] {
            assert_eq!(body("m", shape, 100_000).len(), 100_000);
            assert!(serde_json::from_str::<serde_json::Value>(&body("m", shape, 0)).is_ok());
        }
    }

    #[test]
    fn only_plain_http_urls_are_taken() {
        let target = Target::parse("http://127.0.0.1:8080/v1/chat/completions?a=b").unwrap();
        assert_eq!((target.addr.port(), target.path.as_str()), (8080, "/v1/chat/completions?a=b"));
        assert!(Target::parse("https://127.0.0.1/").is_err());
        assert!(Target::parse("127.0.0.1:8080").is_err());
    }
}
