//! Lets an attempt in: takes all its limits or none, and waits for them where waiting is allowed.

use std::time::Duration;

use easyai_core::catalog::{Credential, PlatformModel};
use easyai_core::failure::{Category, Failure, Sent};
use easyai_core::limit::{Amounts, Refused};
use easyai_core::money::Money;
use easyai_core::run::Opening;
use easyai_limits::{Claim, Taken, Way};

use crate::claims;
use crate::error::CallError;
use crate::open::Live;
use crate::prepare::{Call, TextAsk};
use crate::runner::Runner;

/// A later candidate had room first.
#[derive(Debug)]
pub(crate) struct Reserved {
    /// Its place in the selection.
    candidate: usize,
    taken: Taken,
    /// Why those before it had none.
    refused: Refused,
}

/// What a run knows of its limits.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    /// What the attempt under way has taken.
    pub(crate) taken: Option<Taken>,
    reserved: Option<Reserved>,
    /// It has waited: it does so once.
    waited: bool,
}

/// An upstream needs a moment to see that a call was broken off.
const NOTICED_WITHIN: Duration = Duration::from_millis(100);

impl Admission {
    /// Of a call that has taken what it needs.
    pub(crate) fn of(taken: Taken) -> Self {
        Self { taken: Some(taken), ..Self::default() }
    }

    /// The attempt failed: what never reached the upstream counts for nothing, what was broken off is still there for a moment.
    pub(crate) fn failed(&mut self, failure: &Failure) {
        let Some(taken) = self.taken.take() else { return };
        match (failure.sent, failure.category) {
            (Sent::Nothing, _) => taken.not_sent(),
            (Sent::Maybe, Category::Timeout | Category::Cancelled | Category::Network) => taken.release_after(NOTICED_WITHIN),
            (Sent::Maybe, _) => drop(taken),
        }
    }

    /// The caller went away: whatever is under way is broken off.
    pub(crate) fn abandoned(&mut self) {
        if let Some(taken) = self.taken.take() {
            taken.release_after(NOTICED_WITHIN);
        }
    }

    /// The answer is over.
    pub(crate) fn ended(&mut self, tokens: u64, charge: Money) {
        if let Some(mut taken) = self.taken.take() {
            taken.commit(Amounts { tokens, charge });
        }
    }

    /// The answer was broken off in the middle.
    pub(crate) fn broke_off(&mut self, tokens: u64, charge: Money) {
        if let Some(mut taken) = self.taken.take() {
            taken.commit(Amounts { tokens, charge });
            taken.release_after(NOTICED_WITHIN);
        }
    }
}

/// Takes what an attempt needs.
///
/// # Errors
/// A failure of ours that names the limit: the next candidate may have room.
pub(crate) async fn admit(runner: &Runner, live: &mut Live, opening: &Opening, credential: Option<&Credential>) -> Result<Taken, Failure> {
    let place = opening.place();
    if let Some(reserved) = live.admission.reserved.take() {
        if reserved.candidate == place {
            return Ok(reserved.taken);
        }
        let failure = refusal(live, &reserved.refused);
        live.admission.reserved = Some(reserved);
        return Err(failure);
    }
    let offer = &opening.candidate().offer;
    let claims = claims::of_call(&runner.settings, &live.ask, offer, credential);
    let amounts = claims::amounts(&live.ask, offer, live.output_tokens, live.hold);
    match runner.limits.take(&claims, amounts) {
        Ok(taken) => Ok(taken),
        Err(refused) => wait(runner, live, opening, &claims, refused).await,
    }
}

/// Waits for any of the candidates that are left, as long as the limits in the way allow.
async fn wait(runner: &Runner, live: &mut Live, opening: &Opening, claims: &[Claim], refused: Refused) -> Result<Taken, Failure> {
    let left = live.ask.deadline.map_or(Duration::MAX, |deadline| deadline.saturating_sub(live.record.subject().watch.elapsed()));
    let patience = patience(runner, &live.ask, claims, &refused).min(left);
    if patience.is_zero() || std::mem::replace(&mut live.admission.waited, true) {
        return Err(refusal(live, &refused));
    }
    let place = opening.place();
    let left = opening.selection().candidates.iter().skip(place);
    let ways: Vec<Way> = left.map(|candidate| way(runner, live, &candidate.offer, candidate.credential(0).map(AsRef::as_ref))).collect();
    let subject = live.record.subject();
    match runner.limits.wait(subject.task, subject.account, ways, patience).await {
        Ok((0, taken)) => Ok(taken),
        Ok((later, taken)) => {
            live.admission.reserved = Some(Reserved { candidate: place + later, taken, refused });
            Err(refusal(live, &refused))
        }
        Err(refused) => Err(refusal(live, &refused)),
    }
}

/// Lets in a call that calls nobody: it comes under its caller's limits alone, as a request without tokens.
///
/// # Errors
/// The refusal, after waiting where that is allowed.
pub(crate) async fn admit_caller(runner: &Runner, call: &Call, charge: Money) -> Result<Taken, Refused> {
    let claims = claims::of_caller(&runner.settings, &call.ask.caller);
    let amounts = Amounts { tokens: 0, charge };
    let mut taken = match runner.limits.take(&claims, amounts) {
        Ok(taken) => taken,
        Err(refused) => {
            let left = call.ask.deadline.map_or(Duration::MAX, |deadline| deadline.saturating_sub(call.watch.elapsed()));
            let patience = patience(runner, &call.ask, &claims, &refused).min(left);
            if patience.is_zero() {
                return Err(refused);
            }
            let ways = vec![Way { claims, amounts }];
            runner.limits.wait(call.task, call.ask.caller.account.id, ways, patience).await?.1
        }
    };
    taken.landed();
    Ok(taken)
}

fn way(runner: &Runner, live: &Live, offer: &PlatformModel, credential: Option<&Credential>) -> Way {
    let claims = claims::of_call(&runner.settings, &live.ask, offer, credential);
    Way { claims, amounts: claims::amounts(&live.ask, offer, live.output_tokens, live.hold) }
}

/// How long may be waited for the limit that refused: what the caller says, else the limit's own setting, else the gateway's.
fn patience(runner: &Runner, ask: &TextAsk, claims: &[Claim], refused: &Refused) -> Duration {
    let own = claims.iter().find(|claim| claim.scope == refused.scope).and_then(|claim| claim.limits.queue_timeout_ms);
    ask.queue_timeout.unwrap_or_else(|| own.map_or(runner.settings.queue_timeout, |ms| Duration::from_millis(ms.into())))
}

/// A limit of the caller's own is what the caller is told, whatever else fails after it.
fn refusal(live: &mut Live, refused: &Refused) -> Failure {
    if refused.scope.is_the_callers() {
        live.unpaid = Some(CallError::limited(live.record.subject().task, refused));
    }
    Failure { retry_after: refused.retry_after, ..Failure::new(Category::LocalRateLimit, Sent::Nothing, refused.to_string()) }
}

/// Whether a call can be let in at all by its caller's own limits: asked before anything is written or held for it.
///
/// # Errors
/// The refusal, unless waiting may help and is allowed.
pub(crate) fn check(runner: &Runner, ask: &TextAsk, amounts: Amounts) -> Result<(), Refused> {
    let claims = claims::of_caller(&runner.settings, &ask.caller);
    if claims.is_empty() {
        return Ok(());
    }
    runner.limits.check(&claims, amounts).or_else(|refused| {
        let waits = !refused.never_fits() && !patience(runner, ask, &claims, &refused).is_zero();
        if waits { Ok(()) } else { Err(refused) }
    })
}
