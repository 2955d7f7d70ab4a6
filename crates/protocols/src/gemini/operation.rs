//! Google's long-running operations that make videos: what became of one.
//!
//! Source: `providers.md` section 6.7.

use bytes::Bytes;
use easyai_core::media::{MediaUsage, Resolution};
use easyai_core::usage::Usage;
use serde_json::value::RawValue;

use super::finish::{FILTERED, UNUSABLE};
use crate::encoded::decode_file;
use crate::media::{JobReport, JobResult, MadeFile};
use crate::openai::error::{WireError, read_error};
use crate::openai::lenient::{Count, List, Maybe, Text, Word, tolerant};
use crate::wire::BadAnswer;

#[derive(serde::Deserialize)]
struct Operation<'a> {
    #[serde(default)]
    name: Word,
    #[serde(default, deserialize_with = "tolerant")]
    done: Option<bool>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    response: Option<&'a RawValue>,
}

/// The Developer API's answer lies one deeper than Vertex AI's.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Nested<'a> {
    #[serde(borrow, default)]
    generate_video_response: Option<&'a RawValue>,
}

#[derive(serde::Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Videos {
    #[serde(default)]
    generated_samples: List<Sample>,
    #[serde(default)]
    videos: List<Video>,
    #[serde(default)]
    rai_media_filtered_count: Count,
    #[serde(default, deserialize_with = "tolerant")]
    rai_media_filtered_reasons: Option<Vec<Text>>,
}

#[derive(serde::Deserialize)]
struct Sample {
    #[serde(default)]
    video: Maybe<Video>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Video {
    #[serde(default)]
    uri: Word,
    #[serde(default)]
    gcs_uri: Word,
    /// Google's own types name both otherwise.
    #[serde(default, alias = "encodedVideo")]
    bytes_base64_encoded: Word,
    #[serde(default, alias = "encoding")]
    mime_type: Word,
}

#[derive(serde::Deserialize)]
struct Code {
    #[serde(default)]
    code: Word,
    #[serde(default)]
    status: Word,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Question<'a> {
    operation_name: &'a str,
}

/// Writes what Vertex AI is asked about an operation (`:fetchPredictOperation`).
#[must_use]
pub fn write_question(name: &str) -> Bytes {
    // A string alone can't fail to be written.
    Bytes::from(serde_json::to_vec(&Question { operation_name: name }).unwrap_or_default())
}

/// The name of an operation that was begun.
///
/// # Errors
/// [`BadAnswer`] if there is none: the job may exist all the same.
pub fn read_submitted(body: &[u8]) -> Result<String, BadAnswer> {
    let operation = operation(body)?;
    match operation.name.0.filter(|name| !name.is_empty()) {
        Some(name) => Ok(name),
        None if operation.error.is_some_and(is_there) => Err(BadAnswer::Error(read_error(body))),
        None => Err(BadAnswer::Empty),
    }
}

/// What became of an operation, of which `asked` was asked.
///
/// # Errors
/// [`BadAnswer`] if nothing can be read of it: nothing is known of the job then.
pub fn read_report(body: &[u8], asked: MediaUsage) -> Result<JobReport, BadAnswer> {
    let operation = operation(body)?;
    let error = operation.error.filter(|error| is_there(error));
    if operation.done != Some(true) {
        return match (error, operation.name.0) {
            // No operation at all, but an error of the question.
            (Some(_), None) => Err(BadAnswer::Error(read_error(body))),
            (None, None) => Err(BadAnswer::Empty),
            (_, Some(_)) => Ok(JobReport::Running { percent: None, poll_after: None }),
        };
    }
    if let Some(error) = error {
        return Ok(JobReport::Failed(failed(error)));
    }
    let videos = operation.response.map(|response| videos(response.get())).unwrap_or_default();
    let reasons = videos.rai_media_filtered_reasons.unwrap_or_default();
    let filtered = videos.rai_media_filtered_count.0 > 0 || !reasons.is_empty();
    let samples = videos.generated_samples.0.into_iter().filter_map(|sample| sample.video.0);
    let files: Vec<_> = samples.chain(videos.videos.0).filter_map(file).collect();
    if files.is_empty() {
        let reasons: Vec<_> = reasons.into_iter().map(|reason| reason.0).filter(|reason| !reason.is_empty()).collect();
        return Ok(JobReport::Failed(nothing(filtered, &reasons.join(" "))));
    }
    let resolution: Option<Resolution> = match asked {
        MediaUsage::Video { resolution, .. } => resolution,
        MediaUsage::Images { .. } | MediaUsage::Speech { .. } | MediaUsage::Audio { .. } => None,
    };
    Ok(JobReport::Succeeded(Box::new(JobResult { files, thumbnail: None, usage: Usage::of_media(asked), resolution })))
}

fn operation(body: &[u8]) -> Result<Operation<'_>, BadAnswer> {
    serde_json::from_slice(body).map_err(|error| BadAnswer::Unparseable(error.to_string()))
}

