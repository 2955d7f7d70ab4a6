//! Turns as messages: what belongs into one message, and in which order they must come (`providers.md` section 2.2, rules 4 to 7).

use std::borrow::Cow;

use super::Writing;
use super::wire::{Call, Called, CalledCustom, Content, Message, Part};
use crate::conversation::{self, CannotCarry, OpaqueOwner, OutputFormat, Role, ToolCall, ToolResult, Turn, custom};
use crate::openai::dialect::wants_reasoning_back;
use crate::openai::signature::ExtraContent;

/// OpenAI and DeepSeek refuse `json_object` unless the messages say "JSON" somewhere.
const JSON_IN_WORDS: &str = "Answer with a JSON object.";

/// What an assistant said, until something else comes.
#[derive(Default)]
struct Said<'a> {
    text: String,
    reasoning: String,
    calls: Vec<Call<'a>>,
}

impl<'a> Writing<'a> {
    pub(super) fn messages(&mut self) -> Result<Vec<Message<'a>>, CannotCarry> {
        let conversation = self.conversation;
        let mut messages = Vec::with_capacity(conversation.turns.len() + 1);
        if !conversation.system.is_empty() {
            // One message: templates of open models know one system text, and only as the first.
            messages.push(self.system(conversation.system.join("\n\n")));
        }
        let round = tool_round(&conversation.turns);
        let mut from = 0;
        for run in conversation.turns.chunk_by(|turn, next| (turn.role == Role::Assistant) == (next.role == Role::Assistant)) {
            if run.first().is_some_and(|turn| turn.role == Role::Assistant) {
                let with_reasoning = from >= round && wants_reasoning_back(self.target.model);
                self.assistant(run, with_reasoning, &mut messages)?;
            } else {
                self.others(run, &mut messages)?;
            }
            from += run.len();
        }
        Ok(messages)
    }

    /// Says "JSON" where the caller's own protocol did not make him say it.
    pub(super) fn ask_for_json_in_words(&mut self, messages: &mut Vec<Message<'a>>) {
        if self.conversation.output == OutputFormat::JsonObject && !messages.iter().any(says_json) {
            messages.insert(0, self.system(JSON_IN_WORDS.to_owned()));
            self.notes.changed("system", "says that JSON is wanted: it is refused otherwise");
        }
    }

    fn system(&self, text: String) -> Message<'a> {
        let content = Cow::Owned(text);
        match self.dialect.system_role() {
            "developer" => Message::Developer { content },
            _system => Message::System { content },
        }
    }

    /// Everything between two assistant's messages: first all results, since these must follow the calls at once.
    fn others(&mut self, turns: &'a [Turn], messages: &mut Vec<Message<'a>>) -> Result<(), CannotCarry> {
        let mut shown = Vec::new();
        for part in turns.iter().flat_map(|turn| &turn.parts) {
            if let conversation::Part::ToolResult(result) = part {
                messages.push(self.result(result, &mut shown)?);
            }
        }
        if !shown.is_empty() {
            messages.push(Message::User { content: Content::Parts(shown) });
        }
        for turn in turns {
            let parts = turn.parts.iter().map(|part| self.part(part)).filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()?;
            if parts.is_empty() {
                continue;
            }
            messages.push(match turn.role {
                Role::System => self.system(parts.into_iter().filter_map(into_text).collect::<Vec<_>>().join("\n\n")),
                Role::User | Role::Assistant => Message::User { content: content(parts) },
            });
        }
        Ok(())
    }

    /// A tool's message holds text alone; what else it answered is shown to the model by the user, after all results.
    fn result(&mut self, result: &'a ToolResult, shown: &mut Vec<Part<'a>>) -> Result<Message<'a>, CannotCarry> {
        let mut texts = Vec::new();
        let mut others = Vec::new();
        for part in &result.parts {
            match self.part(part)? {
                Some(Part::Text { text }) => texts.push(text),
                Some(other) => others.push(other),
                None => {}
            }
        }
        if result.is_error && !self.notes.0.iter().any(|note| note.field == "is_error") {
            self.notes.dropped("is_error", "the chat API has no word for it: the result itself says it");
        }
        let content = match (texts.len(), texts.pop()) {
            (1, Some(text)) => text,
            (_, Some(last)) => {
                texts.push(last);
                Cow::Owned(texts.join("\n"))
            }
            (_, None) if others.is_empty() => Cow::Borrowed(""),
            (_, None) => Cow::Borrowed("The result follows in the next message of the user."),
        };
        if !others.is_empty() {
            shown.push(Part::Text { text: Cow::Owned(format!("The result of tool call {}:", result.call_id)) });
            shown.append(&mut others);
        }
        Ok(Message::Tool { tool_call_id: &result.call_id, content })
    }

    /// Neighbouring turns of the assistant: one message as far as they can be, so that all calls of a round stand together.
    fn assistant(&mut self, turns: &'a [Turn], with_reasoning: bool, messages: &mut Vec<Message<'a>>) -> Result<(), CannotCarry> {
        let mut said = Said::default();
        for turn in turns {
            let text = spoken(turn);
            if !said.text.is_empty() && !text.is_empty() {
                if said.calls.is_empty() {
                    std::mem::take(&mut said).finish(messages);
                } else {
                    // Nothing may stand between calls and their results.
                    said.text.push_str("\n\n");
                }
            }
            said.text.push_str(&text);
            for part in &turn.parts {
                match part {
                    conversation::Part::ToolCall(call) => said.calls.push(self.call(call)),
                    conversation::Part::Reasoning(reasoning) if with_reasoning => said.reasoning.push_str(&reasoning.text),
                    conversation::Part::Image(_)
                    | conversation::Part::Audio(_)
                    | conversation::Part::Video(_)
                    | conversation::Part::File(_) => {
                        return Err(self.cannot("messages", "an earlier answer holds a picture, sound or file"));
                    }
                    conversation::Part::Reasoning(_)
                    | conversation::Part::Text(_)
                    | conversation::Part::Refusal(_)
                    | conversation::Part::ToolResult(_) => {}
                }
            }
        }
        said.finish(messages);
        Ok(())
    }

    fn call(&self, call: &'a ToolCall) -> Call<'a> {
        if call.custom && self.dialect.has_custom_tools() {
            return Call::Custom { id: &call.id, custom: CalledCustom { name: &call.name, input: &call.arguments } };
        }
        let arguments = match (call.custom, call.arguments.trim()) {
            (true, _) => Cow::Owned(custom::wrap(&call.arguments)),
            (false, "") => Cow::Borrowed("{}"),
            (false, _) => Cow::Borrowed(call.arguments.as_str()),
        };
        // Google's own endpoint that is compatible with OpenAI's wants it back; nobody else is shown it.
        let own = call.opaque.as_ref().filter(|opaque| opaque.owner == OpaqueOwner::Gemini && self.target.model.contains("gemini"));
        Call::Function { id: &call.id, function: Called { name: &call.name, arguments }, extra_content: own.map(ExtraContent::of) }
    }
}

