//! Downloads what was made from where its provider keeps it, and what a caller's URL names: piece by piece, bounded in size and time.
//!
//! Who may be called, and what is told to whom:
//!
//! | | the platform's own origin | anywhere else, and all that comes after a redirect there |
//! |---|---|---|
//! | private addresses | as the operator chose: allowed | refused, unless the operator allows them; also behind names |
//! | credential | sent | not sent |
//! | proxy | the platform's | none |
//!
//! # Failures
//! [`FetchError`] says of each whether the same again may succeed. A body is never taken for whole if it is not as long as its server
//! said. Dropping a download closes its connection.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use easyai_core::catalog::{Credential, PlatformModel};
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, LOCATION, USER_AGENT};
use http::{HeaderValue, Request, Response, StatusCode};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::address::Address;
use super::guard::PRIVATE;
use super::pool::Pool;
use super::route::{AGENT, credential_header};
use super::{AnswerBody, Egress, FetchError, Segments};

/// Shorteners and storages redirect once or twice.
const MAX_REDIRECTS: usize = 4;

/// A server of the public internet that can't be connected to by then is down.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// Slower than this, over the whole of a time that nothing may come, is as good as nothing: a server that drips is not waited for.
const LEAST_BYTES_A_SECOND: u128 = 1 << 10;

/// Bounds of a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DownloadLimits {
    /// The most bytes.
    pub max_bytes: u64,
    /// How long nothing may come, or hardly anything: before the head of an answer, and while pieces are waited for.
    pub idle: Duration,
    /// The whole of it, redirects included.
    pub total: Duration,
}

/// What is to be downloaded.
#[derive(Debug, Clone, Copy)]
pub struct DownloadAsk<'a> {
    /// Where it is, or the path at the platform that named it; path and query are sent byte for byte.
    pub url: &'a str,
    /// The platform that named the URL. None for URLs of callers: they must not reach what the operator's own may.
    pub offer: Option<&'a Arc<PlatformModel>>,
    /// Its credential.
    pub credential: Option<&'a Credential>,
    /// Its bounds.
    pub limits: DownloadLimits,
}

/// An answer whose body is on its way.
#[derive(Debug)]
pub struct Download {
    /// What its server says it is, in lower case and without parameters: not to be believed.
    pub media_type: Option<String>,
    /// How long its server says it is.
    pub length: Option<u64>,
    body: AnswerBody,
    got: u64,
    pace: Pace,
    limits: DownloadLimits,
    deadline: Instant,
}

/// What came lately, and how long it was waited for. Time that whoever downloads takes for storing a piece is not counted.
#[derive(Debug, Default)]
struct Pace {
    waited: Duration,
    bytes: u64,
}

impl Pace {
    /// Notes a piece. Whether they come too slowly; judged once for each `idle`.
    fn is_too_slow(&mut self, waited: Duration, bytes: usize, idle: Duration) -> bool {
        self.waited += waited;
        self.bytes += bytes as u64;
        if self.waited < idle {
            return false;
        }
        let Self { waited, bytes } = std::mem::take(self);
        u128::from(bytes) * 1_000 < waited.as_millis() * LEAST_BYTES_A_SECOND
    }
}

impl Download {
    /// The next piece; none at the end, when all has come.
    ///
    /// # Errors
    /// [`FetchError::TooLarge`], [`FetchError::TooSlow`], [`FetchError::Stalled`], [`FetchError::CutOff`]; the download is over then.
    pub async fn next(&mut self) -> Result<Option<Bytes>, FetchError> {
        let asked = Instant::now();
        let waits_until = self.deadline.min(asked + self.limits.idle);
        let next = timeout_at(waits_until, self.body.data()).await.map_err(|_| late(self.deadline, self.limits))?;
        let Some(piece) = next.transpose().map_err(|_| FetchError::CutOff)? else {
            return if self.length.is_some_and(|length| self.got != length) { Err(FetchError::CutOff) } else { Ok(None) };
        };
        self.got += piece.len() as u64;
        if self.got > self.limits.max_bytes {
            return Err(FetchError::TooLarge(self.limits.max_bytes));
        }
        if self.pace.is_too_slow(asked.elapsed(), piece.len(), self.limits.idle) {
            return Err(FetchError::Stalled(self.limits.idle));
        }
        // Longer than it was said to be: HTTP lets that happen where the length is told twice.
        if self.length.is_some_and(|length| self.got > length) { Err(FetchError::CutOff) } else { Ok(Some(piece)) }
    }
}

