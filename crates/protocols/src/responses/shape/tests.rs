//! What is changed on the way to an upstream of the same protocol, and what is not.

use proptest::prelude::*;

use super::*;

fn shaped(provider: Provider, body: &str) -> Option<(String, String)> {
    let target = Target { provider, model: "up", max_output_tokens: None, stream_options: true };
    let (body, notes) = shape(&Bytes::copy_from_slice(body.as_bytes()), &target)?;
    Some((String::from_utf8(body.to_vec()).unwrap(), notes.fields()))
}

fn check(provider: Provider, body: &str, expected: &str, notes: &str) {
    assert_eq!(shaped(provider, body), Some((expected.to_owned(), notes.to_owned())));
}

fn untouched(provider: Provider, body: &str) {
    assert_eq!(shaped(provider, body), None, "{body}");
}

#[test]
fn what_the_upstream_takes_goes_on_as_it_came() {
    let plain = r#"{"model":"m","input":"say \"easyai:1:gemini:x\" and \"messages\"","reasoning":{"effort":"none"},"instructions":"i"}"#;
    untouched(Provider::Openai, plain);
    untouched(Provider::Openai, r#"{"input":[{"type":"reasoning","summary":[],"encrypted_content":"gAAA"}]}"#);
    untouched(Provider::Volces, r#"{"input":"hi","reasoning":{"effort":"high"},"instructions":"i","caching":{"type":"disabled"}}"#);
    untouched(Provider::Volces, r#"{"input":[{"role":"user","content":"hi"}],"caching":{"type":"enabled"},"thinking":{"type":"auto"}}"#);
    untouched(Provider::Openai, "broken \"easyai:1:");
}

#[test]
fn state_goes_to_its_owner_alone() {
    let reasoning = |state: &str| format!(r#"{{"type":"reasoning","summary":[],"encrypted_content":"{state}"}}"#);
    let body = |items: &str| format!(r#"{{"input":[{items}{{"role":"user","content":"hi"}}],"model":"m"}}"#);
    for foreign in ["easyai:1:gemini:s", "easyai:1:anthropic_signature:s", "easyai:1:call:c:easyai:1:gemini:s"] {
        check(Provider::Openai, &body(&(reasoning(foreign) + ",")), &body(""), "");
    }
    check(Provider::Openai, &body(&(reasoning("easyai:1:openai:s") + ",")), &body(&(reasoning("s") + ",")), "");
    check(Provider::Volces, &body(&(reasoning("easyai:1:ark:s") + ",")), &body(&(reasoning("s") + ",")), "");
    check(Provider::Volces, &body(&(reasoning("easyai:1:openai:s") + ",")), &body(""), "");
    untouched(Provider::Volces, &body(&(reasoning("gAAA") + ",")));
}

#[test]
fn arks_words_for_thinking_are_fewer() {
    let body = |effort: &str| format!(r#"{{"input":"hi","reasoning":{{"effort":"{effort}","summary":"auto"}},"top_p":0.50}}"#);
    check(Provider::Volces, &body("xhigh"), &body("high"), "reasoning.effort");
    check(Provider::Volces, &body("none"), r#"{"input":"hi","top_p":0.50,"thinking":{"type":"disabled"}}"#, "reasoning.effort");
    untouched(Provider::Volces, &body("minimal"));
}

#[test]
fn instructions_make_room_for_caching() {
    check(
        Provider::Volces,
        r#"{"input":"hi","instructions":"be brief","caching":{"type":"enabled"}}"#,
        r#"{"caching":{"type":"enabled"},"input":[{"role":"system","content":"be brief"},{"role":"user","content":"hi"}]}"#,
        "instructions",
    );
    check(
        Provider::Volces,
        r#"{"input":[{"role":"user","content":"hi"}],"instructions":"be brief","caching":{"type":"enabled","prefix":true}}"#,
        r#"{"caching":{"type":"enabled","prefix":true},"input":[{"role":"system","content":"be brief"},{"role":"user","content":"hi"}]}"#,
        "instructions",
    );
}

#[test]
fn messages_become_an_input() {
    check(
        Provider::Openai,
        r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}],"stream":true}"#,
        r#"{"model":"up","input":[{"type":"message","role":"user","content":"hi"}],"store":false,"stream":true}"#,
        "",
    );
    untouched(Provider::Openai, r#"{"messages":[{"role":"user","content":"a"}],"input":"b"}"#);
}

proptest! {
    #[test]
    fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let target = Target { provider: Provider::Volces, model: "up", max_output_tokens: None, stream_options: true };
        let _ = shape(&Bytes::from(bytes), &target);
    }
}
