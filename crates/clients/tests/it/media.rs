//! Media at OpenAI-compatible upstreams: what is sent, and what is made of their answers.

use bytes::Bytes;
use easyai_bench::mock::{Behaviour, MockUpstream, Raw, Reply};
use easyai_clients::{JobCall, TextAnswer};
use easyai_core::failure::{Category, Sent};
use easyai_core::kind::Kind;
use easyai_core::media::MediaUsage;
use easyai_core::time::Timestamp;
use easyai_protocols::media::{JobReport, MadeFile, MediaAnswer};
use easyai_protocols::multipart::{Form, parts};
use std::sync::Arc;

use crate::bed::{Bed, media_request, told};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x08\0\0\0\x08\x08\x06\0\0\0";
const WAV: &[u8] = b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\xc0\x5d\0\0\x80\xbb\0\0\x02\0\x10\0data\0\0\0\0";
const IMAGE: &str = r#"{"model":"m","prompt":"a cat","n":2,"response_format":"url"}"#;

async fn mock(reply: Reply) -> MockUpstream {
    MockUpstream::start(Behaviour::always(reply).at_any_path()).await.unwrap()
}

async fn answering(body: &'static str) -> (MockUpstream, Bed) {
    let upstream = mock(Reply::Raw(Raw::json(200, body))).await;
    let bed = Bed::at(&upstream.base_url());
    (upstream, bed)
}

fn made(answer: TextAnswer) -> MediaAnswer {
    match answer {
        TextAnswer::Made(made) => made.answer,
        other => panic!("nothing was made: {other:?}"),
    }
}

