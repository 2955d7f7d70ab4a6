//! Images, videos and sound that are made up: real files, the same for the same request.
//!
//! What they use is what was expected of them, so that prices can be tried.

mod h264;
mod job;
mod mp4;
mod png;
mod wav;

use std::time::Duration;

use bytes::Bytes;
use easyai_core::catalog::{FaultPosition, SimulatedFault, Simulation};
use easyai_core::failure::{Category, Failure, Sent};
use easyai_core::media::{MediaUsage, Pixels};
use easyai_core::usage::{Usage, UsageSource};
use easyai_protocols::conversation::Notes;
use easyai_protocols::media::{
    ImageAnswer, ImageFormat, ImageRequest, InputSource, JobReport, MadeFile, MadeImage, MediaAnswer, MediaRequest, ShownImage,
    SpeechAnswer, SpeechFormat, SpeechRequest, Transcript, TranscriptionAnswer, TranscriptionRequest, image_frames, image_partial,
    sound_millis, speech_delta, speech_done, transcript_delta, transcript_done, wave, write_transcription,
};
use easyai_protocols::tokens;

use self::png::picture;
use super::{Fault, frames, text};
use crate::call::{TextAnswer, TextCall};
use crate::media::{self, JobCall, Made};
use crate::stream::{self, Asked, Clock, Passage, Piece, Source};

/// The largest picture that is made: four thousand a side.
const MAX_AREA: u64 = 1 << 24;

/// The sound of one event of a stream: half a second.
const SOUND_PIECE: usize = wav::RATE as usize;

/// A fixed date, since answers are repeatable.
const CREATED: i64 = 1_760_000_000;

/// Where a simulated job is, by its id and the time.
pub(crate) fn job(call: &JobCall<'_>) -> JobReport {
    job::report(call)
}

/// Answers a call for media. A fault happens in the middle of a stream, or instead of a whole answer.
pub(super) async fn answer(
    call: &TextCall<'_>,
    asked: &MediaRequest,
    settings: &Simulation,
    clock: Clock,
    fault: Option<&Fault>,
) -> Result<TextAnswer, Failure> {
    let mut usage = media::expected(call.offer, asked, call.request.scan.prompt_tokens);
    usage.source = UsageSource::Upstream;
    let made = match asked {
        MediaRequest::Video(video) if fault.is_none() => return Ok(TextAnswer::Job(Box::new(job::accept(call, video, settings)))),
        MediaRequest::Video(_) => None,
        MediaRequest::Image(image) => Some(MediaAnswer::Images(images(image, usage)?)),
        MediaRequest::Speech(speech) => Some(MediaAnswer::Speech(say(speech, usage))),
        MediaRequest::Transcription(recording) => Some(MediaAnswer::Transcription(heard(recording, usage))),
    };
    match (made, fault) {
        (Some(made), fault) if asked.stream() => stream(call, asked, &made, settings, clock, fault).await,
        (Some(answer), None) => {
            let id = format!("simulated-{:016x}", text::hash(asked.prompt()));
            Ok(TextAnswer::Made(Box::new(Made { answer, upstream_request_id: Some(id), notes: notes(asked) })))
        }
        (_, Some(fault)) => Err(super::in_the_middle(fault, &clock).await),
        (None, None) => Err(Failure::new(Category::Internal, Sent::Nothing, "there is nothing to make")),
    }
}

/// It makes PNG and WAV only.
fn notes(asked: &MediaRequest) -> Notes {
    let mut notes = Notes::default();
    match asked {
        MediaRequest::Image(ImageRequest { output_format: Some(ImageFormat::Jpeg | ImageFormat::Webp), .. }) => {
            notes.changed("output_format", "the simulation makes PNG");
        }
        MediaRequest::Speech(SpeechRequest {
            format: SpeechFormat::Mp3 | SpeechFormat::Opus | SpeechFormat::Aac | SpeechFormat::Flac,
            ..
        }) => notes.changed("response_format", "the simulation makes WAV"),
        MediaRequest::Image(_) | MediaRequest::Speech(_) | MediaRequest::Video(_) | MediaRequest::Transcription(_) => {}
    }
    notes
}

fn images(asked: &ImageRequest, usage: Usage) -> Result<ImageAnswer, Failure> {
    let size = asked.size.or_else(|| Pixels::new(1024, 1024));
    let size = size.filter(|size| size.area() <= MAX_AREA).ok_or_else(|| Failure {
        param: Some("size".to_owned()),
        ..Failure::new(Category::BadRequest, Sent::Nothing, "`size`: the simulation makes pictures of at most 4096x4096 pixels")
    })?;
    let image = |index: u32| {
        let seed = text::hash(&format!("{} {index} {:?} {}", asked.prompt, asked.seed, asked.images.len()));
        let file = MadeFile::Inline { media_type: Some("image/png".to_owned()), data: picture(size, seed) };
        MadeImage { file, revised_prompt: None, size: Some(size) }
    };
    Ok(ImageAnswer {
        images: (0..asked.n.get()).map(image).collect(),
        failed: Vec::new(),
        created_at: Some(CREATED),
        background: None,
        output_format: Some("png".to_owned()),
        quality: None,
        size: Some(size.to_string()),
        usage,
    })
}

