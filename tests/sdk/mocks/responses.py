"""OpenAI's Responses, as OpenAI has them (`responses`) and as Ark does (`ark`)."""

import json
import re

from mocks.check import Refused, arguments_of, data_url, known, must, strict_schema
from mocks.said import Heard, pieces

FIELDS = set(
    "access_programs background background_options context_management conversation image include input instructions max_output_tokens"
    " max_tool_calls metadata model moderation parallel_tool_calls previous_response_id prompt prompt_cache_key prompt_cache_options"
    " prompt_cache_retention reasoning safety_identifier service_tier store stream stream_options temperature text tool_choice tools"
    " top_logprobs top_p truncation user".split()
)
ARK_FIELDS = FIELDS | {"thinking", "caching", "expire_at"}
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def hear(body, heard: Heard, opaque):
    known(body, ARK_FIELDS if heard.kind == "ark" else FIELDS, "", "Unknown parameter: '{field}'.")
    heard.stream = body.get("stream") is True
    heard.limit = body.get("max_output_tokens")
    must(heard.limit is None or heard.limit >= 16, "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16.")
    if heard.family.startswith("gpt-5"):
        for name in ("temperature", "top_p", "top_logprobs"):
            message = f"Unsupported parameter: '{name}' is not supported with this model."
            must(body.get(name) is None, message, param=name, code="unsupported_parameter")
    reasoning = body.get("reasoning") or {}
    known(reasoning, {"effort", "summary", "generate_summary", "encrypted_content"}, "reasoning", "Unknown parameter: '{field}'.")
    heard.thinks = heard.behaviour == "reasoning" and reasoning.get("effort") != "none"
    heard.shows = heard.thinks and (heard.kind == "ark" or reasoning.get("summary") in ("auto", "concise", "detailed"))
    if body.get("instructions"):
        heard.system.append(body["instructions"])
    _form(body.get("text") or {}, heard)
    _tools(body, heard)
    _input(_resolved(body, opaque), heard, opaque)
    heard.fields = tuple(body)


def _form(text, heard):
    known(text, {"format", "verbosity"}, "text", "Unknown parameter: '{field}'.")
    form = text.get("format") or {"type": "text"}
    match form.get("type"):
        case "text":
            pass
        case "json_object":
            heard.schema = {}
        case "json_schema":
            known(form, {"type", "name", "description", "schema", "strict"}, "text.format", "Unknown parameter: '{field}'.")
            must(NAME.fullmatch(form.get("name") or ""), "Missing required parameter: 'text.format.name'.", param="text.format.name")
            must(isinstance(form.get("schema"), dict), "Missing required parameter: 'text.format.schema'.", param="text.format.schema")
            heard.schema = form["schema"]
            if form.get("strict"):
                strict_schema(heard.schema, "response_format")
        case other:
            raise Refused(f"Invalid value: {other!r}.", param="text.format.type")


def _tools(body, heard):
    for at, tool in enumerate(body.get("tools") or []):
        must(tool.get("type") == "function", f"Invalid value: {tool.get('type')!r}.", param=f"tools[{at}].type")
        known(tool, {"type", "name", "description", "parameters", "strict"}, f"tools[{at}]", "Unknown parameter: '{field}'.")
        must(NAME.fullmatch(tool.get("name") or ""), f"Missing required parameter: 'tools[{at}].name'.", param=f"tools[{at}].name")
        parameters = tool.get("parameters")
        must("parameters" in tool, f"Missing required parameter: 'tools[{at}].parameters'.", param=f"tools[{at}].parameters")
        if tool.get("strict"):
            strict_schema(parameters, f"function '{tool['name']}'")
        heard.tools[tool["name"]] = parameters
    heard.parallel = body.get("parallel_tool_calls")
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        must(set(choice) == {"type", "name"} and choice["type"] == "function", "tool_choice: expected {type, name}", param="tool_choice")
        must(choice["name"] in heard.tools, f"Tool choice '{choice['name']}' not found in 'tools' parameter.", param="tool_choice")
        heard.choice = choice["name"]
    elif choice is not None:
        must(choice in ("auto", "none", "required"), f"tool_choice: {choice!r}", param="tool_choice")
        must(heard.tools or choice != "required", "tool_choice 'required' needs tools", param="tool_choice")
        heard.choice = "any" if choice == "required" else choice


