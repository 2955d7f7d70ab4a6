//! Text from speech by `generateContent`: the sound, and an instruction to write down what is said.
//!
//! Source: `providers.md` section 6.9.

use std::fmt::Write;

use bytes::Bytes;
use easyai_core::media::MediaUsage;
use easyai_core::usage::Usage;

use super::cannot;
use super::generated::read as read_generated;
use super::send::{Ask, Content, GenerationConfig, Part};
use crate::conversation::{CannotCarry, Notes};
use crate::media::wave::wave_millis;
use crate::media::{Transcript, TranscriptFormat, TranscriptionAnswer, TranscriptionRequest, TranscriptionWork, write_transcription};
use crate::wire::{BadAnswer, Written};

/// What sound costs. Source: Google's documentation of audio understanding.
const TOKENS_A_SECOND: u64 = 32;

/// What speech has at least, compressed: only for an estimate of how long a file is.
const LEAST_BYTES_A_SECOND: u64 = 4_000;

/// What a minute of speech has in tokens of text, at most.
const TEXT_TOKENS_A_SECOND: u64 = 6;

/// What the model says where nobody speaks: an empty answer can't be told from a bad one.
const SILENCE: &str = "[no speech]";

/// Whether Gemini can be asked this.
///
/// # Errors
/// [`CannotCarry`] names the field, and what is allowed.
pub fn fits(asked: &TranscriptionRequest) -> Result<(), CannotCarry> {
    match asked.format {
        TranscriptFormat::Json | TranscriptFormat::Text => {}
        TranscriptFormat::Srt | TranscriptFormat::VerboseJson | TranscriptFormat::Vtt | TranscriptFormat::DiarizedJson => {
            return Err(cannot("response_format", "it tells no times: one of json, text"));
        }
    }
    if asked.word_times {
        return Err(cannot("timestamp_granularities", "it tells no times: leave it away"));
    }
    Ok(())
}

/// Writes a request. `sound` is the file's media type and bytes.
#[must_use]
pub fn write(asked: &TranscriptionRequest, sound: &(String, Bytes)) -> Written {
    let mut text = match asked.work {
        TranscriptionWork::Transcribe => "Write down what is said in this recording, word for word, in the language in which it is said.",
        TranscriptionWork::Translate => "Write down in English what is said in this recording.",
    }
    .to_owned();
    text.push_str(" Answer with the text alone: no introduction, no times, no names of speakers, no formatting.");
    let _infallible = write!(text, " If nobody speaks, answer {SILENCE}");
    if let Some(language) = &asked.language {
        let _infallible = write!(text, "\nThe language that is spoken (ISO 639-1): {language}");
    }
    if let Some(prompt) = &asked.prompt {
        let _infallible = write!(text, "\nFor the spelling of names and words, this text belongs to the recording: {prompt}");
    }
    let parts = vec![Part::inline(&sound.0, &sound.1), Part::text(text)];
    Ask { contents: [Content { role: "user", parts }], generation_config: GenerationConfig::default() }.written(Notes::default())
}

/// What a request is expected to use, by the length of the file.
#[must_use]
pub fn expected(asked: &TranscriptionRequest, prompt_tokens: u64) -> Usage {
    let millis = match &asked.file.source {
        crate::media::InputSource::Inline { data, .. } => {
            wave_millis(data).unwrap_or((data.len() as u64).saturating_mul(1_000) / LEAST_BYTES_A_SECOND)
        }
        crate::media::InputSource::Url(_) => 0,
    };
    let of_text = |tokens_a_second: u64| millis.saturating_mul(tokens_a_second) / 1_000;
    let input_tokens = prompt_tokens.saturating_add(of_text(TOKENS_A_SECOND));
    Usage { media: Some(MediaUsage::Audio { millis }), ..Usage::counted(input_tokens, of_text(TEXT_TOKENS_A_SECOND)) }
}

/// Reads an answer.
///
/// # Errors
/// [`BadAnswer`] if it holds no text.
pub fn read(body: &[u8], asked: &TranscriptionRequest) -> Result<TranscriptionAnswer, BadAnswer> {
    let generated = read_generated(body)?;
    let text = generated.text.trim();
    if text.is_empty() {
        return Err(generated.without("text"));
    }
    let text = if text == SILENCE { String::new() } else { text.to_owned() };
    let millis = generated.audio_tokens.map(|tokens| tokens.saturating_mul(1_000) / TOKENS_A_SECOND);
    let transcript = Transcript { text, language: asked.language.clone(), millis, ..Transcript::default() };
    Ok(write_transcription(transcript, asked, generated.usage.unwrap_or(Usage::counted(0, 0))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volces::tests::transcription;

    #[test]
    fn the_sound_stands_before_what_is_to_be_done_with_it() {
        let asked = transcription(|asked| {
            asked.language = Some("de".to_owned());
            asked.prompt = Some("Grüße".to_owned());
        });
        let body = write(&asked, &("audio/wav".to_owned(), Bytes::from_static(b"hi"))).body;
        let body = String::from_utf8_lossy(&body);
        assert!(body.starts_with(r#"{"contents":[{"role":"user","parts":[{"inlineData":{"mimeType":"audio/wav","data":"aGk="}},{"text":"#));
        assert!(body.contains("word for word") && body.contains(": de") && body.contains(": Grüße") && !body.contains("generationConfig"));
        let english = write(&transcription(|asked| asked.work = TranscriptionWork::Translate), &(String::new(), Bytes::new())).body;
        assert!(String::from_utf8_lossy(&english).contains("in English"));
    }

    #[test]
    fn text_is_answered_with_its_tokens_and_its_length() {
        let answer = |text: &str| {
            format!(
                r#"{{"candidates":[{{"finishReason":"STOP","content":{{"parts":[{{"text":"hm","thought":true}},{{"text":"{text}"}}]}}}}],
                "usageMetadata":{{"promptTokenCount":74,"candidatesTokenCount":3,"promptTokensDetails":[{{"modality":"AUDIO","tokenCount":64}}]}}}}"#
            )
        };
        let heard = read(answer("Hi you.\\n").as_bytes(), &transcription(|_| {})).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&heard.body),
            r#"{"text":"Hi you.","usage":{"type":"tokens","input_tokens":74,"output_tokens":3,"total_tokens":77}}"#
        );
        assert_eq!(heard.usage.media, Some(MediaUsage::Audio { millis: 2_000 }));
        let silent = read(answer(SILENCE).as_bytes(), &transcription(|asked| asked.format = TranscriptFormat::Text)).unwrap();
        assert_eq!((silent.text.as_str(), silent.content_type.as_str()), ("", "text/plain; charset=utf-8"));
        assert!(read(answer("").as_bytes(), &transcription(|_| {})).is_err());
    }

    #[test]
    fn times_are_refused_by_their_field() {
        for format in [TranscriptFormat::Srt, TranscriptFormat::Vtt, TranscriptFormat::VerboseJson, TranscriptFormat::DiarizedJson] {
            assert_eq!(fits(&transcription(|asked| asked.format = format)).unwrap_err().field, "response_format");
        }
        assert_eq!(fits(&transcription(|asked| asked.word_times = true)).unwrap_err().field, "timestamp_granularities");
        assert!(fits(&transcription(|asked| asked.format = TranscriptFormat::Text)).is_ok());
    }
}
