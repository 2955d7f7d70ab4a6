//! The items of an input, put together to turns.

use std::collections::HashMap;

use super::part::{self, Place};
use crate::conversation::{Conversation, Opaque, OpaqueOwner, Part, Reasoning, Role, Text, ToolCall, ToolResult, Turn};
use crate::given::{At, Given};
use crate::request::BadRequest;
use crate::responses::call_state;
use crate::responses::output_item::PARAGRAPH;

/// Reads items one after another.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) conversation: Conversation,
    /// Every call so far, by its id; the last one, where an id came twice.
    calls: HashMap<String, Called>,
}

struct Called {
    name: String,
    /// Where it stands: the turn, and the part in it.
    place: (usize, usize),
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Item<'a> {
    #[serde(borrow, rename = "type")]
    kind: Given<'a>,
    #[serde(borrow)]
    role: Given<'a>,
    #[serde(borrow)]
    content: Given<'a>,
    #[serde(borrow)]
    call_id: Given<'a>,
    #[serde(borrow)]
    name: Given<'a>,
    #[serde(borrow)]
    arguments: Given<'a>,
    #[serde(borrow)]
    input: Given<'a>,
    #[serde(borrow)]
    output: Given<'a>,
    #[serde(borrow)]
    summary: Given<'a>,
    #[serde(borrow)]
    encrypted_content: Given<'a>,
    /// Of a chat message in `messages`.
    #[serde(borrow)]
    tool_calls: Given<'a>,
    /// Likewise.
    #[serde(borrow)]
    tool_call_id: Given<'a>,
}

/// A chat message's call, in `messages`.
#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct ChatCall<'a> {
    #[serde(borrow)]
    id: Given<'a>,
    #[serde(borrow)]
    function: Given<'a>,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct TextWire<'a> {
    #[serde(borrow)]
    text: Given<'a>,
}

/// Which sort of tool a call or an answer is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Function,
    Custom,
}

impl Reader {
    /// `instructions`: text, or items as OpenAI echoes them from stored prompts.
    pub(super) fn instructions(&mut self, given: Given<'_>, at: &At<'_>) -> Result<(), BadRequest> {
        if given.begins_with('[') {
            return self.turns(given, at);
        }
        self.conversation.system.extend(given.read::<String>(at)?.filter(|text| !text.is_empty()));
        Ok(())
    }

    /// `input`: text, or items.
    pub(super) fn turns(&mut self, given: Given<'_>, at: &At<'_>) -> Result<(), BadRequest> {
        if given.begins_with('"') {
            let parts = vec![Part::Text(Text::plain(given.need::<String>(at)?))];
            self.conversation.turns.push(Turn { role: Role::User, parts });
            return Ok(());
        }
        if !given.begins_with('[') {
            return Err(at.refuse("must be a string or an array of items"));
        }
        given.array(at)?.into_iter().enumerate().try_for_each(|(index, item)| self.item(item, &at.element(index)))
    }

    fn item(&mut self, given: Given<'_>, at: &At<'_>) -> Result<(), BadRequest> {
        let item: Item<'_> = given.need_object(at)?;
        match item.kind.read::<String>(&at.member("type"))?.as_deref() {
            None | Some("message") => self.message(&item, at),
            Some("function_call") => self.call(&item, Sort::Function, at),
            Some("custom_tool_call") => self.call(&item, Sort::Custom, at),
            Some("function_call_output") => self.result(&item, Sort::Function, at),
            Some("custom_tool_call_output") => self.result(&item, Sort::Custom, at),
            Some("reasoning") => self.reasoning(&item, at),
            // References to what is stored, and what an upstream's own tools left behind.
            Some(other) => {
                self.conversation.only_here.push(format!("{at} ({other})"));
                Ok(())
            }
        }
    }

    fn message(&mut self, item: &Item<'_>, at: &At<'_>) -> Result<(), BadRequest> {
        let role_at = at.member("role");
        match item.role.need::<String>(&role_at)?.as_str() {
            "user" => {
                let parts = self.content(item, Place::User, at)?;
                if !parts.is_empty() {
                    self.conversation.turns.push(Turn { role: Role::User, parts });
                }
            }
            "assistant" => {
                let parts = self.content(item, Place::Assistant, at)?;
                self.assistant(parts);
                self.chat_calls(item.tool_calls, &at.member("tool_calls"))?;
            }
            "system" | "developer" => {
                let parts = self.content(item, Place::System, at)?;
                self.system(parts);
            }
            "tool" => {
                let call_id = item.tool_call_id.need(&at.member("tool_call_id"))?;
                let parts = self.content(item, Place::Tool, at)?;
                self.answer(call_id, parts, Sort::Function);
            }
            _unknown => return Err(role_at.refuse("must be `user`, `assistant`, `system` or `developer`")),
        }
        Ok(())
    }

    fn content(&mut self, item: &Item<'_>, place: Place, at: &At<'_>) -> Result<Vec<Part>, BadRequest> {
        part::parts(item.content, &at.member("content"), place, &mut self.conversation)
    }

