//! `tools` and `toolConfig`.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::field::{Place, elements};
use super::wire::{FunctionCallingConfig, FunctionDeclaration, ToolConfig};
use crate::conversation::{Conversation, Tool, ToolChoice, ToolKind};
use crate::gemini::schema;
use crate::request::BadRequest;

pub(super) fn read(tools: Option<&RawValue>, config: Option<&RawValue>, conversation: &mut Conversation) -> Result<(), BadRequest> {
    for (index, raw) in elements(tools, "tools")?.into_iter().enumerate() {
        let place = Place::named(format!("tools[{index}]"));
        let tool: BTreeMap<String, &RawValue> = place.object(raw)?;
        for (key, value) in tool.into_iter().filter(|(_, value)| value.get() != "null") {
            if key == "functionDeclarations" || key == "function_declarations" {
                functions(value, &place.path("functionDeclarations"), conversation)?;
            } else {
                // Google's own: search, code execution and what else there may be.
                conversation.only_here.push(place.path(&key));
            }
        }
    }
    let place = Place::named("toolConfig".to_owned());
    let Some(raw) = config.filter(|raw| raw.get() != "null") else { return Ok(()) };
    let config: ToolConfig<'_> = place.object(raw)?;
    if config.retrieval_config.is_some() {
        conversation.tuning.push("toolConfig.retrievalConfig");
    }
    let calling = place.read::<FunctionCallingConfig<'_>>(config.function_calling_config, "functionCallingConfig")?;
    conversation.tool_choice = calling.map(|calling| choice(&calling, &place.at("functionCallingConfig"))).transpose()?.flatten();
    Ok(())
}

fn functions(raw: &RawValue, path: &str, conversation: &mut Conversation) -> Result<(), BadRequest> {
    for (index, raw) in elements(Some(raw), path)?.into_iter().enumerate() {
        let place = Place::named(format!("{path}[{index}]"));
        let function: FunctionDeclaration<'_> = place.object(raw)?;
        let name = place.read::<String>(function.name, "name")?.filter(|name| !name.is_empty());
        let parameters = function.parameters_json_schema.or_else(|| function.parameters.map(schema::from_openapi));
        conversation.tools.push(Tool {
            name: name.ok_or_else(|| place.bad("name", "is missing: name the function"))?,
            description: place.read(function.description, "description")?,
            kind: ToolKind::Function { parameters, strict: None },
        });
    }
    Ok(())
}

fn choice(config: &FunctionCallingConfig<'_>, place: &Place) -> Result<Option<ToolChoice>, BadRequest> {
    let path = place.path("allowedFunctionNames");
    let mut names = elements(config.allowed_function_names, &path)?
        .into_iter()
        .map(|raw| serde_json::from_str::<String>(raw.get()).map_err(|_| BadRequest::field(&path, "must hold names of functions")))
        .collect::<Result<Vec<_>, _>>()?;
    let mode = place.read::<String>(config.mode, "mode")?.unwrap_or_default().to_ascii_uppercase();
    Ok(match (mode.as_str(), names.len()) {
        ("" | "MODE_UNSPECIFIED", _) => None,
        ("AUTO", _) | ("VALIDATED", 0) => Some(ToolChoice::Auto),
        ("NONE", _) => Some(ToolChoice::None),
        ("ANY", 0) => Some(ToolChoice::Required),
        ("ANY", 1) => names.pop().map(ToolChoice::Named),
        (mode @ ("ANY" | "VALIDATED"), _) => Some(ToolChoice::Allowed { required: mode == "ANY", names }),
        (_, _) => return Err(place.bad("mode", "must be `AUTO`, `ANY`, `NONE` or `VALIDATED`")),
    })
}
