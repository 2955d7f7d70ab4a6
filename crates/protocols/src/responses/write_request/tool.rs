//! Tools, and which of them must be called.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::Writing;
use super::wire::{Choice, NamedTool, Tool};
use crate::conversation::{self, CannotCarry, ToolChoice, ToolKind, custom};

/// OpenAI's bound on a tool's name.
const MAX_NAME: usize = 64;

impl<'a> Writing<'a> {
    pub(super) fn tools(&mut self) -> Result<Vec<Tool<'a>>, CannotCarry> {
        let conversation = self.conversation;
        let mut tools = Vec::with_capacity(conversation.tools.len());
        for (index, tool) in conversation.tools.iter().enumerate() {
            if self.dialect.is_openai() && !is_openai_name(&tool.name) {
                let why = format!("a tool's name has at most {MAX_NAME} letters, digits, `_` and `-`");
                return Err(self.cannot(format!("tools[{index}].name"), why));
            }
            if self.may_be_called(&tool.name) {
                tools.push(self.tool(tool));
            }
        }
        Ok(tools)
    }

    /// Only OpenAI knows a choice among some: elsewhere the others are not shown.
    fn may_be_called(&self, name: &str) -> bool {
        match &self.conversation.tool_choice {
            Some(ToolChoice::Allowed { names, .. }) if !self.dialect.is_openai() => names.iter().any(|allowed| allowed == name),
            Some(_) | None => true,
        }
    }

    fn tool(&mut self, tool: &'a conversation::Tool) -> Tool<'a> {
        let (name, description) = (tool.name.as_str(), tool.description.as_deref());
        match &tool.kind {
            ToolKind::Function { parameters, strict } => Tool::Function {
                name,
                description: description.map(Cow::Borrowed),
                parameters: parameters.as_ref().map(Cow::Borrowed),
                // Strict unless told otherwise here, the other way round everywhere else.
                strict: strict.unwrap_or(false),
            },
            ToolKind::Custom { format } if self.dialect.has_custom_tools() => {
                Tool::Custom { name, description, format: format.as_ref().map(flat) }
            }
            ToolKind::Custom { format } => {
                if custom::has_grammar(format.as_ref()) {
                    self.notes.changed(format!("tools.{name}.format"), "the grammar became part of the description");
                }
                Tool::Function {
                    name,
                    description: custom::description(description, format.as_ref()).map(Cow::Owned),
                    parameters: Some(Cow::Owned(custom::parameters())),
                    strict: false,
                }
            }
        }
    }

    /// None without tools: then a choice is refused.
    pub(super) fn tool_choice(&self, tools: &[Tool<'_>]) -> Option<Choice<'a>> {
        let choice = self.conversation.tool_choice.as_ref().filter(|_| !tools.is_empty())?;
        Some(match choice {
            ToolChoice::Auto => Choice::Word("auto"),
            ToolChoice::None => Choice::Word("none"),
            ToolChoice::Required => Choice::Word("required"),
            ToolChoice::Named(name) => Choice::Named(self.named(name)),
            ToolChoice::Allowed { required, names } => {
                let mode = if *required { "required" } else { "auto" };
                if !self.dialect.is_openai() {
                    return Some(Choice::Word(mode));
                }
                Choice::Among { kind: "allowed_tools", mode, tools: names.iter().map(|name| self.named(name)).collect() }
            }
        })
    }

    fn named(&self, name: &'a str) -> NamedTool<'a> {
        let is_custom = self.conversation.tools.iter().any(|tool| tool.name == name && tool.is_custom());
        if is_custom && self.dialect.has_custom_tools() { NamedTool::Custom { name } } else { NamedTool::Function { name } }
    }
}

fn is_openai_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// A grammar's syntax and definition stand flat here; chat, and so its callers, nest them under `grammar`.
fn flat(format: &Value) -> Cow<'_, Value> {
    match custom::grammar(format) {
        Some((syntax, definition)) if format.get("grammar").is_some() => {
            Cow::Owned(json!({"type": "grammar", "syntax": syntax, "definition": definition}))
        }
        Some(_) | None => Cow::Borrowed(format),
    }
}
