//! Ids of calls and names of tools, as the Messages API takes them.

use std::borrow::Cow;

/// The id of a call. Other providers' may hold letters that are refused here; the same id gives the same result on the call and on its
/// answer, in every request, so that prompt caches hold.
pub(super) fn call_id(id: &str) -> Cow<'_, str> {
    if is_plain(id) {
        return Cow::Borrowed(id);
    }
    let plain: String = id.chars().map(|letter| if is_plain_letter(letter) { letter } else { '_' }).collect();
    // So that `a.b` and `a_b` stay two.
    Cow::Owned(format!("{plain}_{:08x}", checksum(id)))
}

/// Whether a tool may have this name.
pub(super) fn is_tool_name(name: &str) -> bool {
    is_plain(name) && name.len() <= 128
}

/// A name in the history, of a tool that may be gone by now.
pub(super) fn tool_name(name: &str) -> Cow<'_, str> {
    if is_tool_name(name) { Cow::Borrowed(name) } else { Cow::Owned(call_id(name).chars().take(128).collect()) }
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_plain_letter)
}

const fn is_plain_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-')
}

/// FNV-1a.
fn checksum(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_taken_or_made_so_without_meeting() {
        assert_eq!(call_id("toolu_01-A"), "toolu_01-A");
        assert_eq!(call_id("functions.f:0"), call_id("functions.f:0"));
        let ids = ["a.b", "a:b", "a_b", "", "é"].map(|id| call_id(id).into_owned());
        assert!(ids.iter().all(|id| is_plain(id)), "{ids:?}");
        let mut different = ids.to_vec();
        different.sort();
        different.dedup();
        assert_eq!(different.len(), ids.len(), "{ids:?}");
    }
}
