//! *Explain*: what would be done with a request, without doing it. The same selection, estimate and policies as a run's, as one value that
//! the API and `easyai explain` show. Pure: health, load and what is left of limits are arguments.

use std::sync::Arc;
use std::time::Duration;

use crate::candidates::{Candidate, Chance, LeftOut, NoCandidates, Selection};
use crate::catalog::PlatformModel;
use crate::error::ErrorCode;
use crate::health::{HealthBook, Standing};
use crate::id::{PlatformModelId, PriceId, RunnerPolicyId};
use crate::limit::{LimitKind, LimitScope, Refused};
use crate::media::MediaUsage;
use crate::money::Money;
use crate::policy::RunnerPolicy;
use crate::policy::effective::EffectivePolicy;
use crate::price::{Multiplier, Price};
use crate::pricing;
use crate::run_trace::LeftOutNote;
use crate::time::Timestamp;
use crate::trace::millis;
use crate::usage::Usage;

/// What would be done.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Explanation {
    /// The model that was asked for.
    pub model: String,
    /// Those who could serve, in the order in which they would be tried.
    pub candidates: Vec<Explained>,
    /// Those who could not, each with the reason.
    pub left_out: Vec<LeftOutNote>,
    /// What would be set aside; none if the request would be refused before.
    pub hold: Option<Hold>,
    /// What is left of the limits of key, account and group.
    pub limits: Vec<LimitNote>,
    /// Why it would be refused before anything is tried, if it would.
    pub refused: Option<Refusal>,
    /// The runner policy that the run would keep.
    pub runner_policy: RunnerPolicyId,
    /// Platforms that would be tried at most.
    pub max_platforms: u32,
    /// Seconds after which nothing more would be begun.
    pub max_duration_seconds: u64,
}

/// Someone who could serve.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Explained {
    /// The platform's name.
    pub platform: Arc<str>,
    /// The platform model.
    pub platform_model: PlatformModelId,
    /// What the platform calls the model.
    pub upstream_name: Arc<str>,
    /// With demotions; 0 is tried first.
    pub priority: u32,
    /// Steps by which it is demoted.
    pub demoted_by: u32,
    /// Its share among those of equal priority.
    pub weight: u32,
    /// How it is: `well`, `half_open` (its call would be the probe), or why it serves only as a last resort.
    pub health: String,
    /// It is left alone after failures, but too few others are left.
    pub last_resort: bool,
    /// The fallback model that it offers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback_model: Option<Arc<str>>,
    /// What the account pays: for each component.
    pub price: Option<Price>,
    /// The price version.
    pub price_id: Option<PriceId>,
    /// What it would make or hear, if that is media, as expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media: Option<MediaUsage>,
    /// What such a call would be charged, as estimated.
    pub estimate: Option<Money>,
    /// What it would cost the operator, where that is known.
    pub cost_estimate: Option<Money>,
    /// Credentials in the order in which they would be tried, and those that would not.
    pub credentials: Vec<CredentialNote>,
    /// What is left of its own limits.
    pub limits: Vec<LimitNote>,
    /// Attempts at this client at most.
    pub max_attempts: u32,
    /// The policies in force for it, each value with where it comes from.
    pub policy: EffectivePolicy,
}

/// A credential of a candidate.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct CredentialNote {
    /// What people call it.
    pub name: Arc<str>,
    /// How it is.
    pub health: String,
}

/// What would be set aside on the wallet.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Hold {
    /// How much.
    pub amount: Money,
    /// Estimated tokens of the prompt.
    pub input_tokens: u64,
    /// Tokens that such an answer usually has.
    pub output_tokens: u64,
    /// What it would make or hear, if that is media, as expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media: Option<MediaUsage>,
    /// The group's multiplier.
    pub multiplier: Multiplier,
    /// What the wallet has for it, where that was looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available: Option<Money>,
}

/// A refusal before anything is tried.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Refusal {
    /// What the caller would be told.
    pub code: ErrorCode,
    /// The same for a person.
    pub message: String,
}

