"""Google's Gemini API: generateContent and its streamed twin."""

import re

from mocks.check import Refused, image_of, must
from mocks.said import Heard, pieces

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")
# Documented for calls that another model made: https://ai.google.dev/gemini-api/docs/thought-signatures
SENTINELS = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")
OPENAPI = set(
    "type format title description nullable enum maxItems minItems properties required minProperties maxProperties minLength maxLength pattern"
    " example anyOf propertyOrdering default items minimum maximum".split()
)
FIELDS = {
    "": "model contents systemInstruction tools toolConfig generationConfig safetySettings cachedContent labels serviceTier store",
    "content": "role parts",
    "part": "text inlineData fileData functionCall functionResponse thought thoughtSignature videoMetadata executableCode codeExecutionResult partMetadata",
    "inlineData": "mimeType data displayName",
    "functionCall": "id name args",
    "functionResponse": "id name response willContinue scheduling parts",
    "tool": "functionDeclarations googleSearch codeExecution urlContext",
    "functionDeclaration": "name description parameters parametersJsonSchema response responseJsonSchema behavior",
    "toolConfig": "functionCallingConfig retrievalConfig",
    "functionCallingConfig": "mode allowedFunctionNames",
    "generationConfig": (
        "stopSequences responseMimeType responseSchema responseJsonSchema responseModalities candidateCount maxOutputTokens temperature topP topK seed"
        " presencePenalty frequencyPenalty responseLogprobs logprobs enableEnhancedCivicAnswers speechConfig thinkingConfig imageConfig mediaResolution"
    ),
    "thinkingConfig": "includeThoughts thinkingBudget thinkingLevel",
}
FIELDS = {name: set(fields.split()) for name, fields in FIELDS.items()}


def camel(name):
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def fields_of(value, kind, at):
    """An object with its names in lowerCamel: both spellings are read, no other name is."""
    must(isinstance(value, dict), f"Invalid value at '{at}' (type.googleapis.com/{kind}), {value!r}")
    read = {camel(name): inner for name, inner in value.items()}
    for name in read:
        message = f"Invalid JSON payload received. Unknown name \"{name}\" at '{at}': Cannot find field." if at else f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.'
        must(name in FIELDS[kind], message)
    return {name: inner for name, inner in read.items() if inner is not None}


def hear(body, heard: Heard, opaque):
    body = fields_of(body, "", "")
    _config(fields_of(body.get("generationConfig", {}), "generationConfig", "generation_config"), heard)
    if "systemInstruction" in body:
        system = fields_of(body["systemInstruction"], "content", "system_instruction")
        texts = [fields_of(part, "part", "system_instruction.parts").get("text") for part in system.get("parts") or []]
        must(texts, "system_instruction.parts: must not be empty")
        heard.system += [text for text in texts if text]
    _tools(body, heard)
    _contents(body.get("contents"), heard, opaque)
    heard.fields = tuple(body)


def three(family):
    return family.startswith("gemini-3")


def _config(config, heard):
    heard.limit = config.get("maxOutputTokens")
    must(len(config.get("stopSequences") or []) <= 5, "stop_sequences: at most 5")
    must(not ("responseSchema" in config and "responseJsonSchema" in config), "Only one of response_schema and response_json_schema may be set.")
    if config.get("responseMimeType", "text/plain") == "application/json":
        heard.schema = config.get("responseJsonSchema") or config.get("responseSchema") or {}
        if "responseSchema" in config:
            _openapi(config["responseSchema"], "generation_config.response_schema")
    else:
        has_schema = "responseSchema" in config or "responseJsonSchema" in config
        must(not has_schema, "response_mime_type must be application/json when response_schema is set")
    thinking = fields_of(config.get("thinkingConfig", {}), "thinkingConfig", "generation_config.thinking_config")
    if "thinkingBudget" in thinking:
        must("thinkingLevel" not in thinking, "You can only set one of thinking budget and thinking level.")
        must(not three(heard.family), "Thinking budget is not supported for this model. Use thinking level.")
    if "thinkingLevel" in thinking:
        must(three(heard.family), "Thinking level is not supported for this model.")
        must(str(thinking["thinkingLevel"]).lower() in ("minimal", "low", "medium", "high"), "Invalid value at 'generation_config.thinking_config.thinking_level'")
    heard.thinks = heard.behaviour == "reasoning" and thinking.get("thinkingBudget") != 0
    heard.shows = heard.thinks and thinking.get("includeThoughts") is True


def _openapi(schema, at):
    for name, value in schema.items():
        must(camel(name) in OPENAPI, f"Invalid JSON payload received. Unknown name \"{name}\" at '{at}': Cannot find field.")
        if name == "properties":
            for inner in value.values():
                _openapi(inner, f"{at}.properties[0].value")
        if name == "items":
            _openapi(value, f"{at}.items")
    must(isinstance(schema.get("type", "object"), str), f"Invalid value at '{at}.type': Proto field is not repeating, cannot start list.")


