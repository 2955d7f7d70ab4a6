"""Anthropic's Messages."""

import json
import re

from mocks.check import Refused, image_of, known, must
from mocks.said import Heard, pieces

FIELDS = set(
    "cache_control container context_management inference_geo max_tokens mcp_servers messages metadata model output_config service_tier"
    " stop_sequences stream system temperature thinking tool_choice tools top_k top_p".split()
)
NOT_COUNTED = {"max_tokens", "stream", "temperature", "top_p", "top_k", "stop_sequences", "metadata", "service_tier"}
EXTRA = "{field}: Extra inputs are not permitted"
TOOL_ID = re.compile(r"[A-Za-z0-9_-]+")
NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
BLOCK = {
    "text": {"type", "text", "cache_control", "citations"},
    "image": {"type", "source", "cache_control"},
    "tool_use": {"type", "id", "name", "input", "cache_control", "caller"},
    "tool_result": {"type", "tool_use_id", "content", "is_error", "cache_control"},
    "thinking": {"type", "thinking", "signature"},
    "redacted_thinking": {"type", "data"},
}
TOOL = set("type name description input_schema strict cache_control eager_input_streaming defer_loading allowed_callers input_examples".split())
# What a schema of structured output may not hold.
REFUSED_IN_SCHEMAS = "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern minItems maxItems uniqueItems not oneOf".split()


def hear(body, heard: Heard, opaque, counting=False):
    known(body, FIELDS - NOT_COUNTED if counting else FIELDS, "", EXTRA)
    heard.stream = body.get("stream") is True
    heard.limit = body.get("max_tokens")
    if not counting:
        must(isinstance(heard.limit, int), "max_tokens: Field required")
        most = 128_000 if adaptive(heard.family) else 64_000
        must(0 < heard.limit <= most, f"max_tokens: {heard.limit} > {most}, which is the maximum allowed number of output tokens for {heard.family}")
    _system(body.get("system"), heard)
    _tools(body, heard)
    _thinking(body, heard)
    _sampling(body, heard)
    _output(body.get("output_config") or {}, heard)
    turns = _turns(body.get("messages"))
    for at, (role, blocks) in enumerate(turns):
        _turn(turns, at, role, blocks, heard, opaque)
    _last(turns, body, heard)
    heard.fields = tuple(body)


def adaptive(family):
    return any(name in family for name in ("opus-4-6", "opus-4-7", "opus-4-8", "opus-5", "sonnet-4-6", "sonnet-5"))


def _system(system, heard):
    if isinstance(system, str):
        heard.system.append(system)
        return
    for at, block in enumerate(system or []):
        known(block, BLOCK["text"], f"system.{at}", EXTRA)
        must(block.get("type") == "text", f"system.{at}.type: Input should be 'text'")
        must(block.get("text"), "system: text content blocks must be non-empty")
        heard.system.append(block["text"])


