//! What an upstream is sent.

use easyai_core::kind::Provider;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::conversation::{
    Effort, Logprobs, Media, Opaque, OpaqueOwner, OutputFormat, Part, Reasoning, ReasoningAsk, Role, Sampling, Source, Text, Tool,
    ToolCall, ToolChoice, ToolKind, ToolResult, Turn,
};
use crate::responses::read_request::read_request;

fn target(provider: Provider, model: &str) -> Target<'_> {
    Target { provider, model, max_output_tokens: Some(1000), stream_options: true }
}

const REASONING: &str = "gpt-5.2";
const PLAIN: &str = "gpt-4.1";
const COMPATIBLE: &str = "grok-4";

fn one_turn() -> Conversation {
    Conversation { turns: vec![Turn { role: Role::User, parts: vec![text("hi")] }], choices: 1, ..Conversation::default() }
}

fn text(text: &str) -> Part {
    Part::Text(Text::plain(text))
}

fn write(conversation: &Conversation, target: &Target<'_>) -> (Value, String) {
    let written = write_request(conversation, target).unwrap();
    (serde_json::from_slice(&written.body).unwrap(), written.notes.fields())
}

fn openai(conversation: &Conversation, model: &str) -> (Value, String) {
    write(conversation, &target(Provider::Openai, model))
}

fn ark(conversation: &Conversation) -> (Value, String) {
    write(conversation, &target(Provider::Volces, "doubao-seed-1-8"))
}

fn turns(turns: Vec<Turn>) -> Value {
    openai(&Conversation { turns, ..one_turn() }, REASONING).0["input"].take()
}

fn refused(conversation: &Conversation, field: &str) {
    let error = write_request(conversation, &target(Provider::Openai, REASONING)).unwrap_err();
    assert_eq!(error.field, field, "{error}");
}

#[test]
fn little_is_written_for_little() {
    let body = openai(&one_turn(), PLAIN).0;
    assert_eq!(body, json!({"model": PLAIN, "input": [{"type": "message", "role": "user", "content": "hi"}], "store": false}));
    let alone = openai(&Conversation { turns: vec![], system: vec!["be".to_owned()], ..one_turn() }, PLAIN).0;
    assert_eq!((&alone["input"][0]["content"], &alone["instructions"]), (&json!("be"), &Value::Null));
    let reasoning = openai(&Conversation { stream: true, ..one_turn() }, REASONING).0;
    assert_eq!((&reasoning["include"], &reasoning["stream"]), (&json!(["reasoning.encrypted_content"]), &json!(true)));
}

#[test]
fn turns_become_items() {
    let call = |custom| {
        let arguments = if custom { "free" } else { "" };
        Part::ToolCall(ToolCall { id: "c".to_owned(), name: "f".to_owned(), arguments: arguments.to_owned(), custom, opaque: None })
    };
    let result = |custom, parts| Part::ToolResult(ToolResult { call_id: "c".to_owned(), name: None, parts, is_error: false, custom });
    let state = |owner| Part::Reasoning(Reasoning { text: "hm".to_owned(), opaque: Some(Opaque { owner, data: "s".to_owned() }) });
    let image = Part::Image(Media {
        source: Source::Inline { media_type: "image/png".to_owned(), data: "AAAA".to_owned() },
        name: None,
        detail: Some("low".to_owned()),
    });
    let written = turns(vec![
        Turn { role: Role::User, parts: vec![text("see"), image.clone()] },
        Turn {
            role: Role::Assistant,
            parts: vec![
                state(OpaqueOwner::Gemini),
                state(OpaqueOwner::Openai),
                text("so"),
                Part::Refusal("no".to_owned()),
                call(false),
                call(true),
            ],
        },
        Turn { role: Role::User, parts: vec![result(false, vec![text("one")]), result(true, vec![text("two"), image]), text("and?")] },
        Turn { role: Role::System, parts: vec![text("be brief")] },
        Turn { role: Role::Assistant, parts: vec![text("")] },
        Turn { role: Role::Assistant, parts: vec![text("ok")] },
    ]);
    let picture = json!({"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"});
    assert_eq!(
        written,
        json!([
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "see"}, picture]},
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "s"},
            {"type": "message", "role": "assistant",
             "content": [{"type": "output_text", "text": "so", "annotations": []}, {"type": "refusal", "refusal": "no"}]},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "free"},
            {"type": "function_call_output", "call_id": "c", "output": "one"},
            {"type": "custom_tool_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "two"}, picture]},
            {"type": "message", "role": "user", "content": "and?"},
            {"type": "message", "role": "developer", "content": "be brief"},
            {"type": "message", "role": "assistant", "content": "ok"},
        ])
    );
}

