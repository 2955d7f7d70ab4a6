//! How a bucket is called: hyper's pooled client with the one TLS of the tree, instead of the reqwest that `object_store` brings.
//!
//! Proxies for platforms are not used: the bucket is the operator's own, mostly in the same network.
//!
//! # Failures
//! No connection within [`CONNECT_TIME`], no head of an answer within [`HEAD_TIME`], or a body that stands still for [`IDLE_TIME`] is a
//! failed call. `object_store` repeats those that may be repeated, within the bounds of `bucket.rs`.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector as Tcp;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse, HttpResponseBody, HttpService,
};
use tokio::time::{Sleep, sleep, timeout};

use super::AssetError;

/// The bucket is near.
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// From a call to the head of its answer: a part of 8 MiB goes up meanwhile, on a line of 1 Mbit/s.
const HEAD_TIME: Duration = Duration::from_secs(70);

/// No byte of an answer for so long while we wait for one.
const IDLE_TIME: Duration = Duration::from_secs(30);

/// Connections kept for the next call.
const MAX_IDLE: usize = 32;

/// Amazon closes idle connections after about as long.
const IDLE_CONNECTION: Duration = Duration::from_secs(20);

/// The way to the bucket. Clones share their connections.
#[derive(Debug, Clone)]
pub(super) struct Door(Client<HttpsConnector<Tcp>, HttpRequestBody>);

impl Door {
    pub(super) fn new() -> Result<Self, AssetError> {
        let mut tcp = Tcp::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIME));
        let provider = || Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = match HttpsConnectorBuilder::new().with_provider_and_native_roots(provider()) {
            Ok(builder) => builder,
            // A bare container has no certificates of its own.
            Err(_) => HttpsConnectorBuilder::new()
                .with_provider_and_webpki_roots(provider())
                .map_err(|error| AssetError::Setting(format!("TLS can't be used: {error}")))?,
        };
        let connector = builder.https_or_http().enable_http1().wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_CONNECTION)
            .pool_max_idle_per_host(MAX_IDLE)
            .build(connector);
        Ok(Self(client))
    }
}

impl HttpConnector for Door {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait::async_trait]
impl HttpService for Door {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        match timeout(HEAD_TIME, self.0.request(request)).await {
            Ok(Ok(answer)) => Ok(answer.map(|incoming| HttpResponseBody::new(Patient { incoming, waiting: None }))),
            Ok(Err(error)) if error.is_connect() => Err(HttpError::new(HttpErrorKind::Connect, error)),
            Ok(Err(error)) => Err(HttpError::new(HttpErrorKind::Interrupted, error)),
            Err(late) => Err(HttpError::new(HttpErrorKind::Timeout, late)),
        }
    }
}

/// An answer's body that fails when it stands still. Only waiting counts: a caller who reads slowly may.
#[derive(Debug)]
struct Patient {
    incoming: Incoming,
    waiting: Option<Pin<Box<Sleep>>>,
}

/// Nothing came for too long.
#[derive(Debug, thiserror::Error)]
#[error("nothing came for {} s", IDLE_TIME.as_secs())]
struct StoodStill;

impl Body for Patient {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) {
            self.waiting = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(|error| HttpError::new(HttpErrorKind::Interrupted, error))));
        }
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(IDLE_TIME)));
        waiting.as_mut().poll(cx).map(|()| Some(Err(HttpError::new(HttpErrorKind::Timeout, StoodStill))))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