/// Which time ran out.
fn late(deadline: Instant, limits: DownloadLimits) -> FetchError {
    if Instant::now() >= deadline { FetchError::TooSlow(limits.total) } else { FetchError::Stalled(limits.idle) }
}

impl Egress {
    /// Follows `ask` to an answer with a body.
    pub(crate) async fn download(&self, ask: DownloadAsk<'_>) -> Result<Download, FetchError> {
        let deadline = Instant::now() + ask.limits.total;
        let mut address = match ask.offer {
            // Some upstreams name only a path on their own server.
            Some(offer) if ask.url.starts_with('/') => Address::parse(&offer.platform.base_url)?.follow(ask.url)?,
            Some(_) | None => Address::parse(ask.url)?,
        };
        // Once left it stays left: whoever redirects back here is not the operator.
        let mut own = ask.offer.filter(|offer| is_at(offer, &address));
        for _ in 0..=MAX_REDIRECTS {
            let head_by = deadline.min(Instant::now() + ask.limits.idle);
            let asked = timeout_at(head_by, self.get(&address, own, ask.credential)).await;
            let answer = asked.map_err(|_| late(deadline, ask.limits))??;
            match redirect(&answer)? {
                None => return begun(answer, ask.limits, deadline),
                Some(location) => address = address.follow(location)?,
            }
            own = own.filter(|offer| is_at(offer, &address));
        }
        Err(FetchError::TooManyRedirects)
    }

    async fn get(
        &self,
        address: &Address,
        own: Option<&Arc<PlatformModel>>,
        credential: Option<&Credential>,
    ) -> Result<Response<AnswerBody>, FetchError> {
        let mut request = Request::new(Segments::new(Vec::new()));
        *request.uri_mut() = address.target.clone();
        let headers = request.headers_mut();
        headers.insert(HOST, address.host_header.clone());
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        // What is counted and stored is what was made, not how it travels.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let pool = match own {
            Some(offer) => {
                if let Some(credential) = credential {
                    let (name, value) = credential_header(offer, credential).map_err(|_| FetchError::Unreachable)?;
                    headers.insert(name, value);
                }
                self.pool(&offer.platform, &address.host).map_err(|_| FetchError::Unreachable)?
            }
            None if address.literal().is_some_and(|literal| !self.private.admits(literal)) => return Err(FetchError::Private),
            // Kept by nobody: it is closed with its answer.
            None => Arc::new(Pool::new(self.guarded.clone(), address.host.clone(), CONNECT_TIME)),
        };
        pool.send(request).await.map_err(|failure| match failure.code.as_deref() {
            Some(PRIVATE) => FetchError::Private,
            Some(_) | None => FetchError::Unreachable,
        })
    }
}

/// Whether an address is at a platform's own scheme, host and port.
fn is_at(offer: &PlatformModel, address: &Address) -> bool {
    Url::parse(&offer.platform.base_url).is_ok_and(|base| base.origin() == address.origin())
}

/// Where an answer sends us, if it does.
fn redirect(answer: &Response<AnswerBody>) -> Result<Option<&str>, FetchError> {
    let status = answer.status();
    let redirects = [
        StatusCode::MOVED_PERMANENTLY,
        StatusCode::FOUND,
        StatusCode::SEE_OTHER,
        StatusCode::TEMPORARY_REDIRECT,
        StatusCode::PERMANENT_REDIRECT,
    ];
    if status.is_success() {
        return Ok(None);
    }
    let location = answer.headers().get(LOCATION).and_then(|location| location.to_str().ok());
    match location {
        Some(location) if redirects.contains(&status) => Ok(Some(location)),
        Some(_) | None => Err(FetchError::Refused(status.as_u16())),
    }
}

fn begun(answer: Response<AnswerBody>, limits: DownloadLimits, deadline: Instant) -> Result<Download, FetchError> {
    let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
    let media_type = header(CONTENT_TYPE).and_then(|kind| kind.split(';').next()).map(|kind| kind.trim().to_ascii_lowercase());
    let length = header(CONTENT_LENGTH).and_then(|length| length.parse().ok());
    if length.is_some_and(|length| length > limits.max_bytes) {
        return Err(FetchError::TooLarge(limits.max_bytes));
    }
    Ok(Download { media_type, length, body: answer.into_body(), got: 0, pace: Pace::default(), limits, deadline })
}
