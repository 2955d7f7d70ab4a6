//! Families of models, as far as requests for them differ.
//!
//! Source: `providers.md` sections 2.5 and 6.1.

/// What a model is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Gemini 3 and later: thinking by level, signed calls.
    Third {
        /// Pro models can't think as little as others.
        pro: bool,
    },
    /// Gemini 2.5: thinking by budget, in tokens.
    Second(Budget),
    /// Gemma: no system text.
    Gemma,
    /// Whatever else: older ones, and those of a name that says nothing.
    Other,
}

/// How much a model of Gemini 2.5 may think, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Budget {
    /// The least, if it thinks.
    pub(super) least: u64,
    /// The most.
    pub(super) most: u64,
    /// Whether it may not think at all.
    pub(super) off: bool,
}

/// A model, as far as requests for it differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Model {
    /// Its family.
    pub(super) family: Family,
    /// Whether it takes a `thinkingConfig`: models for pictures and speech refuse it.
    pub(super) thinks: bool,
}

impl Model {
    /// By what the platform calls it.
    pub(super) fn named(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let family = family(&name);
        let is_for_media = ["-image", "-tts", "-audio", "-live", "embedding"].iter().any(|word| name.contains(word));
        let thinks = matches!(family, Family::Third { .. } | Family::Second(_)) && !is_for_media;
        Self { family, thinks }
    }
}

fn family(name: &str) -> Family {
    if name.contains("gemma") {
        return Family::Gemma;
    }
    let pro = name.contains("-pro");
    let Some((_, rest)) = name.split_once("gemini-") else { return Family::Other };
    let mut version = rest.split(['-', '@', ':']).next().unwrap_or_default().split('.').map(str::parse::<u32>);
    match (version.next(), version.next()) {
        (Some(Ok(3..)), _) => Family::Third { pro },
        (Some(Ok(2)), Some(Ok(5))) => Family::Second(if pro {
            Budget { least: 128, most: 32_768, off: false }
        } else if name.contains("lite") {
            Budget { least: 512, most: 24_576, off: true }
        } else {
            Budget { least: 0, most: 24_576, off: true }
        }),
        // `gemini-flash-latest`: the newest there is.
        (Some(Err(_)), _) if name.ends_with("-latest") => Family::Third { pro },
        (_, _) => Family::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, family: Family, thinks: bool) {
        assert_eq!(Model::named(name), Model { family, thinks }, "{name}");
    }

    #[test]
    fn a_name_tells_the_family() {
        check("gemini-3-pro-preview", Family::Third { pro: true }, true);
        check("models/gemini-3.1-flash-lite", Family::Third { pro: false }, true);
        check("gemini-flash-latest", Family::Third { pro: false }, true);
        check("google/gemini-2.5-pro", Family::Second(Budget { least: 128, most: 32_768, off: false }), true);
        check("gemini-2.5-flash", Family::Second(Budget { least: 0, most: 24_576, off: true }), true);
        check("gemini-2.5-flash-lite", Family::Second(Budget { least: 512, most: 24_576, off: true }), true);
        check("gemini-2.5-flash-image", Family::Second(Budget { least: 0, most: 24_576, off: true }), false);
        check("gemini-3-pro-image-preview", Family::Third { pro: true }, false);
        check("gemini-2.0-flash", Family::Other, false);
        check("gemma-3-27b-it", Family::Gemma, false);
        check("my-tuned-model", Family::Other, false);
    }
}
