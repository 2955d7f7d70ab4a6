//! Which protocol an upstream is spoken to in, and where.

use easyai_core::catalog::PlatformModel;
use easyai_core::kind::{Api, Provider};
use easyai_protocols::wire::{Protocol, Target};

/// OpenAI itself has both of its text APIs.
const OPENAI: &str = "https://api.openai.com";

/// The protocol in which `offer` is asked for what a caller asks in `caller`'s.
///
/// The caller's own wherever the upstream speaks it, since then bytes pass through. An OpenAI-compatible upstream of which nobody said
/// whether it has `/responses` is tried, once (see [`has_no_responses`](crate::call::Clients)).
#[must_use]
pub fn protocol(offer: &PlatformModel, caller: Protocol) -> Protocol {
    match offer.platform.provider {
        _ if !caller.is_text() => caller,
        Provider::Anthropic => Protocol::Messages,
        Provider::Gemini => Protocol::GenerateContent,
        Provider::Openai | Provider::Volces => match (offer.api(), caller) {
            (Some(Api::Responses), _) | (None, Protocol::Responses) => Protocol::Responses,
            (_, Protocol::Completions) if offer.platform.provider == Provider::Openai => Protocol::Completions,
            (
                Some(Api::Chat) | None,
                Protocol::Chat
                | Protocol::Responses
                | Protocol::Messages
                | Protocol::GenerateContent
                | Protocol::Completions
                | Protocol::Embeddings
                | Protocol::Moderations
                | Protocol::Rerank
                | Protocol::Compaction
                | Protocol::Images
                | Protocol::ImageEdits
                | Protocol::Videos
                | Protocol::Speech
                | Protocol::Transcriptions
                | Protocol::Translations,
            ) => Protocol::Chat,
        },
        Provider::Simulation => Protocol::Chat,
    }
}

/// Whether it is OpenAI itself, and no compatible upstream.
#[must_use]
pub(crate) fn is_openai(offer: &PlatformModel) -> bool {
    offer.platform.base_url.starts_with(OPENAI)
}

/// Whether `/responses` is only believed to be there.
#[must_use]
pub(crate) fn is_a_guess(offer: &PlatformModel, protocol: Protocol) -> bool {
    protocol == Protocol::Responses && offer.api().is_none() && !offer.platform.base_url.starts_with(OPENAI)
}

/// Whether it is known to make conversations short: nobody but OpenAI has that, and those of whom an operator says that they speak
/// Responses.
#[must_use]
pub(crate) fn compacts(offer: &PlatformModel) -> bool {
    offer.api().map_or_else(|| is_openai(offer), |api| api == Api::Responses)
}

/// The upstream as a request is written for it.
#[must_use]
pub fn target(offer: &PlatformModel) -> Target<'_> {
    Target {
        provider: offer.platform.provider,
        model: &offer.upstream_name,
        max_output_tokens: offer.max_output_tokens.map(|most| most.get().into()),
        stream_options: offer.platform.options.stream_options,
    }
}

/// An endpoint under a platform's base URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Endpoint {
    /// `/chat/completions`.
    Chat,
    /// `/responses`.
    Responses,
    /// `/responses/compact`.
    ResponsesCompact,
    /// `/completions`.
    Completions,
    /// `/v1/messages`, with `?beta=true` where the caller's own request has beta features.
    Messages { beta: bool },
    /// `/models/{model}:generateContent` or `:streamGenerateContent?alt=sse`.
    GenerateContent { stream: bool },
    /// `/v1/messages/count_tokens`.
    CountMessages,
    /// `/models/{model}:countTokens`.
    CountTokens,
    /// `/models/{model}:batchEmbedContents`.
    BatchEmbedContents,
    /// `/embeddings`.
    Embeddings,
    /// `/embeddings/multimodal`.
    MultimodalEmbeddings,
    /// `/moderations`.
    Moderations,
    /// `/rerank`.
    Rerank,
    /// `/images/generations`.
    Images,
    /// `/images/edits`.
    ImageEdits,
    /// `/videos`.
    Videos,
    /// `/audio/speech`.
    Speech,
    /// `/audio/transcriptions`.
    Transcriptions,
    /// `/audio/translations`.
    Translations,
    /// The base URL itself: for what an upstream names by a whole path, such as Google's operations.
    Base,
    /// `/models/{model}:predict`.
    Predict,
    /// `/models/{model}:predictLongRunning`.
    PredictLongRunning,
    /// `/models/{model}:fetchPredictOperation`.
    FetchPredictOperation,
    /// `/contents/generations/tasks`.
    ContentTasks,
    /// `/api/v3/tts/unidirectional`, at Volcengine's speech platform.
    TtsUnidirectional,
    /// `/api/v3/auc/bigmodel/recognize/flash`, at Volcengine's speech platform.
    RecognizeFlash,
}

