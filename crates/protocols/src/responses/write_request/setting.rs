//! Everything that is neither a turn nor a tool.

use super::Writing;
use super::wire::{Extras, Format, Reasoning, Text, Thinking};
use crate::conversation::{Effort, OutputFormat};
use crate::openai::dialect::{AskedEffort, Dialect};

/// The least that OpenAI takes as `max_output_tokens`.
const MIN_OUTPUT_TOKENS: u64 = 16;

/// What a schema is called if the caller did not say: OpenAI insists on a name.
const SCHEMA_NAME: &str = "answer";

impl<'a> Writing<'a> {
    /// How much to think, and whether to show it: words, or Ark's switch.
    pub(super) fn reasoning(&mut self, asked: Option<Effort>) -> (Option<Reasoning>, Option<Thinking>) {
        let show = self.conversation.reasoning.is_some_and(|ask| ask.show) && asked != Some(Effort::None);
        if self.dialect == Dialect::Ark {
            // Ark shows reasoning unasked (`providers.md` section 7.3).
            return match asked {
                Some(Effort::None) => (None, Some(Thinking { kind: "disabled" })),
                Some(asked) => (Some(Reasoning { effort: self.effort(asked), summary: None }), None),
                None => (None, show.then_some(Thinking { kind: "enabled" })),
            };
        }
        let effort = asked.and_then(|asked| self.effort(asked));
        // Open models show their reasoning unasked, and some of their servers know no summary.
        let summary = (show && matches!(self.dialect, Dialect::Reasoning(_))).then_some("auto");
        ((effort.is_some() || summary.is_some()).then_some(Reasoning { effort, summary }), None)
    }

    fn effort(&mut self, asked: Effort) -> Option<Effort> {
        let effort = match self.dialect.effort(asked) {
            AskedEffort::Word(effort) => Some(effort),
            AskedEffort::Disabled | AskedEffort::Unknown => None,
        };
        match effort {
            Some(effort) if effort != asked => {
                self.notes.changed("reasoning.effort", &format!("`{asked}` became `{effort}`, the nearest the model knows"));
            }
            None if asked != Effort::None => self.notes.dropped("reasoning.effort", "the model does not reason"),
            Some(_) | None => {}
        }
        effort
    }

    /// `temperature` and `top_p`.
    pub(super) fn sampling(&mut self, effort: Option<Effort>) -> (Option<f64>, Option<f64>) {
        let asked = &self.conversation.sampling;
        if !self.dialect.refuses_sampling(effort) {
            return (asked.temperature, asked.top_p);
        }
        for (field, asked) in [("temperature", asked.temperature), ("top_p", asked.top_p)] {
            // One is what both are anyway: whoever asks for that loses nothing.
            if asked.is_some_and(|asked| (asked - 1.0).abs() > f64::EPSILON) {
                self.notes.dropped(field, "the model reasons, and refuses it");
            }
        }
        (None, None)
    }

    /// The bound on output: not above what the model can do, nor below what OpenAI takes.
    pub(super) fn bound(&mut self) -> Option<u64> {
        let asked = self.conversation.max_output_tokens?;
        let least = if self.dialect.is_openai() { MIN_OUTPUT_TOKENS } else { 1 };
        let bound = asked.min(self.target.max_output_tokens.unwrap_or(u64::MAX)).max(least);
        if bound != asked {
            self.notes.changed("max_output_tokens", &format!("{asked} became {bound}, the nearest the model takes"));
        }
        Some(bound)
    }

    pub(super) fn text(&mut self) -> Option<Text<'a>> {
        let format = match &self.conversation.output {
            OutputFormat::Text => None,
            OutputFormat::JsonObject => Some(Format::JsonObject),
            OutputFormat::JsonSchema { name, description, schema, strict } => Some(Format::JsonSchema {
                name: name.as_deref().unwrap_or(SCHEMA_NAME),
                description: description.as_deref(),
                schema,
                strict: *strict,
            }),
        };
        let verbosity = match (self.conversation.verbosity.as_deref(), self.dialect) {
            (verbosity, Dialect::Reasoning(_)) => verbosity,
            (Some(_), Dialect::Plain | Dialect::Compatible | Dialect::Ark) => {
                self.notes.dropped("verbosity", "the model has no such setting");
                None
            }
            (None, _) => None,
        };
        (format.is_some() || verbosity.is_some()).then_some(Text { format, verbosity })
    }

    pub(super) fn extras(&mut self) -> Extras<'a> {
        let conversation = self.conversation;
        let asked = Extras {
            service_tier: conversation.service_tier.as_deref(),
            prompt_cache_key: conversation.cache_key.as_deref(),
            safety_identifier: conversation.end_user.as_deref(),
        };
        if self.dialect.is_openai() {
            return asked;
        }
        // Others know no more than a tier, and refuse what they don't know.
        let (tier, other_tier) = match asked.service_tier {
            Some(tier @ ("auto" | "default")) => (Some(tier), None),
            other => (None, other),
        };
        let dropped = [("service_tier", other_tier), ("prompt_cache_key", asked.prompt_cache_key), ("user", asked.safety_identifier)];
        for (field, _) in dropped.into_iter().filter(|(_, asked)| asked.is_some()) {
            self.notes.dropped(field, "the upstream has no such field");
        }
        Extras { service_tier: tier.filter(|_| self.dialect == Dialect::Ark), ..Extras::default() }
    }
}
