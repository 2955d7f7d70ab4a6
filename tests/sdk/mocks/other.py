"""What is no conversation: embeddings, moderations, old completions, rerank, models."""

import base64
import struct

from mocks.check import must


def vector(text, size):
    """The same text gives the same vector."""
    seed = sum(text.encode())
    return [round(((seed * (at + 3)) % 97) / 97, 6) for at in range(size)]


def texts_of(given, at):
    must(given is not None and given != "" and given != [], f"'{at}' must not be empty", param=at)
    return [given] if isinstance(given, str) else list(given)


def embeddings(body):
    texts = texts_of(body.get("input"), "input")
    must(all(isinstance(text, str) for text in texts), "input: this mock has no tokenizer", param="input")
    must(body.get("encoding_format", "float") in ("float", "base64"), "encoding_format: unknown", param="encoding_format")
    data = []
    for index, text in enumerate(texts):
        numbers = vector(text, body.get("dimensions") or 8)
        packed = base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
        data.append({"object": "embedding", "index": index, "embedding": packed if body.get("encoding_format") == "base64" else numbers})
    tokens = 4 * len(texts)
    return {"object": "list", "model": body["model"], "data": data, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}


def gemini_embeddings(body, model, batch):
    def one(request):
        must(request.get("model") in (None, f"models/{model}"), f"model: {request.get('model')!r} is not the one of the path")
        parts = (request.get("content") or {}).get("parts") or []
        must(parts and all(part.get("text") for part in parts), "content.parts: must not be empty")
        size = request.get("outputDimensionality") or request.get("output_dimensionality") or 8
        return {"values": vector("".join(part["text"] for part in parts), size)}

    if not batch:
        return {"embedding": one(body)}
    requests = body.get("requests")
    must(requests and len(requests) <= 100, "BatchEmbedContentsRequest.requests: at least one, at most 100 requests can be in one batch")
    return {"embeddings": [one(request) for request in requests]}


def moderations(body):
    names = "harassment harassment/threatening hate hate/threatening illicit illicit/violent self-harm self-harm/instructions self-harm/intent sexual sexual/minors violence violence/graphic".split()
    results = []
    for given in texts_of(body.get("input"), "input"):
        text = given if isinstance(given, str) else given.get("text", "")
        bad = {name: name == "violence" and "kill" in text for name in names}
        scores = {name: 0.9 if flag else 0.0001 for name, flag in bad.items()}
        kinds = {name: ["text"] for name in names}
        results.append({"flagged": any(bad.values()), "categories": bad, "category_scores": scores, "category_applied_input_types": kinds})
    return {"id": "modr-1", "model": body.get("model", "omni-moderation-latest"), "results": results}


def rerank(body):
    query, documents = body.get("query"), body.get("documents")
    must(isinstance(query, str) and query.strip(), "query must not be blank", param="query")
    must(isinstance(documents, list) and documents, "documents must not be empty", param="documents")
    words = set(query.lower().split())
    texts = [document if isinstance(document, str) else document.get("text", "") for document in documents]
    scored = [{"index": index, "relevance_score": len(words & set(text.lower().split())) / len(words)} for index, text in enumerate(texts)]
    scored.sort(key=lambda each: -each["relevance_score"])
    if body.get("return_documents"):
        scored = [each | {"document": {"text": texts[each["index"]]}} for each in scored]
    return {"id": "rr-1", "model": body["model"], "results": scored[: body.get("top_n") or None], "usage": {"prompt_tokens": 11, "total_tokens": 11}}


COMPLETION = "an old completion."


def completions(body, ids):
    must(isinstance(body.get("prompt"), str), "prompt: expected a string", param="prompt")
    frame = {"id": ids("cmpl-"), "object": "text_completion", "created": 1_760_000_000, "model": body["model"]}
    usage = {"prompt_tokens": 5, "completion_tokens": 4, "total_tokens": 9}

    def choice(text, finish):
        return {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}

    if not body.get("stream"):
        return frame | {"choices": [choice(COMPLETION, "stop")], "usage": usage}, None
    events = [(None, frame | {"choices": [choice(piece, None)]}) for piece in ("an old ", "completion.")]
    events.append((None, frame | {"choices": [choice("", "stop")]}))
    if (body.get("stream_options") or {}).get("include_usage"):
        events.append((None, frame | {"choices": [], "usage": usage}))
    return None, [*events, (None, "[DONE]")]
