//! What happens to a failure that no rule matches: the table of `spec.md` section 5, one row a category.

use std::time::Duration;

use super::{FailoverAction, Scope};
use crate::failure::Category;

/// Whether the same client is called again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameClient {
    /// Yes, after the backoff.
    Yes,
    /// Only after a wait that the upstream itself named and that fits in the backoff's limit.
    AfterRetryAfter,
    /// No.
    No,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Whether the same client is called again.
    pub same_client: SameClient,
    /// What comes then.
    pub then: FailoverAction,
    /// What a cooldown or a disabling is about.
    pub scope: Scope,
    /// How long a cooldown lasts if the upstream named no time.
    pub cooldown: Duration,
}

/// How long a cooldown lasts where neither the table nor a rule says so.
pub const COOLDOWN: Duration = Duration::from_secs(30);
/// How long a demotion lasts where its rule doesn't say so.
pub const DEMOTION: Duration = Duration::from_secs(60);
/// The longest cooldown that an upstream's Retry-After brings about: a broken clock there must not silence a platform for days.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3_600);

/// The row of `category`.
///
/// `timeout` says yes to the same client: that a media job which may have been accepted is not submitted again is above all rows
/// (`crate::decide`).
#[must_use]
pub const fn row(category: Category) -> Row {
    const TEN_MINUTES: Duration = Duration::from_secs(600);
    match category {
        Category::Network | Category::ServerError | Category::BadResponse | Category::Timeout => {
            Row::new(SameClient::Yes, FailoverAction::Next, Scope::PlatformModel, COOLDOWN)
        }
        Category::Overloaded => Row::new(SameClient::Yes, FailoverAction::CooldownAndNext, Scope::PlatformModel, Duration::from_secs(15)),
        Category::RateLimit => Row::new(SameClient::AfterRetryAfter, FailoverAction::CooldownAndNext, Scope::PlatformModel, COOLDOWN),
        Category::QuotaExhausted => Row::new(SameClient::No, FailoverAction::CooldownAndNext, Scope::Platform, TEN_MINUTES),
        Category::Auth => Row::new(SameClient::No, FailoverAction::DisableAndNext, Scope::Platform, COOLDOWN),
        Category::ModelUnavailable => Row::new(SameClient::No, FailoverAction::CooldownAndNext, Scope::PlatformModel, TEN_MINUTES),
        Category::ContextLength | Category::LocalRateLimit => {
            Row::new(SameClient::No, FailoverAction::Next, Scope::PlatformModel, COOLDOWN)
        }
        Category::BadRequest | Category::ContentFilter | Category::Cancelled | Category::Internal => {
            Row::new(SameClient::No, FailoverAction::Stop, Scope::PlatformModel, COOLDOWN)
        }
    }
}

impl Row {
    const fn new(same_client: SameClient, then: FailoverAction, scope: Scope, cooldown: Duration) -> Self {
        Self { same_client, then, scope, cooldown }
    }
}
