//! Usage in both directions. Anthropic's `input_tokens` leaves out what a prompt cache read or wrote; everybody else's includes it.
//!
//! Source: `providers.md` sections 2.8 and 9.3.

use easyai_core::usage::{Usage, UsageSource};
use serde::Deserialize;

use crate::openai::lenient::{Count, Object, Objects, Word};

/// `usage` of an answer, of `message_start` or of `message_delta`. What is missing or null says nothing.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct WireUsage {
    input_tokens: Option<Count>,
    cache_creation_input_tokens: Option<Count>,
    cache_read_input_tokens: Option<Count>,
    output_tokens: Option<Count>,
    output_tokens_details: Object<OutputDetails>,
    /// The passes that made the answer, of which the counts above leave out those that compacted the conversation.
    #[serde(rename = "iterations", deserialize_with = "compactions")]
    compactions: Option<Compactions>,
}

/// What compacting cost beside the answer (Anthropic API, "Compaction": what is billed is the sum of all iterations).
#[derive(Debug, Clone, Copy, Default)]
struct Compactions {
    input: u64,
    cached: u64,
    written: u64,
    output: u64,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Iteration {
    #[serde(rename = "type")]
    kind: Word,
    input_tokens: Count,
    cache_creation_input_tokens: Count,
    cache_read_input_tokens: Count,
    output_tokens: Count,
}

fn compactions<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Compactions>, D::Error> {
    let iterations = Objects::<Iteration>::deserialize(deserializer)?.0;
    let of_compaction = iterations.iter().filter(|iteration| iteration.kind.0.as_deref() == Some("compaction"));
    Ok(of_compaction.fold(None, |sum: Option<Compactions>, iteration| {
        let sum = sum.unwrap_or_default();
        Some(Compactions {
            input: sum.input.saturating_add(iteration.input_tokens.0),
            cached: sum.cached.saturating_add(iteration.cache_read_input_tokens.0),
            written: sum.written.saturating_add(iteration.cache_creation_input_tokens.0),
            output: sum.output.saturating_add(iteration.output_tokens.0),
        })
    }))
}

#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
#[serde(default)]
struct OutputDetails {
    thinking_tokens: Count,
}

impl WireUsage {
    /// Takes over whatever `later` carries: the last event corrects the first one's input too.
    pub(super) fn replace(&mut self, later: Self) {
        self.input_tokens = later.input_tokens.or(self.input_tokens);
        self.cache_creation_input_tokens = later.cache_creation_input_tokens.or(self.cache_creation_input_tokens);
        self.cache_read_input_tokens = later.cache_read_input_tokens.or(self.cache_read_input_tokens);
        self.output_tokens = later.output_tokens.or(self.output_tokens);
        self.output_tokens_details.0 = later.output_tokens_details.0.or(self.output_tokens_details.0);
        self.compactions = later.compactions.or(self.compactions);
    }

    /// In the gateway's terms; none if it counts nothing at all.
    pub(super) fn into_usage(self) -> Option<Usage> {
        let count = |count: Option<Count>| count.unwrap_or_default().0;
        let compacting = self.compactions.unwrap_or_default();
        let cached = count(self.cache_read_input_tokens).saturating_add(compacting.cached);
        let written = count(self.cache_creation_input_tokens).saturating_add(compacting.written);
        let uncached = count(self.input_tokens).saturating_add(compacting.input);
        let input = uncached.saturating_add(cached).saturating_add(written);
        let output = count(self.output_tokens).saturating_add(compacting.output);
        if input == 0 && output == 0 {
            return None;
        }
        Some(Usage {
            input_tokens: input,
            cached_input_tokens: cached,
            cache_write_tokens: written,
            output_tokens: output,
            reasoning_tokens: self.output_tokens_details.0.unwrap_or_default().thinking_tokens.0.min(output),
            media: None,
            source: UsageSource::Upstream,
        })
    }
}

/// Usage as a caller sees it.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(super) struct CallerUsage {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<CallerOutputDetails>,
}

#[derive(Debug, Clone, Copy, serde::Serialize)]
struct CallerOutputDetails {
    thinking_tokens: u64,
}

