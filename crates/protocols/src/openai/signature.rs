//! `extra_content.google.thought_signature` of a tool call: Google's own convention for what must come back with a call, and our carrier
//! for what any other provider wants back (`providers.md` section 2.6).

use std::borrow::Cow;

use crate::conversation::{Opaque, OpaqueOwner};

/// Reads a signature. Untagged, it is Gemini's own.
pub(crate) fn read(data: String) -> Opaque {
    Opaque::untagged(&data).unwrap_or(Opaque { owner: OpaqueOwner::Gemini, data })
}

/// Writes a signature: Gemini's as it is, so that callers may take it to Google's own endpoint too.
pub(crate) fn write(opaque: &Opaque) -> Cow<'_, str> {
    match opaque.owner {
        OpaqueOwner::Gemini => Cow::Borrowed(&opaque.data),
        OpaqueOwner::AnthropicSignature | OpaqueOwner::AnthropicRedacted | OpaqueOwner::Openai | OpaqueOwner::Ark => {
            Cow::Owned(opaque.tagged())
        }
    }
}

/// `extra_content` with a signature in it.
#[derive(serde::Serialize)]
pub(crate) struct ExtraContent<'a> {
    google: GoogleContent<'a>,
}

#[derive(serde::Serialize)]
struct GoogleContent<'a> {
    thought_signature: Cow<'a, str>,
}

impl<'a> ExtraContent<'a> {
    /// Around a signature.
    pub(crate) fn of(opaque: &'a Opaque) -> Self {
        Self { google: GoogleContent { thought_signature: write(opaque) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_comes_back_to_its_owner() {
        for owner in OpaqueOwner::ALL {
            let opaque = Opaque { owner: *owner, data: "AbC/+=:1".to_owned() };
            assert_eq!(read(write(&opaque).into_owned()), opaque);
        }
    }
}
