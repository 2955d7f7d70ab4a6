"""Client libraries that stand on the official SDKs, as their users use them: a tool's round, structured output, reasoning that goes on.

They have an environment of their own (`requirements-clients.txt`), since their pins and the SDKs' newest versions exclude one another;
elsewhere this file is left out.
"""

import os

import pydantic
import pytest

pytest.importorskip("langchain_openai")

# None of them may call home.
os.environ |= {"LANGSMITH_TRACING": "false", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "OPENAI_AGENTS_DISABLE_TRACING": "1"}

import agents
import anthropic
import instructor
import litellm
import openai
from google import genai
from google.genai import types as google
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_openai import ChatOpenAI

from matrix import cells
from mocks.said import TEXT, THOUGHT, usage_of

MODES = [pytest.param(False, id="whole"), pytest.param(True, id="stream")]
CELLS = pytest.mark.parametrize("cell", cells(), ids=str)


class Place(pydantic.BaseModel):
    """A place."""

    city: str
    population: int


def weather(city: str, days: int, note: str) -> str:
    """Tells the weather."""
    assert (city, days) == ("Oslo", 3)
    return "sunny"


@pytest.fixture
def place_of(caller_of):
    """`place_of(cell)` is the base URL and the key that a user would set."""

    def place(cell):
        client = caller_of(cell).client
        if cell.caller == "google":
            options = client._api_client._http_options
            return options.base_url.rstrip("/"), client._api_client.api_key
        return str(client.base_url).rstrip("/"), client.api_key

    return place


# ── LangChain ──


def langchain(cell, place, behaviour, thinks=False):
    address, key = place
    common = {"model": cell.model(behaviour), "api_key": key, "max_retries": 0, "timeout": 20}
    match cell.caller:
        case "chat":
            more = {"reasoning_effort": "low"} if thinks else {}
            return ChatOpenAI(base_url=address, stream_usage=True, **common, **more)
        case "responses":
            more = {"reasoning": {"effort": "low", "summary": "auto"}} if thinks else {}
            state = {"store": False, "include": ["reasoning.encrypted_content"]}
            return ChatOpenAI(base_url=address, use_responses_api=True, stream_usage=True, **state, **common, **more)
        case "messages":
            more = {"thinking": {"type": "enabled", "budget_tokens": 1024}} if thinks else {}
            return ChatAnthropic(base_url=address, max_tokens=4096, **common, **more)
        case "google":
            more = {"include_thoughts": True, "thinking_level": "low"} if thinks else {}
            return ChatGoogleGenerativeAI(base_url=address, **common, **more)


def said(model, messages, stream):
    if not stream:
        return model.invoke(messages)
    whole = None
    for chunk in model.stream(messages):
        whole = chunk if whole is None else whole + chunk
    return whole


@CELLS
@pytest.mark.parametrize("stream", MODES)
def test_langchain_talks(cell, place_of, stream):
    model = langchain(cell, place_of(cell), "text")
    answer = said(model, [SystemMessage("Be brief."), HumanMessage("Hello")], stream)
    assert answer.text == TEXT
    counted = usage_of(cell.kind, False)
    usage = answer.usage_metadata
    assert (usage["input_tokens"], usage["output_tokens"]) == (counted.input, counted.output)
    assert usage["input_token_details"]["cache_read"] == counted.cached


@CELLS
@pytest.mark.parametrize("stream", MODES)
@pytest.mark.parametrize("thinks", [pytest.param(False, id="plain"), pytest.param(True, id="reasoning")])
def test_langchain_calls_tools(cell, place_of, stream, thinks):
    if thinks and stream and cell.caller == "responses" and cell.kind == "anthropic":
        # langchain-openai takes the state of reasoning from the event that adds its item; Claude's signature comes after the last word.
        pytest.skip("the library loses what comes with the item's end")
    bound = langchain(cell, place_of(cell), "reasoning" if thinks else "tools", thinks).bind_tools([tool(weather)])
    messages = [HumanMessage("How is the weather?")]
    first = said(bound, messages, stream)
    [call] = first.tool_calls
    assert (call["name"], call["args"]["city"]) == ("weather", "Oslo")
    messages += [first, ToolMessage("sunny", tool_call_id=call["id"], name="weather")]
    second = said(bound, messages, stream)
    assert second.text == "It is sunny"
    if thinks and cell.caller != "chat":
        # LangChain shows nothing of the reasoning of a chat.
        shown = [block for block in second.content_blocks if block["type"] == "reasoning"]
        assert "".join(block["reasoning"] for block in shown) == THOUGHT
    messages += [second, HumanMessage("And tomorrow?")]
    assert said(bound, messages, stream).tool_calls


@CELLS
@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_langchain_gets_structured_output(cell, place_of, method):
    model = langchain(cell, place_of(cell), "json" if method == "json_schema" else "tools")
    assert model.with_structured_output(Place, method=method).invoke("Where?") == Place(city="Oslo", population=709000)


# ── instructor ──


