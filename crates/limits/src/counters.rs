//! All scopes' counters: whether a call fits in all of its claims, and what changes when it comes, lands and goes.

use easyai_core::limit::{Amounts, LimitKind, LimitScope, Refused};
use easyai_core::money::Money;
use easyai_core::time::Timestamp;

use crate::claim::{Claim, asked};
use crate::counter::{Counter, Entry};
use crate::receipt::{LANDS_WITHIN, Receipt, Stage};
use crate::scope_map::ScopeMap;

/// So many counters are not worth a sweep.
const FEW: usize = 1_024;

/// The counters of every scope that has something taken.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    by_scope: ScopeMap<Counter>,
    /// How many there may be before idle ones are looked for.
    sweep_at: usize,
    shadow_refusals: u64,
    /// Refusals of shadow limits that are not in the log yet: nothing is logged under the lock.
    shadowed: Vec<Refused>,
}

impl Counters {
    /// Every enforced limit that keeps the call out, in the order of the claims; nothing if it fits.
    pub(crate) fn refusals(&mut self, claims: &[Claim], amounts: Amounts, now: Timestamp) -> Vec<Refused> {
        claims.iter().filter(|claim| !claim.limits.shadow).flat_map(|claim| self.refusals_of(claim, amounts, now)).collect()
    }

    fn refusals_of(&mut self, claim: &Claim, amounts: Amounts, now: Timestamp) -> Vec<Refused> {
        let mut refusals = Vec::new();
        let mut idle = None;
        let counter = match self.by_scope.get_mut(&claim.scope) {
            Some(counter) => counter,
            None => idle.insert(Counter::default()),
        };
        for kind in LimitKind::ALL {
            let Some(limit) = claim.limits.of(*kind) else { continue };
            let asked = asked(*kind, amounts);
            let wanted = counter.used(*kind, now).saturating_add(asked);
            if wanted > limit {
                let fits = asked <= limit;
                let free_at = if fits { counter.free_at(*kind, wanted - limit, now) } else { None };
                refusals.push(Refused { scope: claim.scope, kind: *kind, limit, asked, retry_after: free_at.map(|at| at.since(now)) });
            }
        }
        refusals
    }

    /// Counts a call in all of its claims; whether it fits is the caller's question.
    pub(crate) fn take(&mut self, claims: Vec<Claim>, amounts: Amounts, now: Timestamp) -> Receipt {
        let ages_from = now.plus(LANDS_WITHIN);
        for claim in &claims {
            if claim.limits.shadow {
                let refusals = self.refusals_of(claim, amounts, now);
                self.shadow_refusals = self.shadow_refusals.saturating_add(u64::from(!refusals.is_empty()));
                self.shadowed.extend(refusals);
            }
            self.by_scope.entry(claim.scope).or_default().take(&claim.limits, amounts, ages_from, now);
        }
        if self.by_scope.len() > self.sweep_at.max(FEW) {
            self.sweep(now);
        }
        Receipt { claims, estimate: amounts, ages_from, stage: Stage::Open }
    }

    /// The upstream has the call: its entries age from now on. Says whether that changed anything.
    pub(crate) fn land(&mut self, receipt: &mut Receipt, now: Timestamp) -> bool {
        let early = receipt.stage == Stage::Open && now < receipt.ages_from;
        if early {
            let (before, after) = (receipt.entry(), receipt.landed(now));
            self.each(&receipt.claims, |counter, claim| counter.change(&claim.limits, before, after, now));
            receipt.ages_from = now;
        }
        early
    }

    /// Tokens and charge are known. The first time counts.
    pub(crate) fn settle(&mut self, receipt: &mut Receipt, real: Amounts, now: Timestamp) {
        if receipt.stage == Stage::Open {
            let (before, after) = (receipt.entry(), Entry { tokens: real.tokens, ..receipt.landed(now) });
            self.each(&receipt.claims, |counter, claim| {
                counter.change(&claim.limits, before, after, now);
                counter.charge(&claim.limits, receipt.estimate, real, now);
            });
            receipt.stage = Stage::Settled;
        }
    }

    /// Nothing was sent: not even a request is counted. One that was settled was sent.
    pub(crate) fn undo(&mut self, receipt: &mut Receipt, now: Timestamp) {
        self.finish(receipt, 0, now);
    }

    /// The call has ended. What was not settled used no tokens and costs nothing.
    pub(crate) fn end(&mut self, receipt: &mut Receipt, now: Timestamp) {
        self.finish(receipt, 1, now);
    }

    fn finish(&mut self, receipt: &mut Receipt, requests: u64, now: Timestamp) {
        let (before, after) = (receipt.entry(), Entry { requests, tokens: 0, ..receipt.landed(now) });
        for Claim { scope, limits } in &receipt.claims {
            let Some(counter) = self.by_scope.get_mut(scope) else { continue };
            if receipt.stage == Stage::Open {
                counter.change(limits, before, after, now);
                counter.charge(limits, receipt.estimate, Amounts::default(), now);
            }
            counter.end();
            if counter.is_idle(now) {
                self.by_scope.remove(scope);
            }
        }
        receipt.stage = Stage::Ended;
    }

    /// The counter of a scope that is limited or asked about; made if there is none.
    pub(crate) fn of(&mut self, scope: LimitScope) -> &mut Counter {
        self.by_scope.entry(scope).or_default()
    }

    /// The calls under way in a scope.
    pub(crate) fn under_way(&self, scope: LimitScope) -> u32 {
        self.by_scope.get(&scope).map_or(0, Counter::under_way)
    }

    /// What was charged in the current day and month.
    pub(crate) fn set_spent(&mut self, scope: LimitScope, day: Money, month: Money, now: Timestamp) {
        let nanos = |amount: Money| u64::try_from(amount.nanos()).unwrap_or(0);
        self.of(scope).budgets(now).set(nanos(day), nanos(month), now);
        self.forget_if_idle(scope, now);
    }

    /// Forgets a scope that holds nothing.
    pub(crate) fn forget_if_idle(&mut self, scope: LimitScope, now: Timestamp) {
        if self.by_scope.get_mut(&scope).is_some_and(|counter| counter.is_idle(now)) {
            self.by_scope.remove(&scope);
        }
    }

    /// Forgets all scopes that hold nothing.
    pub(crate) fn sweep(&mut self, now: Timestamp) {
        self.by_scope.retain(|_, counter| !counter.is_idle(now));
        if self.by_scope.capacity() > 8 * self.by_scope.len().max(FEW) {
            self.by_scope.shrink_to(FEW);
        }
        self.sweep_at = self.by_scope.len().saturating_mul(2);
    }

    /// Every scope that has something taken.
    pub(crate) fn all(&mut self) -> impl Iterator<Item = (LimitScope, &mut Counter)> {
        self.by_scope.iter_mut().map(|(scope, counter)| (*scope, counter))
    }

    pub(crate) const fn shadow_refusals(&self) -> u64 {
        self.shadow_refusals
    }

    /// What the log should be told of.
    pub(crate) fn shadowed(&mut self) -> Vec<Refused> {
        std::mem::take(&mut self.shadowed)
    }

    fn each(&mut self, claims: &[Claim], act: impl Fn(&mut Counter, &Claim)) {
        for claim in claims {
            if let Some(counter) = self.by_scope.get_mut(&claim.scope) {
                act(counter, claim);
            }
        }
    }
}

/// Which of a call's refusals the caller is told: one that waiting does not cure, or else the first.
pub(crate) fn worst(refusals: &[Refused]) -> Option<Refused> {
    refusals.iter().find(|refused| refused.never_fits()).or(refusals.first()).copied()
}
