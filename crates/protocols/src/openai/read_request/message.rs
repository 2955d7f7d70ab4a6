//! Messages, and which tool answered which call.

use std::collections::HashMap;

use super::part::{self, Where};
use crate::conversation::{Conversation, Opaque, Part, Reasoning, Role, Text, ToolCall, ToolResult, Turn};
use crate::given::{At, Given};
use crate::openai::signature;
use crate::request::BadRequest;

/// Reads messages one after another.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) conversation: Conversation,
    /// Every call so far, by its id; the last one, where an id came twice.
    calls: HashMap<String, Called>,
    /// Calls of the old form `function_call`, which has no id, that are not answered yet: their ids by their function.
    open: HashMap<String, Vec<String>>,
    /// How many calls of the old form there were.
    old_calls: usize,
}

struct Called {
    name: String,
    custom: bool,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Message<'a> {
    #[serde(borrow)]
    role: Given<'a>,
    #[serde(borrow)]
    content: Given<'a>,
    #[serde(borrow)]
    name: Given<'a>,
    #[serde(borrow)]
    refusal: Given<'a>,
    #[serde(borrow)]
    reasoning_content: Given<'a>,
    #[serde(borrow)]
    audio: Given<'a>,
    #[serde(borrow)]
    tool_calls: Given<'a>,
    #[serde(borrow)]
    function_call: Given<'a>,
    #[serde(borrow)]
    tool_call_id: Given<'a>,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Call<'a> {
    #[serde(borrow)]
    id: Given<'a>,
    #[serde(borrow, rename = "type")]
    kind: Given<'a>,
    #[serde(borrow)]
    function: Given<'a>,
    #[serde(borrow)]
    custom: Given<'a>,
    #[serde(borrow)]
    extra_content: Given<'a>,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Function<'a> {
    #[serde(borrow)]
    name: Given<'a>,
    #[serde(borrow)]
    arguments: Given<'a>,
    #[serde(borrow)]
    input: Given<'a>,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct ExtraContent<'a> {
    #[serde(borrow)]
    google: Given<'a>,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct GoogleContent<'a> {
    #[serde(borrow)]
    thought_signature: Given<'a>,
}

impl Reader {
    pub(super) fn messages(&mut self, given: Given<'_>, at: &At<'_>) -> Result<(), BadRequest> {
        let messages = given.array(at)?;
        if messages.is_empty() {
            return Err(at.refuse("is empty: send at least one message"));
        }
        messages.into_iter().enumerate().try_for_each(|(index, message)| self.message(message, &at.element(index)))
    }

    fn message(&mut self, given: Given<'_>, at: &At<'_>) -> Result<(), BadRequest> {
        let message: Message<'_> = given.need_object(at)?;
        let role_at = at.member("role");
        match message.role.need::<String>(&role_at)?.as_str() {
            "system" | "developer" => self.system(&message, at)?,
            "user" => {
                let parts = self.content(&message, at, Where::User)?;
                self.turn(Role::User, parts);
            }
            "assistant" => self.assistant(&message, at)?,
            "tool" => return self.tool(&message, at),
            "function" => return self.function(&message, at),
            _unknown => return Err(role_at.refuse("must be `system`, `developer`, `user`, `assistant`, `tool` or `function`")),
        }
        // Who of several users or assistants speaks: a hint that no other protocol takes.
        if message.name.is_there() && !self.conversation.tuning.contains(&"messages[].name") {
            self.conversation.tuning.push("messages[].name");
        }
        Ok(())
    }

    fn content(&mut self, message: &Message<'_>, at: &At<'_>, place: Where) -> Result<Vec<Part>, BadRequest> {
        part::parts(message.content, &at.member("content"), place, &mut self.conversation)
    }

    fn system(&mut self, message: &Message<'_>, at: &At<'_>) -> Result<(), BadRequest> {
        let parts = self.content(message, at, Where::TextOnly)?;
        if !self.conversation.turns.is_empty() {
            self.turn(Role::System, parts);
            return Ok(());
        }
        self.conversation.system.extend(parts.into_iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.text),
            _nothing_else => None,
        }));
        Ok(())
    }

    fn assistant(&mut self, message: &Message<'_>, at: &At<'_>) -> Result<(), BadRequest> {
        let mut parts = Vec::new();
        if let Some(text) = message.reasoning_content.read::<String>(&at.member("reasoning_content"))?.filter(|text| !text.is_empty()) {
            parts.push(Part::Reasoning(Reasoning { text, opaque: None }));
        }
        parts.extend(self.content(message, at, Where::Assistant)?);
        if let Some(text) = message.refusal.read::<String>(&at.member("refusal"))?.filter(|text| !text.is_empty()) {
            parts.push(Part::Refusal(text));
        }
        let calls_at = at.member("tool_calls");
        for (index, given) in message.tool_calls.array(&calls_at)?.into_iter().enumerate() {
            parts.push(Part::ToolCall(self.call(given, &calls_at.element(index))?));
        }
        if message.function_call.is_there() {
            parts.push(Part::ToolCall(self.function_call(message.function_call, &at.member("function_call"))?));
        }
        if message.audio.is_there() {
            // The id of an answer in sound that only the provider has.
            self.conversation.only_here.push(at.member("audio").to_string());
        }
        self.turn(Role::Assistant, parts);
        Ok(())
    }

    fn call(&mut self, given: Given<'_>, at: &At<'_>) -> Result<ToolCall, BadRequest> {
        let wire: Call<'_> = given.need_object(at)?;
        let kind_at = at.member("type");
        let kind = wire.kind.read::<String>(&kind_at)?;
        let (custom, given, at_inner) = match kind.as_deref() {
            Some("function") | None => (false, wire.function, at.member("function")),
            Some("custom") => (true, wire.custom, at.member("custom")),
            Some(_) => return Err(kind_at.refuse("must be `function` or `custom`")),
        };
        let inner: Function<'_> = given.need_object(&at_inner)?;
        let call = ToolCall {
            id: wire.id.need(&at.member("id"))?,
            name: inner.name.need(&at_inner.member("name"))?,
            arguments: if custom {
                inner.input.need(&at_inner.member("input"))?
            } else {
                inner.arguments.need(&at_inner.member("arguments"))?
            },
            custom,
            opaque: thought_signature(wire.extra_content, &at.member("extra_content"))?,
        };
        self.calls.insert(call.id.clone(), Called { name: call.name.clone(), custom });
        Ok(call)
    }

    /// The old form, which has no id.
    fn function_call(&mut self, given: Given<'_>, at: &At<'_>) -> Result<ToolCall, BadRequest> {
        let wire: Function<'_> = given.need_object(at)?;
        let name: String = wire.name.need(&at.member("name"))?;
        let id = format!("call_function_{}", self.old_calls);
        self.old_calls += 1;
        self.open.entry(name.clone()).or_default().push(id.clone());
        Ok(ToolCall { id, name, arguments: wire.arguments.need(&at.member("arguments"))?, custom: false, opaque: None })
    }

    fn tool(&mut self, message: &Message<'_>, at: &At<'_>) -> Result<(), BadRequest> {
        let call_id: String = message.tool_call_id.need(&at.member("tool_call_id"))?;
        let parts = self.content(message, at, Where::Tool)?;
        let called = self.calls.get(&call_id);
        let (name, custom) = called.map_or((None, false), |called| (Some(called.name.clone()), called.custom));
        self.turn(Role::User, vec![Part::ToolResult(ToolResult { call_id, name, parts, is_error: false, custom })]);
        Ok(())
    }

    /// The old form: it answers the last call of its name.
    fn function(&mut self, message: &Message<'_>, at: &At<'_>) -> Result<(), BadRequest> {
        let name_at = at.member("name");
        let name: String = message.name.need(&name_at)?;
        let parts = self.content(message, at, Where::Tool)?;
        let Some(call_id) = self.open.get_mut(&name).and_then(Vec::pop) else {
            return Err(name_at.refuse("answers no earlier `function_call` of this name"));
        };
        self.turn(Role::User, vec![Part::ToolResult(ToolResult { call_id, name: Some(name), parts, is_error: false, custom: false })]);
        Ok(())
    }

    fn turn(&mut self, role: Role, parts: Vec<Part>) {
        if !parts.is_empty() {
            self.conversation.turns.push(Turn { role, parts });
        }
    }
}

/// Google's own convention for what must come back with a call, and our carrier for everybody else's (`providers.md` section 2.6).
fn thought_signature(given: Given<'_>, at: &At<'_>) -> Result<Option<Opaque>, BadRequest> {
    let Some(extra) = given.object::<ExtraContent<'_>>(at)? else { return Ok(None) };
    let at = at.member("google");
    let Some(google) = extra.google.object::<GoogleContent<'_>>(&at)? else { return Ok(None) };
    let signature = google.thought_signature.read::<String>(&at.member("thought_signature"))?;
    Ok(signature.filter(|data| !data.is_empty()).map(signature::read))
}

/// A text part, if there is any text.
pub(super) fn text_part(text: String) -> Option<Part> {
    (!text.is_empty()).then(|| Part::Text(Text::plain(text)))
}