def _tools(body, heard):
    for at, tool in enumerate(body.get("tools") or []):
        where = f"tools.{at}.custom"
        known(tool, TOOL, where, EXTRA)
        must(tool.get("type", "custom") == "custom", f"tools.{at}.type: {tool.get('type')!r}")
        must(NAME.fullmatch(tool.get("name") or ""), f"{where}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
        schema = tool.get("input_schema")
        must(isinstance(schema, dict), f"{where}.input_schema: Field required")
        must(schema.get("type") == "object", f"{where}.input_schema.type: Field required")
        must(tool["name"] not in heard.tools, "tools: Tool names must be unique.")
        heard.tools[tool["name"]] = schema
    choice = body.get("tool_choice")
    if choice is None:
        return
    must(heard.tools, "tool_choice: tool_choice may only be specified while providing tools.")
    must(isinstance(choice, dict) and choice.get("type") in ("auto", "any", "tool", "none"), "tool_choice: Input should be a valid dictionary")
    known(choice, {"type", "name", "disable_parallel_tool_use"}, "tool_choice", EXTRA)
    if "disable_parallel_tool_use" in choice:
        must(choice["type"] != "none", "tool_choice.none.disable_parallel_tool_use: Extra inputs are not permitted")
        heard.parallel = not choice["disable_parallel_tool_use"]
    if choice["type"] == "tool":
        must(choice.get("name") in heard.tools, f"Tool '{choice.get('name')}' not found in provided tools")
    heard.choice = choice["name"] if choice["type"] == "tool" else choice["type"]


def _thinking(body, heard):
    thinking = body.get("thinking") or {"type": "disabled"}
    kind = thinking.get("type")
    must(kind in ("enabled", "disabled", "adaptive"), "thinking: Input tag does not match 'adaptive', 'disabled', 'enabled'")
    known(thinking, {"type", "budget_tokens", "display"}, f"thinking.{kind}", EXTRA)
    if kind == "disabled":
        return
    if kind == "adaptive":
        must(adaptive(heard.family), "adaptive thinking is not supported on this model")
    else:
        must("opus-4-8" not in heard.family, '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive".')
        budget = thinking.get("budget_tokens")
        must(isinstance(budget, int), "thinking.enabled.budget_tokens: Field required")
        must(budget >= 1024, "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        must(heard.limit is None or heard.limit > budget, "`max_tokens` must be greater than `thinking.budget_tokens`.")
    must(heard.choice in (None, "auto", "none"), "Thinking may not be enabled when tool_choice forces tool use.")
    heard.thinks = True
    newest = "opus-4-7" in heard.family or "opus-4-8" in heard.family
    heard.shows = thinking.get("display", "omitted" if newest else "summarized") == "summarized"


def _sampling(body, heard):
    given = [name for name in ("temperature", "top_p", "top_k") if body.get(name) is not None]
    if "opus-4-8" in heard.family:
        must(not given, f"`{given and given[0]}` is not supported for this model.")
    must(not {"temperature", "top_p"} <= set(given), "`temperature` and `top_p` cannot both be specified for this model. Please use only one.")
    must(0 <= (body.get("temperature") or 0) <= 1, "temperature: range: 0..1")
    if heard.thinks:
        must(body.get("temperature") in (None, 1), "`temperature` may only be set to 1 when thinking is enabled.")
        must(body.get("top_k") is None, "`top_k` must be unset when thinking is enabled.")
    must(all(text.strip() for text in body.get("stop_sequences") or []), "stop_sequences: each stop sequence must contain non-whitespace")


def _output(config, heard):
    known(config, {"effort", "format"}, "output_config", EXTRA)
    must("effort" not in config or adaptive(heard.family), "This model does not support the effort parameter.")
    must(config.get("effort") in (None, "low", "medium", "high", "xhigh", "max"), "output_config.effort: unknown")
    form = config.get("format")
    if form is not None:
        known(form, {"type", "schema"}, "output_config.format", EXTRA)
        must(form.get("type") == "json_schema", "output_config.format.type: Input should be 'json_schema'")
        must(isinstance(form.get("schema"), dict), "output_config.format.schema: Field required")
        _schema(form["schema"])
        heard.schema = form["schema"]


def _schema(schema):
    for name in REFUSED_IN_SCHEMAS:
        must(name not in schema, f"output_config.format.schema: property '{name}' is not supported")
    if schema.get("type") == "object":
        must(schema.get("additionalProperties") is False, "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false")
    for inner in [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values(), schema.get("items"), *schema.get("anyOf", [])]:
        if isinstance(inner, dict):
            _schema(inner)


def _turns(messages):
    """Turns with their blocks; neighbours of one role are one turn, as Anthropic has it."""
    must(isinstance(messages, list) and messages, "messages: at least one message is required")
    turns = []
    for at, message in enumerate(messages):
        known(message, {"role", "content"}, f"messages.{at}", EXTRA)
        role, content = message.get("role"), message.get("content")
        must(role != "system", 'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not "system" as an input message role.')
        must(role in ("user", "assistant"), f"messages.{at}.role: Input should be 'user' or 'assistant'")
        must(content or at == len(messages) - 1 and role == "assistant", f"messages.{at}: all messages must have non-empty content except for the optional final assistant message")
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(blocks)
        else:
            turns.append((role, list(blocks)))
    must(turns[0][0] == "user", "messages: first message must use the \"user\" role")
    return turns


def _turn(turns, at, role, blocks, heard, opaque):
    heard.results = []
    calls = [block["id"] for block in turns[at - 1][1] if block.get("type") == "tool_use"] if at and role == "user" else []
    answered, spoken = [], False
    for place, block in enumerate(blocks):
        where = f"messages.{at}.content.{place}"
        kind = block.get("type")
        must(kind in BLOCK, f"{where}: Input tag '{kind}' found using 'type' does not match any of the expected tags")
        known(block, BLOCK[kind], f"{where}.{kind}", EXTRA)
        if kind in ("tool_use", "thinking", "redacted_thinking"):
            must(role == "assistant", f"{where}: `{kind}` blocks can only be in `assistant` messages")
        if kind in ("tool_result", "image"):
            must(role == "user", f"{where}: `{kind}` blocks can only be in `user` messages")
        if kind == "tool_result":
            must(block.get("tool_use_id") in calls, f"{where}: unexpected `tool_use_id` found in `tool_result` blocks: {block.get('tool_use_id')}.")
            must(not spoken, f"messages.{at}: `tool_result` blocks must come before other content")
            answered.append(block["tool_use_id"])
            heard.results.append(_result(block, where, heard))
        else:
            spoken = True
            _block(kind, block, role, where, heard, opaque)
    missing = [call for call in calls if call not in answered]
    must(not missing, f"messages.{at}: `tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(missing)}.")
    must(len(set(answered)) == len(answered), f"messages.{at}: each tool_use must have a single result")


def _block(kind, block, role, where, heard, opaque):
    match kind:
        case "text":
            must(isinstance(block.get("text"), str), f"{where}.text.text: Field required")
            must(block["text"], "messages: text content blocks must be non-empty")
            must(block["text"].strip(), "messages: text content blocks must contain non-whitespace text")
            (heard.assistant if role == "assistant" else heard.user).append(block["text"])
        case "image":
            heard.images.append(_image(block, where))
        case "tool_use":
            must(TOOL_ID.fullmatch(block.get("id") or ""), f"{where}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
            must(NAME.fullmatch(block.get("name") or ""), f"{where}.tool_use.name: String should match pattern")
            must(isinstance(block.get("input"), dict), f"{where}.tool_use.input: Input should be a valid dictionary")
            heard.calls.append((block["name"], block["input"]))
        case "thinking":
            must(isinstance(block.get("thinking"), str), f"{where}.thinking.thinking: Field required")
            must("signature" in block, f"{where}.thinking.signature: Field required")
            about = opaque.about("anthropic", block["signature"])
            must(about is not None and about == block["thinking"], f"{where}: Invalid `signature` in `thinking` block")
            heard.opaque.append(block["signature"])
        case "redacted_thinking":
            must(opaque.about("anthropic", block.get("data")) is not None, f"{where}: Invalid `data` in `redacted_thinking` block")
            heard.opaque.append(block["data"])


def _image(block, where):
    source = block.get("source") or {}
    must(source.get("type") == "base64", f"{where}.image.source: this mock fetches nothing")
    known(source, {"type", "media_type", "data"}, f"{where}.image.source.base64", EXTRA)
    return image_of(source.get("data"), source.get("media_type"))


def _result(block, where, heard):
    content = block.get("content", "")
    if isinstance(content, str):
        return content
    text = ""
    for inner in content:
        must(inner.get("type") in ("text", "image"), f"{where}.tool_result.content: Input tag '{inner.get('type')}'")
        if inner["type"] == "image":
            heard.images.append(_image(inner, where))
        else:
            must(inner.get("text"), "messages: text content blocks must be non-empty")
            text += inner["text"]
    return text


def _last(turns, body, heard):
    role, blocks = turns[-1]
    if role == "assistant":
        must(not adaptive(heard.family), "This model does not support assistant message prefill. The conversation must end with a user message.")
        text = blocks[-1].get("text", "") if blocks else ""
        must(text == text.rstrip(), "messages: final assistant content cannot end with trailing whitespace")
        must(not heard.thinks, "`assistant` prefill is not supported with thinking")
        must(not any(block["type"] == "tool_use" for block in blocks), "messages: `tool_use` ids were found without `tool_result` blocks immediately after")
    # Only models with a budget insist: https://docs.claude.com/en/docs/build-with-claude/extended-thinking#preserving-thinking-blocks
    if heard.thinks and body["thinking"]["type"] == "enabled" and heard.results:
        first = turns[-2][1][0]["type"]
        message = f"messages.{len(turns) - 2}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{first}`. When `thinking` is enabled, a final `assistant` message must start with a thinking block."
        must(first in ("thinking", "redacted_thinking"), message)


def usage(counted, output):
    fresh = counted.input - counted.cached - counted.written
    return {
        "input_tokens": fresh,
        "cache_creation_input_tokens": counted.written,
        "cache_read_input_tokens": counted.cached,
        "cache_creation": {"ephemeral_5m_input_tokens": counted.written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output,
        "output_tokens_details": {"thinking_tokens": counted.reasoning},
        "server_tool_use": {"web_search_requests": 0},
        "service_tier": "standard",
    }


def whole(said, heard, body, ids, opaque):
    content = []
    if said.usage.reasoning and heard.thinks:
        content.append({"type": "thinking", "thinking": said.reasoning, "signature": opaque.issue("anthropic", said.reasoning)})
    if said.text or said.refusal:
        content.append({"type": "text", "text": said.text or said.refusal})
    content += [{"type": "tool_use", "id": ids("toolu_"), "name": call.name, "input": call.arguments} for call in said.calls]
    stop = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}[said.stop]
    return {
        "id": ids("msg_"),
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "stop_details": {"type": "refusal", "category": "cyber", "explanation": "Refused."} if stop == "refusal" else None,
        "usage": usage(said.usage, said.usage.output),
    }


def events(said, heard, body, ids, opaque):
    done = whole(said, heard, body, ids, opaque)
    counted = done["usage"]
    # What the stream begins with is corrected at its end.
    begun = counted | {"input_tokens": counted["input_tokens"] - 7, "output_tokens": 1, "cache_creation_input_tokens": 0}
    blank = {"content": [], "stop_reason": None, "stop_details": None, "usage": begun}
    yield "message_start", {"type": "message_start", "message": done | blank}
    for index, block in enumerate(done["content"]):
        started, deltas = _deltas(block)
        yield "content_block_start", {"type": "content_block_start", "index": index, "content_block": started}
        if index == 0:
            yield "ping", {"type": "ping"}
        for delta in deltas:
            yield "content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta}
        yield "content_block_stop", {"type": "content_block_stop", "index": index}
    end = {name: done[name] for name in ("stop_reason", "stop_sequence", "stop_details")}
    total = {name: counted[name] for name in counted if name not in ("cache_creation", "service_tier")}
    yield "message_delta", {"type": "message_delta", "delta": end, "usage": total}
    yield "message_stop", {"type": "message_stop"}


def _deltas(block):
    match block["type"]:
        case "text":
            return block | {"text": ""}, [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]
        case "thinking":
            shown = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"])]
            return block | {"thinking": "", "signature": ""}, [*shown, {"type": "signature_delta", "signature": block["signature"]}]
        case _:
            text = json.dumps(block["input"], ensure_ascii=False) if block["input"] else ""
            fragments = [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *pieces(text)]]
            return block | {"input": {}}, fragments


def broken(heard, begun):
    yield "error", {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_mock"}
