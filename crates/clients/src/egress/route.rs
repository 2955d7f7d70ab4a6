//! What stays the same from call to call of one platform model with one credential.

use std::sync::Arc;

use easyai_core::catalog::{Credential, PlatformModel};
use easyai_core::kind::Provider;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use http::{HeaderMap, Method, Request, Uri};
use secrecy::ExposeSecret;

use super::pool::Pool;
use super::{EgressError, Segments};
use crate::upstream::Endpoint;

const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// What a caller's head may say to an upstream of its own protocol. Everything else (its key, cookies, SDK fingerprints) stays here.
const FORWARDED: [HeaderName; 3] = [HeaderName::from_static("openai-beta"), HeaderName::from_static("anthropic-beta"), ANTHROPIC_VERSION];

pub(super) const AGENT: &str = concat!("easyai-gateway/", env!("CARGO_PKG_VERSION"));

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
        place: Place,
        pool: Arc<Pool>,
    ) -> Result<Self, EgressError> {
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(HOST, place.host_header);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // A compressed stream can't be read event by event as it comes.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        let provider = offer.platform.provider;
        if provider == Provider::Anthropic {
            headers.insert(ANTHROPIC_VERSION, HeaderValue::from_static("2023-06-01"));
        }
        if let Some(credential) = credential {
            // Speech has an API of its own at Volcengine, with a header of its own.
            let (name, value) =
                if endpoint.is_openspeech() { openspeech_header(credential)? } else { credential_header(offer, credential)? };
            headers.insert(name, value);
        }
        Ok(Self { offer: Arc::clone(offer), pool, path: place.path, headers })
    }

    /// Whether this is still the way: the catalogue gives a new object for everything it reads again.
    pub(super) fn is_of(&self, offer: &Arc<PlatformModel>) -> bool {
        Arc::ptr_eq(&self.offer, offer)
    }

    /// A request along this way, with what `forward`, a caller's head, may say to the upstream.
    pub(crate) fn post(&self, body: Segments, accept: &'static str, forward: Option<&HeaderMap>) -> Request<Segments> {
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.path.clone();
        let headers = request.headers_mut();
        headers.clone_from(&self.headers);
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        for name in &FORWARDED {
            if let Some(value) = forward.and_then(|head| head.get(name)) {
                headers.insert(name.clone(), value.clone());
            }
        }
        request
    }

    /// A request without a body for what lies below this way: `below` is put behind its path, such as `/{id}` or `?page_size=10`. Ids in
    /// it are escaped ([`segment`](crate::upstream::segment)). Nothing of it is remembered.
    ///
    /// # Errors
    /// [`EgressError::BaseUrl`] if the two make no path.
    pub(crate) fn request(&self, method: Method, below: &str) -> Result<Request<Segments>, EgressError> {
        let path = format!("{}{below}", self.path.path().trim_end_matches('/'));
        let mut request = self.post(Segments::new(Vec::new()), "application/json", None);
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().map_err(|_| EgressError::BaseUrl(path))?;
        request.headers_mut().remove(CONTENT_TYPE);
        Ok(request)
    }
}

/// How a platform is shown its credential.
pub(super) fn credential_header(offer: &PlatformModel, credential: &Credential) -> Result<(HeaderName, HeaderValue), EgressError> {
    let secret = credential.secret.expose_secret();
    let (name, value) = match offer.platform.provider {
        Provider::Anthropic => (HeaderName::from_static("x-api-key"), HeaderValue::from_str(secret)),
        Provider::Gemini => (HeaderName::from_static("x-goog-api-key"), HeaderValue::from_str(secret)),
        Provider::Openai | Provider::Volces | Provider::Simulation => (AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {secret}"))),
    };
    secret_header(name, value)
}

/// How Volcengine's speech API takes a key.
fn openspeech_header(credential: &Credential) -> Result<(HeaderName, HeaderValue), EgressError> {
    secret_header(HeaderName::from_static("x-api-key"), HeaderValue::from_str(credential.secret.expose_secret()))
}

fn secret_header(
    name: HeaderName,
    value: Result<HeaderValue, http::header::InvalidHeaderValue>,
) -> Result<(HeaderName, HeaderValue), EgressError> {
    let mut value = value.map_err(|_| EgressError::Credential)?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// A URL in the parts that a call needs.
#[derive(Debug)]
pub(super) struct Place {
    /// Scheme, host and port. The port is always spelled out, since a tunnel would guess 443.
    pub(super) host: Uri,
    /// As it is named to the host: without the port if it is the scheme's own.
    host_header: HeaderValue,
    /// Path and query.
    path: Uri,
}

impl Place {
    pub(super) fn of(url: &str) -> Result<Self, EgressError> {
        Self::parts(url).ok_or_else(|| EgressError::BaseUrl(url.to_owned()))
    }

    fn parts(url: &str) -> Option<Self> {
        let url = url::Url::parse(url).ok()?;
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
    fn a_url_is_taken_apart() {
        let parts = |url: &str| {
            let place = Place::of(url).ok()?;
            Some([place.host.to_string(), place.host_header.to_str().ok()?.to_owned(), place.path.to_string()])
        };
        let check = |url: &str, expected: [&str; 3]| assert_eq!(parts(url), Some(expected.map(str::to_owned)), "{url}");
        check("https://api.openai.com/v1/chat", ["https://api.openai.com:443/", "api.openai.com", "/v1/chat"]);
        check("http://127.0.0.1:8000/x?beta=true", ["http://127.0.0.1:8000/", "127.0.0.1:8000", "/x?beta=true"]);
        check("http://[::1]:8000/a/b", ["http://[::1]:8000/", "[::1]:8000", "/a/b"]);
        assert_eq!(parts("nonsense"), None);
    }
}
