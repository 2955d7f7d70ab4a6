//! Tools as `functionDeclarations`, and which of them must be called.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::cannot;
use crate::conversation::{CannotCarry, Conversation, Notes, Tool, ToolChoice, ToolKind};
use crate::gemini::family::{Family, Model};
use crate::gemini::schema;

/// Google's bound on a function's name.
const MAX_NAME: usize = 128;

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tools<'a> {
    function_declarations: Vec<Declaration<'a>>,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Declaration<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters_json_schema: Option<Value>,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolConfig<'a> {
    function_calling_config: Calling<'a>,
}

#[derive(Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Calling<'a> {
    mode: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    allowed_function_names: Cow<'a, [String]>,
}

pub(super) fn write<'a>(
    conversation: &'a Conversation,
    model: Model,
    notes: &mut Notes,
) -> Result<(Option<Tools<'a>>, Option<ToolConfig<'a>>), CannotCarry> {
    if conversation.tools.is_empty() {
        return Ok((None, None));
    }
    let declare = |(index, tool): (usize, &'a Tool)| {
        if is_name(&tool.name) {
            Ok(declaration(tool, notes))
        } else {
            let why =
                format!("a function's name begins with a letter or `_` and holds letters, digits and `_.:-` only: rename `{}`", tool.name);
            Err(cannot(format!("tools[{index}].name"), why))
        }
    };
    let function_declarations = conversation.tools.iter().enumerate().map(declare).collect::<Result<_, _>>()?;
    let config = calling(conversation, model).map(|function_calling_config| ToolConfig { function_calling_config });
    Ok((Some(Tools { function_declarations }), config))
}

fn is_name(name: &str) -> bool {
    let is_first = |letter: char| letter.is_ascii_alphabetic() || letter == '_';
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "_.:-".contains(letter);
    name.starts_with(is_first) && name.chars().all(is_letter) && name.len() <= MAX_NAME
}

fn declaration<'a>(tool: &'a Tool, notes: &mut Notes) -> Declaration<'a> {
    let description = tool.description.as_deref().map(Cow::Borrowed);
    let (description, parameters) = match &tool.kind {
        ToolKind::Function { parameters, .. } => {
            (description, parameters.clone().filter(|schema| !schema::is_empty_object(schema)).map(schema::to_google))
        }
        ToolKind::Custom { format } => {
            let input = json!({"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]});
            (describe(description, format.as_ref(), &tool.name, notes), Some(input))
        }
    };
    Declaration { name: &tool.name, description, parameters_json_schema: parameters }
}

/// The description of a custom tool: a grammar can only be told in words.
fn describe<'a>(description: Option<Cow<'a, str>>, format: Option<&Value>, name: &str, notes: &mut Notes) -> Option<Cow<'a, str>> {
    let Some(grammar) = format.filter(|format| format.get("type").and_then(Value::as_str) == Some("grammar")) else { return description };
    notes.changed(format!("tools.{name}.format"), "the grammar is told in the description, and not enforced");
    let words = format!("`input` must follow this grammar: {grammar}");
    Some(description.map_or_else(|| words.clone(), |description| format!("{description}\n\n{words}")).into())
}

fn calling<'a>(conversation: &'a Conversation, model: Model) -> Option<Calling<'a>> {
    let is_strict = |tool: &Tool| matches!(tool.kind, ToolKind::Function { strict: Some(true), .. });
    let validates = matches!(model.family, Family::Second(_) | Family::Third { .. }) && conversation.tools.iter().any(is_strict);
    let auto = if validates { "VALIDATED" } else { "AUTO" };
    let mode = |mode| Calling { mode, ..Calling::default() };
    match &conversation.tool_choice {
        None => validates.then(|| mode(auto)),
        Some(ToolChoice::Auto) => Some(mode(auto)),
        Some(ToolChoice::None) => Some(mode("NONE")),
        Some(ToolChoice::Required) => Some(mode("ANY")),
        Some(ToolChoice::Named(name)) => Some(Calling { mode: "ANY", allowed_function_names: vec![name.clone()].into() }),
        Some(ToolChoice::Allowed { required: false, names }) if names.is_empty() => Some(mode("NONE")),
        // `AUTO` takes no names.
        Some(ToolChoice::Allowed { required, names }) => {
            Some(Calling { mode: if *required { "ANY" } else { "VALIDATED" }, allowed_function_names: names.into() })
        }
    }
}
