//! What a caller's request means, and how a wrong one is refused.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::conversation::{Media, Opaque, OpaqueOwner, Part, Reasoning, Role, Source, Text, Tool, ToolCall, ToolChoice, ToolKind};
use crate::conversation::{ToolResult, Turn};

fn read(json: &serde_json::Value) -> Conversation {
    read_request(json.to_string().as_bytes()).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn with(member: &str, value: serde_json::Value) -> Conversation {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    body[member] = value;
    read(&body)
}

fn messages(messages: serde_json::Value) -> Conversation {
    read(&json!({"model": "m", "messages": messages}))
}

fn refused(body: serde_json::Value, param: &str, says: &str) {
    let error = read_request(body.to_string().as_bytes()).expect_err(&body.to_string());
    assert_eq!(error.param.as_deref(), Some(param), "{body}: {error}");
    assert!(error.message.contains(says), "{body}: {error}");
}

fn text(text: &str) -> Part {
    Part::Text(Text::plain(text))
}

fn call(id: &str, name: &str, arguments: &str) -> ToolCall {
    ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_owned(), custom: false, opaque: None }
}

fn result(call_id: &str, name: Option<&str>, said: &str) -> Turn {
    let name = name.map(str::to_owned);
    let result = ToolResult { call_id: call_id.to_owned(), name, parts: vec![text(said)], is_error: false, custom: false };
    Turn { role: Role::User, parts: vec![Part::ToolResult(result)] }
}

#[test]
fn leading_system_text_is_apart_and_later_stays_in_place() {
    let read = messages(json!([
        {"role": "system", "content": "a"},
        {"role": "developer", "content": [{"type": "text", "text": "b"}, {"type": "text", "text": "c"}]},
        {"role": "user", "content": "d"},
        {"role": "system", "content": "e"},
    ]));
    assert_eq!(read.system, ["a", "b", "c"]);
    let turn = |role, said| Turn { role, parts: vec![text(said)] };
    assert_eq!(read.turns, [turn(Role::User, "d"), turn(Role::System, "e")]);
}

#[test]
fn parts_of_every_sort_are_read() {
    let read = messages(json!([{"role": "user", "content": [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "input_audio", "input_audio": {"data": "BBBB", "format": "mp3"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,CCCC", "filename": "a.pdf"}},
        {"type": "video_url", "video_url": {"url": "https://x/z.mp4"}},
    ]}]));
    let inline = |media_type: &str, data: &str| Source::Inline { media_type: media_type.to_owned(), data: data.to_owned() };
    let url = |url: &str| Source::Url { url: url.to_owned(), media_type: None };
    let media = |source| Media { source, name: None, detail: None };
    let expected = vec![
        text("look"),
        Part::Image(Media { detail: Some("low".to_owned()), ..media(url("https://x/y.png")) }),
        Part::Image(media(inline("image/png", "AAAA"))),
        Part::Audio(media(inline("audio/mpeg", "BBBB"))),
        Part::File(Media { name: Some("a.pdf".to_owned()), ..media(inline("application/pdf", "CCCC")) }),
        Part::Video(media(url("https://x/z.mp4"))),
    ];
    assert_eq!(read.turns, [Turn { role: Role::User, parts: expected }]);
}

#[test]
fn a_tool_round_keeps_ids_names_reasoning_and_signatures() {
    let read = messages(json!([
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": "wait", "reasoning_content": "hm", "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"},
             "extra_content": {"google": {"thought_signature": "sig"}}},
            {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "free"}},
        ]},
        {"role": "tool", "tool_call_id": "c1", "content": "1"},
        {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "2"}]},
        {"role": "tool", "tool_call_id": "other", "content": "3", "name": "unused"},
    ]));
    let first = ToolCall { opaque: Some(Opaque { owner: OpaqueOwner::Gemini, data: "sig".to_owned() }), ..call("c1", "f", "{\"a\":1}") };
    let second = ToolCall { custom: true, ..call("c2", "g", "free") };
    let said = vec![
        Part::Reasoning(Reasoning { text: "hm".to_owned(), opaque: None }),
        text("wait"),
        Part::ToolCall(first),
        Part::ToolCall(second),
    ];
    assert_eq!(read.turns[1], Turn { role: Role::Assistant, parts: said });
    assert_eq!(read.turns[2], result("c1", Some("f"), "1"));
    assert!(matches!(&read.turns[3].parts[0], Part::ToolResult(answer) if answer.custom && answer.name.as_deref() == Some("g")));
    assert_eq!(read.turns[4], result("other", None, "3"));
    assert!(read.tuning.is_empty());
}

