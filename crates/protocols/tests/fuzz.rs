//! Every decoder on bytes that nobody should send: arbitrary ones, the golden cases with mistakes in them, JSON ten thousand deep, lines
//! and streams without end. What must hold is in `easyai_protocols::fuzzing`; `make fuzz` gives the same functions to a fuzzer.
#![expect(clippy::unwrap_used, reason = "helpers of tests are not tests to clippy, and should fail as loudly")]

use std::path::Path;
use std::sync::LazyLock;

use bytes::{Bytes, BytesMut};
use easyai_protocols::convert::Converter;
use easyai_protocols::fuzzing::{self, ALL, TEXTS};
use easyai_protocols::sse::{Reader, TooLarge};
use easyai_protocols::wire::{Envelope, Protocol};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde::de::IgnoredAny;

/// What a golden case or a line below holds.
#[derive(Debug, Clone)]
struct Sample {
    sort: Sort,
    protocol: Protocol,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Request,
    Answer,
    Stream,
}

/// What the golden cases don't have.
const MORE: &[(Sort, Protocol, &str)] = &[
    (
        Sort::Request,
        Protocol::Completions,
        r#"{"model":"m","prompt":["a"],"stream":true,"stream_options":{"x":1},"stop":["b"],"max_tokens":5,"user":"u"}"#,
    ),
    (Sort::Request, Protocol::Embeddings, r#"{"model":"m","input":["a","b"],"encoding_format":"base64","dimensions":8,"user":"u"}"#),
    (Sort::Request, Protocol::Embeddings, r#"{"model":"m","input":[[1,2],[3]]}"#),
    (
        Sort::Request,
        Protocol::Moderations,
        r#"{"model":null,"input":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:x"}}]}"#,
    ),
    (
        Sort::Request,
        Protocol::Rerank,
        r#"{"model":"m","query":"q","documents":["a",{"text":"b"},{"title":"c"}],"top_n":2,"rank_fields":["text"],"return_documents":true}"#,
    ),
    (
        Sort::Request,
        Protocol::Compaction,
        r#"{"model":"m","input":[{"role":"user","content":"a"},{"type":"compaction","encrypted_content":"b"}],"instructions":"c","image":{}}"#,
    ),
    (
        Sort::Answer,
        Protocol::Completions,
        r#"{"id":"c","model":"m","choices":[{"index":0,"text":"a","finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1}}"#,
    ),
    (
        Sort::Answer,
        Protocol::Embeddings,
        r#"{"object":"list","model":"m","data":[{"index":1,"embedding":"AACAPwAAAEA="},{"index":0,"embedding":[0.5,-1e-3]}],"usage":{"prompt_tokens":2}}"#,
    ),
    (Sort::Answer, Protocol::Embeddings, r#"{"embeddings":[{"values":[0.5,1]}]}"#),
    (Sort::Answer, Protocol::Moderations, r#"{"id":"m","model":"m","results":[{"flagged":true,"categories":{"violence":true}}]}"#),
    (
        Sort::Answer,
        Protocol::Rerank,
        r#"{"id":"r","results":[{"index":2,"relevance_score":0.9},{"index":0,"relevance_score":-1}],"meta":{"billed_units":{"search_units":1}}}"#,
    ),
    (Sort::Answer, Protocol::Rerank, r#"{"data":[{"index":1,"score":0.9}],"usage":{"total_tokens":5}}"#),
    (
        Sort::Answer,
        Protocol::Compaction,
        r#"{"id":"r","object":"response.compaction","output":[{"type":"compaction","encrypted_content":"b"}],"usage":{"input_tokens":9,"output_tokens":3}}"#,
    ),
    (
        Sort::Stream,
        Protocol::Completions,
        "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"text\":\"a\",\"finish_reason\":null}]}\n\ndata: {\"choices\":[{\"text\":\"\",\"finish_reason\":\"length\"}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}\n\ndata: [DONE]\n\n",
    ),
    (Sort::Stream, Protocol::Chat, "{\n\"error\": {\"message\": \"bare\", \"code\": 500}\n}\n"),
];

static SAMPLES: LazyLock<Vec<Sample>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut samples: Vec<Sample> = files.iter().flat_map(|file| sections(&std::fs::read_to_string(file).unwrap())).collect();
    samples.extend(MORE.iter().map(|(sort, protocol, text)| Sample { sort: *sort, protocol: *protocol, text: (*text).to_owned() }));
    samples.sort_by(|one, other| one.text.cmp(&other.text));
    samples.dedup_by(|one, other| one.text == other.text && one.protocol == other.protocol);
    assert!(samples.len() > 20, "the golden cases are there");
    samples
});

/// The caller's body and the upstream's answer of a golden case.
fn sections(file: &str) -> Vec<Sample> {
    let mut upstream = Protocol::Chat;
    let mut samples = Vec::new();
    for section in file.split("\n=== ").skip(1) {
        let (head, text) = section.split_once('\n').unwrap_or((section, ""));
        let mut words = head.split(' ');
        let (name, protocol) = (words.next(), words.next().and_then(|word| word.parse().ok()));
        let (sort, protocol) = match (name, protocol) {
            (Some("caller"), Some(protocol)) => (Sort::Request, protocol),
            (Some("upstream"), Some(protocol)) => {
                upstream = protocol;
                (Sort::Request, protocol)
            }
            (Some("answer"), _) if text.trim_start().starts_with('{') => (Sort::Answer, upstream),
            (Some("answer"), _) => (Sort::Stream, upstream),
            _ => continue,
        };
        // Streams end with a blank line, which splitting took.
        samples.push(Sample { sort, protocol, text: format!("{}\n\n", text.trim_end()) });
    }
    samples.retain(|sample| !sample.text.trim().is_empty());
    samples
}

/// Gives bytes to the decoders of a sort and a protocol. Says whether they were taken.
fn decode(sort: Sort, protocol: Protocol, data: &[u8]) -> bool {
    match sort {
        Sort::Request => fuzzing::request(protocol, data),
        Sort::Answer => {
            fuzzing::error(data);
            fuzzing::answer(protocol, data)
        }
        Sort::Stream => {
            let (events, read) = (fuzzing::sse(data), fuzzing::side(protocol, data));
            TEXTS.iter().fold(events && read, |taken, caller| fuzzing::stream(protocol, *caller, data) && taken)
        }
    }
}

/// Bytes for all decoders there are.
fn decode_by_all(data: &[u8]) {
    for protocol in ALL {
        decode(Sort::Request, protocol, data);
        decode(Sort::Answer, protocol, data);
    }
    for protocol in TEXTS {
        decode(Sort::Stream, protocol, data);
        // Decoders of events alone, too.
        let mut framed = b"data: ".to_vec();
        framed.extend(data.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
        decode(Sort::Stream, protocol, &framed);
    }
}

/// What is done to a sample.
#[derive(Debug, Clone)]
enum Mistake {
    Flip(Index, u8),
    /// A byte that means something in JSON or a stream: arbitrary ones hardly ever do.
    Say(Index, Index),
    Cut(Index, u8),
    Double(Index, u8),
    Insert(Index, Index),
    Splice(Index, Index, Index),
}

const TELLING: &[u8] = b"\"\\{}[]:,0-1.en \n\rtul\0\xEF\xFF";

/// What has broken parsers before.
const NASTY: &[&[u8]] = &[
    br#""\ud800""#,
    br#""\udc00\ud800""#,
    br#""\u0000""#,
    b"\0",
    b"\xFF\xFE",
    b"\xC0\x80",
    b"\xED\xA0\x80",
    b"1e999",
    b"-1e999",
    b"-0",
    b"1E+2",
    b"0.1e-400",
    b"18446744073709551616",
    b"-9223372036854775809",
    b"9007199254740993",
    b"\xEF\xBB\xBF",
    b"\r",
    b"\r\n",
    b"\n\n",
    b"null",
    b"{}",
    b"[]",
    b"\"\"",
    b"{\"\":{}}",
    b"\"a\":1,\"a\":2,",
    b"data: ",
    b"event: ",
    b":\n",
    b"data: [DONE]\n\n",
    b"data:\n\n",
    b"{\"error\":{}}",
    b"\xE2\x80\xA8",
    b"\"data:;base64,\"",
];

fn mistakes() -> impl Strategy<Value = Vec<Mistake>> {
    let at = any::<Index>;
    let one = prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Mistake::Flip(at, byte)),
        (at(), at()).prop_map(|(at, which)| Mistake::Say(at, which)),
        (at(), any::<u8>()).prop_map(|(at, length)| Mistake::Cut(at, length)),
        (at(), any::<u8>()).prop_map(|(at, length)| Mistake::Double(at, length)),
        (at(), at()).prop_map(|(at, which)| Mistake::Insert(at, which)),
        (at(), at(), at()).prop_map(|(at, other, from)| Mistake::Splice(at, other, from)),
    ];
    prop::collection::vec(one, 1..4)
}

fn make(mistake: &Mistake, mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.is_empty() {
        return bytes;
    }
    let length = bytes.len();
    let piece =
        |at: &Index, length: &u8, bytes: &[u8]| at.index(bytes.len())..(at.index(bytes.len()) + usize::from(*length)).min(bytes.len());
    match mistake {
        Mistake::Flip(at, byte) => bytes[at.index(length)] ^= byte,
        Mistake::Say(at, which) => bytes[at.index(length)] = TELLING[which.index(TELLING.len())],
        Mistake::Cut(at, length) => drop(bytes.drain(piece(at, length, &bytes))),
        Mistake::Double(at, length) => {
            let range = piece(at, length, &bytes);
            let copy = bytes[range.clone()].to_vec();
            bytes.splice(range.start..range.start, copy);
        }
        Mistake::Insert(at, which) => {
            let at = at.index(length);
            bytes.splice(at..at, NASTY[which.index(NASTY.len())].iter().copied());
        }
        Mistake::Splice(at, other, from) => {
            bytes.truncate(at.index(length));
            let other = SAMPLES[other.index(SAMPLES.len())].text.as_bytes();
            bytes.extend_from_slice(&other[from.index(other.len())..]);
        }
    }
    bytes
}

/// Where a value begins and ends in JSON, for every value in it.
fn values(json: &str) -> Vec<(usize, usize)> {
    let (mut found, mut in_string, mut escaped, mut expected) = (Vec::new(), false, false, true);
    for (at, byte) in json.bytes().enumerate() {
        if expected && !in_string && !byte.is_ascii_whitespace() {
            let mut values = serde_json::Deserializer::from_str(&json[at..]).into_iter::<IgnoredAny>();
            if values.next().is_some_and(|value| value.is_ok()) {
                found.push((at, at + values.byte_offset()));
            }
            expected = false;
        }
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b':' | b',' | b'[' if !in_string => expected = true,
            _ => {}
        }
    }
    found
}

const DEEP: usize = 10_000;

/// A value of this depth, whole and broken off.
fn deep() -> [String; 3] {
    let (arrays, objects) = ("[".repeat(DEEP), "{\"a\":".repeat(DEEP));
    [format!("{arrays}{}", "]".repeat(DEEP)), format!("{objects}0{}", "}".repeat(DEEP)), objects]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn samples_with_mistakes_are_read_or_refused(at in any::<Index>(), mistakes in mistakes()) {
        let sample = &SAMPLES[at.index(SAMPLES.len())];
        let data = mistakes.iter().fold(sample.text.clone().into_bytes(), |bytes, mistake| make(mistake, bytes));
        decode(sample.sort, sample.protocol, &data);
    }

    #[test]
    fn a_sample_of_another_protocol_is_read_or_refused(at in any::<Index>(), protocol in select(&ALL[..])) {
        let sample = &SAMPLES[at.index(SAMPLES.len())];
        let sort = if sample.sort == Sort::Stream { Sort::Stream } else { Sort::Request };
        decode(sort, protocol, sample.text.as_bytes());
        decode(Sort::Answer, protocol, sample.text.as_bytes());
    }

    #[test]
    fn a_value_of_another_sort_is_read_or_refused(at in any::<Index>(), value in any::<Index>(), nasty in any::<Index>()) {
        let sample = &SAMPLES[at.index(SAMPLES.len())];
        let values = values(&sample.text);
        prop_assume!(!values.is_empty());
        let (from, to) = values[value.index(values.len())];
        let mut data = sample.text.clone().into_bytes();
        data.splice(from..to, NASTY[nasty.index(NASTY.len())].iter().copied());
        decode(sample.sort, sample.protocol, &data);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_read_or_refused(data in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(select(TELLING), 0..200),
        prop::collection::vec(select(NASTY), 0..20).prop_map(|pieces| pieces.concat()),
    ]) {
        decode_by_all(&data);
    }
}

#[test]
fn samples_without_mistakes_are_taken() {
    // The others test more than refusals only because of this.
    for sample in SAMPLES.iter() {
        let taken = decode(sample.sort, sample.protocol, sample.text.as_bytes());
        assert_eq!(taken, !sample.text.contains("\"bare\""), "{sample:?}");
    }
}

#[test]
fn what_breaks_parsers_is_read_or_refused() {
    NASTY.iter().for_each(|data| decode_by_all(data));
}

#[test]
fn json_ten_thousand_deep_is_refused_or_passed_over_in_every_place() {
    let deep = deep();
    deep.iter().for_each(|deep| decode_by_all(deep.as_bytes()));
    for sample in SAMPLES.iter() {
        for (at, (from, to)) in values(&sample.text).into_iter().enumerate() {
            let data = [&sample.text[..from], &deep[at % deep.len()], &sample.text[to..]].concat();
            match sample.sort {
                Sort::Request => assert!(!fuzzing::request(sample.protocol, data.as_bytes()), "refused: {}", &sample.text[..from]),
                Sort::Answer => drop(decode(sample.sort, sample.protocol, data.as_bytes())),
                Sort::Stream => {
                    fuzzing::side(sample.protocol, data.as_bytes());
                    fuzzing::stream(sample.protocol, TEXTS[at / deep.len() % TEXTS.len()], data.as_bytes());
                }
            }
        }
    }
}

fn envelope() -> Envelope {
    Envelope {
        id: "0123456789abcdef".to_owned(),
        created_at: 1_760_000_000,
        model: "public-model".into(),
        include_usage: true,
        input_tokens: 7,
        request: Bytes::new(),
    }
}

const PIECE: usize = 64 << 10;

/// Gives `piece` to a reader again and again, `times` times at most. Says how often it went well, and how many events there were.
fn poured(reader: &mut Reader, piece: &Bytes, times: usize) -> (usize, usize) {
    let mut events = 0;
    for time in 0..times {
        reader.push(piece.clone());
        loop {
            match reader.next() {
                Ok(Some(_)) => events += 1,
                Ok(None) => break,
                Err(TooLarge(_)) => return (time, events),
            }
        }
    }
    (times, events)
}

#[test]
fn a_line_without_end_is_refused_before_much_of_it_is_kept() {
    const MAX: usize = 1 << 20;
    for begins in ["data: ", "event: ", ": ", "", "id: ", "{", "[", "{\"a\": \""] {
        let mut reader = Reader::new(MAX);
        assert_eq!(poured(&mut reader, &Bytes::copy_from_slice(begins.as_bytes()), 1), (1, 0));
        let (taken, events) = poured(&mut reader, &Bytes::from(vec![b'a'; PIECE]), (100 << 20) / PIECE);
        assert!(taken <= MAX / PIECE && events == 0, "`{begins}`: {taken} pieces were taken");
    }
}

#[test]
fn a_line_of_100_mb_that_comes_at_once_is_refused() {
    let mut line = b"data: ".to_vec();
    line.resize(100 << 20, b'a');
    line.extend_from_slice(b"\n\n");
    let line = Bytes::from(line);
    for from in [0, 6] {
        let mut reader = Reader::new(1 << 20);
        assert_eq!(poured(&mut reader, &line.slice(from..), 1), (0, 0));
    }
    // And no decoder of whole answers is put out by it.
    assert!(!fuzzing::request(Protocol::Chat, &line[..10 << 20]));
}

#[test]
fn an_event_of_many_lines_is_bounded_too() {
    // Each counts with what it takes: an empty line a byte, for the break.
    for line in ["data\n", "data:\n", "data:x\r", "data: xxxxxxxx\r\n"] {
        let piece = Bytes::from(line.repeat(1000));
        let (taken, events) = poured(&mut Reader::new(100_000), &piece, 1000);
        assert!((5..=100).contains(&taken) && events == 0, "{line:?}: {taken} pieces were taken");
    }
    let mut reader = Reader::new(100_000);
    poured(&mut reader, &Bytes::from_static(b"{\n"), 1);
    let (taken, events) = poured(&mut reader, &Bytes::from("\n".repeat(1000)), 1000);
    assert!(taken <= 100 && events == 0, "bare JSON: {taken} pieces were taken");
}

#[test]
fn an_event_as_large_as_allowed_is_taken_and_no_larger_one() {
    const MAX: usize = 64 << 20;
    for (size, is_taken) in [(MAX, true), (MAX + 1, false)] {
        let mut event = b"data: ".to_vec();
        event.resize(event.len() + size, b'a');
        event.extend_from_slice(b"\n\n");
        let event = Bytes::from(event);
        for piece in [event.len(), PIECE - 1] {
            let mut reader = Reader::new(MAX);
            let mut found = Ok(None);
            let mut from = 0;
            while from < event.len() && found == Ok(None) {
                let to = (from + piece).min(event.len());
                reader.push(event.slice(from..to));
                found = reader.next().map(|event| event.map(|event| event.data.len()));
                from = to;
            }
            assert_eq!(found, if is_taken { Ok(Some(size)) } else { Err(TooLarge(MAX)) }, "in pieces of {piece} bytes");
        }
    }
}

#[test]
fn endless_comments_and_empty_events_are_passed_over() {
    for (nothing, times) in
        [(": keep-alive\n\n", 100), ("data:\n\n", 1000), ("data: \r\n\r\n", 100), ("event: x\n\n", 100), ("\n", 1000), ("\r", 100)]
    {
        let piece = Bytes::from(nothing.repeat(1000));
        assert_eq!(poured(&mut Reader::new(100), &piece, times), (times, 0), "{nothing:?}");
    }
}

#[test]
fn endless_events_that_say_nothing_write_nothing() {
    let empty = [
        (Protocol::Chat, r#"{"choices":[{"index":0,"delta":{}}]}"#),
        (Protocol::Responses, r#"{"type":"response.in_progress"}"#),
        (Protocol::Messages, r#"{"type":"ping"}"#),
        (Protocol::GenerateContent, r#"{"candidates":[{"content":{"parts":[{"text":""}]}}]}"#),
        (Protocol::Completions, r#"{"choices":[{"index":0,"text":""}]}"#),
    ];
    for (upstream, event) in empty {
        for caller in TEXTS {
            let mut converter = Converter::new(upstream, caller, envelope());
            let mut out = BytesMut::new();
            for _ in 0..10_000 {
                converter.event(event.as_bytes(), &mut out).unwrap();
            }
            assert!(out.len() < 8 << 10, "{upstream} for {caller}: {} bytes were written", out.len());
        }
    }
}

#[test]
fn long_lists_take_no_more_than_their_length() {
    // Were there a loop in a loop, these would take minutes.
    let many = |one: &str, count: usize| vec![one; count].join(",");
    let calls = many(r#"{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}"#, 5_000);
    fuzzing::answer(Protocol::Responses, format!(r#"{{"object":"response","output":[{calls}]}}"#).as_bytes());
    let calls = many(r#"{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}"#, 5_000);
    fuzzing::answer(Protocol::Chat, format!(r#"{{"choices":[{{"message":{{"tool_calls":[{calls}]}}}}]}}"#).as_bytes());
    let blocks = many(r#"{"type":"tool_use","id":"c","name":"f","input":{}}"#, 5_000);
    fuzzing::answer(Protocol::Messages, format!(r#"{{"type":"message","content":[{blocks}]}}"#).as_bytes());
    let parts = many(r#"{"functionCall":{"name":"f","args":{}}}"#, 5_000);
    fuzzing::answer(Protocol::GenerateContent, format!(r#"{{"candidates":[{{"content":{{"parts":[{parts}]}}}}]}}"#).as_bytes());
}
