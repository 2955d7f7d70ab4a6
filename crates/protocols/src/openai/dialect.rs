//! What an upstream of OpenAI's protocols takes, told from whose it is and from its model's name.
//!
//! Source: `providers.md` sections 2.2 (rule 4), 2.5, 4.1 and 7.2.

use easyai_core::kind::Provider;

use crate::conversation::{Effort, ReasoningAsk};
use crate::volces;
use crate::wire::Target;

/// One sort of chat upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// OpenAI's models that reason: refuse sampling, know `developer`.
    Reasoning(Generation),
    /// OpenAI's models that don't.
    Plain,
    /// Whatever is compatible.
    Compatible,
    /// Volcengine Ark.
    Ark,
}

/// OpenAI's reasoning models, by what efforts they know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Generation {
    /// `o1`, `o3`, `o4-mini`: low to high.
    O,
    /// `gpt-5`: minimal to high.
    Gpt5,
    /// `gpt-5.1`: none, low to high.
    Gpt51,
    /// `gpt-5.2` and its successors: none, low to xhigh.
    Gpt52,
    /// From `gpt-6` on: whatever OpenAI has words for.
    Later,
}

/// How an effort is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AskedEffort {
    /// `reasoning_effort`.
    Word(Effort),
    /// Ark's `thinking: {type: "disabled"}`.
    Disabled,
    /// The model has none.
    Unknown,
}

impl Dialect {
    /// The dialect of an upstream.
    pub(crate) fn of(target: &Target<'_>) -> Self {
        match target.provider {
            Provider::Volces => Self::Ark,
            Provider::Openai | Provider::Anthropic | Provider::Gemini | Provider::Simulation => by_model(target.model),
        }
    }

    /// Whose API it is, for a message.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Reasoning(_) | Self::Plain | Self::Compatible => "the chat API",
            Self::Ark => "Ark's chat API",
        }
    }

    /// Whether it is OpenAI's own: these know all fields, and refuse what they don't know.
    pub(crate) const fn is_openai(self) -> bool {
        matches!(self, Self::Reasoning(_) | Self::Plain)
    }

    /// The role of what an operator says.
    pub(crate) const fn system_role(self) -> &'static str {
        match self {
            Self::Reasoning(_) => "developer",
            Self::Plain | Self::Compatible | Self::Ark => "system",
        }
    }

    /// Whether the bound on output stands in `max_completion_tokens`, which counts reasoning too.
    pub(crate) const fn bounds_completion(self) -> bool {
        matches!(self, Self::Reasoning(_) | Self::Ark)
    }

    /// Whether it has tools that take free text: from gpt-5 on.
    pub(crate) fn has_custom_tools(self) -> bool {
        matches!(self, Self::Reasoning(generation) if generation >= Generation::Gpt5)
    }

    /// Whether sampling is refused at this effort. From gpt-5.1 on it is taken where nothing is reasoned.
    pub(crate) fn refuses_sampling(self, effort: Option<Effort>) -> bool {
        match self {
            Self::Reasoning(generation) => generation < Generation::Gpt51 || effort != Some(Effort::None),
            Self::Plain | Self::Compatible | Self::Ark => false,
        }
    }

    /// The nearest that it knows to what was asked.
    pub(crate) fn effort(self, asked: Effort) -> AskedEffort {
        match self {
            Self::Reasoning(generation) => AskedEffort::Word(generation.effort(asked)),
            Self::Plain => AskedEffort::Unknown,
            Self::Compatible => AskedEffort::Word(match asked {
                Effort::Minimal => Effort::Low,
                Effort::XHigh | Effort::Max => Effort::High,
                Effort::None | Effort::Low | Effort::Medium | Effort::High => asked,
            }),
            Self::Ark => volces::effort(asked),
        }
    }
}

impl Generation {
    const fn effort(self, asked: Effort) -> Effort {
        match (self, asked) {
            (Self::Later, _) | (_, Effort::Low | Effort::Medium | Effort::High) | (Self::Gpt51 | Self::Gpt52, Effort::None) => asked,
            (Self::Gpt5, Effort::None | Effort::Minimal) => Effort::Minimal,
            (Self::O, Effort::None | Effort::Minimal) | (Self::Gpt51 | Self::Gpt52, Effort::Minimal) => Effort::Low,
            (Self::Gpt52, Effort::XHigh | Effort::Max) => Effort::XHigh,
            (Self::O | Self::Gpt5 | Self::Gpt51, Effort::XHigh | Effort::Max) => Effort::High,
        }
    }
}

/// The effort that was asked for, in words. A budget becomes one (`providers.md` section 2.5, reverse direction).
pub(crate) fn effort_in_words(ask: &ReasoningAsk) -> Option<Effort> {
    ask.effort.or_else(|| match ask.budget_tokens? {
        0 => Some(Effort::None),
        1..=2_048 => Some(Effort::Low),
        2_049..=12_288 => Some(Effort::Medium),
        _more => Some(Effort::High),
    })
}

