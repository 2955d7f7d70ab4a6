"""Four callers, each an official SDK as its users use it, behind one face: ask, read the answer, go on.

Turns are the SDK's own objects in the SDK's own form, and an assistant's turn goes back as the SDK gave it (`echo`): what a user would do.
"""

import base64
import json
from dataclasses import dataclass, field

import anthropic
import openai
from google import genai
from google.genai import errors as genai_errors
from google.genai import types as google

from mocks.said import Counted

TIMEOUT = 20


@dataclass
class Ask:
    """What is asked, in no SDK's terms. `turns` are the caller's own."""

    model: str
    turns: list
    system: str = None
    tools: list = None
    # "any", "none", or the name of a tool
    choice: str = None
    parallel: bool = None
    schema: dict = None
    thinks: bool = False
    # The field by which the SDK asks for thought: Gemini has two.
    budget: bool = False
    limit: int = None
    # Fields that only tune, as the SDK has them.
    more: dict = field(default_factory=dict)


@dataclass
class Call:
    id: str
    name: str
    arguments: dict


@dataclass
class Answer:
    text: str = ""
    thought: str = ""
    refusal: str = ""
    calls: list = field(default_factory=list)
    stop: str = None
    usage: Counted = None
    # How often text came: more than once says that it was streamed.
    deltas: int = 0
    # The SDK's own object.
    own: object = None


class BrokeOff(Exception):
    """A stream failed after it had begun: what had come, and what the SDK raised or told."""

    def __init__(self, answer, cause):
        super().__init__(f"after {answer.text!r}: {cause!r}")
        self.answer, self.cause = answer, cause


class Caller:
    """`address` is what the SDK's user sets as base URL."""

    name = None
    # What the SDK raises for a status.
    raises = {}

    def __init__(self, address, key):
        raise NotImplementedError

    def user(self, text, image=None):
        """Turns: the user speaks, and may show a PNG."""
        raise NotImplementedError

    def echo(self, answer):
        """Turns: what the model said, as the SDK gives it back."""
        raise NotImplementedError

    def results(self, pairs):
        """Turns: what tools answered; `pairs` of a call and a text."""
        raise NotImplementedError

    def whole(self, ask):
        raise NotImplementedError

    def stream(self, ask):
        raise NotImplementedError

    def ask(self, ask, stream):
        return self.stream(ask) if stream else self.whole(ask)