impl From<&Usage> for CallerUsage {
    fn from(usage: &Usage) -> Self {
        let in_cache = usage.cached_input_tokens.saturating_add(usage.cache_write_tokens);
        let thinking_tokens = usage.reasoning_tokens;
        Self {
            input_tokens: usage.input_tokens.saturating_sub(in_cache),
            cache_creation_input_tokens: usage.cache_write_tokens,
            cache_read_input_tokens: usage.cached_input_tokens,
            output_tokens: usage.output_tokens,
            output_tokens_details: (thinking_tokens > 0).then_some(CallerOutputDetails { thinking_tokens }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(wire: &[&str], expected: Option<[u64; 5]>) {
        let mut merged = WireUsage::default();
        wire.iter().for_each(|json| merged.replace(serde_json::from_str(json).unwrap()));
        let read = merged.into_usage();
        let read = read.map(|u| [u.input_tokens, u.cached_input_tokens, u.cache_write_tokens, u.output_tokens, u.reasoning_tokens]);
        assert_eq!(read, expected, "{wire:?}");
    }

    #[test]
    fn input_includes_what_the_cache_read_and_wrote() {
        check(&[r#"{"input_tokens":10,"output_tokens":5}"#], Some([10, 0, 0, 5, 0]));
        check(
            &[r#"{"input_tokens":10,"cache_creation_input_tokens":200,"cache_read_input_tokens":3000,"output_tokens":5}"#],
            Some([3210, 3000, 200, 5, 0]),
        );
        check(&[r#"{"input_tokens":10,"output_tokens":50,"output_tokens_details":{"thinking_tokens":40}}"#], Some([10, 0, 0, 50, 40]));
        check(
            &[r#"{"input_tokens":"7","cache_read_input_tokens":null,"cache_creation":3,"output_tokens_details":null,"output_tokens":2.0}"#],
            Some([7, 0, 0, 2, 0]),
        );
        check(&["{}"], None);
        check(&[r#"{"input_tokens":0,"output_tokens":0}"#], None);
    }

    #[test]
    fn compacting_is_counted_beside_the_answer() {
        let compacted = r#"{"input_tokens":181,"output_tokens":8,"iterations":[
            {"type":"compaction","input_tokens":100,"cache_read_input_tokens":55096,"output_tokens":83},{"type":"message","input_tokens":181,"output_tokens":8},7]}"#;
        check(&[compacted], Some([55377, 55096, 0, 91, 0]));
        check(&[r#"{"input_tokens":5,"output_tokens":1,"iterations":[]}"#, compacted], Some([55377, 55096, 0, 91, 0]));
        check(&[r#"{"input_tokens":5,"output_tokens":1,"iterations":null}"#], Some([5, 0, 0, 1, 0]));
    }

    #[test]
    fn what_comes_later_replaces_only_what_it_carries() {
        let start = r#"{"input_tokens":2050,"cache_read_input_tokens":9,"output_tokens":1}"#;
        check(&[start, r#"{"output_tokens":80}"#], Some([2059, 9, 0, 80, 0]));
        check(&[start, r#"{"input_tokens":31772,"cache_read_input_tokens":0,"output_tokens":80}"#], Some([31772, 0, 0, 80, 0]));
        check(&[start, r#"{"input_tokens":null,"output_tokens":80}"#], Some([2059, 9, 0, 80, 0]));
    }

    #[test]
    fn callers_see_the_cache_apart_from_the_input() {
        let usage = Usage {
            input_tokens: 3210,
            cached_input_tokens: 3000,
            cache_write_tokens: 200,
            output_tokens: 50,
            reasoning_tokens: 40,
            media: None,
            source: UsageSource::Upstream,
        };
        assert_eq!(
            serde_json::to_string(&CallerUsage::from(&usage)).unwrap(),
            r#"{"input_tokens":10,"cache_creation_input_tokens":200,"cache_read_input_tokens":3000,"output_tokens":50,"output_tokens_details":{"thinking_tokens":40}}"#
        );
        assert_eq!(
            serde_json::to_string(&CallerUsage::from(&Usage::counted(3, 4))).unwrap(),
            r#"{"input_tokens":3,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":4}"#
        );
    }
}
