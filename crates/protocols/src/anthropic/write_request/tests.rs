//! What Anthropic gets for what a caller said.

use easyai_core::kind::Provider;
use serde_json::{Value, json};

use super::*;
use crate::conversation::{
    Effort, Media, Opaque, OpaqueOwner, OutputFormat, Part, Reasoning, ReasoningAsk, Role, Sampling, Source, Text, Tool, ToolCall,
    ToolChoice, ToolKind, ToolResult, Turn,
};

const NEWEST: &str = "claude-opus-4-8";
const BUDGET: &str = "claude-sonnet-4-5";

fn target(model: &str) -> Target<'_> {
    Target { provider: Provider::Anthropic, model, max_output_tokens: None, stream_options: false }
}

fn text(text: &str) -> Part {
    Part::Text(Text::plain(text))
}

fn turn(role: Role, parts: Vec<Part>) -> Turn {
    Turn { role, parts }
}

fn call(id: &str, arguments: &str) -> Part {
    Part::ToolCall(ToolCall { id: id.to_owned(), name: "f".to_owned(), arguments: arguments.to_owned(), custom: false, opaque: None })
}

fn result(call_id: &str) -> Part {
    let parts = vec![text("42")];
    Part::ToolResult(ToolResult { call_id: call_id.to_owned(), name: None, parts, is_error: false, custom: false })
}

fn turns(turns: Vec<Turn>) -> Conversation {
    Conversation { turns, choices: 1, ..Conversation::default() }
}

fn hello() -> Conversation {
    turns(vec![turn(Role::User, vec![text("hi")])])
}

fn written(conversation: &Conversation, model: &str) -> (Value, String) {
    let written = write_request(conversation, &target(model)).unwrap_or_else(|error| panic!("{error}"));
    (serde_json::from_slice(&written.body).unwrap(), written.notes.fields())
}

fn refused(conversation: &Conversation, model: &str, field: &str) {
    assert_eq!(write_request(conversation, &target(model)).unwrap_err().field, field);
}

fn thinks(effort: Effort) -> Option<ReasoningAsk> {
    Some(ReasoningAsk { effort: Some(effort), budget_tokens: None, show: true })
}

fn function(name: &str, strict: Option<bool>) -> Tool {
    let parameters = Some(json!({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}));
    Tool { name: name.to_owned(), description: None, kind: ToolKind::Function { parameters, strict } }
}

#[test]
fn a_plain_request_is_short() {
    let written = write_request(&hello(), &target(BUDGET)).unwrap();
    let expected =
        r#"{"model":"claude-sonnet-4-5","max_tokens":64000,"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}"#;
    assert_eq!(written.body, expected);
    assert_eq!(written.notes, Notes::default());
}

#[test]
fn the_bound_on_the_answer_is_the_callers_within_what_the_model_can() {
    let bound = |asked, catalogue, model| {
        let conversation = Conversation { max_output_tokens: asked, ..hello() };
        let target = Target { max_output_tokens: catalogue, ..target(model) };
        let written = write_request(&conversation, &target).unwrap();
        let body: Value = serde_json::from_slice(&written.body).unwrap();
        (body["max_tokens"].as_u64().unwrap(), written.notes.fields())
    };
    assert_eq!(bound(Some(10), None, BUDGET), (10, String::new()));
    assert_eq!(bound(Some(100_000), None, BUDGET), (64_000, "max_tokens".to_owned()));
    assert_eq!(bound(Some(100), Some(50), BUDGET), (50, "max_tokens".to_owned()));
    assert_eq!(bound(None, Some(50), BUDGET), (50, String::new()));
    assert_eq!(bound(None, None, "claude-3-opus"), (4_096, String::new()));
}