impl Endpoint {
    pub(crate) const fn of(protocol: Protocol, stream: bool, beta: bool) -> Self {
        match protocol {
            Protocol::Chat => Self::Chat,
            Protocol::Responses => Self::Responses,
            Protocol::Completions => Self::Completions,
            Protocol::Messages => Self::Messages { beta },
            Protocol::GenerateContent => Self::GenerateContent { stream },
            Protocol::Embeddings => Self::Embeddings,
            Protocol::Moderations => Self::Moderations,
            Protocol::Rerank => Self::Rerank,
            Protocol::Compaction => Self::ResponsesCompact,
            Protocol::Images => Self::Images,
            Protocol::ImageEdits => Self::ImageEdits,
            Protocol::Videos => Self::Videos,
            Protocol::Speech => Self::Speech,
            Protocol::Transcriptions => Self::Transcriptions,
            Protocol::Translations => Self::Translations,
        }
    }

    /// Whether it belongs to Volcengine's speech platform, which has headers of its own (`providers.md` section 8).
    pub(crate) const fn is_openspeech(self) -> bool {
        matches!(self, Self::TtsUnidirectional | Self::RecognizeFlash)
    }

    /// Its URL.
    pub(crate) fn url(self, base: &str, upstream_name: &str) -> String {
        match self {
            Self::Chat => format!("{base}/chat/completions"),
            Self::Responses => format!("{base}/responses"),
            Self::ResponsesCompact => format!("{base}/responses/compact"),
            Self::Completions => format!("{base}/completions"),
            Self::Messages { beta } => format!("{base}{}/messages{}", version(base), if beta { "?beta=true" } else { "" }),
            Self::CountMessages => format!("{base}{}/messages/count_tokens", version(base)),
            Self::CountTokens => format!("{base}/models/{}:countTokens", in_path(upstream_name)),
            Self::Embeddings => format!("{base}/embeddings"),
            Self::MultimodalEmbeddings => format!("{base}/embeddings/multimodal"),
            Self::Moderations => format!("{base}/moderations"),
            Self::Rerank => format!("{base}/rerank"),
            Self::Images => format!("{base}/images/generations"),
            Self::ImageEdits => format!("{base}/images/edits"),
            Self::Videos => format!("{base}/videos"),
            Self::Speech => format!("{base}/audio/speech"),
            Self::Transcriptions => format!("{base}/audio/transcriptions"),
            Self::Translations => format!("{base}/audio/translations"),
            Self::Base => base.to_owned(),
            Self::Predict => format!("{base}/models/{}:predict", in_path(upstream_name)),
            Self::PredictLongRunning => format!("{base}/models/{}:predictLongRunning", in_path(upstream_name)),
            Self::FetchPredictOperation => format!("{base}/models/{}:fetchPredictOperation", in_path(upstream_name)),
            Self::ContentTasks => format!("{base}/contents/generations/tasks"),
            Self::TtsUnidirectional => format!("{base}/api/v3/tts/unidirectional"),
            Self::RecognizeFlash => format!("{base}/api/v3/auc/bigmodel/recognize/flash"),
            Self::BatchEmbedContents => format!("{base}/models/{}:batchEmbedContents", in_path(upstream_name)),
            Self::GenerateContent { stream } => {
                let model = in_path(upstream_name);
                let verb = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
                format!("{base}/models/{model}:{verb}")
            }
        }
    }
}

/// Both spellings are about: with the version, as everybody else has it, and without, as Anthropic's SDKs do.
fn version(base: &str) -> &'static str {
    if base.ends_with("/v1") { "" } else { "/v1" }
}

/// An upstream's own id as one segment of a path, whatever it is made of.
pub(crate) fn segment(id: &str) -> String {
    let mut segment = String::with_capacity(id.len());
    for byte in id.bytes() {
        // Two dots alone would lead to the path above.
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~') || (byte == b'.' && !id.starts_with('.')) {
            segment.push(char::from(byte));
        } else {
            segment.push_str(&format!("%{byte:02X}"));
        }
    }
    segment
}

/// A model's name as it stands in a path: what could end the path there is left out.
fn in_path(upstream_name: &str) -> String {
    let model = upstream_name.strip_prefix("models/").unwrap_or(upstream_name);
    let kept = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '~' | '/' | '@' | ':');
    model.chars().filter(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_lie_under_the_base_url() {
        let check = |endpoint: Endpoint, base: &str, expected: &str| assert_eq!(endpoint.url(base, "m"), expected);
        check(Endpoint::Chat, "https://api.openai.com/v1", "https://api.openai.com/v1/chat/completions");
        check(Endpoint::Messages { beta: false }, "https://api.anthropic.com", "https://api.anthropic.com/v1/messages");
        check(Endpoint::Messages { beta: true }, "https://api.anthropic.com/v1", "https://api.anthropic.com/v1/messages?beta=true");
        check(Endpoint::GenerateContent { stream: true }, "http://g/v1beta", "http://g/v1beta/models/m:streamGenerateContent?alt=sse");
        check(Endpoint::PredictLongRunning, "http://g/v1beta", "http://g/v1beta/models/m:predictLongRunning");
        check(Endpoint::ContentTasks, "http://a/api/v3", "http://a/api/v3/contents/generations/tasks");
    }

    #[test]
    fn an_id_can_not_leave_its_segment() {
        for (id, expected) in [("cgt-2025_x.1~", "cgt-2025_x.1~"), ("../v1?a#b", "%2E%2E%2Fv1%3Fa%23b"), ("é %", "%C3%A9%20%25")] {
            assert_eq!(segment(id), expected);
        }
    }
}
