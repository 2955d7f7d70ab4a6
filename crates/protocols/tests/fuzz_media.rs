//! The readers of media answers on bytes that nobody should send: arbitrary ones, and good answers with mistakes in them. What must hold
//! is in `easyai_protocols::fuzzing`.

use easyai_protocols::fuzzing;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// A good answer for every reader.
const SAMPLES: &[&str] = &[
    r#"{"candidates":[{"finishReason":"STOP","content":{"parts":[{"text":"x","thought":true},{"inlineData":{"mimeType":"image/png","data":"aGk="}}]}}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":1290,"promptTokensDetails":[{"modality":"AUDIO","tokenCount":64}]}}"#,
    r#"{"candidates":[{"finishReason":"STOP","content":{"parts":[{"text":"Hi you."}]}}]}"#,
    r#"{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"audio/L16;codec=pcm;rate=24000","data":"UklGRgAAAAA="}}]}}]}"#,
    r#"{"predictions":[{"raiFilteredReason":"no"},{"bytesBase64Encoded":"aGk=","mimeType":"image/png","prompt":"p"}]}"#,
    r#"{"name":"models/v/operations/o","done":true,"response":{"generateVideoResponse":{"generatedSamples":[{"video":{"uri":"https://x"}}]}}}"#,
    r#"{"name":"o","done":true,"response":{"videos":[{"bytesBase64Encoded":"aGk="}],"raiMediaFilteredReasons":["a"]}}"#,
    r#"{"data":[{"url":"https://x","size":"2048x2048"},{"b64_json":"aGk="},{"error":{"code":"c","message":"m"}}],"created":1,"usage":{"output_tokens":9}}"#,
    r#"{"id":"cgt-1","status":"succeeded","content":{"video_url":"https://x"},"usage":{"completion_tokens":9},"resolution":"720p","frames":49,"framespersecond":24}"#,
    r#"{"total":1,"items":[{"id":"c","model":"m","created_at":1010,"duration":5,"seed":7}]}"#,
    "{\"code\":0,\"data\":\"aGk=\"}\n{\"code\":20000000,\"data\":null,\"usage\":{\"text_words\":4}}\n",
    r#"{"audio_info":{"duration":2499},"result":{"text":"a","utterances":[{"text":"a","start_time":0,"end_time":9,"words":[{"text":"a"}]}]}}"#,
];

/// What has broken parsers before.
const NASTY: &[&str] =
    &["null", "[]", "{}", "\"\"", "-1", "1e999", "18446744073709551616", "true", "\"\\ud800\"", "[[[[", "\\", "\"", ",", "-0.0"];

#[test]
fn every_sample_is_taken() {
    for sample in SAMPLES {
        // A list says nothing by itself.
        assert!(fuzzing::media(sample.as_bytes()) || sample.contains("items"), "{sample}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_break_nothing(data in prop::collection::vec(any::<u8>(), 0..200)) {
        fuzzing::media(&data);
    }

    #[test]
    fn good_answers_with_mistakes_break_nothing(
        sample in select(SAMPLES),
        mistakes in prop::collection::vec((any::<Index>(), any::<Index>(), select(NASTY), any::<u8>()), 1..4),
    ) {
        let mut bytes = sample.as_bytes().to_vec();
        for (at, end, nasty, byte) in mistakes {
            let (at, end) = (at.index(bytes.len().max(1)), end.index(bytes.len().max(1)));
            match byte % 4 {
                0 => drop(bytes.splice(at..at, nasty.bytes())),
                1 => drop(bytes.splice(at.min(end)..at.max(end), nasty.bytes())),
                2 => bytes.truncate(at),
                _ => bytes.iter_mut().skip(at).take(1).for_each(|place| *place ^= byte),
            }
        }
        fuzzing::media(&bytes);
    }
}

#[test]
fn depth_breaks_nothing() {
    for (open, close) in [("[", "]"), (r#"{"data":"#, "}"), (r#"{"response":"#, "}"), (r#"{"candidates":["#, "]}")] {
        for deep in [open.repeat(10_000), format!("{}1{}", open.repeat(10_000), close.repeat(10_000))] {
            fuzzing::media(deep.as_bytes());
        }
    }
}
