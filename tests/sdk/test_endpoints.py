"""What is no conversation: counts of tokens, embeddings, moderations, old completions, rerank, lists of models."""

import json
import time
import urllib.error
import urllib.request

import anthropic
import openai
import pytest
from google import genai
from google.genai import types as google

from matrix import KINDS, WAYS, Cell, cells
from mocks.other import COMPLETION, vector
from mocks.said import TEXT
from mocks.server import COUNTED_TOKENS

ways = [pytest.param(way, id=way) for way in WAYS]
COUNTERS = [cell for cell in cells(("messages", "google")) if cell.way == "gateway" or cell.kind in ("anthropic", "gemini")]


@pytest.mark.parametrize("cell", COUNTERS, ids=str)
def test_tokens_are_counted(cell, caller_of):
    client, model = caller_of(cell).client, cell.model("text")
    if cell.caller == "messages":
        messages = [{"role": "user", "content": "How many tokens are there in these words?"}]
        count = client.messages.count_tokens(model=model, messages=messages, system="Be brief.").input_tokens
    else:
        count = client.models.count_tokens(model=model, contents="How many tokens are there in these words?").total_tokens
    # Those who can count are asked; for others the gateway estimates.
    exact = cell.native
    assert count == COUNTED_TOKENS if exact else 5 <= count <= 60


@pytest.mark.parametrize("way", ways)
def test_embeddings_come_as_the_sdk_asks_for_them(way, caller_of):
    client = caller_of(Cell(way, "chat", "openai")).client
    model = "embed" if way == "gateway" else "text-embedding-3-small"
    for asked in ({}, {"encoding_format": "float"}, {"encoding_format": "base64"}):
        answer = client.embeddings.create(model=model, input=["one", "two"], **asked)
        assert [each.index for each in answer.data] == [0, 1]
        if asked.get("encoding_format") != "base64":
            assert answer.data[1].embedding == pytest.approx(vector("two", 8), abs=1e-5)
        assert (answer.usage.prompt_tokens, answer.usage.total_tokens) == (8, 8)
    assert len(client.embeddings.create(model=model, input="one", dimensions=4).data[0].embedding) == 4


@pytest.mark.skipif("gateway" not in WAYS or "gemini" not in KINDS, reason="only through the gateway")
@pytest.mark.parametrize("texts", [1, 3, 250])
def test_embeddings_of_gemini_for_openais_sdk(caller_of, texts):
    client = caller_of(Cell("gateway", "chat", "gemini")).client
    answer = client.embeddings.create(model="gemini/embed", input=[f"text {at}" for at in range(texts)])
    assert [each.index for each in answer.data] == list(range(texts))
    assert answer.data[-1].embedding == pytest.approx(vector(f"text {texts - 1}", 8), abs=1e-5)
    # Gemini tells no usage: it was counted.
    assert answer.usage.prompt_tokens >= texts


GOOGLE = [("direct", "gemini-embedding-001")] * ("direct" in WAYS) + [("gateway", "gemini/embed"), ("gateway", "embed")] * ("gateway" in WAYS)


@pytest.mark.parametrize(("way", "model"), GOOGLE)
def test_embeddings_for_googles_sdk(way, model, caller_of):
    client = caller_of(Cell(way, "google", "gemini")).client
    answer = client.models.embed_content(model=model, contents=["one", "two"])
    assert answer.embeddings[1].values == pytest.approx(vector("two", 8), abs=1e-5)
    short = client.models.embed_content(model=model, contents="one", config=google.EmbedContentConfig(output_dimensionality=4))
    assert len(short.embeddings[0].values) == 4


@pytest.mark.parametrize("way", ways)
def test_moderations(way, caller_of):
    client = caller_of(Cell(way, "chat", "openai")).client
    model = "moderate" if way == "gateway" else "omni-moderation-latest"
    kind, bad = client.moderations.create(model=model, input=["hello", "I kill you"]).results
    assert (kind.flagged, bad.flagged, bad.categories.violence, bad.categories.self_harm) == (False, True, True, False)


