//! Ollama's own shape: chat as lines of JSON, which streams unless told not to, and the list of local models.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Call, Finish};
use super::ask::{Ask, Format, Tool};
use super::behaviour::Report;
use super::dialect::{Dialect, Refusal, Route, Turn, list, text};
use super::stream::{Event, Kind, Wire};

/// The shape.
pub(super) struct Ollama;

impl Dialect for Ollama {
    fn route(&self, path: &str) -> Route {
        match path {
            "/api/chat" => Route::Infer,
            "/api/tags" => Route::Models,
            "/api/version" | "/" => Route::Version,
            _ => Route::Nowhere,
        }
    }

    fn ask(&self, _headers: &HeaderMap, body: &Value, _strict: bool) -> Result<Ask, Refusal> {
        // Unknown fields and names of choices are ignored, strict or not.
        let model = body["model"].as_str().filter(|model| !model.is_empty());
        let mut ask = Ask {
            model: model.ok_or_else(|| Refusal::bad("model is required"))?.to_owned(),
            stream: body["stream"] != false,
            wants_usage: true,
            output_limit: body["options"]["num_predict"].as_u64().filter(|limit| *limit > 0),
            parallel: true,
            format: match &body["format"] {
                Value::String(name) if name == "json" => Format::Json,
                Value::Object(_) => Format::Schema(body["format"].clone()),
                _ => Format::Text,
            },
            ..Ask::default()
        };
        for (index, message) in list(&body["messages"]).iter().enumerate() {
            read_message(&mut ask, index, message)?;
        }
        for tool in list(&body["tools"]) {
            ask.input.text(&tool.to_string());
            ask.tools.push(Tool {
                name: text(&tool["function"]["name"]).to_owned(),
                schema: tool["function"]["parameters"].clone(),
            });
        }
        // A longer prompt is cut without a word.
        if let Some(context) = body["options"]["num_ctx"].as_u64() {
            ask.input.at_most(context);
        }
        Ok(ask)
    }

    fn whole(&self, turn: &Turn<'_>) -> Value {
        let answer = turn.answer;
        let mut message = json!({"role": "assistant", "content": answer.whole_text()});
        if !answer.reasoning.is_empty() {
            message["thinking"] = json!(answer.whole_reasoning());
        }
        if !answer.calls.is_empty() {
            message["tool_calls"] = answer.calls.iter().map(call).collect();
        }
        let mut body = line(turn, message, true);
        close(turn, &mut body);
        body
    }

    fn events(&self, turn: &Turn<'_>) -> Vec<Event> {
        let answer = turn.answer;
        let mut told = 0;
        let mut events = Vec::new();
        let mut push = |message: Value, tokens: u64| {
            told += tokens;
            let mut line = line(turn, message, false);
            if turn.report == Report::EveryPiece {
                merge(&mut line, usage(turn, told));
            }
            events.push(Event::new(Kind::Piece, line.to_string()).worth(tokens));
        };
        for piece in &answer.reasoning {
            push(json!({"role": "assistant", "content": "", "thinking": piece}), 1);
        }
        for piece in &answer.text {
            push(json!({"role": "assistant", "content": piece}), 1);
        }
        for one in &answer.calls {
            let message = json!({"role": "assistant", "content": "", "tool_calls": [call(one)]});
            push(message, Answer::call_tokens(one));
        }
        let mut last = line(turn, json!({"role": "assistant", "content": ""}), true);
        close(turn, &mut last);
        // The end marker and usage are one line here; what comes late is the end with it.
        let kind = if turn.report == Report::Late {
            Kind::Usage
        } else {
            Kind::End
        };
        events.push(Event::new(kind, last.to_string()));
        events
    }

    fn wire(&self) -> Wire {
        Wire::Lines
    }

    fn error(&self, refusal: &Refusal, _number: u64) -> Value {
        json!({ "error": refusal.message })
    }

    fn error_event(&self, message: Option<&str>) -> Event {
        let usual = "an error was encountered while running the model: unexpected EOF";
        let error = json!({"error": message.unwrap_or(usual)});
        Event::new(Kind::Piece, error.to_string())
    }

    fn models(&self, names: &[String]) -> Value {
        let entries = names.iter().map(|name| {
            json!({"name": name, "model": name, "modified_at": "2026-11-01T00:00:00Z", "size": 4_661_224_676_u64,
                "digest": "0".repeat(64), "details": {"family": "llama", "parameter_size": "8.0B",
                "quantization_level": "Q4_0", "format": "gguf"}})
        });
        json!({"models": entries.collect::<Vec<_>>()})
    }

    fn headers(&self, _number: u64) -> Vec<(String, String)> {
        Vec::new()
    }
}

fn read_message(ask: &mut Ask, index: usize, message: &Value) -> Result<(), Refusal> {
    ask.input.message();
    let content = message["content"]
        .as_str()
        .or(message["content"].is_null().then_some(""));
    let Some(content) = content else {
        return Err(Refusal::bad(
            "json: cannot unmarshal array into Go struct field ChatRequest.messages.content of type string",
        ));
    };
    ask.input.text(content);
    match text(&message["role"]) {
        "user" => {
            ask.new_turn();
            content.clone_into(&mut ask.said);
        }
        "tool" => ask.tool_results.push(content.to_owned()),
        "assistant" => ask.tool_results.clear(),
        "system" => {}
        other => return Err(Refusal::bad(format!("invalid role {other:?} in message {index}"))),
    }
    for call in list(&message["tool_calls"]) {
        if !call["function"]["arguments"].is_object() {
            return Err(Refusal::bad(
                "json: cannot unmarshal string into Go struct field ToolCallFunction.messages.tool_calls.function.arguments of type api.ToolCallFunctionArguments",
            ));
        }
        ask.input.text(&call["function"]["arguments"].to_string());
    }
    for image in list(&message["images"]) {
        if STANDARD.decode(text(image)).is_err() {
            return Err(Refusal::bad("illegal base64 data at input byte 4"));
        }
        ask.images += 1;
        ask.input.image();
    }
    Ok(())
}

fn line(turn: &Turn<'_>, message: Value, done: bool) -> Value {
    json!({"model": turn.ask.model, "created_at": "2026-11-21T00:00:00.000000000Z", "message": message, "done": done})
}

/// Makes `line` the last one: the reason of the end, durations and usage.
fn close(turn: &Turn<'_>, line: &mut Value) {
    line["done_reason"] = json!(if turn.answer.finish == Finish::Length {
        "length"
    } else {
        "stop"
    });
    line["total_duration"] = json!(5_000_000);
    line["load_duration"] = json!(1_000_000);
    line["prompt_eval_duration"] = json!(1_000_000);
    line["eval_duration"] = json!(3_000_000);
    if let Some(usage) = turn.report(usage(turn, turn.answer.usage.output)) {
        merge(line, usage);
    }
}

fn usage(turn: &Turn<'_>, output: u64) -> Value {
    let usage = turn.answer.usage;
    let mut fields = Map::new();
    // A prompt that lay wholly in the cache goes without its figure.
    if usage.cache_read == 0 {
        fields.insert("prompt_eval_count".to_owned(), json!(usage.input));
    }
    fields.insert("eval_count".to_owned(), json!(output));
    Value::Object(fields)
}

fn merge(line: &mut Value, fields: Value) {
    if let (Value::Object(line), Value::Object(fields)) = (line, fields) {
        line.extend(fields);
    }
}

fn call(call: &Call) -> Value {
    json!({"id": format!("call_{}", call.id), "function": {"name": call.name, "arguments": call.arguments}})
}
