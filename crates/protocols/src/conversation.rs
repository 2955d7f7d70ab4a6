//! The inner form of a conversation: the only bridge between protocols. A caller's protocol is read into it, an upstream's is written
//! from it, and the answer comes back the same way. Never used where both sides speak one protocol.
//!
//! ```text
//! caller's body ─ read ─▶ Conversation ─ write ─▶ upstream's body
//! caller's answer ◀─ write ─ AnswerEvent… / Answer ◀─ read ─ upstream's answer
//! ```
//!
//! It holds what loses least (`providers.md` section 2): arguments of tool calls stay text, since models emit invalid JSON now and then;
//! opaque reasoning state is kept with its owner, since nobody else may be sent it.

mod answer;
mod carry;
pub mod custom;
mod event;
mod part;
mod request;
pub mod stop_text;
mod tool;

pub use answer::{Answer, Stop, StopReason};
pub use carry::{CannotCarry, Note, Notes};
pub use event::{AnswerEvent, Collector};
pub use part::{Citation, Media, Opaque, OpaqueOwner, Part, Reasoning, Source, Text};
pub use request::{Conversation, Effort, Logprobs, OutputFormat, ReasoningAsk, Role, Sampling, Turn};
pub use tool::{Tool, ToolCall, ToolChoice, ToolKind, ToolResult};
