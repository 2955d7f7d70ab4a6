//! How a task went: then, or in a replay.

use std::sync::Arc;
use std::time::Duration;

use super::past::{AnswerEnd, Outcome, Past};
use crate::id::{PlatformModelId, RunnerPolicyId};
use crate::money::Money;
use crate::reason::StopReason;
use crate::trace::TraceEntry;

/// How a task went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    /// How it ended.
    pub ending: Ending,
    /// Every decision, in order.
    pub decisions: Vec<TraceEntry>,
    /// Attempts that were made.
    pub attempts: u32,
    /// Who answered, if anybody did.
    pub served_by: Option<Server>,
    /// From the start of the run to the first useful delta, or to the head of a plain answer.
    pub first_delta: Option<Duration>,
    /// From the start of the run to its end.
    pub took: Duration,
    /// What it cost.
    pub paid: Paid,
    /// The attempts whose outcome nobody knows, and what it was taken from.
    pub guesses: Vec<Guess>,
}

/// Who answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The candidate.
    pub platform_model: PlatformModelId,
    /// Its platform's name.
    pub platform: Arc<str>,
    /// The attempt it answered.
    pub attempt: u32,
}

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Delivered in full.
    Succeeded,
    /// Nobody answered, or the answer broke off.
    Failed(StopReason),
    /// The caller went away, or the gateway was stopped.
    Left,
    /// The draft leaves nobody who could serve it.
    NoCandidate,
}

impl Ending {
    /// The end of a run that stopped for `reason`.
    pub(super) const fn stopped(reason: StopReason) -> Self {
        if matches!(reason, StopReason::ClientCancelled) { Self::Left } else { Self::Failed(reason) }
    }

    /// In one word: the reason of a stop.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed(reason) => reason.as_str(),
            Self::Left => StopReason::ClientCancelled.as_str(),
            Self::NoCandidate => crate::error::ErrorCode::NoCandidate.as_str(),
        }
    }
}

/// What a task cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paid {
    /// Nothing: nothing was delivered.
    Nothing,
    /// This.
    Known {
        /// What the account pays.
        charge: Money,
        /// What the platform charges the operator, if that is known.
        cost: Option<Money>,
    },
    /// Nobody knows: the candidate has no price, or it can't be computed.
    Unpriced,
}

impl Paid {
    /// What the account pays; none if nobody knows.
    #[must_use]
    pub const fn charge(self) -> Option<Money> {
        match self {
            Self::Nothing => Some(Money::ZERO),
            Self::Known { charge, .. } => Some(charge),
            Self::Unpriced => None,
        }
    }

    /// What the platform charges the operator; none if nobody knows.
    #[must_use]
    pub const fn cost(self) -> Option<Money> {
        match self {
            Self::Nothing => Some(Money::ZERO),
            Self::Known { cost, .. } => cost,
            Self::Unpriced => None,
        }
    }
}

/// An attempt whose outcome is not a matter of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guess {
    /// Its number within the task.
    pub attempt: u32,
    /// What its outcome was taken from.
    pub known: Known,
}

crate::words! {
    /// What an outcome was taken from.
    pub enum Known as "source of an outcome" {
        /// What the candidate did at that time.
        Time = "drawn",
        /// What the candidate did at any time of the history: nothing was recorded of it at that time.
        Range = "drawn_from_range",
        /// What the model's other candidates did: nothing was recorded of this one.
        Others = "unknown",
    }
}

impl Course {
    /// How the task went when it was recorded.
    #[must_use]
    pub fn recorded(past: &Past) -> Self {
        let answered = (1..).zip(&past.calls).find_map(|(number, call)| match &*call.outcome {
            Outcome::Answered(answer) => Some((number, call, answer)),
            Outcome::Failed { .. } | Outcome::CutOff => None,
        });
        Self {
            ending: past.ending,
            decisions: past.trace.decisions.clone(),
            attempts: u32::try_from(past.calls.len()).unwrap_or(u32::MAX),
            served_by: answered.map(|(attempt, call, _)| Server {
                platform_model: call.offer,
                platform: Arc::clone(&call.platform),
                attempt,
            }),
            first_delta: answered.map(|(_, call, answer)| call.begins + answer.first_delta),
            took: past.took,
            paid: past.paid,
            guesses: Vec::new(),
        }
    }

    /// The course in lines for a person: each decision, and the answer.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.decisions.iter().map(|entry| self.marked(entry.attempt, entry.sentence())).collect();
        if let Some(Server { platform, attempt, .. }) = &self.served_by {
            // What became of the answer is told before it: the decision that ended it names this attempt.
            let broke_off = self.decisions.iter().any(|entry| entry.attempt == *attempt);
            let line = format!("attempt {attempt} at {platform} answered");
            if !broke_off {
                lines.push(self.marked(*attempt, line));
            }
        }
        if self.ending == Ending::NoCandidate {
            lines.push("nobody is left who could serve it".to_owned());
        }
        lines
    }

    fn marked(&self, attempt: u32, line: String) -> String {
        // A draft has no id yet.
        let line = line.replace(&RunnerPolicyId::from_uuid(uuid::Uuid::nil()).to_string(), "draft");
        match self.guesses.iter().find(|guess| guess.attempt == attempt).map(|guess| guess.known) {
            None => line,
            Some(Known::Time) => format!("{line} (drawn from its outcomes at that time)"),
            Some(Known::Range) => format!("{line} (drawn from all its outcomes)"),
            Some(Known::Others) => format!("{line} (unknown: drawn from the model's other candidates)"),
        }
    }
}

impl AnswerEnd {
    /// Whether the caller got all of it.
    pub(super) const fn is_whole(&self) -> bool {
        match self {
            Self::Whole => true,
            Self::BrokeOff(_) | Self::Left => false,
        }
    }
}
