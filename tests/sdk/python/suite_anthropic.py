"""The official Anthropic SDK does what its documentation says, whatever provider answers."""

import anthropic
import pytest
from conftest import NARROW_KEY, anthropic_client

WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


def user(text):
    return [{"role": "user", "content": text}]


def it_answers_a_message(claude, model):
    answer = claude.messages.create(model=model, max_tokens=100, messages=user("Grüße aus Köln ☕"))
    assert answer.role == "assistant"
    assert answer.content[0].text == "Simulated answer to: Grüße aus Köln ☕"
    assert answer.stop_reason == "end_turn"
    assert answer.usage.input_tokens > 0
    assert answer.usage.output_tokens == 7


def it_stops_at_the_limit_of_the_caller(claude, model):
    answer = claude.messages.create(model=model, max_tokens=5, messages=user("[[sim-long-500]]"))
    assert answer.stop_reason == "max_tokens"
    assert answer.usage.output_tokens == 5


def it_streams_text(claude, model):
    with claude.messages.stream(
        model=model, max_tokens=100, system="You are brief.", messages=user("Ünïcödé ☕ text")
    ) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
    assert text == "Simulated answer to: Ünïcödé ☕ text"
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens == 6


def it_calls_tools_in_parallel_and_hears_their_results(claude, model):
    messages = user("[[sim-parallel-tools]]")
    first = claude.messages.create(model=model, max_tokens=500, messages=messages, tools=[WEATHER])
    assert first.stop_reason == "tool_use"
    calls = [block for block in first.content if block.type == "tool_use"]
    assert [call.input for call in calls] == [{"city": "text 1"}, {"city": "text 2"}]
    results = [
        {"type": "tool_result", "tool_use_id": call.id, "content": result}
        for call, result in zip(calls, ["sunny", "rainy"])
    ]
    messages += [{"role": "assistant", "content": first.content}, {"role": "user", "content": results}]
    second = claude.messages.create(model=model, max_tokens=500, messages=messages, tools=[WEATHER])
    assert second.stop_reason == "end_turn"
    assert second.content[0].text.endswith("(tools said: sunny; rainy)")


def it_streams_a_call(claude, model):
    with claude.messages.stream(
        model=model, max_tokens=500, messages=user("[[sim-tools]]"), tools=[WEATHER]
    ) as stream:
        message = stream.get_final_message()
    assert message.stop_reason == "tool_use"
    assert message.content[-1].input == {"city": "text 1"}


def it_counts_tokens(claude, model):
    assert claude.messages.count_tokens(model=model, messages=user("hello")).input_tokens > 0


def it_may_leave_a_stream(claude, model):
    with claude.messages.create(
        model=model, max_tokens=10000, messages=user("[[sim-never-stops]]"), stream=True
    ) as stream:
        for _, _ in zip(range(5), stream):
            pass
    answer = claude.messages.create(model=model, max_tokens=100, messages=user("still there?"))
    assert answer.stop_reason == "end_turn"


def it_raises_authentication_error_for_a_bad_key(model):
    with anthropic_client("fh_bad_key") as client, pytest.raises(anthropic.AuthenticationError):
        client.messages.create(model=model, max_tokens=100, messages=user("hello"))


def it_raises_not_found_error_for_an_unknown_model(claude, model):
    with pytest.raises(anthropic.NotFoundError) as raised:
        claude.messages.create(model=f"{model}-which-is-not-there", max_tokens=100, messages=user("hello"))
    assert raised.value.body["type"] == "error"
    assert raised.value.body["error"]["type"] == "not_found_error"


def it_raises_bad_request_error(claude, model):
    with pytest.raises(anthropic.BadRequestError):
        claude.messages.create(model=model, max_tokens=100, messages=[])


def it_raises_rate_limit_error(model):
    with anthropic_client(NARROW_KEY) as client, pytest.raises(anthropic.RateLimitError):
        for _ in range(3):
            client.messages.create(model=model, max_tokens=100, messages=user("hello"))
