//! When callers come, and what they ask: by the scenario alone, before anything is played.

use std::time::Duration;

use bytes::Bytes;
use easyai_core::catalog::Capability;
use easyai_protocols::request::TextRequest;
use serde_json::{Value, json};

use super::chance::Chance;
use super::scenario::{Load, Scenario};

/// What chance the callers draw from.
const PURPOSE: u64 = 1;

/// One caller's request.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// When it comes.
    pub at: Duration,
    /// Its load's place in the scenario.
    pub load: usize,
    /// Its number among all, from 1.
    pub number: usize,
    /// Whether it wants a stream.
    pub streamed: bool,
}

/// All requests in the order in which they come.
pub fn arrivals(scenario: &Scenario) -> Vec<Arrival> {
    let mut chance = Chance::new(scenario.seed, PURPOSE);
    let mut all = Vec::new();
    for (load, Load { requests_per_second, from, until, streamed_percent, .. }) in scenario.loads.iter().enumerate() {
        // From the beginning each, so that what is rounded does not add up.
        let times = (0_u32..).map(|place| *from + Duration::from_secs(1) * place / *requests_per_second).take_while(|at| at < until);
        all.extend(times.map(|at| Arrival { at, load, number: 0, streamed: chance.happens(*streamed_percent) }));
    }
    all.sort_by_key(|arrival| arrival.at);
    for (arrival, number) in all.iter_mut().zip(1..) {
        arrival.number = number;
    }
    all
}

/// The request that `arrival` makes.
///
/// # Errors
/// If the body is none that the gateway reads, which would be a mistake of the lab's.
pub fn request(load: &Load, arrival: &Arrival) -> anyhow::Result<TextRequest> {
    let body = Bytes::from(serde_json::to_vec(&body(load, arrival))?);
    easyai_protocols::openai::scan::scan(body).map_err(|refused| anyhow::anyhow!("the lab's own request is refused: {refused:?}"))
}

fn body(load: &Load, arrival: &Arrival) -> Value {
    let prompt = format!("Question {}: {}", arrival.number, "what is it? ".repeat(usize::try_from(load.prompt_words / 3).unwrap_or(1)));
    let mut content = json!(prompt);
    let mut body = json!({ "model": load.model, "messages": [], "stream": arrival.streamed });
    for need in &load.needs {
        match need {
            Capability::Tools => body["tools"] = json!([{ "type": "function", "function": { "name": "look_up" } }]),
            Capability::Vision => {
                content = json!([{ "type": "text", "text": prompt }, { "type": "image_url", "image_url": { "url": "https://example.com/a.png" } }]);
            }
            Capability::Audio => body["audio"] = json!({ "voice": "alloy", "format": "mp3" }),
            Capability::JsonSchema => {
                body["response_format"] =
                    json!({ "type": "json_schema", "json_schema": { "name": "answer", "schema": { "type": "object" } } });
            }
        }
    }
    body["messages"] = json!([{ "role": "user", "content": content }]);
    if let Some(most) = load.max_tokens {
        body["max_tokens"] = json!(most);
    }
    if let Some(conversations) = load.conversations {
        let number = arrival.number % usize::try_from(conversations.max(1)).unwrap_or(1);
        body["prompt_cache_key"] = json!(format!("conversation {number}"));
    }
    body
}
