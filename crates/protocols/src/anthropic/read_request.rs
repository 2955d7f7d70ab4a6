//! A caller's request into the inner form: strict where we act, and every field that is wrong is named by its path.
//!
//! What only Anthropic understands is named in [`Conversation::only_here`]; what only tunes in [`Conversation::tuning`].
//!
//! Source: `providers.md` sections 2 and 9.1.

mod ask;
mod member;
mod source;
mod tool;
mod turn;

use self::ask::{end_user, output, reasoning, sampling};
use self::member::{Given, Object};
use self::tool::{tool_choice, tools};
use self::turn::{system, turns};
use crate::conversation::Conversation;
use crate::request::BadRequest;

/// Reads the body of `POST /v1/messages` or of `POST /v1/messages/count_tokens`.
///
/// # Errors
/// [`BadRequest`] names the first field that is wrong.
pub fn read_request(body: &[u8]) -> Result<Conversation, BadRequest> {
    let body = Object::whole(body)?;
    let mut found = Found::default();
    let system = system(&body, &mut found)?;
    let turns = turns(&body, &mut found)?;
    let tools = tools(&body, &mut found)?;
    let (tool_choice, parallel_tool_calls) = tool_choice(&body)?;
    let service_tier = service_tier(&body)?;
    other_members(&body, &mut found)?;
    Ok(Conversation {
        system,
        turns,
        tools,
        tool_choice,
        parallel_tool_calls,
        output: output(&body)?,
        reasoning: reasoning(&body)?,
        sampling: sampling(&body)?,
        max_output_tokens: body.get("max_tokens").map(Given::positive).transpose()?,
        choices: 1,
        logprobs: None,
        audio_output: false,
        verbosity: None,
        end_user: end_user(&body)?,
        service_tier,
        cache_key: None,
        stream: body.get("stream").map(Given::boolean).transpose()?.unwrap_or(false),
        tuning: found.tuning,
        only_here: found.only_here,
    })
}

/// What was found that others can't be told.
#[derive(Debug, Default)]
struct Found {
    tuning: Vec<&'static str>,
    only_here: Vec<String>,
}

impl Found {
    fn tunes(&mut self, name: &'static str) {
        if !self.tuning.contains(&name) {
            self.tuning.push(name);
        }
    }

    /// A thing that means something to Anthropic alone: where it is, and what it is if that says more.
    fn only_here(&mut self, path: &str, what: &str) {
        self.only_here.push(if what.is_empty() { path.to_owned() } else { format!("{path} ({what})") });
    }

    /// Marks that ask for caching may stand at nearly everything.
    fn cache_control(&mut self, object: &Object<'_>) {
        if object.get("cache_control").is_some() {
            self.tunes("cache_control");
        }
    }
}

/// In OpenAI's words.
fn service_tier(body: &Object<'_>) -> Result<Option<String>, BadRequest> {
    let Some(given) = body.get("service_tier") else { return Ok(None) };
    let tier = given.string()?;
    Ok(Some(if tier == "standard_only" { "default".to_owned() } else { tier.into_owned() }))
}

fn other_members(body: &Object<'_>, found: &mut Found) -> Result<(), BadRequest> {
    found.cache_control(body);
    // These change how much is remembered and how fast the answer comes, not what is asked.
    for name in ["context_management", "speed"] {
        if body.get(name).is_some() {
            found.tunes(name);
        }
    }
    if body.get("container").is_some() {
        found.only_here("container", "");
    }
    if let Some(servers) = body.get("mcp_servers")
        && !servers.array()?.is_empty()
    {
        found.only_here("mcp_servers", "");
    }
    // Where data may be worked on is a promise that only Anthropic can give.
    if let Some(place) = body.get("inference_geo")
        && place.string()? != "global"
    {
        found.only_here("inference_geo", "");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
