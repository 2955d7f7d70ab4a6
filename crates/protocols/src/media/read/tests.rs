use bytes::Bytes;
use easyai_core::kind::Kind;

use super::*;
use crate::media::{Background, ImageFormat, InputFile, InputSource, ResponseFormat, SpeechFormat, StreamFormat, TranscriptFormat};
use crate::multipart::Form;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x08\0\0\0\x08\x08\x06\0\0\0";
const OTHER_PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x09\0\0\0\x08\x08\x06\0\0\0";
const WAV: &[u8] = b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0";
/// [`PNG`] in base64.
const DATA_URL: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAYAAAA=";

fn json(kind: Kind, body: &str) -> Result<MediaRequest, BadRequest> {
    read(kind, Some("application/json"), Bytes::copy_from_slice(body.as_bytes()))
}

fn form(kind: Kind, form: Form) -> Result<MediaRequest, BadRequest> {
    let written = form.finish();
    read(kind, Some(&written.content_type), Bytes::from(written.body.concat()))
}

fn image(request: Result<MediaRequest, BadRequest>) -> crate::media::ImageRequest {
    match request.unwrap() {
        MediaRequest::Image(request) => request,
        other => panic!("no image: {other:?}"),
    }
}

fn video(request: Result<MediaRequest, BadRequest>) -> VideoRequest {
    match request.unwrap() {
        MediaRequest::Video(request) => request,
        other => panic!("no video: {other:?}"),
    }
}

/// The field that is refused, and why.
fn refused(kind: Kind, body: &str) -> (String, String) {
    let bad = json(kind, body).unwrap_err();
    (bad.param.unwrap_or_default(), bad.message)
}

fn named(files: &[InputFile]) -> Vec<&str> {
    files.iter().map(|file| file.field.as_str()).collect()
}

#[test]
fn a_generation_is_read() {
    let body = r#"{"model":"m","prompt":"a \"cat\"","n":3,"size":"1024x1536","quality":"high","output_format":"webp","output_compression":50,
        "background":"transparent","response_format":"url","stream":true,"partial_images":2,"seed":-7,"style":"vivid","user":null}"#;
    let request = image(json(Kind::ImagesGenerations, body));
    assert_eq!((&*request.model, request.prompt.as_str(), request.n.get(), request.stream), ("m", "a \"cat\"", 3, true));
    assert_eq!(request.size.map(|size| size.to_string()).as_deref(), Some("1024x1536"));
    assert_eq!((request.output_format, request.output_compression), (Some(ImageFormat::Webp), Some(50)));
    assert_eq!((request.background, request.response_format), (Some(Background::Transparent), Some(ResponseFormat::Url)));
    assert_eq!((request.partial_images, request.seed, request.images.len()), (2, Some(-7), 0));
    let least = image(json(Kind::ImagesGenerations, r#"{"model":"m","prompt":"x","size":"auto","quality":"auto","n":null}"#));
    assert_eq!((least.n.get(), least.size, least.quality, least.stream), (1, None, None, false));
    assert_eq!(least.response_format, None);
}

#[test]
fn an_edit_is_the_same_as_a_form_and_as_json() {
    let several = Form::default()
        .text("model", "m")
        .text("prompt", "x")
        .file("image[]", "a.png", "image/png", Bytes::from_static(PNG))
        .file("image[]", "b.png", "application/octet-stream", Bytes::from_static(PNG))
        .file("mask", "m.png", "image/png", Bytes::from_static(PNG))
        .text("n", "2")
        .text("stream", "true")
        .text("quality", "");
    let request = image(form(Kind::ImagesEdits, several));
    assert_eq!((named(&request.images), request.n.get(), request.stream), (vec!["image[0]", "image[1]"], 2, true));
    assert_eq!(request.mask.map(|mask| mask.field).as_deref(), Some("mask"));
    assert_eq!(request.images[1].source, InputSource::Inline { media_type: "image/png".to_owned(), data: Bytes::from_static(PNG) });
    let body = format!(
        r#"{{"model":"m","prompt":"x","images":[{{"image_url":"{DATA_URL}"}},"https://x/y.png",{{"url":"https://x/z"}}],
        "mask":{{"image_url":{{"url":"{DATA_URL}"}}}}}}"#
    );
    let request = image(json(Kind::ImagesEdits, &body));
    assert_eq!(named(&request.images), ["images[0]", "images[1]", "images[2]"]);
    assert_eq!(request.images[0].source, InputSource::Inline { media_type: "image/png".to_owned(), data: Bytes::from_static(PNG) });
    assert_eq!(request.images[1].source, InputSource::Url("https://x/y.png".to_owned()));
    let repeated = Form::default()
        .text("model", "m")
        .text("prompt", "x")
        .file("image", "a.png", "image/png", Bytes::from_static(PNG))
        .file("image", "b.png", "image/png", Bytes::from_static(PNG));
    assert_eq!(image(form(Kind::ImagesEdits, repeated)).images.len(), 2);
}