fn say(asked: &SpeechRequest, usage: Usage) -> SpeechAnswer {
    let millis = wav::millis(&asked.input, asked.speed_percent.unwrap_or(100));
    let samples = wav::samples(&format!("{} {}", asked.voice, asked.input), millis);
    let (format, data) = match asked.format {
        SpeechFormat::Pcm => (SpeechFormat::Pcm, Bytes::from(samples)),
        SpeechFormat::Mp3 | SpeechFormat::Opus | SpeechFormat::Aac | SpeechFormat::Flac | SpeechFormat::Wav => {
            (SpeechFormat::Wav, wave(&samples, wav::RATE))
        }
    };
    SpeechAnswer { media_type: format.media_type().to_owned(), data, usage }
}

fn heard(asked: &TranscriptionRequest, usage: Usage) -> TranscriptionAnswer {
    let (name, data) = match &asked.file.source {
        InputSource::Inline { data, .. } => (asked.file.filename.clone().unwrap_or_else(|| format!("{} bytes", data.len())), data.clone()),
        InputSource::Url(url) => (url.clone(), Bytes::new()),
    };
    let text = text::answer(&name);
    let millis = sound_millis(&data);
    let usage = Usage { output_tokens: tokens::estimate(&text), media: Some(MediaUsage::Audio { millis }), ..usage };
    let transcript = Transcript { text, language: Some("english".to_owned()), millis: Some(millis), ..Transcript::default() };
    write_transcription(transcript, asked, usage)
}

async fn stream(
    call: &TextCall<'_>,
    asked: &MediaRequest,
    made: &MediaAnswer,
    settings: &Simulation,
    clock: Clock,
    fault: Option<&Fault>,
) -> Result<TextAnswer, Failure> {
    let pieces = pieces(events(asked, made), settings, fault.map(|fault| &fault.played));
    let source = Source::Simulated(stream::Script::new(pieces));
    let asked_of_stream = Asked::by(call.request).with_media(made.usage().media);
    let id = format!("simulated-{:016x}", text::hash(asked.prompt()));
    let opened = stream::open(source, clock, asked_of_stream, Passage::same(call.request.protocol), Some(id)).await?;
    Ok(TextAnswer::Stream { stream: Box::new(opened), notes: notes(asked) })
}

/// The events of a whole answer; the last one ends it.
fn events(asked: &MediaRequest, made: &MediaAnswer) -> Vec<Bytes> {
    match (asked, made) {
        (MediaRequest::Image(request), MediaAnswer::Images(answer)) => {
            let data = |image: &MadeImage| match &image.file {
                MadeFile::Inline { data, .. } => data.clone(),
                MadeFile::Url { .. } => Bytes::new(),
            };
            let shown: Vec<ShownImage> = answer.images.iter().map(|image| ShownImage::Inline(data(image))).collect();
            let draft = |index: u8| {
                let size = answer.images.first().and_then(|image| image.size).or_else(|| Pixels::new(64, 64))?;
                Some(image_partial(request, index, &picture(size, text::hash(&format!("{} draft {index}", request.prompt))), CREATED))
            };
            let mut frames: Vec<Bytes> = (0..request.partial_images).filter_map(draft).collect();
            frames.push(image_frames(answer, &shown, request, CREATED));
            frames
        }
        (_, MediaAnswer::Speech(answer)) => {
            let mut frames: Vec<Bytes> = answer.data.chunks(SOUND_PIECE).map(speech_delta).collect();
            frames.push(speech_done(&answer.usage));
            frames
        }
        (_, MediaAnswer::Transcription(answer)) => {
            let mut frames: Vec<Bytes> = text::deltas(&answer.text, None, " ").iter().map(|delta| transcript_delta(delta)).collect();
            frames.push(transcript_done(&answer.text, &answer.usage));
            frames
        }
        (_, MediaAnswer::Images(_)) => Vec::new(),
    }
}

/// What the stream sends, and where it breaks: never after its end.
fn pieces(frames: Vec<Bytes>, settings: &Simulation, fault: Option<&SimulatedFault>) -> Vec<(Duration, Piece)> {
    let delay = Duration::from_millis(settings.chunk_delay_ms.into());
    let kept = fault.map_or(usize::MAX, |fault| usize::try_from(fault.deltas).unwrap_or(usize::MAX).min(frames.len().saturating_sub(1)));
    let timed = |(index, frame)| (if index > 0 { delay } else { Duration::ZERO }, Piece::Send(frame));
    let mut pieces: Vec<_> = frames.into_iter().take(kept).enumerate().map(timed).collect();
    let last = fault.map(|fault| match fault.position {
        FaultPosition::Cut => Piece::Cut,
        FaultPosition::Stall => Piece::Stall,
        FaultPosition::BeforeAnswer | FaultPosition::AfterDeltas => {
            Piece::Send(frames::error(fault.category.unwrap_or(Category::ServerError)))
        }
    });
    pieces.extend(last.map(|last| (delay, last)));
    pieces
}