class Chat(Caller):
    name = "chat"
    raises = {
        400: openai.BadRequestError,
        401: openai.AuthenticationError,
        404: openai.NotFoundError,
        429: openai.RateLimitError,
        500: openai.InternalServerError,
        502: openai.InternalServerError,
    }
    STOPS = {"stop": "stop", "length": "length", "tool_calls": "tool_calls", "content_filter": "content_filter"}

    def __init__(self, address, key):
        self.client = openai.OpenAI(base_url=address, api_key=key, timeout=TIMEOUT, max_retries=0)

    def user(self, text, image=None):
        if image is None:
            return [{"role": "user", "content": text}]
        url = f"data:image/png;base64,{base64.b64encode(image).decode()}"
        return [{"role": "user", "content": [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": url}}]}]

    def echo(self, answer):
        message = answer.own.choices[0].message
        # Ark repeats the role in every chunk, and the SDK joins what is repeated: `assistantassistant`.
        message.role = "assistant"
        return [message]

    def results(self, pairs):
        return [{"role": "tool", "tool_call_id": call.id, "content": text} for call, text in pairs]

    def _fields(self, ask):
        system = [{"role": "system", "content": ask.system}] if ask.system else []
        fields = {"model": ask.model, "messages": [*system, *ask.turns]} | ask.more
        if ask.tools:
            fields["tools"] = [{"type": "function", "function": tool} for tool in ask.tools]
        if ask.choice in ("any", "none"):
            fields["tool_choice"] = {"any": "required"}.get(ask.choice, ask.choice)
        elif ask.choice:
            fields["tool_choice"] = {"type": "function", "function": {"name": ask.choice}}
        if ask.parallel is not None:
            fields["parallel_tool_calls"] = ask.parallel
        if ask.schema:
            fields["response_format"] = {"type": "json_schema", "json_schema": {"name": "place", "schema": ask.schema, "strict": True}}
        if ask.thinks:
            fields["reasoning_effort"] = "low"
        if ask.limit:
            fields["max_completion_tokens"] = ask.limit
        return fields

    def whole(self, ask):
        return self._read(self.client.chat.completions.create(**self._fields(ask)))

    def stream(self, ask):
        so_far = Answer()
        try:
            with self.client.chat.completions.stream(**self._fields(ask), stream_options={"include_usage": True}) as stream:
                for event in stream:
                    if event.type == "content.delta":
                        so_far.text += event.delta
                        so_far.deltas += 1
                    if event.type == "chunk" and event.chunk.choices:
                        so_far.thought += getattr(event.chunk.choices[0].delta, "reasoning_content", None) or ""
                answer = self._read(stream.get_final_completion())
        except openai.LengthFinishReasonError as cut:
            answer = self._read(cut.completion)
        except openai.APIStatusError:
            raise
        except Exception as cause:
            raise BrokeOff(so_far, cause) from cause
        answer.deltas, answer.thought = so_far.deltas, so_far.thought
        return answer

    def _read(self, completion):
        [choice] = completion.choices
        message, usage = choice.message, completion.usage
        prompt, output = usage.prompt_tokens_details, usage.completion_tokens_details
        assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
        return Answer(
            text=message.content or "",
            thought=getattr(message, "reasoning_content", None) or "",
            refusal=message.refusal or "",
            calls=[Call(call.id, call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or []],
            stop=self.STOPS[choice.finish_reason],
            usage=Counted(
                usage.prompt_tokens,
                (prompt and prompt.cached_tokens) or 0,
                (prompt and getattr(prompt, "cache_write_tokens", None)) or 0,
                usage.completion_tokens,
                (output and output.reasoning_tokens) or 0,
            ),
            own=completion,
        )


class Responses(Caller):
    name = "responses"
    raises = Chat.raises

    __init__ = Chat.__init__

    def user(self, text, image=None):
        if image is None:
            return [{"role": "user", "content": text}]
        url = f"data:image/png;base64,{base64.b64encode(image).decode()}"
        return [{"role": "user", "content": [{"type": "input_text", "text": text}, {"type": "input_image", "image_url": url, "detail": "auto"}]}]

    def echo(self, answer):
        return list(answer.own.output)

    def results(self, pairs):
        return [{"type": "function_call_output", "call_id": call.id, "output": text} for call, text in pairs]

    def _fields(self, ask):
        # Without state at the provider, so that reasoning travels with the caller.
        fields = {"model": ask.model, "input": ask.turns, "store": False, "include": ["reasoning.encrypted_content"]} | ask.more
        if ask.system:
            fields["instructions"] = ask.system
        if ask.tools:
            fields["tools"] = [{"type": "function", "strict": False} | tool for tool in ask.tools]
        if ask.choice in ("any", "none"):
            fields["tool_choice"] = {"any": "required"}.get(ask.choice, ask.choice)
        elif ask.choice:
            fields["tool_choice"] = {"type": "function", "name": ask.choice}
        if ask.parallel is not None:
            fields["parallel_tool_calls"] = ask.parallel
        if ask.schema:
            fields["text"] = {"format": {"type": "json_schema", "name": "place", "schema": ask.schema, "strict": True}}
        if ask.thinks:
            fields["reasoning"] = {"effort": "low", "summary": "auto"}
        if ask.limit:
            fields["max_output_tokens"] = ask.limit
        return fields

    def whole(self, ask):
        return self._read(self.client.responses.create(**self._fields(ask)))

    def stream(self, ask):
        so_far, last, numbers = Answer(), None, []
        try:
            with self.client.responses.stream(**self._fields(ask)) as stream:
                for event in stream:
                    numbers.append(event.sequence_number)
                    match event.type:
                        case "response.output_text.delta":
                            so_far.text += event.delta
                            so_far.deltas += 1
                        case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                            so_far.thought += event.delta
                        case "response.completed" | "response.incomplete":
                            last = event.response
                        case "response.failed":
                            raise RuntimeError(f"response.failed: {event.response.error}")
                        case "error":
                            raise RuntimeError(f"error: {event.code} {event.message}")
                if last is not None and last.status == "completed":
                    stream.get_final_response()
        except openai.APIStatusError:
            raise
        except Exception as cause:
            raise BrokeOff(so_far, cause) from cause
        if last is None:
            raise BrokeOff(so_far, EOFError("no terminal event"))
        assert numbers == list(range(len(numbers))), numbers
        answer = self._read(last)
        assert so_far.text == answer.text and so_far.thought == answer.thought
        answer.deltas = so_far.deltas
        return answer

    def _read(self, response):
        usage = response.usage
        assert usage.total_tokens == usage.input_tokens + usage.output_tokens
        messages = [part for item in response.output if item.type == "message" for part in item.content]
        summaries = [part.text for item in response.output if item.type == "reasoning" for part in [*item.summary, *(item.content or [])]]
        calls = [Call(item.call_id, item.name, json.loads(item.arguments)) for item in response.output if item.type == "function_call"]
        stop = "tool_calls" if calls else "stop"
        if response.status == "incomplete":
            stop = {"max_output_tokens": "length"}.get(response.incomplete_details.reason, response.incomplete_details.reason)
        else:
            assert response.status == "completed", response.status
        return Answer(
            text="".join(part.text for part in messages if part.type == "output_text"),
            thought="".join(summaries),
            refusal="".join(part.refusal for part in messages if part.type == "refusal"),
            calls=calls,
            stop=stop,
            usage=Counted(
                usage.input_tokens,
                usage.input_tokens_details.cached_tokens,
                getattr(usage.input_tokens_details, "cache_write_tokens", None) or 0,
                usage.output_tokens,
                usage.output_tokens_details.reasoning_tokens,
            ),
            own=response,
        )


class Messages(Caller):
    name = "messages"
    raises = {
        400: anthropic.BadRequestError,
        401: anthropic.AuthenticationError,
        404: anthropic.NotFoundError,
        429: anthropic.RateLimitError,
        500: anthropic.InternalServerError,
        502: anthropic.InternalServerError,
    }
    STOPS = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "tool_use": "tool_calls", "refusal": "content_filter"}

    def __init__(self, address, key):
        self.client = anthropic.Anthropic(base_url=address, api_key=key, timeout=TIMEOUT, max_retries=0)

    def user(self, text, image=None):
        if image is None:
            return [{"role": "user", "content": text}]
        source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(image).decode()}
        return [{"role": "user", "content": [{"type": "text", "text": text}, {"type": "image", "source": source}]}]

    def echo(self, answer):
        return [{"role": "assistant", "content": answer.own.content}]

    def results(self, pairs):
        return [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": text} for call, text in pairs]}]

    def _fields(self, ask):
        fields = {"model": ask.model, "messages": ask.turns, "max_tokens": ask.limit or 2048} | ask.more
        if ask.system:
            fields["system"] = [{"type": "text", "text": ask.system, "cache_control": {"type": "ephemeral"}}]
        if ask.tools:
            fields["tools"] = [{"name": tool["name"], "description": tool["description"], "input_schema": tool["parameters"]} for tool in ask.tools]
        if ask.choice or ask.parallel is not None:
            kind = {"any": {"type": "any"}, "none": {"type": "none"}, None: {"type": "auto"}}.get(ask.choice, {"type": "tool", "name": ask.choice})
            fields["tool_choice"] = kind | ({} if ask.parallel is None else {"disable_parallel_tool_use": not ask.parallel})
        if ask.schema:
            fields["output_config"] = {"format": {"type": "json_schema", "schema": ask.schema}}
        if ask.thinks:
            fields["thinking"] = {"type": "enabled", "budget_tokens": 1024}
        return fields

    def whole(self, ask):
        return self._read(self.client.messages.create(**self._fields(ask)))

    def stream(self, ask):
        so_far = Answer()
        try:
            with self.client.messages.stream(**self._fields(ask)) as stream:
                for event in stream:
                    if event.type == "text":
                        so_far.text += event.text
                        so_far.deltas += 1
                    if event.type == "thinking":
                        so_far.thought += event.thinking
                message = stream.get_final_message()
        except Exception as cause:
            if isinstance(cause, anthropic.APIStatusError) and cause.response.status_code != 200:
                raise
            raise BrokeOff(so_far, cause) from cause
        answer = self._read(message)
        assert so_far.text == answer.text and so_far.thought == answer.thought
        answer.deltas = so_far.deltas
        return answer

    def _read(self, message):
        usage = message.usage
        cached, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
        details = usage.output_tokens_details
        return Answer(
            text="".join(block.text for block in message.content if block.type == "text"),
            thought="".join(block.thinking for block in message.content if block.type == "thinking"),
            calls=[Call(block.id, block.name, block.input) for block in message.content if block.type == "tool_use"],
            stop=self.STOPS[message.stop_reason],
            usage=Counted(usage.input_tokens + cached + written, cached, written, usage.output_tokens, details.thinking_tokens if details else 0),
            own=message,
        )


class Google(Caller):
    name = "google"
    raises = {
        400: genai_errors.ClientError,
        401: genai_errors.ClientError,
        404: genai_errors.ClientError,
        429: genai_errors.ClientError,
        500: genai_errors.ServerError,
        502: genai_errors.ServerError,
    }
    STOPS = {"STOP": "stop", "MAX_TOKENS": "length", "SAFETY": "content_filter", "PROHIBITED_CONTENT": "content_filter"}

    def __init__(self, address, key):
        options = google.HttpOptions(base_url=address, timeout=TIMEOUT * 1000)
        self.client = genai.Client(api_key=key, http_options=options)

    def user(self, text, image=None):
        parts = [google.Part(text=text)]
        if image is not None:
            parts.append(google.Part.from_bytes(data=image, mime_type="image/png"))
        return [google.Content(role="user", parts=parts)]

    def echo(self, answer):
        return [answer.own]

    def results(self, pairs):
        parts = []
        for call, text in pairs:
            part = google.Part.from_function_response(name=call.name, response={"output": text})
            part.function_response.id = call.id
            parts.append(part)
        return [google.Content(role="user", parts=parts)]

    def _fields(self, ask):
        config = {"automatic_function_calling": google.AutomaticFunctionCallingConfig(disable=True)} | ask.more
        if ask.system:
            config["system_instruction"] = ask.system
        if ask.tools:
            declared = [
                google.FunctionDeclaration(name=tool["name"], description=tool["description"], parameters_json_schema=tool["parameters"])
                for tool in ask.tools
            ]
            config["tools"] = [google.Tool(function_declarations=declared)]
        if ask.choice:
            mode = {"any": "ANY", "none": "NONE"}.get(ask.choice, "ANY")
            named = [ask.choice] if ask.choice not in ("any", "none") else None
            calling = google.FunctionCallingConfig(mode=mode, allowed_function_names=named)
            config["tool_config"] = google.ToolConfig(function_calling_config=calling)
        if ask.schema:
            config |= {"response_mime_type": "application/json", "response_json_schema": ask.schema}
        if ask.thinks:
            how = {"thinking_budget": 1024} if ask.budget else {"thinking_level": "low"}
            config["thinking_config"] = google.ThinkingConfig(include_thoughts=True, **how)
        if ask.limit:
            config["max_output_tokens"] = ask.limit
        return {"model": ask.model, "contents": ask.turns, "config": google.GenerateContentConfig(**config)}

    def whole(self, ask):
        return self._read([self.client.models.generate_content(**self._fields(ask))])

    def stream(self, ask):
        chunks = []
        try:
            for chunk in self.client.models.generate_content_stream(**self._fields(ask)):
                chunks.append(chunk)
        except Exception as cause:
            if not chunks:
                raise
            raise BrokeOff(self._read(chunks), cause) from cause
        answer = self._read(chunks)
        if answer.stop is None:
            raise BrokeOff(answer, EOFError("no finish reason"))
        return answer

    def _read(self, chunks):
        """Chunks of one stream, or the one answer. The turn to send back is made of all their parts, as users of streams make it."""
        answer, parts, finish, blocked = Answer(), [], None, None
        for chunk in chunks:
            if chunk.usage_metadata:
                answer.usage = self._usage(chunk.usage_metadata)
            if chunk.prompt_feedback and chunk.prompt_feedback.block_reason:
                blocked = chunk.prompt_feedback.block_reason.value
            for candidate in chunk.candidates or []:
                finish = candidate.finish_reason.value if candidate.finish_reason else finish
                parts += (candidate.content and candidate.content.parts) or []
        for part in parts:
            if part.function_call:
                call = part.function_call
                answer.calls.append(Call(call.id, call.name, call.args or {}))
            elif part.text and part.thought:
                answer.thought += part.text
            elif part.text:
                answer.text += part.text
                answer.deltas += 1
        answer.own = google.Content(role="model", parts=parts)
        answer.stop = "content_filter" if blocked else self.STOPS[finish] if finish else None
        if answer.calls and answer.stop == "stop":
            answer.stop = "tool_calls"
        return answer

    def _usage(self, usage):
        thoughts, candidates = usage.thoughts_token_count or 0, usage.candidates_token_count or 0
        prompt = (usage.prompt_token_count or 0) + (usage.tool_use_prompt_token_count or 0)
        return Counted(prompt, usage.cached_content_token_count or 0, 0, candidates + thoughts, thoughts)


CALLERS = {caller.name: caller for caller in (Chat, Responses, Messages, Google)}