#[tokio::test]
async fn a_generation_goes_on_as_it_came_and_its_images_are_counted() {
    let (upstream, mut bed) = answering(r#"{"data":[{"b64_json":"aW1n"},{"url":"https://x/y.png"}]}"#).await;
    let MediaAnswer::Images(answer) = made(bed.media(Kind::ImagesGenerations, None, IMAGE).await.unwrap()) else { panic!("no images") };
    assert_eq!(answer.images.len(), 2);
    assert!(matches!(answer.usage.media, Some(MediaUsage::Images { count: 2, .. })), "{:?}", answer.usage);
    bed.offer.upstream_name = "gpt-image-1".into();
    bed.media(Kind::ImagesGenerations, None, IMAGE).await.unwrap();
    let bodies: Vec<_> = upstream.requests().iter().map(|sent| String::from_utf8(sent.body.to_vec()).unwrap()).collect();
    assert_eq!(bodies[0], IMAGE.replacen("\"m\"", "\"upstream-m\"", 1));
    assert_eq!(bodies[1], r#"{"model":"gpt-image-1","prompt":"a cat","n":2}"#);
    assert_eq!(upstream.requests()[0].path, "/v1/images/generations");
}

#[tokio::test]
async fn what_a_known_model_can_t_do_is_refused_before_it_is_asked() {
    let (upstream, mut bed) = answering("{}").await;
    let mut check = |name: &str, kind: Kind, body: &str, field: &str, allowed: &str| {
        bed.offer.upstream_name = name.into();
        let request = media_request(kind, None, Bytes::copy_from_slice(body.as_bytes()));
        match bed.clients.fits(&bed.offer, &request) {
            Ok(()) => assert_eq!(field, "", "{name} takes {body}"),
            Err(lost) => {
                assert_eq!(lost.field, field, "{name}: {lost}");
                assert!(lost.why.contains(allowed), "{name}: {lost}");
            }
        }
    };
    let (image, video, speech) = (Kind::ImagesGenerations, Kind::VideosGenerations, Kind::AudioSpeech);
    check("gpt-image-1", image, r#"{"model":"m","prompt":"x","size":"512x512"}"#, "size", "1536x1024");
    check("gpt-image-1", image, r#"{"model":"m","prompt":"x","quality":"hd"}"#, "quality", "low, medium, high");
    check("openai/gpt-image-2", image, r#"{"model":"m","prompt":"x","size":"1000x1000"}"#, "size", "multiples of 16");
    check("dall-e-3", image, r#"{"model":"m","prompt":"x","n":2}"#, "n", "1");
    check("somebodys-model", image, r#"{"model":"m","prompt":"x","size":"123x457","n":9}"#, "", "");
    check("sora-2", video, r#"{"model":"m","prompt":"x","seconds":5}"#, "seconds", "4, 8, 12");
    check("sora-2", video, r#"{"model":"m","prompt":"x","size":"640x480"}"#, "size", "1280x720");
    check("sora-2", video, r#"{"model":"m","prompt":"x","seed":1}"#, "seed", "none");
    check("sora-2", video, r#"{"model":"m","prompt":"x","resolution":"720p","ratio":"9:16","duration":8}"#, "", "");
    check("whisper-1", speech, r#"{"model":"m","input":"x","voice":"alloy"}"#, "model", "does not speak");
    assert_eq!(upstream.calls(), 0);
}

#[tokio::test]
async fn an_edit_is_a_form_with_the_upstream_s_name() {
    let (upstream, mut bed) = answering(r#"{"data":[{"b64_json":"aW1n"}],"usage":{"input_tokens":7,"output_tokens":9}}"#).await;
    bed.offer.upstream_name = "gpt-image-1".into();
    let form = Form::default()
        .text("model", "m")
        .text("response_format", "url")
        .file("image[]", "a.png", "image/png", Bytes::from_static(PNG))
        .text("prompt", "x")
        .finish();
    let answer = bed.media(Kind::ImagesEdits, Some(&form.content_type), form.body.concat()).await.unwrap();
    assert_eq!((made(answer).usage().input_tokens, upstream.requests()[0].path.as_str()), (7, "/v1/images/edits"));
    let body = r#"{"model":"m","prompt":"x","images":[{"image_url":"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAYAAAA="}]}"#;
    bed.media(Kind::ImagesEdits, None, body).await.unwrap();
    for sent in upstream.requests() {
        let fields = parts(sent.header("content-type").unwrap(), &sent.body).unwrap();
        let mut names: Vec<_> = fields.iter().map(|part| part.name.as_str().trim_end_matches("[]")).collect();
        names.sort_unstable();
        assert_eq!(names, ["image", "model", "prompt"]);
        let field = |name: &str| fields.iter().find(|part| part.name.starts_with(name)).unwrap().data.clone();
        assert_eq!((&field("model")[..], &field("image")[..]), (&b"gpt-image-1"[..], PNG));
    }
}

#[tokio::test]
async fn a_streamed_image_passes_by_and_is_counted() {
    let events = "event: image_generation.partial_image\ndata: {\"type\":\"image_generation.partial_image\",\"b64_json\":\"aW1n\",\"partial_image_index\":0}\n\n";
    let end = "data: {\"type\":\"image_generation.completed\",\"b64_json\":\"aW1n\",\"size\":\"1024x1024\",\"quality\":\"low\",\"usage\":{\"input_tokens\":5,\"output_tokens\":272}}\n\n";
    let pieces = vec![Bytes::from_static(events.as_bytes()), Bytes::from_static(end.as_bytes())];
    let upstream = mock(Reply::Raw(Raw::event_stream(pieces))).await;
    let bed = Bed::at(&upstream.base_url());
    let body = r#"{"model":"m","prompt":"a cat","stream":true,"partial_images":1}"#;
    let TextAnswer::Stream { stream, .. } = bed.media(Kind::ImagesGenerations, None, body).await.unwrap() else { panic!("no stream") };
    let told = told(stream).await;
    assert_eq!(told.frames(), format!("{events}event: image_generation.completed\n{end}"));
    let usage = told.end.unwrap().1.unwrap();
    assert_eq!((usage.output_tokens, matches!(usage.media, Some(MediaUsage::Images { count: 1, .. }))), (272, true));
}

#[tokio::test]
async fn an_upstream_that_can_t_stream_images_answers_whole() {
    let (_upstream, bed) = answering(r#"{"data":[{"b64_json":"aW1n"}]}"#).await;
    let body = r#"{"model":"m","prompt":"a cat","stream":true}"#;
    assert!(matches!(made(bed.media(Kind::ImagesGenerations, None, body).await.unwrap()), MediaAnswer::Images(_)));
}

#[tokio::test]
async fn failures_say_whether_something_may_have_been_made() {
    let check = async |reply: Reply, category: Category| {
        let upstream = mock(reply).await;
        let bed = Bed::at(&upstream.base_url());
        let failure = bed.media(Kind::ImagesGenerations, None, IMAGE).await.unwrap_err();
        assert_eq!((failure.category, failure.sent), (category, Sent::Maybe), "{failure:?}");
    };
    check(Reply::status(429), Category::RateLimit).await;
    check(Reply::Garbage, Category::BadResponse).await;
    check(Reply::Empty, Category::BadResponse).await;
    check(Reply::Html, Category::BadResponse).await;
    check(Reply::Reset, Category::Network).await;
    check(Reply::Raw(Raw::json(200, r#"{"error":{"message":"no","code":"moderation_blocked"}}"#)), Category::ContentFilter).await;
    check(Reply::Raw(Raw::json(200, r#"{"data":[]}"#)), Category::BadResponse).await;
    let nobody = Bed::at("http://127.0.0.1:1/v1");
    let failure = nobody.media(Kind::ImagesGenerations, None, IMAGE).await.unwrap_err();
    assert_eq!((failure.category, failure.sent), (Category::Network, Sent::Nothing));
}

#[tokio::test]
async fn speech_comes_as_bytes_or_as_events() {
    let upstream = mock(Reply::Raw(Raw::sized(200, "audio/mpeg", Bytes::from_static(b"ID3sound")))).await;
    let mut bed = Bed::at(&upstream.base_url());
    let body = r#"{"model":"m","input":"hello","voice":"alloy"}"#;
    let TextAnswer::Stream { stream, .. } = bed.media(Kind::AudioSpeech, None, body).await.unwrap() else { panic!("no stream") };
    assert_eq!(stream.media_type().unwrap(), "audio/mpeg");
    let sound = told(stream).await;
    assert_eq!(sound.frames(), "ID3sound");
    assert_eq!(sound.end.unwrap().1.unwrap().media, Some(MediaUsage::Speech { characters: 5 }));
    // Who does not listen gets it whole.
    bed.whole = true;
    let MediaAnswer::Speech(answer) = made(bed.media(Kind::AudioSpeech, None, body).await.unwrap()) else { panic!("no speech") };
    assert_eq!((answer.media_type.as_str(), &answer.data[..]), ("audio/mpeg", &b"ID3sound"[..]));
    assert_eq!(answer.usage.media, Some(MediaUsage::Speech { characters: 5 }));
    let events = "data: {\"type\":\"speech.audio.delta\",\"audio\":\"aW1n\"}\n\ndata: {\"type\":\"speech.audio.done\",\"usage\":{\"input_tokens\":2,\"output_tokens\":9}}\n\n";
    upstream.set(Behaviour::always(Reply::Raw(Raw::event_stream(vec![Bytes::from_static(events.as_bytes())]))).at_any_path());
    let body = r#"{"model":"m","input":"hello","voice":"alloy","stream_format":"sse"}"#;
    let TextAnswer::Stream { stream, .. } = bed.media(Kind::AudioSpeech, None, body).await.unwrap() else { panic!("no stream") };
    let told = told(stream).await;
    assert!(told.frames().ends_with(
        "event: speech.audio.done\ndata: {\"type\":\"speech.audio.done\",\"usage\":{\"input_tokens\":2,\"output_tokens\":9}}\n\n"
    ));
    let usage = told.end.unwrap().1.unwrap();
    assert_eq!((usage.output_tokens, usage.media), (9, Some(MediaUsage::Speech { characters: 5 })));
}

#[tokio::test]
async fn what_is_no_sound_is_no_speech() {
    let error = r#"{"error":{"message":"The quota is used up","code":"insufficient_quota"}}"#;
    for (whole, body, expected) in
        [(false, error, Category::QuotaExhausted), (true, error, Category::QuotaExhausted), (false, "", Category::BadResponse)]
    {
        let upstream = mock(Reply::Raw(Raw::sized(200, "audio/mpeg", Bytes::from_static(body.as_bytes())))).await;
        let bed = Bed { whole, ..Bed::at(&upstream.base_url()) };
        let asked = r#"{"model":"m","input":"hello","voice":"alloy"}"#;
        assert_eq!(bed.media(Kind::AudioSpeech, None, asked).await.unwrap_err().category, expected, "{whole} {body}");
    }
}

#[tokio::test]
async fn a_transcript_passes_as_its_upstream_wrote_it() {
    let (upstream, bed) = answering(r#"{"text":"hello there","usage":{"type":"duration","seconds":2}}"#).await;
    let form = Form::default().text("model", "m").file("file", "a.wav", "audio/wav", Bytes::from_static(WAV)).finish();
    let answer = bed.media(Kind::AudioTranscriptions, Some(&form.content_type), form.body.concat()).await.unwrap();
    let MediaAnswer::Transcription(answer) = made(answer) else { panic!("no text") };
    assert_eq!((answer.text.as_str(), answer.usage.media), ("hello there", Some(MediaUsage::Audio { millis: 2_000 })));
    assert_eq!(upstream.requests()[0].path, "/v1/audio/transcriptions");
    let events = "data: {\"type\":\"transcript.text.delta\",\"delta\":\"hello\"}\n\ndata: {\"type\":\"transcript.text.done\",\"text\":\"hello\"}\n\n";
    upstream.set(Behaviour::always(Reply::Raw(Raw::event_stream(vec![Bytes::from_static(events.as_bytes())]))).at_any_path());
    let form =
        Form::default().text("model", "m").text("stream", "true").file("file", "a.wav", "audio/wav", Bytes::from_static(WAV)).finish();
    let answer = bed.media(Kind::AudioTranscriptions, Some(&form.content_type), form.body.concat()).await.unwrap();
    let TextAnswer::Stream { stream, .. } = answer else { panic!("no stream") };
    assert!(told(stream).await.end.is_ok());
}

#[tokio::test]
async fn a_video_is_a_job_that_is_asked_about() {
    let submitted =
        Raw::json(200, r#"{"id":"video_1","object":"video","status":"queued","progress":0}"#).with_header("openai-poll-after-ms", "5000");
    let upstream = mock(Reply::Raw(submitted)).await;
    let mut bed = Bed::at(&upstream.base_url());
    bed.offer.upstream_name = "sora-2".into();
    let body = r#"{"model":"m","prompt":"x","duration":8,"resolution":"720p","ratio":"9:16","image":"https://x/y.png"}"#;
    let TextAnswer::Job(job) = bed.media(Kind::VideosGenerations, None, body).await.unwrap() else { panic!("no job") };
    assert_eq!((job.id.as_str(), job.poll_after.map(|wait| wait.as_secs())), ("video_1", Some(5)));
    let sent = upstream.requests()[0].json().unwrap();
    let expected = r#"{"model":"sora-2","prompt":"x","seconds":"8","size":"720x1280","input_reference":{"image_url":"https://x/y.png"}}"#;
    assert_eq!(sent.to_string(), expected);
    upstream.script(vec![
        Reply::Raw(Raw::json(200, r#"{"id":"video_1","status":"in_progress","progress":40}"#)),
        Reply::Raw(Raw::json(200, r#"{"id":"video_1","status":"completed","seconds":"8","size":"720x1280"}"#)),
        Reply::Raw(Raw::json(200, r#"{"id":"video_1","status":"failed","error":{"code":"moderation_blocked","message":"no"}}"#)),
        Reply::status(404),
    ]);
    let (offer, credential) = (Arc::new(bed.offer.clone()), Bed::credential());
    let call = JobCall {
        offer: &offer,
        credential: Some(&credential),
        job_id: "video_1",
        asked: MediaUsage::Video { millis: 4_000, resolution: None, audio: true, video_input: false },
        submitted_at: Timestamp::from_micros(0),
        now: Timestamp::from_micros(9),
        simulated: false,
    };
    assert_eq!(bed.clients.job(call).await, Ok(JobReport::Running { percent: Some(40), poll_after: None }));
    let Ok(JobReport::Succeeded(result)) = bed.clients.job(call).await else { panic!("no result") };
    let url = format!("{}/videos/video_1/content", upstream.base_url());
    assert_eq!(result.files, [MadeFile::Url { url }]);
    assert!(matches!(bed.clients.job(call).await, Ok(JobReport::Failed(_))));
    let gone = bed.clients.job(call).await.unwrap_err();
    assert_eq!((gone.category, gone.status), (Category::ModelUnavailable, Some(404)));
    let asked: Vec<_> = upstream.requests().iter().skip(1).map(|sent| format!("{} {}", sent.method, sent.path)).collect();
    assert_eq!(asked, ["GET /v1/videos/video_1"; 4]);
}

#[tokio::test]
async fn an_accepted_video_without_an_id_is_never_submitted_again() {
    let (_upstream, bed) = answering(r#"{"status":"queued"}"#).await;
    let failure = bed.media(Kind::VideosGenerations, None, r#"{"model":"m","prompt":"x"}"#).await.unwrap_err();
    assert_eq!((failure.category, failure.sent), (Category::BadResponse, Sent::Maybe));
}
