//! From an upstream's refusal to one of the gateway's categories: provider code, then message patterns, then HTTP status.
//!
//! Source: `providers.md` sections 12.1 to 12.4, 12.5 for Google's own words, and 12.6.

use std::time::Duration;

use easyai_core::failure::{Category, Failure, Sent};

use super::error::WireError;
use crate::volces::failure as ark;

/// No hint is believed beyond this.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// What the caller may read when an operator's credential was refused: the upstream's text may hold parts of it.
const AUTH_MESSAGE: &str = "the platform refused the gateway's credential";

/// Codes and types with a meaning of their own.
const CODES: &[(&str, Category)] = &[
    ("context_length_exceeded", Category::ContextLength),
    ("string_above_max_length", Category::BadRequest),
    ("content_policy_violation", Category::ContentFilter),
    ("moderation_blocked", Category::ContentFilter),
    ("invalid_prompt", Category::ContentFilter),
    ("content_filter", Category::ContentFilter),
    ("unsupported_parameter", Category::BadRequest),
    ("unsupported_value", Category::BadRequest),
    ("unknown_parameter", Category::BadRequest),
    ("invalid_value", Category::BadRequest),
    ("missing_required_parameter", Category::BadRequest),
    ("empty_array", Category::BadRequest),
    ("invalid_type", Category::BadRequest),
    ("decimal_below_min_value", Category::BadRequest),
    ("previous_response_not_found", Category::BadRequest),
    ("model_not_found", Category::ModelUnavailable),
    ("invalid_api_key", Category::Auth),
    ("ip_not_authorized", Category::Auth),
    ("unsupported_country_region_territory", Category::Auth),
    ("insufficient_quota", Category::QuotaExhausted),
    ("credit_balance_exhausted", Category::QuotaExhausted),
    ("organization_spend_limit_exceeded", Category::QuotaExhausted),
    ("project_spend_limit_exceeded", Category::QuotaExhausted),
    ("organization_usage_limit_exceeded", Category::QuotaExhausted),
    ("billing_hard_limit_reached", Category::QuotaExhausted),
    ("rate_limit_exceeded", Category::RateLimit),
    ("slow_down", Category::RateLimit),
    ("server_is_overloaded", Category::Overloaded),
    ("service_unavailable_error", Category::Overloaded),
    ("tool_use_failed", Category::BadResponse),
    ("server_error", Category::ServerError),
    ("internal_error", Category::ServerError),
];

/// Anthropic's types, and the codes in an error's `details`. `invalid_request_error` and `api_error` are not among them: the message or
/// the status says more.
///
/// Source: `providers.md` section 12.6.
const ANTHROPIC_CODES: &[(&str, Category)] = &[
    ("enforced_spend_limit_reached", Category::QuotaExhausted),
    ("authentication_error", Category::Auth),
    ("billing_error", Category::QuotaExhausted),
    ("permission_error", Category::Auth),
    ("not_found_error", Category::ModelUnavailable),
    ("conflict_error", Category::ServerError),
    ("request_too_large", Category::BadRequest),
    ("rate_limit_error", Category::RateLimit),
    ("timeout_error", Category::Timeout),
    ("overloaded_error", Category::Overloaded),
];

/// Words in a message that say more than a generic status. All words of a line must be there.
const PATTERNS: &[(&[&str], Category)] = &[
    (&["maximum context length"], Category::ContextLength),
    (&["context window"], Category::ContextLength),
    (&["context_length_exceeded"], Category::ContextLength),
    (&["prompt is too long"], Category::ContextLength),
    (&["input token count", "exceeds"], Category::ContextLength),
    (&["too many tokens"], Category::ContextLength),
    (&["exceed max message tokens"], Category::ContextLength),
    (&["reduce the length"], Category::ContextLength),
    (&["input is too long"], Category::ContextLength),
    (&["outofcontext"], Category::ContextLength),
    (&["content policy"], Category::ContentFilter),
    (&["safety system"], Category::ContentFilter),
    (&["content_filter"], Category::ContentFilter),
    (&["content filtering policy"], Category::ContentFilter),
    (&["sensitivecontent"], Category::ContentFilter),
    (&["moderation"], Category::ContentFilter),
    (&["flagged"], Category::ContentFilter),
    (&["prohibited"], Category::ContentFilter),
    (&["insufficient_quota"], Category::QuotaExhausted),
    (&["exceeded your current quota"], Category::QuotaExhausted),
    (&["credit balance is too low"], Category::QuotaExhausted),
    (&["billing"], Category::QuotaExhausted),
    (&["insufficient balance"], Category::QuotaExhausted),
    (&["overdue"], Category::QuotaExhausted),
    (&["usage limits"], Category::QuotaExhausted),
    (&["spend limit"], Category::QuotaExhausted),
    (&["api key not valid"], Category::Auth),
    (&["api_key_invalid"], Category::Auth),
    (&["invalid api key"], Category::Auth),
    (&["api key expired"], Category::Auth),
    (&["overloaded"], Category::Overloaded),
    (&["at capacity"], Category::Overloaded),
    (&["engine is currently"], Category::Overloaded),
    (&["high demand"], Category::Overloaded),
    (&["model", "not found"], Category::ModelUnavailable),
    (&["model", "does not exist"], Category::ModelUnavailable),
    (&["model", "not supported"], Category::ModelUnavailable),
    (&["model", "not open"], Category::ModelUnavailable),
    (&["model", "decommissioned"], Category::ModelUnavailable),
];

