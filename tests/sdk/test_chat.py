"""Plain chats: what the SDK's user asks reaches the upstream, what the upstream says reaches the SDK's user."""

import asyncio
import json

import openai
import pydantic

from wire import plain, spoken, stream

TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}
    for name in ("weather", "time")
]
CALLS = [
    {"id": f"call_{at}", "type": "function", "function": {"name": tool, "arguments": '{"city":"Oslo"}'}} for at, tool in enumerate(("weather", "time"))
]


def test_a_chat_is_answered_with_text_and_usage(client, script, ask):
    script(plain())
    answer = client.chat.completions.create(**ask)
    assert answer.choices[0].message.content == "Hi there"
    assert answer.choices[0].finish_reason == "stop"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (9, 3, 12)


def test_unicode_and_control_characters_survive(client, script, ask, seen):
    text = "żółć 日本 👩‍👩‍👧 \u0000\u001f \u2028 \" \\ </script>"
    script(plain({"content": text}))
    answer = client.chat.completions.create(**ask | {"messages": [{"role": "user", "content": text}]})
    assert answer.choices[0].message.content == text
    assert json.loads(seen()[0])["messages"][0]["content"] == text


def test_the_model_goes_by_its_upstream_name(client, script, ask, seen):
    script(plain())
    client.chat.completions.create(**ask | {"model": "renamed"})
    assert json.loads(seen()[0])["model"] == "the-upstreams-own-name"


def test_parallel_tool_calls_are_answered(client, script, ask, seen):
    script(plain({"content": None, "tool_calls": CALLS}), plain({"content": "Sunny at noon"}))
    first = client.chat.completions.create(**ask, tools=TOOLS, parallel_tool_calls=True, tool_choice="auto")
    assert first.choices[0].finish_reason == "tool_calls"
    assert [(call.id, call.function.name) for call in first.choices[0].message.tool_calls] == [("call_0", "weather"), ("call_1", "time")]
    answers = [{"role": "tool", "tool_call_id": call.id, "content": "ok"} for call in first.choices[0].message.tool_calls]
    messages = [*ask["messages"], first.choices[0].message, *answers]
    second = client.chat.completions.create(**ask | {"messages": messages}, tools=TOOLS)
    assert second.choices[0].message.content == "Sunny at noon"
    sent = [json.loads(body) for body in seen()]
    assert sent[0]["tools"] == TOOLS and sent[0]["parallel_tool_calls"] is True and sent[0]["tool_choice"] == "auto"
    assert [message["role"] for message in sent[1]["messages"]] == ["user", "assistant", "tool", "tool"]


class Place(pydantic.BaseModel):
    city: str
    population: int


def test_structured_output_is_parsed(client, script, ask, seen):
    script(plain({"content": '{"city":"Oslo","population":717710}'}))
    answer = client.chat.completions.parse(**ask, response_format=Place)
    assert answer.choices[0].message.parsed == Place(city="Oslo", population=717710)
    sent = json.loads(seen()[0])["response_format"]
    assert sent["type"] == "json_schema" and sent["json_schema"]["strict"] is True


def test_a_refusal_is_seen(client, script, ask):
    script(plain({"content": None, "refusal": "I can't help with that"}))
    assert client.chat.completions.create(**ask).choices[0].message.refusal == "I can't help with that"


def test_logprobs_are_seen(client, script, ask, seen):
    logprobs = {"content": [{"token": "Hi", "logprob": -0.25, "bytes": [72, 105], "top_logprobs": [{"token": "Hi", "logprob": -0.25, "bytes": None}]}], "refusal": None}
    script(plain(choices=[{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "logprobs": logprobs, "finish_reason": "stop"}]))
    answer = client.chat.completions.create(**ask, logprobs=True, top_logprobs=1)
    assert answer.choices[0].logprobs.content[0].logprob == -0.25
    assert answer.choices[0].logprobs.content[0].top_logprobs[0].token == "Hi"
    assert json.loads(seen()[0])["top_logprobs"] == 1