#[test]
fn settings_are_written_or_their_loss_is_noted() {
    let asked = Conversation {
        system: vec!["a".to_owned(), "b".to_owned()],
        output: OutputFormat::JsonSchema { name: None, description: None, schema: json!({"type": "object"}), strict: Some(true) },
        reasoning: Some(ReasoningAsk { effort: Some(Effort::Max), budget_tokens: None, show: true }),
        sampling: Sampling {
            temperature: Some(0.5),
            top_p: Some(1.0),
            top_k: Some(4),
            seed: Some(1),
            stop: vec!["x".to_owned()],
            ..Sampling::default()
        },
        max_output_tokens: Some(5000),
        verbosity: Some("low".to_owned()),
        end_user: Some("u".to_owned()),
        service_tier: Some("flex".to_owned()),
        cache_key: Some("k".to_owned()),
        tuning: vec!["logit_bias"],
        ..one_turn()
    };
    let (body, notes) = openai(&asked, REASONING);
    assert_eq!(notes, "logit_bias, stop, top_k, seed, reasoning.effort, temperature, max_output_tokens");
    assert_eq!((&body["instructions"], &body["max_output_tokens"]), (&json!("a\n\nb"), &json!(1000)));
    assert_eq!((&body["temperature"], &body["top_p"]), (&Value::Null, &Value::Null));
    assert_eq!(body["reasoning"], json!({"effort": "xhigh", "summary": "auto"}));
    let format = json!({"type": "json_schema", "name": "answer", "schema": {"type": "object"}, "strict": true});
    assert_eq!(body["text"], json!({"format": format, "verbosity": "low"}));
    assert_eq!([&body["service_tier"], &body["prompt_cache_key"], &body["safety_identifier"]], ["flex", "k", "u"]);

    let (body, notes) = openai(&asked, PLAIN);
    assert_eq!(notes, "logit_bias, stop, top_k, seed, reasoning.effort, verbosity, max_output_tokens");
    assert_eq!((&body["temperature"], &body["reasoning"], &body["include"]), (&json!(0.5), &Value::Null, &Value::Null));

    let (body, notes) = openai(&asked, COMPATIBLE);
    assert_eq!(
        notes,
        "logit_bias, stop, top_k, seed, reasoning.effort, verbosity, max_output_tokens, service_tier, prompt_cache_key, user"
    );
    assert_eq!(body["reasoning"], json!({"effort": "high"}));
}

#[test]
fn openai_takes_no_bound_below_sixteen() {
    let asked = Conversation { max_output_tokens: Some(5), ..one_turn() };
    assert_eq!(openai(&asked, PLAIN).0["max_output_tokens"], 16);
    assert_eq!(openai(&asked, PLAIN).1, "max_output_tokens");
    assert_eq!(ark(&asked).0["max_output_tokens"], 5);
}

#[test]
fn ark_is_spoken_to_in_its_dialect() {
    let thinks = |effort, show| {
        let (body, notes) = ark(&Conversation { reasoning: Some(ReasoningAsk { effort, budget_tokens: None, show }), ..one_turn() });
        (body["reasoning"].clone(), body["thinking"].clone(), notes)
    };
    assert_eq!(thinks(Some(Effort::None), false), (Value::Null, json!({"type": "disabled"}), String::new()));
    assert_eq!(thinks(Some(Effort::Low), true), (json!({"effort": "low"}), Value::Null, String::new()));
    assert_eq!(thinks(Some(Effort::XHigh), true).0, json!({"effort": "high"}));
    assert_eq!(thinks(None, true), (Value::Null, json!({"type": "enabled"}), String::new()));
    let media = |source| Media { source, name: None, detail: None };
    let url = || Source::Url { url: "https://a".to_owned(), media_type: None };
    let state =
        Part::Reasoning(Reasoning { text: String::new(), opaque: Some(Opaque { owner: OpaqueOwner::Openai, data: "s".to_owned() }) });
    let asked = Conversation {
        turns: vec![
            Turn { role: Role::Assistant, parts: vec![state] },
            Turn { role: Role::System, parts: vec![text("s")] },
            Turn { role: Role::User, parts: vec![Part::Video(media(url())), Part::Audio(media(url()))] },
        ],
        service_tier: Some("auto".to_owned()),
        cache_key: Some("k".to_owned()),
        ..one_turn()
    };
    let (body, notes) = ark(&asked);
    assert_eq!(
        body["input"],
        json!([
            {"type": "message", "role": "system", "content": "s"},
            {"type": "message", "role": "user",
             "content": [{"type": "input_video", "video_url": "https://a"}, {"type": "input_audio", "audio_url": "https://a"}]},
        ])
    );
    assert_eq!((&body["service_tier"], &body["include"], notes.as_str()), (&json!("auto"), &Value::Null, "prompt_cache_key"));
}

