//! What a call wants of the response cache: whether it may use it at all, and which answers are its.

use easyai_core::catalog::{Model, ResponseCache};
use easyai_core::kind::RunMode;
use easyai_protocols::request::Framing;
use http::HeaderMap;
use http::header::CACHE_CONTROL;
use sha2::{Digest, Sha256};

use crate::caller::Caller;
use crate::prepare::TextAsk;

/// The hash of all that an answer depends on.
pub(super) type Key = [u8; 32];

/// Requests to upstreams carry headers of their callers that begin so, and only such.
const FORWARDED: [&str; 2] = ["openai-", "anthropic-"];

/// Which answers a call takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    /// Also one that was given before.
    Any,
    /// Only its own, which is kept (`cache-control: no-cache`).
    New,
}

/// What a call wants of the cache.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    pub(super) key: Key,
    pub(super) freshness: Freshness,
    /// What its model says.
    pub(crate) settings: ResponseCache,
}

impl Wish {
    /// None if the call is none of the cache's business: its key or model has it off, it is simulated, its answer is recorded for its
    /// caller alone, or its caller says `no-store`.
    pub(crate) fn of(ask: &TextAsk) -> Option<Self> {
        let caller = &ask.caller;
        if !caller.key.response_cache || ask.run_mode() == RunMode::Simulation || ask.records() {
            return None;
        }
        // Who may not ask for the model is told so by the usual way.
        let model = caller.catalog.models.get(&ask.request.scan.model).filter(|model| allowed(caller, &model.name))?;
        let settings = model.settings.response_cache?;
        let freshness = freshness(&ask.headers)?;
        Some(Self { key: key(ask, model), freshness, settings })
    }
}

fn allowed(caller: &Caller, model: &str) -> bool {
    caller.group.models.allows(model) && caller.key.models.allows(model)
}

/// What the caller's `cache-control` allows; none if the call is to leave no trace in the cache.
///
/// Source: RFC 9111, section 5.2.1.
fn freshness(headers: &HeaderMap) -> Option<Freshness> {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let directives: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
    let says = |wanted: &str| directives.iter().any(|directive| directive.eq_ignore_ascii_case(wanted));
    if says("no-store") {
        return None;
    }
    Some(if says("no-cache") { Freshness::New } else { Freshness::Any })
}

fn key(ask: &TextAsk, model: &Model) -> Key {
    let (caller, request) = (&ask.caller, &ask.request);
    let mut hash = Sha256::new();
    // Each part with its length: no two lists of parts are the same bytes.
    let mut add = |part: &[u8]| {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    };
    let array = match request.framing {
        Framing::Events => false,
        Framing::Array => true,
    };
    add(caller.account.id.uuid().as_bytes());
    add(request.protocol.as_str().as_bytes());
    add(&[array, request.scan.stream, request.scan.include_usage].map(u8::from));
    // Gemini names the model in the path.
    add(request.scan.model.as_bytes());
    // An answer of a fallback is only for those who may ask for it.
    model.settings.fallbacks.iter().filter(|name| allowed(caller, name)).for_each(|name| add(name.as_bytes()));
    // No name is empty: here they end.
    add(b"");
    let headers = ask.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let mut forwarded: Vec<_> = headers.filter(|(name, _)| FORWARDED.iter().any(|prefix| name.starts_with(prefix))).collect();
    // In whatever order they came.
    forwarded.sort_unstable();
    for (name, value) in forwarded {
        add(name.as_bytes());
        add(value);
    }
    // An answer repeats some of what was asked, as its caller wrote it.
    add(request.previous_response().map_or(b"", |id| id.as_bytes()));
    add(request.original());
    // The same words may go on from other turns.
    add(request.body());
    hash.finalize().into()
}
