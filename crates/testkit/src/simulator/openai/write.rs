//! Writes chat completions, whole and in chunks.

use serde_json::{Map, Value, json};

use crate::simulator::answer::{Answer, Call, Finish, count};
use crate::simulator::behaviour::Report;
use crate::simulator::dialect::{BORN, Turn};
use crate::simulator::stream::{Event, Kind};

/// The answer in one body.
pub(super) fn whole(turn: &Turn<'_>) -> Value {
    let answer = turn.answer;
    let mut message = json!({"role": "assistant", "content": null, "refusal": null, "annotations": []});
    if answer.finish == Finish::Filter {
        message["refusal"] = json!(answer.whole_text());
    } else if answer.calls.is_empty() {
        message["content"] = json!(answer.whole_text());
    } else {
        message["tool_calls"] = answer.calls.iter().map(call).collect();
    }
    if turn.shows_reasoning {
        message["reasoning_content"] = json!(answer.whole_reasoning());
    }
    let choices = (0..turn.ask.copies).map(|index| {
        json!({"index": index, "message": message, "logprobs": null, "finish_reason": finish(answer)})
    });
    let mut body = frame(turn, "chat.completion", choices.collect());
    if let Some(usage) = turn.report(usage(turn, answer.usage.output)) {
        body["usage"] = usage;
    }
    body
}

/// The answer in chunks: the role, the pieces, the reason of the end, usage if it was asked for, the end marker.
pub(super) fn events(turn: &Turn<'_>) -> Vec<Event> {
    let answer = turn.answer;
    let mut events = Vec::new();
    let mut told = 0;
    for index in 0..turn.ask.copies {
        let mut push = |kind, delta: Value, finish: Value, tokens: u64| {
            told += tokens;
            let choice = json!({"index": index, "delta": delta, "logprobs": null, "finish_reason": finish});
            let mut chunk = frame(turn, "chat.completion.chunk", vec![choice]);
            chunk["obfuscation"] = json!("aXk2");
            if turn.report == Report::EveryPiece {
                chunk["usage"] = usage(turn, told);
            } else if turn.ask.wants_usage {
                chunk["usage"] = Value::Null;
            }
            events.push(Event::new(kind, chunk.to_string()).worth(tokens));
        };
        // The thoughts of the provider's own models are billed and not shown.
        let shown: &[String] = if turn.shows_reasoning {
            &answer.reasoning
        } else {
            &[]
        };
        let hidden = count(answer.reasoning.len() - shown.len());
        push(
            Kind::Opening,
            json!({"role": "assistant", "content": "", "refusal": null}),
            Value::Null,
            hidden,
        );
        for thought in shown {
            push(Kind::Piece, json!({"reasoning_content": thought}), Value::Null, 1);
        }
        let field = if answer.finish == Finish::Filter {
            "refusal"
        } else {
            "content"
        };
        for piece in &answer.text {
            push(Kind::Piece, json!({ field: piece }), Value::Null, 1);
        }
        for (place, call) in answer.calls.iter().enumerate() {
            for (delta, tokens) in call_deltas(place, call) {
                push(Kind::Piece, json!({"tool_calls": [delta]}), Value::Null, tokens);
            }
        }
        push(Kind::Closing, Value::Object(Map::new()), json!(finish(answer)), 0);
    }
    if (turn.ask.wants_usage || turn.report == Report::AfterEnd)
        && let Some(usage) = turn.report(usage(turn, answer.usage.output))
    {
        let mut chunk = frame(turn, "chat.completion.chunk", Vec::new());
        chunk["usage"] = usage;
        events.push(Event::new(Kind::Usage, chunk.to_string()));
    }
    events.push(Event::new(Kind::End, "[DONE]"));
    events
}

fn frame(turn: &Turn<'_>, object: &str, choices: Vec<Value>) -> Value {
    json!({
        "id": format!("chatcmpl-sim{}", turn.number), "object": object, "created": BORN, "model": turn.ask.model,
        "service_tier": "default", "system_fingerprint": "fp_simulated", "choices": choices,
    })
}

fn call(call: &Call) -> Value {
    json!({"id": format!("call_{}", call.id), "type": "function",
        "function": {"name": call.name, "arguments": call.arguments.to_string()}})
}

/// A call in parts: its name first, then its arguments in three pieces.
fn call_deltas(index: usize, call: &Call) -> Vec<(Value, u64)> {
    let arguments = call.arguments.to_string();
    let third = arguments.floor_char_boundary(arguments.len() / 3);
    let (first, rest) = arguments.split_at(third);
    let (second, last) = rest.split_at(rest.floor_char_boundary(rest.len() / 2));
    let mut deltas = vec![(
        json!({"index": index, "id": format!("call_{}", call.id), "type": "function",
            "function": {"name": call.name, "arguments": ""}}),
        Answer::call_tokens(call),
    )];
    for piece in [first, second, last] {
        deltas.push((json!({"index": index, "function": {"arguments": piece}}), 0));
    }
    deltas
}

fn finish(answer: &Answer) -> &'static str {
    match answer.finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
        Finish::Calls => "tool_calls",
        Finish::Filter => "content_filter",
    }
}

/// Usage with `output` tokens said so far. Cached input and reasoning are parts of the totals.
fn usage(turn: &Turn<'_>, output: u64) -> Value {
    let usage = turn.answer.usage;
    let input = usage.input + usage.cache_read + usage.cache_write;
    json!({
        "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
    })
}
