//! Opaque state as a part's `thoughtSignature`. Google's own goes as it came. Somebody else's (an Anthropic upstream behind a Gemini
//! caller) is tagged and wrapped in base64, because Google's SDKs take the field for bytes and refuse what does not decode.

use std::borrow::Cow;

use crate::conversation::{Opaque, OpaqueOwner};
use crate::encoded;

/// What Google documents for a signature that was lost: Gemini 3 takes it in place of a real one.
pub(super) const LOST: &str = "skip_thought_signature_validator";

/// As a caller's `thoughtSignature`.
pub(super) fn write(opaque: &Opaque) -> Cow<'_, str> {
    match opaque.owner {
        OpaqueOwner::Gemini => Cow::Borrowed(&opaque.data),
        OpaqueOwner::AnthropicSignature | OpaqueOwner::AnthropicRedacted | OpaqueOwner::Openai | OpaqueOwner::Ark => {
            Cow::Owned(encoded::encode(opaque.tagged().as_bytes()))
        }
    }
}

/// Nobody's state, tagged and in base64: on an empty part that Google must not be sent back. A turn that holds it is written anew.
pub(super) const NOBODYS: &str = "ZWFzeWFpOjE6bm9uZTo=";

/// Reads a caller's `thoughtSignature`.
pub(super) fn read(signature: String) -> Option<Opaque> {
    if signature == NOBODYS {
        return None;
    }
    let foreign = encoded::decode(&signature).and_then(|bytes| String::from_utf8(bytes).ok()).and_then(|text| Opaque::untagged(&text));
    Some(foreign.unwrap_or(Opaque { owner: OpaqueOwner::Gemini, data: signature }))
}

/// The signature for a Gemini upstream: nobody else's state is sent to it.
pub(super) fn own(opaque: Option<&Opaque>) -> Option<&str> {
    opaque.filter(|opaque| opaque.owner == OpaqueOwner::Gemini).map(|opaque| opaque.data.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_comes_back_to_its_owner() {
        for owner in OpaqueOwner::ALL {
            let opaque = Opaque { owner: *owner, data: "EqQ+/==:x".to_owned() };
            let written = write(&opaque).into_owned();
            assert_eq!(written == opaque.data, *owner == OpaqueOwner::Gemini);
            assert_eq!(read(written), Some(opaque.clone()));
            assert_eq!(own(Some(&opaque)).is_some(), *owner == OpaqueOwner::Gemini);
        }
    }
}
