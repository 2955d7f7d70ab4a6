//! The one outbound door: pools of connections, proxies, TLS, and the time to connect.
//!
//! hyper's connections with a pool of our own, instead of reqwest: nothing of what reqwest adds (redirects, cookies, decompression,
//! proxies from the environment) is wanted here, and a connection that is polled by its call costs half of one with a task of its own
//! (see `lane`). There is one pool for each host, proxy and time to connect.
//!
//! # Failures
//! A connection that can't be had is `network` with nothing sent; a connection that breaks later may have sent something.

mod address;
mod body;
mod connector;
mod download;
mod fetch;
mod guard;
mod lane;
mod pool;
mod post;
mod proxy;
mod route;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use easyai_core::catalog::{Credential, Platform, PlatformModel, ProxySetting};
use easyai_core::id::{CredentialId, PlatformModelId};
use http::Uri;
use secrecy::{ExposeSecret, SecretString};

pub(crate) use self::body::Segments;
use self::connector::{Connector, tls_config};
pub use self::download::{Download, DownloadAsk, DownloadLimits};
pub use self::fetch::{FetchError, Fetched};
pub use self::guard::PrivateAddresses;
pub(crate) use self::lane::AnswerBody;
use self::pool::Pool;
pub use self::post::{BadCallbackUrl, callback_host};
use self::proxy::Proxy;
use self::route::Place;
pub(crate) use self::route::Route;
use crate::upstream::Endpoint;

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

type PoolKey = (Option<Proxy>, Duration, Uri);
type RouteKey = (PlatformModelId, Option<CredentialId>, Endpoint);

/// All ways out.
#[derive(Debug)]
pub(crate) struct Egress {
    global_proxy: Option<Proxy>,
    tls: rustls::ClientConfig,
    /// For addresses that somebody else chose.
    guarded: Connector,
    private: PrivateAddresses,
    /// For addresses that the operator chose, wherever they lead.
    unguarded: Connector,
    pools: RwLock<HashMap<PoolKey, Arc<Pool>>>,
    /// What stays the same from call to call. Rebuilt when the catalogue is.
    routes: RwLock<HashMap<RouteKey, Arc<Route>>>,
}

impl Egress {
    pub(crate) fn new(global_proxy: Option<SecretString>, private: PrivateAddresses) -> Result<Self, EgressError> {
        let global_proxy = global_proxy.map(|url| Proxy::parse(url.expose_secret())).transpose()?;
        let tls = tls_config()?;
        let guarded = Connector::guarded(&tls, private);
        let unguarded = Connector::guarded(&tls, PrivateAddresses::Allowed);
        Ok(Self { global_proxy, tls, guarded, private, unguarded, pools: RwLock::default(), routes: RwLock::default() })
    }

    /// The way to one of a candidate's endpoints.
    pub(crate) fn route(
        &self,
        offer: &Arc<PlatformModel>,
        credential: Option<&Credential>,
        endpoint: Endpoint,
    ) -> Result<Arc<Route>, EgressError> {
        let key = (offer.id, credential.map(|credential| credential.id), endpoint);
        let known = self.routes.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(route) = known.filter(|route| route.is_of(offer)) {
            return Ok(route);
        }
        let place = Place::of(&endpoint.url(&offer.platform.base_url, &offer.upstream_name))?;
        let pool = self.pool(&offer.platform, &place.host)?;
        let route = Arc::new(Route::new(offer, credential, endpoint, place, pool)?);
        remember(&self.routes, key, &route);
        Ok(route)
    }

    /// The connections to a platform's host.
    fn pool(&self, platform: &Platform, host: &Uri) -> Result<Arc<Pool>, EgressError> {
        let proxy = match &platform.proxy {
            None => self.global_proxy.clone(),
            Some(ProxySetting::Direct) => None,
            Some(ProxySetting::Url(url)) => Some(Proxy::parse(url.expose_secret())?),
        };
        let key = (proxy, platform.timeouts.connect(), host.clone());
        if let Some(pool) = self.pools.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(pool));
        }
        let connector = Connector::new(key.0.as_ref(), &self.tls)?;
        let pool = Arc::new(Pool::new(connector, host.clone(), key.1));
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
