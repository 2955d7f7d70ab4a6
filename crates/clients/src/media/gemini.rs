//! Media at Gemini: images and sound by `generateContent`, videos as operations, and Imagen's own way.

use bytes::Bytes;
use easyai_core::catalog::PlatformModel;
use easyai_core::failure::{Category, Failure, Sent};
use easyai_core::usage::Usage;
use easyai_protocols::conversation::CannotCarry;
use easyai_protocols::gemini::video::{Images, Plane};
use easyai_protocols::gemini::{image, imagen, operation, speech, transcript, video};
use easyai_protocols::media::{
    ImageRequest, InputFile, JobReport, MediaAnswer, MediaRequest, SpeechRequest, TranscriptionRequest, VideoRequest,
};
use futures_util::future::{join_all, try_join_all};
use http::Method;

use super::AcceptedJob;
use super::images::{One, gathered};
use super::job::JobCall;
use super::line::{Line, made, unusable};
use crate::call::{Clients, TextAnswer, TextCall};
use crate::upstream::{Endpoint, segment};

/// One image, sound or text comes whole.
const WHOLE: Endpoint = Endpoint::GenerateContent { stream: false };

pub(super) fn fits(offer: &PlatformModel, asked: &MediaRequest) -> Result<(), CannotCarry> {
    let model = &*offer.upstream_name;
    match asked {
        MediaRequest::Image(asked) if imagen::is_imagen(model) => imagen::fits(asked),
        MediaRequest::Image(asked) => image::fits(model, asked),
        MediaRequest::Video(asked) => video::fits(model, plane(offer), asked),
        MediaRequest::Speech(asked) => speech::fits(asked),
        MediaRequest::Transcription(asked) => transcript::fits(asked),
    }
}

pub(super) fn expected(offer: &PlatformModel, asked: &MediaRequest, prompt_tokens: u64) -> Usage {
    let model = &*offer.upstream_name;
    match asked {
        MediaRequest::Image(asked) if imagen::is_imagen(model) => imagen::expected(asked),
        MediaRequest::Image(asked) => image::expected(model, asked, prompt_tokens),
        MediaRequest::Video(asked) => video::expected(model, asked),
        MediaRequest::Speech(asked) => speech::expected(asked, prompt_tokens),
        MediaRequest::Transcription(asked) => transcript::expected(asked, prompt_tokens),
    }
}

/// Vertex AI has the same shapes and a few fields more.
fn plane(offer: &PlatformModel) -> Plane {
    if offer.platform.base_url.contains("aiplatform") { Plane::Vertex } else { Plane::Developer }
}

pub(super) async fn call(clients: &Clients, call: &TextCall<'_>, asked: &MediaRequest) -> Result<TextAnswer, Failure> {
    match asked {
        MediaRequest::Image(asked) if imagen::is_imagen(&call.offer.upstream_name) => predicted(&Line::patient(clients, call), asked).await,
        MediaRequest::Image(asked) => images(&Line::patient(clients, call), asked).await,
        MediaRequest::Video(asked) => submit(&Line::brief(clients, call), plane(call.offer), asked).await,
        MediaRequest::Speech(asked) => say(&Line::patient(clients, call), asked).await,
        MediaRequest::Transcription(asked) => hear(&Line::patient(clients, call), asked).await,
    }
}

/// An image a call, all at once: there is no other way to several.
async fn images(line: &Line<'_>, asked: &ImageRequest) -> Result<TextAnswer, Failure> {
    let inputs = try_join_all(asked.images.iter().map(|file| line.inline(file))).await?;
    let written = image::write(line.upstream_name(), asked, &inputs);
    // The images stand in the body now.
    drop(inputs);
    let calls = (0..asked.n.get()).map(|_| Box::pin(image(line, asked, written.body.clone())));
    gathered(join_all(calls).await, written.notes)
}

async fn image(line: &Line<'_>, asked: &ImageRequest, body: Bytes) -> One {
    let answered = line.post(WHOLE, body).await?;
    let answer = image::read(line.upstream_name(), asked, &answered.body).map_err(|bad| unusable(bad, &answered))?;
    Ok((answer, answered.request_id()))
}

async fn predicted(line: &Line<'_>, asked: &ImageRequest) -> Result<TextAnswer, Failure> {
    let written = imagen::write(asked);
    let answered = line.post(Endpoint::Predict, written.body).await?;
    let answer = imagen::read(&answered.body, asked).map_err(|bad| unusable(bad, &answered))?;
    Ok(made(MediaAnswer::Images(answer), answered.request_id(), written.notes))
}

async fn submit(line: &Line<'_>, plane: Plane, asked: &VideoRequest) -> Result<TextAnswer, Failure> {
    let images = Images {
        first: inline(line, asked.first_frame.as_ref()).await?,
        last: inline(line, asked.last_frame.as_ref()).await?,
        references: try_join_all(asked.references.iter().map(|file| line.inline(file))).await?,
    };
    let refused = |lost: CannotCarry| Failure::new(Category::BadRequest, Sent::Nothing, lost.to_string());
    let written = video::write(line.upstream_name(), plane, asked, &images).map_err(refused)?;
    let answered = line.post(Endpoint::PredictLongRunning, written.body).await?;
    let id = operation::read_submitted(&answered.body).map_err(|bad| unusable(bad, &answered))?;
    let upstream_request_id = answered.request_id();
    Ok(TextAnswer::Job(Box::new(AcceptedJob { id, upstream_request_id, notes: written.notes, poll_after: None })))
}

async fn inline(line: &Line<'_>, file: Option<&InputFile>) -> Result<Option<(String, Bytes)>, Failure> {
    match file {
        Some(file) => line.inline(file).await.map(Some),
        None => Ok(None),
    }
}

async fn say(line: &Line<'_>, asked: &SpeechRequest) -> Result<TextAnswer, Failure> {
    let written = speech::write(asked);
    let answered = line.post(WHOLE, written.body).await?;
    let answer = speech::read(&answered.body, asked).map_err(|bad| unusable(bad, &answered))?;
    Ok(made(MediaAnswer::Speech(answer), answered.request_id(), written.notes))
}

async fn hear(line: &Line<'_>, asked: &TranscriptionRequest) -> Result<TextAnswer, Failure> {
    let sound = line.inline(&asked.file).await?;
    let written = transcript::write(asked, &sound);
    drop(sound);
    let answered = line.post(WHOLE, written.body).await?;
    let answer = transcript::read(&answered.body, asked).map_err(|bad| unusable(bad, &answered))?;
    Ok(made(MediaAnswer::Transcription(answer), answered.request_id(), written.notes))
}

pub(super) async fn job(clients: &Clients, call: &JobCall<'_>) -> Result<JobReport, Failure> {
    let line = Line::of_job(clients, call.offer, call.credential);
    let answered = match plane(call.offer) {
        Plane::Developer => {
            let path: String = call.job_id.split('/').map(|part| format!("/{}", segment(part))).collect();
            line.ask(Method::GET, Endpoint::Base, &path).await?
        }
        Plane::Vertex => line.post(Endpoint::FetchPredictOperation, operation::write_question(call.job_id)).await?,
    };
    operation::read_report(&answered.body, call.asked).map_err(|bad| unusable(bad, &answered))
}