def _resolved(body, opaque):
    """The input with what it refers to: an earlier response, stored items."""
    given = body.get("input")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    must(isinstance(items, list) and items, "Missing required parameter: 'input'.", param="input")
    previous = body.get("previous_response_id")
    if previous is not None:
        must(previous in opaque.responses, f"Previous response with id '{previous}' not found.", param="previous_response_id", code="previous_response_not_found")
        items = [*opaque.responses[previous], *items]
    for item in items:
        if item.get("type") == "item_reference":
            must(item.get("id") in opaque.items, f"Item with id '{item.get('id')}' not found.", param="input", status=404)
    return [opaque.items[item["id"]] if item.get("type") == "item_reference" else item for item in items]


def _input(given, heard, opaque):
    waiting, lonely = [], None
    for at, item in enumerate(given):
        where = f"input[{at}]"
        kind = item.get("type", "message")
        must(lonely is None or _belongs(item, kind), f"Item '{lonely}' of type 'reasoning' was provided without its required following item.")
        lonely = None
        if kind != "function_call_output":
            heard.results = []
        match kind:
            case "message":
                _message(item, where, heard)
            case "function_call":
                known(item, {"type", "id", "call_id", "name", "arguments", "status"}, where, "Unknown parameter: '{field}'.")
                _identity(item, "fc", where)
                must(item.get("call_id"), f"Missing required parameter: '{where}.call_id'.", param=f"{where}.call_id")
                heard.calls.append((item["name"], arguments_of(item.get("arguments"), f"{where}.arguments")))
                waiting.append(item["call_id"])
            case "function_call_output":
                known(item, {"type", "id", "call_id", "output", "status"}, where, "Unknown parameter: '{field}'.")
                must(item.get("call_id") in waiting, f"No tool call found for function call output with call_id {item.get('call_id')}.", param="input")
                must("output" in item, f"Missing required parameter: '{where}.output'.", param=f"{where}.output")
                waiting.remove(item["call_id"])
                heard.results.append(item["output"] if isinstance(item["output"], str) else _parts(item["output"], "input_text", where))
            case "reasoning":
                _reasoning(item, where, heard, opaque)
                lonely = item.get("id") or "without an id"
            case other:
                raise Refused(f"Invalid value: '{other}'.", param=f"{where}.type", code="invalid_value")
    must(not waiting, f"No tool output found for function call {waiting}.", param="input")
    must(lonely is None, f"Item '{lonely}' of type 'reasoning' was provided without its required following item.")


def _belongs(item, kind):
    return kind in ("function_call", "reasoning") or kind == "message" and item.get("role") == "assistant"


def _reasoning(item, where, heard, opaque):
    known(item, {"type", "id", "summary", "content", "encrypted_content", "status"}, where, "Unknown parameter: '{field}'.")
    _identity(item, "rs", where)
    must(isinstance(item.get("summary"), list), f"Missing required parameter: '{where}.summary'.", param=f"{where}.summary")
    for part in item["summary"]:
        must(part.get("type") == "summary_text" and isinstance(part.get("text"), str), f"{where}.summary: expected summary_text")
    token = item.get("encrypted_content")
    if token is None:
        if heard.kind == "ark" or item.get("id") in opaque.items:
            return
        raise Refused(f"Item with id '{item.get('id')}' not found. Items are not persisted when `store` is set to false.", param="input", status=404)
    issued = opaque.about(heard.kind, token) is not None
    must(issued, f"The encrypted content {token[:12]} could not be verified.", code="invalid_encrypted_content")
    heard.opaque.append(token)


