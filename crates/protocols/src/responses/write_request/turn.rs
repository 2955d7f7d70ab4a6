//! Turns as items: what is said is a message, all else stands beside it.

use std::borrow::Cow;

use super::Writing;
use super::wire::{Audio, Content, Item, Part, Summary};
use crate::conversation::{self, CannotCarry, Media, OpaqueOwner, Role, Source, ToolCall, ToolResult, Turn, custom};
use crate::openai::dialect::Dialect;
use crate::openai::media;

/// What a file is called if nobody said: OpenAI insists on a name beside data.
const FILE_NAME: &str = "file.pdf";

impl<'a> Writing<'a> {
    pub(super) fn input(&mut self) -> Result<Vec<Item<'a>>, CannotCarry> {
        let conversation = self.conversation;
        let mut items = Vec::with_capacity(conversation.turns.len());
        for turn in &conversation.turns {
            self.turn(turn, &mut items)?;
        }
        // An input must not be empty: what the operator says stands there, if nobody says anything else.
        if items.is_empty() {
            let said = conversation.system.iter().map(|text| Part::InputText { text }).collect();
            items.push(Item::Message { role: self.dialect.system_role(), content: content(said) });
        }
        Ok(items)
    }

    fn turn(&mut self, turn: &'a Turn, items: &mut Vec<Item<'a>>) -> Result<(), CannotCarry> {
        let mut said = Vec::new();
        for part in &turn.parts {
            let beside = match part {
                conversation::Part::ToolCall(call) => Some(self.call(call)),
                conversation::Part::ToolResult(result) => Some(self.result(result)?),
                conversation::Part::Reasoning(reasoning) => self.reasoning_item(reasoning),
                conversation::Part::Text(_)
                | conversation::Part::Refusal(_)
                | conversation::Part::Image(_)
                | conversation::Part::Audio(_)
                | conversation::Part::Video(_)
                | conversation::Part::File(_) => {
                    said.extend(self.part(part, turn.role)?);
                    None
                }
            };
            if let Some(beside) = beside {
                self.message(turn.role, &mut said, items);
                items.push(beside);
            }
        }
        self.message(turn.role, &mut said, items);
        Ok(())
    }

    /// What was said so far, as one message.
    fn message(&self, role: Role, said: &mut Vec<Part<'a>>, items: &mut Vec<Item<'a>>) {
        let role = match role {
            Role::System => self.dialect.system_role(),
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        if !said.is_empty() {
            items.push(Item::Message { role, content: content(std::mem::take(said)) });
        }
    }

    fn call(&self, call: &'a ToolCall) -> Item<'a> {
        let (call_id, name, arguments) = (call.id.as_str(), call.name.as_str(), call.arguments.as_str());
        match (call.custom, self.dialect.has_custom_tools()) {
            (true, true) => Item::CustomToolCall { call_id, name, input: arguments },
            (true, false) => Item::FunctionCall { call_id, name, arguments: Cow::Owned(custom::wrap(arguments)) },
            // No arguments are an empty object here (`providers.md` section 2.3).
            (false, _) => {
                let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
                Item::FunctionCall { call_id, name, arguments: Cow::Borrowed(arguments) }
            }
        }
    }

    fn result(&mut self, result: &'a ToolResult) -> Result<Item<'a>, CannotCarry> {
        let mut parts = Vec::with_capacity(result.parts.len());
        for part in &result.parts {
            parts.extend(self.part(part, Role::User)?);
        }
        if result.is_error && !self.notes.0.iter().any(|note| note.field == "is_error") {
            self.notes.dropped("is_error", "the Responses API has no such field: what the tool said must tell it");
        }
        let (call_id, output) = (result.call_id.as_str(), content(parts));
        Ok(if result.custom && self.dialect.has_custom_tools() {
            Item::CustomToolCallOutput { call_id, output }
        } else {
            Item::FunctionCallOutput { call_id, output }
        })
    }

    /// Reasoning goes back only with the upstream's own state: without it, it means nothing there.
    fn reasoning_item(&self, reasoning: &'a conversation::Reasoning) -> Option<Item<'a>> {
        let owner = if self.dialect == Dialect::Ark { OpaqueOwner::Ark } else { OpaqueOwner::Openai };
        let state = reasoning.opaque.as_ref().filter(|state| state.owner == owner)?;
        let text = Some(reasoning.text.as_str()).filter(|text| !text.is_empty());
        Some(Item::Reasoning {
            summary: text.map(|text| Summary::SummaryText { text }).into_iter().collect(),
            encrypted_content: &state.data,
        })
    }

    /// A part of a message; none for an empty text.
    fn part(&self, part: &'a conversation::Part, role: Role) -> Result<Option<Part<'a>>, CannotCarry> {
        if let conversation::Part::Text(text) = part {
            let text = text.text.as_str();
            let part = if role == Role::Assistant { Part::OutputText { text, annotations: [] } } else { Part::InputText { text } };
            return Ok((!text.is_empty()).then_some(part));
        }
        if let conversation::Part::Refusal(refusal) = part {
            return Ok(Some(Part::Refusal { refusal }));
        }
        if role == Role::Assistant {
            return Err(self.cannot("input", "what the model itself showed or spoke earlier can't be told it again"));
        }
        match part {
            conversation::Part::Image(media) => {
                let image_url = self.address(media, "images")?;
                Ok(Some(Part::InputImage { image_url, detail: media.detail.as_deref() }))
            }
            conversation::Part::File(media) => self.file(media).map(Some),
            conversation::Part::Audio(media) => self.audio(media).map(Some),
            conversation::Part::Video(media) if self.dialect == Dialect::Ark => {
                Ok(Some(Part::InputVideo { video_url: self.address(media, "videos")? }))
            }
            conversation::Part::Video(_) => Err(self.cannot("input", "it takes no videos")),
            // These stand beside messages, and a tool's answer holds none of them.
            conversation::Part::Text(_)
            | conversation::Part::Refusal(_)
            | conversation::Part::ToolCall(_)
            | conversation::Part::ToolResult(_)
            | conversation::Part::Reasoning(_) => Ok(None),
        }
    }

    /// Where a medium is: its URL, or itself as a `data:` one.
    fn address(&self, media: &'a Media, what: &str) -> Result<Cow<'a, str>, CannotCarry> {
        match &media.source {
            Source::Url { url, .. } => Ok(Cow::Borrowed(url)),
            Source::Inline { media_type, data } => Ok(Cow::Owned(format!("data:{media_type};base64,{data}"))),
            Source::Stored(id) => Err(self.cannot("file_id", format!("`{id}` is stored elsewhere: send {what} themselves"))),
        }
    }

    fn file(&self, media: &'a Media) -> Result<Part<'a>, CannotCarry> {
        let filename = media.name.as_deref();
        if let Source::Url { url, .. } = &media.source {
            return Ok(Part::InputFile { filename, file_data: None, file_url: Some(url) });
        }
        let file_data = Some(self.address(media, "files")?.into_owned());
        Ok(Part::InputFile { filename: filename.or(Some(FILE_NAME)), file_data, file_url: None })
    }

    fn audio(&self, media: &'a Media) -> Result<Part<'a>, CannotCarry> {
        if self.dialect == Dialect::Ark {
            return Ok(Part::InputAudio { input_audio: None, audio_url: Some(self.address(media, "sound")?) });
        }
        let Source::Inline { media_type, data } = &media.source else {
            return Err(self.cannot("input_audio", "it takes sound only as data, not from elsewhere"));
        };
        let format = media::audio_format(media_type).ok_or_else(|| self.cannot("input_audio", "it takes only wav and mp3"))?;
        Ok(Part::InputAudio { input_audio: Some(Audio { data, format }), audio_url: None })
    }
}

/// Text alone is written as such, which everybody takes; several texts stay apart.
fn content(mut parts: Vec<Part<'_>>) -> Content<'_> {
    match parts.as_slice() {
        [] => Content::Text(Cow::Borrowed("")),
        [Part::InputText { text } | Part::OutputText { text, .. }] => Content::Text(Cow::Borrowed(text)),
        [_, ..] => Content::Parts(std::mem::take(&mut parts)),
    }
}