/// Says what an upstream's error is. `status` is the HTTP status, none for an error inside a 200; `header` looks one up.
#[must_use]
pub fn classify(status: Option<u16>, error: &WireError, header: &dyn Fn(&str) -> Option<String>) -> Failure {
    let category = category(status, error);
    let message = match category {
        Category::Auth => AUTH_MESSAGE.to_owned(),
        Category::Network
        | Category::Timeout
        | Category::RateLimit
        | Category::Overloaded
        | Category::ServerError
        | Category::QuotaExhausted
        | Category::ModelUnavailable
        | Category::BadRequest
        | Category::ContentFilter
        | Category::ContextLength
        | Category::BadResponse
        | Category::LocalRateLimit
        | Category::Cancelled
        | Category::Internal => error.message.clone(),
    };
    Failure {
        code: error.code.clone().or_else(|| error.kind.clone()),
        param: error.param.clone(),
        status,
        upstream_request_id: header("x-request-id").or_else(|| header("request-id")).or_else(|| ark::request_id(&error.message)),
        retry_after: retry_after(error, header),
        should_retry: header("x-should-retry").and_then(|value| value.parse().ok()),
        ..Failure::new(category, Sent::Maybe, message)
    }
}

fn category(status: Option<u16>, error: &WireError) -> Category {
    if let Some(category) = crate::gemini::failure::category(status, error) {
        return category;
    }
    let named = [&error.code, &error.kind].into_iter().flatten();
    let mut codes =
        named.clone().flat_map(|name| [CODES, ANTHROPIC_CODES].into_iter().flatten().filter(|(code, _)| code.eq_ignore_ascii_case(name)));
    let by_code = codes.next().map(|(_, category)| *category);
    if let Some(category) = by_code {
        return category;
    }
    if let Some(category) = error.code.as_deref().and_then(|code| ark_category(code, &error.message)) {
        return category;
    }
    // A numeric code inside a 200 is the status that was meant (OpenRouter, Google).
    let status = status.filter(|status| *status != 200).or_else(|| named.clone().find_map(|name| name.parse().ok()));
    match status {
        Some(400 | 403 | 404 | 413 | 422 | 429 | 503) | None => {
            let said = by_message(&error.message).filter(|category| *category != Category::ContentFilter || may_be_about_content(status));
            said.unwrap_or_else(|| status.map_or(Category::ServerError, by_status))
        }
        Some(status) => by_status(status),
    }
}

/// Ark's codes. A prompt that is too long comes as a wrong parameter too: then only the message tells.
fn ark_category(code: &str, message: &str) -> Option<Category> {
    if let Some(category) = ark::speech_category(code, message) {
        return Some(category);
    }
    let category = ark::category(code)?;
    let is_too_long = category == Category::BadRequest && by_message(message) == Some(Category::ContextLength);
    Some(if is_too_long { Category::ContextLength } else { category })
}

/// "Prohibited" or "flagged" beside another status is about access, not about what was said.
const fn may_be_about_content(status: Option<u16>) -> bool {
    matches!(status, None | Some(400 | 422))
}

fn by_message(message: &str) -> Option<Category> {
    let message = message.to_ascii_lowercase();
    PATTERNS.iter().find(|(words, _)| words.iter().all(|word| message.contains(word))).map(|(_, category)| *category)
}

const fn by_status(status: u16) -> Category {
    match status {
        401 | 403 => Category::Auth,
        402 => Category::QuotaExhausted,
        404 => Category::ModelUnavailable,
        408 | 504 | 524 => Category::Timeout,
        409 | 499 => Category::ServerError,
        429 => Category::RateLimit,
        503 | 529 => Category::Overloaded,
        400..=498 => Category::BadRequest,
        500..=599 => Category::ServerError,
        // A redirect (we follow none), or no HTTP status at all.
        0..=399 | 600..=u16::MAX => Category::BadResponse,
    }
}

