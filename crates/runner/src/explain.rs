//! *Explain*: the same preparation as a run's, shown instead of begun.

use std::sync::Arc;

use easyai_core::candidates::Candidate;
use easyai_core::explain::{self, Explained, Explanation, Hold, Left, LimitNote, Refusal};
use easyai_core::limit::{Amounts, LimitKind};
use easyai_core::money::Money;
use easyai_limits::Claim;

use crate::clock::{Stopwatch, now};
use crate::prepare::{self, Planned, TextAsk};
use crate::runner::Runner;
use crate::{admission, claims};

impl Runner {
    /// What would be done with `ask`. Nothing is taken, held, written or sent.
    #[must_use]
    pub fn explain(self: &Arc<Self>, ask: &TextAsk) -> Explanation {
        let watch = Stopwatch::start();
        let policy = &ask.caller.catalog.runner_policy;
        let (max_platforms, max_duration) = (policy.failover.max_platforms.get(), policy.failover.max_duration_seconds.get());
        let nothing = Explanation {
            model: ask.request.scan.model.to_string(),
            candidates: Vec::new(),
            left_out: Vec::new(),
            hold: None,
            limits: self.notes(&claims::of_caller(&self.settings, &ask.caller), Amounts::default()),
            refused: None,
            runner_policy: policy.id,
            max_platforms,
            max_duration_seconds: u64::from(max_duration),
        };
        let carried = prepare::carried(self, ask);
        match prepare::candidates(self, ask, &carried, &watch) {
            Err(nobody) => {
                Explanation { left_out: explain::left_out(nobody.left_out()), refused: Some(Refusal::nobody(&nobody)), ..nothing }
            }
            Ok(selection) => match prepare::estimate(self, ask, selection, carried) {
                Ok(planned) => self.explained(ask, &planned, nothing),
                Err(failure) => {
                    let code = easyai_core::error::ErrorCode::InternalError;
                    Explanation { refused: Some(Refusal { code, message: failure.message }), ..nothing }
                }
            },
        }
    }

    fn explained(&self, ask: &TextAsk, planned: &Planned, nothing: Explanation) -> Explanation {
        let Planned { selection, carried, terms, estimate } = planned;
        let (health, at) = (self.health.now(), now());
        let usage = |candidate: &Candidate| carried.usage_of(&candidate.offer, || estimate.usage());
        let amounts = |candidate: &Candidate| {
            let usage = usage(candidate);
            let charge = terms.estimate(&candidate.offer, &usage).unwrap_or(Money::ZERO);
            claims::amounts(ask, &candidate.offer, usage.output_tokens, charge)
        };
        let state = explain::State { health: &health, runner_policy: &ask.caller.catalog.runner_policy, now: at };
        let candidates = selection.candidates.iter().map(|candidate| {
            let credential = candidate.credential(0).map(AsRef::as_ref);
            let own: Vec<Claim> = claims::of_call(&self.settings, ask, &candidate.offer, credential)
                .into_iter()
                .filter(|claim| !claim.scope.is_the_callers())
                .collect();
            let costs = explain::Terms { multiplier: terms.multiplier, usage: usage(candidate) };
            Explained::of(candidate, &state, &costs, self.notes(&own, amounts(candidate)))
        });
        let first = amounts(selection.candidates.best());
        let refused = admission::check(self, ask, first).err().map(|refused| Refusal::limit(&refused));
        let (max_platforms, max_duration_seconds) = explain::reach(selection, &ask.caller.catalog.runner_policy);
        Explanation {
            candidates: candidates.collect(),
            left_out: explain::left_out(&selection.left_out),
            hold: Some(Hold {
                amount: estimate.hold,
                input_tokens: estimate.input_tokens,
                output_tokens: estimate.output_tokens,
                media: estimate.media,
                multiplier: terms.multiplier,
                available: None,
            }),
            limits: self.notes(&claims::of_caller(&self.settings, &ask.caller), first),
            refused,
            max_platforms,
            max_duration_seconds,
            ..nothing
        }
    }

    fn notes(&self, claims: &[Claim], amounts: Amounts) -> Vec<LimitNote> {
        let of = |claim: &Claim| {
            let scope = claim.scope;
            self.limits.headroom(claim).into_iter().map(move |headroom| {
                let asked = match headroom.kind {
                    LimitKind::RequestsPerMinute | LimitKind::RequestsPerDay | LimitKind::Concurrent => 1,
                    LimitKind::TokensPerMinute | LimitKind::TokensPerDay => amounts.tokens,
                    LimitKind::DailyBudget | LimitKind::MonthlyBudget => u64::try_from(amounts.charge.nanos()).unwrap_or(0),
                };
                let (limit, used) = (headroom.limit, headroom.used);
                let (kind, resets_in, shadow) = (headroom.kind, headroom.resets_in, headroom.shadow);
                LimitNote::of(&Left { scope, kind, limit, used, asked, resets_in, shadow })
            })
        };
        claims.iter().flat_map(of).collect()
    }
}
