//! The exact response cache: the same request of the same account gets the same answer, and calls that come while the first of them
//! runs wait for it.
//!
//! ```text
//!          ┌─ answered ─▶ hit: a task of its own, booked, given
//! look ────┼─ leads ────▶ the usual run with a keeper ─▶ keeps its answer, and gives it to those who wait
//!          └─ follows ──▶ waits for the keeper: has its answer, or takes its place
//! ```
//!
//! A keeper that is dropped gives up the lead: on whatever path a run ends, nobody waits for nothing. What is kept is kept in memory:
//! after a restart, and on every node, the first of equal calls runs.
//!
//! # Bounds
//! [`MAX_BYTES`] of answers, those first to go that are asked for least; none longer than [`MAX_ANSWER_BYTES`]. Leads are bounded by the
//! calls under way.

pub(crate) mod hit;
mod wish;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use easyai_core::catalog::PlatformModel;
use easyai_core::price::PriceVersion;
use easyai_core::usage::Usage;
use http::HeaderValue;
use moka::Expiry;
use moka::sync::Cache;
use tokio::sync::watch;
use tokio::time::Instant;

pub(crate) use self::wish::Wish;
use self::wish::{Freshness, Key};
use crate::runner::Served;

/// Some twenty thousand usual answers, in a process that works in little more memory than that.
const MAX_BYTES: u64 = 64 << 20;

/// A sixteenth of it: one longer answer would push out thousands of others.
pub(crate) const MAX_ANSWER_BYTES: usize = 4 << 20;

/// What an answer takes beside its bytes, about.
const OVERHEAD: usize = 512;

/// An answer that is given again.
#[derive(Debug)]
pub(crate) struct CachedAnswer {
    /// Whose it is, and who gave it.
    pub(crate) served: Served,
    /// What the platform calls the model.
    pub(crate) upstream_name: Arc<str>,
    /// What it was priced by.
    pub(crate) price: Arc<PriceVersion>,
    /// What it used.
    pub(crate) usage: Usage,
    /// Its content type.
    pub(crate) content_type: HeaderValue,
    /// All of it.
    pub(crate) body: Bytes,
    at: Instant,
    keeps_for: Duration,
}

impl CachedAnswer {
    /// Since it was complete.
    pub(crate) fn age(&self) -> Duration {
        self.at.elapsed()
    }
}

/// The cache. A handle.
#[derive(Debug, Clone, Default)]
pub(crate) struct ResponseCache(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    answers: Cache<Key, Arc<CachedAnswer>>,
    /// What those who wait hear from who leads them.
    leads: Mutex<HashMap<Key, Heard>>,
}

type Heard = watch::Receiver<Option<Arc<CachedAnswer>>>;

/// What the cache has for a call.
#[derive(Debug)]
pub(crate) enum Looked {
    /// An answer.
    Answered(Arc<CachedAnswer>),
    /// Nothing: the call runs, and its answer is kept.
    Leads(Keeper),
    /// Nothing yet: a call like it is under way.
    Follows(Following),
}

impl Looked {
    /// The right to keep the answer, if the call is to run.
    pub(crate) fn keeper(self) -> Option<Keeper> {
        match self {
            Self::Leads(keeper) => Some(keeper),
            Self::Answered(_) | Self::Follows(_) => None,
        }
    }
}

impl Default for Inner {
    fn default() -> Self {
        let weight = |_: &Key, answer: &Arc<CachedAnswer>| u32::try_from(answer.body.len() + OVERHEAD).unwrap_or(u32::MAX);
        let answers = Cache::builder().max_capacity(MAX_BYTES).weigher(weight).expire_after(Lifetimes).build();
        Self { answers, leads: Mutex::default() }
    }
}

/// Answers live as long as their model said when they came.
struct Lifetimes;

impl Expiry<Key, Arc<CachedAnswer>> for Lifetimes {
    fn expire_after_create(&self, _: &Key, answer: &Arc<CachedAnswer>, _: std::time::Instant) -> Option<Duration> {
        Some(answer.keeps_for)
    }

