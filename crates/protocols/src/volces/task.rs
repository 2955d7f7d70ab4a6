//! Ark's video tasks as they are asked about: what became of one, and which of a list is a certain one.
//!
//! Source: `providers.md` section 7.6.

use easyai_core::media::{MediaUsage, Resolution};
use easyai_core::usage::{Usage, UsageSource};
use serde_json::value::RawValue;

use super::NO_RESULT;
use crate::media::{JobReport, JobResult, MadeFile, WantedVideo};
use crate::openai::error::{WireError, read_error};
use crate::openai::lenient::{Count, List, Maybe, Word, tolerant};
use crate::wire::BadAnswer;

#[derive(serde::Deserialize)]
struct Task<'a> {
    #[serde(default)]
    id: Word,
    #[serde(default)]
    model: Word,
    #[serde(default)]
    status: Word,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(default)]
    content: Maybe<Content>,
    #[serde(default)]
    usage: Maybe<WireUsage>,
    #[serde(default)]
    resolution: Word,
    #[serde(default, deserialize_with = "tolerant")]
    duration: Option<f64>,
    #[serde(default, deserialize_with = "tolerant")]
    frames: Option<f64>,
    #[serde(default, deserialize_with = "tolerant")]
    framespersecond: Option<f64>,
    #[serde(default, deserialize_with = "tolerant")]
    generate_audio: Option<bool>,
    #[serde(default, deserialize_with = "tolerant")]
    created_at: Option<i64>,
    #[serde(default, deserialize_with = "tolerant")]
    seed: Option<i64>,
}

#[derive(serde::Deserialize)]
struct Content {
    #[serde(default)]
    video_url: Word,
}

#[derive(serde::Deserialize)]
struct WireUsage {
    #[serde(default)]
    completion_tokens: Count,
    #[serde(default)]
    total_tokens: Count,
}

#[derive(serde::Deserialize)]
struct Listed<'a> {
    #[serde(borrow, default)]
    items: List<Task<'a>>,
}

/// The id of a task that was taken on.
///
/// # Errors
/// [`BadAnswer`] if there is none: the task may exist all the same.
pub fn read_submitted(body: &[u8]) -> Result<String, BadAnswer> {
    let task = task(body)?;
    match task.id.0.filter(|id| !id.is_empty()) {
        Some(id) => Ok(id),
        None if task.error.is_some_and(|error| error.get() != "null") => Err(BadAnswer::Error(read_error(body))),
        None => Err(BadAnswer::Empty),
    }
}

/// What became of a task, of which `asked` was asked.
///
/// # Errors
/// [`BadAnswer`] if nothing can be read of it: nothing is known of the task then.
pub fn read_report(body: &[u8], asked: MediaUsage) -> Result<JobReport, BadAnswer> {
    let task = task(body)?;
    let Some(status) = task.status.0.as_deref().map(|status| status.trim().to_ascii_lowercase()) else {
        let is_error = task.error.is_some_and(|error| error.get() != "null");
        return Err(if is_error { BadAnswer::Error(read_error(body)) } else { BadAnswer::Empty });
    };
    Ok(match status.as_str() {
        "queued" => JobReport::Queued,
        // Others who speak as Ark does have words of their own.
        "succeeded" | "success" | "completed" => succeeded(task, asked),
        "failed" => JobReport::Failed(failed(task.error)),
        "cancelled" | "canceled" => JobReport::Cancelled,
        "expired" => JobReport::Expired,
        // A word of tomorrow's is no end: only what is known to be one ends a job.
        _running_or_unknown => JobReport::Running { percent: None, poll_after: None },
    })
}

fn task(body: &[u8]) -> Result<Task<'_>, BadAnswer> {
    serde_json::from_slice(body).map_err(|error| BadAnswer::Unparseable(error.to_string()))
}

fn failed(error: Option<&RawValue>) -> WireError {
    match error.filter(|error| error.get() != "null") {
        Some(error) => read_error(format!("{{\"error\":{}}}", error.get()).as_bytes()),
        None => no_result("the task failed without a reason"),
    }
}

fn no_result(message: &str) -> WireError {
    WireError { message: message.to_owned(), code: Some(NO_RESULT.to_owned()), ..WireError::default() }
}

