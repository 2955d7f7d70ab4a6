//! Something that was made by a call that waits for it: brought home, booked, then given.
//!
//! The platform has done its work and is paid: from here on everything goes on by itself, whether or not the caller is still there, and is
//! tried again rather than paid for again.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use easyai_clients::{Made, PlainAnswer};
use easyai_core::error::ErrorCode;
use easyai_core::failure::{Category, Failure, Sent};
use easyai_core::pricing::Bill;
use easyai_core::run::Delivery;
use easyai_core::usage::Usage;
use easyai_protocols::media::{
    ImageAnswer, ImageRequest, MadeFile, MediaAnswer, MediaRequest, ResponseFormat, ShownImage, SpeechAnswer, StreamFormat,
    TranscriptionAnswer, image_frames, made_in_stream, speech_delta, speech_done, transcript_delta, transcript_done, write_images,
};
use easyai_store::assets::{AssetRole, StoredAsset, signed_url};
use futures_util::TryStreamExt;
use http::HeaderValue;
use tokio::time::Instant;

use crate::clock::now;
use crate::error::CallError;
use crate::finish::Instead;
use crate::home::{HomeAsk, NotHome, class, wait_after};
use crate::open::Live;
use crate::plain;
use crate::record::End;
use crate::runner::{Reply, Runner};

/// A storage may be gone for an hour, and a while more until the next try. URLs of providers live that long at least (`providers.md`
/// section 11), and say so themselves when they end.
const GIVE_UP_AFTER: Duration = Duration::from_secs(2 * 3_600);

/// The longest stream out of which what was made is kept: a few large images, each with its drafts, or an hour of speech.
pub(crate) const MAX_STREAMED_BYTES: usize = 64 << 20;

/// A piece of a stream of speech.
const SPEECH_PIECE: usize = 48 << 10;

/// Brings it home, books it, and gives it.
pub(crate) async fn deliver(runner: &Arc<Runner>, live: Box<Live>, delivery: Delivery, made: Made) -> Result<Reply, CallError> {
    let task = live.record.subject().task;
    let (finisher, runner) = (runner.finisher.clone(), Arc::clone(runner));
    let brought = finisher.background(async move { Box::pin(bring(&runner, live, delivery, made)).await });
    brought.await.unwrap_or_else(|_| Err(CallError::unbooked(task, 0)))
}

async fn bring(runner: &Arc<Runner>, live: Box<Live>, delivery: Delivery, made: Made) -> Result<Reply, CallError> {
    let Made { answer, upstream_request_id, notes } = made;
    let usage = *answer.usage();
    let shown = match &answer {
        MediaAnswer::Images(images) => show_images(runner, &live, &delivery, images).await,
        MediaAnswer::Speech(speech) => show_speech(runner, &live, &delivery, speech).await,
        MediaAnswer::Transcription(text) => Ok(show_transcript(&live, text)),
    };
    let (content_type, body) = match shown {
        Ok(shown) => shown,
        Err(why) => return unavailable(runner, live, &delivery, usage, why).await,
    };
    drop(answer);
    let content_type = HeaderValue::from_str(&content_type).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let protocol = live.ask.request.protocol;
    let answer = PlainAnswer { protocol, body, content_type, usage: Some(usage), upstream_request_id, notes };
    plain::deliver(runner, live, delivery, answer).await
}

/// Stores files until they are stored, or can't be any more.
async fn store(
    runner: &Runner,
    live: &Live,
    delivery: &Delivery,
    files: &[MadeFile],
    patience: Duration,
) -> Result<Vec<StoredAsset>, NotHome> {
    let subject = live.record.subject();
    let offer = &delivery.candidate().offer;
    let credential = delivery.credential().and_then(|id| offer.platform.credentials.iter().find(|own| own.id == id));
    let ask = HomeAsk {
        task: subject.task,
        account: subject.account,
        role: AssetRole::Result,
        files,
        class: class(live.ask.request.model_type()),
        offer,
        credential: credential.map(AsRef::as_ref),
    };
    let give_up = Instant::now() + patience;
    let tried = async {
        for tries in 0.. {
            match runner.bring_home(ask).await {
                Err(NotHome::Later(why)) if Instant::now() < give_up => {
                    tracing::warn!(task.id = %subject.task, "What was made can't be stored: {why}; trying again");
                    tokio::time::sleep(wait_after(tries).min(give_up.saturating_duration_since(Instant::now()))).await;
                }
                other => return other,
            }
        }
        Err(NotHome::Later("it was not tried".to_owned()))
    };
    let end = runner.jobs.end_of(subject.task);
    tokio::select! {
        stored = tried => stored,
        () = end.cancelled() => Err(NotHome::Later("it is not waited for any longer".to_owned())),
    }
}

