//! Limits: what may be counted, for whom, and how much of it. Plain values; `easyai-limits` does the counting.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use crate::id::{AccountId, CredentialId, GroupId, KeyId, PlatformId, PlatformModelId};
use crate::money::Money;

crate::words! {
    /// What is counted. The spelling is the field of the catalogue file and the word a refusal uses.
    pub enum LimitKind as "limit" {
        /// Calls that begin within a sliding minute.
        RequestsPerMinute = "requests_per_minute",
        /// Tokens, of input and output together, within a sliding minute.
        TokensPerMinute = "tokens_per_minute",
        /// Calls that begin within a sliding day.
        RequestsPerDay = "requests_per_day",
        /// Tokens within a sliding day.
        TokensPerDay = "tokens_per_day",
        /// Calls under way at once.
        Concurrent = "concurrent",
        /// What is charged within a calendar day, in UTC.
        DailyBudget = "daily_budget",
        /// What is charged within a calendar month, in UTC.
        MonthlyBudget = "monthly_budget",
    }
}

/// Whose limit it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitScope {
    /// The whole process.
    Gateway,
    /// An API key.
    Key(KeyId),
    /// Who pays.
    Account(AccountId),
    /// A class of accounts.
    Group(GroupId),
    /// A platform.
    Platform(PlatformId),
    /// A secret of a platform.
    Credential(CredentialId),
    /// A model of a platform.
    PlatformModel(PlatformModelId),
}

impl LimitScope {
    /// What a refusal calls it: a caller is told *this key*, not an id that means nothing to it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "the gateway",
            Self::Key(_) => "this key",
            Self::Account(_) => "this account",
            Self::Group(_) => "this account's group",
            Self::Platform(_) => "the platform",
            Self::Credential(_) => "the platform's credential",
            Self::PlatformModel(_) => "this model of the platform",
        }
    }

    /// Whether another candidate would meet the same limit.
    #[must_use]
    pub const fn is_the_callers(self) -> bool {
        match self {
            Self::Gateway | Self::Key(_) | Self::Account(_) | Self::Group(_) => true,
            Self::Platform(_) | Self::Credential(_) | Self::PlatformModel(_) => false,
        }
    }
}

/// The limits of one key, account, group, platform, credential or platform model. Its JSON is what the catalogue file, the database and
/// the API hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitSet {
    /// Calls that begin within a sliding minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<NonZeroU64>,
    /// Tokens within a sliding minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<NonZeroU64>,
    /// Calls that begin within a sliding day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_day: Option<NonZeroU64>,
    /// Tokens within a sliding day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_day: Option<NonZeroU64>,
    /// Calls under way at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrent: Option<NonZeroU32>,
    /// What may be charged within a calendar day, in UTC; for keys, accounts and groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub daily_budget: Option<Money>,
    /// What may be charged within a calendar month, in UTC; for keys, accounts and groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly_budget: Option<Money>,
    /// How long a synchronous call may wait until these limits let it in; the gateway's setting if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_timeout_ms: Option<u32>,
    /// Measured and logged, but not enforced.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub shadow: bool,
}

impl LimitSet {
    /// Whether nothing is limited.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self {
            requests_per_minute, tokens_per_minute, requests_per_day, tokens_per_day, concurrent, daily_budget, monthly_budget, ..
        } = self;
        [requests_per_minute, tokens_per_minute, requests_per_day, tokens_per_day].iter().all(|limit| limit.is_none())
            && concurrent.is_none()
            && daily_budget.is_none()
            && monthly_budget.is_none()
    }

    /// The limit of `kind`, if there is one; money in nano-units.
    #[must_use]
    pub fn of(&self, kind: LimitKind) -> Option<u64> {
        let money = |amount: Option<Money>| amount.map(|amount| u64::try_from(amount.nanos()).unwrap_or(0));
        match kind {
            LimitKind::RequestsPerMinute => self.requests_per_minute.map(NonZeroU64::get),
            LimitKind::TokensPerMinute => self.tokens_per_minute.map(NonZeroU64::get),
            LimitKind::RequestsPerDay => self.requests_per_day.map(NonZeroU64::get),
            LimitKind::TokensPerDay => self.tokens_per_day.map(NonZeroU64::get),
            LimitKind::Concurrent => self.concurrent.map(|limit| u64::from(limit.get())),
            LimitKind::DailyBudget => money(self.daily_budget),
            LimitKind::MonthlyBudget => money(self.monthly_budget),
        }
    }
}

