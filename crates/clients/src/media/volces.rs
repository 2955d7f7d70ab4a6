//! Media at Volcengine: images and videos at Ark, sound at the speech platform, which is another host with other keys.

mod tasks;

use bytes::Bytes;
use easyai_core::catalog::PlatformModel;
use easyai_core::failure::Failure;
use easyai_core::id::TaskId;
use easyai_core::usage::Usage;
use easyai_protocols::conversation::CannotCarry;
use easyai_protocols::media::{ImageRequest, MediaAnswer, MediaRequest, SpeechRequest, TranscriptionRequest};
use easyai_protocols::volces::image::Way;
use easyai_protocols::volces::{image, speech, transcript, video};
use futures_util::future::join_all;

pub(super) use self::tasks::{find_jobs, job, stop_job};
use super::images::{One, gathered};
use super::line::{Line, made, unusable};
use crate::call::{Clients, TextAnswer, TextCall};
use crate::upstream::Endpoint;

pub(super) fn fits(offer: &PlatformModel, asked: &MediaRequest) -> Result<(), CannotCarry> {
    let model = &*offer.upstream_name;
    let elsewhere = |why: &str| CannotCarry { field: "model".to_owned(), target: "the platform", why: why.to_owned() };
    match (asked, speech::is_openspeech(&offer.platform.base_url)) {
        (MediaRequest::Image(asked), false) => image::fits(model, asked),
        (MediaRequest::Video(asked), false) => video::fits(model, asked),
        (MediaRequest::Speech(asked), true) => speech::fits(model, asked),
        (MediaRequest::Transcription(asked), true) => transcript::fits(asked),
        (MediaRequest::Image(_) | MediaRequest::Video(_), true) => {
            Err(elsewhere("the speech platform makes neither images nor videos: give the model a platform whose base_url is Ark's"))
        }
        (MediaRequest::Speech(_) | MediaRequest::Transcription(_), false) => Err(elsewhere(
            "Ark has no sound: give the model a platform of provider `volces` whose base_url is https://openspeech.bytedance.com, \
             with a key of that host, and a resource id such as seed-tts-2.0 or volc.bigasr.auc_turbo as the upstream's name of the model",
        )),
    }
}

pub(super) fn expected(offer: &PlatformModel, asked: &MediaRequest, _prompt_tokens: u64) -> Usage {
    match asked {
        MediaRequest::Image(asked) => image::expected(&offer.upstream_name, asked),
        MediaRequest::Video(asked) => video::expected(&offer.upstream_name, asked),
        MediaRequest::Speech(asked) => speech::expected(asked),
        MediaRequest::Transcription(asked) => transcript::expected(asked),
    }
}

pub(super) async fn call(clients: &Clients, call: &TextCall<'_>, asked: &MediaRequest) -> Result<TextAnswer, Failure> {
    match asked {
        MediaRequest::Image(asked) => images(&Line::patient(clients, call), asked).await,
        MediaRequest::Video(asked) => tasks::submit(&Line::brief(clients, call), asked).await,
        MediaRequest::Speech(asked) => say(&Line::patient(clients, call), asked, call.task).await,
        MediaRequest::Transcription(asked) => hear(&Line::patient(clients, call), asked, call.task).await,
    }
}

/// A group in one call where the model makes groups; what it leaves out of one, and all where it makes none, by calls of one image.
async fn images(line: &Line<'_>, asked: &ImageRequest) -> Result<TextAnswer, Failure> {
    let way = image::way(line.upstream_name(), asked);
    let written = image::write(line.upstream_name(), asked, way);
    let mut calls: Vec<One> = Vec::new();
    let mut left = asked.n.get();
    let mut single = written.body.clone();
    if way == Way::Group {
        let group = image(line, written.body).await?;
        let told = group.0.images.len().saturating_add(group.0.failed.len());
        left = left.saturating_sub(u32::try_from(told).unwrap_or(u32::MAX));
        calls.push(Ok(group));
        single = image::write(line.upstream_name(), asked, Way::Single).body;
    }
    calls.extend(join_all((0..left).map(|_| Box::pin(image(line, single.clone())))).await);
    gathered(calls, written.notes)
}

async fn image(line: &Line<'_>, body: Bytes) -> One {
    let answered = line.post(Endpoint::Images, body).await?;
    let answer = image::read(&answered.body).map_err(|bad| unusable(bad, &answered))?;
    Ok((answer, answered.request_id()))
}

/// Openspeech wants a UUID as the id of a request (`providers.md` section 8): the task's own.
async fn say(line: &Line<'_>, asked: &SpeechRequest, task: TaskId) -> Result<TextAnswer, Failure> {
    let written = speech::write(asked, &task.to_string());
    let request_id = task.uuid().to_string();
    let head = [
        ("x-api-resource-id", line.upstream_name()),
        ("x-api-request-id", request_id.as_str()),
        // Without it nothing says how many characters are billed.
        ("x-control-require-usage-tokens-return", "*"),
    ];
    let answered = line.post_with(Endpoint::TtsUnidirectional, written.body, &head).await?;
    let answer = speech::read(&answered.body, asked).map_err(|bad| unusable(bad, &answered))?;
    Ok(made(MediaAnswer::Speech(answer), answered.request_id(), written.notes))
}

async fn hear(line: &Line<'_>, asked: &TranscriptionRequest, task: TaskId) -> Result<TextAnswer, Failure> {
    let written = transcript::write(asked, &task.to_string());
    let request_id = task.uuid().to_string();
    let head = [("x-api-resource-id", line.upstream_name()), ("x-api-request-id", request_id.as_str()), ("x-api-sequence", "-1")];
    let answered = line.post_with(Endpoint::RecognizeFlash, written.body, &head).await?;
    let told = |name: &str| answered.headers.get(name).and_then(|value| value.to_str().ok());
    let (code, message) = (told("x-api-status-code"), told("x-api-message"));
    let answer = transcript::read(code, message, &answered.body, asked).map_err(|bad| unusable(bad, &answered))?;
    Ok(made(MediaAnswer::Transcription(answer), answered.request_id(), written.notes))
}