/// Stores what was made by a stream that is complete. `file` says what it is, if it has no frames.
pub(crate) async fn keep_streamed(runner: &Arc<Runner>, live: &Live, delivery: &Delivery, file: Option<&HeaderValue>, frames: &Bytes) {
    if class(live.ask.request.model_type()).is_none() {
        return;
    }
    let files = match file {
        Some(media_type) => vec![MadeFile::Inline { media_type: media_type.to_str().ok().map(str::to_owned), data: frames.clone() }],
        None => made_in_stream(frames),
    };
    // It has been delivered: that it is stored too is tried once more in passing, unless nobody else has it.
    let patience = if live.job.is_some() { GIVE_UP_AFTER } else { Duration::ZERO };
    if let Err(not_home) = store(runner, live, delivery, &files, patience).await {
        tracing::error!(task.id = %live.record.subject().task, "What was streamed is delivered but not kept: {}", not_home.why());
    }
}

type Shown = (String, Bytes);

/// The content type of a stream.
const EVENTS: &str = "text/event-stream; charset=utf-8";

async fn show_images(runner: &Arc<Runner>, live: &Live, delivery: &Delivery, answer: &ImageAnswer) -> Result<Shown, String> {
    let Some(MediaRequest::Image(request)) = live.ask.request.media() else {
        return Err("images were made that nobody asked for".to_owned());
    };
    let files: Vec<MadeFile> = answer.images.iter().map(|image| image.file.clone()).collect();
    // Nobody is there to read them: whoever asks for the task gets addresses.
    let format = if live.job.is_some() { request.response_format.unwrap_or(ResponseFormat::Url) } else { request.shown_as() };
    let here = files.iter().all(|file| matches!(file, MadeFile::Inline { .. }));
    // What the caller gets in its answer needs no storage: that is tried once more in passing.
    let patience = if format == ResponseFormat::B64Json && here { Duration::ZERO } else { GIVE_UP_AFTER };
    let stored = store(runner, live, delivery, &files, patience).await;
    let shown = match (format, stored) {
        (ResponseFormat::Url, Ok(stored)) => stored.iter().map(|asset| ShownImage::Url(link(runner, live, asset))).collect(),
        (ResponseFormat::B64Json, Ok(stored)) => inline(runner, &files, &stored).await?,
        (ResponseFormat::B64Json, Err(not_home)) if here => {
            tracing::error!(task.id = %live.record.subject().task, "Images are delivered but not kept: {}", not_home.why());
            inline(runner, &files, &[]).await?
        }
        (_, Err(not_home)) => return Err(not_home.why()),
    };
    Ok(written(answer, &shown, request))
}

fn written(answer: &ImageAnswer, shown: &[ShownImage], request: &ImageRequest) -> Shown {
    if request.stream {
        (EVENTS.to_owned(), image_frames(answer, shown, request, now().seconds()))
    } else {
        ("application/json".to_owned(), write_images(answer, shown, request, now().seconds()))
    }
}

/// The bytes of images: those that came with the answer, and those that were fetched.
async fn inline(runner: &Arc<Runner>, files: &[MadeFile], stored: &[StoredAsset]) -> Result<Vec<ShownImage>, String> {
    let mut shown = Vec::with_capacity(files.len());
    for (place, file) in files.iter().enumerate() {
        match (file, stored.get(place)) {
            (MadeFile::Inline { data, .. }, _) => shown.push(ShownImage::Inline(data.clone())),
            (MadeFile::Url { .. }, Some(asset)) => shown.push(ShownImage::Inline(read_back(runner, asset).await?)),
            (MadeFile::Url { .. }, None) => return Err("an image was not stored".to_owned()),
        }
    }
    Ok(shown)
}

