//! A caller's body on its way: checked, read, written for upstreams of every protocol.

use bytes::Bytes;
use easyai_core::kind::Provider;

use super::{assert_json, is_json};
use crate::embeddings::ark;
use crate::request::{Framing, StreamUsage, TextRequest, Unary};
use crate::rerank::RerankDialect;
use crate::responses::expand;
use crate::wire::{Protocol, Target};
use crate::{anthropic, bridge, completions, embeddings, gemini, moderations, openai, rerank, responses, volces};

/// Upstreams of every protocol and dialect.
const UPSTREAMS: [(Protocol, Provider); 6] = [
    (Protocol::Chat, Provider::Openai),
    (Protocol::Chat, Provider::Volces),
    (Protocol::Responses, Provider::Openai),
    (Protocol::Responses, Provider::Volces),
    (Protocol::Messages, Provider::Anthropic),
    (Protocol::GenerateContent, Provider::Gemini),
];

/// Needs an escape in JSON, and is no caller's name for a model.
const UPSTREAM_NAME: &str = "up\"stream\\";

/// A caller's body is refused or taken; what was taken can be sent on to an upstream of its protocol, and is read and written for all
/// others or refused. Says whether it was read.
pub fn request(protocol: Protocol, data: &[u8]) -> bool {
    let body = Bytes::copy_from_slice(data);
    let Some(request) = scanned(protocol, body) else { return false };
    assert!(is_json(data), "what a scan takes is JSON: {}", String::from_utf8_lossy(data));
    let _ = (request.affinity(), request.last_text());
    passed_on(&request);
    if let Some(unary) = &request.unary {
        one_call(unary);
        return true;
    }
    if protocol == Protocol::Responses {
        gone_on(&request);
    }
    let Ok(conversation) = request.conversation() else { return false };
    for (upstream, provider) in UPSTREAMS {
        for max_output_tokens in [None, Some(1000)] {
            let target = Target { provider, model: UPSTREAM_NAME, max_output_tokens, stream_options: true };
            if let Ok(written) = bridge::write_request(upstream, &conversation, &target) {
                assert_json(&written.body, "a request for an upstream");
            }
        }
    }
    true
}

fn scanned(protocol: Protocol, body: Bytes) -> Option<TextRequest> {
    let scanned = match protocol {
        Protocol::Chat => openai::scan::scan(body),
        Protocol::Responses => responses::scan::scan(body).map(|(request, _)| request),
        Protocol::Messages => anthropic::scan::scan(body),
        Protocol::GenerateContent => gemini::scan::scan(body, "public-model", true, Framing::Events),
        Protocol::Completions => completions::scan::scan(body),
        Protocol::Embeddings => embeddings::scan(body).map(|asked| TextRequest::unary(Unary::Embeddings(asked))),
        Protocol::Moderations => moderations::scan(body).map(|asked| TextRequest::unary(Unary::Moderations(asked))),
        Protocol::Rerank => rerank::scan(body).map(|asked| TextRequest::unary(Unary::Rerank(asked))),
        Protocol::Compaction => responses::compact::scan(body).map(|(request, _)| request),
        // Media have decoders and targets of their own.
        Protocol::Images
        | Protocol::ImageEdits
        | Protocol::Videos
        | Protocol::Speech
        | Protocol::Transcriptions
        | Protocol::Translations => return None,
    };
    scanned.ok()
}

/// The bytes for an upstream of the same protocol say the same with another name.
fn passed_on(request: &TextRequest) {
    for usage in [StreamUsage::Ask, StreamUsage::Leave] {
        let sent = Bytes::from(request.outbound(UPSTREAM_NAME, usage).concat());
        assert_json(&sent, "what is sent on");
        if let Some((shaped, _notes)) = volces::shape(&sent) {
            assert_json(&shaped, "what is sent on to Ark");
        }
        let Some(again) = scanned(request.protocol, sent) else {
            assert!(request.protocol == Protocol::GenerateContent, "what is sent on is a request: {:?}", request.body());
            continue;
        };
        assert!(request.scan.spans.model.is_none() || &*again.scan.model == UPSTREAM_NAME, "the name is the upstream's");
        assert_eq!(again.scan.prompt_tokens, request.scan.prompt_tokens, "nothing else has changed");
        let asks = matches!(request.protocol, Protocol::Chat | Protocol::Completions) && usage == StreamUsage::Ask && request.scan.stream;
        assert!(!asks || again.scan.include_usage, "usage is asked for: {:?}", request.body());
    }
}

fn one_call(unary: &Unary) {
    match unary {
        Unary::Embeddings(asked) => {
            assert_json(&asked.outbound(UPSTREAM_NAME).concat(), "a request for vectors");
            for text in asked.texts().unwrap_or_default() {
                assert_json(&ark::write_request(UPSTREAM_NAME, &text, asked.dimensions), "Ark's request for a vector");
            }
        }
        Unary::Moderations(asked) => assert_json(&asked.outbound(UPSTREAM_NAME).concat(), "a request for a verdict"),
        // Passed on, and looked at there.
        Unary::Compaction(_) | Unary::Media(_) => {}
        Unary::Rerank(asked) => {
            for dialect in [RerankDialect::Jina, RerankDialect::Cohere, RerankDialect::Voyage] {
                if let Ok(written) = rerank::write_request(asked, dialect, UPSTREAM_NAME) {
                    assert_json(&written.body, "a request for an order");
                }
            }
        }
    }
}

/// A response is stored, and gone on from.
fn gone_on(request: &TextRequest) {
    let input = expand::input_items(request.body(), "0123");
    assert_json(&input, "stored input");
    assert_json(&expand::items_page(&input, 2, None, expand::Order::Descending), "a page of stored input");
    let earlier = expand::Exchange { output: input.clone(), input };
    for body in [expand::expand(request.body(), &[earlier]), expand::in_the_foreground(request.body())].into_iter().flatten() {
        assert_json(&body, "a response that goes on");
    }
}
