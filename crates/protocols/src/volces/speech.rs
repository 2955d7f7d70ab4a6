//! Speech at Volcengine's speech platform, which is no part of Ark: another host, other credentials, other words.
//!
//! The answer is a row of JSON objects, each with a piece of sound; the last one says that all is well. Without it the answer was cut.
//! Source: `providers.md` section 8.

use bytes::{Bytes, BytesMut};
use easyai_core::media::MediaUsage;
use easyai_core::usage::{Usage, UsageSource};

use super::cannot;
use super::failure::SPEECH_OK;
use crate::conversation::{CannotCarry, Notes};
use crate::encoded::decode_file;
use crate::media::wave::wave;
use crate::media::{SpeechAnswer, SpeechFormat, SpeechRequest};
use crate::openai::error::WireError;
use crate::openai::lenient::{Count, Maybe, Word};
use crate::wire::{BadAnswer, Written};

/// What OpenAI's `pcm` has.
const HERTZ: u32 = 24_000;

/// As fast as Volcengine speaks, and as slow, in percent of the usual speed.
const SPEEDS: std::ops::RangeInclusive<u16> = 50..=200;

/// Whether a base URL is that of the speech platform, or of something in front of it that says so.
#[must_use]
pub fn is_openspeech(base_url: &str) -> bool {
    base_url.contains("openspeech")
}

/// Whether the speech platform can be asked this. `resource` is what the platform calls the model: a resource id such as `seed-tts-2.0`.
///
/// # Errors
/// [`CannotCarry`] names the field, and what is allowed.
pub fn fits(resource: &str, asked: &SpeechRequest) -> Result<(), CannotCarry> {
    match asked.format {
        SpeechFormat::Mp3 | SpeechFormat::Opus | SpeechFormat::Wav | SpeechFormat::Pcm => {}
        SpeechFormat::Aac | SpeechFormat::Flac => return Err(cannot("response_format", "one of mp3, opus, wav, pcm")),
    }
    if asked.speed_percent.is_some_and(|speed| !SPEEDS.contains(&speed)) {
        return Err(cannot("speed", "from 0.5 to 2"));
    }
    if asked.instructions.is_some() && resource.ends_with("-1.0") {
        return Err(cannot("instructions", "only the models of the second generation (seed-tts-2.0, seed-icl-2.0) take any"));
    }
    Ok(())
}

#[derive(serde::Serialize)]
struct Body<'a> {
    user: User<'a>,
    req_params: Params<'a>,
}

#[derive(serde::Serialize)]
pub(super) struct User<'a> {
    pub(super) uid: &'a str,
}

#[derive(serde::Serialize)]
struct Params<'a> {
    text: &'a str,
    speaker: &'a str,
    audio_params: Audio,
    /// JSON as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    additions: Option<String>,
}

#[derive(serde::Serialize)]
struct Audio {
    format: &'static str,
    sample_rate: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    speech_rate: Option<i32>,
}

#[derive(serde::Serialize)]
struct Additions<'a> {
    context_texts: [&'a str; 1],
}

/// Writes a request. `user` is who asks, by an id of ours.
#[must_use]
pub fn write(asked: &SpeechRequest, user: &str) -> Written {
    let format = match asked.format {
        SpeechFormat::Opus => "ogg_opus",
        // Its own wav is streamed with a header before every piece.
        SpeechFormat::Wav | SpeechFormat::Pcm => "pcm",
        SpeechFormat::Mp3 | SpeechFormat::Aac | SpeechFormat::Flac => "mp3",
    };
    let speech_rate = asked.speed_percent.map(|percent| i32::from(percent) - 100).filter(|rate| *rate != 0);
    let additions = asked.instructions.as_deref().map(|instructions| Additions { context_texts: [instructions] });
    // Strings and numbers alone can't fail to be written.
    let additions = additions.map(|additions| serde_json::to_string(&additions).unwrap_or_default());
    let audio_params = Audio { format, sample_rate: HERTZ, speech_rate };
    let req_params = Params { text: &asked.input, speaker: &asked.voice, audio_params, additions };
    let body = Body { user: User { uid: user }, req_params };
    Written { body: Bytes::from(serde_json::to_vec(&body).unwrap_or_default()), notes: Notes::default() }
}

/// What a request is expected to use: its characters.
#[must_use]
pub fn expected(asked: &SpeechRequest) -> Usage {
    Usage::of_media(MediaUsage::Speech { characters: characters(asked) })
}

fn characters(asked: &SpeechRequest) -> u64 {
    asked.input.chars().count() as u64
}

#[derive(serde::Deserialize)]
struct Line {
    #[serde(default)]
    code: Word,
    #[serde(default)]
    message: Word,
    #[serde(default)]
    data: Word,
    #[serde(default)]
    usage: Maybe<WireUsage>,
}

#[derive(serde::Deserialize)]
struct WireUsage {
    #[serde(default)]
    text_words: Count,
}

