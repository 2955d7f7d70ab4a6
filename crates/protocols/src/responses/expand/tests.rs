//! How a conversation grows, and what is shown of it.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::responses::read_request::read_request;

fn exchange(input: &str, output: &str) -> Exchange {
    Exchange { input: input.to_owned().into(), output: output.to_owned().into() }
}

fn value(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn earlier_turns_come_before_the_new_ones() {
    let first = exchange(
        r#"[{"role":"user","content":"a","type":"message","id":"msg_in"}]"#,
        r#"[{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"lost"}]},
            {"id":"rs_2","type":"reasoning","summary":[],"encrypted_content":"x","status":"completed"},
            {"id":"fc_1","type":"function_call","status":"completed","call_id":"c","name":"f","arguments":"{}"}]"#,
    );
    let second = exchange(
        r#"[{"type":"function_call_output","call_id":"c","output":"one"}]"#,
        r#"[{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"b","annotations":[],"logprobs":[]}]}]"#,
    );
    let body = r#"{"model":"m", "previous_response_id":"resp_2","input":"c\u00e9","temperature":0.50,"store":true}"#;
    let expanded = expand(body.as_bytes(), &[first, second]).unwrap();
    assert_eq!(
        std::str::from_utf8(&expanded).unwrap(),
        concat!(
            r#"{"model":"m","input":[{"role":"user","content":"a","type":"message"},"#,
            r#"{"type":"reasoning","summary":[],"encrypted_content":"x"},"#,
            r#"{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},"#,
            r#"{"type":"function_call_output","call_id":"c","output":"one"},"#,
            r#"{"type":"message","role":"assistant","content":[{"type":"output_text","text":"b","annotations":[],"logprobs":[]}]},"#,
            r#"{"type":"message","role":"user","content":[{"type":"input_text","text":"c\u00e9"}]}],"temperature":0.50,"store":true}"#
        )
    );
    let read = read_request(&expanded).unwrap();
    assert_eq!((read.turns.len(), read.only_here.len()), (5, 0));
}

