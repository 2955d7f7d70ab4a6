//! A caller's body in the inner form.
//!
//! What belongs to Google alone is kept apart. What means something (a cached prompt, Google's own tools, pictures and sound in the
//! answer, executed code) goes to `only_here`; what only tunes (safety thresholds, resolutions, labels) to `tuning`.
//!
//! Whether the answer is streamed stands in the path: [`Conversation::stream`] is false here, and is to be set by whoever knows it.

pub(crate) mod field;

mod config;
mod tools;
mod turns;
mod wire;

use self::field::{Place, elements, parse};
use self::wire::{Body, Content, Part};
use crate::conversation::Conversation;
use crate::request::BadRequest;

/// Reads a body.
///
/// # Errors
/// [`BadRequest`] names the first field that is wrong.
pub fn read_request(body: &[u8]) -> Result<Conversation, BadRequest> {
    let body: Body<'_> = parse(body)?;
    let mut conversation = Conversation { choices: 1, ..Conversation::default() };
    let place = Place::body();
    system(&body, &mut conversation)?;
    turns::read(body.contents, &mut conversation)?;
    tools::read(body.tools, body.tool_config, &mut conversation)?;
    if let Some(raw) = body.generation_config.filter(|raw| raw.get() != "null") {
        config::read(raw, &mut conversation)?;
    }
    conversation.service_tier = place.read::<String>(body.service_tier, "serviceTier")?.and_then(|tier| service_tier(&tier));
    if place.read::<String>(body.cached_content, "cachedContent")?.is_some_and(|name| !name.is_empty()) {
        conversation.only_here.push("cachedContent".to_owned());
    }
    let tuning = [("safetySettings", body.safety_settings), ("store", body.store), ("labels", body.labels)];
    conversation.tuning.extend(tuning.into_iter().filter(|(_, given)| given.is_some()).map(|(name, _)| name));
    Ok(conversation)
}

fn system(body: &Body<'_>, conversation: &mut Conversation) -> Result<(), BadRequest> {
    let place = Place::named("systemInstruction".to_owned());
    let Some(raw) = body.system_instruction.filter(|raw| raw.get() != "null") else { return Ok(()) };
    let content: Content<'_> = place.object(raw)?;
    let parts = place.path("parts");
    for (index, raw) in elements(content.parts, &parts)?.into_iter().enumerate() {
        let place = Place::named(format!("{parts}[{index}]"));
        let part: Part<'_> = place.object(raw)?;
        match place.read::<String>(part.text, "text")? {
            Some(text) if text.is_empty() => {}
            Some(text) => conversation.system.push(text),
            None => conversation.only_here.push(parts.clone()),
        }
    }
    Ok(())
}

/// In OpenAI's words; none for what no other provider has.
fn service_tier(tier: &str) -> Option<String> {
    match tier.to_ascii_lowercase().as_str() {
        "standard" => Some("default".to_owned()),
        tier @ ("flex" | "priority") => Some(tier.to_owned()),
        _unspecified => None,
    }
}

#[cfg(test)]
mod tests;
