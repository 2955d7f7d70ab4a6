//! What a chat upstream is sent.

use easyai_core::kind::Provider;
use serde_json::{Value, json};

use super::*;
use crate::conversation::{
    Effort, Logprobs, Media, Opaque, OpaqueOwner, OutputFormat, Part, Reasoning, ReasoningAsk, Role, Sampling, Source, Text, Tool,
    ToolCall, ToolChoice, ToolKind, ToolResult, Turn,
};

fn target(model: &str) -> Target<'_> {
    Target { provider: Provider::Openai, model, max_output_tokens: None, stream_options: true }
}

fn ark() -> Target<'static> {
    Target { provider: Provider::Volces, ..target("doubao-seed-1-8") }
}

fn write(conversation: &Conversation, target: &Target<'_>) -> (Value, String) {
    let written = write_request(conversation, target).unwrap_or_else(|error| panic!("{error}"));
    (serde_json::from_slice(&written.body).unwrap(), written.notes.fields())
}

fn refused(conversation: &Conversation, target: &Target<'_>) -> String {
    write_request(conversation, target).expect_err("it can be carried").field
}

fn text(text: &str) -> Part {
    Part::Text(Text::plain(text))
}

fn user(parts: Vec<Part>) -> Turn {
    Turn { role: Role::User, parts }
}

fn assistant(parts: Vec<Part>) -> Turn {
    Turn { role: Role::Assistant, parts }
}

fn asked(turns: Vec<Turn>) -> Conversation {
    Conversation { turns, choices: 1, ..Conversation::default() }
}

fn hello() -> Conversation {
    asked(vec![user(vec![text("hi")])])
}

fn call(id: &str, arguments: &str) -> Part {
    Part::ToolCall(ToolCall { id: id.to_owned(), name: "f".to_owned(), arguments: arguments.to_owned(), custom: false, opaque: None })
}

fn result(call_id: &str, parts: Vec<Part>) -> Part {
    Part::ToolResult(ToolResult { call_id: call_id.to_owned(), name: None, parts, is_error: false, custom: false })
}

fn inline(media_type: &str) -> Media {
    Media { source: Source::Inline { media_type: media_type.to_owned(), data: "AAAA".to_owned() }, name: None, detail: None }
}

fn linked(url: &str) -> Media {
    Media { source: Source::Url { url: url.to_owned(), media_type: None }, name: None, detail: None }
}

fn function(name: &str) -> Tool {
    Tool { name: name.to_owned(), description: None, kind: ToolKind::Function { parameters: None, strict: None } }
}

fn patch() -> Tool {
    let format = json!({"type": "grammar", "syntax": "lark", "definition": "start: X"});
    Tool { name: "patch".to_owned(), description: Some("d".to_owned()), kind: ToolKind::Custom { format: Some(format) } }
}

fn messages(conversation: &Conversation, model: &str) -> Value {
    write(conversation, &target(model)).0["messages"].take()
}

#[test]
fn a_plain_question_is_written_plainly() {
    let conversation = Conversation { system: vec!["a".to_owned(), "b".to_owned()], max_output_tokens: Some(5), ..hello() };
    let expected =
        json!({"model": "m", "messages": [{"role": "system", "content": "a\n\nb"}, {"role": "user", "content": "hi"}], "max_tokens": 5});
    assert_eq!(write(&conversation, &target("m")), (expected, String::new()));
}

#[test]
fn models_that_reason_have_words_of_their_own() {
    let sampling = Sampling { temperature: Some(0.2), top_p: Some(1.0), seed: Some(1), top_k: Some(4), ..Sampling::default() };
    let reasoning = Some(ReasoningAsk { effort: Some(Effort::XHigh), budget_tokens: None, show: true });
    let conversation = Conversation { system: vec!["a".to_owned()], max_output_tokens: Some(5), sampling, reasoning, ..hello() };
    let messages = |role: &str| json!([{"role": role, "content": "a"}, {"role": "user", "content": "hi"}]);
    let expected =
        json!({"model": "o3", "messages": messages("developer"), "max_completion_tokens": 5, "reasoning_effort": "high", "seed": 1});
    assert_eq!(write(&conversation, &target("o3")), (expected, "reasoning_effort, top_k, temperature".to_owned()));
    let expected = json!({"model": "gpt-4o", "messages": messages("system"), "max_tokens": 5, "temperature": 0.2, "top_p": 1.0, "seed": 1});
    assert_eq!(write(&conversation, &target("gpt-4o")), (expected, "reasoning_effort, top_k".to_owned()));
    let none = Conversation { reasoning: Some(ReasoningAsk { effort: Some(Effort::None), ..ReasoningAsk::default() }), ..conversation };
    assert_eq!(write(&none, &target("gpt-5.1")).0["temperature"], json!(0.2));
    assert_eq!(write(&none, &target("gpt-5")).0["temperature"], Value::Null);
}

