//! A JSON schema in the dialect of `output_config.format`.
//!
//! Source: `providers.md` section 2.4.

use serde_json::{Map, Value};

/// What is refused, and therefore told in the description.
const TOLD_IN_WORDS: &[&str] = &[
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "not",
];

/// The formats that are understood.
const FORMATS: &[&str] = &["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];

/// Members that hold a schema, or several in an array.
const SCHEMAS: &[&str] = &["items", "prefixItems", "anyOf", "allOf"];

/// Members that hold a schema under each name.
const NAMED_SCHEMAS: &[&str] = &["properties", "$defs", "definitions"];

/// Translates a schema; none if it lets objects have members that it does not name, which this dialect can't say.
pub(super) fn translated(schema: &Value) -> Option<Value> {
    let Value::Object(schema) = schema else { return None };
    let mut result = Map::new();
    let mut words = Vec::new();
    for (key, value) in schema {
        match key.as_str() {
            "$schema" | "additionalProperties" => {}
            "oneOf" => {
                result.insert("anyOf".to_owned(), each(value)?);
            }
            "format" if !value.as_str().is_some_and(|format| FORMATS.contains(&format)) => words.push(in_words(key, value)),
            told if TOLD_IN_WORDS.contains(&told) => words.push(in_words(key, value)),
            one if SCHEMAS.contains(&one) => {
                result.insert(key.clone(), each(value)?);
            }
            named if NAMED_SCHEMAS.contains(&named) => {
                result.insert(key.clone(), each_named(value)?);
            }
            _other => {
                result.insert(key.clone(), value.clone());
            }
        }
    }
    if is_object(schema) {
        if is_open(schema) {
            return None;
        }
        result.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    if !words.is_empty() {
        let described = result.get("description").and_then(Value::as_str).map(str::to_owned);
        words.splice(0..0, described);
        result.insert("description".to_owned(), Value::String(words.join("; ")));
    }
    Some(Value::Object(result))
}

fn is_object(schema: &Map<String, Value>) -> bool {
    let is_object = |kind: &Value| kind == "object";
    schema.contains_key("properties")
        || schema.get("type").is_some_and(|kind| is_object(kind) || kind.as_array().is_some_and(|kinds| kinds.iter().any(is_object)))
}

/// Whether members that are not named are what it is about: a map, or an object of any form.
fn is_open(schema: &Map<String, Value>) -> bool {
    let names_some = schema.get("properties").and_then(Value::as_object).is_some_and(|properties| !properties.is_empty());
    let lets_others = schema.get("additionalProperties");
    schema.contains_key("patternProperties")
        || lets_others.is_some_and(Value::is_object)
        || (!names_some
            && lets_others != Some(&Value::Bool(false))
            && !["$ref", "anyOf", "allOf", "oneOf"].iter().any(|key| schema.contains_key(*key)))
}

fn in_words(key: &str, value: &Value) -> String {
    format!("{key}: {value}")
}

fn each(value: &Value) -> Option<Value> {
    match value {
        Value::Array(schemas) => schemas.iter().map(any).collect::<Option<Vec<_>>>().map(Value::Array),
        one => any(one),
    }
}

fn each_named(value: &Value) -> Option<Value> {
    let Value::Object(schemas) = value else { return Some(value.clone()) };
    let translated = schemas.iter().map(|(name, schema)| Some((name.clone(), any(schema)?))).collect::<Option<Map<_, _>>>();
    translated.map(Value::Object)
}

/// `true` and `false` are schemas too.
fn any(schema: &Value) -> Option<Value> {
    if schema.is_boolean() { Some(schema.clone()) } else { translated(schema) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(schema: Value, expected: Value) {
        assert_eq!(translated(&schema), Some(expected), "{schema}");
    }

    #[test]
    fn objects_are_closed_and_what_is_refused_is_told_in_words() {
        check(
            json!({"$schema": "x", "type": "object", "properties": {"a": {"type": "integer", "minimum": 1, "maximum": 5}}, "required": ["a"]}),
            json!({"type": "object", "properties": {"a": {"type": "integer", "description": "minimum: 1; maximum: 5"}}, "required": ["a"], "additionalProperties": false}),
        );
        check(
            json!({"type": "string", "description": "a word", "pattern": "^a$"}),
            json!({"type": "string", "description": "a word; pattern: \"^a$\""}),
        );
        check(json!({"type": "string", "format": "uuid"}), json!({"type": "string", "format": "uuid"}));
        check(json!({"type": "string", "format": "byte"}), json!({"type": "string", "description": "format: \"byte\""}));
        check(
            json!({"oneOf": [{"type": "null"}, {"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}}}], "$defs": {"b": {"type": "array", "items": {"type": "string"}, "minItems": 2}}}),
            json!({"anyOf": [{"type": "null"}, {"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}}, "additionalProperties": false}], "$defs": {"b": {"type": "array", "items": {"type": "string"}, "description": "minItems: 2"}}}),
        );
        check(
            json!({"type": "object", "properties": {"minimum": {"type": "string"}}, "additionalProperties": true}),
            json!({"type": "object", "properties": {"minimum": {"type": "string"}}, "additionalProperties": false}),
        );
        check(
            json!({"type": "object", "properties": {}, "additionalProperties": false}),
            json!({"type": "object", "properties": {}, "additionalProperties": false}),
        );
    }

    #[test]
    fn maps_and_objects_of_any_form_have_no_translation() {
        for schema in [
            json!({"type": "object"}),
            json!({"type": "object", "additionalProperties": {"type": "string"}}),
            json!({"type": "object", "properties": {"a": {"type": ["object", "null"]}}}),
            json!({"type": "array", "items": {"type": "object", "properties": {}, "additionalProperties": true}}),
            json!(true),
            json!("text"),
        ] {
            assert_eq!(translated(&schema), None, "{schema}");
        }
    }
}
