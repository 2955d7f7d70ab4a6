//! How much to think, as the model's family is told.
//!
//! Source: `providers.md` sections 2.3, 2.5 and 9.6.

use serde::Serialize;

use super::Limit;
use super::turns::Message;
use crate::anthropic::family::{Family, ThinkingStyle};
use crate::conversation::{Conversation, Effort, Notes, ReasoningAsk};

/// Anthropic's least budget.
const LEAST_BUDGET: u64 = 1024;

/// `thinking`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Thinking {
    Adaptive { display: &'static str },
    Enabled { budget_tokens: u64 },
    Disabled,
}

/// What is sent of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Thought {
    pub(super) thinking: Option<Thinking>,
    pub(super) effort: Option<&'static str>,
    /// The bound on the answer, raised if the thinking needs it.
    pub(super) max_tokens: u64,
}

impl Thinking {
    pub(super) const fn is_on(&self) -> bool {
        match self {
            Self::Adaptive { .. } | Self::Enabled { .. } => true,
            Self::Disabled => false,
        }
    }
}

/// What the model is told. `forced` says that it must call a tool, which it can't do while it thinks.
pub(super) fn thinking(
    conversation: &Conversation,
    family: Family,
    forced: bool,
    limit: Limit,
    messages: &[Message<'_>],
    notes: &mut Notes,
) -> Thought {
    let nothing = Thought { thinking: None, effort: None, max_tokens: limit.tokens };
    let Some(ask) = conversation.reasoning else { return nothing };
    let is_off = ask.effort == Some(Effort::None) || (ask.effort.is_none() && ask.budget_tokens == Some(0));
    match family.thinking {
        ThinkingStyle::Adaptive { .. } if is_off => Thought { thinking: Some(Thinking::Disabled), ..nothing },
        ThinkingStyle::Adaptive { .. } if forced => {
            notes.changed("reasoning_effort", "a tool must be called, which the model can't do while it thinks");
            // With thinking off the newest models refuse more than `high`.
            let effort = effort_of(ask).map(|effort| effort_word(effort.min(Effort::High), false));
            Thought { thinking: Some(Thinking::Disabled), effort, ..nothing }
        }
        ThinkingStyle::Adaptive { xhigh } => {
            let display = if ask.show { "summarized" } else { "omitted" };
            let effort = effort_of(ask).map(|effort| effort_word(effort, xhigh));
            Thought { thinking: Some(Thinking::Adaptive { display }), effort, ..nothing }
        }
        ThinkingStyle::Budget if is_off => nothing,
        ThinkingStyle::Budget if forced => {
            notes.dropped("reasoning_effort", "a tool must be called, which the model can't do while it thinks");
            nothing
        }
        ThinkingStyle::Budget if goes_on_without_thinking(messages) => {
            notes.dropped("reasoning_effort", "the calls that were answered last came without thinking to go on from");
            nothing
        }
        ThinkingStyle::Budget => by_budget(ask, limit, notes),
        ThinkingStyle::Unknown => {
            notes.dropped("reasoning_effort", "it is not known how the model is told to think");
            nothing
        }
    }
}

/// The effort in words; a budget is translated.
fn effort_of(ask: ReasoningAsk) -> Option<Effort> {
    ask.effort.or_else(|| {
        ask.budget_tokens.map(|budget| match budget {
            0..=2048 => Effort::Low,
            2049..=12288 => Effort::Medium,
            _more => Effort::High,
        })
    })
}

const fn effort_word(effort: Effort, xhigh: bool) -> &'static str {
    match effort {
        Effort::None | Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::XHigh if xhigh => "xhigh",
        Effort::XHigh | Effort::Max => "max",
    }
}

/// A share of the answer's bound, or what the caller said. The bound must exceed it, and is raised if it does not.
fn by_budget(ask: ReasoningAsk, limit: Limit, notes: &mut Notes) -> Thought {
    let percent = match ask.effort.unwrap_or(Effort::Medium) {
        Effort::None | Effort::Minimal => 2,
        Effort::Low => 10,
        Effort::Medium => 30,
        Effort::High => 60,
        Effort::XHigh | Effort::Max => 90,
    };
    let share = u64::try_from(u128::from(limit.tokens) * percent / 100).unwrap_or(limit.tokens);
    let wanted = ask.budget_tokens.unwrap_or(share).max(LEAST_BUDGET);
    let max_tokens = if wanted < limit.tokens {
        limit.tokens
    } else {
        wanted.saturating_add(limit.tokens).min(limit.ceiling.unwrap_or(u64::MAX)).max(limit.tokens)
    };
    let budget_tokens = wanted.min(max_tokens.saturating_sub(1));
    if budget_tokens < LEAST_BUDGET {
        notes.dropped("reasoning_effort", "the model's answers are too short for thinking");
        return Thought { thinking: None, effort: None, max_tokens: limit.tokens };
    }
    if max_tokens > limit.tokens {
        notes.changed("max_tokens", "raised above the tokens for thinking");
    }
    Thought { thinking: Some(Thinking::Enabled { budget_tokens }), effort: None, max_tokens }
}

/// Whether the last calls, whose results are sent now, have no thinking before them: models with a budget refuse to begin in the middle.
fn goes_on_without_thinking(messages: &[Message<'_>]) -> bool {
    let [.., assistant, user] = messages else { return false };
    user.answers_calls() && !assistant.begins_with_thinking()
}
