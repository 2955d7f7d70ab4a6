//! Tools, and which of them must be called. Both are flat here, unlike chat's.

use super::Wire;
use crate::conversation::{Conversation, Tool, ToolChoice, ToolKind};
use crate::given::{At, Given};
use crate::request::BadRequest;

/// A tool, or a choice of one, or of some.
#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct ToolWire<'a> {
    #[serde(borrow, rename = "type")]
    kind: Given<'a>,
    #[serde(borrow)]
    name: Given<'a>,
    #[serde(borrow)]
    description: Given<'a>,
    #[serde(borrow)]
    parameters: Given<'a>,
    #[serde(borrow)]
    strict: Given<'a>,
    #[serde(borrow)]
    format: Given<'a>,
    #[serde(borrow)]
    mode: Given<'a>,
    #[serde(borrow)]
    tools: Given<'a>,
    /// Chat's.
    #[serde(borrow)]
    function: Given<'a>,
}

/// Reads everything about tools into `conversation`.
pub(super) fn read(wire: &Wire<'_>, conversation: &mut Conversation) -> Result<(), BadRequest> {
    let at = At::Body;
    let tools = at.member("tools");
    for (index, given) in wire.tools.array(&tools)?.into_iter().enumerate() {
        tool(given, &tools.element(index), conversation)?;
    }
    conversation.tool_choice = choice(wire.tool_choice, &at.member("tool_choice"), conversation)?;
    conversation.parallel_tool_calls = wire.parallel_tool_calls.read(&at.member("parallel_tool_calls"))?;
    Ok(())
}

fn tool(given: Given<'_>, at: &At<'_>, conversation: &mut Conversation) -> Result<(), BadRequest> {
    let wire: ToolWire<'_> = given.need_object(at)?;
    let kind: String = wire.kind.need(&at.member("type"))?;
    let tool = match kind.as_str() {
        // Nested, as in chat: they come with `messages`.
        "function" if wire.function.is_there() => {
            let at = at.member("function");
            function(&wire.function.need_object(&at)?, &at)?
        }
        "function" => function(&wire, at)?,
        "custom" => {
            let format = wire.format.read(&at.member("format"))?;
            named(&wire, at, ToolKind::Custom { format })?
        }
        // An upstream's own.
        other => {
            conversation.only_here.push(format!("{at} ({other})"));
            return Ok(());
        }
    };
    conversation.tools.push(tool);
    Ok(())
}

fn function(wire: &ToolWire<'_>, at: &At<'_>) -> Result<Tool, BadRequest> {
    let parameters_at = at.member("parameters");
    if wire.parameters.is_there() && !wire.parameters.begins_with('{') {
        return Err(parameters_at.refuse("must be a JSON schema, which is an object"));
    }
    let parameters = wire.parameters.read(&parameters_at)?;
    let strict = wire.strict.read(&at.member("strict"))?;
    named(wire, at, ToolKind::Function { parameters, strict })
}

fn named(wire: &ToolWire<'_>, at: &At<'_>, kind: ToolKind) -> Result<Tool, BadRequest> {
    Ok(Tool { name: name(wire, at)?, description: wire.description.read(&at.member("description"))?, kind })
}

fn name(wire: &ToolWire<'_>, at: &At<'_>) -> Result<String, BadRequest> {
    let at = at.member("name");
    let name: String = wire.name.need(&at)?;
    if name.is_empty() { Err(at.refuse("is empty: name the tool")) } else { Ok(name) }
}

fn choice(given: Given<'_>, at: &At<'_>, conversation: &mut Conversation) -> Result<Option<ToolChoice>, BadRequest> {
    if !given.begins_with('{') {
        return match given.read::<String>(at)?.as_deref() {
            None => Ok(None),
            Some("auto") => Ok(Some(ToolChoice::Auto)),
            Some("none") => Ok(Some(ToolChoice::None)),
            Some("required") => Ok(Some(ToolChoice::Required)),
            Some(_) => Err(at.refuse("must be `auto`, `none`, `required`, or an object that names a tool")),
        };
    }
    let wire: ToolWire<'_> = given.need_object(at)?;
    let kind: String = wire.kind.need(&at.member("type"))?;
    match kind.as_str() {
        "allowed_tools" => allowed(&wire, at, conversation).map(Some),
        "function" | "custom" => chosen(&wire, at).map(ToolChoice::Named).map(Some),
        other => {
            conversation.only_here.push(format!("{at} ({other})"));
            Ok(None)
        }
    }
}

fn chosen(wire: &ToolWire<'_>, at: &At<'_>) -> Result<String, BadRequest> {
    if wire.function.is_there() {
        let at = at.member("function");
        return name(&wire.function.need_object(&at)?, &at);
    }
    name(wire, at)
}

fn allowed(wire: &ToolWire<'_>, at: &At<'_>, conversation: &mut Conversation) -> Result<ToolChoice, BadRequest> {
    let mode_at = at.member("mode");
    let required = match wire.mode.need::<String>(&mode_at)?.as_str() {
        "auto" => false,
        "required" => true,
        _other => return Err(mode_at.refuse("must be `auto` or `required`")),
    };
    let tools_at = at.member("tools");
    let mut names = Vec::new();
    for (index, given) in wire.tools.array(&tools_at)?.into_iter().enumerate() {
        let at = tools_at.element(index);
        let wire: ToolWire<'_> = given.need_object(&at)?;
        match wire.kind.read::<String>(&at.member("type"))?.as_deref() {
            None | Some("function" | "custom") => names.push(chosen(&wire, &at)?),
            Some(other) => conversation.only_here.push(format!("{at} ({other})")),
        }
    }
    Ok(ToolChoice::Allowed { required, names })
}
