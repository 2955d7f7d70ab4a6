//! Tools, and which of them must be called; the old `functions` too.

use super::Wire;
use crate::conversation::{Conversation, Tool, ToolChoice, ToolKind};
use crate::given::{At, Given};
use crate::request::BadRequest;

/// A tool, a choice of one, or a choice among some: `type`, and the rest under a member of that name.
#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Tagged<'a> {
    #[serde(borrow, rename = "type")]
    kind: Given<'a>,
    #[serde(borrow)]
    function: Given<'a>,
    #[serde(borrow)]
    custom: Given<'a>,
    #[serde(borrow)]
    allowed_tools: Given<'a>,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Definition<'a> {
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
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Allowed<'a> {
    #[serde(borrow)]
    mode: Given<'a>,
    #[serde(borrow)]
    tools: Given<'a>,
}

/// Reads everything about tools into `conversation`.
pub(super) fn read(wire: &Wire<'_>, conversation: &mut Conversation) -> Result<(), BadRequest> {
    let at = At::Body;
    let tools = at.member("tools");
    for (index, given) in wire.tools.array(&tools)?.into_iter().enumerate() {
        let at = tools.element(index);
        match tool(given, &at)? {
            Ok(tool) => conversation.tools.push(tool),
            Err(kind) => conversation.only_here.push(format!("{at} ({kind})")),
        }
    }
    let functions = at.member("functions");
    for (index, given) in wire.functions.array(&functions)?.into_iter().enumerate() {
        conversation.tools.push(function(given, &functions.element(index))?);
    }
    conversation.tool_choice = match choice(wire.tool_choice, &at.member("tool_choice"))? {
        Some(choice) => Some(choice),
        None => old_choice(wire.function_call, &at.member("function_call"))?,
    };
    conversation.parallel_tool_calls = wire.parallel_tool_calls.read(&at.member("parallel_tool_calls"))?;
    Ok(())
}

/// A tool; or the name of its sort, if only a chat upstream knows it.
fn tool(given: Given<'_>, at: &At<'_>) -> Result<Result<Tool, String>, BadRequest> {
    let wire: Tagged<'_> = given.need_object(at)?;
    let kind = wire.kind.read::<String>(&at.member("type"))?;
    match kind.as_deref().unwrap_or("function") {
        "function" => function(wire.function, &at.member("function")).map(Ok),
        "custom" => custom(wire.custom, &at.member("custom")).map(Ok),
        other => Ok(Err(other.to_owned())),
    }
}

fn function(given: Given<'_>, at: &At<'_>) -> Result<Tool, BadRequest> {
    let wire: Definition<'_> = given.need_object(at)?;
    let parameters_at = at.member("parameters");
    if wire.parameters.is_there() && !wire.parameters.begins_with('{') {
        return Err(parameters_at.refuse("must be a JSON schema, which is an object"));
    }
    Ok(Tool {
        name: name(wire.name, at)?,
        description: wire.description.read(&at.member("description"))?,
        kind: ToolKind::Function { parameters: wire.parameters.read(&parameters_at)?, strict: wire.strict.read(&at.member("strict"))? },
    })
}

fn custom(given: Given<'_>, at: &At<'_>) -> Result<Tool, BadRequest> {
    let wire: Definition<'_> = given.need_object(at)?;
    Ok(Tool {
        name: name(wire.name, at)?,
        description: wire.description.read(&at.member("description"))?,
        kind: ToolKind::Custom { format: wire.format.read(&at.member("format"))? },
    })
}

fn name(given: Given<'_>, at: &At<'_>) -> Result<String, BadRequest> {
    let at = at.member("name");
    let name: String = given.need(&at)?;
    if name.is_empty() { Err(at.refuse("is empty: name the tool")) } else { Ok(name) }
}

fn choice(given: Given<'_>, at: &At<'_>) -> Result<Option<ToolChoice>, BadRequest> {
    let problem = "must be `auto`, `none`, `required`, or an object that names a tool";
    if !given.begins_with('{') {
        return match given.read::<String>(at)?.as_deref() {
            None => Ok(None),
            Some("auto") => Ok(Some(ToolChoice::Auto)),
            Some("none") => Ok(Some(ToolChoice::None)),
            Some("required") => Ok(Some(ToolChoice::Required)),
            Some(_) => Err(at.refuse(problem)),
        };
    }
    let wire: Tagged<'_> = given.need_object(at)?;
    let kind_at = at.member("type");
    match wire.kind.need::<String>(&kind_at)?.as_str() {
        "allowed_tools" => allowed(wire.allowed_tools, &at.member("allowed_tools")).map(Some),
        "function" | "custom" => chosen(&wire, at).map(ToolChoice::Named).map(Some),
        _other => Err(kind_at.refuse("must be `function`, `custom` or `allowed_tools`")),
    }
}

/// The tool that `{type, function: {name}}` or `{type, custom: {name}}` names.
fn chosen(wire: &Tagged<'_>, at: &At<'_>) -> Result<String, BadRequest> {
    let (given, at) = if wire.custom.is_there() { (wire.custom, at.member("custom")) } else { (wire.function, at.member("function")) };
    name(given.need_object::<Definition<'_>>(&at)?.name, &at)
}

fn allowed(given: Given<'_>, at: &At<'_>) -> Result<ToolChoice, BadRequest> {
    let wire: Allowed<'_> = given.need_object(at)?;
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
        names.push(chosen(&given.need_object(&at)?, &at)?);
    }
    Ok(ToolChoice::Allowed { required, names })
}

/// `function_call`: `auto`, `none`, or `{name}`.
fn old_choice(given: Given<'_>, at: &At<'_>) -> Result<Option<ToolChoice>, BadRequest> {
    if given.begins_with('{') {
        return name(given.need_object::<Definition<'_>>(at)?.name, at).map(|name| Some(ToolChoice::Named(name)));
    }
    match given.read::<String>(at)?.as_deref() {
        None => Ok(None),
        Some("auto") => Ok(Some(ToolChoice::Auto)),
        Some("none") => Ok(Some(ToolChoice::None)),
        Some(_) => Err(at.refuse("must be `auto`, `none`, or an object with the function's `name`")),
    }
}
