//! What is read in either spelling, what is refused and how.

use super::*;

fn parse(text: &str) -> Result<TextRequest, BadRequest> {
    scan(Bytes::copy_from_slice(text.as_bytes()), "gemini-2.5-pro", true, Framing::Array)
}

fn refused(text: &str, param: Option<&str>, says: &str) {
    let error = parse(text).expect_err(text);
    assert_eq!(error.param.as_deref(), param, "{text}: {error}");
    assert!(error.message.contains(says), "{text}: {error}");
}

const CAMEL: &str = r#"{"systemInstruction":{"parts":[{"text":"abcd"}]},
 "contents":[{"role":"user","parts":[{"text":"12345678"},{"inlineData":{"mimeType":"image/png","data":"AAAA"}}]},
   {"role":"model","parts":[{"functionCall":{"name":"f","args":{"a":"1234"}},"thoughtSignature":"sssssssssssssssssssssssss"}]},
   {"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"ok"},"parts":[{"inlineData":{"mimeType":"audio/wav","data":"AAAA"}}]}}]}],
 "tools":[{"functionDeclarations":[{"name":"f"}]}],"toolConfig":{"functionCallingConfig":{"mode":"ANY"}},
 "generationConfig":{"maxOutputTokens":1000,"candidateCount":"2","responseMimeType":"application/json","responseJsonSchema":{}},
 "cachedContent":"cachedContents/x"}"#;

#[test]
fn what_we_act_on_is_typed_in_either_spelling() {
    let snake = CAMEL
        .replace("systemInstruction", "system_instruction")
        .replace("inlineData", "inline_data")
        .replace("mimeType", "mime_type")
        .replace("functionCall\"", "function_call\"")
        .replace("thoughtSignature", "thought_signature")
        .replace("functionResponse", "function_response")
        .replace("toolConfig", "tool_config")
        .replace("functionCallingConfig", "function_calling_config")
        .replace("generationConfig", "generation_config")
        .replace("maxOutputTokens", "max_output_tokens")
        .replace("candidateCount", "candidate_count")
        .replace("responseMimeType", "response_mime_type")
        .replace("responseJsonSchema", "response_json_schema")
        .replace("cachedContent\"", "cached_content\"");
    for text in [CAMEL, &snake] {
        let request = parse(text).unwrap();
        let found = &request.scan;
        assert_eq!((request.protocol, request.framing), (Protocol::GenerateContent, Framing::Array));
        assert_eq!((&*found.model, found.stream, found.include_usage), ("gemini-2.5-pro", true, true));
        assert_eq!((found.max_output_tokens, found.choices), (Some(1000), 2));
        assert_eq!(
            found.needs,
            Needs { tools: true, tool_call: true, json: true, json_schema: true, vision: true, audio: true, earlier_items: false }
        );
        assert_eq!(request.affinity(), Some(&b"\"cachedContents/x\""[..]));
        // "abcd" "12345678" "f" "1234" "f" "ok" "f": 21 bytes; three turns.
        assert_eq!(found.prompt_tokens, 6 + 3 * TOKENS_A_TURN);
        assert_eq!(request.outbound("upstream", crate::request::StreamUsage::Ask), vec![request.body().clone()]);
    }
}

#[test]
fn googles_own_samples_leave_brackets_away() {
    let request = parse(r#"{"contents":{"parts":{"text":"1234"}},"tools":{"google_search":{}},"unknown":[1]}"#).unwrap();
    assert_eq!((request.scan.prompt_tokens, request.scan.needs.tools), (1 + TOKENS_A_TURN, true));
    assert_eq!(&request.body()[request.scan.spans.turns.clone()], br#"{"parts":{"text":"1234"}}"#);
    let null = r#"{"contents":[{"parts":[{"text":"a"}]}],"systemInstruction":null,"tools":null,"toolConfig":null,"generationConfig":{"maxOutputTokens":0}}"#;
    assert_eq!(parse(null).unwrap().scan.max_output_tokens, None);
    assert_eq!(parse(r#"{"contents":[{"parts":[{"text":"hello"}]}]}"#).unwrap().last_text(), "hello");
}

#[test]
fn the_first_wrong_field_is_named() {
    refused("", None, "must be a JSON object");
    refused("[]", None, "must be a JSON object");
    refused("{\"contents\":", None, "not JSON");
    refused("{}", Some("contents"), "missing");
    refused(r#"{"contents":[]}"#, Some("contents"), "at least one turn");
    refused(r#"{"contents":7}"#, Some("contents"), "must be an array");
    refused(r#"{"contents":["a"]}"#, Some("contents[0]"), "must be an object");
    refused(r#"{"contents":[{"parts":["a"]}]}"#, Some("contents[0].parts[0]"), "must be an object");
    refused(r#"{"contents":[{"parts":[{"text":"a"},{"text":1}]}]}"#, Some("contents[0].parts[1].text"), "must be a string");
    refused(r#"{"contents":[{"role":1}]}"#, Some("contents[0].role"), "must be a string");
    refused(r#"{"contents":[{}],"generationConfig":[]}"#, Some("generationConfig"), "must be an object");
    refused(r#"{"contents":[{}],"generationConfig":{"maxOutputTokens":"x"}}"#, Some("generationConfig.maxOutputTokens"), "whole number");
    refused(r#"{"contents":[{}],"generationConfig":{"candidateCount":9}}"#, Some("generationConfig.candidateCount"), "from 1 to 8");
    refused(r#"{"contents":[{}],"generation_config":{},"generationConfig":{}}"#, Some("generationConfig"), "twice");
    let unnamed = scan(Bytes::from_static(br#"{"contents":[{}]}"#), " ", false, Framing::Events).unwrap_err();
    assert_eq!(unnamed.param.as_deref(), Some("model"));
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, at in 0usize..900, with: u8) {
        let _whatever = scan(Bytes::from(bytes), "m", false, Framing::Events);
        let mut mutated = CAMEL.as_bytes().to_vec();
        let at = at % mutated.len();
        mutated[at] = with;
        let _whatever = scan(Bytes::from(mutated), "m", false, Framing::Events);
    }
}
