//! The output of a response while it is put together, item by item, with the events that tell of it.
//!
//! ```text
//! reasoning ─┐ one of these is open at a time: whatever is of another kind closes it
//! message   ─┘
//! calls        several may be open at once; they are closed in order, when they have ended or the response ends
//! ```
//!
//! Source: `providers.md` section 5.4.

mod close;

use super::call_state;
use super::event::{ItemEvent, Part, Sink};
use super::expand::item_id;
use super::item::{Annotation, Content, Item, ItemStatus, Summary};
use crate::conversation::{AnswerEvent, Citation, Media, Opaque, OpaqueOwner, Source};

/// The output so far.
#[derive(Debug)]
pub(super) struct Assembly {
    /// The body of the response's id; an item's is made of it and of its place.
    id: String,
    items: Vec<Item>,
    /// The open item that is no call.
    open: Option<usize>,
    calls: Vec<Call>,
}

/// A call, and how it stands.
#[derive(Debug)]
struct Call {
    /// Its index among the calls of the answer.
    index: usize,
    /// Its place in the output.
    item: usize,
    /// Its state, until it is closed: it follows in an item of its own.
    state: Option<Opaque>,
    /// No more of it will come.
    ended: bool,
    closed: bool,
}

impl Assembly {
    pub(super) const fn new(id: String) -> Self {
        Self { id, items: Vec::new(), open: None, calls: Vec::new() }
    }

    pub(super) fn items(&self) -> &[Item] {
        &self.items
    }

    /// Takes one step of an answer. How it begins and ends is no matter of the output.
    pub(super) fn step(&mut self, event: AnswerEvent, sink: &mut impl Sink) {
        match event {
            // An empty delta is one too many for some callers; an empty text of a whole answer becomes one.
            AnswerEvent::Text(delta)
            | AnswerEvent::Refusal(delta)
            | AnswerEvent::Reasoning(delta)
            | AnswerEvent::CallArguments { delta, .. }
                if delta.is_empty() => {}
            AnswerEvent::Text(delta) => self.text(&delta, sink),
            AnswerEvent::Refusal(delta) => self.refusal(&delta, sink),
            AnswerEvent::Citation(citation) => self.citation(citation, sink),
            AnswerEvent::Reasoning(delta) => self.reasoning(&delta, sink),
            AnswerEvent::ReasoningOpaque(state) => self.reasoning_ends(&state, sink),
            AnswerEvent::CallBegin { index, id, name, custom } => self.call(index, id, name, custom, sink),
            AnswerEvent::CallArguments { index, delta } => self.arguments(index, &delta, sink),
            AnswerEvent::CallOpaque { index, opaque } => self.call_state(index, opaque, sink),
            AnswerEvent::CallEnd { index } => self.call_ends(index, sink),
            AnswerEvent::Image(media) => self.image(media, sink),
            // A text's state is optional to its owner, and there is no room for it here.
            AnswerEvent::TextOpaque(_)
            | AnswerEvent::Begin { .. }
            | AnswerEvent::Stop(_)
            | AnswerEvent::Usage(_)
            | AnswerEvent::Error(_) => {}
        }
    }

    /// The id of the next item: it leads back to its response (see [`reference`](super::expand::reference)).
    fn next_id(&self, prefix: &str) -> String {
        item_id(prefix, &self.id, self.items.len())
    }

    /// Adds an item and says so. Says where it is.
    fn add(&mut self, item: Item, sink: &mut impl Sink) -> usize {
        let at = self.items.len();
        sink.event(ItemEvent { kind: "response.output_item.added", output_index: at, item: Some(&item), ..ItemEvent::default() });
        self.items.push(item);
        at
    }

