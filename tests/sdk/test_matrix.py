"""Every caller's SDK with every kind of upstream: what was asked arrives as the upstream understands it, what was answered arrives as
the SDK understands it.

What arrives is looked at where the mock understood it (`mocks/said.py`, `Heard`), so one test holds for all upstreams.
"""

import itertools
import json
import struct
import zlib
from dataclasses import replace

import pytest

from callers import Ask, BrokeOff
from matrix import CALLERS, KINDS, WAYS, Cell, cells
from mocks.said import CALLS, JSON, REFUSAL, TEXT, THOUGHT, usage_of

MODES = [pytest.param(False, id="whole"), pytest.param(True, id="stream")]
# Which kinds give state that must come back, and which callers have room for all of it. Chat has room beside tool calls only.
KEEPS_STATE = ("responses", "anthropic", "gemini")
HAS_ROOM = ("responses", "messages", "google")

TOOLS = [
    {
        "name": name,
        "description": f"Tells the {name}.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]},
    }
    for name in ("weather", "time")
]
PING = [{"name": "ping", "description": "Takes nothing.", "parameters": {"type": "object", "properties": {}}}]
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "population": {"type": "integer"}},
    "required": ["city", "population"],
    "additionalProperties": False,
}


def png():
    """A red pixel."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(b"\x00\xff\x00\x00"))
        + chunk(b"IEND", b"")
    )


@pytest.fixture
def cell(request):
    return request.param


@pytest.fixture
def caller(cell, caller_of):
    return caller_of(cell)


@pytest.fixture
def marker(request):
    """A word for the prompts of one test, by which its calls are found at the mocks."""
    return "case-" + "".join(each if each.isalnum() else "-" for each in request.node.name)


def every(chosen=None):
    """One test for each cell, plain and streamed."""
    chosen = cells() if chosen is None else chosen

    def mark(test):
        test = pytest.mark.parametrize("stream", MODES)(test)
        return pytest.mark.parametrize("cell", chosen, ids=str, indirect=True)(test)

    return mark


def expected_usage(cell, reasoning=False):
    counted = usage_of(cell.kind, reasoning)
    return replace(counted, written=0) if cell.caller == "google" else counted


@every()
def test_text_and_system_text(cell, caller, mocks, marker, stream):
    answer = caller.ask(Ask(cell.model("text"), caller.user(f"Hello ✓ {marker}"), system="Be brief."), stream)
    assert (answer.text, answer.stop, answer.calls, answer.thought) == (TEXT, "stop", [], "")
    assert answer.usage == expected_usage(cell)
    assert not stream or answer.deltas > 3, "the text did not come in pieces"
    [heard] = mocks.heard(marker)
    assert (heard.system, heard.user, heard.stream) == (["Be brief."], [f"Hello ✓ {marker}"], stream)


@every()
def test_text_in_pieces_of_five_bytes(cell, caller, mocks, marker, stream):
    answer = caller.ask(Ask(cell.model("text--drip"), caller.user(marker)), stream)
    assert (answer.text, answer.stop, answer.usage) == (TEXT, "stop", expected_usage(cell))


@every()
def test_a_long_answer(cell, caller, mocks, marker, stream):
    answer = caller.ask(Ask(cell.model("long"), caller.user(marker)), stream)
    assert answer.text == TEXT * 400


@every()
def test_a_conversation_of_several_turns(cell, caller, mocks, marker, stream):
    turns = caller.user(f"One {marker}")
    first = caller.ask(Ask(cell.model("text"), turns, system="Be brief."), stream)
    turns = [*turns, *caller.echo(first), *caller.user("Two")]
    second = caller.ask(Ask(cell.model("text"), turns, system="Be brief."), stream)
    assert second.text == TEXT
    heard = mocks.heard(marker)[-1]
    assert (heard.user, "".join(heard.assistant)) == ([f"One {marker}", "Two"], TEXT)


@every()
def test_the_limit_of_tokens(cell, caller, mocks, marker, stream):
    answer = caller.ask(Ask(cell.model("length"), caller.user(marker), limit=50), stream)
    assert (answer.text, answer.stop, answer.usage) == (TEXT[:20], "length", expected_usage(cell))
    assert mocks.heard(marker)[0].limit == 50


@every()
def test_a_tool_is_called_and_answered(cell, caller, mocks, marker, stream):
    turns = caller.user(f"How is the weather? {marker}")
    first = caller.ask(Ask(cell.model("tools"), turns, tools=TOOLS), stream)
    assert (first.stop, first.text) == ("tool_calls", "Let me look.")
    [call] = first.calls
    assert (call.name, call.arguments) == ("weather", CALLS["weather"])
    turns = [*turns, *caller.echo(first), *caller.results([(call, "sunny")])]
    second = caller.ask(Ask(cell.model("tools"), turns, tools=TOOLS), stream)
    assert (second.text, second.stop) == ("It is sunny", "stop")
    asked, told = mocks.heard(marker)
    assert list(asked.tools) == ["weather", "time"]
    assert {name: schema["properties"] for name, schema in asked.tools.items()} == {tool["name"]: tool["parameters"]["properties"] for tool in TOOLS}
    assert (told.calls, told.results) == ([("weather", CALLS["weather"])], ["sunny"])


@every()
def test_a_tool_call_in_pieces_of_five_bytes(cell, caller, mocks, marker, stream):
    answer = caller.ask(Ask(cell.model("tools--drip"), caller.user(marker), tools=TOOLS), stream)
    assert [(call.name, call.arguments) for call in answer.calls] == [("weather", CALLS["weather"])]


@every()
def test_two_tools_are_called_at_once(cell, caller, mocks, marker, stream):
    turns = caller.user(f"The weather and the time? {marker}")
    first = caller.ask(Ask(cell.model("parallel-tools"), turns, tools=TOOLS), stream)
    assert first.stop == "tool_calls"
    assert [(call.name, call.arguments) for call in first.calls] == [("weather", CALLS["weather"]), ("time", CALLS["time"])]
    assert cell.native or len({call.id for call in first.calls}) == 2
    turns = [*turns, *caller.echo(first), *caller.results([(first.calls[0], "sunny"), (first.calls[1], "noon")])]
    second = caller.ask(Ask(cell.model("parallel-tools"), turns, tools=TOOLS), stream)
    assert second.text == "It is sunny; It is noon"
    # And once more, so that a call of an earlier round stands in the history.
    turns = [*turns, *caller.echo(second), *caller.user("Again!")]
    third = caller.ask(Ask(cell.model("parallel-tools"), turns, tools=TOOLS), stream)
    assert len(third.calls) == 2


@every()
def test_a_tool_without_arguments(cell, caller, mocks, marker, stream):
    turns = caller.user(marker)
    first = caller.ask(Ask(cell.model("bare-tools"), turns, tools=PING), stream)
    assert [(call.name, call.arguments) for call in first.calls] == [("ping", {})]
    turns = [*turns, *caller.echo(first), *caller.results([(first.calls[0], "pong")])]
    assert caller.ask(Ask(cell.model("bare-tools"), turns, tools=PING), stream).text == "It is pong"


@every()
@pytest.mark.parametrize("choice", ["time", "any", "none"])
def test_the_choice_of_a_tool(cell, caller, mocks, marker, stream, choice):
    answer = caller.ask(Ask(cell.model("tools"), caller.user(marker), tools=TOOLS, choice=choice), stream)
    called = {"time": ["time"], "any": ["weather"], "none": []}[choice]
    assert [call.name for call in answer.calls] == called
    heard = mocks.heard(marker)[0]
    assert heard.choice == choice or choice == "none" and not heard.tools


@every()
def test_no_parallel_calls(cell, caller, mocks, marker, stream):
    caller.ask(Ask(cell.model("tools"), caller.user(marker), tools=TOOLS, parallel=False), stream)
    assert mocks.heard(marker)[0].parallel in (False, None)
    if cell.kind != "gemini" and cell.caller != "google":
        assert mocks.heard(marker)[0].parallel is False


@every()
def test_output_by_a_schema(cell, caller, mocks, marker, stream):
    answer = caller.ask(Ask(cell.model("json"), caller.user(marker), schema=SCHEMA), stream)
    assert json.loads(answer.text) == json.loads(JSON)
    assert mocks.heard(marker)[0].schema["properties"].keys() == SCHEMA["properties"].keys()


@every()
def test_a_picture(cell, caller, mocks, marker, stream):
    answer = caller.ask(Ask(cell.model("text"), caller.user(marker, image=png())), stream)
    assert answer.text == TEXT
    [heard] = mocks.heard(marker)
    assert (heard.images, heard.user) == ([("image/png", png())], [marker])


@every()
def test_a_refusal_in_words(cell, caller, mocks, marker, stream):
    answer = caller.ask(Ask(cell.model("refusal"), caller.user(marker)), stream)
    assert REFUSAL in (answer.text, answer.refusal)


@every()
def test_an_answer_that_was_filtered_in_the_middle(cell, caller, mocks, marker, stream):
    try:
        answer = caller.ask(Ask(cell.model("filtered"), caller.user(marker)), stream)
    except Exception as raised:
        # The SDK's own way to say so.
        assert type(raised).__name__ == "ContentFilterFinishReasonError" or isinstance(raised, BrokeOff), raised
        assert "content filter" in str(raised)
        return
    assert (answer.text, answer.stop) == (TEXT[:20], "content_filter")


@every([cell for cell in cells() if cell.kind in ("anthropic", "gemini")])
def test_a_prompt_that_was_refused_outright(cell, caller, mocks, marker, stream):
    try:
        answer = caller.ask(Ask(cell.model("blocked"), caller.user(marker)), stream)
    except Exception as raised:
        assert "content filter" in str(raised) or isinstance(raised, caller.raises[400]), repr(raised)
        return
    # Google has no word for a refusal: its callers read the explanation as text.
    assert answer.text in ("", "Refused.") and answer.stop == "content_filter"


# ── Reasoning ──


@every()
def test_reasoning_is_shown_and_counted(cell, caller, mocks, marker, stream):
    answer = caller.ask(Ask(cell.model("reasoning--drip"), caller.user(marker), thinks=True), stream)
    assert (answer.text, answer.thought) == (TEXT, THOUGHT)
    assert answer.usage == expected_usage(cell, reasoning=True)


@every()
def test_reasoning_goes_on_in_the_next_turn(cell, caller, mocks, marker, stream):
    turns = caller.user(f"One {marker}")
    first = caller.ask(Ask(cell.model("reasoning"), turns, thinks=True), stream)
    turns = [*turns, *caller.echo(first), *caller.user("Two")]
    second = caller.ask(Ask(cell.model("reasoning"), turns, thinks=True), stream)
    assert (second.text, second.thought) == (TEXT, THOUGHT)
    # Gemini wants back what it signed a call with; a text's signature is a hint that only its own protocol has a place for.
    if cell.kind in KEEPS_STATE and cell.caller in HAS_ROOM and (cell.kind != "gemini" or cell.native):
        assert len(mocks.heard(marker)[-1].opaque) == 1, "the state did not come back"


@every()
def test_reasoning_goes_on_after_a_tool(cell, caller, mocks, marker, stream):
    turns = caller.user(f"How is the weather? {marker}")
    first = caller.ask(Ask(cell.model("reasoning"), turns, tools=TOOLS, thinks=True), stream)
    assert (first.thought, [call.name for call in first.calls], first.stop) == (THOUGHT, ["weather"], "tool_calls")
    turns = [*turns, *caller.echo(first), *caller.results([(first.calls[0], "sunny")])]
    second = caller.ask(Ask(cell.model("reasoning"), turns, tools=TOOLS, thinks=True), stream)
    assert second.text == "It is sunny"
    if cell.kind in KEEPS_STATE and (cell.caller in HAS_ROOM or cell.kind == "gemini"):
        [state] = mocks.heard(marker)[-1].opaque
        assert state not in ("skip_thought_signature_validator",), "the state was lost"
    turns = [*turns, *caller.echo(second), *caller.user("Thanks!")]
    assert caller.ask(Ask(cell.model("reasoning"), turns, tools=TOOLS, thinks=True), stream).calls


OTHER_FAMILIES = [cell for cell in cells() if cell.kind in ("anthropic", "gemini") and not cell.native] + [
    cell for cell in cells(("google",), ("gemini",))
]


@every(OTHER_FAMILIES)
def test_reasoning_of_a_family_with_other_fields(cell, caller, mocks, marker, stream):
    behaviour = {"anthropic": "adaptive", "gemini": "budget"}[cell.kind]
    turns = caller.user(marker)
    ask = Ask(cell.model(behaviour), turns, tools=TOOLS, thinks=True, budget=cell.native)
    first = caller.ask(ask, stream)
    assert (first.thought, [call.name for call in first.calls]) == (THOUGHT, ["weather"])
    turns = [*turns, *caller.echo(first), *caller.results([(first.calls[0], "sunny")])]
    assert caller.ask(replace(ask, turns=turns), stream).text == "It is sunny"


MOVES = list(itertools.permutations(KINDS, 2)) if "gateway" in WAYS else []


@pytest.mark.parametrize("stream", MODES)
@pytest.mark.parametrize(("here", "there"), MOVES, ids=["-then-".join(move) for move in MOVES])
@pytest.mark.parametrize("name", CALLERS)
def test_a_conversation_moves_to_another_provider_and_back(name, here, there, caller_of, mocks, marker, stream):
    """In the middle of a tool round, with reasoning: neither may be sent the other's state, both must go on."""
    here, there = Cell("gateway", name, here), Cell("gateway", name, there)
    caller = caller_of(here)
    turns = caller.user(f"How is the weather? {marker}")
    first = caller.ask(Ask(here.model("reasoning"), turns, tools=TOOLS, thinks=True), stream)
    turns = [*turns, *caller.echo(first), *caller.results([(first.calls[0], "sunny")])]
    second = caller.ask(Ask(there.model("reasoning"), turns, tools=TOOLS, thinks=True), stream)
    assert second.text == "It is sunny"
    turns = [*turns, *caller.echo(second), *caller.user("And tomorrow?")]
    third = caller.ask(Ask(there.model("reasoning"), turns, tools=TOOLS, thinks=True), stream)
    assert [call.name for call in third.calls] == ["weather"]
    turns = [*turns, *caller.echo(third), *caller.results([(third.calls[0], "rainy")])]
    fourth = caller.ask(Ask(here.model("reasoning"), turns, tools=TOOLS, thinks=True), stream)
    assert fourth.text == "It is rainy"
    heard = mocks.heard(marker)
    assert [call[0] for call in heard[-1].calls] == ["weather", "weather"]