/// What one call takes of the limits it comes under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amounts {
    /// Tokens of input and output: estimated before, real afterwards.
    pub tokens: u64,
    /// What it is charged: estimated before, real afterwards.
    pub charge: Money,
}

/// A limit that let a call not in. Nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub struct Refused {
    /// Whose limit.
    pub scope: LimitScope,
    /// Which one.
    pub kind: LimitKind,
    /// How much it allows; money in nano-units.
    pub limit: u64,
    /// What the call asked for; money in nano-units.
    pub asked: u64,
    /// When there will be room by the passing of time; none where a call has to end first, or where there never will be.
    pub retry_after: Option<Duration>,
}

impl Refused {
    /// The call is larger than the whole limit: waiting is of no use.
    #[must_use]
    pub const fn never_fits(&self) -> bool {
        self.asked > self.limit
    }
}

impl std::fmt::Display for Refused {
    /// `this key is at its limit of 100 requests_per_minute: try again in 12 s`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { scope, kind, limit, asked, retry_after } = self;
        let money = |nanos: u64| Money::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX));
        match kind {
            LimitKind::DailyBudget | LimitKind::MonthlyBudget => write!(f, "{} has used up its {kind} of {}", scope.name(), money(*limit))?,
            LimitKind::RequestsPerMinute
            | LimitKind::TokensPerMinute
            | LimitKind::RequestsPerDay
            | LimitKind::TokensPerDay
            | LimitKind::Concurrent => write!(f, "{} is at its limit of {limit} {kind}", scope.name())?,
        }
        if self.never_fits() {
            let asked = if matches!(kind, LimitKind::DailyBudget | LimitKind::MonthlyBudget) {
                money(*asked).to_string()
            } else {
                asked.to_string()
            };
            return write!(f, ", and this request alone may need {asked}: ask for less, such as a smaller max_tokens");
        }
        match retry_after {
            Some(wait) => write!(f, ": try again in {} s", wait.as_millis().div_ceil(1_000).max(1)),
            None => write!(f, ": try again when a call under way has ended"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_reads_back_what_it_shows_and_refuses_what_it_does_not_know() {
        let text = r#"{"requests_per_minute":100,"concurrent":8,"daily_budget":"5"}"#;
        let set: LimitSet = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&set).unwrap(), text);
        assert_eq!((set.of(LimitKind::RequestsPerMinute), set.of(LimitKind::DailyBudget)), (Some(100), Some(5_000_000_000)));
        assert!(!set.is_empty() && LimitSet::default().is_empty());
        for wrong in [r#"{"rpm": 1}"#, r#"{"concurrent": 0}"#, r#"{"tokens_per_minute": -1}"#] {
            assert!(serde_json::from_str::<LimitSet>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_refusal_names_the_limit_and_what_to_do() {
        let key = LimitScope::Key(KeyId::from_uuid(uuid::Uuid::nil()));
        let refused = Refused {
            scope: key,
            kind: LimitKind::RequestsPerMinute,
            limit: 100,
            asked: 1,
            retry_after: Some(Duration::from_millis(11_200)),
        };
        assert_eq!(refused.to_string(), "this key is at its limit of 100 requests_per_minute: try again in 12 s");
        let large = Refused { kind: LimitKind::TokensPerMinute, asked: 500, ..refused };
        assert!(large.never_fits() && large.to_string().contains("this request alone may need 500"), "{large}");
        let full = Refused { kind: LimitKind::Concurrent, retry_after: None, ..refused };
        assert!(full.to_string().ends_with("try again when a call under way has ended"), "{full}");
    }
}
