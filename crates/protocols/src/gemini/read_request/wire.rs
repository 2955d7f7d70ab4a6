//! A caller's body, field by field, in either spelling. Each is read where it is acted on, so that the wrong one can be named.

use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

type Raw<'a> = Option<&'a RawValue>;

#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Body<'a> {
    #[serde(borrow)]
    pub(super) contents: Raw<'a>,
    #[serde(borrow, alias = "system_instruction")]
    pub(super) system_instruction: Raw<'a>,
    #[serde(borrow)]
    pub(super) tools: Raw<'a>,
    #[serde(borrow, alias = "tool_config")]
    pub(super) tool_config: Raw<'a>,
    #[serde(borrow, alias = "generation_config")]
    pub(super) generation_config: Raw<'a>,
    #[serde(borrow, alias = "service_tier")]
    pub(super) service_tier: Raw<'a>,
    #[serde(borrow, alias = "cached_content")]
    pub(super) cached_content: Raw<'a>,
    #[serde(alias = "safety_settings")]
    pub(super) safety_settings: Option<IgnoredAny>,
    pub(super) store: Option<IgnoredAny>,
    pub(super) labels: Option<IgnoredAny>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Content<'a> {
    #[serde(borrow)]
    pub(super) role: Raw<'a>,
    #[serde(borrow)]
    pub(super) parts: Raw<'a>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Part<'a> {
    #[serde(borrow)]
    pub(super) text: Raw<'a>,
    pub(super) thought: Option<bool>,
    #[serde(borrow, alias = "thought_signature")]
    pub(super) thought_signature: Raw<'a>,
    #[serde(borrow, alias = "inline_data")]
    pub(super) inline_data: Raw<'a>,
    #[serde(borrow, alias = "file_data")]
    pub(super) file_data: Raw<'a>,
    #[serde(borrow, alias = "function_call")]
    pub(super) function_call: Raw<'a>,
    #[serde(borrow, alias = "function_response")]
    pub(super) function_response: Raw<'a>,
    #[serde(borrow, alias = "video_metadata")]
    pub(super) video_metadata: Raw<'a>,
    #[serde(borrow, alias = "media_resolution")]
    pub(super) media_resolution: Raw<'a>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct InlineData<'a> {
    #[serde(borrow, alias = "mime_type")]
    pub(super) mime_type: Raw<'a>,
    #[serde(borrow)]
    pub(super) data: Raw<'a>,
    #[serde(borrow, alias = "display_name")]
    pub(super) display_name: Raw<'a>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct FileData<'a> {
    #[serde(borrow, alias = "mime_type")]
    pub(super) mime_type: Raw<'a>,
    #[serde(borrow, alias = "file_uri")]
    pub(super) file_uri: Raw<'a>,
    #[serde(borrow, alias = "display_name")]
    pub(super) display_name: Raw<'a>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct FunctionCall<'a> {
    #[serde(borrow)]
    pub(super) id: Raw<'a>,
    #[serde(borrow)]
    pub(super) name: Raw<'a>,
    #[serde(borrow)]
    pub(super) args: Raw<'a>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct FunctionResponse<'a> {
    #[serde(borrow)]
    pub(super) id: Raw<'a>,
    #[serde(borrow)]
    pub(super) name: Raw<'a>,
    #[serde(borrow)]
    pub(super) response: Raw<'a>,
    #[serde(borrow)]
    pub(super) parts: Raw<'a>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct FunctionDeclaration<'a> {
    #[serde(borrow)]
    pub(super) name: Raw<'a>,
    #[serde(borrow)]
    pub(super) description: Raw<'a>,
    pub(super) parameters: Option<Value>,
    #[serde(alias = "parameters_json_schema")]
    pub(super) parameters_json_schema: Option<Value>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ToolConfig<'a> {
    #[serde(borrow, alias = "function_calling_config")]
    pub(super) function_calling_config: Raw<'a>,
    #[serde(alias = "retrieval_config")]
    pub(super) retrieval_config: Option<IgnoredAny>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct FunctionCallingConfig<'a> {
    #[serde(borrow)]
    pub(super) mode: Raw<'a>,
    #[serde(borrow, alias = "allowed_function_names")]
    pub(super) allowed_function_names: Raw<'a>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct GenerationConfig<'a> {
    #[serde(borrow, alias = "stop_sequences")]
    pub(super) stop_sequences: Raw<'a>,
    #[serde(borrow, alias = "response_mime_type")]
    pub(super) response_mime_type: Raw<'a>,
    #[serde(alias = "response_schema")]
    pub(super) response_schema: Option<Value>,
    #[serde(alias = "response_json_schema", alias = "_responseJsonSchema")]
    pub(super) response_json_schema: Option<Value>,
    #[serde(borrow, alias = "response_modalities")]
    pub(super) response_modalities: Raw<'a>,
    #[serde(borrow, alias = "candidate_count")]
    pub(super) candidate_count: Raw<'a>,
    #[serde(borrow, alias = "max_output_tokens")]
    pub(super) max_output_tokens: Raw<'a>,
    #[serde(borrow)]
    pub(super) temperature: Raw<'a>,
    #[serde(borrow, alias = "top_p")]
    pub(super) top_p: Raw<'a>,
    #[serde(borrow, alias = "top_k")]
    pub(super) top_k: Raw<'a>,
    #[serde(borrow)]
    pub(super) seed: Raw<'a>,
    #[serde(borrow, alias = "presence_penalty")]
    pub(super) presence_penalty: Raw<'a>,
    #[serde(borrow, alias = "frequency_penalty")]
    pub(super) frequency_penalty: Raw<'a>,
    #[serde(borrow, alias = "response_logprobs")]
    pub(super) response_logprobs: Raw<'a>,
    #[serde(borrow)]
    pub(super) logprobs: Raw<'a>,
    #[serde(borrow, alias = "thinking_config")]
    pub(super) thinking_config: Raw<'a>,
    #[serde(alias = "speech_config")]
    pub(super) speech_config: Option<IgnoredAny>,
    #[serde(alias = "image_config")]
    pub(super) image_config: Option<IgnoredAny>,
    #[serde(alias = "media_resolution")]
    pub(super) media_resolution: Option<IgnoredAny>,
    #[serde(alias = "enable_enhanced_civic_answers")]
    pub(super) enable_enhanced_civic_answers: Option<IgnoredAny>,
    #[serde(alias = "audio_timestamp")]
    pub(super) audio_timestamp: Option<IgnoredAny>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ThinkingConfig<'a> {
    #[serde(borrow, alias = "include_thoughts")]
    pub(super) include_thoughts: Raw<'a>,
    #[serde(borrow, alias = "thinking_budget")]
    pub(super) thinking_budget: Raw<'a>,
    #[serde(borrow, alias = "thinking_level")]
    pub(super) thinking_level: Raw<'a>,
}
