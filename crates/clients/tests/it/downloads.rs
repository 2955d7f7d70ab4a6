//! Downloads of what was made: who is asked, what is told to whom, and what is believed of the answer.

use std::sync::Arc;
use std::time::Duration;

use easyai_clients::{Clients, Download, DownloadAsk, DownloadLimits, FetchError, PrivateAddresses};
use easyai_core::catalog::{Credential, PlatformModel};
use easyai_core::id::CredentialId;
use easyai_core::kind::Provider;
use uuid::Uuid;

use crate::bed::Bed;
use crate::files::{Files, Then};
use crate::proxy::Proxy;

const LIMITS: DownloadLimits = DownloadLimits { max_bytes: 1_000_000, idle: Duration::from_secs(10), total: Duration::from_secs(20) };

/// Time that is surely over soon, and long enough for a local server.
const SOON: Duration = Duration::from_millis(300);

struct Ask<'a> {
    clients: Clients,
    offer: Option<&'a Arc<PlatformModel>>,
    limits: DownloadLimits,
}

impl Ask<'_> {
    /// As for a caller's URL.
    fn guarded() -> Self {
        Self { clients: Clients::new(None).unwrap(), offer: None, limits: LIMITS }
    }

    /// As for a caller's URL, where the operator allows private addresses: all servers here have one.
    fn allowed() -> Self {
        let clients = Clients::with_private_addresses(None, PrivateAddresses::Allowed).unwrap();
        Self { clients, ..Self::guarded() }
    }

    async fn begin(&self, url: &str) -> Result<Download, FetchError> {
        let credential = Credential {
            id: CredentialId::from_uuid(Uuid::from_u128(3)),
            weight: std::num::NonZeroU32::MIN,
            secret: "sk-ours".to_owned().into(),
            name: "credential 1".into(),
            limits: Arc::default(),
        };
        self.clients.download(DownloadAsk { url, offer: self.offer, credential: Some(&credential), limits: self.limits }).await
    }

    async fn whole(&self, url: &str) -> Result<String, FetchError> {
        let mut download = self.begin(url).await?;
        let mut body = Vec::new();
        while let Some(piece) = download.next().await? {
            body.extend_from_slice(&piece);
        }
        Ok(String::from_utf8(body).unwrap())
    }
}

fn offer(base_url: &str) -> Arc<PlatformModel> {
    Arc::new(Bed::at(base_url).offer)
}

#[tokio::test]
async fn a_body_comes_in_pieces_and_the_url_goes_out_as_it_was_given() {
    let files = Files::of("HTTP/1.1 200 OK\r\ncontent-type: Video/MP4; x=y\r\ncontent-length: 5\r\n\r\nhello").await;
    let ask = Ask::allowed();
    let mut download = ask.begin(&files.url("/v%2Fx/../a.mp4?X-Sig=a%2fb'c|d+e&=#part")).await.unwrap();
    assert_eq!((download.media_type.as_deref(), download.length), (Some("video/mp4"), Some(5)));
    assert_eq!(download.next().await.unwrap().as_deref(), Some(b"hello".as_slice()));
    assert_eq!(download.next().await, Ok(None));
    let asked = files.asked().remove(0);
    assert!(asked.starts_with("GET /v%2Fx/../a.mp4?X-Sig=a%2fb'c|d+e&= HTTP/1.1\r\n"), "{asked}");
    assert!(!asked.contains("sk-ours"), "nobody's platform gets nobody's key: {asked}");
}

#[tokio::test]
async fn a_body_that_is_not_as_long_as_it_was_said_to_be_is_not_whole() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel",
    ] {
        let files = Files::of(answer).await;
        assert_eq!(Ask::allowed().whole(&files.url("/")).await, Err(FetchError::CutOff), "{answer}");
    }
    let files = Files::of("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello and more").await;
    assert_eq!(Ask::allowed().whole(&files.url("/")).await.unwrap(), "hello", "what comes after the end is no part of it");
    let files = Files::of("HTTP/1.1 200 OK\r\n\r\nhello").await;
    assert_eq!(Ask::allowed().whole(&files.url("/")).await.unwrap(), "hello", "nothing was said");
}

