//! What upstreams really send, in every cut.

use proptest::prelude::*;

use super::*;

fn read(pieces: &[&[u8]]) -> Vec<String> {
    let mut reader = Reader::new(1 << 20);
    let mut events = Vec::new();
    let mut pull = |reader: &mut Reader| {
        while let Some(event) = reader.next().unwrap() {
            events.push(String::from_utf8(event.data.to_vec()).unwrap());
        }
    };
    for piece in pieces {
        reader.push(Bytes::copy_from_slice(piece));
        pull(&mut reader);
    }
    reader.finish();
    pull(&mut reader);
    events
}

fn check(text: &str, expected: &[&str]) {
    assert_eq!(read(&[text.as_bytes()]), expected, "whole: {text:?}");
    let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
    assert_eq!(read(&bytes), expected, "byte by byte: {text:?}");
}

#[test]
fn line_ends_spaces_comments_and_fields_of_all_sorts_are_borne() {
    check("data: a\n\ndata: b\n\n", &["a", "b"]);
    check("data: a\r\n\r\ndata: b\r\n\r\n", &["a", "b"]);
    check("data: a\r\rdata: b\r\r", &["a", "b"]);
    check("data:a\n\ndata:  b\n\n", &["a", " b"]);
    check(": keep-alive\n\n: x\ndata: a\n\n", &["a"]);
    check("event: message\nid: 7\nretry: 5\ndata: a\n\n", &["a"]);
    check("data: {\ndata: }\n\n", &["{\n}"]);
    check("\u{feff}data: a\n\n", &["a"]);
    check("\n\n\ndata: a\n\n\n\n", &["a"]);
    check("database: a\n\ndata\n\n", &[]);
    check("data: é漢\n\n", &["é漢"]);
}

#[test]
fn a_last_event_without_its_blank_line_counts() {
    check("data: a\n\ndata: b", &["a", "b"]);
    check("data: a\n\ndata: b\n", &["a", "b"]);
    check("data: a\r\n\r\ndata: b\r", &["a", "b"]);
}

#[test]
fn bare_json_between_events_is_an_event() {
    check("{\n  \"error\": {\n  }\n}\n", &["{\n  \"error\": {\n  }\n}"]);
    check("data: a\r\n\r\n{\r\n\r\n\"}\": \"\\\"{\"\r\n}\r\ndata: b\r\n\r\n", &["a", "{\n\n\"}\": \"\\\"{\"\n}", "b"]);
    check("[{\"error\":1}\n]\n", &["[{\"error\":1}\n]"]);
    check("{\"error\":1}", &["{\"error\":1}"]);
    check("{\ndata: a\n\n", &["a"]);
    check("{\n\"cut\": 1", &["{\n\"cut\": 1"]);
    check("data: a\n{\"no\": \"event of its own\"}\n\n", &["a"]);
    let mut reader = Reader::new(10);
    reader.push(Bytes::from_static(b"{\n01234\n56789\n"));
    assert_eq!(reader.next(), Err(TooLarge(10)));
}

#[test]
fn an_event_in_our_own_framing_is_passed_on_as_it_lies() {
    let piece = Bytes::from_static(b"data: a\n\ndata: b\n\ndata:c\n\n");
    let mut reader = Reader::new(100);
    reader.at_start = false;
    reader.push(piece.clone());
    let first = reader.next().unwrap().unwrap();
    assert_eq!(first.raw.as_ref().map(|raw| raw.as_ptr()), Some(piece.as_ptr()), "no copy");
    assert!(reader.next().unwrap().unwrap().raw.is_some());
    assert_eq!(reader.next().unwrap().unwrap().raw, None);
}

#[test]
fn an_endless_event_is_refused() {
    let mut reader = Reader::new(10);
    reader.push(Bytes::from_static(b"data: 0123456789012345"));
    assert_eq!(reader.next(), Err(TooLarge(10)));
    let mut reader = Reader::new(10);
    reader.push(Bytes::from_static(b"data: 01234\ndata: 56789\n\n"));
    assert_eq!(reader.next(), Err(TooLarge(10)));
}

proptest! {
    #[test]
    fn cuts_change_nothing(text in "(data: ?[a-z]{0,5}(\n|\r\n|\r)|[{}\"\\\\]{1,3}\n|: c\n|\n|\r\n|\r|event: e\n){0,20}", cuts in prop::collection::vec(1usize..8, 0..40)) {
        let whole = read(&[text.as_bytes()]);
        let mut pieces = Vec::new();
        let mut rest = text.as_bytes();
        for cut in cuts {
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        prop_assert_eq!(read(&pieces), whole);
    }

    #[test]
    fn what_is_written_is_read_back(data in "[a-z{}\n]{1,30}") {
        prop_assume!(!data.trim_matches('\n').is_empty());
        let framed = frame(data.as_bytes());
        prop_assert_eq!(read(&[&framed]), vec![data]);
    }
}