#[test]
fn new_items_stay_as_they_came() {
    let expanded = expand(br#"{"input":[{"id":"mine","role":"user","content":"x"}],"previous_response_id":"r"}"#, &[]).unwrap();
    assert_eq!(value(&expanded), json!({"input": [{"id": "mine", "role": "user", "content": "x"}]}));
    let messages = expand(
        br#"{"messages":[{"role":"user","content":"x"}],"previous_response_id":"r"}"#,
        &[exchange(r#"[{"role":"user","content":"a"}]"#, "[]")],
    );
    assert_eq!(read_request(&messages.unwrap()).unwrap().turns.len(), 2);
    let nothing_new = expand(br#"{"previous_response_id":"r","input":null}"#, &[exchange(r#"[{"role":"user","content":"a"}]"#, "[]")]);
    assert_eq!(read_request(&nothing_new.unwrap()).unwrap().turns.len(), 1);
}

#[test]
fn what_can_t_be_read_is_refused() {
    assert!(expand(b"{", &[]).is_err());
    assert_eq!(expand(br#"{"input":5}"#, &[]).unwrap_err().param.as_deref(), Some("input"));
    let error = expand(br#"{"input":"x"}"#, &[exchange("[", "[]")]).unwrap_err();
    assert_eq!(error.param.as_deref(), Some("previous_response_id"));
}

#[test]
fn input_items_have_types_and_ids() {
    let body = br#"{"input":[{"role":"user","content":"a"},{"type":"function_call","id":"fc_1","call_id":"c"},{"role":"assistant","content":"b"},{"type":"function_call_output","call_id":"c","output":"x"}]}"#;
    let items = value(&input_items(body, "x"));
    let part = |kind: &str, text: &str| json!([{"type": kind, "text": text}]);
    assert_eq!((&items[0]["type"], &items[0]["content"]), (&json!("message"), &part("input_text", "a")));
    assert_eq!(items[1], json!({"type": "function_call", "id": "fc_1", "call_id": "c"}));
    assert_eq!(items[2]["content"], part("output_text", "b"));
    assert_eq!((&items[0]["id"], &items[3]["id"]), (&json!("msg_x000"), &json!("fco_x003")));
    assert_eq!(value(&input_items(br#"{"input":"a"}"#, "x"))[0]["content"], part("input_text", "a"));
    for none in ["", "{}", r#"{"input":5}"#] {
        assert_eq!(input_items(none.as_bytes(), "x"), "[]", "{none}");
    }
}

#[test]
fn items_of_ours_are_found_by_their_ids() {
    let id = item_id("rs", "01h4", 3);
    assert_eq!(id, "rs_easyai_01h4_03");
    let body = format!(
        r#"{{"input":[{{"type":"item_reference","id":"{id}"}},{{"type":"item_reference","id":"rs_68af"}},{{"role":"user","content":"{id}"}}],"top_p":0.50}}"#
    );
    let named = |item: &str, response: Option<&str>| Reference { item: item.to_owned(), response: response.map(str::to_owned) };
    assert_eq!(references(body.as_bytes()), [named(&id, Some("resp_01h4")), named("rs_68af", None)]);
    assert_eq!(references(br#"{"input":[{"id":"msg_1","type":null},{"id":"msg_2","role":"user","content":"x"}]}"#), [named("msg_1", None)]);
    assert_eq!(references(br#"{"messages":[{"type":"item\u005freference","id":"msg_3"}]}"#), [named("msg_3", None)]);
    let output = format!(r#"[5,{{"id":"msg_1"}},{{"id":"{id}","type":"function_call","call_id":"c","status":"completed"}}]"#);
    let items = item(output.as_bytes(), &id).map(|item| (id.clone(), item)).into_iter().collect();
    assert_eq!(
        std::str::from_utf8(&with_items(body.as_bytes(), &items).unwrap()).unwrap(),
        body.replace(&format!(r#"{{"type":"item_reference","id":"{id}"}}"#), r#"{"type":"function_call","call_id":"c"}"#)
    );
    let forgotten = serde_json::value::to_raw_value(&json!({"type": "reasoning", "summary": []})).unwrap();
    let without = with_items(body.as_bytes(), &[(id.clone(), forgotten)].into_iter().collect()).unwrap();
    assert_eq!(value(&without)["input"].as_array().unwrap().len(), 2, "reasoning that nobody can read");
    assert_eq!(with_items(br#"{"input": "x"}"#, &items).unwrap(), r#"{"input": "x"}"#);
}

#[test]
fn the_object_of_a_stream_is_in_its_last_event() {
    let stream = Bytes::from_static(
        b"event: response.created\ndata: {\"response\":{\"id\":\"r\",\"output\":[]}}\n\ndata: {\"response\":{\"id\":\"r\",\"output\":[1]}}\n\n",
    );
    let object = object_of(&stream).unwrap();
    assert_eq!(output_of(&object), "[1]");
    assert_eq!(renamed(&object, "resp_2"), r#"{"id":"resp_2","output":[1]}"#);
    assert_eq!(output_of(b"{}"), "[]");
    let went_on = with_previous(&Bytes::from_static(br#"{"id":"r","previous_response_id":null,"a":1}"#), "resp_\"0");
    assert_eq!(went_on, r#"{"id":"r","previous_response_id":"resp_\"0","a":1}"#);
    assert_eq!(with_previous(&object, "resp_0"), object);
    assert_eq!(object_of(&Bytes::from_static(b"data: x\n\n")), None);
}

#[test]
fn the_gateway_works_in_the_background_itself() {
    assert_eq!(in_the_foreground(br#"{"a":1.0,"background":true}"#).unwrap(), r#"{"a":1.0}"#);
}

#[test]
fn items_come_in_pages() {
    let items = br#"[{"id":"a"},{"id":"b"},{"id":"c"}]"#;
    let page = |limit, after, order| {
        let page = value(&items_page(items, limit, after, order));
        let ids: String = page["data"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
        assert_eq!(page["object"], "list");
        assert_eq!(page["first_id"].as_str().unwrap_or_default(), ids.get(..1).unwrap_or_default());
        assert_eq!(page["last_id"].as_str().unwrap_or_default(), ids.get(ids.len().saturating_sub(1)..).unwrap_or_default());
        (ids, page["has_more"] == true)
    };
    let ids = |ids: &str, more| (ids.to_owned(), more);
    assert_eq!(page(2, None, Order::Descending), ids("cb", true));
    assert_eq!(page(2, Some("b"), Order::Descending), ids("a", false));
    assert_eq!(page(20, None, Order::Ascending), ids("abc", false));
    assert_eq!(page(1, Some("a"), Order::Ascending), ids("b", true));
    assert_eq!(page(5, Some("unknown"), Order::Ascending), ids("", false));
    assert_eq!(
        items_page(b"broken", 5, None, Order::Ascending),
        r#"{"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false}"#
    );
}

proptest! {
    #[test]
    fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..100), stored in prop::collection::vec(any::<u8>(), 0..100)) {
        let earlier = Exchange { input: stored.clone().into(), output: stored.clone().into() };
        let _ = (expand(&bytes, &[earlier]), input_items(&bytes, "x"), items_page(&stored, 3, None, Order::Ascending));
    }
}
