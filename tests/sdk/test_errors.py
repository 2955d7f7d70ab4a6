"""Errors: each has the class that the SDK's users catch, its code, type and param; only what may help is asked again."""

import openai
import pytest

from wire import error, plain


def fails(kind, client, ask):
    """The error; it must name its task."""
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(**ask)
    failure = caught.value
    assert type(failure) is kind, failure
    assert failure.response.headers["x-easyai-task-id"].startswith("task_")
    assert failure.request_id == failure.response.headers["x-easyai-task-id"]
    return failure


def shape(failure):
    return failure.status_code, failure.code, failure.type, failure.param


@pytest.mark.parametrize("authorization", ["Bearer sk-wrong", "Bearer", "Basic c2s6", openai.Omit()])
def test_a_wrong_key_is_an_authentication_error(client, ask, authorization):
    failure = fails(openai.AuthenticationError, client, ask | {"extra_headers": {"Authorization": authorization}})
    assert shape(failure) == (401, "invalid_api_key", "invalid_request_error", None)


def test_an_empty_wallet_is_402(client, stage, script, ask, seen):
    script(plain())
    failure = fails(openai.APIStatusError, client.with_options(api_key=stage.poor_key), ask)
    assert shape(failure) == (402, "insufficient_balance", "insufficient_quota", None)
    assert seen() == []


def test_a_model_that_the_key_may_not_use_is_permission_denied(client, stage, ask):
    failure = fails(openai.PermissionDeniedError, client.with_options(api_key=stage.narrow_key), ask)
    assert shape(failure)[:3] == (403, "model_not_allowed", "invalid_request_error")


def test_an_unknown_model_is_not_found(client, ask):
    failure = fails(openai.NotFoundError, client, ask | {"model": "no/such-model"})
    assert shape(failure)[:3] == (404, "model_not_found", "invalid_request_error")
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("no/such-model")
    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"messages": "Hello"}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [{"content": "no role"}]}, "messages[0].role"),
        ({"stream": "yes"}, "stream"),
        ({"n": 0}, "n"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"model": ""}, "model"),
        ({"stream_options": 7, "stream": True}, "stream_options"),
    ],
)
def test_a_wrong_field_is_a_bad_request_that_names_it(client, ask, wrong, param):
    failure = fails(openai.BadRequestError, client, ask | {"extra_body": wrong})
    assert shape(failure) == (400, "bad_request", "invalid_request_error", param)


def test_what_the_upstream_refuses_is_a_bad_request_in_its_own_words(client, script, ask, seen):
    script(error(400, "Unsupported value: temperature", code="unsupported_value", kind="invalid_request_error", param="temperature"))
    failure = fails(openai.BadRequestError, client, ask)
    assert failure.code == "bad_request" and "Unsupported value: temperature" in failure.message
    assert len(seen()) == 1


def test_what_the_upstream_refuses_names_its_param(client, script, ask):
    script(error(400, "Unsupported value: temperature", code="unsupported_value", kind="invalid_request_error", param="temperature"))
    assert fails(openai.BadRequestError, client, ask).param == "temperature"


def test_a_prompt_that_is_too_long_has_its_own_code(client, script, ask):
    script(error(400, "This model's maximum context length is 8 tokens", code="context_length_exceeded", kind="invalid_request_error", param="messages"))
    assert fails(openai.BadRequestError, client, ask).code == "context_length_exceeded"


def test_an_exhausted_upstream_is_a_rate_limit_error(client, script, ask):
    script(error(429, "slow down", code="rate_limit_exceeded", headers={"retry-after": "7"}))
    failure = fails(openai.RateLimitError, client.with_options(max_retries=0), ask | {"model": "limited"})
    assert failure.code == "rate_limit"
    assert 1 <= int(failure.response.headers["retry-after"]) <= 7
    assert failure.response.headers["x-should-retry"] == "true"


def test_the_sdk_comes_back_after_a_rate_limit(client, script, ask, seen):
    script(error(429, "slow down", headers={"retry-after": "1"}), plain())
    assert client.chat.completions.create(**ask | {"model": "limited"}).choices[0].message.content == "Hi there"
    assert len(seen()) == 2


@pytest.mark.parametrize(("status", "model"), [(500, "broken"), (502, "broken"), (503, "overloaded")])
def test_a_failing_upstream_is_an_internal_server_error(client, script, ask, seen, status, model):
    script(error(status, "it burns", kind="server_error"))
    failure = fails(openai.InternalServerError, client, ask | {"model": model})
    assert shape(failure) == (502, "upstream_error", "server_error", None)
    assert failure.response.headers["x-should-retry"] == "false"
    assert len(seen()) == int(failure.response.headers["x-easyai-attempts"]), "the SDK's own retries are not on top of ours"


def test_the_operators_credential_is_never_the_callers_401(client, script, ask, seen):
    script(error(401, "Incorrect API key provided: the-operators-own-secret", code="invalid_api_key"))
    failure = fails(openai.InternalServerError, client, ask | {"model": "locked"})
    assert shape(failure) == (502, "upstream_auth", "server_error", None)
    assert "the-operators-own-secret" not in failure.response.text
    assert len(seen()) == 1
    # And it is not tried again until a person has seen to it.
    failure = fails(openai.InternalServerError, client, ask | {"model": "locked"})
    assert shape(failure)[:2] == (503, "no_candidate")
    assert len(seen()) == 1


def test_an_answer_that_is_no_json_is_an_internal_server_error(client, script, ask):
    script({"body": "<html>", "headers": {"content-type": "text/html"}})
    assert fails(openai.InternalServerError, client, ask | {"model": "broken"}).code == "upstream_error"


def test_another_body_under_the_same_idempotency_key_is_a_conflict(client, script, ask, seen):
    script(plain())
    again = ask | {"extra_headers": {"Idempotency-Key": ask["user"]}}
    first = client.chat.completions.with_raw_response.create(**again)
    second = client.chat.completions.with_raw_response.create(**again)
    assert first.content == second.content and second.headers["x-easyai-idempotent-replayed"] == "true"
    assert first.headers["x-easyai-task-id"] == second.headers["x-easyai-task-id"]
    failure = fails(openai.ConflictError, client, again | {"temperature": 0.5})
    assert failure.code == "idempotency_conflict"
    assert len(seen()) == 1


def test_an_unknown_path_is_not_found(client):
    with pytest.raises(openai.NotFoundError):
        client.post("/no/such/path", cast_to=object, body={})
