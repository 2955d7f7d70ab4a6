//! Everything that is neither a message nor a tool.

use super::Writing;
use super::wire::{Extras, JsonSchema, ResponseFormat, SamplingFields, Thinking};
use crate::conversation::{CannotCarry, Effort, OutputFormat};
use crate::openai::dialect::{AskedEffort, Dialect};
use crate::volces;

/// OpenAI's bound, and Ark's.
const MAX_STOPS: usize = 4;

/// What a schema is called if the caller did not say: OpenAI insists on a name.
const SCHEMA_NAME: &str = "answer";

impl<'a> Writing<'a> {
    /// How much to think: a word, or Ark's switch.
    pub(super) fn effort(&mut self, asked: Option<Effort>) -> (Option<Effort>, Option<Thinking>) {
        let Some(asked) = asked else { return (None, None) };
        match self.dialect.effort(asked) {
            AskedEffort::Word(effort) => {
                if effort != asked {
                    self.notes.changed("reasoning_effort", &format!("`{asked}` became `{effort}`, the nearest the model knows"));
                }
                (Some(effort), None)
            }
            AskedEffort::Disabled => (None, Some(Thinking { kind: "disabled" })),
            AskedEffort::Unknown => {
                if asked != Effort::None {
                    self.notes.dropped("reasoning_effort", "the model does not reason");
                }
                (None, None)
            }
        }
    }

    pub(super) fn sampling(&mut self, effort: Option<Effort>) -> SamplingFields {
        let asked = &self.conversation.sampling;
        if asked.top_k.is_some() {
            self.notes.dropped("top_k", "the chat API has no such field");
        }
        if !self.dialect.refuses_sampling(effort) {
            return SamplingFields {
                temperature: asked.temperature,
                top_p: asked.top_p,
                frequency_penalty: asked.frequency_penalty,
                presence_penalty: asked.presence_penalty,
                seed: asked.seed,
            };
        }
        // With what each of them is anyway: whoever asks for that loses nothing.
        let refused = [
            ("temperature", asked.temperature, 1.0),
            ("top_p", asked.top_p, 1.0),
            ("frequency_penalty", asked.frequency_penalty, 0.0),
            ("presence_penalty", asked.presence_penalty, 0.0),
        ];
        for (field, asked, default) in refused {
            if asked.is_some_and(|asked| (asked - default).abs() > f64::EPSILON) {
                self.notes.dropped(field, "the model reasons, and refuses it");
            }
        }
        SamplingFields { seed: asked.seed, ..SamplingFields::default() }
    }

    pub(super) fn stop(&self) -> Result<&'a [String], CannotCarry> {
        let stop = &self.conversation.sampling.stop;
        if stop.len() > MAX_STOPS {
            return Err(self.cannot("stop", format!("it takes at most {MAX_STOPS} texts that end an answer")));
        }
        Ok(stop)
    }

    /// The bound on output, not above what the model can do.
    pub(super) fn bound(&mut self) -> Option<u64> {
        let asked = self.conversation.max_output_tokens?;
        let ark = (self.dialect == Dialect::Ark).then_some(volces::MAX_COMPLETION_TOKENS);
        let most = [self.target.max_output_tokens, ark].into_iter().flatten().min().unwrap_or(u64::MAX);
        if asked > most {
            self.notes.changed("max_output_tokens", &format!("{asked} became {most}, the most the model takes"));
        }
        Some(asked.min(most))
    }

    pub(super) fn response_format(&self) -> Option<ResponseFormat<'a>> {
        match &self.conversation.output {
            OutputFormat::Text => None,
            OutputFormat::JsonObject => Some(ResponseFormat::JsonObject),
            OutputFormat::JsonSchema { name, description, schema, strict } => Some(ResponseFormat::JsonSchema {
                json_schema: JsonSchema {
                    name: name.as_deref().unwrap_or(SCHEMA_NAME),
                    description: description.as_deref(),
                    schema,
                    strict: *strict,
                },
            }),
        }
    }

    pub(super) fn extras(&mut self) -> Extras<'a> {
        let asked = self.conversation;
        let (openai, ark) = (self.dialect.is_openai(), self.dialect == Dialect::Ark);
        let reasons = matches!(self.dialect, Dialect::Reasoning(_));
        let tier_is_known = openai || (ark && matches!(asked.service_tier.as_deref(), Some("auto" | "default")));
        Extras {
            verbosity: self.kept_if(reasons, "verbosity", asked.verbosity.as_deref()),
            safety_identifier: asked.end_user.as_deref().filter(|_| openai),
            user: self.kept_if(!ark, "user", asked.end_user.as_deref()).filter(|_| !openai),
            service_tier: self.kept_if(tier_is_known, "service_tier", asked.service_tier.as_deref()),
            prompt_cache_key: self.kept_if(openai, "prompt_cache_key", asked.cache_key.as_deref()),
        }
    }

    fn kept_if<'t>(&mut self, is_known: bool, field: &str, value: Option<&'t str>) -> Option<&'t str> {
        if !is_known && value.is_some() {
            self.notes.dropped(field, "the model, or its platform, does not know it");
        }
        value.filter(|_| is_known)
    }
}
