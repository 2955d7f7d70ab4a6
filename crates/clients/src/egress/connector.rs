//! Connections: direct, through a tunnel, or through SOCKS; TLS over each; the whole of it within one time.

use std::future::poll_fn;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use rustls::ClientConfig;
use tower_service::Service;

use super::EgressError;
use super::guard::{GuardedResolver, PrivateAddresses};
use super::proxy::{Proxy, Sort};

type Direct = HttpsConnector<HttpConnector>;
type Boxed = Box<dyn std::error::Error + Send + Sync>;

/// How connections are made.
#[derive(Debug, Clone)]
pub(super) enum Connector {
    Direct(Direct),
    Tunnel(HttpsConnector<Tunnel<Direct>>),
    Socks(HttpsConnector<SocksV5<HttpConnector>>),
    /// Without a proxy, and only to addresses that somebody else may choose.
    Guarded(HttpsConnector<HttpConnector<GuardedResolver>>),
}

impl Connector {
    pub(super) fn new(proxy: Option<&Proxy>, tls: &ClientConfig) -> Result<Self, EgressError> {
        let Some(proxy) = proxy else { return Ok(Self::Direct(over(tcp(), tls))) };
        match proxy.sort {
            Sort::Tunnel => {
                let tunnel = Tunnel::new(proxy.address.clone(), over(tcp(), tls));
                let tunnel = match proxy.basic()? {
                    Some(login) => tunnel.with_auth(login),
                    None => tunnel,
                };
                Ok(Self::Tunnel(over(tunnel, tls)))
            }
            Sort::Socks => {
                // Names are resolved by the proxy: resolving them here would block (hyper-util asks the system within the call).
                let socks = SocksV5::new(proxy.address.clone(), tcp()).local_dns(false);
                let socks = match &proxy.login {
                    Some((user, password)) => socks.with_auth(user.clone(), password.clone()),
                    None => socks,
                };
                Ok(Self::Socks(over(socks, tls)))
            }
        }
    }

    /// Connections to addresses that somebody else chose. One that is an address itself is asked of no resolver: check it before.
    pub(super) fn guarded(tls: &ClientConfig, private: PrivateAddresses) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(GuardedResolver(private));
        tcp.enforce_http(false);
        Self::Guarded(over(tcp, tls))
    }

    /// A new connection within `limit`, TLS and proxy included.
    pub(super) async fn connect(&self, to: Uri, limit: Duration) -> Result<Io, Boxed> {
        let connecting = async {
            match self {
                Self::Direct(connector) => boxed(connector.clone(), to).await,
                Self::Tunnel(connector) => boxed(connector.clone(), to).await,
                Self::Socks(connector) => boxed(connector.clone(), to).await,
                Self::Guarded(connector) => boxed(connector.clone(), to).await,
            }
        };
        tokio::time::timeout(limit, connecting).await.map_err(|_| ConnectTimeOut(limit))?
    }
}

async fn boxed<C>(mut connector: C, to: Uri) -> Result<Io, Boxed>
where
    C: Service<Uri>,
    C::Response: Stream + 'static,
    C::Error: Into<Boxed>,
{
    poll_fn(|cx| connector.poll_ready(cx)).await.map_err(Into::into)?;
    connector.call(to).await.map(|stream| Io(Box::new(stream))).map_err(Into::into)
}

fn tcp() -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(Duration::from_secs(30)));
    tcp
}

/// Certificates and protocol versions, read once: the system's store is dozens of files.
pub(super) fn tls_config() -> Result<ClientConfig, EgressError> {
    let mut roots = rustls::RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(native.certs);
    if roots.is_empty() {
        // A bare container has no certificates of its own.
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| EgressError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

/// HTTP/1.1 alone is agreed on: a call has its connection for itself, and closing it cancels the call and nothing else.
fn over<C>(connector: C, tls: &ClientConfig) -> HttpsConnector<C> {
    HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http().enable_http1().wrap_connector(connector)
}

/// No connection within the time.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("no connection within {} ms (connect_ms)", .0.as_millis())]
pub(super) struct ConnectTimeOut(Duration);

impl ConnectTimeOut {
    /// Looks for this error among the causes of another.
    pub(super) fn find<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(found) = error.downcast_ref::<Self>() {
                return Some(found);
            }
            cause = error.source();
        }
        None
    }
}

/// A connection, whatever it leads through.
pub(super) trait Stream: Read + Write + Send + Unpin {}

impl<T: Read + Write + Send + Unpin> Stream for T {}

/// A connection of any sort.
pub(crate) struct Io(Box<dyn Stream>);

impl std::fmt::Debug for Io {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Io")
    }
}

impl Read for Io {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl Write for Io {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, pieces)
    }
}
