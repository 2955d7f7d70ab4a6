//! The body, as it is written. Fields that say nothing are left out: OpenAI refuses what a model does not know, even if it is null.

use std::borrow::Cow;

use serde_json::Value;

use crate::conversation::Effort;
use crate::openai::signature::ExtraContent;

#[derive(serde::Serialize)]
pub(super) struct Body<'a> {
    pub(super) model: &'a str,
    pub(super) messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning_effort: Option<Effort>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thinking: Option<Thinking>,
    #[serde(flatten)]
    pub(super) sampling: SamplingFields,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response_format: Option<ResponseFormat<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parallel_tool_calls: Option<bool>,
    #[serde(flatten)]
    pub(super) extras: Extras<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream_options: Option<StreamOptions>,
}

#[derive(serde::Serialize)]
pub(super) struct Thinking {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
}

#[derive(serde::Serialize)]
pub(super) struct StreamOptions {
    pub(super) include_usage: bool,
}

#[derive(serde::Serialize, Default)]
pub(super) struct SamplingFields {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seed: Option<i64>,
}

/// What only some upstreams take.
#[derive(serde::Serialize, Default)]
pub(super) struct Extras<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) verbosity: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) safety_identifier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prompt_cache_key: Option<&'a str>,
}

#[derive(serde::Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ResponseFormat<'a> {
    JsonObject,
    JsonSchema { json_schema: JsonSchema<'a> },
}

#[derive(serde::Serialize)]
pub(super) struct JsonSchema<'a> {
    pub(super) name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<&'a str>,
    pub(super) schema: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) strict: Option<bool>,
}

#[derive(serde::Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Tool<'a> {
    Function { function: Function<'a> },
    Custom { custom: Custom<'a> },
}

#[derive(serde::Serialize)]
pub(super) struct Function<'a> {
    pub(super) name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parameters: Option<Cow<'a, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) strict: Option<bool>,
}

#[derive(serde::Serialize)]
pub(super) struct Custom<'a> {
    pub(super) name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<Cow<'a, Value>>,
}

#[derive(serde::Serialize)]
#[serde(untagged)]
pub(super) enum Choice<'a> {
    Word(&'static str),
    Named(NamedTool<'a>),
    Among {
        #[serde(rename = "type")]
        kind: &'static str,
        allowed_tools: Allowed<'a>,
    },
}

#[derive(serde::Serialize)]
pub(super) struct Allowed<'a> {
    pub(super) mode: &'static str,
    pub(super) tools: Vec<NamedTool<'a>>,
}

#[derive(serde::Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum NamedTool<'a> {
    Function { function: Name<'a> },
    Custom { custom: Name<'a> },
}

#[derive(serde::Serialize)]
pub(super) struct Name<'a> {
    pub(super) name: &'a str,
}

#[derive(serde::Serialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub(super) enum Message<'a> {
    System {
        content: Cow<'a, str>,
    },
    Developer {
        content: Cow<'a, str>,
    },
    User {
        content: Content<'a>,
    },
    Assistant {
        content: Option<Cow<'a, str>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reasoning_content: Option<Cow<'a, str>>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<Call<'a>>,
    },
    Tool {
        tool_call_id: &'a str,
        content: Cow<'a, str>,
    },
}

#[derive(serde::Serialize)]
#[serde(untagged)]
pub(super) enum Content<'a> {
    Text(&'a str),
    Parts(Vec<Part<'a>>),
}

#[derive(serde::Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Part<'a> {
    Text { text: Cow<'a, str> },
    ImageUrl { image_url: Image<'a> },
    InputAudio { input_audio: Audio<'a> },
    VideoUrl { video_url: Video<'a> },
    File { file: File<'a> },
}

#[derive(serde::Serialize)]
pub(super) struct Image<'a> {
    pub(super) url: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<&'a str>,
}

#[derive(serde::Serialize)]
pub(super) struct Video<'a> {
    pub(super) url: Cow<'a, str>,
}

/// Here, or behind a URL; the second is Ark's.
#[derive(serde::Serialize)]
#[serde(untagged)]
pub(super) enum Audio<'a> {
    Data { data: &'a str, format: &'static str },
    Url { url: &'a str },
}

#[derive(serde::Serialize)]
pub(super) struct File<'a> {
    pub(super) filename: &'a str,
    pub(super) file_data: Cow<'a, str>,
}

#[derive(serde::Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Call<'a> {
    Function {
        id: &'a str,
        function: Called<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        extra_content: Option<ExtraContent<'a>>,
    },
    Custom {
        id: &'a str,
        custom: CalledCustom<'a>,
    },
}

#[derive(serde::Serialize)]
pub(super) struct Called<'a> {
    pub(super) name: &'a str,
    pub(super) arguments: Cow<'a, str>,
}

#[derive(serde::Serialize)]
pub(super) struct CalledCustom<'a> {
    pub(super) name: &'a str,
    pub(super) input: &'a str,
}
