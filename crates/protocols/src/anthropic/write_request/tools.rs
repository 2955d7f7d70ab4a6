//! Tools, and which of them must be called.
//!
//! Source: `providers.md` section 2.3.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json};

use super::cannot;
use super::id::is_tool_name;
use super::schema::translated;
use crate::anthropic::family::Family;
use crate::conversation::{CannotCarry, Conversation, Notes, Tool, ToolChoice, ToolKind};

/// More strict tools are refused.
const MAX_STRICT_TOOLS: usize = 20;

#[derive(Serialize)]
pub(super) struct WrittenTool<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Cow<'a, str>>,
    input_schema: Cow<'a, Value>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    strict: bool,
}

/// `tool_choice`.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Choice<'a> {
    Auto {
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        disable_parallel_tool_use: bool,
    },
    Any {
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        disable_parallel_tool_use: bool,
    },
    Tool {
        name: &'a str,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        disable_parallel_tool_use: bool,
    },
    None,
}

impl Choice<'_> {
    pub(super) const fn forces(&self) -> bool {
        matches!(self, Self::Any { .. } | Self::Tool { .. })
    }
}

/// The tools that may be called. A choice of some is said by sending only those.
pub(super) fn tools<'a>(conversation: &'a Conversation, family: Family, notes: &mut Notes) -> Result<Vec<WrittenTool<'a>>, CannotCarry> {
    let is_allowed = |tool: &Tool| match &conversation.tool_choice {
        Some(ToolChoice::Allowed { names, .. }) => names.contains(&tool.name),
        Some(ToolChoice::Auto | ToolChoice::None | ToolChoice::Required | ToolChoice::Named(_)) | None => true,
    };
    let strict_tools = conversation.tools.iter().filter(|tool| matches!(tool.kind, ToolKind::Function { strict: Some(true), .. })).count();
    let takes_strict = family.structured && strict_tools <= MAX_STRICT_TOOLS;
    let mut strict_dropped = false;
    let mut tools = Vec::new();
    for tool in conversation.tools.iter().filter(|tool| is_allowed(tool)) {
        if !is_tool_name(&tool.name) {
            return Err(cannot(format!("tools ({})", tool.name), "names have 1 to 128 letters, digits, `_` or `-`: rename the tool"));
        }
        let written = match &tool.kind {
            ToolKind::Function { parameters, strict } => {
                let wants_strict = *strict == Some(true);
                let written = function(tool, parameters.as_ref(), wants_strict && takes_strict);
                strict_dropped |= wants_strict && !written.strict;
                written
            }
            ToolKind::Custom { format } => {
                notes.changed(format!("tools ({})", tool.name), "free text is asked for as a function's one string `input`");
                custom(tool, format.as_ref())
            }
        };
        tools.push(written);
    }
    if strict_dropped {
        notes.dropped("strict", "the model, or the tool's schema, has no strict form here");
    }
    Ok(tools)
}

fn function<'a>(tool: &'a Tool, parameters: Option<&'a Value>, strict: bool) -> WrittenTool<'a> {
    let input_schema = object_schema(parameters);
    let strict_schema = if strict { translated(&input_schema) } else { None };
    WrittenTool {
        name: &tool.name,
        description: tool.description.as_deref().map(Cow::Borrowed),
        strict: strict_schema.is_some(),
        input_schema: strict_schema.map_or(input_schema, Cow::Owned),
    }
}

/// A schema is required, and it is an object's.
fn object_schema(parameters: Option<&Value>) -> Cow<'_, Value> {
    match parameters {
        Some(schema @ Value::Object(members)) if members.get("type").is_some_and(|kind| kind == "object") => Cow::Borrowed(schema),
        Some(Value::Object(members)) => {
            let mut members = members.clone();
            members.insert("type".to_owned(), Value::String("object".to_owned()));
            Cow::Owned(Value::Object(members))
        }
        Some(_) | None => Cow::Owned(json!({"type": "object", "properties": {}})),
    }
}

/// A free-form tool, as a function with one string.
fn custom<'a>(tool: &'a Tool, format: Option<&Value>) -> WrittenTool<'a> {
    let grammar = format.filter(|format| format.get("type").is_none_or(|kind| kind != "text"));
    let about = match grammar {
        Some(grammar) => format!("The whole input of the tool, as plain text in this format: {grammar}"),
        None => "The whole input of the tool, as plain text.".to_owned(),
    };
    let input = json!({"type": "string", "description": about});
    WrittenTool {
        name: &tool.name,
        description: tool.description.as_deref().map(Cow::Borrowed),
        input_schema: Cow::Owned(json!({"type": "object", "properties": {"input": input}, "required": ["input"]})),
        strict: false,
    }
}

/// Which must be called.
pub(super) fn tool_choice(conversation: &Conversation) -> Option<Choice<'_>> {
    let disable_parallel_tool_use = conversation.parallel_tool_calls == Some(false);
    match &conversation.tool_choice {
        None => disable_parallel_tool_use.then_some(Choice::Auto { disable_parallel_tool_use }),
        Some(ToolChoice::Auto | ToolChoice::Allowed { required: false, .. }) => Some(Choice::Auto { disable_parallel_tool_use }),
        Some(ToolChoice::Required | ToolChoice::Allowed { required: true, .. }) => Some(Choice::Any { disable_parallel_tool_use }),
        Some(ToolChoice::Named(name)) => Some(Choice::Tool { name, disable_parallel_tool_use }),
        Some(ToolChoice::None) => Some(Choice::None),
    }
}
