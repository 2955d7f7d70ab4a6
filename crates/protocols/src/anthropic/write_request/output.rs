//! The form of the text: held to a schema where the model can, asked for in words where it can't.
//!
//! Source: `providers.md` sections 2.4 and 9.6.

use serde::Serialize;
use serde_json::Value;

use super::schema::translated;
use crate::anthropic::family::Family;
use crate::conversation::{Notes, OutputFormat};

const JSON_ONLY: &str = "Answer with one JSON object and nothing else: no text before or after it, no code fences.";

/// `output_config.format`.
#[derive(Serialize)]
pub(super) struct Format {
    #[serde(rename = "type")]
    kind: &'static str,
    schema: Value,
}

/// The format, or what to add to the system text in its stead.
pub(super) fn output(output: &OutputFormat, family: Family, notes: &mut Notes) -> (Option<Format>, Option<String>) {
    match output {
        OutputFormat::Text => (None, None),
        OutputFormat::JsonObject => {
            notes.changed("response_format", "JSON without a schema is asked for in the system text");
            (None, Some(JSON_ONLY.to_owned()))
        }
        OutputFormat::JsonSchema { description, schema, .. } => {
            let Some(mut translated) = translated(schema).filter(|_| family.structured) else {
                let why = if family.structured {
                    "the schema lets objects have any members, so that it is asked for in the system text"
                } else {
                    "the model can't be held to a schema, so that it is asked for in the system text"
                };
                notes.changed("response_format", why);
                return (None, Some(in_words(description.as_deref(), schema)));
            };
            if let (Some(description), Some(members)) = (description, translated.as_object_mut()) {
                members.entry("description").or_insert_with(|| Value::String(description.clone()));
            }
            (Some(Format { kind: "json_schema", schema: translated }), None)
        }
    }
}

fn in_words(description: Option<&str>, schema: &Value) -> String {
    let about = description.map(|description| format!("{description}\n\n")).unwrap_or_default();
    format!(
        "Answer with JSON that follows the schema below and nothing else: no text before or after it, no code fences.\n\n{about}{schema}"
    )
}
