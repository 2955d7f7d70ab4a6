"""Answers of an upstream as they are on the wire."""

import json


def plain(message=None, *, usage=(9, 3), cached=0, more=None, choices=None):
    """A `chat.completion`. `usage` is (prompt, completion), or None."""
    message = {"role": "assistant", "content": "Hi there", "refusal": None} | (message or {})
    reason = "tool_calls" if message.get("tool_calls") else "stop"
    choices = choices or [{"index": 0, "message": message, "logprobs": None, "finish_reason": reason}]
    body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1_760_000_000, "model": "chat", "choices": choices}
    if usage:
        body["usage"] = counted(usage, cached)
    return {"body": json.dumps(body | (more or {}))}


def counted(usage, cached=0):
    prompt, completion = usage
    details = {"prompt_tokens_details": {"cached_tokens": cached}}
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion} | details


def choice(delta, finish=None, index=0, **more):
    return {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish} | more


def chunk(*choices, **more):
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_760_000_000, "model": "chat", "choices": list(choices)} | more


def stream(*chunks, usage=(9, 3), done=True, drip=False, cut=False):
    """Server-sent events of `chunks`; the chunk of `include_usage` comes last."""
    events = [json.dumps(each) if isinstance(each, dict) else each for each in chunks]
    if usage:
        events.append(json.dumps(chunk(usage=counted(usage))))
    if done:
        events.append("[DONE]")
    body = "".join(f"data: {event}\n\n" for event in events)
    return {"headers": {"content-type": "text/event-stream"}, "body": body, "drip": drip, "cut": cut}


def spoken(*words):
    """A whole answer of text: role, a chunk for each word, finish."""
    return [chunk(choice({"role": "assistant", "content": ""})), *[chunk(choice({"content": word})) for word in words], chunk(choice({}, "stop"))]


def error(status, message, *, code=None, kind=None, param=None, headers=None):
    return {"status": status, "headers": headers or {}, "body": json.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}})}
