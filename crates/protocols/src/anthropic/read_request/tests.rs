//! What each field means, and which one is wrong.

use serde_json::json;

use super::*;
use crate::conversation::{
    Effort, Media, Opaque, OpaqueOwner, OutputFormat, Part, Reasoning, ReasoningAsk, Role, Source, Text, Tool, ToolCall, ToolChoice,
    ToolKind, ToolResult, Turn,
};

fn read(body: &str) -> Conversation {
    read_request(body.as_bytes()).unwrap_or_else(|error| panic!("{body}: {error}"))
}

/// The request with one turn and these members more.
fn with(members: &str) -> Conversation {
    read(&format!(r#"{{"max_tokens":9,"messages":[{{"role":"user","content":"hi"}}],{members}}}"#))
}

/// What one user's message of these blocks says.
fn blocks(blocks: &str) -> Vec<Part> {
    let mut conversation = read(&format!(r#"{{"messages":[{{"role":"user","content":[{blocks}]}}]}}"#));
    assert!(conversation.only_here.is_empty(), "{:?}", conversation.only_here);
    conversation.turns.remove(0).parts
}

fn text(text: &str) -> Part {
    Part::Text(Text::plain(text))
}

fn own(owner: OpaqueOwner, data: &str) -> Option<Opaque> {
    Some(Opaque { owner, data: data.to_owned() })
}

fn refused(body: &str, param: &str) {
    let error = read_request(body.as_bytes()).expect_err(body);
    assert_eq!(error.param.as_deref(), Some(param), "{body}: {error}");
}

#[test]
fn a_round_of_calls_is_read() {
    let conversation = read(
        r#"{"model":"m","max_tokens":1024,"stream":true,"system":[{"type":"text","text":"be"},{"type":"text","text":""},{"type":"text","text":"brief"}],
        "messages":[{"role":"user","content":"hi"},
            {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s1"},{"type":"redacted_thinking","data":"r1"},
                {"type":"text","text":"I look"},{"type":"tool_use","id":"toolu_1","name":"f","input":{"a": 1}},{"type":"tool_use","id":"toolu_2","name":"g"}]},
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"one"},
                {"type":"tool_result","tool_use_id":"toolu_2","is_error":true,"content":[{"type":"text","text":"no"}]},{"type":"text","text":"and?"}]}]}"#,
    );
    assert_eq!(conversation.system, ["be", "brief"]);
    assert_eq!((conversation.max_output_tokens, conversation.stream, conversation.choices), (Some(1024), true, 1));
    let call = |id: &str, name: &str, arguments: &str| {
        Part::ToolCall(ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_owned(), custom: false, opaque: None })
    };
    let result = |call_id: &str, name: &str, said: &str, is_error| {
        Part::ToolResult(ToolResult {
            call_id: call_id.to_owned(),
            name: Some(name.to_owned()),
            parts: vec![text(said)],
            is_error,
            custom: false,
        })
    };
    let reasoning = |text: &str, opaque| Part::Reasoning(Reasoning { text: text.to_owned(), opaque });
    let expected = [
        Turn { role: Role::User, parts: vec![text("hi")] },
        Turn {
            role: Role::Assistant,
            parts: vec![
                reasoning("hm", own(OpaqueOwner::AnthropicSignature, "s1")),
                reasoning("", own(OpaqueOwner::AnthropicRedacted, "r1")),
                text("I look"),
                call("toolu_1", "f", r#"{"a": 1}"#),
                call("toolu_2", "g", "{}"),
            ],
        },
        Turn { role: Role::User, parts: vec![result("toolu_1", "f", "one", false), result("toolu_2", "g", "no", true), text("and?")] },
    ];
    assert_eq!(conversation.turns, expected);
    assert!(conversation.only_here.is_empty() && conversation.tuning.is_empty());
}

#[test]
fn the_state_of_another_provider_goes_back_to_what_it_belongs_to() {
    let gemini = Opaque { owner: OpaqueOwner::Gemini, data: "g1".to_owned() };
    let tagged = gemini.tagged();
    let body = format!(
        r#"{{"messages":[{{"role":"assistant","content":[{{"type":"text","text":"a"}},{{"type":"redacted_thinking","data":"{tagged}"}},
            {{"type":"thinking","thinking":"b","signature":"easyai:1:none:"}}]}}]}}"#
    );
    let expected = vec![
        Part::Text(Text { opaque: Some(gemini), ..Text::plain("a") }),
        Part::Reasoning(Reasoning { text: "b".to_owned(), opaque: None }),
    ];
    assert_eq!(read(&body).turns[0].parts, expected);
}

