//! The items of a stream: what was told of each.

use crate::conversation::{Answer, AnswerEvent, Part};
use crate::responses::output_item::{Custom, OutputItem, OutputPart, PARAGRAPH, WireAnnotation};

/// Where an event says it belongs: `output_index` and `item_id`.
pub(super) type Place = (Option<u64>, Option<String>);

/// How reasoning is shown. One item may have both; the first that comes is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// In words of its own, of several paragraphs.
    Summary {
        /// Which one.
        paragraph: u64,
    },
    /// As it is: open models.
    Itself,
}

/// What was told of one item.
#[derive(Debug, Default)]
struct Item {
    output_index: Option<u64>,
    id: Option<String>,
    /// Its call, among those of the answer.
    call: Option<usize>,
    /// Its text, arguments or reasoning has come, in whole or in part.
    told: bool,
    /// The parts whose text has come, as their events called them.
    parts: Vec<Option<u64>>,
    cited: bool,
    shown: Option<Shown>,
    ended: bool,
}

/// All items so far.
#[derive(Debug, Default)]
pub(super) struct Items {
    items: Vec<Item>,
    calls: usize,
    /// Whether anything was told.
    spoke: bool,
}

impl Items {
    pub(super) const fn calls(&self) -> usize {
        self.calls
    }

    /// Whether nothing at all was told.
    pub(super) const fn is_silent(&self) -> bool {
        !self.spoke
    }

    /// The item an event belongs to; a new one if nothing is known of it. An event that does not say belongs to the last one.
    fn at(&mut self, (index, id): Place) -> &mut Item {
        let known = match (index, &id) {
            (Some(_), _) => self.items.iter().rposition(|item| item.output_index == index),
            (None, Some(_)) => self.items.iter().rposition(|item| item.id == id),
            (None, None) => self.items.len().checked_sub(1),
        };
        let at = known.unwrap_or_else(|| {
            self.items.push(Item { output_index: index, id, ..Item::default() });
            self.items.len() - 1
        });
        // Found, or pushed just now.
        &mut self.items[at]
    }

    pub(super) fn text(&mut self, place: Place, part: Option<u64>, delta: String, out: &mut Vec<AnswerEvent>) {
        if !delta.is_empty() {
            let item = self.at(place);
            item.told = true;
            if item.parts.last() != Some(&part) {
                item.parts.push(part);
            }
            self.spoke = true;
            out.push(AnswerEvent::Text(delta));
        }
    }

    /// A text that came without deltas. Where events don't say which part they are of, the first text is all of it.
    pub(super) fn text_done(&mut self, place: Place, part: Option<u64>, whole: String, out: &mut Vec<AnswerEvent>) {
        let parts = &self.at(place.clone()).parts;
        let is_another = part.is_some() && !parts.contains(&part) && !parts.contains(&None);
        if parts.is_empty() || is_another {
            self.text(place, part, whole, out);
        }
    }

    pub(super) fn refusal(&mut self, place: Place, delta: String, out: &mut Vec<AnswerEvent>) {
        if !delta.is_empty() {
            self.at(place).told = true;
            self.spoke = true;
            out.push(AnswerEvent::Refusal(delta));
        }
    }

    pub(super) fn citation(&mut self, place: Place, annotation: Option<WireAnnotation>, out: &mut Vec<AnswerEvent>) {
        if let Some(citation) = annotation.and_then(WireAnnotation::into_citation) {
            self.at(place).cited = true;
            out.push(AnswerEvent::Citation(citation));
        }
    }

    /// A part is whole: sources that had no event of their own are told.
    pub(super) fn part_done(&mut self, place: Place, part: Option<OutputPart>, out: &mut Vec<AnswerEvent>) {
        let Some(part) = part.filter(|part| !part.annotations.is_empty()) else { return };
        let item = self.at(place);
        if item.told && !std::mem::replace(&mut item.cited, true) {
            out.extend(part.annotations.into_iter().filter_map(WireAnnotation::into_citation).map(AnswerEvent::Citation));
        }
    }