#[test]
fn tools_are_written_flat() {
    let tools = vec![
        Tool {
            name: "f".to_owned(),
            description: Some("d".to_owned()),
            kind: ToolKind::Function { parameters: Some(json!({"type": "object"})), strict: None },
        },
        Tool {
            name: "g".to_owned(),
            description: None,
            kind: ToolKind::Custom { format: Some(json!({"type": "grammar", "grammar": {"syntax": "lark", "definition": "x"}})) },
        },
    ];
    let names = vec!["f".to_owned(), "g".to_owned()];
    let asked = Conversation {
        tools,
        tool_choice: Some(ToolChoice::Allowed { required: true, names }),
        parallel_tool_calls: Some(false),
        ..one_turn()
    };
    let (body, notes) = openai(&asked, REASONING);
    let function = json!({"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": false});
    let grammar = json!({"type": "grammar", "syntax": "lark", "definition": "x"});
    assert_eq!(body["tools"], json!([function, {"type": "custom", "name": "g", "format": grammar}]));
    assert_eq!(
        body["tool_choice"],
        json!({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "g"}]})
    );
    assert_eq!((&body["parallel_tool_calls"], notes.as_str()), (&json!(false), ""));
    let (body, notes) = ark(&asked);
    assert_eq!((&body["tools"][1]["type"], &body["tools"][1]["parameters"]["required"]), (&json!("function"), &json!(["input"])));
    assert_eq!((&body["tool_choice"], notes.as_str()), (&json!("required"), "tools.g.format"));
    let named = |name: &str| openai(&Conversation { tool_choice: Some(ToolChoice::Named(name.to_owned())), ..asked.clone() }, REASONING).0;
    assert_eq!(named("g")["tool_choice"], json!({"type": "custom", "name": "g"}));
    let toolless = Conversation { tool_choice: Some(ToolChoice::Required), ..one_turn() };
    assert_eq!(openai(&toolless, REASONING).0["tool_choice"], Value::Null);
}

#[test]
fn what_would_lose_its_meaning_is_refused() {
    refused(&Conversation { choices: 2, ..one_turn() }, "n");
    refused(&Conversation { logprobs: Some(Logprobs { top: 1 }), ..one_turn() }, "logprobs");
    refused(&Conversation { audio_output: true, ..one_turn() }, "modalities");
    refused(&Conversation { only_here: vec!["tools[0] (x)".to_owned()], ..one_turn() }, "tools[0] (x)");
    let tool = |name: &str| Tool { name: name.to_owned(), description: None, kind: ToolKind::Function { parameters: None, strict: None } };
    refused(&Conversation { tools: vec![tool("f"), tool("a.b")], ..one_turn() }, "tools[1].name");
    let turn = |role, part| Conversation { turns: vec![Turn { role, parts: vec![part] }], ..one_turn() };
    let media = |source| Media { source, name: None, detail: None };
    let url = || media(Source::Url { url: "https://a".to_owned(), media_type: None });
    refused(&turn(Role::User, Part::Video(url())), "input");
    refused(&turn(Role::User, Part::Audio(url())), "input_audio");
    refused(&turn(Role::User, Part::Image(media(Source::Stored("file-1".to_owned())))), "file_id");
    refused(&turn(Role::Assistant, Part::Image(url())), "input");
}

#[test]
fn what_is_read_is_written_again() {
    let body = r#"{"model":"m","instructions":"s","input":[{"role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_file","file_url":"https://a"}]},
        {"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"gAAA"},{"type":"message","role":"assistant","content":"b"},
        {"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"d"}],
        "tools":[{"type":"function","name":"f","parameters":{"type":"object"},"strict":true}],"text":{"format":{"type":"json_object"}}}"#;
    let first = read_request(body.as_bytes()).unwrap();
    let written = write_request(&first, &target(Provider::Openai, REASONING)).unwrap();
    assert_eq!(read_request(&written.body).unwrap(), first);
}

proptest! {
    #[test]
    fn whatever_can_be_read_is_written_or_refused(texts in prop::collection::vec("[a-z ]{0,5}", 0..6), roles in prop::collection::vec(0..4_usize, 6)) {
        let items: Vec<_> = texts.iter().zip(&roles).map(|(text, role)| {
            let role = ["user", "assistant", "system", "developer"][*role];
            json!({"role": role, "content": text})
        }).collect();
        let body = json!({"model": "m", "input": items}).to_string();
        let read = read_request(body.as_bytes()).unwrap();
        let written = write_request(&read, &target(Provider::Openai, PLAIN)).unwrap();
        prop_assert!(serde_json::from_slice::<Value>(&written.body).unwrap()["input"].is_array());
    }
}
