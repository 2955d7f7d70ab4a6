//! What the answer must be like: its form, how much to think, dice and bounds.

use super::member::{Given, Object};
use crate::conversation::{Effort, OutputFormat, ReasoningAsk, Sampling};
use crate::request::BadRequest;

/// `output_config.format`, or what it was called in its beta.
pub(super) fn output(body: &Object<'_>) -> Result<OutputFormat, BadRequest> {
    let config = body.get("output_config").map(Given::object).transpose()?;
    let Some(given) = config.and_then(|config| config.get("format")).or_else(|| body.get("output_format")) else {
        return Ok(OutputFormat::Text);
    };
    let format = given.object()?;
    match &*format.kind("send `json_schema`")? {
        "json_schema" => Ok(OutputFormat::JsonSchema {
            name: format.get("name").map(Given::string).transpose()?.map(|name| name.into_owned()),
            description: None,
            schema: format.need("schema", "send the JSON schema of the answer")?.schema()?,
            strict: Some(true),
        }),
        _other => Err(BadRequest::field(&format!("{}.type", format.path()), "must be `json_schema`")),
    }
}

pub(super) fn reasoning(body: &Object<'_>) -> Result<Option<ReasoningAsk>, BadRequest> {
    let effort = effort(body)?;
    let Some(given) = body.get("thinking") else {
        return Ok(effort.map(|effort| ReasoningAsk { effort: Some(effort), ..ReasoningAsk::default() }));
    };
    let thinking = given.object()?;
    let show = thinking.get("display").map(Given::string).transpose()?.is_none_or(|display| display != "omitted");
    match &*thinking.kind("send `enabled`, `adaptive` or `disabled`")? {
        "disabled" => Ok(Some(ReasoningAsk { effort: Some(Effort::None), budget_tokens: None, show: false })),
        "adaptive" => Ok(Some(ReasoningAsk { effort, budget_tokens: None, show })),
        "enabled" => {
            let budget = thinking.need("budget_tokens", "say how many tokens the thinking may have")?.positive()?;
            Ok(Some(ReasoningAsk { effort, budget_tokens: Some(budget), show }))
        }
        _other => Err(BadRequest::field("thinking.type", "must be `enabled`, `adaptive` or `disabled`")),
    }
}

fn effort(body: &Object<'_>) -> Result<Option<Effort>, BadRequest> {
    let config = body.get("output_config").map(Given::object).transpose()?;
    let Some(given) = config.and_then(|config| config.get("effort")) else { return Ok(None) };
    let wrong = given.must_be("`low`, `medium`, `high`, `xhigh` or `max`");
    given.string()?.parse().map(Some).map_err(|_| wrong)
}

pub(super) fn sampling(body: &Object<'_>) -> Result<Sampling, BadRequest> {
    Ok(Sampling {
        temperature: body.get("temperature").map(Given::number).transpose()?,
        top_p: body.get("top_p").map(Given::number).transpose()?,
        top_k: body.get("top_k").map(Given::whole_number).transpose()?,
        stop: body.get("stop_sequences").map(Given::strings).transpose()?.unwrap_or_default(),
        ..Sampling::default()
    })
}

pub(super) fn end_user(body: &Object<'_>) -> Result<Option<String>, BadRequest> {
    let metadata = body.get("metadata").map(Given::object).transpose()?;
    let Some(given) = metadata.and_then(|metadata| metadata.get("user_id")) else { return Ok(None) };
    Ok(Some(given.string()?.into_owned()))
}
