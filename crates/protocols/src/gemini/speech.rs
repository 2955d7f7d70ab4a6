//! Speech by `generateContent`: raw samples, which we put into a WAV file if one is wanted.
//!
//! Source: `providers.md` section 6.9.

use bytes::{Bytes, BytesMut};
use easyai_core::media::MediaUsage;
use easyai_core::usage::Usage;

use super::cannot;
use super::generated::read as read_generated;
use super::send::{Ask, Content, GenerationConfig, Part};
use crate::conversation::{CannotCarry, Notes};
use crate::media::wave::{HEADER_BYTES, wave};
use crate::media::{SpeechAnswer, SpeechFormat, SpeechRequest};
use crate::wire::{BadAnswer, Written};

/// What Google's samples have if it does not say.
const HERTZ: u32 = 24_000;

/// What a character costs at most: 25 tokens a second, and nobody speaks fewer than twelve characters in one.
const TOKENS_A_CHARACTER: u64 = 2;

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SpeechConfig<'a> {
    voice_config: VoiceConfig<'a>,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct VoiceConfig<'a> {
    prebuilt_voice_config: PrebuiltVoice<'a>,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct PrebuiltVoice<'a> {
    voice_name: &'a str,
}

/// Whether Gemini can be asked this.
///
/// # Errors
/// [`CannotCarry`] names the field, and what is allowed.
pub fn fits(asked: &SpeechRequest) -> Result<(), CannotCarry> {
    match asked.format {
        SpeechFormat::Wav | SpeechFormat::Pcm => {}
        SpeechFormat::Mp3 | SpeechFormat::Opus | SpeechFormat::Aac | SpeechFormat::Flac => {
            return Err(cannot("response_format", "one of wav, pcm"));
        }
    }
    if asked.speed_percent.is_some_and(|percent| percent != 100) {
        return Err(cannot("speed", "only 1: ask for another one in `instructions`"));
    }
    Ok(())
}

/// Writes a request.
#[must_use]
pub fn write(asked: &SpeechRequest) -> Written {
    let text = match &asked.instructions {
        Some(instructions) => format!("{}\n\n{}", instructions.trim(), asked.input).into(),
        None => std::borrow::Cow::Borrowed(asked.input.as_str()),
    };
    let voice_config = VoiceConfig { prebuilt_voice_config: PrebuiltVoice { voice_name: &asked.voice } };
    let generation_config = GenerationConfig {
        response_modalities: Some(&["AUDIO"]),
        speech_config: Some(SpeechConfig { voice_config }),
        ..GenerationConfig::default()
    };
    Ask { contents: [Content { role: "user", parts: vec![Part::text(text)] }], generation_config }.written(Notes::default())
}

/// What a request is expected to use.
#[must_use]
pub fn expected(asked: &SpeechRequest, prompt_tokens: u64) -> Usage {
    let characters = characters(asked);
    let media = Some(MediaUsage::Speech { characters });
    Usage { media, ..Usage::counted(prompt_tokens, characters.saturating_mul(TOKENS_A_CHARACTER)) }
}

fn characters(asked: &SpeechRequest) -> u64 {
    asked.input.chars().count() as u64
}

/// Reads an answer.
///
/// # Errors
/// [`BadAnswer`] if it holds no sound.
pub fn read(body: &[u8], asked: &SpeechRequest) -> Result<SpeechAnswer, BadAnswer> {
    let generated = read_generated(body)?;
    let Some(first) = generated.pieces.first() else { return Err(generated.without("sound")) };
    let hertz = first.media_type.as_deref().and_then(hertz).unwrap_or(HERTZ);
    let mut samples = BytesMut::new();
    for piece in &generated.pieces {
        // Something in between may have put a header before them.
        let is_wave = piece.data.starts_with(b"RIFF");
        samples.extend_from_slice(piece.data.get(if is_wave { HEADER_BYTES } else { 0 }..).unwrap_or_default());
    }
    if samples.is_empty() {
        return Err(generated.without("sound"));
    }
    let data: Bytes = if asked.format == SpeechFormat::Wav { wave(&samples, hertz) } else { samples.freeze() };
    let media = Some(MediaUsage::Speech { characters: characters(asked) });
    let usage = Usage { media, ..generated.usage.unwrap_or(Usage::counted(0, 0)) };
    Ok(SpeechAnswer { media_type: asked.format.media_type().to_owned(), data, usage })
}

/// The rate in `audio/L16;codec=pcm;rate=24000`.
fn hertz(media_type: &str) -> Option<u32> {
    media_type.split(';').find_map(|parameter| parameter.trim().strip_prefix("rate=")?.parse().ok()).filter(|rate| *rate > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volces::tests::speech;

    #[test]
    fn instructions_stand_before_the_text() {
        let asked = speech(|asked| {
            asked.voice = "Kore".to_owned();
            asked.instructions = Some("Say it softly:".to_owned());
        });
        assert_eq!(
            String::from_utf8_lossy(&write(&asked).body),
            r#"{"contents":[{"role":"user","parts":[{"text":"Say it softly:\n\nhéllo"}]}],"generationConfig":{"responseModalities":["AUDIO"],"speechConfig":{"voiceConfig":{"prebuiltVoiceConfig":{"voiceName":"Kore"}}}}}"#
        );
    }

    #[test]
    fn samples_pass_or_become_a_file() {
        let body = br#"{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"audio/L16;codec=pcm;rate=16000","data":"AAEC"}}]}}],
            "usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":40}}"#;
        let pcm = read(body, &speech(|_| {})).unwrap();
        assert_eq!((pcm.data.as_ref(), pcm.media_type.as_str()), ([0, 1, 2].as_slice(), "audio/pcm"));
        assert_eq!((pcm.usage.output_tokens, pcm.usage.media), (40, Some(MediaUsage::Speech { characters: 5 })));
        let wav = read(body, &speech(|asked| asked.format = SpeechFormat::Wav)).unwrap();
        assert_eq!(wav.data.get(24..28), Some(16_000_u32.to_le_bytes().as_slice()));
        assert!(read(br#"{"candidates":[{"finishReason":"OTHER"}]}"#, &speech(|_| {})).is_err());
    }

    #[test]
    fn only_raw_sound_at_its_own_speed_is_made() {
        for format in [SpeechFormat::Mp3, SpeechFormat::Opus, SpeechFormat::Aac, SpeechFormat::Flac] {
            let lost = fits(&speech(|asked| asked.format = format)).unwrap_err();
            assert_eq!((lost.field.as_str(), lost.why.as_str()), ("response_format", "one of wav, pcm"));
        }
        assert_eq!(fits(&speech(|asked| asked.speed_percent = Some(150))).unwrap_err().field, "speed");
        assert!(fits(&speech(|asked| asked.speed_percent = Some(100))).is_ok());
    }
}
