//! What Ark's error codes mean, and what it says of a failure beside them.
//!
//! Source: `providers.md` section 12.4, and 8 for the speech platform.

use std::time::Duration;

use easyai_core::failure::Category;

/// The codes begin with these; suffixes say more (`InvalidParameter.UnsupportedFormat`). The first that fits decides.
///
/// `NotFound.*` is not among them: it means a lost job where one polls, which only that caller knows.
const PREFIXES: &[(&str, Category)] = &[
    ("OutofContextError", Category::ContextLength),
    ("MissingParameter", Category::BadRequest),
    ("InvalidParameter", Category::BadRequest),
    ("InvalidArgumentError", Category::BadRequest),
    ("InvalidImageURL", Category::BadRequest),
    ("RequestBodyTooLarge", Category::BadRequest),
    ("SensitiveContentDetected", Category::ContentFilter),
    ("InputTextSensitiveContentDetected", Category::ContentFilter),
    ("InputImageSensitiveContentDetected", Category::ContentFilter),
    ("InputVideoSensitiveContentDetected", Category::ContentFilter),
    ("InputAudioSensitiveContentDetected", Category::ContentFilter),
    ("OutputTextSensitiveContentDetected", Category::ContentFilter),
    ("OutputImageSensitiveContentDetected", Category::ContentFilter),
    ("OutputVideoSensitiveContentDetected", Category::ContentFilter),
    ("OutputAudioSensitiveContentDetected", Category::ContentFilter),
    ("ContentSecurityDetectionError", Category::ContentFilter),
    ("InvalidEndpoint.ClosedEndpoint", Category::ModelUnavailable),
    ("InvalidEndpointOrModel", Category::ModelUnavailable),
    ("ModelNotOpen", Category::ModelUnavailable),
    ("UnsupportedModel", Category::ModelUnavailable),
    ("OperationDenied.ServiceNotOpen", Category::ModelUnavailable),
    ("OperationDenied.ServiceOverdue", Category::QuotaExhausted),
    ("OperationDenied.PermissionDenied", Category::Auth),
    ("OperationDenied.InvalidState", Category::BadRequest),
    ("AccountOverdueError", Category::QuotaExhausted),
    ("QuotaExceeded", Category::QuotaExhausted),
    ("SetLimitExceeded", Category::QuotaExhausted),
    ("AuthenticationError", Category::Auth),
    ("AccessDenied", Category::Auth),
    ("InvalidAccountStatus", Category::Auth),
    ("RateLimitExceeded", Category::RateLimit),
    ("ModelAccountRpmRateLimitExceeded", Category::RateLimit),
    ("ModelAccountTpmRateLimitExceeded", Category::RateLimit),
    ("ModelAccountIpmRateLimitExceeded", Category::RateLimit),
    ("APIAccountRpmRateLimitExceeded", Category::RateLimit),
    ("AccountRateLimitExceeded", Category::RateLimit),
    (BURST, Category::RateLimit),
    ("InflightBatchsizeExceeded", Category::RateLimit),
    ("ServerOverloaded", Category::Overloaded),
    ("InternalServiceError", Category::ServerError),
    (super::NO_RESULT, Category::BadResponse),
];

/// The speech platform's code for success.
pub(super) const SPEECH_OK: &str = "20000000";

/// The speech platform's code for success, and nobody who speaks.
pub(super) const SPEECH_SILENCE: &str = "20000003";

/// Ark's word for too many calls at once.
const BURST: &str = "RequestBurstTooFast";

/// Bursts are over in a second or two, and Ark sends no hint.
const BURST_WAIT: Duration = Duration::from_secs(2);

/// How the codes of Ark's own risk detection end, whatever was looked at.
const RISK_SUFFIX: &str = "RiskDetection";

/// Before the id at the end of Ark's messages.
const REQUEST_ID: &str = "Request id: ";

/// What a code means; none if it is not Ark's.
pub(crate) fn category(code: &str) -> Option<Category> {
    if code.ends_with(RISK_SUFFIX) {
        return Some(Category::ContentFilter);
    }
    PREFIXES.iter().find(|(prefix, _)| code.starts_with(prefix)).map(|(_, category)| *category)
}

/// What a code of the speech platform means: eight digits, of which one stands for many reasons. None if it is not one.
pub(crate) fn speech_category(code: &str, message: &str) -> Option<Category> {
    if code.len() != SPEECH_OK.len() || !code.bytes().all(|letter| letter.is_ascii_digit()) {
        return None;
    }
    let message = message.to_ascii_lowercase();
    match code {
        "45000000" if message.contains("quota exceeded") || message.contains("concurrency") => Some(Category::RateLimit),
        "45000000" if message.contains("permission denied") => Some(Category::ModelUnavailable),
        "55000031" => Some(Category::Overloaded),
        _other if code.starts_with("45") => Some(Category::BadRequest),
        _other if code.starts_with("55") => Some(Category::ServerError),
        _other => None,
    }
}

