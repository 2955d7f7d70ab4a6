//! An outbound proxy's URL.

use http::{HeaderValue, Uri};
use url::Url;

use super::EgressError;

/// A proxy, checked. Equal ones share their connections.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Proxy {
    pub(super) sort: Sort,
    pub(super) address: Uri,
    pub(super) login: Option<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Sort {
    /// `CONNECT` over plain HTTP or, for `https://`, over TLS.
    Tunnel,
    /// SOCKS 5; names are resolved by the proxy, with `socks5://` as with `socks5h://`.
    Socks,
}

impl Proxy {
    pub(crate) fn parse(text: &str) -> Result<Self, EgressError> {
        let url = Url::parse(text).map_err(|_| EgressError::Proxy("it is not a URL"))?;
        let (sort, scheme, port) = match url.scheme() {
            "http" => (Sort::Tunnel, "http", 80),
            "https" => (Sort::Tunnel, "https", 443),
            "socks5" | "socks5h" => (Sort::Socks, "http", 1080),
            _ => return Err(EgressError::Proxy("its scheme is unknown")),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(EgressError::Proxy("it names no host"))?;
        let address = format!("{scheme}://{host}:{}", url.port().unwrap_or(port));
        let address = address.parse().map_err(|_| EgressError::Proxy("its host can't be read"))?;
        let login = (!url.username().is_empty()).then(|| (decoded(url.username()), decoded(url.password().unwrap_or_default())));
        Ok(Self { sort, address, login })
    }

    /// The login as `Proxy-Authorization: Basic …`.
    pub(super) fn basic(&self) -> Result<Option<HeaderValue>, EgressError> {
        use base64::Engine;
        let Some((user, password)) = &self.login else { return Ok(None) };
        let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        HeaderValue::from_str(&format!("Basic {encoded}")).map(Some).map_err(|_| EgressError::Proxy("its login can't be sent"))
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {}", self.sort, self.address)
    }
}

fn decoded(text: &str) -> String {
    let bytes = url::form_urlencoded::parse(text.replace('+', "%2B").as_bytes()).next().map(|(key, _)| key.into_owned());
    bytes.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_of_all_sorts_are_read() {
        let read = |text: &str| Proxy::parse(text).map(|proxy| (proxy.sort, proxy.address.to_string(), proxy.login));
        assert_eq!(read("http://p:3128"), Ok((Sort::Tunnel, "http://p:3128/".to_owned(), None)));
        assert_eq!(read("https://p"), Ok((Sort::Tunnel, "https://p:443/".to_owned(), None)));
        assert_eq!(read("socks5://p"), Ok((Sort::Socks, "http://p:1080/".to_owned(), None)));
        assert_eq!(
            read("socks5h://u:a%40b+c@p:9").map(|(sort, _, login)| (sort, login)),
            Ok((Sort::Socks, Some(("u".to_owned(), "a@b+c".to_owned()))))
        );
        assert!(read("ftp://p").is_err() && read("p:3128").is_err() && read("").is_err());
    }

    #[test]
    fn a_password_is_not_in_debug_output() {
        let shown = format!("{:?}", Proxy::parse("http://user:hunter2@p:1"));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
