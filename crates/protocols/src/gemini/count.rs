//! Counting tokens for a caller: `:countTokens`.
//!
//! Source: `providers.md` section 6.4.

use bytes::Bytes;

use super::scan::{member_span, scan};
use crate::request::{BadRequest, Framing, TextRequest};

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Counted {
    total_tokens: u64,
    prompt_tokens_details: [Detail; 1],
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    modality: &'static str,
    token_count: u64,
}

/// The request whose prompt is to be counted: the body itself (`{contents}`), or the whole request inside it
/// (`{generateContentRequest: {model, contents, …}}`), which is needed to count system text and tools. The model in the path counts.
///
/// # Errors
/// [`BadRequest`] names the first field that is wrong.
pub fn request(body: &Bytes, model: &str) -> Result<TextRequest, BadRequest> {
    let inner = std::str::from_utf8(body).ok().filter(|text| text.trim_ascii_start().starts_with('{'));
    let span = inner.map(|text| member_span(text, ["generateContentRequest", "generate_content_request"])).transpose()?.flatten();
    scan(span.map_or_else(|| body.clone(), |span| body.slice(span)), model, false, Framing::Events)
}

/// The answer.
#[must_use]
pub fn answer(tokens: u64) -> Bytes {
    let counted = Counted { total_tokens: tokens, prompt_tokens_details: [Detail { modality: "TEXT", token_count: tokens }] };
    // Numbers can't fail to be written.
    serde_json::to_vec(&counted).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(body: &'static str) -> Result<u64, BadRequest> {
        request(&Bytes::from_static(body.as_bytes()), "m").map(|request| request.scan.prompt_tokens)
    }

    #[test]
    fn both_forms_are_counted() {
        let plain = counted(r#"{"contents":[{"parts":[{"text":"12345678"}]}]}"#).unwrap();
        assert_eq!(plain, 2 + 4);
        for name in ["generateContentRequest", "generate_content_request"] {
            let body = format!(
                r#" {{"{name}":{{"model":"models/x","systemInstruction":{{"parts":[{{"text":"1234"}}]}},"contents":[{{"parts":[{{"text":"12345678"}}]}}]}}}}"#
            );
            assert_eq!(request(&Bytes::from(body), "m").unwrap().scan.prompt_tokens, 3 + 4);
        }
        assert_eq!(answer(7), r#"{"totalTokens":7,"promptTokensDetails":[{"modality":"TEXT","tokenCount":7}]}"#);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (body, param) in
            [("{}", Some("contents")), (r#"{"generateContentRequest":{}}"#, Some("contents")), ("[]", None), ("", None), ("{", None)]
        {
            assert_eq!(counted(body).unwrap_err().param.as_deref(), param, "{body}");
        }
    }
}