/// What a response holds; nothing if it can't be read, since the job is done all the same.
fn videos(response: &str) -> Videos {
    let nested = serde_json::from_str::<Nested<'_>>(response).ok().and_then(|nested| nested.generate_video_response);
    serde_json::from_str(nested.map_or(response, RawValue::get)).unwrap_or_default()
}

fn is_there(error: &RawValue) -> bool {
    !matches!(error.get(), "null" | "{}")
}

/// A file as Google gives it: behind our key, or inside the answer.
fn file(video: Video) -> Option<MadeFile> {
    if let Some(data) = video.bytes_base64_encoded.0.as_deref().and_then(decode_file) {
        return Some(MadeFile::Inline { media_type: video.mime_type.0, data });
    }
    let uri = video.uri.0.or(video.gcs_uri.0).filter(|uri| !uri.is_empty())?;
    Some(MadeFile::Url { url: uri })
}

fn nothing(filtered: bool, reasons: &str) -> WireError {
    let kind = if filtered { FILTERED } else { UNUSABLE };
    let message = if reasons.is_empty() { "the operation is done and made no video" } else { reasons };
    WireError { message: message.to_owned(), kind: Some(kind.to_owned()), ..WireError::default() }
}

/// Inside an operation the code is gRPC's, which says nothing to who reads HTTP's.
fn failed(error: &RawValue) -> WireError {
    let mut read = read_error(format!("{{\"error\":{}}}", error.get()).as_bytes());
    let told: Code = serde_json::from_str(error.get()).unwrap_or(Code { code: Word(None), status: Word(None) });
    let by_number = told.code.0.as_deref().and_then(|code| code.parse().ok()).and_then(grpc);
    if let Some((http, status)) = by_number {
        read.code = Some(http.to_owned());
        read.kind = told.status.0.or_else(|| Some(status.to_owned()));
    }
    let message = read.message.to_ascii_lowercase();
    let refused = ["usage guidelines", "responsible ai", "violates", "safety filters"];
    if refused.iter().any(|words| message.contains(words)) {
        read.kind = Some(FILTERED.to_owned());
    }
    read
}

/// Source: `google.rpc.Code`.
const fn grpc(code: u16) -> Option<(&'static str, &'static str)> {
    match code {
        1 => Some(("499", "CANCELLED")),
        2 => Some(("500", "UNKNOWN")),
        3 => Some(("400", "INVALID_ARGUMENT")),
        4 => Some(("504", "DEADLINE_EXCEEDED")),
        5 => Some(("404", "NOT_FOUND")),
        7 => Some(("403", "PERMISSION_DENIED")),
        8 => Some(("429", "RESOURCE_EXHAUSTED")),
        9 => Some(("400", "FAILED_PRECONDITION")),
        10 => Some(("409", "ABORTED")),
        11 => Some(("400", "OUT_OF_RANGE")),
        13 => Some(("500", "INTERNAL")),
        14 => Some(("503", "UNAVAILABLE")),
        15 => Some(("500", "DATA_LOSS")),
        16 => Some(("401", "UNAUTHENTICATED")),
        _other => None,
    }
}

#[cfg(test)]
mod tests {
    use easyai_core::failure::Category;

    use super::*;
    use crate::openai::failure::classify;