fn succeeded(task: Task<'_>, asked: MediaUsage) -> JobReport {
    let Some(url) = task.content.0.and_then(|content| content.video_url.0).filter(|url| !url.is_empty()) else {
        return JobReport::Failed(no_result("the task succeeded without a video"));
    };
    let resolution = task.resolution.0.and_then(|resolution| resolution.parse().ok());
    let frames = task.frames.zip(task.framespersecond).filter(|(_, rate)| *rate > 0.0).map(|(frames, rate)| frames / rate);
    let millis = task.duration.or(frames).and_then(millis);
    let tokens = task.usage.0.map(|usage| if usage.completion_tokens.0 > 0 { usage.completion_tokens.0 } else { usage.total_tokens.0 });
    let source = if tokens.is_some() { UsageSource::Upstream } else { UsageSource::Counted };
    let media = Some(told(asked, millis, resolution, task.generate_audio));
    let usage = Usage { media, source, ..Usage::counted(0, tokens.unwrap_or(0)) };
    let files = vec![MadeFile::Url { url }];
    JobReport::Succeeded(Box::new(JobResult { files, thumbnail: None, usage, resolution }))
}

/// None for -1, which means that the model decided.
fn millis(seconds: f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates, and negative lengths are left out")]
    let millis = (seconds * 1_000.0).round() as u64;
    (seconds > 0.0).then_some(millis)
}

/// What was made, as far as it was told, and else as it was asked for.
fn told(asked: MediaUsage, told: Option<u64>, resolved: Option<Resolution>, sound: Option<bool>) -> MediaUsage {
    match asked {
        MediaUsage::Video { millis, resolution, audio, video_input } => MediaUsage::Video {
            millis: told.unwrap_or(millis),
            resolution: resolved.or(resolution),
            audio: sound.unwrap_or(audio),
            video_input,
        },
        // No video was asked for: what was told is all that is known.
        MediaUsage::Images { .. } | MediaUsage::Speech { .. } | MediaUsage::Audio { .. } => {
            MediaUsage::Video { millis: told.unwrap_or(0), resolution: resolved, audio: sound.unwrap_or(false), video_input: false }
        }
    }
}

/// A page of a list of tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The ids of those that may be the one that is wanted.
    pub matching: Vec<String>,
    /// All that are on it.
    pub items: usize,
}

/// Which tasks of a list may be the one that is wanted: by their model, by when they were created, and by what of the request they tell.
///
/// # Errors
/// [`BadAnswer`] if it is no list.
pub fn read_page(body: &[u8], wanted: &WantedVideo<'_>) -> Result<Page, BadAnswer> {
    let listed: Listed<'_> = serde_json::from_slice(body).map_err(|error| BadAnswer::Unparseable(error.to_string()))?;
    let items = listed.items.0.len();
    Ok(Page { matching: listed.items.0.into_iter().filter(|task| may_be(task, wanted)).filter_map(|task| task.id.0).collect(), items })
}

