//! Tells somebody something at an address that somebody else chose: one POST, guarded like a fetch, without redirects. Of the answer
//! only its head counts.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use easyai_core::delivery::{Answer, Receiver};
use easyai_core::failure::Category;
use http::header::{DATE, HOST, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use tokio::time::timeout;
use url::{Host, Url};

use super::address::Address;
use super::guard::PrivateAddresses;
use super::lane::AnswerBody;
use super::pool::Pool;
use super::route::AGENT;
use super::{Egress, Segments};

/// From the lookup of the name to the head of the answer. A receiver that works longer should answer first.
const MAX_TIME: Duration = Duration::from_secs(10);

/// The body of an answer is of no use, but a receiver that is cut off while it writes may take its own answer for failed.
const DRAINED_BYTES: usize = 16 << 10;

/// How long such a body may take.
const DRAINED_TIME: Duration = Duration::from_secs(1);

/// The longest address: what browsers and proxies take.
const MAX_URL_BYTES: usize = 2_048;

/// An address that no callback goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCallbackUrl {
    /// It can't be read, or has another scheme.
    #[error("it must be an http or https URL, such as https://example.com/hook")]
    NotHttp,
    /// It is too long.
    #[error("it must have at most {MAX_URL_BYTES} characters")]
    TooLong,
    /// It holds a password, which would be stored and shown.
    #[error("it must not hold a user or password: deliveries are signed")]
    Login,
    /// It leads into our own network.
    #[error("it leads into a private network")]
    Private,
}

/// Host and port of `url`, if callbacks may go there as far as the URL itself tells; what a name means is looked at with each call.
///
/// # Errors
/// [`BadCallbackUrl`] says what is wrong with it.
pub fn callback_host(url: &str, allowed: PrivateAddresses) -> Result<String, BadCallbackUrl> {
    if url.len() > MAX_URL_BYTES {
        return Err(BadCallbackUrl::TooLong);
    }
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https")).ok_or(BadCallbackUrl::NotHttp)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadCallbackUrl::Login);
    }
    let admitted = match url.host().ok_or(BadCallbackUrl::NotHttp)? {
        Host::Ipv4(address) => allowed.admits(address.into()),
        Host::Ipv6(address) => allowed.admits(address.into()),
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            allowed == PrivateAddresses::Allowed || !(name == "localhost" || name.ends_with(".localhost"))
        }
    };
    if !admitted {
        return Err(BadCallbackUrl::Private);
    }
    Ok(format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(443)))
}

impl Egress {
    /// Host and port of a callback's `url`.
    pub(crate) fn callback_host(&self, url: &str, receiver: Receiver) -> Result<String, BadCallbackUrl> {
        callback_host(url, self.allowed(receiver))
    }

    /// What the receiver's address may be: the operator's own leads wherever it leads.
    const fn allowed(&self, receiver: Receiver) -> PrivateAddresses {
        match receiver {
            Receiver::Caller => self.private,
            Receiver::Gateway => PrivateAddresses::Allowed,
        }
    }

    /// Sends `body` to `url`, on a connection of its own. Never fails: whatever happens is an answer.
    pub(crate) async fn post(&self, url: &str, receiver: Receiver, headers: HeaderMap, body: Bytes) -> Answer {
        let Ok(address) = Address::parse(url) else { return Answer::NotAllowed };
        if address.literal().is_some_and(|literal| !self.allowed(receiver).admits(literal)) {
            return Answer::Unreachable;
        }
        let connector = match receiver {
            Receiver::Caller => self.guarded.clone(),
            Receiver::Gateway => self.unguarded.clone(),
        };
        let mut request = Request::new(Segments::new(vec![body]));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = address.target.clone();
        *request.headers_mut() = headers;
        request.headers_mut().insert(HOST, address.host_header.clone());
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(AGENT));
        // Kept by nobody: it is closed with its answer.
        let pool = Arc::new(Pool::new(connector, address.host, MAX_TIME));
        let response = match timeout(MAX_TIME, pool.send(request)).await {
            Err(_) => return Answer::TooSlow,
            Ok(Err(failure)) if failure.category == Category::Timeout => return Answer::TooSlow,
            Ok(Err(_)) => return Answer::Unreachable,
            Ok(Ok(response)) => response,
        };
        let answer = Answer::Status { code: response.status().as_u16(), retry_after: retry_after(response.headers()) };
        // Whether it comes to its end or not changes nothing.
        drop(timeout(DRAINED_TIME, drain(response)).await);
        answer
    }
}

async fn drain(response: Response<AnswerBody>) {
    let mut body = response.into_body();
    let mut bytes = 0;
    while bytes < DRAINED_BYTES {
        match body.data().await {
            Some(Ok(data)) => bytes += data.len(),
            Some(Err(_)) | None => return,
        }
    }
}

/// When the receiver wants to be asked again: in seconds, or at a date, held against the answer's own.
///
/// Source: RFC 9110, 10.2.3.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok()).map(str::trim);
    let wanted = text(RETRY_AFTER)?;
    if let Ok(seconds) = wanted.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|date| date.timestamp().as_second());
    u64::try_from(date(wanted)? - date(text(DATE)?)?).ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[track_caller]
    fn check(private: PrivateAddresses, url: &str, expected: Result<&str, BadCallbackUrl>) {
        assert_eq!(callback_host(url, private), expected.map(str::to_owned), "{url}");
    }

    #[test]
    fn an_address_is_checked_when_it_is_named() {
        let refused = |url: &str, bad| check(PrivateAddresses::Refused, url, Err(bad));
        check(PrivateAddresses::Refused, "https://example.com/hook?a=b", Ok("example.com:443"));
        check(PrivateAddresses::Refused, "http://EXAMPLE.com:8080", Ok("example.com:8080"));
        check(PrivateAddresses::Refused, "https://1.1.1.1/", Ok("1.1.1.1:443"));
        for url in ["", "example.com", "/hook", "ftp://example.com", "file:///etc/passwd", "javascript:1", "https://", "http://[::1"] {
            refused(url, BadCallbackUrl::NotHttp);
        }
        refused("https://user:secret@example.com/", BadCallbackUrl::Login);
        refused("https://user@example.com/", BadCallbackUrl::Login);
        refused(&format!("https://example.com/{}", "a".repeat(MAX_URL_BYTES)), BadCallbackUrl::TooLong);
        // However it is written.
        for host in ["127.0.0.1", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "2130706433", "0x7f.1", "localhost", "a.localhost."] {
            refused(&format!("http://{host}/"), BadCallbackUrl::Private);
            assert!(callback_host(&format!("http://{host}/"), PrivateAddresses::Allowed).is_ok(), "{host}");
        }
    }

    #[test]
    fn a_receiver_says_in_seconds_or_by_date_when_to_come_again() {
        let asked = |pairs: &[(http::HeaderName, &'static str)]| {
            let header = |(name, value): &(http::HeaderName, &'static str)| (name.clone(), http::HeaderValue::from_static(value));
            retry_after(&pairs.iter().map(header).collect())
        };
        assert_eq!(asked(&[(RETRY_AFTER, " 120 ")]), Some(Duration::from_secs(120)));
        let dates = [(DATE, "Wed, 21 Oct 2015 07:28:00 GMT"), (RETRY_AFTER, "Wed, 21 Oct 2015 07:29:30 GMT")];
        assert_eq!(asked(&dates), Some(Duration::from_secs(90)));
        assert_eq!(asked(&[(RETRY_AFTER, "soon")]), None);
        assert_eq!(asked(&[]), None);
    }
}
