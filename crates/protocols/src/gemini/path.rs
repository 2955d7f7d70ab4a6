//! The path of a call: `models/{model}:{verb}`.

easyai_core::words! {
    /// What is to be done with a model.
    pub enum Verb as "verb" {
        /// One whole answer.
        GenerateContent = "generateContent",
        /// The same as a stream.
        StreamGenerateContent = "streamGenerateContent",
        /// How long a prompt is.
        CountTokens = "countTokens",
        /// One vector.
        EmbedContent = "embedContent",
        /// Many vectors.
        BatchEmbedContents = "batchEmbedContents",
    }
}

/// What a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named<'a> {
    /// The model, without `models/` before it.
    pub model: &'a str,
    /// What is to be done.
    pub verb: Verb,
}

/// Reads what comes after `/v1beta/`, already percent-decoded: `models/gemini-2.5-pro:streamGenerateContent`. The model may hold slashes
/// and colons, and may itself begin with `models/`: Google's SDKs put that before a name that they don't know. None for another verb.
#[must_use]
pub fn parse(path: &str) -> Option<Named<'_>> {
    let (model, verb) = path.trim_start_matches('/').rsplit_once(':')?;
    let model = bare(model);
    (!model.is_empty()).then_some(Named { model, verb: verb.parse().ok()? })
}

/// A model's name without the collection before it.
#[must_use]
pub fn bare(model: &str) -> &str {
    let mut name = model;
    while let Some(rest) = name.strip_prefix("models/") {
        name = rest;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Option<(&str, Verb)>) {
        assert_eq!(parse(path), expected.map(|(model, verb)| Named { model, verb }), "{path}");
    }

    #[test]
    fn a_path_names_a_model_and_a_verb() {
        check("models/gemini-2.5-pro:streamGenerateContent", Some(("gemini-2.5-pro", Verb::StreamGenerateContent)));
        check("/models/m:generateContent", Some(("m", Verb::GenerateContent)));
        check("models/models/m:countTokens", Some(("m", Verb::CountTokens)));
        check("models/openai/gpt-5:embedContent", Some(("openai/gpt-5", Verb::EmbedContent)));
        check("models/llama3:8b:batchEmbedContents", Some(("llama3:8b", Verb::BatchEmbedContents)));
        check("m:generateContent", Some(("m", Verb::GenerateContent)));
        for path in ["models/m", "models/:generateContent", "models/m:predict", ":generateContent", "", "models/m:GenerateContent"] {
            check(path, None);
        }
    }
}