    fn system(&mut self, parts: Vec<Part>) {
        if !self.conversation.turns.is_empty() {
            if !parts.is_empty() {
                self.conversation.turns.push(Turn { role: Role::System, parts });
            }
            return;
        }
        self.conversation.system.extend(parts.into_iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.text),
            _nothing_else => None,
        }));
    }

    /// What the model said. Neighbouring items of it are one turn (`providers.md` section 2.2, rule 5).
    fn assistant(&mut self, parts: impl IntoIterator<Item = Part>) {
        let mut parts = parts.into_iter().peekable();
        if parts.peek().is_none() {
            return;
        }
        match self.conversation.turns.last_mut() {
            Some(turn) if turn.role == Role::Assistant => turn.parts.extend(parts),
            Some(_) | None => self.conversation.turns.push(Turn { role: Role::Assistant, parts: parts.collect() }),
        }
    }

    fn call(&mut self, item: &Item<'_>, sort: Sort, at: &At<'_>) -> Result<(), BadRequest> {
        let id: String = item.call_id.need(&at.member("call_id"))?;
        let name: String = item.name.need(&at.member("name"))?;
        let arguments = match sort {
            Sort::Function => item.arguments.need(&at.member("arguments"))?,
            Sort::Custom => item.input.need(&at.member("input"))?,
        };
        self.called(id, name, arguments, sort);
        Ok(())
    }

    fn called(&mut self, id: String, name: String, arguments: String, sort: Sort) {
        let (own_id, own_name) = (id.clone(), name.clone());
        self.assistant([Part::ToolCall(ToolCall { id, name, arguments, custom: sort == Sort::Custom, opaque: None })]);
        let turns = &self.conversation.turns;
        let place = (turns.len() - 1, turns.last().map_or(0, |turn| turn.parts.len() - 1));
        self.calls.insert(own_id, Called { name: own_name, place });
    }

    fn chat_calls(&mut self, given: Given<'_>, at: &At<'_>) -> Result<(), BadRequest> {
        for (index, given) in given.array(at)?.into_iter().enumerate() {
            let at = at.element(index);
            let call: ChatCall<'_> = given.need_object(&at)?;
            let inner_at = at.member("function");
            let inner: Item<'_> = call.function.need_object(&inner_at)?;
            let name = inner.name.need(&inner_at.member("name"))?;
            let arguments = inner.arguments.need(&inner_at.member("arguments"))?;
            self.called(call.id.need(&at.member("id"))?, name, arguments, Sort::Function);
        }
        Ok(())
    }

    fn result(&mut self, item: &Item<'_>, sort: Sort, at: &At<'_>) -> Result<(), BadRequest> {
        let call_id = item.call_id.need(&at.member("call_id"))?;
        let parts = part::parts(item.output, &at.member("output"), Place::Tool, &mut self.conversation)?;
        self.answer(call_id, parts, sort);
        Ok(())
    }

    /// What a tool answered. The answers of one round are one turn.
    fn answer(&mut self, call_id: String, parts: Vec<Part>, sort: Sort) {
        let name = self.calls.get(&call_id).map(|called| called.name.clone());
        let result = Part::ToolResult(ToolResult { call_id, name, parts, is_error: false, custom: sort == Sort::Custom });
        match self.conversation.turns.last_mut() {
            // A turn has answers of tools alone, or none.
            Some(turn) if matches!(turn.parts.last(), Some(Part::ToolResult(_))) => turn.parts.push(result),
            Some(_) | None => self.conversation.turns.push(Turn { role: Role::User, parts: vec![result] }),
        }
    }

    fn reasoning(&mut self, item: &Item<'_>, at: &At<'_>) -> Result<(), BadRequest> {
        let state = item.encrypted_content.read::<String>(&at.member("encrypted_content"))?.filter(|state| !state.is_empty());
        if let Some((call_id, state)) = state.as_deref().and_then(call_state::unwrap) {
            self.give_back(call_id, state);
            return Ok(());
        }
        let mut text = paragraphs(item.summary, &at.member("summary"))?;
        if text.is_empty() {
            text = paragraphs(item.content, &at.member("content"))?;
        }
        let opaque = state.map(|data| Opaque::untagged(&data).unwrap_or(Opaque { owner: OpaqueOwner::Openai, data }));
        let reasoning = Reasoning { text, opaque };
        if reasoning != Reasoning::default() {
            self.assistant([Part::Reasoning(reasoning)]);
        }
        Ok(())
    }

    /// Gives a call its state back.
    fn give_back(&mut self, call_id: &str, state: Opaque) {
        let Some((turn, part)) = self.calls.get(call_id).map(|called| called.place) else { return };
        let part = self.conversation.turns.get_mut(turn).and_then(|turn| turn.parts.get_mut(part));
        if let Some(Part::ToolCall(call)) = part {
            call.opaque = Some(state);
        }
    }
}

/// The text of reasoning, which comes in parts.
fn paragraphs(given: Given<'_>, at: &At<'_>) -> Result<String, BadRequest> {
    let mut texts = Vec::new();
    for (index, given) in given.array(at)?.into_iter().enumerate() {
        let at = at.element(index);
        texts.extend(given.need_object::<TextWire<'_>>(&at)?.text.read::<String>(&at.member("text"))?);
    }
    Ok(texts.join(PARAGRAPH))
}
