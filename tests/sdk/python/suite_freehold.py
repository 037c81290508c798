"""What Freehold adds to the answers of the official SDKs, and what it keeps of a call."""

import time

from conftest import BASE_URL, KEY

import json
import urllib.request


def user(text):
    return [{"role": "user", "content": text}]


def get(path):
    request = urllib.request.Request(BASE_URL + path, headers={"authorization": f"Bearer {KEY}"})
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.load(reply)


def it_says_who_paid_and_what_it_cost(client, model):
    answer = client.chat.completions.create(model=model, messages=user("hello"))
    metadata = answer.model_extra["freehold_metadata"]
    assert metadata["cost_attribution"] == "byok"
    assert metadata["provider_used"] == model.split("/")[0]
    assert metadata["credits_charged"] == 0
    assert metadata["usage_source"] == "provider"
    assert metadata["request_id"].startswith("req_")


def it_says_so_in_the_head_too(client, model):
    raw = client.chat.completions.with_raw_response.create(model=model, messages=user("hello"))
    assert raw.headers["x-request-id"] == raw.parse().model_extra["freehold_metadata"]["request_id"]
    assert raw.headers["x-freehold-attribution"] == "byok"
    assert raw.headers["x-freehold-provider"] == model.split("/")[0]


def it_says_so_in_the_last_chunk_of_a_stream_with_usage(client, model):
    with client.chat.completions.create(
        model=model, messages=user("hello"), stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)
    assert chunks[-1].model_extra["freehold_metadata"]["cost_attribution"] == "byok"
    assert all("freehold_metadata" not in (chunk.model_extra or {}) for chunk in chunks[:-1])


def it_has_a_record_of_a_reply_that_was_seen_whole(client, model):
    answer = client.chat.completions.create(model=model, messages=user("hello"))
    record = get(f"/v1/usage/records/{answer.model_extra['freehold_metadata']['request_id']}")
    assert record["outcome"] == "ok"
    assert record["model_requested"] == model
    assert record["tokens"]["output"] == answer.usage.completion_tokens


def it_has_a_record_of_a_caller_who_left(client, model):
    stream = client.chat.completions.create(model=model, messages=user("[[sim-never-stops]]"), stream=True)
    request_id = stream.response.headers["x-request-id"]
    for _, _ in zip(range(5), stream):
        pass
    stream.close()
    deadline = time.monotonic() + 15
    record = None
    while record is None:
        assert time.monotonic() < deadline, "no record of a caller who left"
        time.sleep(0.05)
        records = get("/v1/usage/records?limit=20")["data"]
        record = next((one for one in records if one["request_id"] == request_id), None)
    assert record["outcome"] == "client_gone"
    assert record["tokens"]["output"] > 0