def _identity(item, prefix, where):
    given = item.get("id")
    message = f"Invalid '{where}.id': {given!r}. Expected an ID that begins with '{prefix}'."
    must(given is None or given.startswith(prefix), message, param=f"{where}.id", code="invalid_value")
    must(given is None or len(given) <= 64, f"Invalid '{where}.id': string too long.", param=f"{where}.id")


def _message(item, where, heard):
    known(item, {"type", "role", "content", "id", "status", "phase"}, where, "Unknown parameter: '{field}'.")
    _identity(item, "msg", where)
    role, content = item.get("role"), item.get("content")
    must(role in ("user", "assistant", "system", "developer"), f"Invalid value: {role!r}.", param=f"{where}.role")
    must(content is not None, f"Missing required parameter: '{where}.content'.", param=f"{where}.content")
    if role == "assistant":
        heard.assistant.append(content if isinstance(content, str) else _parts(content, "output_text", where))
    elif role == "user":
        if isinstance(content, str):
            heard.user.append(content)
            return
        for part in content:
            if part.get("type") == "input_image":
                heard.images.append(data_url(part.get("image_url")))
            else:
                heard.user.append(_parts([part], "input_text", where))
    else:
        heard.system.append(content if isinstance(content, str) else _parts(content, "input_text", where))


def _parts(parts, kind, where):
    must(isinstance(parts, list), f"{where}.content: expected a string or a list")
    text = ""
    for part in parts:
        if part.get("type") == "refusal" and kind == "output_text":
            text += part["refusal"]
            continue
        message = f"Invalid value: {part.get('type')!r}. Supported values are: '{kind}' …"
        must(part.get("type") == kind, message, param=f"{where}.content[0].type", code="invalid_value")
        must(isinstance(part.get("text"), str), f"{where}.content: text must be a string")
        text += part["text"]
    return text


def usage(counted, ark):
    return {
        "input_tokens": counted.input,
        "input_tokens_details": {"cached_tokens": counted.cached} | ({} if ark else {"cache_write_tokens": counted.written}),
        "output_tokens": counted.output,
        "output_tokens_details": {"reasoning_tokens": counted.reasoning},
        "total_tokens": counted.input + counted.output,
    }


def whole(said, heard, body, ids, opaque):
    output = []
    if heard.thinks and said.usage.reasoning:
        output.append(_thought(said, heard, body, ids, opaque))
    if said.text or said.refusal or not said.calls:
        output.append({"id": ids("msg_"), "type": "message", "role": "assistant", "status": "completed", "content": [_content(said)]})
    for call in said.calls:
        text = json.dumps(call.arguments, ensure_ascii=False)
        output.append({"id": ids("fc_"), "type": "function_call", "status": "completed", "call_id": ids("call_"), "name": call.name, "arguments": text})
    reason = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(said.stop)
    if reason and output[-1]["type"] == "message":
        output[-1]["status"] = "incomplete"
        output = output[:-1] if not said.text else output
    more = {"status": "incomplete", "incomplete_details": {"reason": reason}} if reason else {"status": "completed", "completed_at": 1_760_000_002}
    done = _frame(body, ids) | more | {"output": output, "usage": usage(said.usage, heard.kind == "ark")}
    if body.get("store", True):
        opaque.items |= {item["id"]: item for item in output}
        opaque.responses[done["id"]] = [*_resolved(body, opaque), *output]
    return done


def _thought(said, heard, body, ids, opaque):
    item = {"id": ids("rs_"), "type": "reasoning", "summary": [{"type": "summary_text", "text": said.reasoning}] if said.reasoning else []}
    if heard.kind == "ark":
        return item | {"status": "completed"}
    if "reasoning.encrypted_content" in (body.get("include") or []):
        item["encrypted_content"] = opaque.issue(heard.kind, item["id"])
    return item


def _content(said):
    if said.refusal:
        return {"type": "refusal", "refusal": said.refusal}
    return {"type": "output_text", "text": said.text, "annotations": [], "logprobs": []}


