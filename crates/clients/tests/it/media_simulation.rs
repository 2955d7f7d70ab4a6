//! The simulation's images, videos and sound: real files, and jobs that survive everything.

use bytes::Bytes;
use easyai_clients::{JobCall, TextAnswer};
use easyai_core::catalog::Simulation;
use easyai_core::failure::Category;
use easyai_core::kind::{Kind, Provider};
use easyai_core::media::MediaUsage;
use easyai_core::time::Timestamp;
use easyai_protocols::media::{JobReport, JobResult, MadeFile, MediaAnswer, size, sniff};
use easyai_protocols::multipart::Form;
use std::sync::Arc;

use crate::bed::{Bed, told};

const WAV: &[u8] = b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\xc0\x5d\0\0\x80\xbb\0\0\x02\0\x10\0data\0\0\0\0";

fn bed(settings: &str) -> Bed {
    let simulation: Simulation = serde_json::from_str(settings).unwrap();
    let mut bed = Bed::at("").impatient().with(|platform| platform.provider = Provider::Simulation);
    bed.simulation = Some(simulation);
    bed
}

fn made(answer: TextAnswer) -> MediaAnswer {
    match answer {
        TextAnswer::Made(made) => made.answer,
        other => panic!("nothing was made: {other:?}"),
    }
}

fn data(file: &MadeFile) -> Bytes {
    match file {
        MadeFile::Inline { data, .. } => data.clone(),
        MadeFile::Url { url, .. } => panic!("not here: {url}"),
    }
}

/// Keeps what was made, for a person (or ffprobe) to look at, where the environment names a folder.
fn keep(name: &str, data: &[u8]) {
    if let Ok(folder) = std::env::var("EASYAI_KEEP_MEDIA") {
        std::fs::write(std::path::Path::new(&folder).join(name), data).unwrap();
    }
}

async fn stream(bed: &Bed, kind: Kind, body: &'static str) -> crate::bed::Told {
    match bed.media(kind, None, body).await.unwrap() {
        TextAnswer::Stream { stream, .. } => told(stream).await,
        other => panic!("no stream: {other:?}"),
    }
}

