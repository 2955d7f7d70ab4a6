//! Text from speech at Volcengine's speech platform: one call for a file of up to two hours.
//!
//! What became of it stands in the head of the answer, not in its status, which is 200 anyway.
//! Source: `providers.md` section 8.

use bytes::Bytes;
use easyai_core::media::MediaUsage;
use easyai_core::usage::{Usage, UsageSource};

use super::cannot;
use super::failure::{SPEECH_OK, SPEECH_SILENCE};
use super::speech::User;
use crate::conversation::{CannotCarry, Notes};
use crate::encoded::encode;
use crate::media::wave::wave_millis;
use crate::media::{
    InputSource, Segment, Transcript, TranscriptFormat, TranscriptionAnswer, TranscriptionRequest, TranscriptionWork, WordTime,
    write_transcription,
};
use crate::openai::error::{WireError, read_error};
use crate::openai::lenient::{Count, List, Maybe, Word};
use crate::wire::{BadAnswer, Written};

/// What it reads.
const MEDIA_TYPES: &[&str] = &["audio/wav", "audio/x-wav", "audio/wave", "audio/mpeg", "audio/mp3", "audio/ogg", "audio/opus"];

/// What speech has at least, compressed: only for an estimate of how long a file is.
const LEAST_BYTES_A_SECOND: u64 = 4_000;

/// Whether the speech platform can be asked this.
///
/// # Errors
/// [`CannotCarry`] names the field, and what is allowed.
pub fn fits(asked: &TranscriptionRequest) -> Result<(), CannotCarry> {
    if asked.work == TranscriptionWork::Translate {
        return Err(cannot("model", "it writes down what is said and does not translate"));
    }
    if asked.format == TranscriptFormat::DiarizedJson {
        return Err(cannot("response_format", "one of json, text, srt, verbose_json, vtt"));
    }
    if let InputSource::Inline { media_type, .. } = &asked.file.source
        && !MEDIA_TYPES.contains(&media_type.as_str())
    {
        return Err(cannot("file", "it hears wav, mp3 and ogg"));
    }
    Ok(())
}

#[derive(serde::Serialize)]
struct Body<'a> {
    user: User<'a>,
    audio: Audio<'a>,
    request: Request,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "snake_case")]
enum Audio<'a> {
    Url(&'a str),
    Data(String),
}

#[derive(serde::Serialize)]
struct Request {
    model_name: &'static str,
}

/// Writes a request. `user` is who asks, by an id of ours.
#[must_use]
pub fn write(asked: &TranscriptionRequest, user: &str) -> Written {
    let mut notes = Notes::default();
    if asked.language.is_some() {
        notes.dropped("language", "the model finds out by itself");
    }
    if asked.prompt.is_some() {
        notes.dropped("prompt", "the model takes none");
    }
    let audio = match &asked.file.source {
        InputSource::Url(url) => Audio::Url(url),
        InputSource::Inline { data, .. } => Audio::Data(encode(data)),
    };
    let body = Body { user: User { uid: user }, audio, request: Request { model_name: "bigmodel" } };
    // Strings and numbers alone can't fail to be written.
    Written { body: Bytes::from(serde_json::to_vec(&body).unwrap_or_default()), notes }
}

/// What a request is expected to use: its length, by the file's own word or at the least that speech takes.
#[must_use]
pub fn expected(asked: &TranscriptionRequest) -> Usage {
    let millis = match &asked.file.source {
        InputSource::Inline { data, .. } => wave_millis(data).unwrap_or((data.len() as u64).saturating_mul(1_000) / LEAST_BYTES_A_SECOND),
        InputSource::Url(_) => 0,
    };
    Usage::of_media(MediaUsage::Audio { millis })
}

#[derive(serde::Deserialize)]
struct Answer {
    #[serde(default)]
    audio_info: Maybe<Info>,
    #[serde(default)]
    result: Maybe<Said>,
}

#[derive(serde::Deserialize)]
struct Info {
    /// In milliseconds.
    #[serde(default)]
    duration: Count,
}

#[derive(serde::Deserialize)]
struct Said {
    #[serde(default)]
    text: Word,
    #[serde(default)]
    utterances: List<Utterance>,
}

#[derive(serde::Deserialize)]
struct Utterance {
    #[serde(default)]
    text: Word,
    #[serde(default)]
    start_time: Count,
    #[serde(default)]
    end_time: Count,
    #[serde(default)]
    words: List<Self>,
}