#[test]
fn a_wrong_request_for_images_names_its_field() {
    let check = |more: &str, field: &str, about: &str| {
        let (param, message) = refused(Kind::ImagesGenerations, &format!(r#"{{"model":"m","prompt":"x"{more}}}"#));
        assert_eq!(param, field, "{message}");
        assert!(message.contains(about), "{message} is about {about}");
    };
    check(r#","n":0"#, "n", "from 1 to 10");
    check(r#","n":11"#, "n", "from 1 to 10");
    check(r#","n":"2""#, "n", "a number");
    check(r#","n":1.5"#, "n", "whole number");
    check(r#","size":"big""#, "size", "1024x1024");
    check(r#","size":1024"#, "size", "a string");
    check(r#","size":"0x10""#, "size", "1024x1024");
    check(r#","quality":"best""#, "quality", "auto, low, medium, high");
    check(r#","output_compression":101"#, "output_compression", "from 0 to 100");
    check(r#","partial_images":4"#, "partial_images", "from 0 to 3");
    check(r#","stream":"yes""#, "stream", "true or false");
    check(r#","response_format":"png""#, "response_format", "url, b64_json");
    check(r#","prompt":"y""#, "prompt", "twice");
    check(&format!(r#","mask":"{DATA_URL}""#), "mask", "needs an image");
    check(r#","image":"data:image/png;base64,aGVsbG8=""#, "image", "text/plain");
    check(r#","image":"data:image/png,abc""#, "image", "data URL");
    check(r#","image":{"file_id":"f"}"#, "image.file_id", "no Files API");
    check(r#","images":["ftp://x"]"#, "images[0]", "http or https");
    check(r#","images":[7]"#, "images[0]", "must be a URL");
    let bare = |body: &str| refused(Kind::ImagesGenerations, body).0;
    assert_eq!(
        (bare("{}"), bare(r#"{"model":"m"}"#), bare(r#"{"model":"m","prompt":"  "}"#)),
        ("model".into(), "prompt".into(), "prompt".into())
    );
    assert_eq!(bare(&format!(r#"{{"model":"m","prompt":"{}"}}"#, "ä".repeat(32_001))), "prompt");
    assert_eq!(refused(Kind::ImagesEdits, r#"{"model":"m","prompt":"x"}"#).0, "image");
    assert!(refused(Kind::ImagesGenerations, "").1.contains("empty"));
}

#[test]
fn a_wrong_form_names_its_field() {
    let check = |field: Form, expected: &str, about: &str| {
        let bad = form(Kind::ImagesEdits, field.text("model", "m").text("prompt", "x")).unwrap_err();
        assert_eq!(bad.param.as_deref(), Some(expected), "{}", bad.message);
        assert!(bad.message.contains(about), "{} is about {about}", bad.message);
    };
    let with = |name: &str, data: &'static [u8]| Form::default().file(name, "a.png", "image/png", Bytes::from_static(data));
    check(with("image", b"hello"), "image", "text/plain");
    check(with("image", b""), "image", "empty");
    check(with("image", WAV), "image", "audio/wav");
    check(with("image", PNG).file("mask", "m", "image/png", Bytes::from_static(OTHER_PNG)), "mask", "9x8");
    check(with("mask", PNG), "image", "is missing");
    check(with("image", PNG).text("n", "many"), "n", "whole number");
    check(with("image", PNG).text("image[file_id]", "f"), "image[file_id]", "no Files API");
    check(
        (0..17).fold(Form::default(), |form, _| form.file("image[]", "a", "image/png", Bytes::from_static(PNG))),
        "image",
        "more than 16",
    );
    let cut = read(
        Kind::ImagesEdits,
        Some("multipart/form-data; boundary=x"),
        Bytes::from_static(b"--x\r\ncontent-disposition: form-data; name=\"image\"; filename=\"a\"\r\n\r\nabc"),
    );
    assert!(cut.unwrap_err().message.contains("`image` is cut off"));
}

#[test]
fn a_large_file_is_refused_by_its_size() {
    let large = |length: usize, head: &[u8]| {
        let mut data = head.to_vec();
        data.resize(length, 0);
        Bytes::from(data)
    };
    let of_image = Form::default().text("model", "m").text("prompt", "x").file("image", "a.png", "image/png", large(50 << 20, PNG));
    assert!(form(Kind::ImagesEdits, of_image).unwrap_err().message.contains("under 50 MB"));
    let of_sound = Form::default().text("model", "m").file("file", "a.wav", "audio/wav", large((25 << 20) + 1, WAV));
    assert!(form(Kind::AudioTranscriptions, of_sound).unwrap_err().message.contains("25 MB"));
}

#[test]
fn a_video_is_read_with_the_words_of_every_provider() {
    let request = video(json(Kind::VideosGenerations, r#"{"model":"m","prompt":"x","seconds":"8","size":"1280x720"}"#));
    assert_eq!((request.seconds.map(|seconds| seconds.get()), request.has_reference()), (Some(8), false));
    let body = r#"{"model":"m","prompt":"x","duration":5,"resolution":"1080P","ratio":"9:16","generate_audio":false,"seed":3,
        "negative_prompt":"dogs","watermark":true,"first_frame":"https://x/1","lastFrame":{"url":"https://x/2"}}"#;
    let request = video(json(Kind::VideosGenerations, body));
    assert_eq!((request.resolution.map(|resolution| resolution.as_str()), request.aspect_ratio.as_deref()), (Some("1080p"), Some("9:16")));
    assert_eq!((request.audio, request.seed, request.watermark), (Some(false), Some(3), Some(true)));
    assert_eq!(request.negative_prompt.as_deref(), Some("dogs"));
    assert_eq!((named(request.first_frame.as_slice()), named(request.last_frame.as_slice())), (vec!["first_frame"], vec!["lastFrame"]));
    let sdk = Form::default().text("model", "m").text("prompt", "x").text("seconds", "4").text("input_reference[image_url]", DATA_URL);
    assert_eq!(named(video(form(Kind::VideosGenerations, sdk)).first_frame.as_slice()), ["input_reference[image_url]"]);
}

#[test]
fn every_usual_name_of_a_reference_image_makes_it_image_to_video() {
    let names = "image image_url imageUrl reference_image referenceImage first_frame firstFrame last_frame lastFrame input_reference";
    for name in names.split(' ') {
        let body = format!(r#"{{"model":"m","prompt":"x","{name}":"https://x/y.png"}}"#);
        assert!(video(json(Kind::VideosGenerations, &body)).has_reference(), "{name}");
        let file = Form::default().text("model", "m").text("prompt", "x").file(name, "a", "image/png", Bytes::from_static(PNG));
        assert!(video(form(Kind::VideosGenerations, file)).has_reference(), "{name}");
    }
    for name in ["images", "image_urls", "imageUrls"] {
        let one = video(json(Kind::VideosGenerations, &format!(r#"{{"model":"m","prompt":"x","{name}":["https://x/y.png"]}}"#)));
        assert!(one.first_frame.is_some() && one.references.is_empty(), "{name}");
        let two = video(json(Kind::VideosGenerations, &format!(r#"{{"model":"m","prompt":"x","{name}":["https://x/1","https://x/2"]}}"#)));
        assert_eq!((two.first_frame, two.references.len()), (None, 2), "{name}");
    }
}

#[test]
fn a_wrong_request_for_a_video_names_its_field() {
    let check = |more: &str, field: &str| {
        let (param, message) = refused(Kind::VideosGenerations, &format!(r#"{{"model":"m","prompt":"x",{more}}}"#));
        assert_eq!(param, field, "{message}");
    };
    for seconds in ["0", "-4", "\"0\"", "\"abc\"", "4.5", "\"\"", "true", "99999"] {
        check(&format!(r#""seconds":{seconds}"#), "seconds");
    }
    check(r#""seconds":"4","duration":4"#, "duration");
    check(r#""size":"huge""#, "size");
    check(r#""size":"1280x720","resolution":"720p""#, "resolution");
    check(r#""resolution":"9000p""#, "resolution");
    check(r#""aspect_ratio":"wide""#, "aspect_ratio");
    check(r#""image":"https://x/1","first_frame":"https://x/2""#, "image");
    check(r#""input_reference":{"file_id":"f"}"#, "input_reference.file_id");
    check(r#""seed":1.5"#, "seed");
}

#[test]
fn speech_is_read() {
    let body =
        r#"{"model":"m","input":"hello","voice":"alloy","speed":1.25,"response_format":"wav","stream_format":"sse","instructions":"calm"}"#;
    let Ok(MediaRequest::Speech(request)) = json(Kind::AudioSpeech, body) else { panic!("no speech") };
    assert_eq!((request.voice.as_str(), request.speed_percent, request.format), ("alloy", Some(125), SpeechFormat::Wav));
    assert_eq!((request.stream_format, request.instructions.as_deref()), (StreamFormat::Sse, Some("calm")));
    let Ok(MediaRequest::Speech(request)) = json(Kind::AudioSpeech, r#"{"model":"m","input":"x","voice":{"id":"v_1"}}"#) else {
        panic!("no speech")
    };
    assert_eq!((request.voice.as_str(), request.format), ("v_1", SpeechFormat::Mp3));
    let check = |more: &str, field: &str| assert_eq!(refused(Kind::AudioSpeech, &format!(r#"{{"model":"m",{more}}}"#)).0, field, "{more}");
    check(r#""voice":"alloy""#, "input");
    check(r#""input":" ","voice":"alloy""#, "input");
    check(r#""input":"x""#, "voice");
    check(r#""input":"x","voice":{}"#, "voice");
    check(r#""input":"x","voice":"a","speed":0.2"#, "speed");
    check(r#""input":"x","voice":"a","speed":5"#, "speed");
    check(r#""input":"x","voice":"a","response_format":"midi""#, "response_format");
    check(&format!(r#""input":"{}","voice":"a""#, "x".repeat(20_001)), "input");
}

#[test]
fn a_transcription_is_read() {
    let base = || Form::default().text("model", "m").file("file", "a.wav", "audio/wav", Bytes::from_static(WAV));
    let asked = base()
        .text("language", "en")
        .text("response_format", "verbose_json")
        .text("timestamp_granularities[]", "word")
        .text("timestamp_granularities[]", "segment")
        .text("stream", "True");
    let Ok(MediaRequest::Transcription(request)) = form(Kind::AudioTranscriptions, asked) else { panic!("no transcription") };
    assert_eq!((request.format, request.word_times, request.stream), (TranscriptFormat::VerboseJson, true, true));
    assert_eq!(request.language.as_deref(), Some("en"));
    let check = |form_: Form, field: &str| assert_eq!(form(Kind::AudioTranscriptions, form_).unwrap_err().param.as_deref(), Some(field));
    check(Form::default().text("model", "m"), "file");
    check(Form::default().text("model", "m").file("file", "a.wav", "audio/wav", Bytes::from_static(PNG)), "file");
    check(Form::default().text("model", "m").file("file", "a.txt", "text/plain", Bytes::from_static(b"hello")), "file");
    check(base().file("file", "b.wav", "audio/wav", Bytes::from_static(WAV)), "file");
    check(base().text("response_format", "xml"), "response_format");
    check(base().text("timestamp_granularities[]", "letter"), "timestamp_granularities");
    let odd = Form::default().text("model", "m").file("file", "a.mp3", "audio/mpeg", Bytes::from_static(b"\0\0\0\0\0"));
    assert!(form(Kind::AudioTranslations, odd).is_ok(), "taken at its caller's word");
}