    fn expire_after_update(&self, _: &Key, answer: &Arc<CachedAnswer>, _: std::time::Instant, _: Option<Duration>) -> Option<Duration> {
        Some(answer.keeps_for)
    }
}

impl Inner {
    fn leads(&self) -> MutexGuard<'_, HashMap<Key, Heard>> {
        self.leads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ResponseCache {
    /// What there is for a call that wishes this.
    pub(crate) fn look(&self, wish: &Wish) -> Looked {
        let mut leads = self.0.leads();
        if wish.freshness == Freshness::Any {
            // Under the lock: a leader keeps its answer before it gives up the lead, so that one of the two is seen.
            let answer = self.0.answers.get(&wish.key);
            // The model may have been given another lifetime meanwhile: the shorter one counts.
            if let Some(answer) = answer.filter(|answer| answer.age() < wish.settings.keeps_for()) {
                return Looked::Answered(answer);
            }
            if let Some(heard) = leads.get(&wish.key) {
                return Looked::Follows(Following(heard.clone()));
            }
        }
        Looked::Leads(self.keeper_among(&mut leads, wish))
    }

    /// The right to keep an answer, for a call that waits for nobody.
    pub(crate) fn keeper(&self, wish: &Wish) -> Keeper {
        self.keeper_among(&mut self.0.leads(), wish)
    }

    fn keeper_among(&self, leads: &mut HashMap<Key, Heard>, wish: &Wish) -> Keeper {
        let told = (!leads.contains_key(&wish.key)).then(|| {
            let (tell, heard) = watch::channel(None);
            leads.insert(wish.key, heard);
            tell
        });
        Keeper { cache: self.clone(), key: wish.key, keeps_for: wish.settings.keeps_for(), told }
    }

    /// What is kept, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.answers.run_pending_tasks();
        self.0.answers.weighted_size()
    }
}

/// The right to keep a call's answer, and the lead of the equal calls that wait for it. Dropped without an answer, it leaves the lead to
/// one of them.
#[must_use = "a keeper that is dropped at once leads nobody"]
#[derive(Debug)]
pub(crate) struct Keeper {
    cache: ResponseCache,
    key: Key,
    keeps_for: Duration,
    /// None if another call leads already.
    told: Option<watch::Sender<Option<Arc<CachedAnswer>>>>,
}

impl Keeper {
    /// Keeps the whole answer of `offer`, which is booked. What is too long, or was a test, is not kept.
    pub(crate) fn keep(self, offer: &PlatformModel, served: Served, usage: Usage, content_type: HeaderValue, body: &[u8]) {
        let Some(price) = offer.price.clone().filter(|_| !offer.platform.test_mode && body.len() <= MAX_ANSWER_BYTES) else { return };
        let answer = Arc::new(CachedAnswer {
            served,
            upstream_name: Arc::clone(&offer.upstream_name),
            price,
            usage,
            content_type,
            // A copy: what it was read into may be larger.
            body: Bytes::copy_from_slice(body),
            at: Instant::now(),
            keeps_for: self.keeps_for,
        });
        self.cache.0.answers.insert(self.key, Arc::clone(&answer));
        if let Some(told) = &self.told {
            // Whatever the cache makes of it: those who wait get it.
            told.send_replace(Some(answer));
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if self.told.is_some() {
            // Then the sender goes, and wakes them.
            self.cache.0.leads().remove(&self.key);
        }
    }
}

/// A call that waits for one like it.
#[derive(Debug)]
pub(crate) struct Following(Heard);

impl Following {
    /// The answer; none if the one that leads has none, and another may lead.
    pub(crate) async fn answer(&mut self) -> Option<Arc<CachedAnswer>> {
        self.0.wait_for(Option::is_some).await.ok().and_then(|answer| answer.clone())
    }
}

#[cfg(test)]
mod tests;