async fn read_back(runner: &Runner, asset: &StoredAsset) -> Result<Bytes, String> {
    let mut bytes = runner.assets.read(asset, 0..asset.size_bytes).await.map_err(|error| error.to_string())?;
    let mut whole = BytesMut::new();
    while let Some(piece) = bytes.try_next().await.map_err(|error| error.to_string())? {
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// The address of an asset for whoever asked for it.
fn link(runner: &Runner, live: &Live, asset: &StoredAsset) -> String {
    let terms = &runner.settings.links;
    let base = terms.public_url.as_deref().or(live.ask.base_url.as_deref()).unwrap_or_default();
    signed_url(&runner.vault, base, asset.id, now(), terms.lifetime)
}

/// What was heard at once, as events where those were asked for.
fn show_transcript(live: &Live, answer: &TranscriptionAnswer) -> Shown {
    match live.ask.request.media() {
        Some(MediaRequest::Transcription(asked)) if asked.stream => {
            let (delta, done) = (transcript_delta(&answer.text), transcript_done(&answer.text, &answer.usage));
            (EVENTS.to_owned(), [delta, done].concat().into())
        }
        Some(_) | None => (answer.content_type.clone(), answer.body.clone()),
    }
}

async fn show_speech(runner: &Arc<Runner>, live: &Live, delivery: &Delivery, answer: &SpeechAnswer) -> Result<Shown, String> {
    let Some(MediaRequest::Speech(request)) = live.ask.request.media() else {
        return Err("speech was made that nobody asked for".to_owned());
    };
    let file = MadeFile::Inline { media_type: Some(answer.media_type.clone()), data: answer.data.clone() };
    // Who waits for it gets it all the same; of a task that goes on by itself nothing else is left.
    let patience = if live.job.is_some() { GIVE_UP_AFTER } else { Duration::ZERO };
    if let Err(not_home) = store(runner, live, delivery, &[file], patience).await {
        if live.job.is_some() {
            return Err(not_home.why());
        }
        tracing::error!(task.id = %live.record.subject().task, "Speech is delivered but not kept: {}", not_home.why());
    }
    Ok(match request.stream_format {
        StreamFormat::Audio => (answer.media_type.clone(), answer.data.clone()),
        StreamFormat::Sse => {
            let mut frames = BytesMut::new();
            answer.data.chunks(SPEECH_PIECE).for_each(|piece| frames.extend_from_slice(&speech_delta(piece)));
            frames.extend_from_slice(&speech_done(&answer.usage));
            (EVENTS.to_owned(), frames.freeze())
        }
    })
}

/// It was made, and is lost: its caller pays nothing, the operator may.
async fn unavailable(
    runner: &Arc<Runner>,
    mut live: Box<Live>,
    delivery: &Delivery,
    usage: Usage,
    why: String,
) -> Result<Reply, CallError> {
    let task = live.record.subject().task;
    let offer = &delivery.candidate().offer;
    let bill = live.terms.bill(offer, &usage, &live.carried.usage_of(offer, || usage)).ok().map(|bill| Bill {
        charge: easyai_core::money::Money::ZERO,
        lines: Vec::new(),
        ..bill
    });
    let failure = Failure::new(Category::BadResponse, Sent::Maybe, why);
    let elapsed = live.record.subject().watch.elapsed();
    let entry = delivery.failed(&failure, elapsed);
    live.record.broke_off(&failure, entry, u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX));
    let attempts = live.record.attempts();
    let message = format!("what the platform made could not be brought home, so it is not charged: {}", failure.message);
    let is_cancelled = runner.jobs.end_of(task).is_cancelled() && !runner.is_draining();
    let end = if is_cancelled { End::Cancelled } else { End::Failed { code: ErrorCode::AssetUnavailable, message: message.clone() } };
    runner.metrics.ended(end.status());
    let usage = bill.as_ref().map(|_| usage);
    runner.finisher.settle(live.record.finish(end, usage, bill, None), Instead::TheSame).await;
    Err(CallError { attempts, ..CallError::refused(task, ErrorCode::AssetUnavailable, message) })
}
