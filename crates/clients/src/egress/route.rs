//! What stays the same from call to call of one platform model with one credential.

use std::sync::Arc;

use easyai_core::catalog::{Credential, PlatformModel};
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use http::{HeaderMap, Method, Request, Uri};
use secrecy::ExposeSecret;

use super::pool::Pool;
use super::{EgressError, Segments};

/// What a caller's head may say to the upstream. Everything else (its key, cookies, SDK fingerprints) stays here.
const FORWARDED: [HeaderName; 2] = [HeaderName::from_static("openai-beta"), HeaderName::from_static("anthropic-beta")];

const AGENT: &str = concat!("easyai-gateway/", env!("CARGO_PKG_VERSION"));

/// The way to one endpoint.
#[derive(Debug)]
pub(crate) struct Route {
    offer: Arc<PlatformModel>,
    pub(crate) pool: Arc<Pool>,
    path: Uri,
    headers: HeaderMap,
}

impl Route {
    pub(super) fn new(
        offer: &Arc<PlatformModel>,
        credential: Option<&Credential>,
        endpoint: Endpoint,
        pool: Arc<Pool>,
    ) -> Result<Self, EgressError> {
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(HOST, endpoint.host_header);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // A compressed stream can't be read event by event as it comes.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        if let Some(credential) = credential {
            let bearer = format!("Bearer {}", credential.secret.expose_secret());
            let mut value = HeaderValue::from_str(&bearer).map_err(|_| EgressError::Credential)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(Self { offer: Arc::clone(offer), pool, path: endpoint.path, headers })
    }

    /// Whether this is still the way: the catalogue gives a new object for everything it reads again.
    pub(super) fn is_of(&self, offer: &Arc<PlatformModel>) -> bool {
        Arc::ptr_eq(&self.offer, offer)
    }

    /// A request along this way.
    pub(crate) fn post(&self, body: Segments, accept: &'static str, forward: &HeaderMap) -> Request<Segments> {
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.path.clone();
        let headers = request.headers_mut();
        headers.clone_from(&self.headers);
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        for name in &FORWARDED {
            if let Some(value) = forward.get(name) {
                headers.insert(name.clone(), value.clone());
            }
        }
        request
    }
}

/// The chat endpoint under a base URL, in the parts that a call needs.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// Scheme, host and port. The port is always spelled out, since a tunnel would guess 443.
    pub(super) host: Uri,
    /// As it is named to the host: without the port if it is the scheme's own.
    host_header: HeaderValue,
    /// Path and query.
    path: Uri,
}

impl Endpoint {
    pub(super) fn under(base: &str) -> Result<Self, EgressError> {
        Self::parts(base).ok_or_else(|| EgressError::BaseUrl(base.to_owned()))
    }

    fn parts(base: &str) -> Option<Self> {
        let url = url::Url::parse(&format!("{base}/chat/completions")).ok()?;
        let (name, port) = (url.host_str()?, url.port_or_known_default()?);
        let host = Uri::builder().scheme(url.scheme()).authority(format!("{name}:{port}")).path_and_query("/").build().ok()?;
        let host_header = url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        Some(Self { host, host_header: HeaderValue::from_str(&host_header).ok()?, path: format!("{}{query}", url.path()).parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_lies_under_the_base_url() {
        let parts = |base: &str| {
            let endpoint = Endpoint::under(base).ok()?;
            Some([endpoint.host.to_string(), endpoint.host_header.to_str().ok()?.to_owned(), endpoint.path.to_string()])
        };
        let check = |base: &str, expected: [&str; 3]| assert_eq!(parts(base), Some(expected.map(str::to_owned)), "{base}");
        check("https://api.openai.com/v1", ["https://api.openai.com:443/", "api.openai.com", "/v1/chat/completions"]);
        check("http://127.0.0.1:8000", ["http://127.0.0.1:8000/", "127.0.0.1:8000", "/chat/completions"]);
        check("http://[::1]:8000/a/b", ["http://[::1]:8000/", "[::1]:8000", "/a/b/chat/completions"]);
        assert_eq!(parts("nonsense"), None);
    }
}
