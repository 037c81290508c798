//! Writes messages, whole and as a stream of named events.

use serde_json::{Value, json};

use crate::simulator::answer::{Answer, Call, Finish, count};
use crate::simulator::behaviour::Report;
use crate::simulator::dialect::Turn;
use crate::simulator::stream::{Event, Kind};

const SIGNATURE: &str = "c2ltdWxhdGVkLXNpZ25hdHVyZQ==";

/// The answer in one body.
pub(super) fn whole(turn: &Turn<'_>) -> Value {
    let answer = turn.answer;
    let mut blocks = Vec::new();
    if !answer.reasoning.is_empty() {
        blocks
            .push(json!({"type": "thinking", "thinking": answer.whole_reasoning(), "signature": SIGNATURE}));
    }
    if !answer.text.is_empty() {
        blocks.push(json!({"type": "text", "text": answer.whole_text()}));
    }
    blocks.extend(answer.calls.iter().map(|call| call_block(call, &call.arguments)));
    let mut message = skeleton(turn, blocks);
    message["stop_reason"] = json!(stop_reason(answer));
    if answer.finish == Finish::Filter {
        message["stop_details"] = json!({"category": "simulated"});
    }
    if let Some(usage) = turn.report(usage(turn, answer.usage.output, count(answer.reasoning.len()))) {
        message["usage"] = usage;
    }
    message
}

/// The answer as events: the message, one block after the other, the reason of the end with usage, the end.
pub(super) fn events(turn: &Turn<'_>) -> Vec<Event> {
    let answer = turn.answer;
    let mut message = skeleton(turn, Vec::new());
    message["stop_reason"] = Value::Null;
    if let Some(usage) = turn.report(usage(turn, 1, 0)) {
        message["usage"] = usage;
    }
    let mut events = vec![event(Kind::Opening, "message_start", json!({"message": message}))];
    let mut index = 0;
    let mut block = |begin: Value, deltas: Vec<(Value, u64)>| {
        let start = json!({"index": index, "content_block": begin});
        events.push(event(Kind::Opening, "content_block_start", start));
        if index == 0 {
            events.push(event(Kind::Opening, "ping", json!({})));
        }
        for (delta, tokens) in deltas {
            let delta = json!({"index": index, "delta": delta});
            events.push(event(Kind::Piece, "content_block_delta", delta).worth(tokens));
        }
        events.push(event(
            Kind::Closing,
            "content_block_stop",
            json!({ "index": index }),
        ));
        index += 1;
    };
    if !answer.reasoning.is_empty() {
        let thoughts = answer.reasoning.iter();
        let mut deltas: Vec<(Value, u64)> = thoughts
            .map(|piece| (json!({"type": "thinking_delta", "thinking": piece}), 1))
            .collect();
        deltas.push((json!({"type": "signature_delta", "signature": SIGNATURE}), 0));
        block(
            json!({"type": "thinking", "thinking": "", "signature": ""}),
            deltas,
        );
    }
    if !answer.text.is_empty() {
        let pieces = answer.text.iter();
        let deltas = pieces.map(|piece| (json!({"type": "text_delta", "text": piece}), 1));
        block(json!({"type": "text", "text": ""}), deltas.collect());
    }
    for call in &answer.calls {
        block(call_block(call, &json!({})), call_deltas(call));
    }
    let mut delta = json!({"delta": {"stop_reason": stop_reason(answer), "stop_sequence": null}});
    match turn.report(usage(turn, answer.usage.output, count(answer.reasoning.len()))) {
        Some(usage) => delta["usage"] = usage,
        None => delta["usage"] = Value::Null,
    }
    events.push(event(Kind::Usage, "message_delta", delta));
    events.push(event(Kind::End, "message_stop", json!({})));
    if turn.report == Report::EveryPiece {
        every_piece(turn, &mut events);
    }
    events
}

/// Adds the usage so far as a `message_delta` of its own after each piece: cumulative, as its meaning is.
fn every_piece(turn: &Turn<'_>, events: &mut Vec<Event>) {
    let mut told = 0;
    let mut with_usage = Vec::with_capacity(events.len() * 2);
    for event in events.drain(..) {
        let piece = event.kind == Kind::Piece;
        told += event.tokens;
        with_usage.push(event);
        if piece {
            let delta = json!({"delta": {"stop_reason": null}, "usage": usage(turn, told, 0)});
            with_usage.push(self::event(Kind::Opening, "message_delta", delta));
        }
    }
    *events = with_usage;
}

fn event(kind: Kind, name: &'static str, mut data: Value) -> Event {
    data["type"] = json!(name);
    Event::new(kind, data.to_string()).named(name)
}

fn skeleton(turn: &Turn<'_>, blocks: Vec<Value>) -> Value {
    json!({
        "id": format!("msg_sim{}", turn.number), "type": "message", "role": "assistant", "model": turn.ask.model,
        "content": blocks, "stop_sequence": null, "stop_details": null,
    })
}

fn call_block(call: &Call, input: &Value) -> Value {
    json!({"type": "tool_use", "id": format!("toolu_{}", call.id), "name": call.name, "input": input})
}

/// The arguments in an empty piece, as the provider begins, and two that hold them.
fn call_deltas(call: &Call) -> Vec<(Value, u64)> {
    let arguments = call.arguments.to_string();
    let (first, second) = arguments.split_at(arguments.floor_char_boundary(arguments.len() / 2));
    ["", first, second]
        .into_iter()
        .zip([Answer::call_tokens(call), 0, 0])
        .map(|(piece, tokens)| (json!({"type": "input_json_delta", "partial_json": piece}), tokens))
        .collect()
}

fn stop_reason(answer: &Answer) -> &'static str {
    match answer.finish {
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
        Finish::Calls => "tool_use",
        Finish::Filter => "refusal",
    }
}

/// Usage with `output` tokens said so far, `thoughts` of them reasoning. Cached input stands beside `input_tokens`, not within it.
fn usage(turn: &Turn<'_>, output: u64, thoughts: u64) -> Value {
    let usage = turn.answer.usage;
    json!({
        "input_tokens": usage.input,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": {"ephemeral_5m_input_tokens": usage.cache_write, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output,
        "output_tokens_details": {"thinking_tokens": thoughts},
        "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
        "service_tier": "standard",
    })
}