/// Reads an answer.
///
/// # Errors
/// [`BadAnswer`] for an error among the objects, an answer that was cut, or one without sound.
pub fn read(body: &[u8], asked: &SpeechRequest) -> Result<SpeechAnswer, BadAnswer> {
    let (mut sound, mut told, mut complete) = (BytesMut::new(), None, false);
    for line in serde_json::Deserializer::from_slice(body).into_iter::<Line>() {
        let line = line.map_err(|error| BadAnswer::Unparseable(error.to_string()))?;
        match line.code.0.as_deref() {
            Some("0") | None => {}
            Some(SPEECH_OK) => complete = true,
            Some(code) => {
                let message = line.message.0.unwrap_or_else(|| "the error has no text".to_owned());
                return Err(BadAnswer::Error(WireError { message, code: Some(code.to_owned()), ..WireError::default() }));
            }
        }
        if let Some(data) = line.data.0.filter(|data| !data.is_empty()) {
            let piece = decode_file(&data).ok_or_else(|| BadAnswer::Unparseable("a piece of sound that is no base64".to_owned()))?;
            sound.extend_from_slice(&piece);
        }
        told = line.usage.0.map(|usage| usage.text_words.0).filter(|words| *words > 0).or(told);
    }
    if !complete {
        return Err(BadAnswer::Unparseable("it ends before its last object".to_owned()));
    }
    if sound.is_empty() {
        return Err(BadAnswer::Empty);
    }
    let source = if told.is_some() { UsageSource::Upstream } else { UsageSource::Counted };
    let usage = Usage { source, ..Usage::of_media(MediaUsage::Speech { characters: told.unwrap_or_else(|| characters(asked)) }) };
    let data = if asked.format == SpeechFormat::Wav { wave(&sound, HERTZ) } else { sound.freeze() };
    Ok(SpeechAnswer { media_type: asked.format.media_type().to_owned(), data, usage })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volces::tests::speech;

    #[test]
    fn a_request_says_how_fast_and_in_which_way() {
        let asked = speech(|asked| {
            asked.format = SpeechFormat::Opus;
            asked.speed_percent = Some(125);
            asked.instructions = Some("say \"it\" softly".to_owned());
        });
        assert_eq!(
            String::from_utf8_lossy(&write(&asked, "u").body),
            r#"{"user":{"uid":"u"},"req_params":{"text":"héllo","speaker":"zh_female","audio_params":{"format":"ogg_opus","sample_rate":24000,"speech_rate":25},"additions":"{\"context_texts\":[\"say \\\"it\\\" softly\"]}"}}"#
        );
        assert!(String::from_utf8_lossy(&write(&speech(|asked| asked.format = SpeechFormat::Wav), "u").body).contains("\"pcm\""));
    }

    #[test]
    fn what_it_can_not_say_is_refused_by_its_field() {
        let check = |resource: &str, change: &dyn Fn(&mut SpeechRequest), field: &str| {
            assert_eq!(fits(resource, &speech(change)).unwrap_err().field, field);
        };
        check("seed-tts-2.0", &|asked| asked.format = SpeechFormat::Flac, "response_format");
        check("seed-tts-2.0", &|asked| asked.speed_percent = Some(300), "speed");
        check("seed-tts-1.0", &|asked| asked.instructions = Some("x".to_owned()), "instructions");
        assert!(fits("seed-tts-2.0", &speech(|asked| asked.instructions = Some("x".to_owned()))).is_ok());
    }

    #[test]
    fn sound_comes_in_pieces_and_the_last_says_that_all_is_there() {
        let asked = speech(|asked| asked.format = SpeechFormat::Mp3);
        let lines = "{\"code\":0,\"message\":\"\",\"data\":\"aGk=\"}\n{\"code\":0,\"data\":\"aGk=\"}\n";
        let end = "{\"code\":20000000,\"message\":\"ok\",\"data\":null,\"usage\":{\"text_words\":4}}\n";
        let answer = read(format!("{lines}{end}").as_bytes(), &asked).unwrap();
        assert_eq!((answer.data.as_ref(), answer.media_type.as_str()), (b"hihi".as_slice(), "audio/mpeg"));
        assert_eq!((answer.usage.media, answer.usage.source), (Some(MediaUsage::Speech { characters: 4 }), UsageSource::Upstream));
        let wav = speech(|asked| asked.format = SpeechFormat::Wav);
        let answer = read(format!("{lines}{{\"code\":20000000}}").as_bytes(), &wav).unwrap();
        assert!(answer.data.starts_with(b"RIFF") && answer.data.ends_with(b"hihi"));
        assert_eq!(answer.usage.media, Some(MediaUsage::Speech { characters: 5 }));
        assert!(matches!(read(lines.as_bytes(), &asked), Err(BadAnswer::Unparseable(_))), "cut");
        assert!(matches!(read(end.as_bytes(), &asked), Err(BadAnswer::Empty)));
        assert!(matches!(read(br#"{"code":55000031,"message":"busy"}"#, &asked), Err(BadAnswer::Error(_))));
        assert!(matches!(read(br#"{"code":0,"data":"a"#, &asked), Err(BadAnswer::Unparseable(_))));
    }
}