#[test]
fn neighbours_are_merged_results_come_first_and_empty_text_is_dropped() {
    let conversation = Conversation {
        system: vec!["be".to_owned(), " ".to_owned()],
        ..turns(vec![
            turn(Role::Assistant, vec![text(""), call("functions.f:0", r#"{"a":1}"#)]),
            turn(Role::User, vec![text("so?")]),
            turn(Role::User, vec![result("functions.f:0")]),
            turn(Role::System, vec![text("in French")]),
        ])
    };
    let (body, notes) = written(&conversation, BUDGET);
    assert_eq!(body["system"], json!([{"type": "text", "text": "be"}]));
    let messages = body["messages"].as_array().unwrap();
    assert_eq!(messages[0], json!({"role": "user", "content": [{"type": "text", "text": "(the conversation begins)"}]}));
    let id = messages[1]["content"][0]["id"].as_str().unwrap();
    assert!(id.starts_with("functions_f_0_"), "{id}");
    assert_eq!(messages[1]["content"], json!([{"type": "tool_use", "id": id, "name": "f", "input": {"a": 1}}]));
    let result = json!({"type": "tool_result", "tool_use_id": id, "content": [{"type": "text", "text": "42"}]});
    let expected = json!([result, {"type": "text", "text": "so?"}, {"type": "text", "text": "in French"}]);
    assert_eq!((&messages[2]["content"], messages.len()), (&expected, 3));
    assert_eq!(notes, "messages, messages");
}

#[test]
fn something_is_always_said() {
    let alone = Conversation { system: vec!["be".to_owned()], ..turns(vec![turn(Role::User, vec![text(" ")])]) };
    let (body, notes) = written(&alone, BUDGET);
    assert_eq!((&body["system"], notes.as_str()), (&Value::Null, "messages"));
    assert_eq!(body["messages"], json!([{"role": "user", "content": [{"type": "text", "text": "be"}]}]));
    refused(&turns(vec![turn(Role::User, vec![text("")])]), BUDGET, "messages");
}

#[test]
fn an_answer_is_gone_on_from_where_the_model_can() {
    let begun = turns(vec![turn(Role::User, vec![text("hi")]), turn(Role::Assistant, vec![text("Well, \n")])]);
    assert_eq!(written(&begun, BUDGET).0["messages"][1]["content"][0]["text"], "Well,");
    refused(&begun, NEWEST, "messages");
}

#[test]
fn only_the_providers_own_reasoning_goes_back() {
    let reasoning = |owner: Option<OpaqueOwner>| {
        let opaque = owner.map(|owner| Opaque { owner, data: "s".to_owned() });
        let parts = vec![Part::Reasoning(Reasoning { text: "hm".to_owned(), opaque }), text("yes")];
        turns(vec![turn(Role::User, vec![text("hi")]), turn(Role::Assistant, parts), turn(Role::User, vec![text("so?")])])
    };
    let first = |owner| {
        let (body, notes) = written(&reasoning(owner), BUDGET);
        (body["messages"][1]["content"][0].clone(), notes)
    };
    let own = json!({"type": "thinking", "thinking": "hm", "signature": "s"});
    assert_eq!(first(Some(OpaqueOwner::AnthropicSignature)), (own, String::new()));
    let redacted = json!({"type": "redacted_thinking", "data": "s"});
    assert_eq!(first(Some(OpaqueOwner::AnthropicRedacted)), (redacted, String::new()));
    for foreign in [Some(OpaqueOwner::Gemini), None] {
        assert_eq!(first(foreign), (json!({"type": "text", "text": "yes"}), "reasoning".to_owned()));
    }
}

#[test]
fn thinking_is_asked_for_as_the_family_is_told() {
    let asked = |reasoning, model, max_output_tokens| {
        let (body, notes) = written(&Conversation { reasoning, max_output_tokens, ..hello() }, model);
        (body["thinking"].clone(), body["output_config"].clone(), body["max_tokens"].as_u64().unwrap(), notes)
    };
    let none = String::new;
    let adaptive = json!({"type": "adaptive", "display": "summarized"});
    assert_eq!(asked(thinks(Effort::XHigh), NEWEST, Some(100)), (adaptive.clone(), json!({"effort": "xhigh"}), 100, none()));
    assert_eq!(asked(thinks(Effort::XHigh), "claude-opus-4-6", Some(100)), (adaptive, json!({"effort": "max"}), 100, none()));
    assert_eq!(asked(thinks(Effort::None), NEWEST, Some(100)), (json!({"type": "disabled"}), Value::Null, 100, none()));
    let enabled = |budget: u64| json!({"type": "enabled", "budget_tokens": budget});
    assert_eq!(asked(thinks(Effort::Medium), BUDGET, Some(10_000)), (enabled(3_000), Value::Null, 10_000, none()));
    // The bound must exceed the budget.
    assert_eq!(asked(thinks(Effort::Low), BUDGET, Some(100)), (enabled(1_024), Value::Null, 1_124, "max_tokens".to_owned()));
    let unknown = (Value::Null, Value::Null, 100, "reasoning_effort".to_owned());
    assert_eq!(asked(thinks(Effort::High), "claude-3-opus", Some(100)), unknown);
}

#[test]
fn who_must_call_a_tool_does_not_think_and_who_thinks_takes_no_dice() {
    let sampling = Sampling { temperature: Some(1.7), top_k: Some(3), ..Sampling::default() };
    let dice = |reasoning, model| {
        let (body, notes) = written(&Conversation { reasoning, sampling: sampling.clone(), ..hello() }, model);
        (body["temperature"].clone(), body["top_k"].clone(), notes)
    };
    assert_eq!(dice(None, BUDGET), (json!(1.0), json!(3), "temperature".to_owned()));
    assert_eq!(dice(thinks(Effort::Low), BUDGET), (Value::Null, Value::Null, "temperature, top_k".to_owned()));
    assert_eq!(dice(None, NEWEST), (Value::Null, Value::Null, "temperature, top_k".to_owned()));

    let tools = vec![function("f", None)];
    let forced = Conversation { tools, tool_choice: Some(ToolChoice::Required), reasoning: thinks(Effort::Max), ..hello() };
    let (body, notes) = written(&forced, NEWEST);
    assert_eq!((&body["thinking"], &body["output_config"]["effort"]), (&json!({"type": "disabled"}), &json!("high")));
    assert_eq!((&body["tool_choice"], notes.as_str()), (&json!({"type": "any"}), "reasoning_effort"));
    let (body, notes) = written(&forced, BUDGET);
    assert_eq!((&body["thinking"], notes.as_str()), (&Value::Null, "reasoning_effort"));
}

#[test]
fn tools_are_written_in_their_strict_form_where_there_is_one() {
    let custom = Tool { name: "patch".to_owned(), description: Some("d".to_owned()), kind: ToolKind::Custom { format: None } };
    let conversation = Conversation {
        tools: vec![function("f", Some(true)), custom],
        tool_choice: Some(ToolChoice::Named("f".to_owned())),
        parallel_tool_calls: Some(false),
        ..hello()
    };
    let (body, notes) = written(&conversation, BUDGET);
    let tools = body["tools"].as_array().unwrap();
    assert_eq!((&tools[0]["strict"], &tools[0]["input_schema"]["additionalProperties"]), (&json!(true), &json!(false)));
    assert_eq!(tools[1]["input_schema"]["required"], json!(["input"]));
    assert_eq!(body["tool_choice"], json!({"type": "tool", "name": "f", "disable_parallel_tool_use": true}));
    assert_eq!(notes, "tools (patch)");
    let (body, notes) = written(&conversation, "claude-opus-4");
    assert_eq!((&body["tools"][0]["strict"], notes.as_str()), (&Value::Null, "tools (patch), strict"));

    let some = ToolChoice::Allowed { names: vec!["g".to_owned()], required: true };
    let conversation = Conversation { tools: vec![function("f", None), function("g", None)], tool_choice: Some(some), ..hello() };
    let (body, _) = written(&conversation, BUDGET);
    assert_eq!((body["tools"].as_array().unwrap().len(), &body["tools"][0]["name"]), (1, &json!("g")));
    assert_eq!(body["tool_choice"], json!({"type": "any"}));
    refused(&Conversation { tools: vec![function("no spaces", None)], ..hello() }, BUDGET, "tools (no spaces)");
}

#[test]
fn a_schema_is_held_to_or_asked_for_in_words() {
    let output = |schema| OutputFormat::JsonSchema { name: None, description: Some("a point".to_owned()), schema, strict: Some(true) };
    let closed = json!({"type": "object", "properties": {"x": {"type": "integer"}}});
    let conversation = Conversation { output: output(closed.clone()), ..hello() };
    let (body, notes) = written(&conversation, BUDGET);
    let format = &body["output_config"]["format"];
    assert_eq!((&format["type"], &format["schema"]["description"]), (&json!("json_schema"), &json!("a point")));
    assert_eq!((&format["schema"]["additionalProperties"], notes.as_str()), (&json!(false), ""));
    for (schema, model) in [(closed, "claude-3-opus"), (json!({"type": "object"}), BUDGET)] {
        let (body, notes) = written(&Conversation { output: output(schema), ..hello() }, model);
        assert!(body["system"][0]["text"].as_str().unwrap().contains("a point"), "{body}");
        assert_eq!((&body["output_config"], notes.as_str()), (&Value::Null, "response_format"));
    }
}

#[test]
fn what_would_lose_its_meaning_is_refused_and_what_only_tunes_is_dropped() {
    refused(&Conversation { choices: 2, ..hello() }, BUDGET, "n");
    refused(&Conversation { audio_output: true, ..hello() }, BUDGET, "audio");
    refused(&Conversation { only_here: vec!["tools[0] (mcp)".to_owned()], ..hello() }, BUDGET, "tools[0] (mcp)");
    let media = |media_type: &str| {
        let source = Source::Inline { media_type: media_type.to_owned(), data: "aGk=".to_owned() };
        Media { source, name: None, detail: None }
    };
    let says = |part| turns(vec![turn(Role::User, vec![part])]);
    refused(&says(Part::Audio(media("audio/wav"))), BUDGET, "input_audio");
    refused(&says(Part::Image(media("image/tiff"))), BUDGET, "image");
    refused(&says(Part::File(media("application/zip"))), BUDGET, "file");
    let document = &written(&says(Part::File(media("text/csv"))), BUDGET).0["messages"][0]["content"][0];
    assert_eq!(document["source"], json!({"type": "text", "media_type": "text/plain", "data": "hi"}));

    let tuned = Conversation {
        sampling: Sampling {
            seed: Some(7),
            presence_penalty: Some(0.0),
            stop: vec!["\n".to_owned(), "end".to_owned()],
            ..Sampling::default()
        },
        service_tier: Some("flex".to_owned()),
        end_user: Some("u".repeat(257)),
        ..hello()
    };
    let (body, notes) = written(&tuned, BUDGET);
    assert_eq!((&body["stop_sequences"], &body["metadata"]), (&json!(["end"]), &Value::Null));
    let mut dropped: Vec<&str> = notes.split(", ").collect();
    dropped.sort_unstable();
    assert_eq!(dropped, ["seed", "service_tier", "stop", "user"]);
}