    /// Where the open message is, with a part open that `fits`; else one is opened with `empty`.
    fn message(&mut self, fits: fn(&Content) -> bool, empty: Content, sink: &mut impl Sink) -> usize {
        let at = match self.open.filter(|open| matches!(self.items.get(*open), Some(Item::Message { .. }))) {
            Some(at) => at,
            None => {
                self.close_open(ItemStatus::Completed, sink);
                let id = self.next_id("msg");
                self.add(Item::Message { id, status: ItemStatus::InProgress, role: "assistant", content: Vec::new() }, sink)
            }
        };
        self.open = Some(at);
        let Some(Item::Message { id, content, .. }) = self.items.get_mut(at) else { return at };
        if content.last().is_some_and(fits) {
            return at;
        }
        close::last_part(id, at, content, sink);
        sink.event(ItemEvent {
            kind: "response.content_part.added",
            item_id: Some(id),
            output_index: at,
            content_index: Some(content.len()),
            part: Some(Part::Content(&empty)),
            ..ItemEvent::default()
        });
        content.push(empty);
        at
    }

    fn text(&mut self, delta: &str, sink: &mut impl Sink) {
        let at = self.message(|part| matches!(part, Content::OutputText { .. }), Content::text(), sink);
        let Some(Item::Message { id, content, .. }) = self.items.get_mut(at) else { return };
        let content_index = content.len().saturating_sub(1);
        if let Some(Content::OutputText { text, .. }) = content.last_mut() {
            text.push_str(delta);
        }
        sink.event(ItemEvent {
            kind: "response.output_text.delta",
            item_id: Some(id),
            output_index: at,
            content_index: Some(content_index),
            delta: Some(delta),
            logprobs: Some([]),
            ..ItemEvent::default()
        });
    }

    fn refusal(&mut self, delta: &str, sink: &mut impl Sink) {
        let at = self.message(|part| matches!(part, Content::Refusal { .. }), Content::refusal(), sink);
        let Some(Item::Message { id, content, .. }) = self.items.get_mut(at) else { return };
        let content_index = content.len().saturating_sub(1);
        if let Some(Content::Refusal { refusal }) = content.last_mut() {
            refusal.push_str(delta);
        }
        sink.event(ItemEvent {
            kind: "response.refusal.delta",
            item_id: Some(id),
            output_index: at,
            content_index: Some(content_index),
            delta: Some(delta),
            ..ItemEvent::default()
        });
    }

    /// A source of the text that is being written. Of one that is closed, or that has no address, nothing can be said.
    fn citation(&mut self, citation: Citation, sink: &mut impl Sink) {
        let Some((at, Item::Message { id, content, .. })) = self.open.and_then(|at| Some((at, self.items.get_mut(at)?))) else { return };
        let content_index = content.len().saturating_sub(1);
        let (Some(Content::OutputText { text, annotations, .. }), Some(url)) = (content.last_mut(), citation.url) else { return };
        let (start_index, end_index) = citation.span.unwrap_or_else(|| (0, text.chars().count() as u64));
        annotations.push(Annotation::UrlCitation { url, title: citation.title.unwrap_or_default(), start_index, end_index });
        sink.event(ItemEvent {
            kind: "response.output_text.annotation.added",
            item_id: Some(id),
            output_index: at,
            content_index: Some(content_index),
            annotation_index: Some(annotations.len().saturating_sub(1)),
            annotation: annotations.last(),
            ..ItemEvent::default()
        });
    }

    /// Where the open reasoning is; else one is opened.
    fn open_reasoning(&mut self, sink: &mut impl Sink) -> usize {
        if let Some(at) = self.open.filter(|open| matches!(self.items.get(*open), Some(Item::Reasoning { .. }))) {
            return at;
        }
        self.close_open(ItemStatus::Completed, sink);
        let id = self.next_id("rs");
        let at = self.add(Item::Reasoning { id, summary: Vec::new(), encrypted_content: None }, sink);
        self.open = Some(at);
        at
    }

