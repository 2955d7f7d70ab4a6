//! State that belongs to a tool call (Gemini's `thoughtSignature`). A response has room for opaque state in reasoning items only, so it
//! travels in one of its own, right after the call, which it names.

use crate::conversation::Opaque;

/// Before the call's id; the state follows as [`Opaque::tagged`] writes it. No owner is called so.
const PREFIX: &str = "easyai:1:call:";

/// How [`Opaque::tagged`] begins.
const TAG: &str = "easyai:1:";

/// The `encrypted_content` of the item that carries `state`.
pub(super) fn wrap(call_id: &str, state: &Opaque) -> String {
    format!("{PREFIX}{call_id}:{}", state.tagged())
}

/// The call's id and its state; none for any other `encrypted_content`.
pub(super) fn unwrap(text: &str) -> Option<(&str, Opaque)> {
    let rest = text.strip_prefix(PREFIX)?;
    let at = rest.find(&format!(":{TAG}"))?;
    Some((rest.get(..at)?, Opaque::untagged(rest.get(at + 1..)?)?))
}

/// Whether it was written here, so that nobody else can read it.
pub(super) fn is_ours(text: &str) -> bool {
    text.starts_with(TAG)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::OpaqueOwner;

    #[test]
    fn the_state_of_a_call_comes_back_to_it() {
        let state = Opaque { owner: OpaqueOwner::Gemini, data: "a:b==".to_owned() };
        for id in ["call_1", "a:b", ""] {
            let text = wrap(id, &state);
            assert_eq!(unwrap(&text), Some((id, state.clone())), "{text}");
            assert!(is_ours(&text) && Opaque::untagged(&text).is_none());
        }
        assert_eq!(unwrap(&state.tagged()), None);
        assert_eq!(unwrap("gAAAA"), None);
    }
}
