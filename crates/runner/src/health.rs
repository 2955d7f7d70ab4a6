//! How candidates are, live: what policies did to them after failures. Read without a lock on every request, changed rarely.
//!
//! Cooldowns and demotions live in memory. What was switched off is a row too, so that a restart keeps it and every process sees it.

use std::sync::Arc;

use arc_swap::ArcSwap;
use easyai_core::catalog::PlatformModel;
use easyai_core::health::HealthBook;
use easyai_core::policy::Remedy;
use easyai_core::time::Timestamp;

/// The live conditions of all candidates.
#[derive(Debug, Default)]
pub struct HealthBoard {
    book: ArcSwap<HealthBook>,
}

impl HealthBoard {
    /// As it is now.
    #[must_use]
    pub fn now(&self) -> Arc<HealthBook> {
        self.book.load_full()
    }

    /// Carries out what a decision ordered.
    pub fn apply(&self, remedy: &Remedy, offer: &PlatformModel, now: Timestamp, reason: &Arc<str>) {
        self.book.rcu(|book| {
            let mut book = HealthBook::clone(book);
            book.apply(remedy, offer, now, reason);
            book
        });
    }

    /// A success heals demotions. Costs nothing where there is none.
    pub fn succeeded(&self, offer: &PlatformModel) {
        if self.book.load().conditions(offer).any(|condition| condition.demoted.is_some()) {
            self.book.rcu(|book| {
                let mut book = HealthBook::clone(book);
                book.succeeded(offer);
                book
            });
        }
    }

    /// Takes over who is switched off, as the rows say: those who are no longer listed serve again.
    pub fn set_disabled(&self, disabled: &easyai_store::candidate_state::Disabled) {
        self.book.rcu(|book| {
            let mut book = HealthBook::clone(book);
            for condition in book.platforms.values_mut().chain(book.platform_models.values_mut()) {
                condition.disabled = None;
            }
            for (platform, reason) in &disabled.platforms {
                book.platforms.entry(*platform).or_default().disabled = Some(Arc::clone(reason));
            }
            for (platform_model, reason) in &disabled.platform_models {
                book.platform_models.entry(*platform_model).or_default().disabled = Some(Arc::clone(reason));
            }
            book
        });
    }
}