#[test]
fn images_and_documents_are_read_from_wherever_they_are() {
    let inline = |media_type: &str| Source::Inline { media_type: media_type.to_owned(), data: "aGk=".to_owned() };
    let media = |source, name: Option<&str>| Media { source, name: name.map(str::to_owned), detail: None };
    let url = |media_type: Option<&str>| Source::Url { url: "https://x/a".to_owned(), media_type: media_type.map(str::to_owned) };
    for (block, expected) in [
        (
            r#"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"aGk="}}"#,
            vec![Part::Image(media(inline("image/png"), None))],
        ),
        (r#"{"type":"image","source":{"type":"url","url":"https://x/a"}}"#, vec![Part::Image(media(url(None), None))]),
        (
            r#"{"type":"document","title":"T","source":{"type":"base64","data":"aGk="}}"#,
            vec![Part::File(media(inline("application/pdf"), Some("T")))],
        ),
        (
            r#"{"type":"document","context":"why","source":{"type":"url","url":"https://x/a"}}"#,
            vec![text("why"), Part::File(media(url(Some("application/pdf")), None))],
        ),
        (r#"{"type":"document","title":"T","source":{"type":"text","media_type":"text/plain","data":"words"}}"#, vec![text("T\n\nwords")]),
        (r#"{"type":"document","source":{"type":"content","content":[{"type":"text","text":"words"}]}}"#, vec![text("words")]),
    ] {
        assert_eq!(blocks(block), expected, "{block}");
    }
}

#[test]
fn tools_and_the_choice_among_them_are_read() {
    let conversation = with(
        r#""tools":[{"name":"f","description":"d","input_schema":{"type":"object"},"strict":true,"cache_control":{"type":"ephemeral"}},
            {"type":"custom","name":"g","input_schema":{}},{"type":"web_search_20250305","name":"web_search"}],
        "tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true}"#,
    );
    let kind = |parameters, strict| ToolKind::Function { parameters: Some(parameters), strict };
    let expected = [
        Tool { name: "f".to_owned(), description: Some("d".to_owned()), kind: kind(json!({"type": "object"}), Some(true)) },
        Tool { name: "g".to_owned(), description: None, kind: kind(json!({}), None) },
    ];
    assert_eq!(conversation.tools, expected);
    assert_eq!((conversation.tool_choice, conversation.parallel_tool_calls), (Some(ToolChoice::Named("f".to_owned())), Some(false)));
    assert_eq!((conversation.only_here, conversation.tuning), (vec!["tools[2] (web_search_20250305)".to_owned()], vec!["cache_control"]));
    for (kind, expected) in [("auto", ToolChoice::Auto), ("any", ToolChoice::Required), ("none", ToolChoice::None)] {
        assert_eq!(with(&format!(r#""tool_choice":{{"type":"{kind}"}}"#)).tool_choice, Some(expected));
    }
}

#[test]
fn how_much_to_think_is_read_in_words_and_in_tokens() {
    let ask = |effort, budget_tokens, show| Some(ReasoningAsk { effort, budget_tokens, show });
    for (members, expected) in [
        (r#""thinking":{"type":"disabled"}"#, ask(Some(Effort::None), None, false)),
        (r#""thinking":{"type":"enabled","budget_tokens":2048}"#, ask(None, Some(2048), true)),
        (r#""thinking":{"type":"adaptive","display":"omitted"}"#, ask(None, None, false)),
        (r#""thinking":{"type":"adaptive"},"output_config":{"effort":"max"}"#, ask(Some(Effort::Max), None, true)),
        (r#""output_config":{"effort":"low"}"#, ask(Some(Effort::Low), None, false)),
        (r#""top_k":4"#, None),
    ] {
        assert_eq!(with(members).reasoning, expected, "{members}");
    }
}

#[test]
fn the_rest_is_read_and_what_only_anthropic_knows_is_named() {
    let conversation = with(
        r#""temperature":0.5,"top_p":0.9,"top_k":4,"stop_sequences":["x"],"metadata":{"user_id":"u"},"service_tier":"standard_only",
        "output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}},"container":"c","mcp_servers":[{}],"inference_geo":"us","speed":"fast""#,
    );
    let sampling = conversation.sampling;
    assert_eq!(
        (sampling.temperature, sampling.top_p, sampling.top_k, sampling.stop),
        (Some(0.5), Some(0.9), Some(4), vec!["x".to_owned()])
    );
    assert_eq!((conversation.end_user.as_deref(), conversation.service_tier.as_deref()), (Some("u"), Some("default")));
    let schema = json!({"type": "object"});
    assert_eq!(conversation.output, OutputFormat::JsonSchema { name: None, description: None, schema, strict: Some(true) });
    assert_eq!(conversation.only_here, ["container", "mcp_servers", "inference_geo"]);
    assert_eq!(conversation.tuning, ["speed"]);
    assert!(with(r#""inference_geo":"global","mcp_servers":[]"#).only_here.is_empty());
}

#[test]
fn a_wrong_field_is_named_by_its_path() {
    let message = |message: &str| format!(r#"{{"messages":[{message}]}}"#);
    let block = |block: &str| message(&format!(r#"{{"role":"user","content":[{block}]}}"#));
    refused("{}", "messages");
    refused(r#"{"messages":[]}"#, "messages");
    refused(&message(r#"{"role":"tool","content":"x"}"#), "messages[0].role");
    refused(&message(r#"{"role":"user"}"#), "messages[0].content");
    refused(&block(r#"{"text":"x"}"#), "messages[0].content[0].type");
    refused(&block(r#"{"type":"tool_use","id":"a","name":"b"}"#), "messages[0].content[0].type");
    refused(&block(r#"{"type":"tool_result","content":"x"}"#), "messages[0].content[0].tool_use_id");
    refused(&block(r#"{"type":"image","source":{"type":"base64","data":"x"}}"#), "messages[0].content[0].source.media_type");
    refused(&block(r#"{"type":"image","source":{"type":"floppy"}}"#), "messages[0].content[0].source.type");
    let also = |members: &str| format!(r#"{{"messages":[{{"role":"user","content":"hi"}}],{members}}}"#);
    refused(&also(r#""system":[{"type":"image"}]"#), "system[0].type");
    refused(&also(r#""max_tokens":0"#), "max_tokens");
    refused(&also(r#""tools":[{"name":"f"}]"#), "tools[0].input_schema");
    refused(&also(r#""tool_choice":{"type":"some"}"#), "tool_choice.type");
    refused(&also(r#""thinking":{"type":"enabled"}"#), "thinking.budget_tokens");
    refused(&also(r#""thinking":{"type":"much"}"#), "thinking.type");
    refused(&also(r#""output_config":{"effort":"huge"}"#), "output_config.effort");
    refused(&also(r#""output_config":{"format":{"type":"xml"}}"#), "output_config.format.type");
}
