//! What Google gets for what a caller said.

use easyai_core::kind::Provider;
use serde_json::{Value, json};

use super::*;
use crate::conversation::{
    Effort, Logprobs, Media, Opaque, OpaqueOwner, Part, Reasoning, ReasoningAsk, Role, Sampling, Source, Text, Tool, ToolCall, ToolKind,
    ToolResult, Turn,
};
use crate::gemini::read_request::read_request;
use crate::gemini::signature::LOST;

fn target(model: &str) -> Target<'_> {
    Target { provider: Provider::Gemini, model, max_output_tokens: Some(65_536), stream_options: false }
}

fn text(text: &str) -> Part {
    Part::Text(Text::plain(text))
}

fn user(parts: Vec<Part>) -> Turn {
    Turn { role: Role::User, parts }
}

fn model(parts: Vec<Part>) -> Turn {
    Turn { role: Role::Assistant, parts }
}

fn call(id: &str, signature: Option<(OpaqueOwner, &str)>) -> Part {
    let opaque = signature.map(|(owner, data)| Opaque { owner, data: data.to_owned() });
    Part::ToolCall(ToolCall { id: id.to_owned(), name: format!("f_{id}"), arguments: r#"{"a":1}"#.to_owned(), custom: false, opaque })
}

fn result(call_id: &str, parts: Vec<Part>, is_error: bool) -> Part {
    Part::ToolResult(ToolResult { call_id: call_id.to_owned(), name: None, parts, is_error, custom: false })
}

fn turns(turns: Vec<Turn>) -> Conversation {
    Conversation { turns, choices: 1, ..Conversation::default() }
}

fn hello() -> Conversation {
    turns(vec![user(vec![text("hi")])])
}

fn written(conversation: &Conversation, model: &str) -> (Value, String) {
    let written = write_request(conversation, &target(model)).unwrap_or_else(|error| panic!("{error}"));
    (serde_json::from_slice(&written.body).unwrap(), written.notes.fields())
}

fn contents(conversation: &Conversation, model: &str) -> Value {
    written(conversation, model).0["contents"].take()
}

fn refused(conversation: &Conversation, model: &str, field: &str) {
    assert_eq!(write_request(conversation, &target(model)).unwrap_err().field, field);
}

#[test]
fn a_plain_request_is_short() {
    let written = write_request(&hello(), &target("gemini-2.5-pro")).unwrap();
    assert_eq!(written.body, r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#);
    assert_eq!(written.notes, Notes::default());
}

#[test]
fn neighbours_are_merged_and_empty_text_is_dropped() {
    let conversation = Conversation {
        system: vec!["be".to_owned(), String::new(), "brief".to_owned()],
        ..turns(vec![
            user(vec![text("a"), text("")]),
            Turn { role: Role::System, parts: vec![text("now in French")] },
            model(vec![text("")]),
            user(vec![text("b")]),
            model(vec![Part::Refusal("no".to_owned())]),
        ])
    };
    let (body, _) = written(&conversation, "gemini-2.5-pro");
    assert_eq!(body["systemInstruction"], json!({"parts": [{"text": "be"}, {"text": "brief"}]}));
    let expected = json!([{"role": "user", "parts": [{"text": "a"}, {"text": "now in French"}, {"text": "b"}]}, {"role": "model", "parts": [{"text": "no"}]}]);
    assert_eq!(body["contents"], expected);
    let gemma = written(&conversation, "gemma-3-27b-it").0;
    assert_eq!(gemma["systemInstruction"], Value::Null);
    let first = &gemma["contents"][0]["parts"].as_array().unwrap()[..3];
    assert_eq!(first, [json!({"text": "be"}), json!({"text": "brief"}), json!({"text": "a"})]);
}

#[test]
fn contents_are_never_empty() {
    let system = Conversation { system: vec!["say hello".to_owned()], choices: 1, ..Conversation::default() };
    let (body, notes) = written(&system, "gemini-2.5-pro");
    assert_eq!(body, json!({"contents": [{"role": "user", "parts": [{"text": "say hello"}]}]}));
    assert_eq!(notes, "system");
    refused(&turns(vec![user(vec![text("")])]), "gemini-2.5-pro", "messages");
}

#[test]
fn results_are_named_and_come_together() {
    let picture = Part::Image(Media {
        source: Source::Inline { media_type: "image/png".to_owned(), data: "AA==".to_owned() },
        name: None,
        detail: None,
    });
    let conversation = turns(vec![
        user(vec![text("go")]),
        model(vec![call("1", None), call("2", None), call("3", None)]),
        user(vec![result("1", vec![text("plain"), picture], false)]),
        user(vec![text("and then"), result("2", vec![text(r#" {"x": 1} "#)], false)]),
        user(vec![result("3", vec![text("broken")], true)]),
    ]);
    let (first, data) = (
        json!({"id": "1", "name": "f_1", "response": {"output": "plain"}}),
        json!({"inlineData": {"mimeType": "image/png", "data": "AA=="}}),
    );
    let others = [
        json!({"functionResponse": {"id": "2", "name": "f_2", "response": {"x": 1}}}),
        json!({"functionResponse": {"id": "3", "name": "f_3", "response": {"error": "broken"}}}),
    ];
    let [second, third] = &others;
    let old = contents(&conversation, "gemini-2.5-pro");
    assert_eq!(old[2]["parts"], json!([{"functionResponse": first}, second, third, data, {"text": "and then"}]));
    let mut nested = first;
    nested["parts"] = json!([data]);
    let new = contents(&conversation, "gemini-3-pro-preview");
    assert_eq!(new[2]["parts"], json!([{"functionResponse": nested}, second, third, {"text": "and then"}]));
    refused(&turns(vec![user(vec![result("9", vec![], false)])]), "gemini-2.5-pro", "tool_call_id");
}

#[test]
fn the_first_call_of_a_turn_is_signed_on_gemini_3() {
    let signatures = |parts: Vec<Part>, name: &str| {
        let conversation = turns(vec![user(vec![text("go")]), model(parts)]);
        let parts = contents(&conversation, name)[1]["parts"].as_array().unwrap().clone();
        parts.iter().map(|part| part["thoughtSignature"].as_str().unwrap_or("-").to_owned()).collect::<Vec<_>>().join(" ")
    };
    let gemini = |data| Some((OpaqueOwner::Gemini, data));
    let thought =
        |owner, data: &str| Part::Reasoning(Reasoning { text: "hm".to_owned(), opaque: Some(Opaque { owner, data: data.to_owned() }) });
    assert_eq!(signatures(vec![call("1", gemini("s")), call("2", None)], "gemini-3-pro"), "s -");
    assert_eq!(signatures(vec![call("1", None), call("2", None)], "gemini-3-pro"), format!("{LOST} -"));
    assert_eq!(signatures(vec![call("1", None)], "gemini-2.5-pro"), "-");
    assert_eq!(signatures(vec![call("1", gemini("s"))], "gemini-2.5-pro"), "s");
    // Somebody else's state stays at home.
    assert_eq!(signatures(vec![call("1", Some((OpaqueOwner::Openai, "x")))], "gemini-3-pro"), LOST);
    assert_eq!(signatures(vec![thought(OpaqueOwner::AnthropicSignature, "x"), text("a")], "gemini-3-pro"), "-");
    // State that came back as reasoning goes to the call, else to the text.
    assert_eq!(signatures(vec![thought(OpaqueOwner::Gemini, "s"), text("a"), call("1", None)], "gemini-3-pro"), "- s");
    assert_eq!(signatures(vec![call("1", None), thought(OpaqueOwner::Gemini, "s")], "gemini-3-pro"), "s");
    assert_eq!(signatures(vec![thought(OpaqueOwner::Gemini, "s"), text("a")], "gemini-3-pro"), "s");
    assert_eq!(signatures(vec![thought(OpaqueOwner::Gemini, "s")], "gemini-3-pro"), "s");
    let signed = Part::Text(Text { opaque: Some(Opaque { owner: OpaqueOwner::Gemini, data: "s".to_owned() }), ..Text::plain("") });
    assert_eq!(signatures(vec![text("a"), signed], "gemini-3-pro"), "- s");
}

#[test]
fn urls_must_have_been_fetched_but_googles_own() {
    let with = |source: Source| turns(vec![user(vec![Part::Image(Media { source, name: None, detail: Some("high".to_owned()) })])]);
    let url = |url: &str| with(Source::Url { url: url.to_owned(), media_type: None });
    refused(&url("https://a/b.png"), "gemini-3-pro", "image");
    refused(&with(Source::Stored("file-123".to_owned())), "gemini-3-pro", "image");
    let (body, notes) = written(&url("https://youtu.be/x"), "gemini-2.5-pro");
    assert_eq!(body["contents"][0]["parts"], json!([{"fileData": {"fileUri": "https://youtu.be/x"}}]));
    assert_eq!(notes, "detail");
    written(&with(Source::Stored("https://generativelanguage.googleapis.com/v1beta/files/x".to_owned())), "gemini-2.5-pro");
}

#[test]
fn thinking_is_asked_for_in_the_familys_own_way() {
    let check = |name: &str, effort: Option<Effort>, budget_tokens: Option<u64>, expected: Value, noted: bool| {
        let ask = ReasoningAsk { effort, budget_tokens, show: false };
        let (body, notes) = written(&Conversation { reasoning: Some(ask), ..hello() }, name);
        assert_eq!(body["generationConfig"]["thinkingConfig"], expected, "{name} {ask:?}");
        assert_eq!(notes == "reasoning", noted, "{name} {ask:?}");
    };
    let level = |level: &str| json!({"thinkingLevel": level});
    let budget = |tokens: u64| json!({"thinkingBudget": tokens});
    check("gemini-3.1-flash", Some(Effort::None), None, level("minimal"), true);
    check("gemini-3-pro", Some(Effort::None), None, level("low"), true);
    check("gemini-3-pro", Some(Effort::Minimal), None, level("low"), false);
    check("gemini-3-flash", Some(Effort::Medium), None, level("medium"), false);
    check("gemini-3-flash", Some(Effort::Max), None, level("high"), false);
    check("gemini-3-flash", None, Some(2000), level("low"), false);
    check("gemini-3-flash", None, Some(20_000), level("high"), false);
    check("gemini-2.5-flash", Some(Effort::None), None, budget(0), false);
    check("gemini-2.5-pro", Some(Effort::None), None, budget(128), true);
    check("gemini-2.5-pro", Some(Effort::Max), None, budget(32_768), false);
    check("gemini-2.5-flash", Some(Effort::Low), None, budget(1024), false);
    check("gemini-2.5-flash", Some(Effort::Medium), None, budget(8192), false);
    check("gemini-2.5-flash-lite", Some(Effort::High), Some(100), budget(512), true);
    check("gemini-2.0-flash", Some(Effort::High), None, Value::Null, true);
    check("gemini-3-flash", None, None, Value::Null, false);
    let shown = Conversation { reasoning: Some(ReasoningAsk { show: true, ..ReasoningAsk::default() }), ..hello() };
    assert_eq!(written(&shown, "gemini-3-flash").0["generationConfig"], json!({"thinkingConfig": {"includeThoughts": true}}));
    assert_eq!(written(&shown, "gemini-2.0-flash").0["generationConfig"], Value::Null);
}

fn tool(name: &str, kind: ToolKind) -> Tool {
    Tool { name: name.to_owned(), description: Some("d".to_owned()), kind }
}

fn function(parameters: Option<Value>, strict: Option<bool>) -> ToolKind {
    ToolKind::Function { parameters, strict }
}

#[test]
fn tools_are_declared_with_json_schemas() {
    let grammar = json!({"type": "grammar", "syntax": "lark"});
    let tools = vec![
        tool("f", function(Some(json!({"$schema": "x", "type": "object", "properties": {"a": {"const": "b"}}})), None)),
        tool("g", function(Some(json!({"type": "object", "properties": {}})), None)),
        tool("c", ToolKind::Custom { format: Some(grammar) }),
    ];
    let (body, notes) = written(&Conversation { tools, ..hello() }, "gemini-2.5-pro");
    let expected = json!([{"functionDeclarations": [
        {"name": "f", "description": "d", "parametersJsonSchema": {"type": "object", "properties": {"a": {"enum": ["b"]}}}},
        {"name": "g", "description": "d"},
        {"name": "c", "description": "d\n\n`input` must follow this grammar: {\"type\":\"grammar\",\"syntax\":\"lark\"}",
         "parametersJsonSchema": {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}}]}]);
    assert_eq!((&body["tools"], notes.as_str()), (&expected, "tools.c.format"));
    for name in ["0f", "a b", "", "-f"] {
        refused(&Conversation { tools: vec![tool(name, function(None, None))], ..hello() }, "gemini-2.5-pro", "tools[0].name");
    }
}

#[test]
fn choices_of_tools_have_their_modes() {
    let check = |choice: Option<ToolChoice>, strict: Option<bool>, expected: Value| {
        let conversation = Conversation { tools: vec![tool("f", function(None, strict))], tool_choice: choice.clone(), ..hello() };
        assert_eq!(written(&conversation, "gemini-2.5-pro").0["toolConfig"]["functionCallingConfig"], expected, "{choice:?} {strict:?}");
    };
    let names = || vec!["f".to_owned(), "g".to_owned()];
    check(None, None, Value::Null);
    check(None, Some(true), json!({"mode": "VALIDATED"}));
    check(Some(ToolChoice::Auto), None, json!({"mode": "AUTO"}));
    check(Some(ToolChoice::None), Some(true), json!({"mode": "NONE"}));
    check(Some(ToolChoice::Required), None, json!({"mode": "ANY"}));
    check(Some(ToolChoice::Named("f".to_owned())), None, json!({"mode": "ANY", "allowedFunctionNames": ["f"]}));
    check(Some(ToolChoice::Allowed { required: true, names: names() }), None, json!({"mode": "ANY", "allowedFunctionNames": ["f", "g"]}));
    check(
        Some(ToolChoice::Allowed { required: false, names: names() }),
        None,
        json!({"mode": "VALIDATED", "allowedFunctionNames": ["f", "g"]}),
    );
    assert_eq!(written(&Conversation { tool_choice: Some(ToolChoice::Auto), ..hello() }, "gemini-2.5-pro").0["toolConfig"], Value::Null);
}

#[test]
fn bounds_dice_and_forms_are_carried() {
    let schema = OutputFormat::JsonSchema {
        name: Some("n".to_owned()),
        description: Some("d".to_owned()),
        schema: json!({"type": "object", "properties": {"a": {"type": "string"}}}),
        strict: Some(true),
    };
    let sampling = Sampling {
        temperature: Some(0.5),
        top_p: Some(0.9),
        top_k: Some(40),
        frequency_penalty: Some(1.0),
        presence_penalty: Some(-1.0),
        seed: Some(7),
        stop: vec!["X".to_owned(), String::new()],
    };
    let conversation =
        Conversation { output: schema, sampling, max_output_tokens: Some(100_000), service_tier: Some("default".to_owned()), ..hello() };
    let (body, notes) = written(&conversation, "gemini-2.5-pro");
    let expected = json!({"maxOutputTokens": 65_536, "temperature": 0.5, "topP": 0.9, "topK": 40, "frequencyPenalty": 1.0, "presencePenalty": -1.0,
        "seed": 7, "stopSequences": ["X"], "responseMimeType": "application/json",
        "responseJsonSchema": {"type": "object", "properties": {"a": {"type": "string"}}, "description": "d"}});
    assert_eq!((&body["generationConfig"], &body["serviceTier"], notes.as_str()), (&expected, &json!("standard"), "max_output_tokens"));
}

#[test]
fn what_only_tunes_is_noted_and_what_means_something_is_refused() {
    let tuned = Conversation {
        tuning: vec!["logit_bias"],
        parallel_tool_calls: Some(false),
        verbosity: Some("low".to_owned()),
        end_user: Some("u".to_owned()),
        cache_key: Some("k".to_owned()),
        service_tier: Some("scale".to_owned()),
        sampling: Sampling { seed: Some(i64::MAX), ..Sampling::default() },
        ..hello()
    };
    let (body, notes) = written(&tuned, "gemini-2.5-pro");
    assert_eq!(notes, "logit_bias, parallel_tool_calls, verbosity, user, prompt_cache_key, seed, service_tier");
    assert_eq!(body.as_object().unwrap().len(), 1);
    refused(&Conversation { only_here: vec!["tools[0].web_search".to_owned()], ..hello() }, "gemini-3-pro", "tools[0].web_search");
    refused(&Conversation { audio_output: true, ..hello() }, "gemini-3-pro", "audio");
    refused(&Conversation { choices: 2, ..hello() }, "gemini-3-pro", "n");
    refused(&Conversation { logprobs: Some(Logprobs { top: 1 }), ..hello() }, "gemini-3-pro", "logprobs");
    let stop = (0..6).map(|number| number.to_string()).collect();
    refused(&Conversation { sampling: Sampling { stop, ..Sampling::default() }, ..hello() }, "gemini-3-pro", "stop");
    let both = Conversation { tools: vec![tool("f", function(None, None))], output: OutputFormat::JsonObject, ..hello() };
    refused(&both, "gemini-2.5-pro", "response_format");
    assert!(write_request(&both, &target("gemini-3-pro")).is_ok());
    let idle = Conversation { tool_choice: Some(ToolChoice::None), ..both };
    assert_eq!(written(&idle, "gemini-2.5-pro").0["tools"], Value::Null);
}

#[test]
fn what_a_gemini_caller_said_is_written_as_it_was() {
    let body = json!({
        "systemInstruction": {"parts": [{"text": "be brief"}]},
        "contents": [
            {"role": "user", "parts": [{"text": "hi"}, {"inlineData": {"mimeType": "image/png", "data": "AA=="}}]},
            {"role": "model", "parts": [{"text": "so"}, {"functionCall": {"id": "c", "name": "f", "args": {"a": 1}}, "thoughtSignature": "s"}]},
            {"role": "user", "parts": [{"functionResponse": {"id": "c", "name": "f", "response": {"output": "ok"}}}]}],
        "tools": [{"functionDeclarations": [{"name": "f", "description": "d", "parametersJsonSchema": {"type": "object", "properties": {"a": {"type": "integer"}}}}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        "generationConfig": {"maxOutputTokens": 10, "temperature": 1.0, "thinkingConfig": {"thinkingLevel": "low", "includeThoughts": true}},
        "serviceTier": "flex"});
    let conversation = read_request(body.to_string().as_bytes()).unwrap();
    assert_eq!(written(&conversation, "gemini-3-pro"), (body, String::new()));
}