#[test]
fn ark_has_a_switch_and_one_bound() {
    let ask = |effort| Conversation {
        reasoning: Some(ReasoningAsk { effort: Some(effort), ..ReasoningAsk::default() }),
        max_output_tokens: Some(100_000),
        end_user: Some("u".to_owned()),
        system: vec!["a".to_owned()],
        service_tier: Some("flex".to_owned()),
        ..hello()
    };
    let (body, notes) = write(&ask(Effort::None), &ark());
    assert_eq!((&body["thinking"], &body["reasoning_effort"]), (&json!({"type": "disabled"}), &Value::Null));
    assert_eq!((&body["max_completion_tokens"], &body["max_tokens"]), (&json!(65_536), &Value::Null));
    assert_eq!(body["messages"][0]["role"], "system");
    assert_eq!(notes, "max_output_tokens, user, service_tier");
    let (body, _) = write(&ask(Effort::Max), &ark());
    assert_eq!((&body["thinking"], &body["reasoning_effort"]), (&Value::Null, &json!("high")));
    let film = asked(vec![user(vec![Part::Video(linked("https://x/y.mp4")), Part::Audio(linked("https://x/y.wav"))])]);
    let expected = json!([
        {"type": "video_url", "video_url": {"url": "https://x/y.mp4"}},
        {"type": "input_audio", "input_audio": {"url": "https://x/y.wav"}},
    ]);
    assert_eq!(write(&film, &ark()).0["messages"][0]["content"], expected);
    assert_eq!(refused(&film, &target("m")), "video");
}

#[test]
fn parts_of_every_sort_are_written() {
    let picture = Media { detail: Some("low".to_owned()), ..linked("https://x/y.png") };
    let parts = vec![
        text("look"),
        Part::Image(picture),
        Part::Image(inline("image/png")),
        Part::Audio(inline("audio/x-wav")),
        Part::File(inline("application/pdf")),
        text(""),
    ];
    let expected = json!([{"role": "user", "content": [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": "file", "file": {"filename": "document.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
    ]}]);
    assert_eq!(messages(&asked(vec![user(parts)]), "m"), expected);
}

#[test]
fn all_calls_of_a_round_stand_in_one_message_and_results_follow_at_once() {
    let conversation = asked(vec![
        user(vec![text("go")]),
        assistant(vec![text("wait")]),
        assistant(vec![call("c1", "{\"a\":1}")]),
        assistant(vec![call("c2", "")]),
        user(vec![text("also"), result("c1", vec![text("1"), Part::Image(inline("image/png"))])]),
        Turn { role: Role::System, parts: vec![text("be brief")] },
        user(vec![result("c2", vec![text("2"), text("3")])]),
        assistant(vec![text("a")]),
        assistant(vec![text("b")]),
    ]);
    let expected = json!([
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": "wait", "tool_calls": [
            {"type": "function", "id": "c1", "function": {"name": "f", "arguments": "{\"a\":1}"}},
            {"type": "function", "id": "c2", "function": {"name": "f", "arguments": "{}"}},
        ]},
        {"role": "tool", "tool_call_id": "c1", "content": "1"},
        {"role": "tool", "tool_call_id": "c2", "content": "2\n3"},
        {"role": "user", "content": [
            {"type": "text", "text": "The result of tool call c1:"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        ]},
        {"role": "user", "content": "also"},
        {"role": "system", "content": "be brief"},
        {"role": "assistant", "content": "a"},
        {"role": "assistant", "content": "b"},
    ]);
    assert_eq!(messages(&conversation, "m"), expected);
}

