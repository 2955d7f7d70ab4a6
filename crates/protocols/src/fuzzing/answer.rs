//! An upstream's whole answer on its way back.

use bytes::{Bytes, BytesMut};
use easyai_core::usage::Usage;

use super::stream::assert_frames;
use super::{TEXTS, assert_json, assert_json_or_nothing, envelope, is_json};
use crate::convert::Converter;
use crate::embeddings::Encoding;
use crate::responses::expand;
use crate::wire::Protocol;
use crate::{bridge, embeddings, gemini, rerank, response_id};

/// An upstream's answer is refused or taken; what was taken is written for every caller, whole and as a stream. Says whether it was read.
pub fn answer(protocol: Protocol, data: &[u8]) -> bool {
    let facts = bridge::answer_facts(protocol, data);
    let _ = bridge::delivered_text(protocol, data);
    if let Some(mended) = bridge::mended_answer(protocol, data).filter(|_| is_json(data)) {
        assert_json(&mended, "what is put right");
        assert_eq!(bridge::mended_answer(protocol, &mended), None, "what is put right is right");
    }
    match protocol {
        Protocol::Embeddings => return vectors(data),
        Protocol::Rerank => return order(data),
        Protocol::Moderations | Protocol::Compaction => return facts.is_ok(),
        Protocol::Images
        | Protocol::ImageEdits
        | Protocol::Videos
        | Protocol::Speech
        | Protocol::Transcriptions
        | Protocol::Translations => return false,
        Protocol::Responses => stored(data),
        Protocol::Chat | Protocol::Messages | Protocol::GenerateContent | Protocol::Completions => {}
    }
    let Ok(answer) = bridge::read_answer(protocol, data) else { return false };
    let usage = answer.usage.unwrap_or(Usage::counted(7, 7));
    for caller in TEXTS {
        assert_json_or_nothing(&bridge::write_answer(caller, &answer, &usage, &envelope()), "an answer for a caller");
        let mut converter = Converter::new(protocol, caller, envelope());
        let mut out = BytesMut::new();
        converter.whole(answer.clone(), &mut out);
        converter.end(&mut out);
        assert_frames(caller, &out, true);
    }
    true
}

/// A response that is kept, and asked for later.
fn stored(data: &[u8]) {
    let body = Bytes::copy_from_slice(data);
    let _ = response_id::response_id(&body);
    if let Some(object) = expand::object_of(&body) {
        assert_json(&expand::output_of(&object), "the output of a stored response");
        let _ = expand::renamed(&object, "resp_1");
    }
}

fn vectors(data: &[u8]) -> bool {
    let body = Bytes::copy_from_slice(data);
    let mut read = false;
    for encoding in [Encoding::Float, Encoding::Base64] {
        if let Some(body) = embeddings::reencode(&body, encoding) {
            assert_json(&body, "an answer whose vectors are written anew");
        }
        for inputs in 1..=3 {
            if let Ok(answer) = embeddings::read_answer(data, inputs) {
                let usage = answer.usage.unwrap_or(Usage::counted(7, 0));
                assert_json(&embeddings::write_answer(&answer.vectors, encoding, "m", &usage), "vectors for a caller");
                read = true;
            }
        }
    }
    for ask in [gemini::embed::read_one(data, "m"), gemini::embed::read_batch(data, "m")].into_iter().flatten() {
        gemini::embed::bodies(&ask).iter().for_each(|body| assert_json(body, "a request for vectors"));
    }
    if let Ok(vectors) = gemini::embed::read_answer(data, 1, None) {
        assert_json(&gemini::embed::write_batch(&vectors), "vectors for a Gemini caller");
        read = true;
    }
    read
}

fn order(data: &[u8]) -> bool {
    let asked = br#"{"model":"m","query":"q","documents":["a",{"text":"b"},{"title":"c"}],"return_documents":true}"#;
    let Ok(request) = rerank::scan(Bytes::from_static(asked)) else { return false };
    let Ok(answer) = rerank::read_answer(data, &request) else { return false };
    assert_json(&rerank::write_answer(&answer, &request), "an order for a caller");
    true
}