def _tools(body, heard):
    for at, tool in enumerate(body.get("tools") or []):
        tool = fields_of(tool, "tool", f"tools[{at}]")
        for place, declaration in enumerate(tool.get("functionDeclarations") or []):
            where = f"tools[{at}].function_declarations[{place}]"
            declaration = fields_of(declaration, "functionDeclaration", where)
            must(NAME.fullmatch(declaration.get("name") or ""), f"GenerateContentRequest.{where}.name: Invalid function name. Must start with a letter or an underscore.")
            must(not ("parameters" in declaration and "parametersJsonSchema" in declaration), f"{where}: only one of parameters and parameters_json_schema may be set")
            if "parameters" in declaration:
                _openapi(declaration["parameters"], f"{where}.parameters")
                empty = declaration["parameters"].get("type", "").lower() == "object" and not declaration["parameters"].get("properties")
                must(not empty, f"GenerateContentRequest.{where}.parameters.properties: should be non-empty for OBJECT type")
            heard.tools[declaration["name"]] = declaration.get("parametersJsonSchema") or declaration.get("parameters")
    config = fields_of(body.get("toolConfig", {}), "toolConfig", "tool_config")
    calling = fields_of(config.get("functionCallingConfig", {}), "functionCallingConfig", "tool_config.function_calling_config")
    mode, allowed = calling.get("mode", "AUTO"), calling.get("allowedFunctionNames") or []
    must(mode in ("AUTO", "ANY", "NONE", "VALIDATED", "MODE_UNSPECIFIED"), f"Invalid value at 'tool_config.function_calling_config.mode', \"{mode}\"")
    must(not allowed or mode in ("ANY", "VALIDATED"), "allowed_function_names should only be set when function calling mode is ANY.")
    must(all(name in heard.tools for name in allowed), f"allowed_function_names: {allowed} are not all declared")
    must(mode in ("AUTO", "NONE", "MODE_UNSPECIFIED") or heard.tools, "Function calling config is set without function_declarations.")
    heard.choice = allowed[0] if len(allowed) == 1 else {"ANY": "any", "NONE": "none"}.get(mode, "auto")


def _contents(contents, heard, opaque):
    must(isinstance(contents, list) and contents, "* GenerateContentRequest.contents: contents is not specified")
    turns = []
    for at, content in enumerate(contents):
        content = fields_of(content, "content", f"contents[{at}]")
        role = content.get("role", "user")
        must(role in ("user", "model", "function"), "Please use a valid role: user, model.")
        parts = [fields_of(part, "part", f"contents[{at}].parts[{place}]") for place, part in enumerate(content.get("parts") or [])]
        must(parts, f"* GenerateContentRequest.contents[{at}].parts: contents.parts must not be empty.")
        turns.append((role, parts))
        _content(at, role, parts, heard, opaque)
    must(turns[-1][0] != "model", "Please ensure that single turn requests end with a user role or the role field is empty.")
    _order(turns)
    if three(heard.family):
        _signed(turns)
    last = turns[-1][1]
    heard.results = [_output(part["functionResponse"]) for part in last if "functionResponse" in part] if not any("text" in part for part in last) else []


def _content(at, role, parts, heard, opaque):
    for place, part in enumerate(parts):
        where = f"contents[{at}].parts[{place}]"
        data = [name for name in part if name in ("text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode")]
        signature = part.get("thoughtSignature")
        must(len(data) == 1, f"* GenerateContentRequest.{where}.data: required oneof field 'data' must have one initialized field")
        if signature is not None:
            good = signature in SENTINELS or opaque.about("gemini", signature) is not None
            must(good, "Corrupted thought signature." if isinstance(signature, str) else f"Invalid value at '{where}.thought_signature' (TYPE_BYTES)")
            heard.opaque.append(signature)
        match data[0]:
            case "text":
                must(part["text"] or signature, f"{where}: Unable to submit request because it must have a text parameter.")
                if not part.get("thought"):
                    (heard.assistant if role == "model" else heard.user).append(part["text"])
            case "inlineData":
                blob = fields_of(part["inlineData"], "inlineData", where)
                heard.images.append(image_of(blob.get("data", "").replace("-", "+").replace("_", "/"), blob.get("mimeType")))
            case "functionCall":
                must(role == "model", f"{where}: function calls come from the model")
                call = fields_of(part["functionCall"], "functionCall", f"{where}.function_call")
                must(NAME.fullmatch(call.get("name") or ""), f"* GenerateContentRequest.{where}.function_call.name: Name cannot be empty.")
                must(isinstance(call.get("args", {}), dict), f"Invalid value at '{where}.function_call.args' (type.googleapis.com/google.protobuf.Struct)")
                heard.calls.append((call["name"], call.get("args", {})))
            case "functionResponse":
                must(role != "model", f"{where}: function responses come from the user")
                response = fields_of(part["functionResponse"], "functionResponse", f"{where}.function_response")
                must(response.get("name"), f"* GenerateContentRequest.{where}.function_response.name: Name cannot be empty.")
                must(isinstance(response.get("response"), dict), f"Invalid value at '{where}.function_response.response' (type.googleapis.com/google.protobuf.Struct)")
            case other:
                raise Refused(f"{where}: this mock reads no {other}")


