//! `generationConfig`: bounds, dice, the form of the output and how much to think.

use serde_json::Value;

use super::cannot;
use crate::conversation::{CannotCarry, Conversation, Effort, Notes, OutputFormat, ReasoningAsk};
use crate::gemini::family::{Budget, Family, Model};
use crate::gemini::schema;

/// Google's bound on `stopSequences`.
const MAX_STOPS: usize = 5;

#[derive(Debug, Default, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GenerationConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<ThinkingConfig>,
}

/// A level or a budget, never both: that is a 400.
#[derive(Debug, Default, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct ThinkingConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_level: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_budget: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    include_thoughts: Option<bool>,
}

pub(super) fn write<'a>(
    conversation: &'a Conversation,
    model: Model,
    model_bound: Option<u64>,
    notes: &mut Notes,
) -> Result<GenerationConfig<'a>, CannotCarry> {
    let sampling = &conversation.sampling;
    let stop_sequences: Vec<&str> = sampling.stop.iter().map(String::as_str).filter(|stop| !stop.is_empty()).collect();
    if stop_sequences.len() > MAX_STOPS {
        return Err(cannot("stop", format!("it takes {MAX_STOPS} stop sequences at most")));
    }
    let seed = sampling.seed.and_then(|seed| i32::try_from(seed).ok());
    if sampling.seed.is_some() && seed.is_none() {
        notes.dropped("seed", "the Gemini API takes 32 bits");
    }
    let (response_mime_type, response_json_schema) = output(&conversation.output);
    Ok(GenerationConfig {
        max_output_tokens: bounded(conversation.max_output_tokens, model_bound, notes),
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        top_k: sampling.top_k,
        frequency_penalty: sampling.frequency_penalty,
        presence_penalty: sampling.presence_penalty,
        seed,
        stop_sequences,
        response_mime_type,
        response_json_schema,
        thinking_config: conversation.reasoning.and_then(|ask| thinking(ask, model, notes)),
    })
}

/// Google refuses a bound above the model's own.
fn bounded(asked: Option<u64>, model_bound: Option<u64>, notes: &mut Notes) -> Option<u64> {
    match (asked, model_bound) {
        (Some(asked), Some(bound)) if asked > bound => {
            notes.changed("max_output_tokens", "lowered to the model's own bound");
            Some(bound)
        }
        (asked, _) => asked,
    }
}

fn output(format: &OutputFormat) -> (Option<&'static str>, Option<Value>) {
    let json = Some("application/json");
    match format {
        OutputFormat::Text => (None, None),
        OutputFormat::JsonObject => (json, None),
        OutputFormat::JsonSchema { description, schema, .. } => {
            let mut schema = schema::to_google(schema.clone());
            if let (Value::Object(members), Some(description)) = (&mut schema, description) {
                members.entry("description").or_insert_with(|| description.clone().into());
            }
            (json, Some(schema))
        }
    }
}

fn thinking(ask: ReasoningAsk, model: Model, notes: &mut Notes) -> Option<ThinkingConfig> {
    if !model.thinks {
        if ask.effort.is_some() || ask.budget_tokens.is_some() {
            notes.dropped("reasoning", "this model can't be told how much to think");
        }
        return None;
    }
    let include_thoughts = ask.show.then_some(true);
    let config = match model.family {
        Family::Third { pro } => ThinkingConfig { thinking_level: level(ask, pro, notes), include_thoughts, ..ThinkingConfig::default() },
        Family::Second(budget) => {
            ThinkingConfig { thinking_budget: tokens(ask, budget, notes), include_thoughts, ..ThinkingConfig::default() }
        }
        Family::Gemma | Family::Other => ThinkingConfig::default(),
    };
    (config != ThinkingConfig::default()).then_some(config)
}

fn level(ask: ReasoningAsk, pro: bool, notes: &mut Notes) -> Option<&'static str> {
    let by_budget = || match ask.budget_tokens? {
        0 => Some(Effort::None),
        1..=2048 => Some(Effort::Low),
        2049..=12_288 => Some(Effort::Medium),
        _more => Some(Effort::High),
    };
    let least = if pro { "low" } else { "minimal" };
    Some(match ask.effort.or_else(by_budget)? {
        Effort::None => {
            notes.changed("reasoning", "this model always thinks: it is asked to think as little as it can");
            least
        }
        Effort::Minimal => least,
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High | Effort::XHigh | Effort::Max => "high",
    })
}

fn tokens(ask: ReasoningAsk, budget: Budget, notes: &mut Notes) -> Option<u64> {
    let by_effort = || {
        Some(match ask.effort? {
            Effort::None => 0,
            Effort::Minimal | Effort::Low => 1024,
            Effort::Medium => 8192,
            Effort::High => 24_576,
            Effort::XHigh | Effort::Max => budget.most,
        })
    };
    let asked = ask.budget_tokens.or_else(by_effort)?;
    if asked == 0 && budget.off {
        return Some(0);
    }
    let given = asked.clamp(budget.least, budget.most);
    if given != asked {
        notes.changed("reasoning", "the budget is moved into what this model takes");
    }
    Some(given)
}
