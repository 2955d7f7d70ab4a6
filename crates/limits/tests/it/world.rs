//! A limiter with a clock that is turned by hand, or that goes with tokio's paused one; and claims in few words.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use easyai_core::id::{AccountId, CredentialId, GroupId, KeyId, PlatformId, PlatformModelId, TaskId};
use easyai_core::limit::{Amounts, LimitKind, LimitScope, LimitSet, Refused};
use easyai_core::money::Money;
use easyai_core::time::Timestamp;
use easyai_limits::{Claim, Limits, Taken, Way};
use uuid::Uuid;

pub const EVENING: &str = "2026-05-30T23:59:00Z";

/// A limiter and its clock.
pub struct World {
    pub limits: Limits,
    micros: Arc<AtomicI64>,
}

impl World {
    pub fn new() -> Self {
        Self::at(EVENING)
    }

    pub fn at(time: &str) -> Self {
        let micros = Arc::new(AtomicI64::new(time.parse::<Timestamp>().unwrap().micros()));
        let clock = Arc::clone(&micros);
        Self { limits: Limits::new(Arc::new(move || Timestamp::from_micros(clock.load(Ordering::SeqCst)))), micros }
    }

    pub fn now(&self) -> i64 {
        self.micros.load(Ordering::SeqCst)
    }

    pub fn turn(&self, time: Duration) {
        self.micros.fetch_add(i64::try_from(time.as_micros()).unwrap(), Ordering::SeqCst);
    }

    pub fn seconds(&self, seconds: u64) {
        self.turn(Duration::from_secs(seconds));
    }

    pub fn set(&self, time: &str) {
        self.micros.store(time.parse::<Timestamp>().unwrap().micros(), Ordering::SeqCst);
    }

    pub fn take(&self, claims: &[Claim]) -> Result<Taken, Refused> {
        self.limits.take(claims, Amounts::default())
    }

    /// What is used of a limit, and when it is all free again.
    pub fn used(&self, claim: &Claim, kind: LimitKind) -> u64 {
        self.limits.headroom(claim).into_iter().find(|headroom| headroom.kind == kind).unwrap().used
    }
}

/// A limiter whose clock goes with tokio's, which a paused test turns by itself.
pub fn paused() -> Limits {
    let (start, epoch) = (tokio::time::Instant::now(), EVENING.parse::<Timestamp>().unwrap());
    Limits::new(Arc::new(move || epoch.plus(start.elapsed())))
}

/// Limits as the catalogue spells them.
pub fn set(json: &str) -> Arc<LimitSet> {
    Arc::new(serde_json::from_str(json).unwrap())
}

pub fn claim(scope: LimitScope, json: &str) -> Claim {
    Claim { scope, limits: set(json) }
}

fn id(bits: u128) -> Uuid {
    Uuid::from_u128(bits)
}

pub fn key(bits: u128) -> LimitScope {
    LimitScope::Key(KeyId::from_uuid(id(bits)))
}

pub fn account_id(bits: u128) -> AccountId {
    AccountId::from_uuid(id(bits))
}

pub fn account(bits: u128) -> LimitScope {
    LimitScope::Account(account_id(bits))
}

pub fn platform(bits: u128) -> LimitScope {
    LimitScope::Platform(PlatformId::from_uuid(id(bits)))
}

pub fn task(bits: u128) -> TaskId {
    TaskId::from_uuid(id(bits))
}

/// One of each sort.
pub fn every_scope() -> [LimitScope; 7] {
    [
        LimitScope::Gateway,
        key(1),
        account(1),
        LimitScope::Group(GroupId::from_uuid(id(1))),
        platform(1),
        LimitScope::Credential(CredentialId::from_uuid(id(1))),
        LimitScope::PlatformModel(PlatformModelId::from_uuid(id(1))),
    ]
}

pub fn tokens(tokens: u64) -> Amounts {
    Amounts { tokens, ..Amounts::default() }
}

pub fn charge(nanos: i64) -> Amounts {
    Amounts { charge: Money::from_nanos(nanos), ..Amounts::default() }
}

pub fn way(claims: &[Claim]) -> Way {
    Way { claims: claims.to_vec(), amounts: Amounts::default() }
}

pub const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The kind and the scope of a refusal.
pub fn refusal<T>(result: Result<T, Refused>) -> Option<(LimitScope, LimitKind)> {
    result.err().map(|refused| (refused.scope, refused.kind))
}

/// A small generator of its own: schedules are random and the same every time.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}