#[tokio::test]
async fn an_endless_body_ends_at_the_bound() {
    let files = Files::then("HTTP/1.1 200 OK\r\n\r\n", Then::GoOn).await;
    assert_eq!(Ask::allowed().whole(&files.url("/")).await, Err(FetchError::TooLarge(1_000_000)));
    let files = Files::then("HTTP/1.1 200 OK\r\ncontent-length: 1000001\r\n\r\n", Then::GoOn).await;
    let begun = Ask::allowed().begin(&files.url("/")).await;
    assert_eq!(begun.err(), Some(FetchError::TooLarge(1_000_000)), "before any of it");
}

#[tokio::test]
async fn a_server_that_stands_still_is_not_waited_for() {
    let ask = Ask { limits: DownloadLimits { idle: SOON, ..LIMITS }, ..Ask::allowed() };
    let silent = Files::then("", Then::Stall).await;
    assert_eq!(ask.begin(&silent.url("/")).await.err(), Some(FetchError::Stalled(SOON)));
    let stalls = Files::then("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello", Then::Stall).await;
    let mut download = ask.begin(&stalls.url("/")).await.unwrap();
    assert_eq!(download.next().await.unwrap().as_deref(), Some(b"hello".as_slice()));
    assert_eq!(download.next().await, Err(FetchError::Stalled(SOON)));
    let drips = Files::then("HTTP/1.1 200 OK\r\n\r\n", Then::Drip).await;
    let ask = Ask { limits: DownloadLimits { total: SOON, ..LIMITS }, ..Ask::allowed() };
    assert_eq!(ask.whole(&drips.url("/")).await, Err(FetchError::TooSlow(SOON)));
    let ask = Ask { limits: DownloadLimits { idle: SOON, ..LIMITS }, ..Ask::allowed() };
    assert_eq!(ask.whole(&drips.url("/")).await, Err(FetchError::Stalled(SOON)), "a byte now and then is as good as nothing");
}

