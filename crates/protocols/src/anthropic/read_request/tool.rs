//! Tools, and which of them must be called.

use super::Found;
use super::member::{Given, Object};
use crate::conversation::{Tool, ToolChoice, ToolKind};
use crate::request::BadRequest;

pub(super) fn tools(body: &Object<'_>, found: &mut Found) -> Result<Vec<Tool>, BadRequest> {
    let mut tools = Vec::new();
    for tool in body.get("tools").map(Given::objects).transpose()?.unwrap_or_default() {
        found.cache_control(&tool);
        let kind = tool.get("type").map(Given::string).transpose()?;
        match kind.as_deref() {
            None | Some("custom") => tools.push(function(&tool, found)?),
            // The provider's own, and those whose form only its models know: `web_search_20250305`, `bash_20250124`.
            Some(other) => found.only_here(tool.path(), other),
        }
    }
    Ok(tools)
}

fn function(tool: &Object<'_>, found: &mut Found) -> Result<Tool, BadRequest> {
    for name in ["input_examples", "defer_loading", "allowed_callers", "eager_input_streaming"] {
        if tool.get(name).is_some() {
            found.tunes(name);
        }
    }
    Ok(Tool {
        name: tool.need("name", "name the tool")?.string()?.into_owned(),
        description: tool.get("description").map(Given::string).transpose()?.map(|text| text.into_owned()),
        kind: ToolKind::Function {
            parameters: Some(tool.need("input_schema", "send the JSON schema of its input")?.schema()?),
            strict: tool.get("strict").map(Given::boolean).transpose()?,
        },
    })
}

/// Which tools must be called, and whether several may be at once.
pub(super) fn tool_choice(body: &Object<'_>) -> Result<(Option<ToolChoice>, Option<bool>), BadRequest> {
    let Some(given) = body.get("tool_choice") else { return Ok((None, None)) };
    let choice = given.object()?;
    let wrong_type = BadRequest::field("tool_choice.type", "must be `auto`, `any`, `tool` or `none`");
    let wanted = match &*choice.kind("send `auto`, `any`, `tool` or `none`")? {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => ToolChoice::Named(choice.need("name", "name the tool to call")?.string()?.into_owned()),
        _other => return Err(wrong_type),
    };
    let one_at_a_time = choice.get("disable_parallel_tool_use").map(Given::boolean).transpose()?;
    Ok((Some(wanted), one_at_a_time.map(|one| !one)))
}
