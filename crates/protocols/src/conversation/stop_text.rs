//! Stop texts for upstreams that have none: the answer is cut where its text meets one.

use super::{Answer, AnswerEvent, Conversation, Part, Stop, StopReason};

/// Watches the text of an answer.
#[derive(Debug)]
pub struct StopTexts {
    texts: Vec<String>,
    /// Text that may be the beginning of a stop text.
    held: String,
    /// The stop text that was met: nothing is told any more.
    met: Option<String>,
}

impl StopTexts {
    /// For answers to `conversation`; none if it has no stop texts.
    #[must_use]
    pub fn of(conversation: &Conversation) -> Option<Self> {
        let texts: Vec<String> = conversation.sampling.stop.iter().filter(|text| !text.is_empty()).cloned().collect();
        (!texts.is_empty()).then_some(Self { texts, held: String::new(), met: None })
    }

    /// Passes one step on, as far as no stop text was met.
    pub fn event(&mut self, event: AnswerEvent, out: &mut Vec<AnswerEvent>) {
        match event {
            AnswerEvent::Stop(stop) => {
                self.release(out);
                out.push(AnswerEvent::Stop(match self.met.take() {
                    Some(met) => Stop { reason: StopReason::Stop, sequence: Some(met) },
                    None => stop,
                }));
            }
            AnswerEvent::Usage(_) | AnswerEvent::Error(_) | AnswerEvent::Begin { .. } => out.push(event),
            _after_the_end if self.met.is_some() => {}
            AnswerEvent::Text(delta) => self.text(&delta, out),
            AnswerEvent::TextOpaque(_)
            | AnswerEvent::Citation(_)
            | AnswerEvent::Reasoning(_)
            | AnswerEvent::ReasoningOpaque(_)
            | AnswerEvent::Refusal(_)
            | AnswerEvent::CallBegin { .. }
            | AnswerEvent::CallArguments { .. }
            | AnswerEvent::CallOpaque { .. }
            | AnswerEvent::CallEnd { .. }
            | AnswerEvent::Image(_) => {
                self.release(out);
                out.push(event);
            }
        }
    }

    fn text(&mut self, delta: &str, out: &mut Vec<AnswerEvent>) {
        self.held.push_str(delta);
        if let Some((at, met)) = self.earliest() {
            self.held.truncate(at);
            self.release(out);
            self.met = Some(met);
            return;
        }
        let keep = self.may_begin();
        let rest = self.held.split_off(self.held.len() - keep);
        self.release(out);
        self.held = rest;
    }

    /// Where the first stop text begins.
    fn earliest(&self) -> Option<(usize, String)> {
        let found = self.texts.iter().filter_map(|text| self.held.find(text.as_str()).map(|at| (at, text)));
        found.min_by_key(|(at, _)| *at).map(|(at, text)| (at, text.clone()))
    }

    /// How many bytes at the end may be the beginning of a stop text.
    fn may_begin(&self) -> usize {
        let longest = |text: &String| {
            let ends = text.char_indices().map(|(at, _)| at).skip(1);
            ends.filter(|end| text.get(..*end).is_some_and(|start| self.held.ends_with(start))).max().unwrap_or(0)
        };
        self.texts.iter().map(longest).max().unwrap_or(0)
    }

    fn release(&mut self, out: &mut Vec<AnswerEvent>) {
        if !self.held.is_empty() {
            out.push(AnswerEvent::Text(std::mem::take(&mut self.held)));
        }
    }

    /// The same for a whole answer.
    pub fn answer(self, answer: &mut Answer) {
        for index in 0..answer.parts.len() {
            let Some(Part::Text(part)) = answer.parts.get_mut(index) else { continue };
            let met = self.texts.iter().filter_map(|text| part.text.find(text.as_str()).map(|at| (at, text))).min_by_key(|(at, _)| *at);
            if let Some((at, text)) = met {
                part.text.truncate(at);
                answer.parts.truncate(index + 1);
                answer.stop = Stop { reason: StopReason::Stop, sequence: Some(text.clone()) };
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::{Sampling, Text};

    fn stops(texts: &[&str]) -> StopTexts {
        let stop = texts.iter().map(|text| (*text).to_owned()).collect();
        StopTexts::of(&Conversation { sampling: Sampling { stop, ..Sampling::default() }, ..Conversation::default() }).unwrap()
    }

    fn check(texts: &[&str], deltas: &[&str], told: &str, met: Option<&str>) {
        let (mut watch, mut out) = (stops(texts), Vec::new());
        deltas.iter().for_each(|delta| watch.event(AnswerEvent::Text((*delta).to_owned()), &mut out));
        watch.event(AnswerEvent::Stop(Stop::default()), &mut out);
        let text: String =
            out.iter().filter_map(|event| if let AnswerEvent::Text(text) = event { Some(text.as_str()) } else { None }).collect();
        assert_eq!(text, told, "{deltas:?}");
        let Some(AnswerEvent::Stop(stop)) = out.last() else { panic!("no end") };
        assert_eq!(stop.sequence.as_deref(), met, "{deltas:?}");
        let mut whole = Answer { parts: vec![Part::Text(Text::plain(deltas.concat()))], ..Answer::default() };
        stops(texts).answer(&mut whole);
        assert_eq!(whole.delivered_text(), told, "whole {deltas:?}");
    }

    #[test]
    fn an_answer_ends_where_its_text_meets_a_stop_text() {
        check(&["END"], &["one E", "N", "D two"], "one ", Some("END"));
        check(&["END"], &["one E", "N two"], "one EN two", None);
        check(&["END", "two"], &["one two END"], "one ", Some("two"));
        check(&["\n\n"], &["a\n", "b\n", "\nc"], "a\nb", Some("\n\n"));
        check(&["世界"], &["你好世", "界!"], "你好", Some("世界"));
        check(&["END"], &["EN"], "EN", None);
    }
}
