"""Streams: every delta arrives, in order and unchanged, however the network cuts it; nothing that broke off looks complete."""

import json

import openai
import pydantic
import pytest

from wire import choice, chunk, error, plain, spoken, stream


def text_of(parts):
    return "".join(part.choices[0].delta.content or "" for part in parts if part.choices)


def test_a_stream_brings_its_deltas_in_order(client, script, ask):
    script(stream(*spoken("one ", "two ", "three")))
    parts = list(client.chat.completions.create(**ask, stream=True))
    assert text_of(parts) == "one two three"
    assert parts[0].choices[0].delta.role == "assistant"
    assert parts[-1].choices[0].finish_reason == "stop"


def test_usage_is_not_shown_to_who_did_not_ask(client, script, ask, seen):
    script(stream(*spoken("a")))
    parts = list(client.chat.completions.create(**ask, stream=True))
    assert all(part.choices and part.usage is None for part in parts)
    assert json.loads(seen()[0])["stream_options"] == {"include_usage": True}, "the gateway itself needs it"


def test_other_stream_options_are_kept(client, script, ask, seen):
    script(stream(*spoken("a")))
    parts = list(client.chat.completions.create(**ask, stream=True, stream_options={"include_usage": False, "include_obfuscation": False}))
    assert all(part.choices for part in parts)
    assert json.loads(seen()[0])["stream_options"] == {"include_usage": True, "include_obfuscation": False}


def test_usage_is_shown_to_who_asked(client, script, ask):
    script(stream(*spoken("a"), usage=(9, 3)))
    parts = list(client.chat.completions.create(**ask, stream=True, stream_options={"include_usage": True}))
    assert parts[-1].choices == [] and (parts[-1].usage.prompt_tokens, parts[-1].usage.completion_tokens) == (9, 3)
    assert all(part.usage is None for part in parts[:-1])


def tool_deltas():
    yield chunk(choice({"role": "assistant", "content": None}))
    for index, tool in enumerate(["weather", "time"]):
        yield chunk(choice({"tool_calls": [{"index": index, "id": f"call_{index}", "type": "function", "function": {"name": tool, "arguments": ""}}]}))
        for piece in ['{"ci', 'ty":"Os', 'lo"}']:
            yield chunk(choice({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}))
    yield chunk(choice({}, "tool_calls"))


def test_parallel_tool_calls_are_streamed(client, script, ask):
    script(stream(*tool_deltas()))
    tools = [{"type": "function", "function": {"name": tool, "parameters": {"type": "object", "properties": {}}}} for tool in ("weather", "time")]
    with client.chat.completions.stream(**ask, tools=tools) as events:
        calls = events.get_final_completion().choices[0].message.tool_calls
    assert [(call.id, call.function.name, call.function.arguments) for call in calls] == [("call_0", "weather", '{"city":"Oslo"}'), ("call_1", "time", '{"city":"Oslo"}')]


class Place(pydantic.BaseModel):
    city: str


def test_structured_output_is_parsed_from_a_stream(client, script, ask):
    script(stream(*spoken('{"ci', 'ty":"O', 'slo"}')))
    with client.chat.completions.stream(**ask, response_format=Place) as events:
        assert events.get_final_completion().choices[0].message.parsed == Place(city="Oslo")