impl Said {
    fn transcript(self, asked: &TranscriptionRequest) -> Transcript {
        let (mut segments, mut words) = (Vec::new(), Vec::new());
        for said in self.utterances.0 {
            let word = |word: Utterance| WordTime { start: word.start_time.0, end: word.end_time.0, word: word.text.0.unwrap_or_default() };
            words.extend(said.words.0.into_iter().map(word).filter(|_| asked.word_times));
            let text = said.text.0.unwrap_or_default();
            segments.push(Segment { start: said.start_time.0, end: said.end_time.0, text, speaker: None });
        }
        Transcript { text: self.text.0.unwrap_or_default(), segments, words, ..Transcript::default() }
    }
}

/// Reads an answer with its `X-Api-Status-Code` and `X-Api-Message`.
///
/// # Errors
/// [`BadAnswer`] for any other code than that of success, or of silence.
pub fn read(
    code: Option<&str>,
    message: Option<&str>,
    body: &[u8],
    asked: &TranscriptionRequest,
) -> Result<TranscriptionAnswer, BadAnswer> {
    match code {
        Some(SPEECH_OK | SPEECH_SILENCE) => {}
        Some(code) => {
            let message = message.unwrap_or("the error has no text").to_owned();
            return Err(BadAnswer::Error(WireError { message, code: Some(code.to_owned()), ..WireError::default() }));
        }
        None => return Err(BadAnswer::Error(read_error(body))),
    }
    let silence = code == Some(SPEECH_SILENCE);
    let answer = match serde_json::from_slice::<Answer>(body) {
        Ok(answer) => answer,
        Err(_) if silence => Answer { audio_info: Maybe(None), result: Maybe(None) },
        Err(error) => return Err(BadAnswer::Unparseable(error.to_string())),
    };
    let millis = answer.audio_info.0.map(|info| info.duration.0).filter(|millis| *millis > 0);
    let heard = match answer.result.0 {
        Some(said) => said.transcript(asked),
        None if silence => Transcript::default(),
        None => return Err(BadAnswer::Empty),
    };
    let transcript = Transcript { millis, language: asked.language.clone(), ..heard };
    Ok(write_transcription(transcript, asked, Usage { source: UsageSource::Upstream, ..Usage::counted(0, 0) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::InputFile;
    use crate::volces::tests::transcription;

    #[test]
    fn a_file_is_sent_inside_and_an_address_as_it_is() {
        let inside = transcription(|_| {});
        let body = r#"{"user":{"uid":"u"},"audio":{"data":"aGk="},"request":{"model_name":"bigmodel"}}"#;
        assert_eq!(String::from_utf8_lossy(&write(&inside, "u").body), body);
        let source = InputSource::Url("https://x/a.mp3".to_owned());
        let there = transcription(|asked| {
            asked.file = InputFile { source: source.clone(), ..asked.file.clone() };
            asked.language = Some("en".to_owned());
        });
        let written = write(&there, "u");
        assert!(String::from_utf8_lossy(&written.body).contains(r#""audio":{"url":"https://x/a.mp3"}"#));
        assert_eq!(written.notes.fields(), "language");
    }

    #[test]
    fn the_head_says_what_became_of_it() {
        let asked = transcription(|asked| asked.format = TranscriptFormat::Srt);
        let body = br#"{"audio_info":{"duration":2499},"result":{"text":"Hi you","utterances":[{"text":"Hi you","start_time":0,"end_time":1705,"words":[{"text":"Hi","start_time":0,"end_time":500}]}]}}"#;
        let answer = read(Some("20000000"), Some("OK"), body, &asked).unwrap();
        assert_eq!(answer.text, "Hi you");
        assert_eq!(String::from_utf8_lossy(&answer.body), "1\n00:00:00,000 --> 00:00:01,705\nHi you\n\n");
        assert_eq!(answer.usage.media, Some(MediaUsage::Audio { millis: 2_499 }));
        assert_eq!(read(Some("20000003"), None, b"", &asked).unwrap().text, "");
        assert!(matches!(read(Some("45000151"), Some("bad format"), b"{}", &asked), Err(BadAnswer::Error(_))));
        assert!(matches!(read(None, None, b"{}", &asked), Err(BadAnswer::Error(_))));
        assert!(matches!(read(Some("20000000"), None, b"{}", &asked), Err(BadAnswer::Empty)));
        assert!(matches!(read(Some("20000000"), None, b"{", &asked), Err(BadAnswer::Unparseable(_))));
    }

    #[test]
    fn what_it_can_not_hear_is_refused_by_its_field() {
        let check = |change: &dyn Fn(&mut TranscriptionRequest), field: &str| {
            assert_eq!(fits(&transcription(change)).unwrap_err().field, field);
        };
        check(&|asked| asked.work = TranscriptionWork::Translate, "model");
        check(&|asked| asked.format = TranscriptFormat::DiarizedJson, "response_format");
        check(&|asked| asked.file.source = InputSource::Inline { media_type: "video/mp4".to_owned(), data: Bytes::new() }, "file");
        assert!(fits(&transcription(|_| {})).is_ok());
    }
}