impl Explanation {
    /// The same with what the wallet has: a hold that it can't cover would be refused.
    #[must_use]
    pub fn with_wallet(mut self, available: Money, currency: &str) -> Self {
        if let Some(hold) = &mut self.hold {
            hold.available = Some(available);
            if hold.amount > available && self.refused.is_none() {
                let message = format!("the wallet has {available} {currency} available, this request may cost {}: top up", hold.amount);
                self.refused = Some(Refusal { code: ErrorCode::InsufficientBalance, message });
            }
        }
        self
    }
}

/// What is left of a limit. Numbers, or amounts of money as decimal strings.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LimitNote {
    /// Whose: `this key`, `the platform`, …
    pub scope: &'static str,
    /// Which.
    pub kind: LimitKind,
    /// How much is allowed.
    pub limit: Count,
    /// How much is used.
    pub used: Count,
    /// What is left.
    pub remaining: Count,
    /// How much this request would take.
    pub asked: Count,
    /// Until it is all free again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resets_in_ms: Option<u64>,
    /// It is only measured.
    pub shadow: bool,
    /// Whether the request would not fit now.
    pub full: bool,
}

/// A number, or an amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
pub enum Count {
    /// Requests, tokens, calls.
    Number(u64),
    /// Money.
    Amount(Money),
}

impl Count {
    /// What `value` is in a limit of `kind`, which counts money in nano-units.
    #[must_use]
    pub fn of(kind: LimitKind, value: u64) -> Self {
        match kind {
            LimitKind::DailyBudget | LimitKind::MonthlyBudget => Self::Amount(Money::from_nanos(i64::try_from(value).unwrap_or(i64::MAX))),
            LimitKind::RequestsPerMinute
            | LimitKind::TokensPerMinute
            | LimitKind::RequestsPerDay
            | LimitKind::TokensPerDay
            | LimitKind::Concurrent => Self::Number(value),
        }
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Amount(amount) => amount.fmt(f),
        }
    }
}

/// What is left of one limit, as it was counted.
#[derive(Debug, Clone, Copy)]
pub struct Left {
    /// Whose.
    pub scope: LimitScope,
    /// Which.
    pub kind: LimitKind,
    /// How much is allowed; money in nano-units, here and below.
    pub limit: u64,
    /// How much is used.
    pub used: u64,
    /// How much this request would take.
    pub asked: u64,
    /// Until it is all free again.
    pub resets_in: Option<Duration>,
    /// It is only measured.
    pub shadow: bool,
}

impl LimitNote {
    /// What is shown of `left`.
    #[must_use]
    pub fn of(left: &Left) -> Self {
        let count = |value| Count::of(left.kind, value);
        Self {
            scope: left.scope.name(),
            kind: left.kind,
            limit: count(left.limit),
            used: count(left.used),
            remaining: count(left.limit.saturating_sub(left.used)),
            asked: count(left.asked),
            resets_in_ms: left.resets_in.map(millis),
            shadow: left.shadow,
            full: left.used.saturating_add(left.asked) > left.limit,
        }
    }
}

impl Refusal {
    /// Nobody may serve.
    #[must_use]
    pub fn nobody(nobody: &NoCandidates) -> Self {
        Self { code: nobody.code(), message: nobody.to_string() }
    }

    /// A limit of the caller's own.
    #[must_use]
    pub fn limit(refused: &Refused) -> Self {
        let code = match refused.kind {
            LimitKind::DailyBudget | LimitKind::MonthlyBudget => ErrorCode::BudgetExceeded,
            LimitKind::RequestsPerMinute
            | LimitKind::TokensPerMinute
            | LimitKind::RequestsPerDay
            | LimitKind::TokensPerDay
            | LimitKind::Concurrent => ErrorCode::RateLimit,
        };
        Self { code, message: refused.to_string() }
    }
}

/// Those who were left out, as they are shown.
#[must_use]
pub fn left_out(left_out: &[LeftOut]) -> Vec<LeftOutNote> {
    left_out.iter().map(LeftOutNote::of).collect()
}