def events(said, heard, body, ids, opaque):
    done = whole(said, heard, body, ids, opaque)
    number = iter(range(1_000_000))

    def event(kind, **more):
        return kind, {"type": kind, "sequence_number": next(number)} | more

    def begun_item(item, filled, empty):
        """What is filled by deltas is empty in the beginning; Ark leaves it out."""
        status = {"status": "in_progress"} if "status" in item else {}
        if heard.kind == "ark":
            return {name: value for name, value in item.items() if name not in (filled, "annotations", "logprobs")} | status
        return item | status | {filled: empty}

    begun = done | {"status": "in_progress", "output": [], "usage": None, "incomplete_details": None, "completed_at": None}
    yield event("response.created", response=begun)
    yield event("response.in_progress", response=begun)
    for index, item in enumerate(done["output"]):
        at = {"item_id": item["id"], "output_index": index}
        match item["type"]:
            case "reasoning":
                yield event("response.output_item.added", output_index=index, item=begun_item(item, "summary", []))
                for place, part in enumerate(item["summary"]):
                    at_part = at | {"summary_index": place}
                    yield event("response.reasoning_summary_part.added", **at_part, part=begun_item(part, "text", ""))
                    for piece in pieces(part["text"]):
                        yield event("response.reasoning_summary_text.delta", **at_part, delta=piece, obfuscation="x1")
                    yield event("response.reasoning_summary_text.done", **at_part, text=part["text"])
                    yield event("response.reasoning_summary_part.done", **at_part, part=part)
            case "message":
                yield event("response.output_item.added", output_index=index, item=begun_item(item, "content", []))
                yield from _streamed_content(event, item["content"][0], at, begun_item)
            case _:
                yield event("response.output_item.added", output_index=index, item=begun_item(item, "arguments", ""))
                for piece in pieces(item["arguments"]):
                    yield event("response.function_call_arguments.delta", **at, delta=piece, obfuscation="x1")
                yield event("response.function_call_arguments.done", **at, arguments=item["arguments"])
        yield event("response.output_item.done", output_index=index, item=item)
    yield event(f"response.{done['status']}", response=done)


def _streamed_content(event, content, at, begun_item):
    at = at | {"content_index": 0}
    if content["type"] == "refusal":
        yield event("response.content_part.added", **at, part=begun_item(content, "refusal", ""))
        for piece in pieces(content["refusal"]):
            yield event("response.refusal.delta", **at, delta=piece)
        yield event("response.refusal.done", **at, refusal=content["refusal"])
    else:
        yield event("response.content_part.added", **at, part=begun_item(content, "text", ""))
        for piece in pieces(content["text"]):
            yield event("response.output_text.delta", **at, delta=piece, logprobs=[], obfuscation="x1")
        yield event("response.output_text.done", **at, text=content["text"], logprobs=[])
    yield event("response.content_part.done", **at, part=content)


def broken(heard, begun):
    """What an upstream that fails in the middle writes; `begun` is the data of the first event."""
    error = {"code": "server_error", "message": "The server had an error while processing your request."}
    if heard.kind == "ark":
        yield "error", {"type": "error", "sequence_number": 99, "param": None} | error
        return
    # Both, nested, as recorded in real traffic.
    yield "error", {"type": "error", "sequence_number": 99, "error": {"type": "server_error", "param": None} | error}
    failed = begun["response"] | {"status": "failed", "error": error}
    yield "response.failed", {"type": "response.failed", "sequence_number": 100, "response": failed}


def _frame(body, ids):
    return {
        "id": ids("resp_"),
        "object": "response",
        "created_at": 1_760_000_000,
        "completed_at": None,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "background": False,
        "model": body["model"],
        "instructions": body.get("instructions"),
        "output": [],
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": body.get("previous_response_id"),
        "reasoning": {"effort": None, "summary": None} | (body.get("reasoning") or {}),
        "store": body.get("store", True),
        "temperature": 1.0,
        "top_p": 1.0,
        "text": {"format": {"type": "text"}} | (body.get("text") or {}),
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools", []),
        "truncation": "disabled",
        "max_output_tokens": body.get("max_output_tokens"),
        "metadata": body.get("metadata") or {},
        "service_tier": "default",
        "user": None,
    }
