//! The arguments of a tool call: text inside, an object on this wire.

use serde_json::value::{RawValue, to_raw_value};

#[derive(serde::Serialize)]
struct Input<'a> {
    input: &'a str,
}

#[derive(serde::Serialize)]
struct Nothing {}

/// `args` for what a model wrote. An object stays as it is, but on one line. Models emit invalid JSON now and then, and a custom tool's
/// arguments are free text: both become `{"input": text}`, as a custom tool is declared. No text at all means no arguments.
pub(super) fn object(text: &str, custom: bool) -> Option<Box<RawValue>> {
    let trimmed = text.trim();
    if custom {
        return to_raw_value(&Input { input: text }).ok();
    }
    if trimmed.is_empty() {
        return to_raw_value(&Nothing {}).ok();
    }
    if trimmed.starts_with('{') && serde_json::from_str::<&RawValue>(trimmed).is_ok() {
        // Line breaks in valid JSON stand between its tokens only.
        return RawValue::from_string(trimmed.replace(['\n', '\r'], " ")).ok();
    }
    to_raw_value(&Input { input: text }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, custom: bool, expected: &str) {
        assert_eq!(object(text, custom).map(|object| object.get().to_owned()).as_deref(), Some(expected), "{text}");
    }

    #[test]
    fn arguments_are_always_an_object() {
        check(r#"{"a": 1.0}"#, false, r#"{"a": 1.0}"#);
        check("{\n  \"a\": 1\r\n}", false, "{   \"a\": 1  }");
        check("", false, "{}");
        check("  ", false, "{}");
        check(r#"{"a":"#, false, r#"{"input":"{\"a\":"}"#);
        check("[1]", false, r#"{"input":"[1]"}"#);
        check("{\"a\":\"\n\"}", false, r#"{"input":"{\"a\":\"\n\"}"}"#);
        check("{}", true, r#"{"input":"{}"}"#);
        check("print\n", true, r#"{"input":"print\n"}"#);
    }
}