    fn reasoning(&mut self, delta: &str, sink: &mut impl Sink) {
        let at = self.open_reasoning(sink);
        let Some(Item::Reasoning { id, summary, .. }) = self.items.get_mut(at) else { return };
        if summary.is_empty() {
            summary.push(Summary::SummaryText { text: String::new() });
            sink.event(ItemEvent {
                kind: "response.reasoning_summary_part.added",
                item_id: Some(id),
                output_index: at,
                summary_index: Some(0),
                part: summary.last().map(Part::Summary),
                ..ItemEvent::default()
            });
        }
        if let Some(Summary::SummaryText { text }) = summary.last_mut() {
            text.push_str(delta);
        }
        sink.event(ItemEvent {
            kind: "response.reasoning_summary_text.delta",
            item_id: Some(id),
            output_index: at,
            summary_index: Some(0),
            delta: Some(delta),
            ..ItemEvent::default()
        });
    }

    /// A piece of reasoning ends with its state. It is given whether or not the caller asked for it: who goes on from what was stored, or
    /// sends the items again without knowing of it, needs it as well.
    fn reasoning_ends(&mut self, state: &Opaque, sink: &mut impl Sink) {
        let at = self.open_reasoning(sink);
        if let Some(Item::Reasoning { encrypted_content, .. }) = self.items.get_mut(at) {
            *encrypted_content = Some(carried(state));
        }
        self.close_open(ItemStatus::Completed, sink);
    }

    fn call(&mut self, index: usize, call_id: String, name: String, custom: bool, sink: &mut impl Sink) {
        self.close_open(ItemStatus::Completed, sink);
        let status = ItemStatus::InProgress;
        let item = if custom {
            Item::CustomToolCall { id: self.next_id("ctc"), status, call_id, name, input: String::new() }
        } else {
            Item::FunctionCall { id: self.next_id("fc"), status, call_id, name, arguments: String::new() }
        };
        let item = self.add(item, sink);
        self.calls.push(Call { index, item, state: None, ended: false, closed: false });
    }

    fn arguments(&mut self, index: usize, delta: &str, sink: &mut impl Sink) {
        let Some(call) = self.calls.iter().find(|call| call.index == index && !call.closed) else { return };
        if let Some(item) = self.items.get_mut(call.item) {
            close::add_arguments(item, call.item, delta, sink);
        }
    }

    fn call_state(&mut self, index: usize, state: Opaque, sink: &mut impl Sink) {
        let Some(call) = self.calls.iter_mut().find(|call| call.index == index) else { return };
        call.state = Some(state);
        let at = call.item;
        if call.closed {
            self.write_call_state(at, sink);
        }
    }

    fn call_ends(&mut self, index: usize, sink: &mut impl Sink) {
        if let Some(call) = self.calls.iter_mut().find(|call| call.index == index) {
            call.ended = true;
        }
        while let Some(at) = self.calls.iter().find(|call| !call.closed).filter(|call| call.ended).map(|call| call.item) {
            self.close(at, ItemStatus::Completed, sink);
        }
    }

    /// A picture, as OpenAI's own tool for pictures gives it. One behind an address has no place there.
    fn image(&mut self, media: Media, sink: &mut impl Sink) {
        let Source::Inline { data, .. } = media.source else { return };
        self.close_open(ItemStatus::Completed, sink);
        let id = self.next_id("ig");
        let at = self.add(Item::ImageGenerationCall { id, status: ItemStatus::InProgress, result: None }, sink);
        if let Some(Item::ImageGenerationCall { result, .. }) = self.items.get_mut(at) {
            *result = Some(data);
        }
        self.close(at, ItemStatus::Completed, sink);
    }
}

/// State as `encrypted_content`: OpenAI's own as it is, so that callers may take it to OpenAI too.
fn carried(state: &Opaque) -> String {
    if state.owner == OpaqueOwner::Openai && !call_state::is_ours(&state.data) { state.data.clone() } else { state.tagged() }
}
