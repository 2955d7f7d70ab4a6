//! State of other providers inside Anthropic's fields: `signature` of a thinking block, `data` of a `redacted_thinking` block.
//!
//! | state | written as | read back as |
//! |---|---|---|
//! | Anthropic's own | itself | itself |
//! | another's, of reasoning | a thinking block's signature, tagged | that reasoning's state |
//! | another's, of text or of a call | a `redacted_thinking` block right after it, tagged | that text's or call's state |
//! | none | a thinking block's signature [`NO_STATE`]: SDKs want one | none |

use crate::conversation::{Opaque, OpaqueOwner};

/// The signature of reasoning that came without state. No owner has this name, so nobody is ever sent it.
pub(super) const NO_STATE: &str = "easyai:1:none:";

/// What all texts begin with that the gateway wrote.
pub(super) const OURS: &str = "easyai:";

/// The signature of a thinking block.
pub(super) fn signature(opaque: &Opaque) -> String {
    match opaque.owner {
        OpaqueOwner::AnthropicSignature => opaque.data.clone(),
        OpaqueOwner::AnthropicRedacted | OpaqueOwner::Gemini | OpaqueOwner::Openai | OpaqueOwner::Ark => opaque.tagged(),
    }
}

/// Reads a signature, or the data of a `redacted_thinking` block, whose owner is `owner` if no other is named.
pub(super) fn state(text: &str, owner: OpaqueOwner) -> Option<Opaque> {
    if text.is_empty() {
        return None;
    }
    // What is ours but can't be read, such as the marker above or another version's, belongs to nobody.
    Opaque::untagged(text).or_else(|| (!text.starts_with(OURS)).then(|| Opaque { owner, data: text.to_owned() }))
}
