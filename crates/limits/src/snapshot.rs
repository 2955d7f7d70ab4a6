//! What of the counters outlives a clean restart: windows and budgets, but no calls under way.

use easyai_core::limit::{LimitKind, LimitScope};
use easyai_core::time::Timestamp;

use crate::budget::Spent;
use crate::counters::Counters;

/// Windows and budgets at one moment. What has aged until it is restored is dropped then.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Snapshot {
    scopes: Vec<Scope>,
}

impl Snapshot {
    /// Whether nothing was taken at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.scopes.is_empty()
    }

    /// The scopes that were charged something in a day or month that had not ended.
    pub fn charged(&self) -> impl Iterator<Item = LimitScope> {
        self.scopes.iter().filter(|scope| scope.charged.is_some()).map(|scope| scope.scope)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Scope {
    scope: LimitScope,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    windows: Vec<Entries>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    charged: Option<(Spent, Spent)>,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Entries {
    kind: LimitKind,
    /// Microseconds since the epoch from which an amount ages, and the amount.
    entries: Vec<(i64, u64)>,
}

impl Counters {
    /// What would have to outlive a restart at `now`.
    pub(crate) fn snapshot(&mut self, now: Timestamp) -> Snapshot {
        self.sweep(now);
        let scope = |(scope, counter): (LimitScope, &mut crate::counter::Counter)| {
            let windows = counter
                .windows()
                .into_iter()
                .filter_map(|(kind, window)| (window.used(now) > 0).then(|| Entries { kind, entries: window.entries().collect() }));
            let windows: Vec<_> = windows.collect();
            let charged = counter.charged(now);
            (!windows.is_empty() || charged.is_some()).then_some(Scope { scope, windows, charged })
        };
        let mut scopes: Vec<_> = self.all().filter_map(scope).collect();
        scopes.sort_unstable_by_key(|scope| scope.scope);
        Snapshot { scopes }
    }

    /// Adds what a snapshot holds and still counts.
    pub(crate) fn restore(&mut self, snapshot: Snapshot, now: Timestamp) {
        for Scope { scope, windows, charged } in snapshot.scopes {
            let counter = self.of(scope);
            for Entries { kind, entries } in windows {
                for (_, window) in counter.windows().into_iter().filter(|(of, _)| *of == kind) {
                    entries.iter().for_each(|(from, amount)| window.add(Timestamp::from_micros(*from), *amount));
                }
            }
            if let Some(charged) = charged {
                counter.budgets(now).restore(charged, now);
            }
        }
        self.sweep(now);
    }
}