@pytest.mark.parametrize("way", ways)
def test_old_completions(way, caller_of):
    client = caller_of(Cell(way, "chat", "openai")).client
    model = "complete" if way == "gateway" else "gpt-3.5-turbo-instruct"
    answer = client.completions.create(model=model, prompt="Say", max_tokens=10)
    assert (answer.choices[0].text, answer.choices[0].finish_reason, answer.usage.total_tokens) == (COMPLETION, "stop", 9)
    chunks = list(client.completions.create(model=model, prompt="Say", stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices) == COMPLETION
    assert chunks[-1].usage.total_tokens == 9


@pytest.mark.skipif("gateway" not in WAYS, reason="only through the gateway")
def test_rerank(stage):
    documents = ["a cat", "an old dog", "a dog"]

    def ask(**body):
        data = json.dumps({"model": "rerank", "query": "old dog", "documents": documents} | body).encode()
        headers = {"authorization": f"Bearer {stage.key}", "content-type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(f"{stage.url}/v1/rerank", data, headers), timeout=20) as answer:
            return json.loads(answer.read())

    answer = ask(top_n=2, return_documents=True)
    assert [each["index"] for each in answer["results"]] == [1, 2]
    assert answer["results"][0]["document"] == {"text": "an old dog"}
    assert "document" not in ask()["results"][0]
    for wrong in ({"query": " "}, {"documents": []}, {"top_n": 0}):
        with pytest.raises(urllib.error.HTTPError) as caught:
            ask(**wrong)
        assert caught.value.code == 400


@pytest.mark.skipif("gateway" not in WAYS, reason="only through the gateway")
def test_models_are_listed_for_every_sdk(stage):
    names = [f"{kind}/text" for kind in KINDS]
    of_openai = openai.OpenAI(base_url=f"{stage.url}/v1", api_key=stage.key)
    assert set(names) <= {model.id for model in of_openai.models.list()}
    assert of_openai.models.retrieve(names[0]).id == names[0]
    of_anthropic = anthropic.Anthropic(base_url=stage.url, api_key=stage.key)
    listed = {model.id: model for model in of_anthropic.models.list(limit=1000)}
    assert set(names) <= set(listed)
    assert listed[names[0]].type == "model" and listed[names[0]].display_name and listed[names[0]].created_at
    assert of_anthropic.models.retrieve(names[0]).id == names[0]


@pytest.mark.skipif("gateway" not in WAYS or "anthropic" not in KINDS, reason="only through the gateway")
def test_anthropics_other_ways_to_say_who_one_is(stage, mocks):
    """A bearer token instead of `x-api-key`; beta methods with their `?beta=true` and header, which reach the platform."""
    client = anthropic.Anthropic(base_url=stage.url, auth_token=stage.key, api_key=None, max_retries=0)
    answer = client.beta.messages.create(
        model="anthropic/text", max_tokens=100, messages=[{"role": "user", "content": "case-beta"}], betas=["context-1m-2025-08-07"]
    )
    assert answer.content[0].type == "text"
    assert mocks.seen("case-beta")[0]["headers"]["anthropic-beta"] == "context-1m-2025-08-07"


@pytest.mark.skipif("gateway" not in WAYS or "gemini" not in KINDS, reason="only through the gateway")
@pytest.mark.parametrize("version", ["v1", "v1beta"])
def test_both_versions_of_googles_api(stage, version):
    options = google.HttpOptions(base_url=stage.url, api_version=version)
    client = genai.Client(api_key=stage.key, http_options=options)
    for model in ("gemini/text", "models/gemini/text", "anthropic/text"):
        assert client.models.generate_content(model=model, contents="Hello").text


@pytest.mark.skipif("gateway" not in WAYS or "gemini" not in KINDS, reason="only through the gateway")
@pytest.mark.parametrize("kind", ["gemini", "anthropic"])
def test_googles_stream_without_sse_is_a_json_array(stage, kind):
    url = f"{stage.url}/v1beta/models/{kind}/text:streamGenerateContent?key={stage.key}"
    data = json.dumps({"contents": [{"parts": [{"text": "Hello"}]}]}).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        chunks = json.loads(answer.read())
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP" and len(chunks) > 3


RESPONSES = [cell for cell in cells(("responses",))]


@pytest.mark.parametrize("cell", RESPONSES, ids=str)
@pytest.mark.parametrize("thinks", [False, True])
def test_a_response_goes_on_from_the_one_before(cell, caller_of, mocks, thinks, request):
    marker = "case-" + "".join(each if each.isalnum() else "-" for each in request.node.name)
    client = caller_of(cell).client
    model, more = cell.model("reasoning" if thinks else "text"), {"reasoning": {"effort": "low"}} if thinks else {}
    first = client.responses.create(model=model, input=f"One {marker}", instructions="Be brief.", **more)
    second = client.responses.create(model=model, input=f"Two {marker}", previous_response_id=first.id, **more)
    assert second.output_text and second.previous_response_id == first.id
    if not cell.native:
        heard = mocks.heard(marker)[-1]
        # Instructions of the one before don't count any more.
        assert (heard.user, heard.system, len(heard.assistant)) == ([f"One {marker}", f"Two {marker}"], [], 1)
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model=model, input="Two", previous_response_id="resp_nobody")
    assert caught.value.code == "previous_response_not_found" or cell.way == "gateway" or cell.kind == "ark"


THROUGH = [cell for cell in RESPONSES if cell.way == "gateway"]


@pytest.mark.parametrize("cell", THROUGH, ids=str)
def test_a_stored_response_is_found_and_deleted(cell, caller_of):
    client = caller_of(cell).client
    made = client.responses.create(model=cell.model("text"), input="Hello")
    assert client.responses.retrieve(made.id).output_text == made.output_text
    items = list(client.responses.input_items.list(made.id))
    assert items[0].role == "user"
    client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)
    gone = client.responses.create(model=cell.model("text"), input="Hello", store=False)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(gone.id)


@pytest.mark.parametrize("cell", THROUGH, ids=str)
def test_a_response_in_the_background(cell, caller_of):
    client = caller_of(cell).client
    made = client.responses.create(model=cell.model("text"), input="Hello", background=True)
    assert made.status in ("queued", "in_progress", "completed")
    for _ in range(100):
        if made.status not in ("queued", "in_progress"):
            break
        time.sleep(0.05)
        made = client.responses.retrieve(made.id)
    assert (made.status, made.output_text) == ("completed", TEXT)
    # A stream of one in the background is taken up again where it was left.
    events = list(client.responses.create(model=cell.model("text"), input="Hello", background=True, stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    rest = list(client.responses.retrieve(events[0].response.id, stream=True, starting_after=3))
    assert [(event.type, event.sequence_number) for event in rest] == [(event.type, event.sequence_number) for event in events[4:]]


@pytest.mark.parametrize("cell", THROUGH, ids=str)
def test_input_tokens_of_a_response_are_counted(cell, caller_of):
    count = caller_of(cell).client.responses.input_tokens.count(model=cell.model("text"), input="How many tokens are there in these words?")
    assert count.object == "response.input_tokens" and 5 <= count.input_tokens <= 60