#[tokio::test]
async fn an_expired_url_is_told_from_a_busy_server() {
    for (status, temporary) in [(403, false), (404, false), (410, false), (300, false), (429, true), (500, true), (503, true)] {
        let files = Files::of(&format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n")).await;
        let error = Ask::allowed().begin(&files.url("/")).await.unwrap_err();
        assert_eq!((&error, error.is_temporary()), (&FetchError::Refused(status), temporary));
    }
    let gone = easyai_bench::mock::RefusedAddress::take().unwrap();
    let error = Ask::allowed().begin(&format!("http://{}/", gone.addr())).await.unwrap_err();
    assert_eq!((&error, error.is_temporary()), (&FetchError::Unreachable, true));
}

#[tokio::test]
async fn our_own_network_is_out_of_reach_for_urls_of_others() {
    let files = Files::of("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret").await;
    let port = files.port;
    for host in ["127.0.0.1", "localhost", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"] {
        assert_eq!(Ask::guarded().begin(&format!("http://{host}:{port}/")).await.err(), Some(FetchError::Private), "{host}");
    }
    assert!(files.asked().is_empty());
}

#[tokio::test]
async fn a_redirect_does_not_lead_into_our_own_network() {
    let inner = Files::of("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret").await;
    let inner = inner.url("/latest/meta-data");
    for to in ["http://169.254.169.254/latest/meta-data", inner.as_str()] {
        let files = Files::of(&format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")).await;
        // The platform's own address is the operator's choice; where it redirects is not.
        let platform = offer(&files.url("/v1"));
        let ask = Ask { offer: Some(&platform), ..Ask::guarded() };
        assert_eq!(ask.begin(&files.url("/v1/videos/1/content")).await.err(), Some(FetchError::Private), "{to}");
    }
}

#[tokio::test]
async fn the_credential_goes_to_the_platforms_own_origin_and_nowhere_else() {
    let storage = Files::of("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
    let redirect = format!("HTTP/1.1 307 X\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", storage.url("/signed?x=1"));
    let api = Files::of(&redirect).await;
    let platform = offer(&api.url("/v1"));
    let ask = Ask { offer: Some(&platform), ..Ask::allowed() };
    assert_eq!(ask.whole(&api.url("/v1/videos/1/content")).await.unwrap(), "hello");
    assert!(api.asked()[0].contains("authorization: Bearer sk-ours\r\n"), "{:?}", api.asked());
    let asked = storage.asked().remove(0);
    assert!(!asked.contains("sk-ours") && !asked.contains("authorization") && asked.starts_with("GET /signed?x=1 "), "{asked}");
    // A result that lies elsewhere from the start.
    ask.whole(&storage.url("/2")).await.unwrap();
    assert!(!storage.asked()[1].contains("sk-ours"));
}

#[tokio::test]
async fn who_redirects_back_to_a_platform_does_not_get_its_credential_or_its_network() {
    let api = Files::of("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
    let other = Files::of(&format!("HTTP/1.1 302 X\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", api.url("/internal"))).await;
    let platform = offer(&api.url("/v1"));
    assert_eq!(Ask { offer: Some(&platform), ..Ask::allowed() }.whole(&other.url("/")).await.unwrap(), "hello");
    assert!(!api.asked()[0].contains("sk-ours"), "{:?}", api.asked());
}

#[tokio::test]
async fn a_platform_on_a_private_address_is_the_operators_choice() {
    let answers = ["HTTP/1.1 302 X\r\nlocation: moved\r\ncontent-length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"];
    let api = Files::one_by_one(&answers).await;
    let mut platform = Bed::at(&api.url("/v1")).with(|platform| platform.provider = Provider::Gemini).offer;
    platform.upstream_name = "veo".into();
    let platform = Arc::new(platform);
    let ask = Ask { offer: Some(&platform), ..Ask::guarded() };
    assert_eq!(ask.whole(&api.url("/v1beta/files/1:download?alt=media")).await.unwrap(), "hello");
    for asked in api.asked() {
        assert!(asked.contains("x-goog-api-key: sk-ours\r\n"), "{asked}");
    }
    assert!(api.asked()[1].starts_with("GET /v1beta/files/moved "), "{:?}", api.asked());
}

#[tokio::test]
async fn a_platforms_proxy_serves_its_own_origin_alone() {
    let (api, storage) = (Files::of(OK).await, Files::of(OK).await);
    let proxy = Proxy::tunnel().await;
    let platform = Arc::new(Bed::at(&api.url("/v1")).through(&format!("http://127.0.0.1:{}", proxy.port)).offer);
    let ask = Ask { offer: Some(&platform), ..Ask::allowed() };
    ask.whole(&storage.url("/")).await.unwrap();
    assert!(proxy.asked().is_empty());
    ask.whole(&api.url("/v1/x")).await.unwrap();
    assert!(proxy.asked()[0].starts_with(&format!("CONNECT 127.0.0.1:{} ", api.port)));
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

#[tokio::test]
async fn redirects_are_followed_a_few_times() {
    let circle = Files::of("HTTP/1.1 301 X\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(Ask::allowed().begin(&circle.url("/")).await.err(), Some(FetchError::TooManyRedirects));
    assert_eq!(circle.asked().len(), 5);
    let nowhere = Files::of("HTTP/1.1 302 X\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(Ask::allowed().begin(&nowhere.url("/")).await.err(), Some(FetchError::Refused(302)));
    let file = Files::of("HTTP/1.1 302 X\r\nlocation: file:///etc/passwd\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(Ask::allowed().begin(&file.url("/")).await.err(), Some(FetchError::NotAUrl));
}
