//! Vectors, verdicts and orders that are made up, the same for the same question.

use bytes::Bytes;
use easyai_core::failure::{Category, Failure, Sent};
use easyai_core::usage::{Usage, UsageSource};
use easyai_protocols::conversation::Notes;
use easyai_protocols::embeddings::{self, EmbedRequest};
use easyai_protocols::moderations::ModerationRequest;
use easyai_protocols::request::Unary;
use easyai_protocols::rerank::{self, Ranked, RerankAnswer, RerankRequest};
use http::HeaderValue;
use serde_json::json;

use super::text;
use crate::call::{PlainAnswer, TextAnswer, TextCall};

/// The length of a vector where nobody said.
const DIMENSIONS: u32 = 16;

/// Answers a call that is no conversation.
pub(super) fn answer(call: &TextCall<'_>, unary: &Unary) -> Result<TextAnswer, Failure> {
    let usage = Usage { source: UsageSource::Upstream, ..Usage::counted(call.request.scan.prompt_tokens, 0) };
    let model = &*call.offer.upstream_name;
    let body = match unary {
        Unary::Embeddings(asked) => vectors(asked, model, &usage),
        Unary::Moderations(asked) => verdict(asked, model),
        Unary::Rerank(asked) => order(asked, model, usage),
        Unary::Compaction(_) => compaction(call, &usage),
        // Answered before: it may be streamed.
        Unary::Media(_) => return Err(Failure::new(Category::Internal, Sent::Nothing, "media has an answer of its own")),
    };
    Ok(TextAnswer::Plain(PlainAnswer {
        protocol: call.request.protocol,
        body,
        content_type: HeaderValue::from_static("application/json"),
        usage: Some(usage),
        upstream_request_id: Some(format!("simulated-{:016x}", text::hash(&String::from_utf8_lossy(call.request.body())))),
        notes: Notes::default(),
    }))
}

fn vectors(asked: &EmbedRequest, model: &str, usage: &Usage) -> Bytes {
    let texts = asked.texts().unwrap_or_else(|| (0..asked.inputs).map(|index| format!("tokens {index}")).collect());
    let dimensions = asked.dimensions.map_or(DIMENSIONS, std::num::NonZeroU32::get);
    let vectors: Vec<Vec<f32>> = texts.iter().map(|text| vector(text, dimensions)).collect();
    embeddings::write_answer(&vectors, asked.encoding, model, usage)
}

/// A vector of length one.
fn vector(of: &str, dimensions: u32) -> Vec<f32> {
    // The low bits of a hash, as numbers from -1 to 1.
    let number = |index: u32| {
        f32::from(i16::from_le_bytes([
            text::hash(&format!("{index} {of}")).to_le_bytes()[0],
            text::hash(&format!("{of} {index}")).to_le_bytes()[0],
        ])) / 32_768.0
    };
    let numbers: Vec<f32> = (0..dimensions).map(number).collect();
    let length = numbers.iter().map(|number| number * number).sum::<f32>().sqrt();
    numbers.into_iter().map(|number| if length > 0.0 { number / length } else { number }).collect()
}

const CATEGORIES: [&str; 13] = [
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
];

/// Nothing is harmful here.
fn verdict(asked: &ModerationRequest, model: &str) -> Bytes {
    let all =
        |value: serde_json::Value| CATEGORIES.iter().map(|name| ((*name).to_owned(), value.clone())).collect::<serde_json::Map<_, _>>();
    let result = json!({
        "flagged": false,
        "categories": all(false.into()),
        "category_scores": all(0.0.into()),
        "category_applied_input_types": all(json!(["text"])),
    });
    let id = format!("modr-simulated-{:016x}", text::hash(&String::from_utf8_lossy(asked.body())));
    Bytes::from(json!({ "id": id, "model": model, "results": [result] }).to_string())
}

/// Sealed, as OpenAI's are, with nothing in it.
fn compaction(call: &TextCall<'_>, usage: &Usage) -> Bytes {
    let envelope = call.envelope();
    let output = json!([{ "id": format!("cmp_{}", envelope.id), "type": "compaction", "encrypted_content": "simulated" }]);
    let usage = json!({
        "input_tokens": usage.input_tokens,
        "input_tokens_details": { "cached_tokens": 0, "cache_write_tokens": 0 },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": { "reasoning_tokens": 0 },
        "total_tokens": usage.total_tokens(),
    });
    let (id, created_at) = (format!("resp_{}", envelope.id), envelope.created_at);
    Bytes::from(
        json!({ "id": id, "object": "response.compaction", "created_at": created_at, "output": output, "usage": usage }).to_string(),
    )
}

/// The order of the documents by the words they share with the query.
fn order(asked: &RerankRequest, model: &str, usage: Usage) -> Bytes {
    let words: Vec<String> = asked.query.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let score = |index: usize| {
        let document = asked.document_text(index).unwrap_or_default().to_lowercase();
        let shared = words.iter().filter(|word| document.contains(word.as_str())).count();
        f64::from(u32::try_from(shared).unwrap_or(u32::MAX)) / f64::from(u32::try_from(words.len().max(1)).unwrap_or(u32::MAX))
    };
    let results = (0..asked.documents.len()).map(|index| Ranked { index, score: score(index) }).collect();
    let answer = RerankAnswer { id: None, model: Some(model.to_owned()), results, usage: Some(usage), search_units: None };
    rerank::write_answer(&answer, asked)
}
