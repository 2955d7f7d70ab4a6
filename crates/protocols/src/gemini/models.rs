//! The list of models for a caller: `GET /v1beta/models` and `/v1beta/models/{model}`.
//!
//! Source: `providers.md` section 6.4.

use bytes::Bytes;

use super::path::Verb;

/// A model as a caller may see it.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Its public name, without `models/`.
    pub name: &'a str,
    /// For a person.
    pub display_name: &'a str,
    /// The longest prompt in tokens, if the catalogue says.
    pub input_token_limit: Option<u64>,
    /// The longest answer in tokens, if the catalogue says.
    pub output_token_limit: Option<u64>,
    /// What can be done with it.
    pub verbs: &'a [Verb],
}

#[derive(serde::Serialize)]
struct List<'a> {
    models: Vec<Model<'a>>,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Model<'a> {
    name: String,
    display_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_token_limit: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_token_limit: Option<u64>,
    supported_generation_methods: &'a [Verb],
}

impl<'a> From<&Entry<'a>> for Model<'a> {
    fn from(entry: &Entry<'a>) -> Self {
        Self {
            name: format!("models/{}", entry.name),
            display_name: entry.display_name,
            input_token_limit: entry.input_token_limit,
            output_token_limit: entry.output_token_limit,
            supported_generation_methods: entry.verbs,
        }
    }
}

/// All models, on one page.
#[must_use]
pub fn list(entries: &[Entry<'_>]) -> Bytes {
    // Strings and numbers can't fail to be written.
    serde_json::to_vec(&List { models: entries.iter().map(Model::from).collect() }).unwrap_or_default().into()
}

/// One model.
#[must_use]
pub fn one(entry: &Entry<'_>) -> Bytes {
    serde_json::to_vec(&Model::from(entry)).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_have_googles_shape() {
        let entry = Entry {
            name: "openai/gpt-5",
            display_name: "GPT-5",
            input_token_limit: Some(400_000),
            output_token_limit: None,
            verbs: &[Verb::GenerateContent, Verb::CountTokens],
        };
        let model = r#"{"name":"models/openai/gpt-5","displayName":"GPT-5","inputTokenLimit":400000,"supportedGenerationMethods":["generateContent","countTokens"]}"#;
        assert_eq!(one(&entry), model);
        assert_eq!(list(&[entry, entry]), format!(r#"{{"models":[{model},{model}]}}"#));
        assert_eq!(list(&[]), r#"{"models":[]}"#);
    }
}