/// What candidates are held against.
#[derive(Debug, Clone, Copy)]
pub struct State<'a> {
    /// How they are.
    pub health: &'a HealthBook,
    /// The policy of the run.
    pub runner_policy: &'a RunnerPolicy,
    /// The time.
    pub now: Timestamp,
}

/// What a candidate's call would cost: what it is expected to use, at the group's multiplier.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// The group's multiplier.
    pub multiplier: Multiplier,
    /// What such an answer of this candidate usually uses.
    pub usage: Usage,
}

impl Explained {
    /// What is known of `candidate`. `limits` are its own.
    #[must_use]
    pub fn of(candidate: &Candidate, state: &State<'_>, terms: &Terms, limits: Vec<LimitNote>) -> Self {
        let State { health, runner_policy, now } = *state;
        let offer = &candidate.offer;
        let version = offer.price.as_ref();
        let Terms { multiplier, usage } = terms;
        let known_cost = version.filter(|version| version.cost.is_some());
        Self {
            platform: Arc::clone(&offer.platform.name),
            platform_model: offer.id,
            upstream_name: Arc::clone(&offer.upstream_name),
            priority: candidate.priority,
            demoted_by: health.demotion(offer, now),
            weight: offer.weight.get(),
            health: told(offer, candidate.chance, health, now),
            last_resort: candidate.chance == Chance::LastResort,
            fallback_model: candidate.fallback.then(|| Arc::clone(&offer.model)),
            price: version.map(|version| version.price.clone()),
            price_id: version.map(|version| version.id),
            media: usage.media,
            estimate: version.and_then(|version| pricing::estimate(version, *multiplier, usage).ok()),
            cost_estimate: known_cost.and_then(|version| pricing::cost_estimate(version, usage).ok()),
            credentials: credentials(candidate, health, now),
            limits,
            max_attempts: crate::decide::EffectiveRetry::of(offer).attempts(),
            policy: EffectivePolicy::of(offer, runner_policy),
        }
    }
}

fn told(offer: &PlatformModel, chance: Chance, health: &HealthBook, now: Timestamp) -> String {
    match (chance, health.standing(offer, now)) {
        (Chance::Probe, _) => "half_open: its circuit breaker lets one call through as a probe".to_owned(),
        (_, Standing::Well { demotion: 0 }) => "well".to_owned(),
        (_, Standing::Well { demotion }) => format!("demoted by {demotion}"),
        (_, standing) => standing_told(&standing),
    }
}

fn standing_told(standing: &Standing) -> String {
    match standing {
        Standing::Well { .. } => "well".to_owned(),
        Standing::Cooling { until, reason } => format!("cooling_down until {until} ({reason})"),
        Standing::CircuitOpen { until, reason } => format!("circuit_open until {until} ({reason})"),
        Standing::Probing { until, reason } => format!("circuit_half_open until {until} ({reason})"),
        Standing::MayProbe => "half_open".to_owned(),
        Standing::Disabled { reason } => format!("auto_disabled ({reason})"),
    }
}

fn credentials(candidate: &Candidate, health: &HealthBook, now: Timestamp) -> Vec<CredentialNote> {
    let all = &candidate.offer.platform.credentials;
    let chosen = if candidate.credentials.is_empty() { all.as_slice() } else { candidate.credentials.as_slice() };
    let others = all.iter().filter(|one| !chosen.iter().any(|other| other.id == one.id));
    let note = |credential: &Arc<crate::catalog::Credential>| CredentialNote {
        name: Arc::clone(&credential.name),
        health: standing_told(&health.credential_standing(credential.id, now)),
    };
    chosen.iter().chain(others).map(note).collect()
}

/// How far such a run would go: the runner policy's limits, lowered by the first candidate.
#[must_use]
pub fn reach(selection: &Selection, policy: &RunnerPolicy) -> (u32, u64) {
    let mut limits = crate::decide::RunLimits::of(policy);
    limits.lower(&selection.candidates.best().offer);
    (limits.max_platforms(), limits.max_duration().as_secs())
}

#[cfg(test)]
mod properties;
