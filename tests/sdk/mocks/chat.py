"""OpenAI's chat completions, as OpenAI has them (`openai`) and as Ark does (`volces`)."""

import json
import re

from mocks.check import Refused, arguments_of, data_url, known, must, strict_schema
from mocks.said import Heard, pieces

FIELDS = set(
    "audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens messages metadata modalities model"
    " moderation n parallel_tool_calls prediction presence_penalty prompt_cache_key prompt_cache_options prompt_cache_retention reasoning_effort"
    " response_format safety_identifier seed service_tier stop store stream stream_options temperature tool_choice tools top_logprobs top_p user"
    " verbosity web_search_options".split()
)
ARK_FIELDS = set("thinking repetition_penalty".split())
# What models that reason don't take: https://platform.openai.com/docs/guides/reasoning
NOT_WHILE_REASONING = "temperature top_p frequency_penalty presence_penalty logit_bias logprobs top_logprobs stop".split()
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def hear(body, heard: Heard, opaque):
    ark = heard.kind == "volces"
    if not ark:
        known(body, FIELDS, "", "Unrecognized request argument supplied: {field}")
    _settings(body, heard, ark)
    _tools(body, heard)
    _messages(body.get("messages"), heard, ark)
    heard.fields = tuple(body)


def _settings(body, heard, ark):
    heard.stream = body.get("stream") is True
    must("stream_options" not in body or heard.stream, "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
    both = "max_tokens" in body and "max_completion_tokens" in body
    must(not both, "max_tokens and max_completion_tokens can not be set at the same time", param="max_tokens")
    if heard.family.startswith(("gpt-5", "o3", "o4")):
        for name in ["max_tokens", *NOT_WHILE_REASONING]:
            message = f"Unsupported parameter: '{name}' is not supported with this model."
            must(body.get(name) is None, message, param=name, code="unsupported_parameter")
    heard.limit = body.get("max_completion_tokens", body.get("max_tokens"))
    must(heard.limit is None or isinstance(heard.limit, int) and heard.limit > 0, "max_completion_tokens: expected a positive integer")
    must(body.get("n") in (None, 1), "n: this mock says one thing at a time")
    effort = body.get("reasoning_effort")
    efforts = "minimal low medium high" if ark else "none minimal low medium high xhigh max"
    must(effort is None or effort in efforts.split(), f"Unsupported value: 'reasoning_effort' does not support {effort!r}", param="reasoning_effort")
    heard.thinks = heard.shows = heard.behaviour == "reasoning" and effort != "none" and body.get("thinking") != {"type": "disabled"}
    form = body.get("response_format") or {"type": "text"}
    must(form.get("type") in ("text", "json_object", "json_schema"), f"response_format.type: {form.get('type')!r}", param="response_format")
    if form["type"] == "json_object":
        heard.schema = {}
    if form["type"] == "json_schema":
        named = form.get("json_schema")
        must(isinstance(named, dict), "Missing required parameter: 'response_format.json_schema'.", param="response_format")
        known(named, {"name", "description", "schema", "strict"}, "response_format.json_schema", "Unknown parameter: '{field}'.")
        must(NAME.fullmatch(named.get("name") or ""), "response_format.json_schema.name: expected a name", param="response_format.json_schema.name")
        heard.schema = named.get("schema") or {}
        if named.get("strict"):
            strict_schema(heard.schema, "response_format")


def _tools(body, heard):
    tools = body.get("tools")
    must(tools is None or isinstance(tools, list) and tools, "[] is too short - 'tools'", param="tools")
    for at, tool in enumerate(tools or []):
        known(tool, {"type", "function"}, f"tools[{at}]", "Unknown parameter: '{field}'.")
        must(tool.get("type") == "function", f"tools[{at}].type: {tool.get('type')!r}")
        function = tool.get("function")
        known(function, {"name", "description", "parameters", "strict"}, f"tools[{at}].function", "Unknown parameter: '{field}'.")
        must(NAME.fullmatch(function.get("name") or ""), f"Invalid 'tools[{at}].function.name'")
        parameters = function.get("parameters")
        must(parameters is None or parameters.get("type") == "object", f"Invalid schema for function: schema must be a JSON Schema of 'type: \"object\"'")
        if function.get("strict"):
            strict_schema(parameters, f"function '{function['name']}'")
        heard.tools[function["name"]] = parameters
    heard.parallel = body.get("parallel_tool_calls")
    must(heard.parallel is None or heard.tools, "'parallel_tool_calls' is only allowed when 'tools' are specified.", param="parallel_tool_calls")
    choice = body.get("tool_choice")
    if choice is not None:
        must(heard.tools, "'tool_choice' is only allowed when 'tools' are specified.", param="tool_choice")
    if isinstance(choice, dict):
        must(choice.get("type") == "function" and set(choice) == {"type", "function"}, "tool_choice: expected a function", param="tool_choice")
        name = choice["function"].get("name")
        must(name in heard.tools, f"Tool choice '{name}' not found in 'tools' parameter.", param="tool_choice")
        heard.choice = name
    elif choice is not None:
        must(choice in ("auto", "none", "required"), f"tool_choice: {choice!r}", param="tool_choice")
        heard.choice = "any" if choice == "required" else choice


def _messages(messages, heard, ark):
    must(isinstance(messages, list) and messages, "[] is too short - 'messages'", param="messages")
    waiting = []
    for at, message in enumerate(messages):
        where = f"messages[{at}]"
        role = message.get("role")
        roles = {"system", "user", "assistant", "tool"} if ark else {"system", "developer", "user", "assistant", "tool"}
        must(role in roles, f"Invalid value: {role!r}. Supported values are: {sorted(roles)}.", param=f"{where}.role", code="invalid_value")
        if waiting and role != "tool":
            missing = f"An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id': {waiting}"
            raise Refused(missing, param=where)
        if role == "tool":
            identity = message.get("tool_call_id")
            must(identity in waiting, "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.", param=where)
            waiting.remove(identity)
            heard.results.append(_text(message.get("content"), f"{where}.content"))
            continue
        heard.results = []
        if role == "assistant":
            waiting = _assistant(message, where, heard)
        elif role == "user":
            _user(message.get("content"), f"{where}.content", heard)
        else:
            heard.system.append(_text(message.get("content"), f"{where}.content"))
    must(not waiting, f"An assistant message with 'tool_calls' must be followed by tool messages: {waiting}", param="messages")


def _assistant(message, where, heard):
    calls = message.get("tool_calls")
    must(calls is None or calls, f"Invalid '{where}.tool_calls': empty array.", param=f"{where}.tool_calls", code="empty_array")
    content = message.get("content")
    spoken = calls or message.get("refusal") or message.get("audio")
    must(content is not None or spoken, f"Invalid value for 'content': expected a string, got null.", param=f"{where}.content")
    if content is not None:
        heard.assistant.append(_text(content, f"{where}.content", also=("refusal",)))
    ids = []
    for index, call in enumerate(calls or []):
        at = f"{where}.tool_calls[{index}]"
        must(call.get("type") == "function", f"{at}.type: {call.get('type')!r}", param=f"{at}.type")
        must(isinstance(call.get("id"), str) and call["id"], f"Missing required parameter: '{at}.id'.", param=f"{at}.id")
        must(NAME.fullmatch(call["function"].get("name") or ""), f"{at}.function.name", param=f"{at}.function.name")
        heard.calls.append((call["function"]["name"], arguments_of(call["function"].get("arguments"), f"{at}.function.arguments")))
        ids.append(call["id"])
    must(len(set(ids)) == len(ids), f"{where}: duplicate ids of tool calls")
    return ids


def _user(content, at, heard):
    if isinstance(content, str):
        heard.user.append(content)
        return
    must(isinstance(content, list) and content, f"Invalid type for '{at}'", param=at)
    for part in content:
        match part.get("type"):
            case "text":
                must(isinstance(part.get("text"), str), f"{at}.text: expected a string", param=at)
                heard.user.append(part["text"])
            case "image_url":
                must(isinstance(part.get("image_url"), dict), f"Invalid type for '{at}.image_url': expected an object", param=at)
                heard.images.append(data_url(part["image_url"].get("url")))
            case kind:
                raise Refused(f"Invalid value: {kind!r}. Supported values are: 'text', 'image_url', …", param=f"{at}.type", code="invalid_value")


def _text(content, at, also=()):
    if isinstance(content, str):
        return content
    must(isinstance(content, list) and content, f"Invalid type for '{at}': expected one of a string or array of objects.", param=at)
    must(all(part.get("type") in ("text", *also) for part in content), f"{at}: only text", param=at)
    return "".join(part.get("text") or part.get("refusal") for part in content)


def usage(counted, ark):
    details = {"cached_tokens": counted.cached} | ({} if ark else {"audio_tokens": 0, "cache_write_tokens": counted.written})
    more = {} if ark else {"audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}
    return {
        "prompt_tokens": counted.input,
        "completion_tokens": counted.output,
        "total_tokens": counted.input + counted.output,
        "prompt_tokens_details": details,
        "completion_tokens_details": {"reasoning_tokens": counted.reasoning} | more,
    }


def whole(said, heard, body, ids, opaque):
    message = {"role": "assistant", "content": said.text or None, "refusal": said.refusal or None, "annotations": []}
    if said.reasoning:
        message["reasoning_content"] = said.reasoning
    if said.calls:
        message["tool_calls"] = [_call(call, ids) for call in said.calls]
    elif not said.refusal:
        message["content"] = said.text
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": said.stop}
    return _frame(body, ids, "chat.completion") | {"choices": [choice], "usage": usage(said.usage, heard.kind == "volces")}


def events(said, heard, body, ids, opaque):
    """Pairs of an event's name (none here) and its data."""
    frame = _frame(body, ids, "chat.completion.chunk")
    ark = heard.kind == "volces"
    asked = (body.get("stream_options") or {}).get("include_usage") is True
    counted = usage(said.usage, ark)

    def chunk(delta, finish=None):
        if ark:
            delta = {"role": "assistant", "content": ""} | delta
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return None, frame | {"choices": [choice]} | ({"usage": None} if asked else {}) | ({} if ark else {"obfuscation": "aB3"})

    yield chunk({"role": "assistant", "content": "", "refusal": None})
    for piece in pieces(said.reasoning):
        yield chunk({"reasoning_content": piece})
    for piece in pieces(said.text):
        yield chunk({"content": piece})
    for piece in pieces(said.refusal):
        yield chunk({"refusal": piece})
    for index, call in enumerate(said.calls):
        made = _call(call, ids)
        if ark:
            # Whole in one chunk.
            yield chunk({"tool_calls": [{"index": index} | made]})
            continue
        text = made["function"]["arguments"]
        yield chunk({"tool_calls": [{"index": index} | made | {"function": {"name": call.name, "arguments": ""}}]})
        for piece in pieces(text):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield chunk({}, said.stop)
    if asked:
        yield None, frame | {"choices": [], "usage": counted}
    yield None, "[DONE]"


def broken(heard, begun):
    """What an upstream that fails in the middle writes."""
    if heard.kind == "volces":
        yield None, {"error": {"code": "InternalServiceError", "message": "The service broke. Request id: 021", "param": "", "type": "InternalServerError"}}
    else:
        yield None, {"error": {"message": "The server had an error while processing your request.", "type": "server_error", "param": None, "code": None}}


def _call(call, ids):
    return {"id": ids("call_"), "type": "function", "function": {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)}}


def _frame(body, ids, kind):
    return {
        "id": ids("chatcmpl-"),
        "object": kind,
        "created": 1_760_000_000,
        "model": body["model"],
        "service_tier": "default",
        "system_fingerprint": "fp_mock",
    }
