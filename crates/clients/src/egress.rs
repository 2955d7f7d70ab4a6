//! The one outbound door: pools of connections, proxies, TLS, and the time to connect.
//!
//! hyper-util's client, which is what lies under reqwest: a call through it costs some microseconds less, and nothing of what reqwest
//! adds (redirects, cookies, decompression, proxies from the environment) is wanted here. There is one pool for each pair of proxy and
//! time to connect.
//!
//! # Failures
//! A connection that can't be had is `network` with nothing sent; a connection that breaks later may have sent something.

mod body;
mod connector;
mod proxy;
mod route;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use easyai_core::catalog::{Credential, Platform, PlatformModel, ProxySetting};
use easyai_core::failure::{Category, Failure, Sent};
use easyai_core::id::{CredentialId, PlatformModelId};
use http::{Request, Response};
use hyper::body::Incoming;
use secrecy::{ExposeSecret, SecretString};

pub(crate) use self::body::Segments;
use self::connector::{ConnectTimeOut, Http, build, tls_config};
use self::proxy::Proxy;
pub(crate) use self::route::Route;
use crate::refusal::{broken, chain};

/// A platform's way out that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// The proxy's URL. Not repeated: it may hold a password.
    #[error("the proxy URL can't be used: {0}; write http://, https://, socks5:// or socks5h://, then [USER:PASSWORD@]HOST:PORT")]
    Proxy(&'static str),
    /// The platform's base URL.
    #[error("the base URL `{0}` can't be used: write https://HOST/PATH")]
    BaseUrl(String),
    /// The credential can't be sent.
    #[error("the credential holds characters that can't be sent in a header")]
    Credential,
    /// No certificate store could be loaded.
    #[error("TLS can't be used: {0}")]
    Tls(String),
}

/// Ways that are remembered. Those of platforms that were changed or removed stay behind: beyond this all are forgotten and built again.
const MAX_KNOWN: usize = 4_096;

type PoolKey = (Option<Proxy>, Duration);
type RouteKey = (PlatformModelId, Option<CredentialId>);

/// All ways out.
#[derive(Debug)]
pub(crate) struct Egress {
    global_proxy: Option<Proxy>,
    tls: rustls::ClientConfig,
    pools: RwLock<HashMap<PoolKey, Http>>,
    /// What stays the same from call to call. Rebuilt when the catalogue is.
    routes: RwLock<HashMap<RouteKey, Arc<Route>>>,
}

impl Egress {
    pub(crate) fn new(global_proxy: Option<SecretString>) -> Result<Self, EgressError> {
        let global_proxy = global_proxy.map(|url| Proxy::parse(url.expose_secret())).transpose()?;
        Ok(Self { global_proxy, tls: tls_config()?, pools: RwLock::default(), routes: RwLock::default() })
    }

    /// The way to a candidate's chat endpoint.
    pub(crate) fn route(&self, offer: &Arc<PlatformModel>, credential: Option<&Credential>) -> Result<Arc<Route>, EgressError> {
        let key = (offer.id, credential.map(|credential| credential.id));
        let known = self.routes.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(route) = known.filter(|route| route.is_of(offer)) {
            return Ok(route);
        }
        let route = Arc::new(Route::new(offer, credential, self.pool(&offer.platform)?)?);
        remember(&self.routes, key, &route);
        Ok(route)
    }

    fn pool(&self, platform: &Platform) -> Result<Http, EgressError> {
        let proxy = match &platform.proxy {
            None => self.global_proxy.clone(),
            Some(ProxySetting::Direct) => None,
            Some(ProxySetting::Url(url)) => Some(Proxy::parse(url.expose_secret())?),
        };
        let key = (proxy, platform.timeouts.connect());
        if let Some(pool) = self.pools.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(pool.clone());
        }
        let pool = build(key.0.as_ref(), key.1, &self.tls)?;
        remember(&self.pools, key, &pool);
        Ok(pool)
    }
}

fn remember<K: Eq + std::hash::Hash, V: Clone>(known: &RwLock<HashMap<K, V>>, key: K, value: &V) {
    let mut known = known.write().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= MAX_KNOWN {
        known.clear();
    }
    known.insert(key, value.clone());
}

/// Sends a request and waits for the head of the answer.
pub(crate) async fn send(http: &Http, request: Request<Segments>) -> Result<Response<Incoming>, Failure> {
    http.request(request).await.map_err(|error| {
        if !error.is_connect() {
            return broken(&error);
        }
        let (category, message) = match ConnectTimeOut::find(&error) {
            Some(time_out) => (Category::Timeout, time_out.to_string()),
            None => (Category::Network, format!("no connection: {}", chain(&error))),
        };
        Failure::new(category, Sent::Nothing, message)
    })
}
