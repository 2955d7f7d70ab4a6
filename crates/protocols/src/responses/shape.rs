//! A caller's body on its way to an upstream that speaks Responses too: all bytes stay, but for what that upstream would refuse.
//!
//! | what | to whom | becomes |
//! |---|---|---|
//! | reasoning with state that we carry for somebody else | all | left out: it means nothing there (`providers.md` section 2.6) |
//! | `messages` in place of `input` | all | written anew: no upstream knows it |
//! | `reasoning.effort` none, xhigh, max | Ark | `thinking` disabled, `high` |
//! | `instructions` beside `caching` | Ark | a leading system item: they exclude each other (section 7.3) |

use std::sync::LazyLock;

use bytes::Bytes;
use easyai_core::kind::Provider;
use memchr::memmem::Finder;
use serde::Serialize;
use serde_json::value::RawValue;

use super::call_state;
use super::members::Members;
use super::read_request::read_request;
use super::write_request::write_request;
use crate::conversation::{Effort, Notes, Opaque, OpaqueOwner};
use crate::openai::dialect::{AskedEffort, Dialect};
use crate::wire::Target;

/// How state begins that we carry for somebody. A text that holds it has its quotes escaped.
static OURS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"easyai:1:"));

static MESSAGES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"messages\""));

/// The body for `target`, and what was changed; none if it may go on as it came. The model's name is not touched, unless all is written
/// anew.
#[must_use]
pub fn shape(body: &Bytes, target: &Target<'_>) -> Option<(Bytes, Notes)> {
    let ark = target.provider == Provider::Volces;
    // Most bodies are not even parsed.
    if !ark && OURS.find(body).is_none() && MESSAGES.find(body).is_none() {
        return None;
    }
    let mut members: Members<'_> = serde_json::from_slice(body).ok()?;
    if !members.has("input") && members.has("messages") {
        let written = write_request(&read_request(body).ok()?, target).ok()?;
        return Some((written.body, written.notes));
    }
    let mut notes = Notes::default();
    let mut changed = own_state_only(&mut members, ark);
    if ark {
        changed |= effort(&mut members, &mut notes);
        changed |= instructions(&mut members, &mut notes);
    }
    changed.then(|| (members.written(), notes))
}

/// Leaves out the reasoning items whose state is somebody else's. Not noted: nothing is lost that was of use there.
fn own_state_only(members: &mut Members<'_>, ark: bool) -> bool {
    let Some(input) = members.get("input") else { return false };
    let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(input.get()) else { return false };
    let mut changed = false;
    let kept: Vec<Kept<'_>> = items.into_iter().filter_map(|item| keep(item, ark, &mut changed)).collect();
    if !changed {
        return false;
    }
    let kept = serde_json::value::to_raw_value(&kept);
    kept.is_ok_and(|kept| {
        members.set("input", &kept);
        true
    })
}

/// An item that goes on.
#[derive(Serialize)]
#[serde(untagged)]
enum Kept<'a> {
    AsItCame(&'a RawValue),
    Changed(Members<'a>),
}

fn keep<'a>(item: &'a RawValue, ark: bool, changed: &mut bool) -> Option<Kept<'a>> {
    #[derive(serde::Deserialize)]
    struct Stateful {
        encrypted_content: String,
    }
    // Nothing else has such a field.
    let Ok(Stateful { encrypted_content: state }) = serde_json::from_str(item.get()) else { return Some(Kept::AsItCame(item)) };
    // Without a tag it may be the upstream's own: that went through us as it was.
    if !call_state::is_ours(&state) {
        return Some(Kept::AsItCame(item));
    }
    *changed = true;
    let owner = if ark { OpaqueOwner::Ark } else { OpaqueOwner::Openai };
    let own = Opaque::untagged(&state).filter(|state| state.owner == owner)?;
    let mut members: Members<'_> = serde_json::from_str(item.get()).ok()?;
    members.set("encrypted_content", &own.data);
    Some(Kept::Changed(members))
}

fn effort(members: &mut Members<'_>, notes: &mut Notes) -> bool {
    #[derive(serde::Serialize)]
    struct Thinking {
        #[serde(rename = "type")]
        kind: &'static str,
    }
    let Some(raw) = members.get("reasoning") else { return false };
    let Ok(mut reasoning) = serde_json::from_str::<Members<'_>>(raw.get()) else { return false };
    let Some(asked) = reasoning.text("effort").and_then(|effort| effort.parse::<Effort>().ok()) else { return false };
    if asked == Effort::None {
        members.remove("reasoning");
        if !members.has("thinking") {
            members.set("thinking", &Thinking { kind: "disabled" });
        }
        notes.changed("reasoning.effort", "`none` became `thinking.type` `disabled`, which is Ark's word for it");
        return true;
    }
    let AskedEffort::Word(known) = Dialect::Ark.effort(asked) else { return false };
    if known == asked {
        return false;
    }
    reasoning.set("effort", &known);
    let reasoning = reasoning.raw();
    members.set("reasoning", &reasoning);
    notes.changed("reasoning.effort", &format!("`{asked}` became `{known}`, the nearest the model knows"));
    true
}

fn instructions(members: &mut Members<'_>, notes: &mut Notes) -> bool {
    #[derive(Serialize)]
    struct Message<'a> {
        role: &'static str,
        content: &'a RawValue,
    }
    #[derive(serde::Deserialize)]
    struct Caching {
        #[serde(rename = "type")]
        kind: String,
    }
    let caching = members.get("caching").and_then(|caching| serde_json::from_str::<Caching>(caching.get()).ok());
    let caches = caching.is_some_and(|caching| caching.kind == "enabled");
    if !caches || members.text("instructions").unwrap_or_default().is_empty() {
        return false;
    }
    let (Some(text), Some(input)) = (members.remove("instructions"), members.remove("input")) else { return false };
    let items = match serde_json::from_str::<Vec<&RawValue>>(input.get()) {
        Ok(items) => serde_json::value::to_raw_value(&Leading(Message { role: "system", content: &text }, items)),
        Err(_) => serde_json::value::to_raw_value(&[Message { role: "system", content: &text }, Message { role: "user", content: &input }]),
    };
    let Ok(items) = items else { return false };
    members.set("input", &items);
    notes.changed("instructions", "became a leading system item: Ark takes none beside `caching`");
    true
}

/// An array: the first, then the rest.
struct Leading<'a, T>(T, Vec<&'a RawValue>);

impl<T: Serialize> Serialize for Leading<'_, T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq;
        let mut seq = serializer.serialize_seq(Some(self.1.len() + 1))?;
        seq.serialize_element(&self.0)?;
        self.1.iter().try_for_each(|item| seq.serialize_element(item))?;
        seq.end()
    }
}

#[cfg(test)]
mod tests;
