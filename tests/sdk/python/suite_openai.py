"""The official OpenAI SDK does what its documentation says, whatever provider answers."""

import asyncio
import base64
import json
import struct
import zlib

import openai
import pydantic
import pytest
from conftest import BASE_URL, KEY, MODELS, NARROW_KEY, openai_client

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}


def user(text):
    return [{"role": "user", "content": text}]


def png():
    """A picture of one red point."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0\xff\0\0")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def gathered(stream):
    """The text, the calls, the reason of the end, and the usage of a stream."""
    text, calls, finish, usage = "", {}, None, None
    for chunk in stream:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
            for piece in choice.delta.tool_calls or []:
                call = calls.setdefault(piece.index, {"id": "", "name": "", "arguments": ""})
                call["id"] = piece.id or call["id"]
                call["name"] += piece.function.name or ""
                call["arguments"] += piece.function.arguments or ""
    return text, [calls[index] for index in sorted(calls)], finish, usage


def it_answers_a_chat(client, model):
    answer = client.chat.completions.create(model=model, messages=user("Grüße aus Köln ☕"))
    choice = answer.choices[0]
    assert choice.message.role == "assistant"
    assert choice.message.content == "Simulated answer to: Grüße aus Köln ☕"
    assert choice.finish_reason == "stop"
    assert answer.object == "chat.completion"
    assert answer.usage.prompt_tokens > 0
    assert answer.usage.completion_tokens == 7
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 7


def it_carries_a_conversation_with_instructions(client, model):
    messages = [
        {"role": "system", "content": "You are brief."},
        {"role": "user", "content": "First."},
        {"role": "assistant", "content": "Done."},
        {"role": "user", "content": [{"type": "text", "text": "Second."}]},
    ]
    answer = client.chat.completions.create(model=model, messages=messages)
    assert answer.choices[0].message.content == "Simulated answer to: Second."


def it_stops_at_the_limit_of_the_caller(client, model):
    answer = client.chat.completions.create(model=model, messages=user("[[sim-long-500]]"), max_tokens=5)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 5


def it_streams_text_and_no_chunk_that_was_not_asked_for(client, model):
    with client.chat.completions.create(model=model, messages=user("Ünïcödé ☕ text"), stream=True) as stream:
        chunks = list(stream)
    assert all(len(chunk.choices) == 1 for chunk in chunks)
    assert all(chunk.usage is None for chunk in chunks)
    assert len({chunk.id for chunk in chunks}) == 1
    text, calls, finish, _ = gathered(chunks)
    assert (text, calls, finish) == ("Simulated answer to: Ünïcödé ☕ text", [], "stop")


def it_streams_usage_when_asked(client, model):
    with client.chat.completions.create(
        model=model, messages=user("hello"), stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == 4
    assert all(chunk.usage is None for chunk in chunks[:-1])


def it_calls_a_tool(client, model):
    answer = client.chat.completions.create(model=model, messages=user("[[sim-tools]]"), tools=[WEATHER])
    assert answer.choices[0].finish_reason == "tool_calls"
    (call,) = answer.choices[0].message.tool_calls
    assert call.type == "function"
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == {"city": "text 1", "days": 42}


def it_calls_tools_in_parallel_and_hears_their_results(client, model):
    messages = user("[[sim-parallel-tools]]")
    first = client.chat.completions.create(model=model, messages=messages, tools=[WEATHER])
    calls = first.choices[0].message.tool_calls
    assert len(calls) == 2
    assert calls[0].id != calls[1].id
    messages.append(first.choices[0].message)
    for call, result in zip(calls, ["sunny", "rainy"]):
        messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    second = client.chat.completions.create(model=model, messages=messages, tools=[WEATHER])
    assert second.choices[0].finish_reason == "stop"
    assert second.choices[0].message.content.endswith("(tools said: sunny; rainy)")


def it_streams_parallel_calls(client, model):
    with client.chat.completions.create(
        model=model, messages=user("[[sim-parallel-tools]]"), tools=[WEATHER], stream=True
    ) as stream:
        _, calls, finish, _ = gathered(stream)
    assert finish == "tool_calls"
    assert [call["name"] for call in calls] == ["get_weather", "get_weather"]
    assert [json.loads(call["arguments"])["city"] for call in calls] == ["text 1", "text 2"]
    assert all(call["id"] for call in calls)


class Trip(pydantic.BaseModel):
    city: str
    days: int
    tags: list[str]


def it_parses_a_structured_answer(client, model):
    answer = client.chat.completions.parse(model=model, messages=user("Plan a trip."), response_format=Trip)
    assert answer.choices[0].message.parsed == Trip(city="text 1", days=42, tags=["text 1"])


def it_sees_images(client, model):
    url = "data:image/png;base64," + base64.b64encode(png()).decode()
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": url}},
    ]
    answer = client.chat.completions.create(model=model, messages=[{"role": "user", "content": content}])
    assert answer.choices[0].message.content == "Simulated answer to: What is this? (images: 1)"


def it_may_leave_a_stream(client, model):
    stream = client.chat.completions.create(model=model, messages=user("[[sim-never-stops]]"), stream=True)
    for _, _ in zip(range(5), stream):
        pass
    stream.close()
    answer = client.chat.completions.create(model=model, messages=user("still there?"))
    assert answer.choices[0].finish_reason == "stop"


def it_answers_many_at_once(model):
    async def all_of_them():
        async with openai.AsyncOpenAI(base_url=f"{BASE_URL}/v1", api_key=KEY, max_retries=0) as client:
            calls = [
                client.chat.completions.create(model=model, messages=user(f"number {number}"))
                for number in range(20)
            ]
            return await asyncio.gather(*calls)

    texts = [answer.choices[0].message.content for answer in asyncio.run(all_of_them())]
    assert texts == [f"Simulated answer to: number {number}" for number in range(20)]


def it_raises_an_error_in_the_middle_of_a_stream(client, model):
    with pytest.raises(openai.APIError):
        with client.chat.completions.create(
            model=model, messages=user("[[sim-error-mid-stream]]"), stream=True
        ) as stream:
            list(stream)


def it_lists_the_models(client):
    listed = {model.id for model in client.models.list()}
    assert set(MODELS.values()) <= listed


def it_raises_authentication_error_for_a_bad_key(model):
    with openai_client("fh_bad_key") as client, pytest.raises(openai.AuthenticationError) as raised:
        client.chat.completions.create(model=model, messages=user("hello"))
    assert raised.value.code == "invalid_api_key"


def it_raises_not_found_error_for_an_unknown_model(client, model):
    with pytest.raises(openai.NotFoundError) as raised:
        client.chat.completions.create(model=f"{model}-which-is-not-there", messages=user("hello"))
    assert raised.value.code == "model_not_found"


def it_raises_bad_request_error(client, model):
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=model, messages=[])
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=model, messages=[{"role": "nobody", "content": "hello"}])


def it_raises_rate_limit_error(model):
    with openai_client(NARROW_KEY) as client, pytest.raises(openai.RateLimitError) as raised:
        for _ in range(3):
            client.chat.completions.create(model=model, messages=user("hello"))
    assert raised.value.code == "rate_limit_exceeded"
    assert int(raised.value.response.headers["retry-after"]) > 0