# ── What only tunes ──

TUNING = {
    "chat": {
        "temperature": 0.4, "seed": 7, "stop": ["END"], "frequency_penalty": 0.1, "presence_penalty": 0.1, "logit_bias": {"50256": -100},
        "metadata": {"a": "b"}, "store": False, "prompt_cache_key": "k", "safety_identifier": "me", "service_tier": "auto", "verbosity": "low",
    },
    "responses": {
        "temperature": 0.4, "metadata": {"a": "b"}, "prompt_cache_key": "k", "safety_identifier": "me", "service_tier": "auto", "truncation": "disabled",
    },
    "messages": {"stop_sequences": ["END"], "metadata": {"user_id": "me"}, "service_tier": "auto", "extra_body": {"top_k": 20, "temperature": 0.4}},
    "google": {"temperature": 0.4, "top_k": 20, "seed": 7, "stop_sequences": ["END"], "frequency_penalty": 0.1, "presence_penalty": 0.1},
}  # fmt: skip


@every([cell for cell in cells() if not cell.native])
def test_fields_that_only_tune_are_no_obstacle(cell, caller, mocks, marker, stream):
    ask = Ask(cell.model("tuned"), caller.user(marker), more=TUNING[cell.caller])
    assert caller.ask(ask, stream).text == TEXT