/// What Mistral's own callers send.
#[test]
fn thoughts_among_parts_and_tools_without_a_type_are_read() {
    let thinking = json!([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "wait"}]);
    let read = messages(json!([{"role": "user", "content": "go"}, {"role": "assistant", "content": thinking}]));
    assert_eq!(read.turns[1].parts, [Part::Reasoning(Reasoning { text: "hm".to_owned(), opaque: None }), text("wait")]);
    assert_eq!(with("tools", json!([{"function": {"name": "f"}}])).tools[0].name, "f");
}

#[test]
fn the_old_functions_are_tools() {
    let read = read(&json!({"model": "m", "functions": [{"name": "f", "parameters": {"type": "object"}}], "function_call": {"name": "f"},
        "messages": [
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "1"},
            {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "2"},
    ]}));
    assert_eq!(read.tools[0].name, "f");
    assert_eq!(read.tool_choice, Some(ToolChoice::Named("f".to_owned())));
    assert_eq!(read.turns[1].parts, [Part::ToolCall(call("call_function_0", "f", "{}"))]);
    assert_eq!(read.turns[2], result("call_function_0", Some("f"), "1"));
    assert_eq!(read.turns[4], result("call_function_1", Some("f"), "2"));
}

#[test]
fn tools_and_choices_of_every_form_are_read() {
    let tools = json!([
        {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": true}},
        {"type": "custom", "custom": {"name": "g", "format": {"type": "text"}}},
        {"type": "web_search"},
    ]);
    let read = with("tools", tools);
    let kind = ToolKind::Function { parameters: Some(json!({"type": "object"})), strict: Some(true) };
    assert_eq!(read.tools[0], Tool { name: "f".to_owned(), description: Some("d".to_owned()), kind });
    assert_eq!(read.tools[1].kind, ToolKind::Custom { format: Some(json!({"type": "text"})) });
    assert_eq!(read.only_here, ["tools[2] (web_search)"]);
    let named = |name: &str| ToolChoice::Named(name.to_owned());
    let choices = [
        (json!("auto"), ToolChoice::Auto),
        (json!("none"), ToolChoice::None),
        (json!("required"), ToolChoice::Required),
        (json!({"type": "function", "function": {"name": "f"}}), named("f")),
        (json!({"type": "custom", "custom": {"name": "g"}}), named("g")),
        (
            json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]}}),
            ToolChoice::Allowed { required: true, names: vec!["f".to_owned()] },
        ),
    ];
    for (wire, expected) in choices {
        assert_eq!(with("tool_choice", wire).tool_choice, Some(expected));
    }
}

#[test]
fn settings_are_typed() {
    assert_eq!(with("stop", json!("a")).sampling.stop, ["a"]);
    assert_eq!(with("stop", json!(["a", "b"])).sampling.stop, ["a", "b"]);
    assert_eq!(with("temperature", json!(0.5)).sampling.temperature, Some(0.5));
    assert_eq!(with("seed", json!(-3)).sampling.seed, Some(-3));
    assert_eq!(with("max_tokens", json!(7)).max_output_tokens, Some(7));
    assert_eq!(with("max_completion_tokens", json!(8)).max_output_tokens, Some(8));
    assert_eq!((with("n", json!(3)).choices, with("n", json!(null)).choices), (3, 1));
    assert!(with("modalities", json!(["text", "audio"])).audio_output && !with("modalities", json!(["text"])).audio_output);
    assert_eq!(with("logprobs", json!(true)).logprobs, Some(Logprobs { top: 0 }));
    assert_eq!(with("user", json!("u")).end_user.as_deref(), Some("u"));
    assert_eq!(with("prompt_cache_key", json!("k")).cache_key.as_deref(), Some("k"));
    assert_eq!(with("verbosity", json!("low")).verbosity.as_deref(), Some("low"));
    assert!(with("stream", json!(true)).stream);
    assert_eq!(with("logit_bias", json!({"1": 2})).tuning, ["logit_bias"]);
    assert_eq!(with("web_search_options", json!({})).only_here, ["web_search_options"]);
    assert_eq!(with("something_new", json!([1])), with("model", json!("m")));
    let ask = |effort, show| Some(ReasoningAsk { effort: Some(effort), budget_tokens: None, show });
    assert_eq!(with("reasoning_effort", json!("xhigh")).reasoning, ask(Effort::XHigh, true));
    assert_eq!(with("reasoning_effort", json!("none")).reasoning, ask(Effort::None, false));
    assert_eq!(with("thinking", json!({"type": "disabled"})).reasoning, ask(Effort::None, false));
    assert_eq!(with("response_format", json!({"type": "json_object"})).output, OutputFormat::JsonObject);
    let schema = json!({"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": true}});
    let expected =
        OutputFormat::JsonSchema { name: Some("n".to_owned()), description: None, schema: json!({"type": "object"}), strict: Some(true) };
    assert_eq!(with("response_format", schema).output, expected);
}

