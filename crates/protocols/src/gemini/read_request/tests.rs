//! What each field means, and which one is wrong.

use serde_json::json;

use super::*;
use crate::conversation::{
    Effort, Logprobs, Media, Opaque, OpaqueOwner, OutputFormat, Part as Inner, Reasoning, ReasoningAsk, Role, Source, Text, Tool, ToolCall,
    ToolChoice, ToolKind, ToolResult, Turn,
};

fn read(body: &str) -> Conversation {
    read_request(body.as_bytes()).unwrap_or_else(|error| panic!("{body}: {error}"))
}

/// The request with one turn and these members more.
fn with(members: &str) -> Conversation {
    read(&format!(r#"{{"contents":[{{"parts":[{{"text":"hi"}}]}}],{members}}}"#))
}

fn parts(parts: &str) -> Conversation {
    read(&format!(r#"{{"contents":[{{"role":"user","parts":[{parts}]}}]}}"#))
}

fn refused(body: &str, param: Option<&str>) {
    let error = read_request(body.as_bytes()).expect_err(body);
    assert_eq!(error.param.as_deref(), param, "{body}: {error}");
}

fn signed(data: &str) -> Option<Opaque> {
    Some(Opaque { owner: OpaqueOwner::Gemini, data: data.to_owned() })
}

fn call(id: &str, name: &str, arguments: &str, opaque: Option<Opaque>) -> Inner {
    Inner::ToolCall(ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_owned(), custom: false, opaque })
}

fn result(call_id: &str, name: &str, text: &str, is_error: bool) -> Inner {
    let parts = vec![Inner::Text(Text::plain(text))];
    Inner::ToolResult(ToolResult { call_id: call_id.to_owned(), name: Some(name.to_owned()), parts, is_error, custom: false })
}

#[test]
fn a_round_of_calls_is_read_in_either_spelling() {
    let camel = r#"{"systemInstruction":{"parts":[{"text":"be"},{"text":""},{"text":"brief"}]},
        "contents":[{"parts":[{"text":"hi"}]},
            {"role":"model","parts":[{"text":"hm","thought":true,"thoughtSignature":"s1"},{"functionCall":{"name":"f","args":{"a": 1}},"thoughtSignature":"s2"},
                {"functionCall":{"name":"f"}},{"functionCall":{"id":"own","name":"g"}}]},
            {"role":"function","parts":[{"functionResponse":{"id":"own","response":{"error":"no"}}},
                {"functionResponse":{"name":"f","response":{"output":{"x":1}}}},{"functionResponse":{"name":"f","response":{"x":1,"error":2}}}]}]}"#;
    let snake = camel
        .replace("systemInstruction", "system_instruction")
        .replace("thoughtSignature", "thought_signature")
        .replace("functionCall\"", "function_call\"")
        .replace("functionResponse", "function_response");
    for body in [camel, &snake] {
        let conversation = read(body);
        assert_eq!(conversation.system, ["be", "brief"]);
        let expected = [
            Turn { role: Role::User, parts: vec![Inner::Text(Text::plain("hi"))] },
            Turn {
                role: Role::Assistant,
                parts: vec![
                    Inner::Reasoning(Reasoning { text: "hm".to_owned(), opaque: signed("s1") }),
                    call("call_1_1", "f", r#"{"a": 1}"#, signed("s2")),
                    call("call_1_2", "f", "{}", None),
                    call("own", "g", "{}", None),
                ],
            },
            Turn {
                role: Role::User,
                parts: vec![
                    result("own", "g", "no", true),
                    result("call_1_1", "f", r#"{"x":1}"#, false),
                    result("call_1_2", "f", r#"{"x":1,"error":2}"#, false),
                ],
            },
        ];
        assert_eq!(conversation.turns, expected);
        assert!(conversation.only_here.is_empty() && conversation.tuning.is_empty());
        assert_eq!((conversation.choices, conversation.stream), (1, false));
    }
}

#[test]
fn chunks_that_an_sdk_kept_become_one_turn() {
    let body = r#"{"contents":[{"role":"model","parts":[{"text":"Hel"}]},{"role":"model","parts":[{"text":"lo"}]},
        {"role":"model","parts":[{"text":"","thoughtSignature":"s"}]},{"role":"user","parts":[{"text":"a"},{"text":"b"}]},{"parts":[{"text":"c"}]}]}"#;
    let text = |text: &str| Inner::Text(Text::plain(text));
    let hello = Inner::Text(Text { opaque: signed("s"), ..Text::plain("Hello") });
    let expected =
        [Turn { role: Role::Assistant, parts: vec![hello] }, Turn { role: Role::User, parts: vec![text("a"), text("b"), text("c")] }];
    assert_eq!(read(body).turns, expected);
}

#[test]
fn data_is_told_by_its_type_and_address() {
    let media = |source: Source| Media { source, name: None, detail: None };
    let inline = |media_type: &str| media(Source::Inline { media_type: media_type.to_owned(), data: "+/8=".to_owned() });
    let url = |url: &str, media_type: Option<&str>| media(Source::Url { url: url.to_owned(), media_type: media_type.map(str::to_owned) });
    let files = "https://generativelanguage.googleapis.com/v1beta/files/x";
    let check = |part: &str, expected: Inner| assert_eq!(parts(part).turns[0].parts, [expected], "{part}");
    check(r#"{"inlineData":{"mimeType":"image/png","data":"-_8="}}"#, Inner::Image(inline("image/png")));
    check(r#"{"inline_data":{"mime_type":"audio/wav","data":"-_8"}}"#, Inner::Audio(inline("audio/wav")));
    check(r#"{"inlineData":{"mimeType":"video/mp4","data":"+/8="}}"#, Inner::Video(inline("video/mp4")));
    check(r#"{"inlineData":{"mimeType":"application/pdf","data":"+/8="}}"#, Inner::File(inline("application/pdf")));
    check(r#"{"fileData":{"mimeType":"image/png","fileUri":"https://a/b"}}"#, Inner::Image(url("https://a/b", Some("image/png"))));
    check(r#"{"fileData":{"fileUri":"https://youtu.be/x"}}"#, Inner::Video(url("https://youtu.be/x", None)));
    check(
        &format!(r#"{{"fileData":{{"fileUri":"{files}","mimeType":"image/png"}}}}"#),
        Inner::Image(media(Source::Stored(files.to_owned()))),
    );
}

#[test]
fn what_belongs_to_google_alone_is_kept_apart() {
    let only = |conversation: Conversation, path: &str| assert_eq!(conversation.only_here, [path]);
    only(with(r#""cachedContent":"cachedContents/x""#), "cachedContent");
    only(with(r#""tools":[{"googleSearch":{}}]"#), "tools[0].googleSearch");
    only(with(r#""tools":{"url_context":{}}"#), "tools[0].url_context");
    only(with(r#""tools":[{"codeExecution":{},"functionDeclarations":[{"name":"f"}]}]"#), "tools[0].codeExecution");
    only(with(r#""generationConfig":{"responseModalities":["TEXT","IMAGE"]}"#), "generationConfig.responseModalities");
    only(with(r#""generationConfig":{"responseModalities":["AUDIO"]}"#), "generationConfig.responseModalities");
    only(with(r#""generationConfig":{"speechConfig":{}}"#), "generationConfig.speechConfig");
    only(
        with(r#""generationConfig":{"responseMimeType":"text/x.enum","responseSchema":{"enum":["a"]}}"#),
        "generationConfig.responseMimeType",
    );
    only(parts(r#"{"executableCode":{"code":"1"}}"#), "contents[0].parts[0].executableCode");
    only(parts(r#"{"text":"a","videoMetadata":{"fps":1}}"#), "contents[0].parts[0].videoMetadata");
    let tuned = with(r#""safetySettings":[{"category":"X"}],"store":true,"labels":{},"generationConfig":{"mediaResolution":"LOW"}"#);
    assert_eq!(tuned.tuning, ["generationConfig.mediaResolution", "safetySettings", "store", "labels"]);
    assert!(with(r#""generationConfig":{"responseModalities":["TEXT"]},"safetySettings":null,"tools":null"#).only_here.is_empty());
}

#[test]
fn the_configuration_is_typed() {
    let found = with(
        r#""serviceTier":"standard","generationConfig":{"maxOutputTokens":"100","temperature":0.5,"topP":"0.9","topK":40.0,"seed":7,"stopSequences":["X"],
            "presencePenalty":1,"frequency_penalty":-1,"candidateCount":3,"responseLogprobs":true,"logprobs":2}"#,
    );
    assert_eq!((found.max_output_tokens, found.choices, found.service_tier.as_deref()), (Some(100), 3, Some("default")));
    let sampling = &found.sampling;
    assert_eq!((sampling.temperature, sampling.top_p, sampling.top_k, sampling.seed), (Some(0.5), Some(0.9), Some(40), Some(7)));
    assert_eq!(
        (sampling.presence_penalty, sampling.frequency_penalty, sampling.stop.as_slice()),
        (Some(1.0), Some(-1.0), &["X".to_owned()][..])
    );
    assert_eq!(found.logprobs, Some(Logprobs { top: 2 }));
}

#[test]
fn thinking_is_asked_for_in_words_or_tokens() {
    let check = |config: &str, expected: Option<ReasoningAsk>| {
        assert_eq!(with(&format!(r#""generationConfig":{{"thinkingConfig":{config}}}"#)).reasoning, expected, "{config}");
    };
    let ask = |effort, budget_tokens, show| Some(ReasoningAsk { effort, budget_tokens, show });
    check("{}", None);
    check(r#"{"thinkingBudget":-1}"#, None);
    check(r#"{"thinkingBudget":0}"#, ask(Some(Effort::None), None, false));
    check(r#"{"thinking_budget":"2048","include_thoughts":true}"#, ask(None, Some(2048), true));
    check(r#"{"thinkingLevel":"HIGH"}"#, ask(Some(Effort::High), None, false));
}

#[test]
fn forms_of_output_and_schemas_are_translated() {
    let output = |config: &str| with(&format!(r#""generationConfig":{config}"#)).output;
    assert_eq!(output(r#"{"responseMimeType":"application/json"}"#), OutputFormat::JsonObject);
    assert_eq!(output(r#"{"responseMimeType":"text/plain"}"#), OutputFormat::Text);
    let schema = |schema| OutputFormat::JsonSchema { name: None, description: None, schema, strict: None };
    assert_eq!(
        output(r#"{"response_mime_type":"application/json","response_schema":{"type":"STRING"}}"#),
        schema(json!({"type": "string"}))
    );
    assert_eq!(output(r#"{"responseMimeType":"application/json","responseJsonSchema":{"const":1}}"#), schema(json!({"const": 1})));
}

#[test]
fn tools_and_their_choice_are_read() {
    let found = with(
        r#""tools":[{"functionDeclarations":[{"name":"f","description":"d","parameters":{"type":"OBJECT","properties":{"a":{"type":"STRING"}}}},
            {"name":"g","parameters_json_schema":{"type":"object"}}]},{"function_declarations":{"name":"h"}}]"#,
    );
    let function = |name: &str, description: Option<&str>, parameters| Tool {
        name: name.to_owned(),
        description: description.map(str::to_owned),
        kind: ToolKind::Function { parameters, strict: None },
    };
    let expected = [
        function("f", Some("d"), Some(json!({"type": "object", "properties": {"a": {"type": "string"}}}))),
        function("g", None, Some(json!({"type": "object"}))),
        function("h", None, None),
    ];
    assert_eq!(found.tools, expected);
    let choice = |config: &str| with(&format!(r#""tool_config":{{"function_calling_config":{config}}}"#)).tool_choice;
    let names = || vec!["f".to_owned(), "g".to_owned()];
    assert_eq!(choice("{}"), None);
    assert_eq!(choice(r#"{"mode":"AUTO"}"#), Some(ToolChoice::Auto));
    assert_eq!(choice(r#"{"mode":"NONE"}"#), Some(ToolChoice::None));
    assert_eq!(choice(r#"{"mode":"ANY"}"#), Some(ToolChoice::Required));
    assert_eq!(choice(r#"{"mode":"ANY","allowedFunctionNames":["f"]}"#), Some(ToolChoice::Named("f".to_owned())));
    assert_eq!(
        choice(r#"{"mode":"any","allowed_function_names":["f","g"]}"#),
        Some(ToolChoice::Allowed { required: true, names: names() })
    );
    assert_eq!(
        choice(r#"{"mode":"VALIDATED","allowedFunctionNames":["f","g"]}"#),
        Some(ToolChoice::Allowed { required: false, names: names() })
    );
}

#[test]
fn the_wrong_field_is_named() {
    refused("", None);
    refused("[]", None);
    refused("{}", Some("contents"));
    refused(r#"{"contents":[]}"#, Some("contents"));
    refused(r#"{"contents":["a"]}"#, Some("contents[0]"));
    refused(r#"{"contents":[{"role":"system","parts":[]}]}"#, Some("contents[0].role"));
    let part = |part: &str, path: &str| {
        refused(&format!(r#"{{"contents":[{{"parts":[{{"text":"a"}},{part}]}}]}}"#), Some(&format!("contents[0].parts[1]{path}")));
    };
    part("7", "");
    part(r#"{"text":7}"#, ".text");
    part(r#"{"functionCall":{}}"#, ".functionCall.name");
    part(r#"{"functionCall":{"name":"f","args":"{}"}}"#, ".functionCall.args");
    part(r#"{"functionResponse":{"name":"f","response":{}}}"#, ".functionResponse.name");
    part(r#"{"functionResponse":{"id":"c","response":"text"}}"#, ".functionResponse.response");
    part(r#"{"inlineData":{"data":"AA"}}"#, ".inlineData.mimeType");
    part(r#"{"inlineData":{"mimeType":"image/png"}}"#, ".inlineData.data");
    part(r#"{"fileData":{}}"#, ".fileData.fileUri");
    let config = |config: &str, path: &str| {
        refused(&format!(r#"{{"contents":[{{"parts":[]}}],"generationConfig":{config}}}"#), Some(path));
    };
    config("[]", "generationConfig");
    config(r#"{"temperature":"hot"}"#, "generationConfig.temperature");
    config(r#"{"maxOutputTokens":1.5}"#, "generationConfig.maxOutputTokens");
    config(r#"{"stopSequences":[1]}"#, "generationConfig.stopSequences");
    config(r#"{"thinkingConfig":{"thinkingLevel":"a lot"}}"#, "generationConfig.thinkingConfig.thinkingLevel");
    refused(r#"{"contents":[{"parts":[]}],"tools":[{"functionDeclarations":[{}]}]}"#, Some("tools[0].functionDeclarations[0].name"));
    refused(
        r#"{"contents":[{"parts":[]}],"toolConfig":{"functionCallingConfig":{"mode":"SOME"}}}"#,
        Some("toolConfig.functionCallingConfig.mode"),
    );
}

#[test]
fn the_sentinel_for_a_lost_signature_is_no_signature() {
    let conversation = read(
        r#"{"contents":[{"role":"model","parts":[{"functionCall":{"name":"f"},"thoughtSignature":"skip_thought_signature_validator"}]}]}"#,
    );
    assert_eq!(conversation.turns[0].parts, [call("call_0_0", "f", "{}", None)]);
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, at in 0usize..400, with: u8) {
        let _whatever = read_request(&bytes);
        let mut mutated = br#"{"contents":[{"role":"model","parts":[{"functionCall":{"name":"f","args":{"a":1}},"thoughtSignature":"s"}]},{"parts":[{"functionResponse":{"name":"f","response":{"output":1}}},{"inlineData":{"mimeType":"image/png","data":"AA"}}]}],"generationConfig":{"maxOutputTokens":1,"responseSchema":{"type":"OBJECT"}}}"#.to_vec();
        let at = at % mutated.len();
        mutated[at] = with;
        let _whatever = read_request(&mutated);
    }
}
