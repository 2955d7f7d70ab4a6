//! What a turn is made of.

use std::sync::LazyLock;

use easyai_core::kind::Provider;
use memchr::memmem::Finder;

use super::{ToolCall, ToolResult};
use crate::wire::Protocol;

/// One piece of a turn, or of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text.
    Text(Text),
    /// A picture.
    Image(Media),
    /// Sound.
    Audio(Media),
    /// A film.
    Video(Media),
    /// A document.
    File(Media),
    /// The model calls a tool.
    ToolCall(ToolCall),
    /// What the tool answered.
    ToolResult(ToolResult),
    /// The model thinks.
    Reasoning(Reasoning),
    /// The model refuses, in its own words.
    Refusal(String),
}

impl Part {
    /// Appends its text, if it has any.
    pub fn append_text(&self, into: &mut String) {
        match self {
            Self::Text(text) => into.push_str(&text.text),
            Self::Refusal(text) => into.push_str(text),
            Self::Reasoning(reasoning) => into.push_str(&reasoning.text),
            Self::ToolCall(call) => {
                into.push_str(&call.name);
                into.push_str(&call.arguments);
            }
            Self::ToolResult(result) => result.parts.iter().for_each(|part| part.append_text(into)),
            Self::Image(_) | Self::Audio(_) | Self::Video(_) | Self::File(_) => {}
        }
    }
}

/// Text, and what belongs to it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Text {
    /// The text.
    pub text: String,
    /// What it refers to; only in answers.
    pub citations: Vec<Citation>,
    /// State that the provider wants back with this text (Gemini's `thoughtSignature`).
    pub opaque: Option<Opaque>,
}

impl Text {
    /// Text alone.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), citations: Vec::new(), opaque: None }
    }
}

/// Where a statement of an answer comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Citation {
    /// The page.
    pub url: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// The words of the source.
    pub cited_text: Option<String>,
    /// Which characters of the answer's text it supports, from and to.
    pub span: Option<(u64, u64)>,
}

/// Something that is no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// Where it is.
    pub source: Source,
    /// What a file is called.
    pub name: Option<String>,
    /// How closely to look at a picture, in OpenAI's words (`low`, `high`, `auto`).
    pub detail: Option<String>,
}

/// Where something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Here, as base64.
    Inline {
        /// Such as `image/png`.
        media_type: String,
        /// Standard base64, as it came.
        data: String,
    },
    /// Behind a URL that the provider fetches.
    Url {
        /// The address.
        url: String,
        /// What the caller says it is, if it does.
        media_type: Option<String>,
    },
    /// Stored at the caller's own provider: nobody else can read it.
    Stored(String),
}

/// What the model thought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reasoning {
    /// For people to read; may be empty.
    pub text: String,
    /// What the provider wants back, unchanged, in the next turn.
    pub opaque: Option<Opaque>,
}

/// In tagged state, and in the ids of items that we made.
static OURS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("easyai"));

/// `easyai:1:` in base64.
static OURS_IN_BASE64: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("ZWFzeWFpOjE6"));

static GOOGLES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"extra_content\""));

/// State that only its owner can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opaque {
    /// Who made it. It is never sent to anybody else (`providers.md` section 2.6).
    pub owner: OpaqueOwner,
    /// As it came.
    pub data: String,
}

easyai_core::words! {
    /// Who made a piece of opaque state. Written into what callers carry for us, so the words never change.
    pub enum OpaqueOwner as "owner of opaque state" {
        /// A thinking block's `signature`.
        AnthropicSignature = "anthropic_signature",
        /// A `redacted_thinking` block's `data`.
        AnthropicRedacted = "anthropic_redacted",
        /// A `thoughtSignature`.
        Gemini = "gemini",
        /// A reasoning item's `encrypted_content`.
        Openai = "openai",
        /// The same of a platform of Volcengine Ark, which OpenAI could not read.
        Ark = "ark",
    }
}

impl Opaque {
    /// The same as a platform of `provider` gave it: Ark's is not OpenAI's, though both call it by one name.
    #[must_use]
    pub fn given_by(self, provider: Provider) -> Self {
        let owner = if provider == Provider::Volces && self.owner == OpaqueOwner::Openai { OpaqueOwner::Ark } else { self.owner };
        Self { owner, ..self }
    }

    /// As one text, for protocols that have room for one text of their own only. [`Opaque::untagged`] reads it back.
    #[must_use]
    pub fn tagged(&self) -> String {
        format!("easyai:1:{}:{}", self.owner, self.data)
    }

    /// Whether a body may hold what [`Opaque::tagged`] wrote (in base64, where Google's SDKs carry it), ids of our own items, or Google's
    /// state as a chat carries it: none of these means anything to an upstream of the caller's own protocol. It looks at every byte of a
    /// body that passes through, and so for as little as it can.
    #[must_use]
    pub fn may_be_tagged_in(protocol: Protocol, body: &[u8]) -> bool {
        let holds = |finder: &Finder<'_>| finder.find(body).is_some();
        match protocol {
            // A chat has room for no other: ours lies in the same member.
            Protocol::Chat => holds(&GOOGLES),
            Protocol::Responses | Protocol::Compaction | Protocol::Messages => holds(&OURS),
            Protocol::GenerateContent => holds(&OURS_IN_BASE64),
            Protocol::Completions
            | Protocol::Embeddings
            | Protocol::Moderations
            | Protocol::Rerank
            | Protocol::Images
            | Protocol::ImageEdits
            | Protocol::Videos
            | Protocol::Speech
            | Protocol::Transcriptions
            | Protocol::Translations => false,
        }
    }

    /// Reads what [`Opaque::tagged`] wrote; none for what somebody else wrote.
    #[must_use]
    pub fn untagged(text: &str) -> Option<Self> {
        let (owner, data) = text.strip_prefix("easyai:1:")?.split_once(':')?;
        Some(Self { owner: owner.parse().ok()?, data: data.to_owned() })
    }
}
