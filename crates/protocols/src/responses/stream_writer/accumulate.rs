//! A strict caller: puts a stream together by index, as the Python SDK's `responses.stream` does, and fails where that would raise, or
//! where the stream contradicts itself.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::sse;

/// The events of a stream, checked to be framed, named and numbered as they should be.
pub(in crate::responses) fn events(stream: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(stream).unwrap();
    let names: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    let mut reader = sse::Reader::new(1 << 20);
    reader.push(Bytes::copy_from_slice(stream));
    let mut events = Vec::new();
    while let Some(event) = reader.next().unwrap() {
        let event: Value = serde_json::from_slice(&event.data).unwrap();
        assert_eq!(event["sequence_number"], events.len(), "{event}");
        assert_eq!(event["type"].as_str(), names.get(events.len()).copied(), "{event}");
        events.push(event);
    }
    assert_eq!(events.len(), names.len());
    events
}

/// The response that a stream ends with.
pub(in crate::responses) fn accumulate(stream: &[u8]) -> Value {
    let events = events(stream);
    let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds[..2], ["response.created", "response.in_progress"]);
    let is_terminal = |kind: &&str| matches!(*kind, "response.completed" | "response.incomplete" | "response.failed");
    assert_eq!(kinds.iter().position(is_terminal), Some(kinds.len() - 1), "one terminal event, and nothing after it");
    let mut output = Output::default();
    for event in &events[2..events.len() - 1] {
        output.take(event);
    }
    let terminal = events.last().unwrap();
    let response = &terminal["response"];
    assert_eq!(format!("response.{}", response["status"].as_str().unwrap()), terminal["type"]);
    assert_eq!(response["id"], events[0]["response"]["id"]);
    if response["status"] == "failed" {
        assert_eq!(response["output"].as_array().unwrap().len(), output.items.len());
    } else {
        assert!(output.done.iter().all(|done| *done), "an item was left open");
        assert_eq!(response["output"], json!(output.items));
        assert!(response["usage"]["input_tokens_details"].is_object() && response["usage"]["output_tokens_details"].is_object());
    }
    response.clone()
}

#[derive(Default)]
struct Output {
    items: Vec<Value>,
    done: Vec<bool>,
}

impl Output {
    fn take(&mut self, event: &Value) {
        let at = event["output_index"].as_u64().unwrap() as usize;
        let kind = event["type"].as_str().unwrap();
        if kind == "response.output_item.added" {
            assert_eq!(at, self.items.len(), "an index is left out or used twice: {event}");
            self.items.push(event["item"].clone());
            return self.done.push(false);
        }
        assert!(!self.done[at], "the item is done: {event}");
        let item = &mut self.items[at];
        if kind == "response.output_item.done" {
            return self.finish(at, event);
        }
        assert_eq!(event["item_id"], item["id"], "{event}");
        if let Some(delta) = event.get("delta") {
            assert_ne!(delta, "", "{event}");
        }
        match kind {
            "response.content_part.added" => {
                let parts = item["content"].as_array_mut().unwrap();
                assert_eq!(event["content_index"], parts.len(), "{event}");
                parts.push(event["part"].clone());
            }
            "response.reasoning_summary_part.added" => {
                let parts = item["summary"].as_array_mut().unwrap();
                assert_eq!(event["summary_index"], parts.len(), "{event}");
                parts.push(event["part"].clone());
            }
            "response.output_text.annotation.added" => {
                let list = part(item, event)["annotations"].as_array_mut().unwrap();
                assert_eq!(event["annotation_index"], list.len(), "{event}");
                list.push(event["annotation"].clone());
            }
            "response.output_text.delta" => {
                assert_eq!(event["logprobs"], json!([]), "{event}");
                grow(&mut part(item, event)["text"], event);
            }
            "response.refusal.delta" => grow(&mut part(item, event)["refusal"], event),
            "response.reasoning_summary_text.delta" => grow(&mut part(item, event)["text"], event),
            "response.function_call_arguments.delta" => grow(&mut item["arguments"], event),
            "response.custom_tool_call_input.delta" => grow(&mut item["input"], event),
            "response.output_text.done" | "response.reasoning_summary_text.done" => assert_eq!(part(item, event)["text"], event["text"]),
            "response.refusal.done" => assert_eq!(part(item, event)["refusal"], event["refusal"]),
            "response.content_part.done" | "response.reasoning_summary_part.done" => assert_eq!(*part(item, event), event["part"]),
            "response.function_call_arguments.done" => {
                assert_eq!((&item["arguments"], &item["name"]), (&event["arguments"], &event["name"]));
            }
            "response.custom_tool_call_input.done" => assert_eq!(item["input"], event["input"]),
            "response.image_generation_call.completed" => {}
            other => panic!("unknown event {other}"),
        }
    }

    /// The whole item differs from what the deltas gave in what has no delta alone.
    fn finish(&mut self, at: usize, event: &Value) {
        let (mut grown, whole) = (self.items[at].clone(), &event["item"]);
        for name in ["status", "encrypted_content", "result"] {
            if let Some(value) = whole.get(name) {
                grown[name] = value.clone();
            }
        }
        assert_eq!(grown, *whole, "{event}");
        assert_ne!(whole["status"], "in_progress", "{event}");
        self.items[at] = grown;
        self.done[at] = true;
    }
}

fn part<'a>(item: &'a mut Value, event: &Value) -> &'a mut Value {
    let (list, index) = match event.get("content_index") {
        Some(index) => ("content", index),
        None => ("summary", &event["summary_index"]),
    };
    item[list].get_mut(index.as_u64().unwrap() as usize).unwrap_or_else(|| panic!("no such part: {event}"))
}

fn grow(text: &mut Value, event: &Value) {
    *text = json!(text.as_str().unwrap().to_owned() + event["delta"].as_str().unwrap());
}