def instructed(cell, place):
    address, key = place
    match cell.caller:
        case "chat":
            return instructor.from_openai(openai.OpenAI(base_url=address, api_key=key))
        case "responses":
            return instructor.from_openai(openai.OpenAI(base_url=address, api_key=key), mode=instructor.Mode.RESPONSES_TOOLS)
        case "messages":
            return instructor.from_anthropic(anthropic.Anthropic(base_url=address, api_key=key))
        case "google":
            client = genai.Client(api_key=key, http_options=google.HttpOptions(base_url=address))
            return instructor.from_genai(client, mode=instructor.Mode.GENAI_TOOLS)


@CELLS
def test_instructor_gets_its_model(cell, place_of):
    more = {"max_tokens": 1000} if cell.caller == "messages" else {}
    messages = [{"role": "user", "content": "Where?"}]
    place = instructed(cell, place_of(cell)).create(model=cell.model("tools"), messages=messages, response_model=Place, max_retries=0, **more)
    assert (place.city, place.population) == ("Oslo", 709000)


# ── LiteLLM ──

LITELLM = {"chat": "openai", "responses": "openai", "messages": "anthropic", "google": "gemini"}
DECLARED = {
    "name": "weather",
    "description": "Tells the weather.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def lite(cell, place, behaviour):
    address, key = place
    if cell.caller == "google":
        address += "/v1beta"
    fields = {"model": f"{LITELLM[cell.caller]}/{cell.model(behaviour)}", "api_base": address, "api_key": key, "num_retries": 0, "timeout": 20}
    # OpenAI's reasoning models want another name for it, which the library knows only of names it knows.
    return fields if cell.caller == "chat" else fields | {"max_tokens": 1000}


# `responses/` before a model's name is a route of the library's own.
LITE_CELLS = [cell for cell in cells() if cell.kind != "responses"]


@pytest.mark.parametrize("cell", [cell for cell in LITE_CELLS if cell.caller != "responses"], ids=str)
@pytest.mark.parametrize("stream", MODES)
def test_litellm_calls_tools(cell, place_of, stream):
    fields = lite(cell, place_of(cell), "tools") | {"tools": [{"type": "function", "function": DECLARED}]}

    def ask(messages):
        if not stream:
            return litellm.completion(messages=messages, **fields)
        chunks = list(litellm.completion(messages=messages, stream=True, stream_options={"include_usage": True}, **fields))
        return litellm.stream_chunk_builder(chunks, messages=messages)

    messages = [{"role": "user", "content": "How is the weather?"}]
    first = ask(messages)
    [call] = first.choices[0].message.tool_calls
    assert (call.function.name, first.choices[0].finish_reason) == ("weather", "tool_calls")
    messages += [first.choices[0].message, {"role": "tool", "tool_call_id": call.id, "name": "weather", "content": "sunny"}]
    second = ask(messages)
    # For Google's API the library wraps a result as `{"content": …}`, which is as good as any object.
    assert second.choices[0].message.content.startswith("It is") and "sunny" in second.choices[0].message.content
    counted = usage_of(cell.kind, False)
    assert (second.usage.prompt_tokens, second.usage.completion_tokens) == (counted.input, counted.output)


@pytest.mark.parametrize("cell", [cell for cell in LITE_CELLS if cell.caller == "responses"], ids=str)
def test_litellm_responds(cell, place_of):
    answer = litellm.responses(input="Hello", **lite(cell, place_of(cell), "text"))
    assert answer.output[-1].content[0].text == TEXT


# ── OpenAI's Agents SDK ──


@pytest.mark.parametrize("cell", [cell for cell in cells() if cell.caller in ("chat", "responses")], ids=str)
@pytest.mark.parametrize("stream", MODES)
@pytest.mark.parametrize("behaviour", ["tools", "parallel-tools", "reasoning"])
def test_an_agent_comes_to_its_end(cell, place_of, stream, behaviour):
    import asyncio

    address, key = place_of(cell)

    @agents.function_tool
    def time(city: str) -> str:
        """Tells the time."""
        return "noon"

    async def run():
        async with openai.AsyncOpenAI(base_url=address, api_key=key, max_retries=0) as client:
            kind = agents.OpenAIChatCompletionsModel if cell.caller == "chat" else agents.OpenAIResponsesModel
            thinks = {"reasoning": {"effort": "low", "summary": "auto"}} if behaviour == "reasoning" else {}
            state = {"store": False, "response_include": ["reasoning.encrypted_content"]} if cell.caller == "responses" else {}
            agent = agents.Agent(
                name="forecaster",
                instructions="Be brief.",
                tools=[agents.function_tool(weather), time],
                model=kind(model=cell.model(behaviour), openai_client=client),
                model_settings=agents.ModelSettings(**thinks, **state),
            )
            config = agents.RunConfig(tracing_disabled=True)
            if not stream:
                return (await agents.Runner.run(agent, "How is the weather?", run_config=config, max_turns=3)).final_output
            running = agents.Runner.run_streamed(agent, "How is the weather?", run_config=config, max_turns=3)
            async for _ in running.stream_events():
                pass
            return running.final_output

    expected = "It is sunny; It is noon" if behaviour == "parallel-tools" else "It is sunny"
    assert asyncio.run(run()) == expected
