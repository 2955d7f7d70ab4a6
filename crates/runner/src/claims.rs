//! Which limits a call comes under, and how much of them it takes.

use std::sync::Arc;

use easyai_core::catalog::{Credential, PlatformModel};
use easyai_core::kind::RunMode;
use easyai_core::limit::{Amounts, LimitScope, LimitSet};
use easyai_core::money::Money;
use easyai_limits::Claim;

use crate::caller::Caller;
use crate::prepare::TextAsk;
use crate::settings::Settings;

/// Platform, credential and platform model.
const AT_A_CANDIDATE: usize = 3;

/// The claims that every candidate shares: of key, account and group, as far as they are limited.
pub(crate) fn of_caller(settings: &Settings, caller: &Caller) -> Vec<Claim> {
    // Most callers have none: then nothing is allocated.
    let mut claims = Vec::new();
    let mut claim = |scope, limits: &Arc<LimitSet>| {
        if !limits.is_empty() {
            claims.push(Claim { scope, limits: Arc::clone(limits) });
        }
    };
    claim(LimitScope::Key(caller.key.id), &caller.key.limits);
    // An account's own limits stand in place of the gateway's.
    let own = if caller.account.limits.is_empty() { &settings.account_limits } else { &caller.account.limits };
    claim(LimitScope::Account(caller.account.id), own);
    claim(LimitScope::Group(caller.group.id), &caller.group.limits);
    claims
}

/// All claims of a call of `offer`. Its platform model is always counted: some strategies look at who is busy. A simulated call reaches no
/// platform, and comes under its caller's limits alone.
pub(crate) fn of_call(settings: &Settings, ask: &TextAsk, offer: &PlatformModel, credential: Option<&Credential>) -> Vec<Claim> {
    let mut claims = of_caller(settings, &ask.caller);
    if ask.run_mode() == RunMode::Simulation {
        return claims;
    }
    claims.append(&mut at_a_candidate(offer, credential));
    claims
}

/// The claims of whoever is called, whoever calls.
pub(crate) fn at_a_candidate(offer: &PlatformModel, credential: Option<&Credential>) -> Vec<Claim> {
    let mut claims = Vec::with_capacity(AT_A_CANDIDATE);
    if !offer.platform.limits.is_empty() {
        claims.push(Claim { scope: LimitScope::Platform(offer.platform.id), limits: Arc::clone(&offer.platform.limits) });
    }
    if let Some(credential) = credential.filter(|credential| !credential.limits.is_empty()) {
        claims.push(Claim { scope: LimitScope::Credential(credential.id), limits: Arc::clone(&credential.limits) });
    }
    claims.push(Claim { scope: LimitScope::PlatformModel(offer.id), limits: Arc::clone(&offer.limits) });
    claims
}

/// What a call takes: the estimated prompt, and as much output as it is allowed, or as is usual where nothing was said.
pub(crate) fn amounts(ask: &TextAsk, offer: &PlatformModel, usual_output: u64, charge: Money) -> Amounts {
    let most = offer.max_output_tokens.map_or(u64::MAX, |most| most.get().into());
    let asked = ask.request.scan.max_output_tokens.map(|asked| asked.min(most).saturating_mul(ask.request.scan.choices.into()));
    Amounts { tokens: ask.request.scan.prompt_tokens.saturating_add(asked.unwrap_or(usual_output)), charge }
}