/// How long the upstream asks us to wait, best hint first.
fn retry_after(error: &WireError, header: &dyn Fn(&str) -> Option<String>) -> Option<Duration> {
    let by_ms = || seconds(header("retry-after-ms")?.parse::<f64>().ok()? / 1000.0);
    let by_seconds = || seconds(header("retry-after")?.trim().parse::<f64>().ok()?);
    // Without a clock here, the answer's own date says what the other date is to be compared with.
    let by_date = || until(&header("date")?, &header("retry-after")?);
    let by_text = || duration(error.message.split_once("try again in ")?.1.split([' ', ',']).next()?.trim_end_matches('.'));
    let by_reset = || ["requests", "tokens"].into_iter().filter_map(|of| reset(of, header)).max();
    let by_google = || crate::gemini::failure::retry_after(error);
    let by_burst = || error.code.as_deref().and_then(ark::burst_wait);
    let named = by_ms().or_else(by_seconds).or_else(by_date).or_else(by_google);
    let hint = named.or_else(by_text).or_else(by_reset).or_else(by_burst);
    hint.map(|wait| whole_millis(wait.min(MAX_RETRY_AFTER)))
}

/// Rounded up to what a trace shows, so that decisions are made by what is recorded of a failure and nothing finer.
fn whole_millis(wait: Duration) -> Duration {
    Duration::from_millis(u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX))
}

/// When an exhausted dimension is reset.
fn reset(of: &str, header: &dyn Fn(&str) -> Option<String>) -> Option<Duration> {
    let remaining = header(&format!("x-ratelimit-remaining-{of}"))?;
    (remaining.trim() == "0").then(|| duration(header(&format!("x-ratelimit-reset-{of}"))?.trim())).flatten()
}

fn until(now: &str, then: &str) -> Option<Duration> {
    let parse = |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|date| date.timestamp());
    let seconds = parse(then)?.as_second() - parse(now)?.as_second();
    u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs)
}

fn seconds(value: f64) -> Option<Duration> {
    (value > 0.0).then(|| Duration::try_from_secs_f64(value).unwrap_or(MAX_RETRY_AFTER))
}

/// `1m12.5s`, `20ms`, `6h0m0s`.
fn duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| letter != '.' && !letter.is_ascii_digit())?;
        let value = rest[..digits].parse::<f64>().ok()?;
        let (factor, unit) = unit(&rest[digits..])?;
        total = total.saturating_add(seconds(value * factor).unwrap_or_default());
        rest = &rest[digits + unit..];
    }
    (!total.is_zero()).then_some(total)
}