impl<'a> Said<'a> {
    fn finish(self, messages: &mut Vec<Message<'a>>) {
        if self.text.is_empty() && self.calls.is_empty() {
            return;
        }
        let some = |text: String| (!text.is_empty()).then_some(Cow::Owned(text));
        messages.push(Message::Assistant { content: some(self.text), reasoning_content: some(self.reasoning), tool_calls: self.calls });
    }
}

/// What an assistant said aloud. A refusal is text like other text: only OpenAI has a field for it.
fn spoken(turn: &Turn) -> String {
    let texts = turn.parts.iter().filter_map(|part| match part {
        conversation::Part::Text(text) => Some(text.text.as_str()),
        conversation::Part::Refusal(text) => Some(text.as_str()),
        _nothing_spoken => None,
    });
    texts.collect()
}

/// Where the round of tool calls begins that is still open: after the last thing that the user said himself.
fn tool_round(turns: &[Turn]) -> usize {
    let is_said = |part: &conversation::Part| !matches!(part, conversation::Part::ToolResult(_));
    turns.iter().rposition(|turn| turn.role == Role::User && turn.parts.iter().any(is_said)).map_or(0, |last| last + 1)
}

fn content(mut parts: Vec<Part<'_>>) -> Content<'_> {
    match parts.as_mut_slice() {
        // Compatible servers know the plain form best.
        [Part::Text { text: Cow::Borrowed(text) }] => Content::Text(text),
        _more => Content::Parts(parts),
    }
}

fn into_text(part: Part<'_>) -> Option<Cow<'_, str>> {
    match part {
        Part::Text { text } => Some(text),
        Part::ImageUrl { .. } | Part::InputAudio { .. } | Part::VideoUrl { .. } | Part::File { .. } => None,
    }
}

fn says_json(message: &Message<'_>) -> bool {
    let says = |text: &str| text.as_bytes().windows(4).any(|word| word.eq_ignore_ascii_case(b"json"));
    match message {
        Message::System { content } | Message::Developer { content } | Message::Tool { content, .. } => says(content),
        Message::User { content: Content::Text(text) } => says(text),
        Message::User { content: Content::Parts(parts) } => parts.iter().any(|part| matches!(part, Part::Text { text } if says(text))),
        Message::Assistant { content, .. } => content.as_deref().is_some_and(says),
    }
}