#[test]
fn what_is_wrong_is_named() {
    let in_messages = |message: serde_json::Value| json!({"model": "m", "messages": [{"role": "user", "content": "hi"}, message]});
    let in_content = |part: serde_json::Value| in_messages(json!({"role": "user", "content": [part]}));
    let in_body = |member: &str, value: serde_json::Value| {
        let mut body = json!({"messages": [{"role": "user", "content": "hi"}]});
        body[member] = value;
        body
    };
    refused(json!({"messages": []}), "messages", "is empty");
    refused(in_messages(json!({"role": "wizard"})), "messages[1].role", "must be `system`");
    refused(in_messages(json!({"role": "tool", "content": "x"})), "messages[1].tool_call_id", "is missing");
    refused(in_messages(json!({"role": "user", "content": 5})), "messages[1].content", "a string or an array");
    refused(in_messages(json!({"role": "function", "name": "f", "content": "x"})), "messages[1].name", "no earlier");
    refused(in_content(json!({"type": "hologram"})), "messages[1].content[0].type", "must be `text`");
    refused(in_content(json!({"type": "image_url", "image_url": "https://x"})), "messages[1].content[0].image_url", "an object");
    refused(in_content(json!({"type": "image_url", "image_url": {"url": "data:x"}})), "messages[1].content[0].image_url.url", "base64");
    refused(in_content(json!({"type": "text"})), "messages[1].content[0].text", "is missing");
    let calls = json!({"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": {}}}]});
    refused(in_messages(calls), "messages[1].tool_calls[0].function.arguments", "a string");
    refused(in_body("stop", json!(["a", 1])), "stop[1]", "a string");
    refused(in_body("temperature", json!("hot")), "temperature", "a number");
    refused(in_body("reasoning_effort", json!("huge")), "reasoning_effort", "none, minimal");
    refused(in_body("tool_choice", json!("some")), "tool_choice", "`auto`");
    refused(in_body("tools", json!([{"type": "function", "function": {}}])), "tools[0].function.name", "is missing");
    refused(
        in_body("tools", json!([{"type": "function", "function": {"name": "f", "parameters": 1}}])),
        "tools[0].function.parameters",
        "schema",
    );
    refused(in_body("response_format", json!({"type": "json_schema"})), "response_format.json_schema", "is missing");
}

#[test]
fn what_only_the_own_provider_has_stays_there() {
    let stored = messages(json!([{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}]));
    assert_eq!(stored.only_here, ["messages[0].content[0].file.file_id"]);
    let heard = messages(json!([{"role": "assistant", "audio": {"id": "audio_1"}}, {"role": "user", "content": "and?"}]));
    assert_eq!(heard.only_here, ["messages[0].audio"]);
    assert_eq!(messages(json!([{"role": "user", "name": "ann", "content": "hi"}])).tuning, ["messages[].name"]);
}

const SAMPLE: &str = r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]},
{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},
{"role":"tool","tool_call_id":"c","content":"é"}],"tools":[{"type":"function","function":{"name":"f","parameters":{}}}],"stop":["a"]}"#;

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_request(&bytes);
    }

    #[test]
    fn no_mutation_panics(at in 0..SAMPLE.len(), byte in any::<u8>(), cut in 0..SAMPLE.len()) {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        bytes[at] = byte;
        let _ = read_request(&bytes);
        let _ = read_request(&bytes[..cut]);
    }
}