def test_logprobs_are_streamed(client, script, ask):
    logprobs = {"content": [{"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}], "refusal": None}
    script(stream(chunk(choice({"role": "assistant", "content": "Hi"}, logprobs=logprobs)), chunk(choice({}, "stop"))))
    parts = list(client.chat.completions.create(**ask, stream=True, logprobs=True))
    assert parts[0].choices[0].logprobs.content[0].logprob == -0.5


def test_two_choices_are_streamed_though_one_ends_first(client, script, ask):
    mixed = [
        chunk(choice({"role": "assistant", "content": ""}), choice({"role": "assistant", "content": ""}, index=1)),
        chunk(choice({"content": "a"})),
        chunk(choice({"content": "x"}, index=1)),
        chunk(choice({}, "stop")),
        chunk(choice({"content": "y"}, index=1)),
        chunk(choice({"content": "z"}, index=1)),
        chunk(choice({}, "length", index=1)),
    ]
    script(stream(*mixed))
    texts, reasons = {0: "", 1: ""}, {}
    for part in client.chat.completions.create(**ask, stream=True, n=2):
        for each in part.choices:
            assert each.index not in reasons, "nothing comes after an end"
            texts[each.index] += each.delta.content or ""
            if each.finish_reason:
                reasons[each.index] = each.finish_reason
    assert (texts, reasons) == ({0: "a", 1: "xyz"}, {0: "stop", 1: "length"})


def test_bytes_of_unknown_fields_pass_in_every_chunk(post, script, ask):
    chunks = [
        r'{"choices":[{"index":0,"delta":{"role":"assistant", "content":""}}], "new" : 1.00}',
        r'{"choices":[{"index":0,"delta":{"content":"\u00e9\/" ,"annotations":[ ]}}],  "moderation":{"b":1e2,"a":null}}',
        r'{"choices":[{"index":0,"delta":{ },"finish_reason":"stop"}],"x":[ ]}',
        r'{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1, "new":{ } }}',
    ]
    script(stream(*chunks, usage=None))
    got = post(json.dumps(ask | {"stream": True, "stream_options": {"include_usage": True}}).encode()).decode()
    assert [line.removeprefix("data: ") for line in got.splitlines() if line.startswith("data: ")] == [*chunks, "[DONE]"]


@pytest.fixture
def dripped(stage, client):
    """The same SDK behind a network that carries single bytes."""
    return client.with_options(base_url=f"{stage.drip.url}/v1")


WORDS = ["żółć ", "日本 ", "👩‍👩‍👧 ", "\r\n\r\n", "data: [DONE]", "\n\n", "\u2028", "end"]


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\r"])
def test_a_stream_survives_being_cut_into_single_bytes(dripped, script, ask, separator):
    answer = stream(*spoken(*WORDS), drip=True)
    script(answer | {"body": answer["body"].replace("\n", separator)})
    parts = list(dripped.chat.completions.create(**ask, stream=True, stream_options={"include_usage": True}))
    assert text_of(parts) == "".join(WORDS)
    assert parts[-1].usage.total_tokens == 12


def test_a_plain_chat_survives_being_cut_into_single_bytes(dripped, script, ask):
    script(plain({"content": "".join(WORDS)}) | {"drip": True})
    assert dripped.chat.completions.create(**ask).choices[0].message.content == "".join(WORDS)


def test_comments_names_and_split_data_are_understood(client, script, ask):
    answer = stream(*spoken("a", "b"))
    odd = ": OPENROUTER PROCESSING\n\n" + answer["body"].replace("data: {", "event: chunk\nid: 7\nretry: 10\ndata: {")
    split = odd.replace('"choices": [{"index": 0, "delta": {"content": "b"}', '"choices":\ndata: [{"index": 0, "delta": {"content": "b"}')
    assert split != odd
    script(answer | {"body": split})
    assert text_of(client.chat.completions.create(**ask, stream=True)) == "ab"


def ends(client, ask):
    """The text that arrived, and the error that ended the stream."""
    text = ""
    with pytest.raises(openai.APIError) as caught:
        for part in client.chat.completions.create(**ask, stream=True):
            text += part.choices[0].delta.content or ""
            assert part.choices[0].finish_reason is None, "what broke off never looks complete"
    return text, caught.value


def test_an_error_after_deltas_is_raised(client, script, ask, seen):
    broken = {"error": {"message": "out of memory", "type": "server_error", "code": "server_error"}}
    script(stream(*spoken("one ", "two")[:-1], broken, usage=None, done=False))
    text, failure = ends(client, ask)
    assert text == "one two"
    assert (failure.code, failure.type) == ("upstream_error", "server_error") and "out of memory" in failure.message
    assert len(seen()) == 1, "nobody is asked again once something was delivered"


@pytest.mark.parametrize("how", ["reset", "end", "garbage"])
def test_a_stream_that_breaks_off_is_an_error(client, script, ask, how):
    begun = spoken("one ", "two")[:-1]
    answers = {
        "reset": stream(*begun, usage=None, done=False, cut=True),
        "end": stream(*begun, usage=None, done=False),
        "garbage": stream(*begun, "<html>502</html>", usage=None),
    }
    script(answers[how])
    text, failure = ends(client, ask)
    assert text == "one two" and failure.code == "upstream_error"


def test_what_broke_off_has_no_done(post, script, ask):
    script(stream(*spoken("one")[:-1], usage=None, done=False))
    got = post(json.dumps(ask | {"stream": True}).encode()).decode()
    events = [line for line in got.splitlines() if line.startswith("data: ")]
    assert "[DONE]" not in got and '"error"' in events[-1]


def test_failover_before_the_first_delta_is_invisible(client, script, ask, seen):
    inside = {"error": {"message": "no", "code": "server_error"}}
    preamble = chunk(choice({"role": "assistant", "content": ""}))
    script(stream(preamble, inside, usage=None, done=False), stream(*spoken("from the ", "second")))
    response = client.chat.completions.with_raw_response.create(**ask | {"model": "twice"}, stream=True)
    parts = list(response.parse())
    assert text_of(parts) == "from the second"
    assert sum(part.choices[0].delta.role == "assistant" for part in parts) == 1, "the first one's preamble is not seen"
    assert response.headers["x-easyai-attempts"] == "2"
    assert len(seen()) == 2


def test_a_stream_that_never_began_is_an_ordinary_error(client, script, ask):
    script(error(400, "no such voice", code="invalid_value", kind="invalid_request_error", param="voice"))
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(**ask, stream=True)
