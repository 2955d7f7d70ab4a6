//! System text and turns.

use std::collections::HashMap;

use super::Found;
use super::member::{Content, Object};
use super::source::{document, image};
use crate::anthropic::marker::state;
use crate::conversation::{Opaque, OpaqueOwner, Part, Reasoning, Role, Text, ToolCall, ToolResult, Turn};
use crate::request::BadRequest;

/// Which tool a call was of, by the call's id: results don't say.
type Names = HashMap<String, String>;

const BLOCK_TYPE: &str = "say what the block is, such as `text`";

/// Leading system text, block by block.
pub(super) fn system(body: &Object<'_>, found: &mut Found) -> Result<Vec<String>, BadRequest> {
    let Some(given) = body.get("system") else { return Ok(Vec::new()) };
    let mut texts = Vec::new();
    match given.content()? {
        Content::Text(text) => texts.push(text.into_owned()),
        Content::Blocks(blocks) => {
            for block in blocks {
                found.cache_control(&block);
                if block.kind(BLOCK_TYPE)? != "text" {
                    return Err(BadRequest::field(&format!("{}.type", block.path()), "must be `text`: a system prompt is text alone"));
                }
                texts.push(block.need("text", "send the text")?.string()?.into_owned());
            }
        }
    }
    texts.retain(|text| !text.is_empty());
    Ok(texts)
}

/// The turns.
pub(super) fn turns(body: &Object<'_>, found: &mut Found) -> Result<Vec<Turn>, BadRequest> {
    let mut names = Names::new();
    let mut turns = Vec::new();
    for message in body.need("messages", "send an array of messages")?.objects()? {
        let role_given = message.need("role", "send `user` or `assistant`")?;
        let wrong_role = role_given.must_be("`user` or `assistant`");
        let role = match &*role_given.string()? {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            // Newest models take it in the middle of a conversation.
            "system" => Role::System,
            _other => return Err(wrong_role),
        };
        let mut parts = Vec::new();
        match message.need("content", "send a string or an array of blocks")?.content()? {
            Content::Text(text) => parts.push(Part::Text(Text::plain(text))),
            Content::Blocks(blocks) => {
                for block in blocks {
                    found.cache_control(&block);
                    read_block(&block, role, &mut parts, &mut names, found)?;
                }
            }
        }
        turns.push(Turn { role, parts });
    }
    if turns.is_empty() {
        return Err(BadRequest::field("messages", "is empty: send at least one message"));
    }
    Ok(turns)
}

/// Reads one block of a message.
fn read_block(block: &Object<'_>, role: Role, parts: &mut Vec<Part>, names: &mut Names, found: &mut Found) -> Result<(), BadRequest> {
    let kind = block.kind(BLOCK_TYPE)?;
    match (&*kind, role) {
        ("thinking", Role::Assistant) => {
            let text = block.get("thinking").map(|text| text.string()).transpose()?.unwrap_or_default().into_owned();
            let signature = block.get("signature").map(|text| text.string()).transpose()?.unwrap_or_default();
            parts.push(Part::Reasoning(Reasoning { text, opaque: state(&signature, OpaqueOwner::AnthropicSignature) }));
        }
        ("redacted_thinking", Role::Assistant) => {
            let data = block.need("data", "send the block back as it came")?.string()?;
            if let Some(opaque) = state(&data, OpaqueOwner::AnthropicRedacted) {
                attach(opaque, parts);
            }
        }
        ("tool_use", Role::Assistant) => {
            let call = tool_use(block)?;
            names.insert(call.id.clone(), call.name.clone());
            parts.push(Part::ToolCall(call));
        }
        ("tool_result", Role::User) => parts.push(Part::ToolResult(tool_result(block, names, found)?)),
        ("thinking" | "redacted_thinking" | "tool_use", Role::User | Role::System) => {
            return Err(BadRequest::field(
                &format!("{}.type", block.path()),
                format!("is `{kind}`, which only an assistant's message may hold"),
            ));
        }
        ("tool_result", Role::Assistant | Role::System) => {
            return Err(BadRequest::field(&format!("{}.type", block.path()), "is `tool_result`, which only a user's message may hold"));
        }
        _content => read_content(block, &kind, parts, found)?,
    }
    Ok(())
}

/// Reads a block that a message or a tool's result may hold.
fn read_content(block: &Object<'_>, kind: &str, parts: &mut Vec<Part>, found: &mut Found) -> Result<(), BadRequest> {
    match kind {
        "text" => parts.push(Part::Text(Text::plain(block.need("text", "send the text")?.string()?))),
        "image" => parts.push(image(block, found)?),
        "document" => parts.extend(document(block, found)?),
        // The provider's own tools, what they found, and whatever is new.
        other => found.only_here(block.path(), other),
    }
    Ok(())
}

/// The state of another provider belongs to the text or the call before it; Anthropic's own is reasoning (see the marker's table).
fn attach(opaque: Opaque, parts: &mut Vec<Part>) {
    if opaque.owner != OpaqueOwner::AnthropicRedacted {
        match parts.last_mut() {
            Some(Part::Text(text)) if text.opaque.is_none() => return text.opaque = Some(opaque),
            Some(Part::ToolCall(call)) if call.opaque.is_none() => return call.opaque = Some(opaque),
            Some(_) | None => {}
        }
    }
    parts.push(Part::Reasoning(Reasoning { text: String::new(), opaque: Some(opaque) }));
}

fn tool_use(block: &Object<'_>) -> Result<ToolCall, BadRequest> {
    let arguments = block.get("input").map(|input| input.object_text()).transpose()?.unwrap_or("{}");
    Ok(ToolCall {
        id: block.need("id", "send the id that the call came with")?.string()?.into_owned(),
        name: block.need("name", "send the tool's name")?.string()?.into_owned(),
        arguments: arguments.to_owned(),
        custom: false,
        opaque: None,
    })
}

fn tool_result(block: &Object<'_>, names: &Names, found: &mut Found) -> Result<ToolResult, BadRequest> {
    let call_id = block.need("tool_use_id", "send the id of the call that this answers")?.string()?.into_owned();
    let mut parts = Vec::new();
    match block.get("content").map(|content| content.content()).transpose()? {
        Some(Content::Text(text)) => parts.push(Part::Text(Text::plain(text))),
        Some(Content::Blocks(blocks)) => {
            for block in blocks {
                found.cache_control(&block);
                let kind = block.kind(BLOCK_TYPE)?;
                read_content(&block, &kind, &mut parts, found)?;
            }
        }
        None => {}
    }
    let is_error = block.get("is_error").map(|value| value.boolean()).transpose()?.unwrap_or(false);
    Ok(ToolResult { name: names.get(&call_id).cloned(), call_id, parts, is_error, custom: false })
}