# ── Failures ──


@every()
@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
def test_a_failure_of_the_upstream(cell, caller, mocks, marker, stream, status):
    seen = {400: 400, 401: 502, 429: 429, 500: 502, 503: 502}[status]
    if cell.way == "direct":
        seen = {("anthropic", 503): 529, ("gemini", 401): 400}.get((cell.kind, status), status)
    with pytest.raises(caller.raises.get(seen, caller.raises[500])) as caught:
        once = f"-{cell.caller}-{'stream' if stream else 'whole'}" if status == 401 else ""
        caller.ask(Ask(cell.model(f"error-{status}{once}"), caller.user(marker)), stream)
    assert code_of(caught.value) == seen
    if cell.way == "gateway":
        says(cell.caller, seen, caught.value)
        assert "sk-ab" not in str(caught.value), "the operator's key is shown"


def code_of(failure):
    return getattr(failure, "status_code", None) or failure.code


def says(name, status, failure):
    """The protocol's own words for a status: `providers.md` 12.7."""
    if name in ("chat", "responses"):
        words = {400: ("invalid_request_error", "bad_request"), 429: (None, "rate_limit"), 502: ("server_error", None)}[status]
        assert words[0] in (None, failure.type) and words[1] in (None, failure.code), failure
        assert failure.request_id
    elif name == "messages":
        kind = {400: "invalid_request_error", 429: "rate_limit_error", 502: "api_error"}[status]
        assert failure.body["type"] == "error" and failure.body["error"]["type"] == kind, failure.body
        assert failure.request_id
    else:
        assert failure.status == {400: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 502: "INTERNAL"}[status], failure
        assert failure.message


