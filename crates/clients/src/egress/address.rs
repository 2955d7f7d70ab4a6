//! An address that somebody else chose, in the parts that a call needs.
//!
//! Host and port are as a URL parser understands them (`http://0x7f000001` is 127.0.0.1), since that is what is guarded and connected
//! to. Path and query go out byte for byte as they were given: they are signed more often than not, and a parser would write some of
//! them another way.

use std::net::IpAddr;

use http::uri::PathAndQuery;
use http::{HeaderValue, Uri};
use url::{Host, Origin, Url};

use super::FetchError;

/// An http or https address.
#[derive(Debug, Clone)]
pub(super) struct Address {
    url: Url,
    /// Scheme, host and port, the port always spelled out.
    pub(super) host: Uri,
    /// The host as it is named to itself: without the port if it is the scheme's own.
    pub(super) host_header: HeaderValue,
    /// Path and query.
    pub(super) target: Uri,
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self, FetchError> {
        let url = Url::parse(text).map_err(|_| FetchError::NotAUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(FetchError::NotAUrl);
        }
        Self::parts(url, text).ok_or(FetchError::NotAUrl)
    }

    fn parts(url: Url, text: &str) -> Option<Self> {
        let (name, port) = (url.host_str()?, url.port_or_known_default()?);
        let host = Uri::builder().scheme(url.scheme()).authority(format!("{name}:{port}")).path_and_query("/").build().ok()?;
        let host_header = url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
        let target = as_given(text).or_else(|| as_parsed(&url))?;
        Some(Self { host, host_header: HeaderValue::from_str(&host_header).ok()?, target: target.into(), url })
    }

    /// Where `location`, as it stands in this address's answer, leads.
    pub(super) fn follow(&self, location: &str) -> Result<Self, FetchError> {
        if location.contains("://") && Url::parse(location).is_ok() {
            return Self::parse(location);
        }
        let url = self.url.join(location).map_err(|_| FetchError::NotAUrl)?;
        Self::parse(url.as_str())
    }

    /// Scheme, host and port.
    pub(super) fn origin(&self) -> Origin {
        self.url.origin()
    }

    /// The address itself where the host is one: no resolver is asked about it.
    pub(super) fn literal(&self) -> Option<IpAddr> {
        match self.url.host()? {
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
            Host::Domain(_) => None,
        }
    }
}

/// Path and query as they stand in the text; none if it is written so that a parser understands more than is there.
fn as_given(text: &str) -> Option<PathAndQuery> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        return None;
    }
    let (_, rest) = text.split_once("://")?;
    let rest = rest.find(['/', '?', '#']).map_or("", |at| &rest[at..]);
    let rest = rest.split('#').next().unwrap_or_default();
    if rest.starts_with('/') { rest.parse().ok() } else { format!("/{rest}").parse().ok() }
}

fn as_parsed(url: &Url) -> Option<PathAndQuery> {
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}{query}", url.path()).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(address: &Address) -> [String; 3] {
        [address.host.to_string(), address.host_header.to_str().unwrap().to_owned(), address.target.to_string()]
    }

    #[test]
    fn path_and_query_stay_as_they_were_given() {
        let check = |text: &str, expected: [&str; 3]| assert_eq!(shown(&Address::parse(text).unwrap()), expected, "{text}");
        check("https://a.b/v.mp4?X-Sig=a%2fb'c~d|e+f%20&=&&", ["https://a.b:443/", "a.b", "/v.mp4?X-Sig=a%2fb'c~d|e+f%20&=&&"]);
        check("http://a.b:81/x/../y#z", ["http://a.b:81/", "a.b:81", "/x/../y"]);
        check("https://A.b?q", ["https://a.b:443/", "a.b", "/?q"]);
        check("https://a.b", ["https://a.b:443/", "a.b", "/"]);
        check("https://u:p@a.b/c", ["https://a.b:443/", "a.b", "/c"]);
        check("https://a.b/c d/\u{e4}", ["https://a.b:443/", "a.b", "/c%20d/%C3%A4"]);
        check("https://a.b\\@c.d/e", ["https://a.b:443/", "a.b", "/@c.d/e"]);
    }

    #[test]
    fn what_is_no_web_address_is_refused() {
        for text in ["", "a.b/c", "ftp://a.b", "file:///etc/passwd", "data:text/plain,x", "http://", "http://[::1", "javascript:alert(1)"] {
            assert_eq!(Address::parse(text).err(), Some(FetchError::NotAUrl), "{text}");
        }
    }

    #[test]
    fn an_address_in_any_spelling_is_that_address() {
        for text in ["http://127.0.0.1/", "http://0x7f000001/", "http://2130706433", "http://127.1/x", "http://0177.0.0.1"] {
            assert_eq!(Address::parse(text).unwrap().literal(), Some(IpAddr::from([127, 0, 0, 1])), "{text}");
        }
        assert_eq!(Address::parse("http://[::1]:8/").unwrap().literal(), Some("::1".parse().unwrap()));
    }

    #[test]
    fn a_redirect_leads_from_where_it_is_told() {
        let from = Address::parse("https://a.b/c/d?e").unwrap();
        let to = |location: &str| from.follow(location).map(|address| address.host.to_string() + &address.target.to_string()[1..]);
        assert_eq!(to("https://x.y/z?s=a'b").unwrap(), "https://x.y:443/z?s=a'b");
        assert_eq!(to("/z").unwrap(), "https://a.b:443/z");
        assert_eq!(to("z?to=http://q").unwrap(), "https://a.b:443/c/z?to=http://q");
        assert_eq!(to("//x.y/z").unwrap(), "https://x.y:443/z");
        assert!(to("file:///etc/passwd").is_err() && to("ftp://x.y/").is_err());
    }
}
