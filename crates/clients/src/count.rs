//! How long a prompt is, asked of those who can count it: Anthropic and Google, in their own protocols. It costs nothing there.

use bytes::Bytes;
use easyai_core::failure::{Category, Failure, Sent};
use easyai_core::kind::Provider;
use easyai_protocols::request::StreamUsage;
use easyai_protocols::wire::Protocol;
use serde::Deserialize;

use crate::call::{Clients, TextCall};
use crate::refusal::bad_response;
use crate::stream::Clock;
use crate::text::exchange;
use crate::upstream::Endpoint;

#[derive(Deserialize)]
struct Counted {
    #[serde(alias = "totalTokens")]
    input_tokens: u64,
}

pub(crate) async fn count(clients: &Clients, call: &TextCall<'_>) -> Result<u64, Failure> {
    let offer = call.offer;
    let (endpoint, body) = match (call.request.protocol, offer.platform.provider) {
        (Protocol::Messages, Provider::Anthropic) => {
            (Endpoint::CountMessages, call.request.outbound(&offer.upstream_name, StreamUsage::Leave))
        }
        (Protocol::GenerateContent, Provider::Gemini) => (Endpoint::CountTokens, google(&offer.upstream_name, call.request.body())),
        (_, _) => return Err(Failure::new(Category::ModelUnavailable, Sent::Nothing, "the platform does not count in this protocol")),
    };
    let clock = Clock::start(offer.platform.timeouts, call.deadline);
    let (body, _) = exchange(clients, call, endpoint, body, &clock).await?;
    let counted: Counted = serde_json::from_slice(&body).map_err(|error| bad_response(format!("the count can't be read: {error}")))?;
    Ok(counted.input_tokens)
}

/// Google counts system text and tools only inside a whole request, which names its model (`providers.md` section 6.4).
fn google(upstream_name: &str, body: &Bytes) -> Vec<Bytes> {
    let model = serde_json::Value::from(format!("models/{}", upstream_name.trim_start_matches("models/"))).to_string();
    let inner = body.trim_ascii();
    let members = inner.strip_prefix(b"{").unwrap_or(inner);
    let comma = if members.trim_ascii_start().starts_with(b"}") { "" } else { "," };
    vec![
        Bytes::from(format!("{{\"generateContentRequest\":{{\"model\":{model}{comma}")),
        Bytes::copy_from_slice(members),
        Bytes::from_static(b"}"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn google_is_asked_with_the_whole_request() {
        let whole = |body: &'static str| String::from_utf8(google("m", &Bytes::from_static(body.as_bytes())).concat()).unwrap();
        assert_eq!(whole(r#" {"contents":[]} "#), r#"{"generateContentRequest":{"model":"models/m","contents":[]}}"#);
        assert_eq!(whole("{}"), r#"{"generateContentRequest":{"model":"models/m"}}"#);
    }
}