/// Whether its thinking models want reasoning back while tools are called (`providers.md` section 2.6).
pub(crate) fn wants_reasoning_back(model: &str) -> bool {
    let model = model.to_ascii_lowercase();
    ["deepseek", "kimi", "moonshot"].iter().any(|family| model.contains(family))
}

fn by_model(model: &str) -> Dialect {
    let model = model.to_ascii_lowercase();
    // `openai/gpt-5` (routers), `ft:gpt-4o:acme` (fine-tuned).
    let name = model.rsplit('/').next().unwrap_or(&model);
    let name = name.strip_prefix("ft:").unwrap_or(name);
    if let Some(version) = name.strip_prefix("gpt-") {
        return gpt(version);
    }
    let digit = |rest: &str| rest.starts_with(|letter: char| letter.is_ascii_digit());
    match name.strip_prefix('o') {
        Some(rest) if digit(rest) => Dialect::Reasoning(Generation::O),
        // Only Responses has it.
        Some(_) | None if name.starts_with("codex-") => Dialect::Reasoning(Generation::O),
        Some(_) | None if name.starts_with("chatgpt-") => Dialect::Plain,
        Some(_) | None => Dialect::Compatible,
    }
}

/// `5.2-mini`, `4o`, `oss-120b`.
fn gpt(version: &str) -> Dialect {
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    // Open weights, served by others.
    let Ok(major) = digits(version).parse::<u32>() else { return Dialect::Compatible };
    let minor = version.split_once('.').and_then(|(_, minor)| digits(minor).parse::<u32>().ok()).unwrap_or(0);
    // `gpt-5-chat-latest` does not reason.
    if major < 5 || version.contains("-chat") {
        return Dialect::Plain;
    }
    Dialect::Reasoning(match (major, minor) {
        (5, 0) => Generation::Gpt5,
        (5, 1) => Generation::Gpt51,
        (5, _) => Generation::Gpt52,
        (_, _) => Generation::Later,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openais_models_are_known_by_name() {
        let table = [
            ("gpt-4o", Dialect::Plain),
            ("gpt-4.1-mini", Dialect::Plain),
            ("gpt-3.5-turbo", Dialect::Plain),
            ("chatgpt-4o-latest", Dialect::Plain),
            ("gpt-5-chat-latest", Dialect::Plain),
            ("ft:gpt-4o:acme::1", Dialect::Plain),
            ("o1", Dialect::Reasoning(Generation::O)),
            ("o4-mini-2025-04-16", Dialect::Reasoning(Generation::O)),
            ("codex-mini-latest", Dialect::Reasoning(Generation::O)),
            ("gpt-5", Dialect::Reasoning(Generation::Gpt5)),
            ("gpt-5-nano-2025-08-07", Dialect::Reasoning(Generation::Gpt5)),
            ("openai/gpt-5.1", Dialect::Reasoning(Generation::Gpt51)),
            ("gpt-5.4-pro", Dialect::Reasoning(Generation::Gpt52)),
            ("gpt-6", Dialect::Reasoning(Generation::Later)),
            ("gpt-oss-120b", Dialect::Compatible),
            ("openai/gpt-oss-20b", Dialect::Compatible),
            ("deepseek-chat", Dialect::Compatible),
            ("olmo-2", Dialect::Compatible),
            ("llama-3.3-70b", Dialect::Compatible),
        ];
        for (model, expected) in table {
            let target = Target { provider: Provider::Openai, model, max_output_tokens: None, stream_options: true };
            assert_eq!(Dialect::of(&target), expected, "{model}");
        }
        let ark = Target { provider: Provider::Volces, model: "gpt-5", max_output_tokens: None, stream_options: true };
        assert_eq!(Dialect::of(&ark), Dialect::Ark);
    }

    #[test]
    fn an_effort_becomes_the_nearest_that_is_known() {
        let words =
            |generation: Generation| Effort::ALL.iter().map(|asked| generation.effort(*asked).as_str()).collect::<Vec<_>>().join(" ");
        assert_eq!(words(Generation::O), "low low low medium high high high");
        assert_eq!(words(Generation::Gpt5), "minimal minimal low medium high high high");
        assert_eq!(words(Generation::Gpt51), "none low low medium high high high");
        assert_eq!(words(Generation::Gpt52), "none low low medium high xhigh xhigh");
        assert_eq!(words(Generation::Later), "none minimal low medium high xhigh max");
    }

    #[test]
    fn a_budget_becomes_an_effort() {
        let words = |budget| effort_in_words(&ReasoningAsk { effort: None, budget_tokens: Some(budget), show: true });
        let expected = [Effort::None, Effort::Low, Effort::Low, Effort::Medium, Effort::High].map(Some);
        assert_eq!([0, 1, 2_048, 2_049, 12_289].map(words), expected);
        assert_eq!(effort_in_words(&ReasoningAsk::default()), None);
    }
}
