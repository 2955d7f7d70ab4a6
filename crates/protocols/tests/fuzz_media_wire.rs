//! Requests, answers and events with media on bytes that nobody should send. What must hold is in `easyai_protocols::fuzzing`.

use easyai_core::kind::Kind;
use easyai_protocols::fuzzing::{FORM, MEDIA, form, media_answer, media_event, media_request};
use proptest::prelude::*;
use proptest::sample::{Index, select};

const PART: &str = "--x\r\ncontent-disposition: form-data; name=";

fn forms() -> Vec<Vec<u8>> {
    let png = "GIF89a\u{8}\0\u{8}\0";
    let form = |parts: &[(&str, &str)]| {
        let parts: String = parts.iter().map(|(name, data)| format!("{PART}{name}\r\n\r\n{data}\r\n")).collect();
        format!("{parts}--x--\r\n").into_bytes()
    };
    vec![
        form(&[
            ("\"model\"", "m"),
            ("\"prompt\"", "a"),
            ("\"image[]\"; filename=\"a.gif\"", png),
            ("\"mask\"; filename=\"b\"", png),
            ("\"n\"", "2"),
        ]),
        form(&[("\"model\"", "m"), ("\"prompt\"", "a"), ("\"seconds\"", "8"), ("\"input_reference[image_url]\"", "https://x/y")]),
        form(&[
            ("\"model\"", "m"),
            ("\"file\"; filename=\"a.ogg\"", "OggS"),
            ("\"timestamp_granularities[]\"", "word"),
            ("\"stream\"", "true"),
        ]),
    ]
}

const REQUESTS: &[&str] = &[
    r#"{"model":"m","prompt":"a","n":2,"size":"1024x1024","quality":"high","response_format":"url","stream":true,"partial_images":1,"seed":5}"#,
    r#"{"model":"m","prompt":"a","images":[{"image_url":"data:image/gif;base64,R0lGODlhCAAIAA=="},"https://x/y"],"mask":{"url":"https://x/z"}}"#,
    r#"{"model":"m","prompt":"a","duration":5,"resolution":"720p","ratio":"9:16","first_frame":"https://x/1","last_frame":{"image_url":{"url":"https://x/2"}},"generate_audio":true}"#,
    r#"{"model":"m","input":"a","voice":{"id":"v"},"speed":1.5,"response_format":"wav","stream_format":"sse"}"#,
    r#"{"model":"m","file":"data:audio/ogg;base64,T2dnUwAA","timestamp_granularities":["word"],"response_format":"srt"}"#,
];

const ANSWERS: &[&str] = &[
    r#"{"created":1,"data":[{"b64_json":"R0lGODlhCAAIAA==","revised_prompt":"b"},{"url":"https://x/y"},{"error":{"code":"c","message":"no"}}],"size":"8x8","usage":{"input_tokens":1,"output_tokens":2,"input_tokens_details":{"cached_tokens":1}}}"#,
    r#"{"text":"a","duration":1.5,"usage":{"type":"duration","seconds":2},"segments":[]}"#,
    r#"{"id":"v","status":"completed","progress":50.5,"seconds":"8","size":"1280x720","url":"https://x/v.mp4","error":null}"#,
];

const EVENTS: &[&str] = &[
    r#"{"type":"image_generation.partial_image","b64_json":"aW1n","partial_image_index":0}"#,
    r#"{"type":"image_edit.completed","b64_json":"aW1n","size":"8x8","quality":"low","usage":{"input_tokens":1,"output_tokens":2}}"#,
    r#"{"type":"speech.audio.done","usage":{"input_tokens":1,"output_tokens":2}}"#,
    r#"{"type":"transcript.text.done","text":"a","usage":{"type":"duration","seconds":1}}"#,
    r#"{"type":"error","error":{"message":"no","code":"c"}}"#,
];

/// Some bytes changed, cut out or doubled.
fn mistaken(samples: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    (select(samples), prop::collection::vec((any::<Index>(), any::<u8>(), 0..4_u8), 0..5))
        .prop_map(|(sample, mistakes)| mistakes.into_iter().fold(sample, mistake))
}

fn mistake(mut bytes: Vec<u8>, (at, byte, how): (Index, u8, u8)) -> Vec<u8> {
    const TELLING: &[u8] = b"\"\\{}[]:,0-1.en tul\r\n;=";
    if bytes.is_empty() {
        return bytes;
    }
    let at = at.index(bytes.len());
    match how {
        0 => bytes[at] = byte,
        1 => bytes[at] = TELLING[usize::from(byte) % TELLING.len()],
        2 => drop(bytes.drain(at..(at + usize::from(byte % 24)).min(bytes.len()))),
        _ => {
            let piece = bytes[at..(at + usize::from(byte % 24)).min(bytes.len())].to_vec();
            bytes.splice(at..at, piece);
        }
    }
    bytes
}

fn bytes(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

#[test]
fn the_samples_are_taken() {
    let kinds = [Kind::ImagesEdits, Kind::VideosGenerations, Kind::AudioTranscriptions];
    for (sample, kind) in forms().iter().zip(kinds) {
        assert!(form(sample) && media_request(kind, Some(FORM), sample), "{}", String::from_utf8_lossy(sample));
    }
    let kinds = [Kind::ImagesGenerations, Kind::ImagesEdits, Kind::VideosGenerations, Kind::AudioSpeech, Kind::AudioTranscriptions];
    for (sample, kind) in REQUESTS.iter().zip(kinds) {
        assert!(media_request(kind, None, sample.as_bytes()), "{sample}");
    }
    assert!(ANSWERS.iter().all(|sample| media_answer(sample.as_bytes())));
    assert!(EVENTS.iter().all(|sample| media_event(sample.as_bytes())));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn forms_with_mistakes_are_refused_or_taken(data in mistaken(forms()), kind in select(&MEDIA)) {
        form(&data);
        media_request(kind, Some(FORM), &data);
    }

    #[test]
    fn requests_with_mistakes_are_refused_or_taken(data in mistaken(bytes(REQUESTS)), kind in select(&MEDIA)) {
        media_request(kind, None, &data);
    }

    #[test]
    fn answers_with_mistakes_are_refused_or_taken(data in mistaken(bytes(ANSWERS))) {
        media_answer(&data);
    }

    #[test]
    fn events_with_mistakes_are_refused_or_taken(data in mistaken(bytes(EVENTS))) {
        media_event(&data);
    }

    #[test]
    fn arbitrary_bytes_are_refused_or_taken(data: Vec<u8>, kind in select(&MEDIA)) {
        form(&data);
        media_request(kind, None, &data);
        media_request(kind, Some(FORM), &data);
        media_answer(&data);
        media_event(&data);
    }
}