#[tokio::test]
async fn images_are_real_and_the_same_again() {
    let body = r#"{"model":"m","prompt":"a cat","n":3,"size":"1536x1024"}"#;
    let MediaAnswer::Images(answer) = made(bed("{}").media(Kind::ImagesGenerations, None, body).await.unwrap()) else {
        panic!("no images")
    };
    let MediaAnswer::Images(again) = made(bed("{}").media(Kind::ImagesGenerations, None, body).await.unwrap()) else { panic!("no images") };
    assert_eq!((answer.images.len(), &answer), (3, &again));
    for image in &answer.images {
        assert_eq!(size(&data(&image.file)).map(|size| size.to_string()).as_deref(), Some("1536x1024"));
    }
    assert_ne!(answer.images[0].file, answer.images[1].file);
    keep("picture.png", &data(&answer.images[0].file));
    let huge = bed("{}").media(Kind::ImagesGenerations, None, r#"{"model":"m","prompt":"x","size":"9000x9000"}"#).await.unwrap_err();
    assert_eq!((huge.category, huge.param.as_deref()), (Category::BadRequest, Some("size")));
}

#[tokio::test]
async fn an_image_is_streamed_by_its_drafts() {
    let body = r#"{"model":"m","prompt":"a cat","stream":true,"partial_images":2,"size":"64x64"}"#;
    let told = stream(&bed("{}"), Kind::ImagesGenerations, body).await;
    let names: Vec<_> = told.frames().lines().filter_map(|line| line.strip_prefix("event: ")).map(str::to_owned).collect();
    assert_eq!(names, ["image_generation.partial_image", "image_generation.partial_image", "image_generation.completed"]);
    let usage = told.end.unwrap().1.unwrap();
    assert!(matches!(usage.media, Some(MediaUsage::Images { count: 1, .. })));
    for (script, category) in [("cut", Category::BadResponse), ("stall", Category::Timeout), ("after_deltas", Category::RateLimit)] {
        let bed = bed(&format!(r#"{{"script":[{{"category":"rate_limit","position":"{script}","deltas":1}}]}}"#));
        assert_eq!(stream(&bed, Kind::ImagesGenerations, body).await.end.unwrap_err().category, category, "{script}");
    }
}

#[tokio::test]
async fn speech_has_the_length_of_its_text() {
    let body = r#"{"model":"m","input":"one two three four five six","voice":"alloy","response_format":"wav"}"#;
    let MediaAnswer::Speech(answer) = made(bed("{}").media(Kind::AudioSpeech, None, body).await.unwrap()) else { panic!("no speech") };
    assert_eq!((sniff(&answer.data), easyai_protocols::media::sound_millis(&answer.data)), (Some("audio/wav"), 1_800));
    assert_eq!(answer.usage.media, Some(MediaUsage::Speech { characters: 27 }));
    keep("speech.wav", &answer.data);
    let told = stream(&bed("{}"), Kind::AudioSpeech, r#"{"model":"m","input":"hello","voice":"alloy","stream_format":"sse"}"#).await;
    assert!(told.frames().contains("speech.audio.delta") && told.end.unwrap().0.contains("speech.audio.done"));
}

#[tokio::test]
async fn a_recording_is_heard_in_every_format() {
    for format in ["json", "text", "srt", "vtt", "verbose_json", "diarized_json"] {
        let form = Form::default()
            .text("model", "m")
            .text("response_format", format)
            .file("file", "a.wav", "audio/wav", Bytes::from_static(WAV))
            .finish();
        let answer = bed("{}").media(Kind::AudioTranscriptions, Some(&form.content_type), form.body.concat()).await.unwrap();
        let MediaAnswer::Transcription(answer) = made(answer) else { panic!("no text") };
        assert!(answer.text.contains("a.wav") && !answer.body.is_empty(), "{format}");
    }
}

#[tokio::test]
async fn a_video_is_a_job_whose_state_follows_from_its_id_and_the_clock() {
    let bed = bed(r#"{"job_seconds":10}"#);
    let body = r#"{"model":"m","prompt":"a cat","seconds":"4","size":"1280x720"}"#;
    let TextAnswer::Job(job) = bed.media(Kind::VideosGenerations, None, body).await.unwrap() else { panic!("no job") };
    let asked = MediaUsage::Video { millis: 4_000, resolution: None, audio: true, video_input: false };
    let offer = Arc::new(bed.offer.clone());
    let at = async |seconds: i64| {
        let (submitted_at, now) = (Timestamp::from_micros(7_000_000), Timestamp::from_micros(7_000_000 + seconds * 1_000_000));
        let call = JobCall { offer: &offer, credential: None, job_id: &job.id, asked, submitted_at, now, simulated: false };
        bed.clients.job(call).await.unwrap()
    };
    assert_eq!(at(0).await, JobReport::Queued);
    assert!(matches!(at(5).await, JobReport::Running { percent: Some(50), poll_after: Some(_) }));
    let JobReport::Succeeded(result) = at(10).await else { panic!("not done") };
    assert_eq!(at(9_999).await, JobReport::Succeeded(result.clone()));
    let JobResult { files, thumbnail, usage, .. } = *result;
    assert_eq!((sniff(&data(&files[0])), usage.media), (Some("video/mp4"), Some(asked)));
    assert_eq!(size(&data(&thumbnail.unwrap())).map(|size| size.to_string()).as_deref(), Some("1280x720"));
    keep("film.mp4", &data(&files[0]));
}

#[tokio::test]
async fn a_submit_meets_the_script() {
    let body = r#"{"model":"m","prompt":"a cat"}"#;
    let failure = bed(r#"{"script":[{"category":"overloaded"}]}"#).media(Kind::VideosGenerations, None, body).await.unwrap_err();
    assert_eq!(failure.category, Category::Overloaded);
    let failure = bed(r#"{"script":[{"position":"cut"}]}"#).media(Kind::ImagesGenerations, None, body).await.unwrap_err();
    assert_eq!(failure.category, Category::BadResponse);
}
