//! Fetches what somebody else's URL names: bounded in size, time and redirects, and never from our own network.

use std::future::poll_fn;
use std::net::IpAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HOST, LOCATION, USER_AGENT};
use http::{HeaderValue, Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http1::handshake;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use tokio::time::timeout;
use tower_service::Service;
use url::{Host, Url};

use super::Segments;
use super::guard::{GuardedResolver, PrivateAddresses};

/// The largest thing that is fetched: what Google takes inline.
const MAX_BYTES: usize = 20 << 20;

/// The whole of it, redirects included.
const MAX_TIME: Duration = Duration::from_secs(20);

/// Shorteners and storages redirect once or twice.
const MAX_REDIRECTS: usize = 4;

/// Something that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// What its server says it is.
    pub media_type: Option<String>,
    /// The thing itself.
    pub body: Bytes,
}

/// Why nothing was fetched. Says nothing of what lies behind the address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// No URL that can be fetched.
    #[error("it is no http or https URL")]
    NotAUrl,
    /// It leads into a private network, or can't be reached.
    #[error("it can't be reached")]
    Unreachable,
    /// Its server says no.
    #[error("its server answers {0}")]
    Refused(u16),
    /// Larger than allowed.
    #[error("it is larger than {} MB", MAX_BYTES >> 20)]
    TooLarge,
    /// Not there in time.
    #[error("it did not arrive within {} s", MAX_TIME.as_secs())]
    TooSlow,
}

/// Fetches.
#[derive(Debug, Clone)]
pub(crate) struct Fetcher {
    connector: HttpsConnector<HttpConnector<GuardedResolver>>,
    pub(super) private: PrivateAddresses,
}

impl Fetcher {
    pub(super) fn new(tls: &rustls::ClientConfig, private: PrivateAddresses) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(GuardedResolver(private));
        tcp.enforce_http(false);
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http().enable_http1().wrap_connector(tcp);
        Self { connector, private }
    }

    /// What `url` names.
    pub(crate) async fn fetch(&self, url: &str) -> Result<Fetched, FetchError> {
        timeout(MAX_TIME, self.follow(url)).await.map_err(|_| FetchError::TooSlow)?
    }

    async fn follow(&self, url: &str) -> Result<Fetched, FetchError> {
        let mut url = Url::parse(url).map_err(|_| FetchError::NotAUrl)?;
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.ask(&url).await?;
            let status = answer.status();
            if !status.is_redirection() {
                return if status.is_success() { read(answer).await } else { Err(FetchError::Refused(status.as_u16())) };
            }
            let next = answer.headers().get(LOCATION).and_then(|next| next.to_str().ok()).ok_or(FetchError::Refused(status.as_u16()))?;
            url = url.join(next).map_err(|_| FetchError::NotAUrl)?;
        }
        Err(FetchError::Unreachable)
    }

    async fn ask(&self, url: &Url) -> Result<Response<Incoming>, FetchError> {
        self.send(url, Request::new(Segments::new(Vec::new()))).await
    }

    /// Sends `request` to `url`, on a connection of its own.
    pub(super) async fn send(&self, url: &Url, mut request: Request<Segments>) -> Result<Response<Incoming>, FetchError> {
        let (to, host, path) = self.parts(url)?;
        let mut connector = self.connector.clone();
        poll_fn(|cx| connector.poll_ready(cx)).await.map_err(|_| FetchError::Unreachable)?;
        let io = connector.call(to).await.map_err(|_| FetchError::Unreachable)?;
        let (mut sender, connection) = handshake::<_, Segments>(io).await.map_err(|_| FetchError::Unreachable)?;
        // Ends with the answer's body, or when that is dropped.
        tokio::spawn(connection);
        *request.uri_mut() = path;
        request.headers_mut().insert(HOST, host);
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(concat!("easyai-gateway/", env!("CARGO_PKG_VERSION"))));
        sender.send_request(request).await.map_err(|_| FetchError::Unreachable)
    }

    /// Where to connect, what to call the host, and what to ask it for.
    fn parts(&self, url: &Url) -> Result<(Uri, HeaderValue, Uri), FetchError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(FetchError::NotAUrl);
        }
        let literal = match url.host().ok_or(FetchError::NotAUrl)? {
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
            Host::Domain(_) => None,
        };
        if literal.is_some_and(|address| !self.private.admits(address)) {
            return Err(FetchError::Unreachable);
        }
        let (name, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(443));
        let not_a_url = |_| FetchError::NotAUrl;
        let to = Uri::builder().scheme(url.scheme()).authority(format!("{name}:{port}")).path_and_query("/").build().map_err(not_a_url)?;
        let host = HeaderValue::from_str(&url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}")));
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let path = format!("{}{query}", url.path()).parse().map_err(|_| FetchError::NotAUrl)?;
        Ok((to, host.map_err(|_| FetchError::NotAUrl)?, path))
    }
}

async fn read(answer: Response<Incoming>) -> Result<Fetched, FetchError> {
    let media_type = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let media_type = media_type.and_then(|kind| kind.split(';').next()).map(|kind| kind.trim().to_ascii_lowercase());
    let mut incoming = answer.into_body();
    let mut body = BytesMut::new();
    loop {
        let frame = poll_fn(|cx| http_body::Body::poll_frame(std::pin::Pin::new(&mut incoming), cx)).await;
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(|_| FetchError::Unreachable)?.into_data() else { continue };
        if body.len() + data.len() > MAX_BYTES {
            return Err(FetchError::TooLarge);
        }
        body.extend_from_slice(&data);
    }
    Ok(Fetched { media_type, body: body.freeze() })
}