/// How long to wait after a burst.
pub(crate) fn burst_wait(code: &str) -> Option<Duration> {
    code.starts_with(BURST).then_some(BURST_WAIT)
}

/// The id in `… Request id: 0217…`, for answers without the header.
pub(crate) fn request_id(message: &str) -> Option<String> {
    let id = message.rsplit_once(REQUEST_ID)?.1.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-').next()?;
    (!id.is_empty()).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::error::WireError;
    use crate::openai::failure::classify;

    fn error(code: &str, message: &str) -> WireError {
        WireError { message: message.to_owned(), code: (!code.is_empty()).then(|| code.to_owned()), ..WireError::default() }
    }

    fn check(status: u16, code: &str, message: &str, expected: Category) {
        let status = (status != 0).then_some(status);
        assert_eq!(classify(status, &error(code, message), &|_| None).category, expected, "{status:?} {code} {message}");
    }

    #[test]
    fn arks_codes_are_known_by_how_they_begin() {
        let table = [
            (400, "MissingParameter.model", Category::BadRequest),
            (400, "InvalidParameter.UnsupportedParameter", Category::BadRequest),
            (400, "OperationDenied.InvalidState", Category::BadRequest),
            (400, "OutofContextError", Category::ContextLength),
            (400, "SensitiveContentDetected.SevereViolation", Category::ContentFilter),
            (400, "InputTextSensitiveContentDetected", Category::ContentFilter),
            (400, "OutputVideoSensitiveContentDetected.PolicyViolation", Category::ContentFilter),
            (400, "InputTextRiskDetection", Category::ContentFilter),
            (400, "InvalidEndpoint.ClosedEndpoint", Category::ModelUnavailable),
            (401, "AuthenticationError", Category::Auth),
            (403, "AccountOverdueError", Category::QuotaExhausted),
            (403, "OperationDenied.ServiceOverdue", Category::QuotaExhausted),
            (403, "OperationDenied.PermissionDenied", Category::Auth),
            (403, "OperationDenied.ServiceNotOpen", Category::ModelUnavailable),
            (403, "AccessDenied", Category::Auth),
            (404, "InvalidEndpointOrModel.ModelIDAccessDisabled", Category::ModelUnavailable),
            (404, "ModelNotOpen", Category::ModelUnavailable),
            (429, "RateLimitExceeded.EndpointTPMExceeded", Category::RateLimit),
            (429, "ModelAccountTpmRateLimitExceeded", Category::RateLimit),
            (429, "RequestBurstTooFast", Category::RateLimit),
            (429, "ServerOverloaded", Category::Overloaded),
            (429, "QuotaExceeded", Category::QuotaExhausted),
            (429, "SetLimitExceeded", Category::QuotaExhausted),
            (500, "InternalServiceError", Category::ServerError),
            (0, "InternalServiceError", Category::ServerError),
        ];
        for (status, code, category) in table {
            check(status, code, "Something. Request id: 0217", category);
        }
        check(400, "InvalidParameter", "Total tokens of image and text exceed max message tokens.", Category::ContextLength);
        check(400, "InvalidParameter", "`moderation` is not valid", Category::BadRequest);
    }

    #[test]
    fn the_speech_platform_s_codes_are_numbers() {
        for (code, message, category) in [
            ("45000000", "quota exceeded for types: concurrency", Category::RateLimit),
            ("45000000", "requested resource: permission denied", Category::ModelUnavailable),
            ("45000000", "something else", Category::BadRequest),
            ("45000001", "bad parameter", Category::BadRequest),
            ("45000151", "bad format", Category::BadRequest),
            ("55000031", "busy", Category::Overloaded),
            ("55000000", "internal", Category::ServerError),
        ] {
            check(200, code, message, category);
        }
        assert_eq!((speech_category("429", ""), speech_category("20000000", "")), (None, None));
        check(200, super::super::NO_RESULT, "nothing", Category::BadResponse);
    }

    #[test]
    fn arks_request_id_is_read_from_its_message_which_keeps_it() {
        let said = "The parameter `x` is not valid. Request id: 021760000000abc";
        let failure = classify(Some(400), &error("InvalidParameter", said), &|_| None);
        assert_eq!((failure.upstream_request_id.as_deref(), failure.message.as_str()), (Some("021760000000abc"), said));
        let failure = classify(Some(400), &error("", said), &|name| (name == "x-request-id").then(|| "h".to_owned()));
        assert_eq!(failure.upstream_request_id.as_deref(), Some("h"));
        assert_eq!(
            classify(Some(401), &error("AuthenticationError", said), &|_| None).upstream_request_id.as_deref(),
            Some("021760000000abc")
        );
        assert_eq!(classify(Some(400), &error("", "no id: Request id: "), &|_| None).upstream_request_id, None);
        assert_eq!(classify(Some(429), &error("RequestBurstTooFast", ""), &|_| None).retry_after, Some(Duration::from_secs(2)));
    }
}
