//! What is kept for those who wait: the limits that keep them out, and that nobody behind them may use up.

use easyai_core::limit::{Amounts, LimitKind, LimitScope, Refused};
use easyai_core::time::Timestamp;

use crate::claim::{Claim, asked};
use crate::queue::Ticket;
use crate::scope_map::ScopeMap;

/// A limit that keeps somebody out.
pub(crate) type Obstacle = (LimitScope, LimitKind);

/// One limit that a waiter waits for.
#[derive(Debug)]
struct Block {
    kind: LimitKind,
    by: Ticket,
    free_at: Option<Timestamp>,
}

/// The limits that waiters wait for, the first of each.
#[derive(Debug, Default)]
pub(crate) struct Blocked {
    by_scope: ScopeMap<Vec<Block>>,
}

impl Blocked {
    pub(crate) fn clear(&mut self) {
        self.by_scope.clear();
    }

    /// A waiter waits for the limit that refused it.
    pub(crate) fn add(&mut self, refused: &Refused, by: Ticket, now: Timestamp) {
        let free_at = refused.retry_after.map(|after| now.plus(after));
        let blocks = self.by_scope.entry(refused.scope).or_default();
        if blocks.iter().all(|block| block.kind != refused.kind) {
            blocks.push(Block { kind: refused.kind, by, free_at });
        }
    }

    /// The refusal of a call that would overtake a waiter.
    pub(crate) fn refusal(&self, claims: &[Claim], amounts: Amounts, now: Timestamp) -> Option<Refused> {
        let (claim, block, limit) = self.met(claims).next()?;
        let retry_after = block.free_at.map(|at| at.since(now));
        Some(Refused { scope: claim.scope, kind: block.kind, limit, asked: asked(block.kind, amounts), retry_after })
    }

    /// Whether this limit is waited for.
    pub(crate) fn holds(&self, (scope, kind): Obstacle) -> bool {
        self.by_scope.get(&scope).is_some_and(|blocks| blocks.iter().any(|block| block.kind == kind))
    }

    /// The first limit that is waited for and that the claims are under.
    pub(crate) fn obstacle(&self, claims: &[Claim]) -> Option<Obstacle> {
        self.met(claims).next().map(|(claim, block, _)| (claim.scope, block.kind))
    }

    /// Whether somebody may get in once something of these claims was given back.
    pub(crate) fn waits_for(&self, claims: &[Claim]) -> bool {
        !self.by_scope.is_empty() && claims.iter().any(|claim| self.by_scope.contains_key(&claim.scope))
    }

    /// Whether a waiter keeps an amount that others might have room for. Of requests and slots everybody asks one: nobody could use them.
    pub(crate) fn kept_by(&self, ticket: Ticket) -> bool {
        self.by_scope.values().flatten().any(|block| {
            block.by == ticket
                && match block.kind {
                    LimitKind::TokensPerMinute | LimitKind::TokensPerDay | LimitKind::DailyBudget | LimitKind::MonthlyBudget => true,
                    LimitKind::RequestsPerMinute | LimitKind::RequestsPerDay | LimitKind::Concurrent => false,
                }
        })
    }

    /// When the first of them is free by the passing of time.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        self.by_scope.values().flatten().filter_map(|block| block.free_at).min()
    }

    fn met<'a>(&'a self, claims: &'a [Claim]) -> impl Iterator<Item = (&'a Claim, &'a Block, u64)> {
        // Nobody waits, nearly always.
        let claims = if self.by_scope.is_empty() { &[] } else { claims };
        claims
            .iter()
            .filter(|claim| !claim.limits.shadow)
            .filter_map(|claim| self.by_scope.get(&claim.scope).map(|blocks| (claim, blocks)))
            .flat_map(|(claim, blocks)| blocks.iter().filter_map(move |block| Some((claim, block, claim.limits.of(block.kind)?))))
    }
}
