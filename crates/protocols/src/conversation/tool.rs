//! Tools: what they are, how they are called, what they answer.

use serde_json::Value;

use super::{Opaque, Part};

/// A tool the model may call.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it takes.
    pub kind: ToolKind,
}

/// What a tool takes.
#[derive(Debug, Clone, PartialEq)]
pub enum ToolKind {
    /// An object by a JSON schema.
    Function {
        /// As the caller wrote it; none for a function without parameters.
        parameters: Option<Value>,
        /// Whether arguments must follow it exactly.
        strict: Option<bool>,
    },
    /// Free text. Protocols that have no such tool send a function with one string `input`, and take it apart again.
    Custom {
        /// A grammar, as the caller wrote it.
        format: Option<Value>,
    },
}

/// Which tools the model must call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolChoice {
    /// As it likes.
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
    /// This one.
    Named(String),
    /// Only these: any of them (`required`), or none.
    Allowed {
        /// Whether one of them must be called.
        required: bool,
        /// Their names.
        names: Vec<String>,
    },
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// Its id, unique in the conversation: as the upstream gave it, or minted.
    pub id: String,
    /// The tool.
    pub name: String,
    /// Its arguments: JSON text of an object for a function, as the model wrote it; the bare text for a custom tool.
    pub arguments: String,
    /// Whether it is the call of a custom tool.
    pub custom: bool,
    /// State that the provider wants back with this call.
    pub opaque: Option<Opaque>,
}

/// What a tool answered.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolResult {
    /// The call's id.
    pub call_id: String,
    /// The tool, found by the call's id in earlier turns if the caller's protocol does not say it.
    pub name: Option<String>,
    /// What it said: text, images, files.
    pub parts: Vec<Part>,
    /// Whether it failed.
    pub is_error: bool,
    /// Whether it answers the call of a custom tool.
    pub custom: bool,
}
