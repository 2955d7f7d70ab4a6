//! JSON schemas: from Google's OpenAPI dialect, which callers may use, and to what Google takes as JSON Schema.
//!
//! Source: `providers.md` section 2.4.

use serde_json::{Map, Value};

/// Keywords whose value is an object of schemas by name.
const BY_NAME: &[&str] = &["properties", "$defs", "definitions", "patternProperties", "dependentSchemas"];

/// Keywords whose value is a schema, or a list of them.
const NESTED: &[&str] =
    &["items", "prefixItems", "anyOf", "oneOf", "allOf", "not", "additionalProperties", "contains", "if", "then", "else"];

/// 64-bit numbers, which may be text.
const COUNTS: &[&str] = &["minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"];

/// A schema of Google's OpenAPI dialect as JSON Schema: type names in lower case, `nullable` as a type of its own, counts as numbers. What
/// JSON Schema has no word for (`propertyOrdering`) goes.
pub(super) fn from_openapi(schema: Value) -> Value {
    let Value::Object(given) = schema else { return schema };
    let mut made = Map::new();
    let mut nullable = false;
    for (key, value) in given {
        let key = camel(&key);
        match key.as_str() {
            "type" => {
                if let Some(name) = value.as_str().map(str::to_ascii_lowercase).filter(|name| name != "type_unspecified") {
                    made.insert(key, name.into());
                } else if value.is_array() {
                    made.insert(key, value);
                }
            }
            "nullable" => nullable = value == Value::Bool(true),
            "propertyOrdering" => {}
            "example" => {
                made.insert("examples".to_owned(), Value::Array(vec![value]));
            }
            "format" if value == "enum" => {}
            _count if COUNTS.contains(&key.as_str()) => {
                let number = value.as_str().and_then(|text| text.parse::<u64>().ok()).map(Value::from);
                made.insert(key, number.unwrap_or(value));
            }
            _other => {
                let value = within(&key, value, &from_openapi);
                made.insert(key, value);
            }
        }
    }
    if nullable {
        make_nullable(&mut made);
    }
    Value::Object(made)
}

fn make_nullable(schema: &mut Map<String, Value>) {
    if let Some(name) = schema.get_mut("type").filter(|name| name.is_string()) {
        *name = Value::Array(vec![name.take(), "null".into()]);
    } else if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.push(serde_json::json!({"type": "null"}));
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.push(Value::Null);
    }
}

/// A schema as `parametersJsonSchema` and `responseJsonSchema` take it: no `$schema`, `const` as an `enum` of one, `definitions` as
/// `$defs`, and nothing beside a `$ref`.
pub(super) fn to_google(schema: Value) -> Value {
    let Value::Object(given) = schema else { return schema };
    let is_reference = given.contains_key("$ref");
    let mut made = Map::new();
    for (key, value) in given {
        match (key.as_str(), value) {
            ("$schema", _) => {}
            ("$ref", Value::String(target)) => {
                let target = target.strip_prefix("#/definitions/").map_or(target.clone(), |name| format!("#/$defs/{name}"));
                made.insert(key, target.into());
            }
            ("definitions", value) => {
                made.insert("$defs".to_owned(), within("$defs", value, &to_google));
            }
            (key, _) if is_reference && !key.starts_with('$') => {}
            ("const", value) => {
                made.insert("enum".to_owned(), Value::Array(vec![value]));
            }
            (_, value) => {
                let value = within(&key, value, &to_google);
                made.insert(key, value);
            }
        }
    }
    Value::Object(made)
}

/// Whether a schema says nothing about an object: Google refuses such parameters.
pub(super) fn is_empty_object(schema: &Value) -> bool {
    let Value::Object(schema) = schema else { return true };
    let properties = schema.get("properties").and_then(Value::as_object).is_none_or(Map::is_empty);
    let says_more = ["anyOf", "oneOf", "allOf", "$ref"].iter().any(|key| schema.contains_key(*key));
    let is_open = schema.get("additionalProperties").is_some_and(|more| more.as_bool() != Some(false));
    properties && !says_more && !is_open
}

/// Translates the schemas inside a keyword's value. Names of properties are no keywords.
fn within(keyword: &str, value: Value, translate: &dyn Fn(Value) -> Value) -> Value {
    match value {
        Value::Object(schemas) if BY_NAME.contains(&keyword) => {
            Value::Object(schemas.into_iter().map(|(name, schema)| (name, translate(schema))).collect())
        }
        Value::Array(schemas) if NESTED.contains(&keyword) => Value::Array(schemas.into_iter().map(translate).collect()),
        value if NESTED.contains(&keyword) => translate(value),
        value => value,
    }
}

/// `max_items` as `maxItems`.
fn camel(key: &str) -> String {
    let mut words = key.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut name, word| {
        let mut letters = word.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name.push_str(letters.as_str());
        name
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn googles_dialect_becomes_json_schema() {
        let given = json!({"type": "OBJECT", "property_ordering": ["a"], "required": ["any_of"], "properties": {
            "any_of": {"type": "STRING", "nullable": true, "enum": ["x"], "format": "enum"},
            "list": {"type": "ARRAY", "items": {"type": "INTEGER", "format": "int32"}, "max_items": "3", "minItems": 1},
            "one": {"anyOf": [{"type": "NUMBER"}, {"type": "BOOLEAN"}], "nullable": true, "example": 1}}});
        let expected = json!({"type": "object", "required": ["any_of"], "properties": {
            "any_of": {"type": ["string", "null"], "enum": ["x", null]},
            "list": {"type": "array", "items": {"type": "integer", "format": "int32"}, "maxItems": 3, "minItems": 1},
            "one": {"anyOf": [{"type": "number"}, {"type": "boolean"}, {"type": "null"}], "examples": [1]}}});
        assert_eq!(from_openapi(given), expected);
    }

    #[test]
    fn json_schema_becomes_what_google_takes() {
        let given = json!({"$schema": "x", "type": "object", "additionalProperties": false,
            "properties": {"const": {"const": 1}, "r": {"$ref": "#/definitions/D", "description": "d"}, "$ref": {"type": "string"}},
            "definitions": {"D": {"oneOf": [{"const": "a"}]}}});
        let expected = json!({"type": "object", "additionalProperties": false,
            "properties": {"const": {"enum": [1]}, "r": {"$ref": "#/$defs/D"}, "$ref": {"type": "string"}},
            "$defs": {"D": {"oneOf": [{"enum": ["a"]}]}}});
        assert_eq!(to_google(given), expected);
    }

    #[test]
    fn an_object_without_properties_says_nothing() {
        assert!(is_empty_object(&json!({"type": "object"})));
        assert!(is_empty_object(&json!({"type": "object", "properties": {}, "additionalProperties": false})));
        assert!(is_empty_object(&json!(true)));
        assert!(!is_empty_object(&json!({"type": "object", "additionalProperties": {"type": "string"}})));
        assert!(!is_empty_object(&json!({"$ref": "#/$defs/D"})));
        assert!(!is_empty_object(&json!({"properties": {"a": {}}})));
    }
}