def _order(turns):
    """Calls stand right after a user's turn, and all of them are answered in the next."""
    for at, (role, parts) in enumerate(turns):
        calls = [part["functionCall"] for part in parts if "functionCall" in part]
        answers = [part["functionResponse"] for part in parts if "functionResponse" in part]
        before = turns[at - 1] if at else (None, [])
        if calls:
            must(before[0] in ("user", "function"), "Please ensure that function call turn comes immediately after a user turn or after a function response turn.")
            must(at + 1 < len(turns), "Please ensure that function response turn comes immediately after a function call turn.")
        asked = [part["functionCall"] for part in before[1] if "functionCall" in part]
        if asked or answers:
            same = len(asked) == len(answers)
            must(same, "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.")
            must(sorted(call["name"] for call in asked) == sorted(each["name"] for each in answers), "function_response.name: no such function was called")


def _signed(turns):
    """Every step of the current turn, that is since the user last spoke, carries a signature on its first call."""
    spoken = [at for at, (role, parts) in enumerate(turns) if role == "user" and any("text" in part for part in parts)]
    for at in range(spoken[-1] + 1 if spoken else 0, len(turns)):
        calls = [part for part in turns[at][1] if "functionCall" in part]
        if calls:
            name = calls[0]["functionCall"]["name"]
            message = f"Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly. Function call `{name}`, position {at}."
            must("thoughtSignature" in calls[0], message)


def _output(response):
    answer = response["response"]
    value = answer.get("output", answer.get("result", answer.get("error", answer)))
    return value if isinstance(value, str) else str(value)


def usage(counted):
    # Some of the prompt comes from tools and stands beside it; the cached part is inside; thoughts are not in the candidates' tokens.
    by_tools = 7
    return {
        "promptTokenCount": counted.input - by_tools,
        "toolUsePromptTokenCount": by_tools,
        "cachedContentTokenCount": counted.cached,
        "candidatesTokenCount": counted.output - counted.reasoning,
        "totalTokenCount": counted.input + counted.output,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": counted.input - by_tools}],
        "serviceTier": "standard",
    } | ({"thoughtsTokenCount": counted.reasoning} if counted.reasoning else {})


STOPS = {"stop": "STOP", "tool_calls": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}


def whole(said, heard, body, ids, opaque):
    frame = _frame(heard, ids)
    if said.stop == "content_filter" and not said.text:
        return frame | {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": usage(said.usage)}
    parts = [{"text": said.reasoning, "thought": True}] if said.reasoning else []
    if said.text or said.refusal:
        parts.append({"text": said.text or said.refusal})
    parts += _calls(said, heard, opaque)
    if three(heard.family) and not said.calls and parts:
        parts[-1] = parts[-1] | {"thoughtSignature": opaque.issue("gemini")}
    return frame | {"candidates": [_candidate(parts, STOPS[said.stop])], "usageMetadata": usage(said.usage)}


def _calls(said, heard, opaque):
    parts = []
    for call in said.calls:
        signed = {"thoughtSignature": opaque.issue("gemini")} if three(heard.family) and not parts else {}
        arguments = {"args": call.arguments} if call.arguments else {}
        parts.append({"functionCall": {"name": call.name} | arguments} | signed)
    return parts


def events(said, heard, body, ids, opaque):
    frame = _frame(heard, ids)
    # Counts grow, and the first ones are wrong.
    early = {"promptTokenCount": 999, "totalTokenCount": 1000}
    if said.stop == "content_filter" and not said.text:
        yield None, frame | {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": usage(said.usage)}
        return
    for piece in pieces(said.reasoning):
        yield None, frame | {"candidates": [_candidate([{"text": piece, "thought": True}])], "usageMetadata": early}
    for piece in pieces(said.text or said.refusal):
        yield None, frame | {"candidates": [_candidate([{"text": piece}])], "usageMetadata": early}
    for part in _calls(said, heard, opaque):
        yield None, frame | {"candidates": [_candidate([part])], "usageMetadata": early}
    last = _candidate([], STOPS[said.stop])
    if three(heard.family) and not said.calls:
        last["content"]["parts"] = [{"text": "", "thoughtSignature": opaque.issue("gemini")}]
    else:
        last["content"] = {}
    yield None, frame | {"candidates": [last], "usageMetadata": usage(said.usage)}


def broken(heard, begun):
    """As Google does it: JSON over several lines, and no `data:` before it."""
    yield "raw", '{\r\n  "error": {\r\n    "code": 503,\r\n    "message": "The model is overloaded. Please try again later.",\r\n    "status": "UNAVAILABLE"\r\n  }\r\n}\r\n'


def _candidate(parts, finish=None):
    return {"content": {"role": "model", "parts": parts}, "index": 0} | ({"finishReason": finish} if finish else {})


def _frame(heard, ids):
    return {"modelVersion": f"{heard.family}-001", "responseId": ids("")}