#[test]
fn calls_alone_have_null_content_and_empty_turns_vanish() {
    let conversation = asked(vec![
        user(vec![text("")]),
        assistant(vec![Part::Reasoning(Reasoning { text: "hm".to_owned(), opaque: None })]),
        user(vec![text("go")]),
        assistant(vec![call("c1", "{}")]),
        user(vec![result("c1", vec![Part::Image(inline("image/png"))])]),
    ]);
    let written = messages(&conversation, "m");
    assert_eq!(written[0], json!({"role": "user", "content": "go"}));
    assert_eq!(written[1]["content"], Value::Null);
    assert_eq!(written[2]["content"], "The result follows in the next message of the user.");
}

#[test]
fn reasoning_goes_back_only_to_those_who_want_it_and_only_within_a_round() {
    let thought = |said: &str| Part::Reasoning(Reasoning { text: said.to_owned(), opaque: None });
    let conversation = asked(vec![
        user(vec![text("go")]),
        assistant(vec![thought("old"), text("done")]),
        user(vec![text("again")]),
        assistant(vec![thought("new"), call("c1", "{}")]),
        user(vec![result("c1", vec![text("1")])]),
    ]);
    let written = messages(&conversation, "deepseek-reasoner");
    assert_eq!((&written[1]["reasoning_content"], &written[3]["reasoning_content"]), (&Value::Null, &json!("new")));
    assert_eq!(messages(&conversation, "qwen3")[3]["reasoning_content"], Value::Null);
}

#[test]
fn opaque_state_is_shown_to_its_owner_alone() {
    let with = |owner| {
        let opaque = Some(Opaque { owner, data: "sig".to_owned() });
        let called = ToolCall { id: "c".to_owned(), name: "f".to_owned(), arguments: "{}".to_owned(), custom: false, opaque };
        asked(vec![user(vec![text("go")]), assistant(vec![Part::ToolCall(called)])])
    };
    let extra = |owner, model| messages(&with(owner), model)[1]["tool_calls"][0]["extra_content"].take();
    assert_eq!(extra(OpaqueOwner::Gemini, "gemini-3-pro"), json!({"google": {"thought_signature": "sig"}}));
    assert_eq!(extra(OpaqueOwner::Gemini, "gpt-5"), Value::Null);
    assert_eq!(extra(OpaqueOwner::AnthropicSignature, "gemini-3-pro"), Value::Null);
}

#[test]
fn custom_tools_are_functions_to_who_has_none() {
    let called = ToolCall { id: "c".to_owned(), name: "patch".to_owned(), arguments: "a\n".to_owned(), custom: true, opaque: None };
    let conversation = Conversation {
        tools: vec![patch()],
        tool_choice: Some(ToolChoice::Named("patch".to_owned())),
        ..asked(vec![user(vec![text("go")]), assistant(vec![Part::ToolCall(called)])])
    };
    let (body, notes) = write(&conversation, &target("m"));
    let parameters =
        json!({"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"], "additionalProperties": false});
    let description = "d\n\n`input` must follow this grammar (lark):\nstart: X";
    let expected = json!([{"type": "function", "function": {"name": "patch", "description": description, "parameters": parameters}}]);
    assert_eq!((&body["tools"], notes.as_str()), (&expected, "tools.patch.format"));
    assert_eq!(body["tool_choice"], json!({"type": "function", "function": {"name": "patch"}}));
    assert_eq!(body["messages"][1]["tool_calls"][0]["function"]["arguments"], "{\"input\":\"a\\n\"}");
    let (body, notes) = write(&conversation, &target("gpt-5"));
    let format = json!({"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: X"}});
    assert_eq!(
        (&body["tools"], notes.as_str()),
        (&json!([{"type": "custom", "custom": {"name": "patch", "description": "d", "format": format}}]), "")
    );
    assert_eq!(body["tool_choice"], json!({"type": "custom", "custom": {"name": "patch"}}));
    assert_eq!(body["messages"][1]["tool_calls"][0], json!({"type": "custom", "id": "c", "custom": {"name": "patch", "input": "a\n"}}));
}

