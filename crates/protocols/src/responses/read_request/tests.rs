//! What a caller's request means, and what is refused in it.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::conversation::{
    Media, Opaque, OpaqueOwner, Part, Reasoning, Role, Source, Text, Tool, ToolCall, ToolChoice, ToolKind, ToolResult, Turn,
};

fn read(body: &str) -> Conversation {
    read_request(body.as_bytes()).unwrap_or_else(|error| panic!("{body}: {error}"))
}

fn items(items: &str) -> Conversation {
    read(&format!(r#"{{"model":"m","input":[{items}]}}"#))
}

fn with(members: &str) -> Conversation {
    read(&format!(r#"{{"model":"m","input":"hi",{members}}}"#))
}

fn refused(body: &str, param: &str) {
    let error = read_request(body.as_bytes()).expect_err(body);
    assert_eq!(error.param.as_deref(), Some(param), "{body}: {error}");
}

fn text(text: &str) -> Part {
    Part::Text(Text::plain(text))
}

fn call(id: &str, name: &str, arguments: &str, custom: bool) -> ToolCall {
    ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_owned(), custom, opaque: None }
}

fn result(call_id: &str, name: Option<&str>, parts: Vec<Part>, custom: bool) -> Part {
    Part::ToolResult(ToolResult { call_id: call_id.to_owned(), name: name.map(str::to_owned), parts, is_error: false, custom })
}

#[test]
fn text_alone_is_one_user_turn() {
    let read = with(r#""instructions":"be brief""#);
    assert_eq!(read.turns, [Turn { role: Role::User, parts: vec![text("hi")] }]);
    assert_eq!((read.system, read.choices), (vec!["be brief".to_owned()], 1));
}

#[test]
fn what_the_model_said_in_several_items_is_one_turn() {
    let read = items(
        r#"{"role":"user","content":"go"},
           {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"a"},{"type":"summary_text","text":"b"}],"encrypted_content":"gAAA"},
           {"type":"message","role":"assistant","content":[{"type":"output_text","text":"let me see","annotations":[]}]},
           {"type":"function_call","id":"fc_1","call_id":"c1","name":"f","arguments":"{}","status":"completed"},
           {"type":"custom_tool_call","call_id":"c2","name":"g","input":"free"},
           {"type":"function_call_output","call_id":"c1","output":"one"},
           {"type":"custom_tool_call_output","call_id":"c2","output":[{"type":"input_text","text":"two"}]},
           {"type":"function_call","call_id":"c3","name":"f","arguments":"{}"},
           {"type":"function_call_output","call_id":"c3","output":""},
           {"role":"user","content":[{"type":"input_text","text":"thanks"}]}"#,
    );
    let state = Some(Opaque { owner: OpaqueOwner::Openai, data: "gAAA".to_owned() });
    let reasoning = Part::Reasoning(Reasoning { text: "a\n\nb".to_owned(), opaque: state });
    let turn = |role, parts| Turn { role, parts };
    assert_eq!(
        read.turns,
        [
            turn(Role::User, vec![text("go")]),
            turn(
                Role::Assistant,
                vec![
                    reasoning,
                    text("let me see"),
                    Part::ToolCall(call("c1", "f", "{}", false)),
                    Part::ToolCall(call("c2", "g", "free", true))
                ]
            ),
            turn(Role::User, vec![result("c1", Some("f"), vec![text("one")], false), result("c2", Some("g"), vec![text("two")], true)]),
            turn(Role::Assistant, vec![Part::ToolCall(call("c3", "f", "{}", false))]),
            turn(Role::User, vec![result("c3", Some("f"), vec![], false)]),
            turn(Role::User, vec![text("thanks")]),
        ]
    );
    assert!(read.only_here.is_empty());
}

#[test]
fn leading_system_text_stands_alone() {
    let read = items(
        r#"{"role":"developer","content":"a"},{"role":"user","content":"hi"},{"role":"system","content":[{"type":"input_text","text":"b"}]}"#,
    );
    assert_eq!(read.system, ["a"]);
    assert_eq!(read.turns[1], Turn { role: Role::System, parts: vec![text("b")] });
}

#[test]
fn opaque_state_comes_back_to_its_owner() {
    let state = |content: &str| {
        let read = items(&format!(
            r#"{{"type":"function_call","call_id":"c","name":"f","arguments":""}},{{"type":"reasoning","summary":[],"encrypted_content":"{content}"}}"#
        ));
        read.turns[0].parts.clone()
    };
    let opaque = |owner| Opaque { owner, data: "s==".to_owned() };
    let thought = |owner| Part::Reasoning(Reasoning { text: String::new(), opaque: Some(opaque(owner)) });
    assert_eq!(state("s==")[1], thought(OpaqueOwner::Openai));
    for owner in OpaqueOwner::ALL {
        assert_eq!(state(&opaque(*owner).tagged())[1], thought(*owner));
    }
    let returned = state("easyai:1:call:c:easyai:1:gemini:s==");
    assert_eq!(returned, [Part::ToolCall(ToolCall { opaque: Some(opaque(OpaqueOwner::Gemini)), ..call("c", "f", "", false) })]);
    assert_eq!(state("").len(), 1, "nothing to read and nothing to give back");
}

#[test]
fn media_are_read_from_all_their_spellings() {
    let part = |part: &str| {
        let read = items(&format!(r#"{{"role":"user","content":[{part}]}}"#));
        (read.turns[0].parts[0].clone(), read.only_here)
    };
    let inline = |kind: &str| Source::Inline { media_type: kind.to_owned(), data: "AAAA".to_owned() };
    let url = |url: &str| Source::Url { url: url.to_owned(), media_type: None };
    let media = |source, name: Option<&str>, detail: Option<&str>| Media {
        source,
        name: name.map(str::to_owned),
        detail: detail.map(str::to_owned),
    };
    let check = |json: &str, expected: Part| assert_eq!(part(json), (expected, vec![]), "{json}");
    check(r#"{"type":"input_image","image_url":"https://a","detail":"low"}"#, Part::Image(media(url("https://a"), None, Some("low"))));
    check(r#"{"type":"input_image","image_url":"data:image/png;base64,AAAA"}"#, Part::Image(media(inline("image/png"), None, None)));
    check(
        r#"{"type":"image_url","image_url":{"url":"https://a","detail":"low"}}"#,
        Part::Image(media(url("https://a"), None, Some("low"))),
    );
    check(
        r#"{"type":"input_file","file_data":"AAAA","filename":"a.pdf"}"#,
        Part::File(media(inline("application/pdf"), Some("a.pdf"), None)),
    );
    check(r#"{"type":"input_file","file_data":"data:text/plain;base64,AAAA"}"#, Part::File(media(inline("text/plain"), None, None)));
    check(r#"{"type":"input_file","file_url":"https://a"}"#, Part::File(media(url("https://a"), None, None)));
    check(r#"{"type":"input_audio","input_audio":{"data":"AAAA","format":"mp3"}}"#, Part::Audio(media(inline("audio/mpeg"), None, None)));
    check(r#"{"type":"input_audio","audio_url":"https://a"}"#, Part::Audio(media(url("https://a"), None, None)));
    check(r#"{"type":"input_video","video_url":"https://a"}"#, Part::Video(media(url("https://a"), None, None)));
    let (stored, only_here) = part(r#"{"type":"input_image","file_id":"file-1"}"#);
    assert_eq!(stored, Part::Image(media(Source::Stored("file-1".to_owned()), None, None)));
    assert_eq!(only_here, ["input[0].content[0].file_id"]);
}

#[test]
fn settings_are_read() {
    let read = with(
        r#""max_output_tokens":20,"temperature":0.5,"top_p":1,"parallel_tool_calls":false,"reasoning":{"effort":"xhigh","summary":"auto"},
           "text":{"verbosity":"low","format":{"type":"json_schema","name":"n","schema":{"type":"object"},"strict":true}},
           "service_tier":"flex","prompt_cache_key":"k","user":"u","safety_identifier":"s","stream":true,
           "include":["reasoning.encrypted_content","message.output_text.logprobs"],"top_logprobs":3,"metadata":{"a":"b"},"store":false"#,
    );
    assert_eq!((read.max_output_tokens, read.sampling.temperature, read.sampling.top_p), (Some(20), Some(0.5), Some(1.0)));
    assert_eq!((read.parallel_tool_calls, read.stream, read.logprobs), (Some(false), true, Some(Logprobs { top: 3 })));
    assert_eq!(read.reasoning, Some(ReasoningAsk { effort: Some(Effort::XHigh), budget_tokens: None, show: true }));
    let schema =
        OutputFormat::JsonSchema { name: Some("n".to_owned()), description: None, schema: json!({"type": "object"}), strict: Some(true) };
    assert_eq!(read.output, schema);
    let texts = [read.verbosity, read.service_tier, read.cache_key, read.end_user];
    assert_eq!(texts.map(Option::unwrap_or_default), ["low", "flex", "k", "s"]);
    assert!(read.tuning.is_empty() && read.only_here.is_empty());
    assert_eq!(with(r#""text":{"format":{"type":"json_object"}}"#).output, OutputFormat::JsonObject);
    let ask = |members: &str| with(members).reasoning;
    assert_eq!(ask(r#""reasoning":{"effort":null}"#), Some(ReasoningAsk::default()));
    assert_eq!(ask(r#""thinking":{"type":"disabled"}"#), Some(ReasoningAsk { effort: Some(Effort::None), ..ReasoningAsk::default() }));
    assert_eq!(ask(r#""reasoning":null"#), None);
}

#[test]
fn tools_are_flat() {
    let read = with(
        r#""tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object"},"strict":false},
            {"type":"custom","name":"g","format":{"type":"grammar","syntax":"lark","definition":"x"}},{"type":"function","name":"h","parameters":null}]"#,
    );
    let tool =
        |name: &str, description: Option<&str>, kind| Tool { name: name.to_owned(), description: description.map(str::to_owned), kind };
    assert_eq!(
        read.tools,
        [
            tool("f", Some("d"), ToolKind::Function { parameters: Some(json!({"type": "object"})), strict: Some(false) }),
            tool("g", None, ToolKind::Custom { format: Some(json!({"type": "grammar", "syntax": "lark", "definition": "x"})) }),
            tool("h", None, ToolKind::Function { parameters: None, strict: None }),
        ]
    );
    let choice = |choice: &str| with(&format!(r#""tool_choice":{choice}"#)).tool_choice;
    assert_eq!(choice("null"), None);
    assert_eq!(choice(r#""required""#), Some(ToolChoice::Required));
    assert_eq!(choice(r#"{"type":"function","name":"f"}"#), Some(ToolChoice::Named("f".to_owned())));
    assert_eq!(choice(r#"{"type":"custom","name":"g"}"#), Some(ToolChoice::Named("g".to_owned())));
    assert_eq!(
        choice(r#"{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"f"},{"type":"custom","name":"g"}]}"#),
        Some(ToolChoice::Allowed { required: true, names: vec!["f".to_owned(), "g".to_owned()] })
    );
}

#[test]
fn what_only_another_responses_api_understands_is_listed() {
    let only = |read: Conversation| read.only_here.join(", ");
    assert_eq!(only(with(r#""tools":[{"type":"function","name":"f"},{"type":"web_search"}]"#)), "tools[1] (web_search)");
    assert_eq!(only(with(r#""tool_choice":{"type":"file_search"}"#)), "tool_choice (file_search)");
    assert_eq!(only(items(r#"{"type":"item_reference","id":"msg_1"},{"role":"user","content":"hi"}"#)), "input[0] (item_reference)");
    assert_eq!(only(items(r#"{"role":"user","content":"hi"},{"type":"web_search_call","id":"ws_1"}"#)), "input[1] (web_search_call)");
    assert_eq!(only(with(r#""previous_response_id":"resp_1""#)), "previous_response_id");
    assert_eq!(only(with(r#""prompt":{"id":"p"}"#)), "prompt");
    assert_eq!(only(with(r#""text":{"format":{"type":"grammar"}}"#)), "text.format.type (grammar)");
    assert_eq!(with(r#""truncation":"auto","max_tool_calls":3,"moderation":null"#).tuning, ["max_tool_calls", "truncation"]);
    assert!(with(r#""truncation":"disabled","previous_response_id":null"#).tuning.is_empty());
}

#[test]
fn chat_messages_are_taken_where_there_is_no_input() {
    let read = read(
        r#"{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"hi"}]},
            {"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},
            {"role":"tool","tool_call_id":"c","content":"one"}],
            "tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"f"}}}"#,
    );
    assert_eq!((read.system, read.turns.len()), (vec!["s".to_owned()], 3));
    assert_eq!(read.turns[1].parts, [Part::ToolCall(call("c", "f", "{}", false))]);
    assert_eq!(read.turns[2].parts, [result("c", Some("f"), vec![text("one")], false)]);
    assert_eq!((read.tools[0].name.as_str(), read.tool_choice), ("f", Some(ToolChoice::Named("f".to_owned()))));
}

#[test]
fn a_wrong_field_is_named_by_its_path() {
    let item = |item: &str, param: &str| refused(&format!(r#"{{"input":[{item}]}}"#), param);
    item(r#"{"role":"user","content":5}"#, "input[0].content");
    item(r#"{"role":"robot","content":"x"}"#, "input[0].role");
    item(r#"{"content":"x"}"#, "input[0].role");
    item(r#"{"role":"user","content":[{"type":"input_image"}]}"#, "input[0].content[0].image_url");
    item(r#"{"role":"user","content":[{"type":"input_image","image_url":"data:x"}]}"#, "input[0].content[0].image_url");
    item(r#"{"role":"user","content":[{"type":"nonsense"}]}"#, "input[0].content[0].type");
    item(r#"{"role":"assistant","content":[{"type":"input_image","image_url":"https://a"}]}"#, "input[0].content[0].type");
    item(r#"{"type":"function_call","name":"f","arguments":"{}"}"#, "input[0].call_id");
    item(r#"{"type":"function_call","call_id":"c","name":"f","arguments":{}}"#, "input[0].arguments");
    item(r#"{"type":"function_call_output","output":"x"}"#, "input[0].call_id");
    item(r#"{"type":"reasoning","encrypted_content":5}"#, "input[0].encrypted_content");
    item("5", "input[0]");
    let member = |member: &str, param: &str| refused(&format!(r#"{{"input":"x",{member}}}"#), param);
    member(r#""instructions":5"#, "instructions");
    member(r#""tools":[{"type":"function"}]"#, "tools[0].name");
    member(r#""tools":[{"type":"function","name":"f","parameters":5}]"#, "tools[0].parameters");
    member(r#""tool_choice":"maybe""#, "tool_choice");
    member(r#""tool_choice":{"type":"function"}"#, "tool_choice.name");
    member(r#""text":{"format":{"type":"json_schema","name":"n"}}"#, "text.format.schema");
    member(r#""reasoning":{"effort":"hard"}"#, "reasoning.effort");
    member(r#""temperature":"hot""#, "temperature");
    member(r#""include":[5]"#, "include[0]");
    refused("{}", "input");
    refused(r#"{"input":{}}"#, "input");
}

proptest! {
    #[test]
    fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_request(&bytes);
    }
}
