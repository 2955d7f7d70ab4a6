//! What Google tells of an error beside its message.
//!
//! Source: `providers.md` section 12.5; `google/rpc/error_details.proto`.

use std::time::Duration;

use super::shape::{List, Object};
use crate::openai::lenient::Word;

/// `error.details`, as far as it decides anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GoogleDetails {
    /// `ErrorInfo.reason`, such as `API_KEY_INVALID`.
    pub reason: Option<String>,
    /// Which quota is used up.
    pub quota: Option<Quota>,
    /// `RetryInfo.retryDelay`. Not to be believed for a daily quota.
    pub retry_delay: Option<Duration>,
}

/// Which quota is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// One of the day, or one that is zero: nothing to be had soon.
    Daily,
    /// One that fills again within minutes.
    Short,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Wire {
    details: List<Object<Detail>>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Detail {
    reason: Word,
    violations: List<Object<Violation>>,
    retry_delay: Word,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Violation {
    quota_id: Word,
    quota_value: Word,
}

/// Reads the details of an error object; none if it has none that we know.
pub(crate) fn read(error: &str) -> Option<Box<GoogleDetails>> {
    let wire: Wire = serde_json::from_str(error).ok()?;
    let mut found = GoogleDetails::default();
    for detail in wire.details.objects() {
        for violation in detail.violations.objects() {
            let Some(id) = violation.quota_id.0 else { continue };
            let is_daily = id.contains("PerDay") || violation.quota_value.0.as_deref() == Some("0");
            // Several may be used up at once: the longest one counts.
            if is_daily || found.quota.is_none() {
                found.quota = Some(if is_daily { Quota::Daily } else { Quota::Short });
            }
        }
        found.reason = found.reason.or(detail.reason.0);
        found.retry_delay = found.retry_delay.or_else(|| seconds(&detail.retry_delay.0?));
    }
    (found != GoogleDetails::default()).then(|| Box::new(found))
}

/// `34.4s`.
fn seconds(text: &str) -> Option<Duration> {
    let seconds = text.trim().strip_suffix('s')?.parse::<f64>().ok()?;
    Duration::try_from_secs_f64(seconds).ok().filter(|wait| !wait.is_zero())
}