    pub(super) fn reasoning(&mut self, place: Place, shown: Shown, delta: String, out: &mut Vec<AnswerEvent>) {
        if delta.is_empty() {
            return;
        }
        let item = self.at(place);
        let before = *item.shown.get_or_insert(shown);
        if std::mem::discriminant(&before) != std::mem::discriminant(&shown) {
            return;
        }
        item.shown = Some(shown);
        item.told = true;
        self.spoke = true;
        // Another paragraph.
        let delta = if before == shown { delta } else { format!("{PARAGRAPH}{delta}") };
        out.push(AnswerEvent::Reasoning(delta));
    }

    pub(super) fn added(&mut self, place: Place, item: Option<OutputItem>, out: &mut Vec<AnswerEvent>) {
        let Some(mut item) = item else { return };
        let place = (place.0, place.1.or_else(|| item.id.0.clone()));
        let Some(custom) = item.is_call() else { return self.announce(place) };
        let index = self.calls;
        let known = self.at_or_new(place);
        if known.call.is_some() {
            return;
        }
        known.call = Some(index);
        self.calls += 1;
        self.spoke = true;
        let (id, name) = (item.call_id(index), item.name.0.unwrap_or_default());
        out.push(AnswerEvent::CallBegin { index, id, name, custom: custom == Custom::Yes });
    }

    /// Remembers an item whose events may lack their index.
    fn announce(&mut self, place: Place) {
        self.at_or_new(place);
    }

    /// The item at a place; one that says neither its index nor its id is another one.
    fn at_or_new(&mut self, place: Place) -> &mut Item {
        if place == (None, None) {
            self.items.push(Item::default());
        }
        self.at(place)
    }

    pub(super) fn arguments(&mut self, place: Place, delta: String, out: &mut Vec<AnswerEvent>) {
        let item = self.at(place);
        if let (Some(index), false) = (item.call, delta.is_empty()) {
            item.told = true;
            out.push(AnswerEvent::CallArguments { index, delta });
        }
    }

    /// Arguments that came without deltas.
    pub(super) fn arguments_done(&mut self, place: Place, whole: String, out: &mut Vec<AnswerEvent>) {
        if !self.at(place.clone()).told {
            self.arguments(place, whole, out);
        }
    }

    /// An item is whole: what was not told of it is told now.
    pub(super) fn done(&mut self, place: Place, item: Option<OutputItem>, out: &mut Vec<AnswerEvent>) {
        let Some(mut item) = item else { return };
        let place = (place.0, place.1.or_else(|| item.id.0.clone()));
        let known = self.at(place.clone());
        if std::mem::replace(&mut known.ended, true) {
            return;
        }
        let told = known.told;
        match (item.kind(), item.is_call()) {
            (_, Some(custom)) => {
                let whole = std::mem::take(if custom == Custom::Yes { &mut item.input } else { &mut item.arguments });
                if known.call.is_none() {
                    self.added(place.clone(), Some(item), out);
                }
                if !told {
                    self.arguments(place.clone(), whole, out);
                }
                out.extend(self.at(place).call.map(|index| AnswerEvent::CallEnd { index }));
            }
            ("reasoning", None) if told => out.extend(item.state().map(AnswerEvent::ReasoningOpaque)),
            ("message" | "reasoning", None) if !told => self.whole(item, out),
            (_, None) => {}
        }
    }

    /// Tells an item that came without deltas.
    fn whole(&mut self, item: OutputItem, out: &mut Vec<AnswerEvent>) {
        let mut parts = Vec::new();
        item.append_to(&mut parts, &mut 0);
        self.spoke |= !parts.is_empty();
        out.extend(tell(parts));
    }
}

/// The steps that tell of parts which came whole.
pub(super) fn tell(parts: Vec<Part>) -> impl Iterator<Item = AnswerEvent> {
    let steps = Answer { parts, ..Answer::default() }.into_events();
    steps.into_iter().filter(|step| !matches!(step, AnswerEvent::Begin { .. } | AnswerEvent::Stop(_)))
}
