//! Connections: direct, through a tunnel, or through SOCKS; TLS over each; the whole of it within one time.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tower_service::Service;

use super::proxy::{Proxy, Sort};
use super::{EgressError, Segments};

/// Connections kept for the next call, for each host; beyond the busiest platform's concurrency they would only idle.
const MAX_IDLE_PER_HOST: usize = 512;

/// Most servers close idle connections after a minute or more: closing first saves calls on connections that are just being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);

/// The largest head of an answer; bodies are read through the same buffer.
const MAX_BUFFER: usize = 256 * 1024;

type Direct = HttpsConnector<HttpConnector>;
type Boxed = Box<dyn std::error::Error + Send + Sync>;

/// A pool of connections. A handle.
#[derive(Debug, Clone)]
pub(crate) enum Http {
    Direct(Client<Timed<Direct>, Segments>),
    Tunnel(Client<Timed<HttpsConnector<Tunnel<Direct>>>, Segments>),
    Socks(Client<Timed<HttpsConnector<SocksV5<HttpConnector>>>, Segments>),
}

impl Http {
    pub(super) async fn request(&self, request: Request<Segments>) -> Result<Response<Incoming>, Error> {
        match self {
            Self::Direct(client) => client.request(request).await,
            Self::Tunnel(client) => client.request(request).await,
            Self::Socks(client) => client.request(request).await,
        }
    }
}

pub(super) fn build(proxy: Option<&Proxy>, connect: Duration, tls: &ClientConfig) -> Result<Http, EgressError> {
    let Some(proxy) = proxy else { return Ok(Http::Direct(pool(over(tcp(), tls), connect))) };
    match proxy.sort {
        Sort::Tunnel => {
            // A tunnel is asked for in HTTP/1.1: HTTP/2 must not be agreed on with the proxy.
            let to_proxy = HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http().enable_http1().wrap_connector(tcp());
            let tunnel = Tunnel::new(proxy.address.clone(), to_proxy);
            let tunnel = match proxy.basic()? {
                Some(login) => tunnel.with_auth(login),
                None => tunnel,
            };
            Ok(Http::Tunnel(pool(over(tunnel, tls), connect)))
        }
        Sort::Socks => {
            // Names are resolved by the proxy: resolving them here would block (hyper-util asks the system within the call).
            let socks = SocksV5::new(proxy.address.clone(), tcp()).local_dns(false);
            let socks = match &proxy.login {
                Some((user, password)) => socks.with_auth(user.clone(), password.clone()),
                None => socks,
            };
            Ok(Http::Socks(pool(over(socks, tls), connect)))
        }
    }
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

fn over<C>(connector: C, tls: &ClientConfig) -> HttpsConnector<C> {
    HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http().enable_all_versions().wrap_connector(connector)
}

fn pool<C>(connector: C, connect: Duration) -> Client<Timed<C>, Segments>
where
    Timed<C>: Connect + Clone,
{
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(MAX_IDLE_PER_HOST)
        .http1_max_buf_size(MAX_BUFFER)
        .http2_adaptive_window(true)
        .build(Timed { inner: connector, limit: connect })
}

/// A connector that gives up after a time, TLS and proxy included.
#[derive(Debug, Clone)]
pub(crate) struct Timed<C> {
    inner: C,
    limit: Duration,
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

impl<C> Service<Uri> for Timed<C>
where
    C: Service<Uri>,
    C::Error: Into<Boxed>,
    C::Future: Send + 'static,
{
    type Response = C::Response;
    type Error = Boxed;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, Boxed>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Boxed>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let connecting = self.inner.call(to);
        let limit = self.limit;
        Box::pin(async move {
            match tokio::time::timeout(limit, connecting).await {
                Ok(connected) => connected.map_err(Into::into),
                Err(_) => Err(ConnectTimeOut(limit).into()),
            }
        })
    }
}
