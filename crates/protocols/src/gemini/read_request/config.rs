//! `generationConfig`.

use serde_json::value::RawValue;

use super::field::{Int, Num, Place, elements};
use super::wire::{GenerationConfig, ThinkingConfig};
use crate::conversation::{Conversation, Effort, Logprobs, OutputFormat, ReasoningAsk, Sampling};
use crate::gemini::schema;
use crate::request::BadRequest;

pub(super) fn read(raw: &RawValue, conversation: &mut Conversation) -> Result<(), BadRequest> {
    let place = Place::named("generationConfig".to_owned());
    let config: GenerationConfig<'_> = place.object(raw)?;
    conversation.sampling = sampling(&config, &place)?;
    conversation.max_output_tokens = count(&place, config.max_output_tokens, "maxOutputTokens")?.filter(|tokens| *tokens > 0);
    if let Some(candidates) = count(&place, config.candidate_count, "candidateCount")?.filter(|candidates| *candidates > 0) {
        conversation.choices = u32::try_from(candidates).map_err(|_| place.bad("candidateCount", "is too large"))?;
    }
    if place.read::<bool>(config.response_logprobs, "responseLogprobs")? == Some(true) {
        let top = count(&place, config.logprobs, "logprobs")?.unwrap_or(0);
        conversation.logprobs = Some(Logprobs { top: u32::try_from(top).map_err(|_| place.bad("logprobs", "is too large"))? });
    }
    modalities(&config, &place, conversation)?;
    if let Some(thinking) = place.read::<ThinkingConfig<'_>>(config.thinking_config, "thinkingConfig")? {
        conversation.reasoning = reasoning(&thinking, &place.at("thinkingConfig"))?;
    }
    if config.speech_config.is_some() {
        conversation.only_here.push(place.path("speechConfig"));
    }
    let tuning = [
        ("generationConfig.imageConfig", config.image_config),
        ("generationConfig.mediaResolution", config.media_resolution),
        ("generationConfig.enableEnhancedCivicAnswers", config.enable_enhanced_civic_answers),
        ("generationConfig.audioTimestamp", config.audio_timestamp),
    ];
    conversation.tuning.extend(tuning.into_iter().filter(|(_, given)| given.is_some()).map(|(name, _)| name));
    output(config, &place, conversation)
}

fn sampling(config: &GenerationConfig<'_>, place: &Place) -> Result<Sampling, BadRequest> {
    let number = |raw, name| place.read::<Num>(raw, name).map(|number| number.map(|number| number.0));
    Ok(Sampling {
        temperature: number(config.temperature, "temperature")?,
        top_p: number(config.top_p, "topP")?,
        // A number with a fraction is valid here, and means the whole part of it.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
        top_k: number(config.top_k, "topK")?.filter(|top_k| *top_k >= 1.0).map(|top_k| top_k as u64),
        frequency_penalty: number(config.frequency_penalty, "frequencyPenalty")?,
        presence_penalty: number(config.presence_penalty, "presencePenalty")?,
        seed: place.read::<Int>(config.seed, "seed")?.map(|seed| seed.0),
        stop: strings(config.stop_sequences, place, "stopSequences")?,
    })
}

fn strings(raw: Option<&RawValue>, place: &Place, name: &str) -> Result<Vec<String>, BadRequest> {
    let path = place.path(name);
    let read = |raw: &RawValue| serde_json::from_str(raw.get()).map_err(|_| BadRequest::field(&path, "must hold strings"));
    elements(raw, &path)?.into_iter().map(read).collect()
}

fn count(place: &Place, raw: Option<&RawValue>, name: &str) -> Result<Option<u64>, BadRequest> {
    let number = place.read::<Int>(raw, name)?;
    number.map(|number| u64::try_from(number.0).map_err(|_| place.bad(name, "must not be below zero"))).transpose()
}

fn modalities(config: &GenerationConfig<'_>, place: &Place, conversation: &mut Conversation) -> Result<(), BadRequest> {
    let asked = strings(config.response_modalities, place, "responseModalities")?;
    let is_text = |modality: &String| modality.eq_ignore_ascii_case("TEXT") || modality.eq_ignore_ascii_case("MODALITY_UNSPECIFIED");
    if !asked.iter().all(is_text) {
        conversation.only_here.push(place.path("responseModalities"));
    }
    Ok(())
}

fn output(config: GenerationConfig<'_>, place: &Place, conversation: &mut Conversation) -> Result<(), BadRequest> {
    let media_type = place.read::<String>(config.response_mime_type, "responseMimeType")?;
    let schema = config.response_json_schema.or_else(|| config.response_schema.map(schema::from_openapi));
    conversation.output = match (media_type.as_deref(), schema) {
        (None | Some("" | "text/plain"), None) => OutputFormat::Text,
        (Some("application/json"), None) => OutputFormat::JsonObject,
        (None | Some("" | "application/json"), Some(schema)) => {
            OutputFormat::JsonSchema { name: None, description: None, schema, strict: None }
        }
        // Above all `text/x.enum`: one bare word of a list.
        (_, _) => {
            conversation.only_here.push(place.path("responseMimeType"));
            OutputFormat::Text
        }
    };
    Ok(())
}

fn reasoning(config: &ThinkingConfig<'_>, place: &Place) -> Result<Option<ReasoningAsk>, BadRequest> {
    let mut ask =
        ReasoningAsk { show: place.read(config.include_thoughts, "includeThoughts")?.unwrap_or(false), ..ReasoningAsk::default() };
    match place.read::<Int>(config.thinking_budget, "thinkingBudget")? {
        // As the model likes.
        None | Some(Int(-1)) => {}
        Some(Int(0)) => ask.effort = Some(Effort::None),
        Some(Int(budget)) => {
            let budget = u64::try_from(budget).map_err(|_| place.bad("thinkingBudget", "must be -1, 0 or a number of tokens"))?;
            ask.budget_tokens = Some(budget);
        }
    }
    if let Some(level) = place.read::<String>(config.thinking_level, "thinkingLevel")? {
        ask.effort = match level.to_ascii_lowercase().as_str() {
            "minimal" => Some(Effort::Minimal),
            "low" => Some(Effort::Low),
            "medium" => Some(Effort::Medium),
            "high" => Some(Effort::High),
            "" | "thinking_level_unspecified" => ask.effort,
            _other => return Err(place.bad("thinkingLevel", "must be `minimal`, `low`, `medium` or `high`")),
        };
    }
    Ok((ask != ReasoningAsk::default()).then_some(ask))
}