#[test]
fn a_choice_among_some_tools_hides_the_others_from_who_does_not_know_it() {
    let tool_choice = Some(ToolChoice::Allowed { required: true, names: vec!["f".to_owned()] });
    let conversation = Conversation { tools: vec![function("f"), function("g")], tool_choice, parallel_tool_calls: Some(false), ..hello() };
    let (body, _) = write(&conversation, &target("m"));
    assert_eq!(body["tools"], json!([{"type": "function", "function": {"name": "f"}}]));
    assert_eq!((&body["tool_choice"], &body["parallel_tool_calls"]), (&json!("required"), &json!(false)));
    let (body, _) = write(&conversation, &target("gpt-4o"));
    let allowed = json!({"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]});
    assert_eq!(
        (body["tools"].as_array().map(Vec::len), &body["tool_choice"]),
        (Some(2), &json!({"type": "allowed_tools", "allowed_tools": allowed}))
    );
    let without = Conversation { tools: Vec::new(), ..conversation };
    let (body, _) = write(&without, &target("m"));
    assert_eq!((&body["tools"], &body["tool_choice"], &body["parallel_tool_calls"]), (&Value::Null, &Value::Null, &Value::Null));
}

#[test]
fn json_is_asked_for_in_words_too() {
    let conversation = Conversation { output: OutputFormat::JsonObject, ..hello() };
    let (body, notes) = write(&conversation, &target("m"));
    assert_eq!((&body["response_format"], notes.as_str()), (&json!({"type": "json_object"}), "system"));
    assert_eq!(body["messages"][0], json!({"role": "system", "content": "Answer with a JSON object."}));
    let said = Conversation { system: vec!["Send Json.".to_owned()], ..conversation };
    assert_eq!(write(&said, &target("m")).1, "");
    let schema = OutputFormat::JsonSchema { name: None, description: None, schema: json!({"type": "object"}), strict: Some(true) };
    let expected = json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": true}});
    assert_eq!(write(&Conversation { output: schema, ..hello() }, &target("m")).0["response_format"], expected);
}

#[test]
fn a_stream_is_asked_for_usage_where_the_platform_bears_it() {
    let conversation = Conversation { stream: true, ..hello() };
    assert_eq!(write(&conversation, &target("m")).0["stream_options"], json!({"include_usage": true}));
    let (body, _) = write(&conversation, &Target { stream_options: false, ..target("m") });
    assert_eq!((&body["stream"], &body["stream_options"]), (&json!(true), &Value::Null));
}

#[test]
fn what_only_tunes_is_dropped_with_a_note_and_the_rest_is_refused() {
    let tuned =
        Conversation { tuning: vec!["context_management"], verbosity: Some("low".to_owned()), cache_key: Some("k".to_owned()), ..hello() };
    assert_eq!(write(&tuned, &target("m")).1, "context_management, verbosity, prompt_cache_key");
    assert_eq!(write(&tuned, &target("gpt-5")).1, "context_management");
    let stop = Sampling { stop: vec!["a".to_owned(); 5], ..Sampling::default() };
    let stored = Media { source: Source::Stored("file-1".to_owned()), name: None, detail: None };
    let table = [
        (Conversation { only_here: vec!["tools[0] (web_search)".to_owned()], ..hello() }, "tools[0] (web_search)"),
        (Conversation { choices: 2, ..hello() }, "n"),
        (Conversation { logprobs: Some(Logprobs { top: 1 }), ..hello() }, "logprobs"),
        (Conversation { audio_output: true, ..hello() }, "modalities"),
        (Conversation { sampling: stop, ..hello() }, "stop"),
        (Conversation { tools: vec![function("a.b")], ..hello() }, "tools[0].name"),
        (asked(vec![user(vec![Part::Image(stored)])]), "image"),
        (asked(vec![user(vec![Part::Audio(inline("audio/ogg"))])]), "audio"),
        (asked(vec![user(vec![Part::File(linked("https://x/y.pdf"))])]), "file"),
        (asked(vec![assistant(vec![Part::Image(inline("image/png"))])]), "messages"),
    ];
    for (conversation, field) in table {
        assert_eq!(refused(&conversation, &target("gpt-4o")), field);
    }
}

#[test]
fn a_bound_is_not_above_what_the_model_can_do() {
    let conversation = Conversation { max_output_tokens: Some(9_000), ..hello() };
    let (body, notes) = write(&conversation, &Target { max_output_tokens: Some(8_192), ..target("m") });
    assert_eq!((&body["max_tokens"], notes.as_str()), (&json!(8_192), "max_output_tokens"));
}
