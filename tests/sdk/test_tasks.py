"""Tasks and wallet: what a call cost, and why it went as it did, can be read afterwards."""

import re
from decimal import Decimal

import openai
import pytest

import stage as prices
from conftest import call, exchange
from wire import choice, chunk, error, plain, spoken, stream

DECIMAL = re.compile(r"^-?\d+(\.\d*[1-9])?$")
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")


@pytest.fixture
def api(stage):
    """Reads a path of the gateway's own API."""
    return lambda path, key=None: call(f"{stage.url}/api/v1{path}", headers={"Authorization": f"Bearer {key or stage.key}"})


def price_of(prompt, cached, output):
    tokens = (prompt - cached) * Decimal(prices.INPUT) + cached * Decimal(prices.CACHED) + output * Decimal(prices.OUTPUT)
    return tokens / 1_000_000 * Decimal(prices.MULTIPLIER)


def amount(text):
    assert isinstance(text, str) and DECIMAL.match(text), text
    return Decimal(text)


def test_a_charge_is_price_times_usage_everywhere_it_is_shown(client, script, ask, api):
    before = api("/wallet")
    assert before["currency"] == "USD" and amount(before["held"]) == 0
    script(plain(usage=(1000, 200), cached=400))
    response = client.chat.completions.with_raw_response.create(**ask)
    task = api(f"/tasks/{response.headers['x-easyai-task-id']}")
    charge = price_of(1000, 400, 200)
    assert amount(task["charge"]) == charge == amount(response.headers["x-easyai-charge"])
    assert amount(before["balance"]) - amount(api("/wallet")["balance"]) == charge
    assert (task["kind"], task["model"], task["status"], task["attempts"], task["currency"]) == ("chat.completions", "chat", "succeeded", 1, "USD")
    assert (task["usage"]["input_tokens"], task["usage"]["cached_input_tokens"], task["usage"]["output_tokens"]) == (1000, 400, 200)
    assert TIME.match(task["created_at"]) and TIME.match(task["finished_at"])


def test_a_stream_is_charged_by_the_usage_that_the_caller_did_not_see(client, script, ask, api):
    script(stream(*spoken("a", "b"), usage=(50, 7)))
    response = client.chat.completions.with_raw_response.create(**ask, stream=True)
    list(response.parse())
    task = api(f"/tasks/{response.headers['x-easyai-task-id']}")
    assert amount(task["charge"]) == price_of(50, 0, 7) and task["status"] == "succeeded" and task["stream"] is True


@pytest.mark.parametrize("streamed", [False, True])
def test_without_usage_from_the_upstream_the_tokens_are_counted(client, script, ask, api, streamed):
    script(stream(*spoken("one ", "two ", "three"), usage=None) if streamed else plain(usage=None))
    response = client.chat.completions.with_raw_response.create(**ask, stream=streamed)
    if streamed:
        list(response.parse())
    task = api(f"/tasks/{response.headers['x-easyai-task-id']}")
    assert task["usage"]["source"] == "counted" and task["usage"]["output_tokens"] > 0
    assert amount(task["charge"]) == price_of(task["usage"]["input_tokens"], 0, task["usage"]["output_tokens"])


def test_what_was_delivered_before_a_break_is_charged(client, script, ask, api):
    script(stream(*spoken("one ", "two ", "three")[:-1], usage=None, done=False))
    response = client.chat.completions.with_raw_response.create(**ask, stream=True)
    with pytest.raises(openai.APIError):
        list(response.parse())
    task = api(f"/tasks/{response.headers['x-easyai-task-id']}")
    assert (task["status"], task["error"]["code"]) == ("failed", "upstream_error")
    assert amount(task["charge"]) == price_of(task["usage"]["input_tokens"], 0, task["usage"]["output_tokens"]) > 0
    assert amount(task["held"]) == 0


def test_what_failed_is_not_charged(client, script, ask, api):
    script(error(500, "no", kind="server_error"))
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(**ask | {"model": "broken"})
    task = api(f"/tasks/{caught.value.response.headers['x-easyai-task-id']}")
    assert (task["status"], task["charge"], task["held"]) == ("failed", "0", "0")
    assert task["error"]["code"] == "upstream_error"