fn may_be(task: &Task<'_>, wanted: &WantedVideo<'_>) -> bool {
    let Some(created) = task.created_at else { return false };
    // Behind an endpoint's id there is a model of another name.
    let another_model = !wanted.model.starts_with("ep-") && task.model.0.as_deref().is_some_and(|model| model != wanted.model);
    let another_seed = matches!((task.seed, wanted.request.seed), (Some(told), Some(asked)) if asked >= 0 && told != asked);
    wanted.is_of(created) && !another_model && wanted.has_length(task.duration) && !another_seed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volces::tests::video;

    const ASKED: MediaUsage = MediaUsage::Video { millis: 5_000, resolution: Some(Resolution::P480), audio: true, video_input: false };

    #[test]
    fn a_task_tells_its_state() {
        let check = |body: &str, expected: &str| {
            let report = read_report(body.as_bytes(), ASKED).unwrap();
            assert!(format!("{report:?}").starts_with(expected), "{body} {report:?}");
        };
        check(r#"{"id":"c","status":"queued","error":null}"#, "Queued");
        check(r#"{"id":"c","status":"running"}"#, "Running");
        check(r#"{"id":"c","status":"new"}"#, "Running");
        check(r#"{"id":"c","status":"cancelled"}"#, "Cancelled");
        check(r#"{"id":"c","status":"canceled"}"#, "Cancelled");
        check(r#"{"id":"c","status":"EXPIRED "}"#, "Expired");
        check(r#"{"id":"c","status":"SUCCEEDED","content":{"video_url":"https://v"}}"#, "Succeeded");
        check(r#"{"id":"c","status":"completed","content":{"video_url":"https://v"}}"#, "Succeeded");
        check(r#"{"id":"c","status":"succeeded","content":{}}"#, r#"Failed(WireError { message: "the task succeeded without a video""#);
        check(
            r#"{"id":"c","status":"failed","error":{"code":"OutputVideoSensitiveContentDetected","message":"m"}}"#,
            r#"Failed(WireError { message: "m", code: Some("OutputVideoSensitiveContentDetected")"#,
        );
        for bad in ["", "{}", "[]", r#"{"error":{"code":"x"}}"#] {
            assert!(read_report(bad.as_bytes(), ASKED).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_video_is_used_as_told_and_else_as_asked() {
        let result = |body: &str| match read_report(body.as_bytes(), ASKED).unwrap() {
            JobReport::Succeeded(result) => *result,
            other => panic!("{other:?}"),
        };
        let url = "https://tos.example/v.mp4?X-Sig=a%2Fb&c=%20";
        let full = result(&format!(
            r#"{{"status":"succeeded","content":{{"video_url":"{url}"}},"usage":{{"completion_tokens":108900,"total_tokens":108900}},"resolution":"720p","duration":6,"framespersecond":24,"generate_audio":false}}"#
        ));
        assert_eq!(full.files, [MadeFile::Url { url: url.to_owned() }]);
        assert_eq!((full.usage.input_tokens, full.usage.output_tokens, full.usage.source), (0, 108_900, UsageSource::Upstream));
        let video = |millis, resolution, audio| Some(MediaUsage::Video { millis, resolution: Some(resolution), audio, video_input: false });
        assert_eq!(full.usage.media, video(6_000, Resolution::P720, false));
        let bare = result(r#"{"status":"succeeded","content":{"video_url":"https://x"},"duration":-1}"#);
        assert_eq!((bare.usage.media, bare.usage.source), (video(5_000, Resolution::P480, true), UsageSource::Counted));
        let framed = result(r#"{"status":"succeeded","content":{"video_url":"https://x"},"frames":49,"framespersecond":24}"#);
        assert_eq!(framed.usage.media, video(2_042, Resolution::P480, true));
    }

    #[test]
    fn a_lost_task_is_found_by_model_time_and_what_it_tells() {
        let list = r#"{"total":5,"items":[
            {"id":"late","model":"m","created_at":2000},{"id":"good","model":"m","created_at":1010,"duration":5},
            {"id":"other","model":"n","created_at":1010},{"id":"long","model":"m","created_at":1010,"duration":10},
            {"id":"seeded","model":"m","created_at":1011,"seed":8},{"id":"early","model":"m","created_at":900},{"model":"m"}]}"#;
        let request = video(|asked| {
            asked.seconds = std::num::NonZeroU32::new(5);
            asked.seed = Some(7);
        });
        let wanted = |model| WantedVideo { model, request: &request, after: 1_000, before: 1_060 };
        let page = read_page(list.as_bytes(), &wanted("m")).unwrap();
        assert_eq!((page.matching.as_slice(), page.items), (["good".to_owned()].as_slice(), 7));
        assert_eq!(read_page(list.as_bytes(), &wanted("ep-1")).unwrap().matching, ["good", "other"]);
        assert_eq!(read_page(b"{}", &wanted("m")).unwrap().items, 0);
        assert!(read_page(b"[", &wanted("m")).is_err());
    }

    #[test]
    fn a_submission_without_an_id_is_no_submission() {
        assert_eq!(read_submitted(br#"{"id":"cgt-1"}"#).unwrap(), "cgt-1");
        assert!(matches!(read_submitted(br#"{"error":{"code":"ServerOverloaded"}}"#), Err(BadAnswer::Error(_))));
        assert!(matches!(read_submitted(br#"{"id":""}"#), Err(BadAnswer::Empty)));
    }
}
