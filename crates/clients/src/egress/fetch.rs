//! Fetches the whole of what somebody else's URL names, where it is small and needed in memory; and why nothing was fetched.

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::Egress;
use super::download::{DownloadAsk, DownloadLimits};

/// The largest thing that is fetched whole: what Google takes inline. In the whole time that a call may wait for it.
const LIMITS: DownloadLimits = DownloadLimits { max_bytes: 20 << 20, idle: Duration::from_secs(20), total: Duration::from_secs(20) };

/// Something that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// What its server says it is.
    pub media_type: Option<String>,
    /// The thing itself.
    pub body: Bytes,
}

/// Why something was not fetched. Its text may be shown to whoever chose the URL, and says nothing of what lies behind the address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// No URL that can be fetched.
    #[error("it is no http or https URL")]
    NotAUrl,
    /// It leads into a private network.
    #[error("it can't be reached")]
    Private,
    /// There is no connection, or it broke before an answer began.
    #[error("it can't be reached")]
    Unreachable,
    /// It leads on and on.
    #[error("it redirects too often")]
    TooManyRedirects,
    /// Its server says no.
    #[error("its server answers {0}")]
    Refused(u16),
    /// More bytes than are allowed.
    #[error("it is larger than {} MB", .0 >> 20)]
    TooLarge(u64),
    /// Not there in time.
    #[error("it did not arrive within {} s", .0.as_secs())]
    TooSlow(Duration),
    /// Nothing more came, or hardly anything.
    #[error("hardly anything of it came for {} s", .0.as_secs())]
    Stalled(Duration),
    /// The body is not as long as its server said, or broke.
    #[error("it was cut off")]
    CutOff,
}

impl FetchError {
    /// Whether the same again may succeed: the network, and servers that are busy or broken. What is gone, forbidden, too large or
    /// behind the guard stays so; the URL of a result that has expired is one of those (403, 404 or 410, as providers have it).
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable | Self::TooSlow(_) | Self::Stalled(_) | Self::CutOff => true,
            Self::Refused(status) => matches!(status, 408 | 409 | 423 | 425 | 429 | 500..=599),
            Self::NotAUrl | Self::Private | Self::TooManyRedirects | Self::TooLarge(_) => false,
        }
    }
}

impl Egress {
    /// The whole of what a caller's `url` names.
    pub(crate) async fn fetch(&self, url: &str) -> Result<Fetched, FetchError> {
        let mut download = self.download(DownloadAsk { url, offer: None, credential: None, limits: LIMITS }).await?;
        let mut body = BytesMut::new();
        while let Some(piece) = download.next().await? {
            body.extend_from_slice(&piece);
        }
        Ok(Fetched { media_type: download.media_type, body: body.freeze() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_succeed_later_is_told_from_what_is_over() {
        for status in [429, 500, 502, 503, 504, 408] {
            assert!(FetchError::Refused(status).is_temporary(), "{status}");
        }
        for status in [400, 401, 403, 404, 410, 301] {
            assert!(!FetchError::Refused(status).is_temporary(), "{status}");
        }
        let long = Duration::from_secs(20);
        for error in [FetchError::Unreachable, FetchError::TooSlow(long), FetchError::Stalled(long), FetchError::CutOff] {
            assert!(error.is_temporary(), "{error}");
        }
        for error in [FetchError::NotAUrl, FetchError::Private, FetchError::TooManyRedirects, FetchError::TooLarge(1)] {
            assert!(!error.is_temporary(), "{error}");
        }
        assert_eq!(FetchError::Private.to_string(), FetchError::Unreachable.to_string(), "whoever asks learns nothing of our network");
    }
}