def test_events_tell_a_tasks_life(client, script, ask, api):
    script(plain())
    response = client.chat.completions.with_raw_response.create(**ask)
    page = api(f"/tasks/{response.headers['x-easyai-task-id']}/events")
    assert set(page) == {"data", "next_cursor"} and page["next_cursor"] is None
    told = [(event["type"], event["status"], event["phase"], event["progress"]) for event in page["data"]]
    assert told == [
        ("task.progress", "running", "normalizing", 0.15),
        ("task.attempt.started", "running", "submitting", 0.25),
        ("task.billing.settled", "succeeded", "billing", 0.98),
        ("task.completed", "succeeded", "completed", 1),
    ]
    assert [event["seq"] for event in page["data"]] == [1, 2, 3, 4]
    settled, completed = page["data"][2]["payload"], page["data"][3]["payload"]
    assert (amount(settled["amount"]), settled["currency"]) == (price_of(9, 0, 3), "USD")
    assert {"result", "billings", "usage", "metrics", "billing_summary", "request_id"} <= set(completed)


def test_events_are_streamed_from_where_one_left(stage, client, script, ask):
    script(plain())
    response = client.chat.completions.with_raw_response.create(**ask)
    task = response.headers["x-easyai-task-id"]
    headers = {"Authorization": f"Bearer {stage.key}", "Accept": "text/event-stream", "Last-Event-ID": "2"}
    events = exchange(f"{stage.url}/api/v1/tasks/{task}/events", "GET", None, headers).decode()
    assert re.findall(r"^id: (\d+)$", events, re.M) == ["3", "4"]
    assert re.findall(r"^event: (.+)$", events, re.M) == ["task.billing.settled", "task.completed"]


def test_a_trace_explains_a_failover(client, script, ask, api):
    inside = {"error": {"message": "it burns", "code": "server_error"}}
    preamble = chunk(choice({"role": "assistant", "content": ""}))
    script(stream(preamble, inside, usage=None, done=False), stream(*spoken("a")))
    response = client.chat.completions.with_raw_response.create(**ask | {"model": "twice"}, stream=True)
    list(response.parse())
    id = response.headers["x-easyai-task-id"]
    answer = api(f"/tasks/{id}/trace")
    trace = answer["trace"]
    assert answer["task"] == id
    assert [candidate["platform"] for candidate in trace["candidates"]] == ["flaky", "main"]
    assert amount(trace["estimate"]["hold"]) > 0
    assert len(trace["decisions"]) == 1 and trace["decisions"][0]["action"] == "next_platform"
    assert "it burns" in str(trace["decisions"][0]["failure"])
    types = [event["type"] for event in api(f"/tasks/{id}/events")["data"]]
    assert types == ["task.progress", "task.attempt.started", "task.attempt.failed", "task.retrying", "task.attempt.started", "task.billing.settled", "task.completed"]
    assert api(f"/tasks/{id}")["attempts"] == 2


def test_tasks_are_listed_page_by_page(stage, client, script, ask, api):
    key = stage.fresh_key
    mine = client.with_options(api_key=key)
    script(plain())
    made = [mine.chat.completions.with_raw_response.create(**ask).headers["x-easyai-task-id"] for _ in range(7)]
    listed, cursor, pages = [], "", 0
    while cursor is not None:
        page = api(f"/tasks?limit=3{cursor and '&cursor=' + cursor}", key)
        assert set(page) == {"data", "next_cursor"} and len(page["data"]) <= 3
        listed += [task["id"] for task in page["data"]]
        cursor, pages = page["next_cursor"], pages + 1
    assert listed == made[::-1] and pages == 3, "the latest first, each once"
    assert len(api("/tasks?status=succeeded&model=chat&kind=chat.completions", key)["data"]) == 7
    assert api("/tasks?status=failed", key) == {"data": [], "next_cursor": None}


def test_tasks_of_others_do_not_exist(stage, client, script, ask):
    script(plain())
    task = client.chat.completions.with_raw_response.create(**ask).headers["x-easyai-task-id"]
    other = client.with_options(base_url=f"{stage.url}/api/v1", api_key=stage.poor_key)
    for path in (f"/tasks/{task}", f"/tasks/{task}/events", f"/tasks/{task}/trace", "/tasks/nonsense"):
        with pytest.raises(openai.NotFoundError) as caught:
            other.get(path, cast_to=object)
        assert caught.value.code == "task_not_found"


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "status=lost", "cursor=x", "colour=red"])
def test_a_wrong_query_is_a_bad_request(stage, client, query):
    with pytest.raises(openai.BadRequestError):
        client.with_options(base_url=f"{stage.url}/api/v1").get(f"/tasks?{query}", cast_to=object)


def test_the_command_line_explains_the_same_task(stage, client, script, ask):
    script(plain())
    response = client.chat.completions.with_raw_response.create(**ask)
    shown = stage.easyai("task", "show", response.headers["x-easyai-task-id"])
    assert "main" in shown and response.headers["x-easyai-charge"] in shown