def test_two_choices_are_seen(client, script, ask):
    script(plain(choices=[{"index": at, "message": {"role": "assistant", "content": word}, "finish_reason": "stop"} for at, word in enumerate(["one", "two"])]))
    answer = client.chat.completions.create(**ask, n=2)
    assert [(choice.index, choice.message.content) for choice in answer.choices] == [(0, "one"), (1, "two")]


def test_vision_parts_reach_the_upstream(client, script, ask, seen):
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "iVBORw0KGgo" * 20_000, "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.org/cat.jpg"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    ]
    script(plain())
    client.chat.completions.create(**ask | {"messages": [{"role": "user", "content": parts}]})
    assert json.loads(seen()[0])["messages"][0]["content"] == parts


# Bytes that a JSON library would write otherwise: spaces, escapes, number forms, order, unknown fields, a key twice.
ODD = r'"new_field": {"b":1.00,  "a":[1e2,-0.0,123456789012345678901234567890], "\u0061b":"\u00e9\/é"}, "nothing":null , "dup":1, "dup":2'


def test_bytes_of_unknown_fields_pass_both_ways(name, script, seen, post):
    request = f'{{ "model" : "chat",\n "user":"{name}", {ODD},"messages":[{{"role":"user","content":"Hi","x_new":[ ]}}] }}'
    answer = f'{{"id":"1", {ODD}, "choices":[{{"index":0,"message":{{"role":"assistant","content":"Hi", "new":{{ }} }},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":1,"completion_tokens":1,"x":{{ }} }} }}\n'
    script({"body": answer})
    assert post(request.encode()) == answer.encode()
    assert seen() == [request.encode()]


def test_unknown_fields_are_seen_by_the_sdk(client, script, ask, seen):
    script(plain({"new_part": {"deep": [1, 2]}}, more={"brand_new": True}))
    answer = client.chat.completions.create(**ask, extra_body={"brand_new_option": {"level": 3}})
    assert answer.brand_new is True
    assert answer.choices[0].message.new_part == {"deep": [1, 2]}
    assert json.loads(seen()[0])["brand_new_option"] == {"level": 3}


def test_only_the_model_name_differs_in_bytes(name, script, seen, post):
    request = f'{{"messages":[{{"role":"user","content":"Hi"}}], "model" : "renamed" , "user":"{name}", {ODD}}}'
    script(plain())
    post(request.encode())
    assert seen() == [request.replace('"renamed"', '"the-upstreams-own-name"').encode()]


def test_the_async_client_is_answered_many_at_once(stage, script, ask):
    script(plain())

    async def all_of_them():
        async with openai.AsyncOpenAI(base_url=f"{stage.url}/v1", api_key=stage.key, timeout=20) as client:
            return await asyncio.gather(*[client.chat.completions.create(**ask) for _ in range(20)])

    assert [answer.choices[0].message.content for answer in asyncio.run(all_of_them())] == ["Hi there"] * 20


def test_the_async_client_streams(stage, script, ask):
    script(stream(*spoken("a", "b")))

    async def text():
        async with openai.AsyncOpenAI(base_url=f"{stage.url}/v1", api_key=stage.key, timeout=20) as client:
            deltas = await client.chat.completions.create(**ask, stream=True)
            return "".join([part.choices[0].delta.content or "" async for part in deltas])

    assert asyncio.run(text()) == "ab"


def test_models_are_listed_and_found(client, stage):
    names = [model.id for model in client.models.list()]
    assert names == sorted(names) and {"chat", "renamed"} <= set(names)
    model = client.models.retrieve("chat")
    assert (model.id, model.object) == ("chat", "model") and model.created > 0 and model.owned_by
    assert [model.id for model in client.with_options(api_key=stage.narrow_key).models.list()] == ["renamed"]