    const ASKED: MediaUsage = MediaUsage::Video { millis: 8_000, resolution: Some(Resolution::P720), audio: true, video_input: false };

    fn report(body: &str) -> JobReport {
        read_report(body.as_bytes(), ASKED).unwrap()
    }

    fn files(body: &str) -> Vec<MadeFile> {
        match report(body) {
            JobReport::Succeeded(result) => {
                assert_eq!((result.usage.media, result.resolution), (Some(ASKED), Some(Resolution::P720)));
                result.files
            }
            other => panic!("{other:?}"),
        }
    }

    fn category(body: &str) -> Category {
        match report(body) {
            JobReport::Failed(error) => classify(Some(200), &error, &|_| None).category,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_video_lies_behind_our_key_or_in_the_answer() {
        let uri = "https://generativelanguage.googleapis.com/v1beta/files/x:download?alt=media";
        let developer = format!(
            r#"{{"name":"o","done":true,"response":{{"@type":"t","generateVideoResponse":{{"generatedSamples":[{{"video":{{"uri":"{uri}"}}}}]}}}}}}"#
        );
        assert_eq!(files(&developer), [MadeFile::Url { url: uri.to_owned() }]);
        let vertex = r#"{"name":"o","done":true,"response":{"videos":[{"bytesBase64Encoded":"aGk=","mimeType":"video/mp4"}]}}"#;
        let inline = MadeFile::Inline { media_type: Some("video/mp4".to_owned()), data: Bytes::from_static(b"hi") };
        assert_eq!(files(vertex), std::slice::from_ref(&inline));
        let encoded = r#"{"name":"o","done":true,"response":{"generateVideoResponse":{"generatedSamples":[{"video":{"encodedVideo":"aGk=","encoding":"video/mp4"}}]}}}"#;
        assert_eq!(files(encoded), [inline]);
    }

    #[test]
    fn what_is_not_done_goes_on() {
        for body in [r#"{"name":"o"}"#, r#"{"name":"o","done":false,"metadata":{}}"#] {
            assert_eq!(report(body), JobReport::Running { percent: None, poll_after: None });
        }
        for bad in ["{}", r#"{"error":{"code":503,"message":"m"}}"#, "[]", "{"] {
            assert!(read_report(bad.as_bytes(), ASKED).is_err(), "{bad}");
        }
        assert_eq!(read_submitted(br#"{"name":"models/veo/operations/x"}"#).unwrap(), "models/veo/operations/x");
        assert!(read_submitted(b"{}").is_err());
    }

    #[test]
    fn what_is_done_without_a_video_failed() {
        let response = |inner: &str| format!(r#"{{"name":"o","done":true,"response":{{"generateVideoResponse":{{{inner}}}}}}}"#);
        let reasons = r#""raiMediaFilteredCount":1,"raiMediaFilteredReasons":["Faces of children.","More."]"#;
        assert_eq!(category(&response(reasons)), Category::ContentFilter);
        assert!(matches!(report(&response(reasons)), JobReport::Failed(error) if error.message == "Faces of children. More."));
        // Vertex AI's lie one higher.
        assert_eq!(category(&format!(r#"{{"name":"o","done":true,"response":{{{reasons}}}}}"#)), Category::ContentFilter);
        assert_eq!(category(&response(r#""raiMediaFilteredReasons":7"#)), Category::BadResponse);
        assert_eq!(category(&response("")), Category::BadResponse);
        assert_eq!(category(r#"{"name":"o","done":true}"#), Category::BadResponse);
        let error = |code: u16, message: &str| format!(r#"{{"name":"o","done":true,"error":{{"code":{code},"message":"{message}"}}}}"#);
        for (code, message, expected) in [
            (3, "bad image", Category::BadRequest),
            (3, "The prompt violates our usage guidelines.", Category::ContentFilter),
            (8, "quota per day", Category::QuotaExhausted),
            (8, "slow down", Category::RateLimit),
            (13, "internal", Category::ServerError),
            (14, "high demand", Category::Overloaded),
            (4, "", Category::Timeout),
        ] {
            assert_eq!(category(&error(code, message)), expected, "{code} {message}");
        }
    }
}