@pytest.mark.parametrize("fate", ["cut", "midfail"])
@pytest.mark.parametrize("cell", cells(), ids=str, indirect=True)
def test_a_stream_that_breaks_off(cell, caller, mocks, marker, fate):
    with pytest.raises(BrokeOff) as caught:
        caller.stream(Ask(cell.model(fate), caller.user(marker)))
    so_far = caught.value.answer
    assert TEXT.startswith(so_far.text) and so_far.text, "what had come was lost"
    assert so_far.text != TEXT


@pytest.mark.parametrize("cell", [cell for cell in cells() if cell.way == "gateway"], ids=str, indirect=True)
def test_a_whole_answer_that_breaks_off(cell, caller, mocks, marker):
    with pytest.raises(caller.raises[502]) as caught:
        caller.whole(Ask(cell.model("cut"), caller.user(marker)))
    assert code_of(caught.value) == 502


@pytest.mark.parametrize("stream", MODES)
@pytest.mark.parametrize("cell", [Cell("gateway", name, "openai") for name in CALLERS if "gateway" in WAYS], ids=str, indirect=True)
def test_a_model_that_is_not_there(cell, caller, stream):
    with pytest.raises(caller.raises[404]) as caught:
        caller.ask(Ask("no/such", caller.user("Hello")), stream)
    assert code_of(caught.value) == 404


@pytest.mark.parametrize("stream", MODES)
@pytest.mark.parametrize("cell", [Cell("gateway", name, "openai") for name in CALLERS if "gateway" in WAYS], ids=str, indirect=True)
def test_a_key_that_is_wrong(cell, caller_of, stream):
    caller = caller_of(cell, key="sk-wrong")
    with pytest.raises(caller.raises[401]) as caught:
        caller.ask(Ask(cell.model("text"), caller.user("Hello")), stream)
    assert code_of(caught.value) == 401