fn unit(text: &str) -> Option<(f64, usize)> {
    [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)]
        .into_iter()
        .find(|(name, _)| text.starts_with(name))
        .map(|(name, factor)| (factor, name.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str, message: &str) -> WireError {
        WireError { message: message.to_owned(), code: (!code.is_empty()).then(|| code.to_owned()), ..WireError::default() }
    }

    fn check(status: u16, code: &str, message: &str, expected: Category) {
        let status = (status != 0).then_some(status);
        assert_eq!(classify(status, &error(code, message), &|_| None).category, expected, "{status:?} {code} {message}");
    }

    #[test]
    fn a_code_says_more_than_a_status_and_words_more_than_a_generic_one() {
        check(400, "context_length_exceeded", "", Category::ContextLength);
        check(400, "", "This model's maximum context length is 8192 tokens", Category::ContextLength);
        check(400, "unknown_parameter", "the moderation parameter", Category::BadRequest);
        check(400, "", "rejected by our safety system", Category::ContentFilter);
        check(429, "insufficient_quota", "", Category::QuotaExhausted);
        check(429, "", "You exceeded your current quota", Category::QuotaExhausted);
        check(429, "", "The engine is currently overloaded", Category::Overloaded);
        check(429, "rate_limit_exceeded", "", Category::RateLimit);
        check(404, "model_not_found", "", Category::ModelUnavailable);
        check(400, "", "the model `x` does not exist", Category::ModelUnavailable);
        check(403, "", "project has no access to model: model not found", Category::ModelUnavailable);
        check(400, "tool_use_failed", "", Category::BadResponse);
        check(403, "", "Access prohibited", Category::Auth);
        check(413, "", "Request too large: reduce the length of the messages", Category::ContextLength);
        check(0, "server_error", "", Category::ServerError);
        check(200, "429", "slow", Category::RateLimit);
        check(0, "", "something broke", Category::ServerError);
    }

    #[test]
    fn anthropics_types_are_known_with_and_without_a_status() {
        let anthropic = |status: Option<u16>, code: Option<&str>, kind: &str, message: &str| {
            let error = WireError {
                message: message.to_owned(),
                code: code.map(str::to_owned),
                kind: Some(kind.to_owned()),
                ..WireError::default()
            };
            classify(status, &error, &|_| None).category
        };
        let check = |status: u16, kind: &str, message: &str, expected: Category| {
            assert_eq!(anthropic(Some(status), None, kind, message), expected, "{status} {kind} {message}");
        };
        check(400, "invalid_request_error", "messages: at least one message is required", Category::BadRequest);
        check(400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", Category::ContextLength);
        check(400, "invalid_request_error", "Your credit balance is too low to access the API", Category::QuotaExhausted);
        check(400, "invalid_request_error", "You have reached your specified API usage limits.", Category::QuotaExhausted);
        check(400, "invalid_request_error", "Output blocked by content filtering policy", Category::ContentFilter);
        check(401, "authentication_error", "invalid x-api-key", Category::Auth);
        check(402, "billing_error", "", Category::QuotaExhausted);
        check(403, "permission_error", "", Category::Auth);
        check(404, "not_found_error", "model: claude-x", Category::ModelUnavailable);
        check(409, "conflict_error", "", Category::ServerError);
        check(413, "request_too_large", "", Category::BadRequest);
        check(429, "rate_limit_error", "", Category::RateLimit);
        check(500, "api_error", "", Category::ServerError);
        check(503, "", "", Category::Overloaded);
        check(504, "timeout_error", "", Category::Timeout);
        check(529, "overloaded_error", "Overloaded", Category::Overloaded);
        assert_eq!(anthropic(None, None, "overloaded_error", "Overloaded"), Category::Overloaded);
        assert_eq!(anthropic(None, None, "api_error", "Internal server error"), Category::ServerError);
        let spent = anthropic(Some(429), Some("enforced_spend_limit_reached"), "rate_limit_error", "");
        assert_eq!(spent, Category::QuotaExhausted);
    }

    #[test]
    fn the_upstreams_request_id_has_two_names() {
        let id = |name: &'static str| {
            classify(Some(500), &error("", ""), &|wanted| (wanted == name).then(|| "r1".to_owned())).upstream_request_id
        };
        assert_eq!((id("x-request-id"), id("request-id"), id("other")), (Some("r1".to_owned()), Some("r1".to_owned()), None));
    }

    #[test]
    fn every_status_has_a_category() {
        let table = [
            (400, Category::BadRequest),
            (401, Category::Auth),
            (402, Category::QuotaExhausted),
            (403, Category::Auth),
            (404, Category::ModelUnavailable),
            (405, Category::BadRequest),
            (408, Category::Timeout),
            (409, Category::ServerError),
            (413, Category::BadRequest),
            (415, Category::BadRequest),
            (422, Category::BadRequest),
            (429, Category::RateLimit),
            (499, Category::ServerError),
            (500, Category::ServerError),
            (502, Category::ServerError),
            (503, Category::Overloaded),
            (504, Category::Timeout),
            (520, Category::ServerError),
            (524, Category::Timeout),
            (529, Category::Overloaded),
            (530, Category::ServerError),
            (301, Category::BadResponse),
        ];
        for (status, category) in table {
            check(status, "", "", category);
        }
    }

    #[test]
    fn a_refused_credential_is_never_quoted() {
        let failure = classify(Some(401), &error("invalid_api_key", "Incorrect API key provided: sk-ab…yz"), &|_| None);
        assert_eq!(failure.message, AUTH_MESSAGE);
    }

    #[test]
    fn waits_are_read_from_headers_and_words_and_capped() {
        let wait = |name: &'static str, value: &'static str, message: &str| {
            classify(Some(429), &error("", message), &|wanted| (wanted == name).then(|| value.to_owned())).retry_after
        };
        assert_eq!(wait("retry-after-ms", "250", ""), Some(Duration::from_millis(250)));
        assert_eq!(wait("retry-after", "1.5", ""), Some(Duration::from_millis(1500)));
        assert_eq!(wait("retry-after-ms", "1.2", ""), Some(Duration::from_millis(2)));
        assert_eq!(wait("", "", "Please try again in 1m12.5s. Visit"), Some(Duration::from_millis(72_500)));
        assert_eq!(wait("", "", "try again in 20ms"), Some(Duration::from_millis(20)));
        assert_eq!(wait("retry-after", "999999999", ""), Some(MAX_RETRY_AFTER));
        assert_eq!(wait("retry-after", "soon", ""), None);
        let headers = |wanted: &str| {
            let pairs = [("date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")];
            pairs.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(classify(Some(503), &error("", ""), &headers).retry_after, Some(Duration::from_secs(30)));
        let headers = |wanted: &str| {
            let pairs =
                [("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "6m0s"), ("x-ratelimit-remaining-requests", "7")];
            pairs.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(classify(Some(429), &error("", ""), &headers).retry_after, Some(Duration::from_secs(360)));
        assert_eq!(wait("retry-after", "-5", "try again in a while"), None);
    }
}
