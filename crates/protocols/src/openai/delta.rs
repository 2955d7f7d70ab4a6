//! A chunk, or a whole answer, with everything that the inner form has a place for. Nothing in it is relied on.
//!
//! Source: `providers.md` section 4.1.

use super::lenient::{Arguments, Content, Count, List, Maybe, Present, Text, Word};
use super::media;
use super::usage::WireUsage;
use crate::conversation::{Citation, Media, Source};

#[derive(serde::Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(super) struct Whole {
    pub(super) id: Word,
    pub(super) model: Word,
    pub(super) created: Count,
    pub(super) error: Present,
    /// An error without its wrapper, as FastAPI servers send it.
    pub(super) detail: Present,
    pub(super) message: Present,
    pub(super) choices: Option<List<Choice>>,
    pub(super) usage: Maybe<WireUsage>,
    x_groq: Maybe<Groq>,
    base_resp: Maybe<BaseResp>,
}

/// MiniMax's: whether it failed, in spite of a status of 200.
#[derive(serde::Deserialize, Default)]
#[serde(default)]
pub(super) struct BaseResp {
    status_code: Count,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Groq {
    usage: Maybe<WireUsage>,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
pub(super) struct Choice {
    pub(super) index: Count,
    delta: Maybe<Delta>,
    message: Maybe<Delta>,
    pub(super) finish_reason: Word,
    /// Moonshot's, on the chunk that ends a stream.
    usage: Maybe<WireUsage>,
    /// OpenRouter's: the provider behind it failed.
    error: Present,
    /// Ark's: its moderation stopped the answer.
    pub(super) moderation_hit_type: Word,
}

/// What is new, or the whole message.
#[derive(serde::Deserialize, Default)]
#[serde(default)]
pub(super) struct Delta {
    pub(super) content: Content,
    reasoning_content: Text,
    reasoning: Text,
    reasoning_details: List<Detail>,
    pub(super) refusal: Text,
    pub(super) tool_calls: List<Call>,
    pub(super) function_call: Maybe<Function>,
    annotations: List<Annotation>,
    /// OpenRouter's pictures.
    images: List<Picture>,
}

/// A piece of OpenRouter's reasoning. What is encrypted has no owner that we know, and stays behind.
#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Detail {
    text: Text,
    summary: Text,
}

/// A call, or a fragment of one.
#[derive(serde::Deserialize, Default)]
#[serde(default)]
pub(super) struct Call {
    pub(super) index: Word,
    pub(super) id: Word,
    pub(super) function: Maybe<Function>,
    pub(super) custom: Maybe<Custom>,
    extra_content: Maybe<ExtraContent>,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
pub(super) struct Function {
    pub(super) name: Text,
    pub(super) arguments: Arguments,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
pub(super) struct Custom {
    pub(super) name: Text,
    pub(super) input: Text,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct ExtraContent {
    google: Maybe<GoogleContent>,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct GoogleContent {
    thought_signature: Word,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Annotation {
    url_citation: Maybe<UrlCitation>,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct UrlCitation {
    url: Word,
    title: Word,
    start_index: Option<Count>,
    end_index: Option<Count>,
    /// OpenRouter's: the words of the source.
    content: Word,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Picture {
    image_url: Maybe<PictureUrl>,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct PictureUrl {
    url: Word,
}

impl Whole {
    /// Whether it says that something failed instead of anything else.
    pub(super) fn is_error(&self) -> bool {
        let bare = self.detail.0 || self.message.0 || self.base_resp.0.as_ref().is_some_and(BaseResp::failed);
        let choices = self.choices.as_ref().map_or(&[][..], |choices| &choices.0);
        self.error.0 || (choices.is_empty() && bare) || choices.iter().any(Choice::has_failed)
    }

    /// Usage, wherever it stands.
    pub(super) fn usage(&mut self) -> Option<WireUsage> {
        let in_choice = self.choices.iter().flat_map(|choices| &choices.0).find_map(|choice| choice.usage.0);
        self.usage.0.take().or_else(|| self.x_groq.0.take()?.usage.0).or(in_choice)
    }
}

impl BaseResp {
    pub(super) const fn failed(&self) -> bool {
        self.status_code.0 != 0
    }
}

impl Choice {
    /// What it brings: a stream's delta, an answer's message, or a message where a delta should be; and whether it was a message.
    pub(super) fn brings(&mut self) -> Option<(Delta, bool)> {
        let delta = self.delta.0.take().map(|delta| (delta, false));
        delta.or_else(|| self.message.0.take().map(|message| (message, true)))
    }

    /// Whether there is an error in place of anything that was said. After words it is only an end.
    fn has_failed(&self) -> bool {
        self.error.0 && [&self.delta, &self.message].iter().all(|said| said.0.as_ref().is_none_or(Delta::is_silent))
    }

    /// Whether it has been stopped, or says anything at all.
    pub(super) const fn is_answer(&self) -> bool {
        self.delta.0.is_some() || self.message.0.is_some() || self.finish_reason.0.is_some()
    }
}

impl Delta {
    fn is_silent(&self) -> bool {
        self.content.text.is_empty() && self.tool_calls.0.is_empty()
    }

    /// Reasoning under whichever of its names. Upstreams that send it under two send the same text twice.
    pub(super) fn reasoning(&mut self) -> String {
        let names = [&mut self.reasoning_content.0, &mut self.reasoning.0, &mut self.content.thought];
        if let Some(text) = names.into_iter().find(|text| !text.is_empty()) {
            return std::mem::take(text);
        }
        self.reasoning_details.0.iter().map(|detail| if detail.text.0.is_empty() { &*detail.summary.0 } else { &*detail.text.0 }).collect()
    }

    /// What the text refers to.
    pub(super) fn citations(&mut self) -> impl Iterator<Item = Citation> + use<> {
        std::mem::take(&mut self.annotations).0.into_iter().filter_map(|annotation| {
            let wire = annotation.url_citation.0?;
            let span = wire.start_index.zip(wire.end_index).map(|(start, end)| (start.0, end.0));
            Some(Citation { url: wire.url.0, title: wire.title.0, cited_text: wire.content.0, span })
        })
    }

    /// Pictures.
    pub(super) fn images(&mut self) -> impl Iterator<Item = Media> + use<> {
        std::mem::take(&mut self.images).0.into_iter().filter_map(|picture| {
            let url = picture.image_url.0?.url.0?;
            let source = media::data_url(&url).unwrap_or(Source::Url { url, media_type: None });
            Some(Media { source, name: None, detail: None })
        })
    }
}

impl Call {
    /// What must come back with it.
    pub(super) fn signature(&mut self) -> Option<String> {
        self.extra_content.0.take()?.google.0?.thought_signature.0
    }
}
