//! What the simulated providers answer, refuse, record and break.

use std::net::TcpStream;
use std::time::Duration;

use freehold_testkit::client::{Answer, Request};
use freehold_testkit::simulator::{Account, Outcome, Shape, Simulator, VALID_KEY, faults};
use serde_json::{Value, json};

const SHAPES: [Shape; 3] = [Shape::OpenAi, Shape::Anthropic, Shape::Ollama];

/// A call for an answer in the words of `shape`.
fn call(simulator: &Simulator, shape: Shape, key: &str, body: Value) -> Request {
    let mut body = body;
    let path = match shape {
        Shape::OpenAi => "/v1/chat/completions",
        Shape::Anthropic => "/v1/messages",
        Shape::Ollama => "/api/chat",
    };
    if shape == Shape::Anthropic && body["max_tokens"].is_null() {
        body["max_tokens"] = json!(1000);
    }
    if shape == Shape::Ollama && body["stream"].is_null() {
        body["stream"] = json!(false);
    }
    let request = Request::post(format!("http://{}{path}", simulator.address)).json(&body);
    match shape {
        Shape::OpenAi | Shape::Ollama => request.bearer(key),
        Shape::Anthropic => request
            .header("x-api-key", key)
            .header("anthropic-version", "2023-06-01"),
    }
}

fn hello(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "Grüße an alle"}]})
}

fn streamed(model: &str) -> Value {
    json!({"model": model, "stream": true, "messages": [{"role": "user", "content": "Grüße an alle"}]})
}

/// A simulator that takes a key, whatever its shape.
fn started(shape: Shape) -> Simulator {
    let simulator = Simulator::start(shape);
    simulator.accept(VALID_KEY);
    simulator
}

/// The text of a whole answer.
fn said(shape: Shape, answer: &Answer) -> String {
    let json = answer.json();
    let text = match shape {
        Shape::OpenAi => &json["choices"][0]["message"]["content"],
        Shape::Anthropic => &json["content"][0]["text"],
        Shape::Ollama => &json["message"]["content"],
    };
    text.as_str().unwrap_or_default().to_owned()
}

/// The text of a stream, whatever its line ends.
fn said_in_stream(shape: Shape, body: &str) -> String {
    let lines: Vec<&str> = body.split(['\n', '\r']).collect();
    let mut text = String::new();
    for line in lines {
        let payload = if shape == Shape::Ollama {
            Some(line)
        } else {
            line.strip_prefix("data:")
        };
        let Some(event) = payload.and_then(|payload| serde_json::from_str::<Value>(payload).ok()) else {
            continue;
        };
        let piece = match shape {
            Shape::OpenAi => &event["choices"][0]["delta"]["content"],
            Shape::Anthropic => &event["delta"]["text"],
            Shape::Ollama => &event["message"]["content"],
        };
        text.push_str(piece.as_str().unwrap_or_default());
    }
    text
}

#[tokio::test]
async fn a_good_call_is_answered_and_written_down() {
    for shape in SHAPES {
        let simulator = started(shape);
        let answer = call(&simulator, shape, VALID_KEY, hello("sim-ok"))
            .send()
            .await
            .expect(200);
        assert_eq!(said(shape, &answer), "Simulated answer to: Grüße an alle");
        simulator.idle().await;
        let recorded = simulator.last();
        assert_eq!(recorded.json()["model"], "sim-ok");
        assert_eq!(recorded.outcome, Outcome::Complete);
        let usage = recorded.usage.unwrap();
        assert_eq!((usage.output, recorded.output_sent), (6, 6), "{shape:?}");
    }
}

#[tokio::test]
async fn a_stream_says_what_the_whole_answer_says_however_it_is_cut() {
    for shape in SHAPES {
        let simulator = started(shape);
        for framing in [
            "ok",
            "crlf",
            "no-space",
            "comments",
            "bytewise",
            "one-packet",
            "drip-1",
            "keep-alive-5",
        ] {
            let answer = call(&simulator, shape, VALID_KEY, streamed(&format!("sim-{framing}")))
                .send()
                .await;
            let text = said_in_stream(shape, &answer.expect(200).text());
            assert_eq!(text, "Simulated answer to: Grüße an alle", "{shape:?} {framing}");
        }
    }
}

#[tokio::test]
async fn an_unknown_key_is_refused_in_the_words_of_the_provider_and_repeated() {
    for shape in SHAPES {
        let simulator = started(shape);
        let answer = call(&simulator, shape, "sk-wrong-0123456789", hello("sim-ok"))
            .send()
            .await
            .expect(401);
        assert!(answer.text().contains("sk-wrong-0123456789"), "{}", answer.text());
        match shape {
            Shape::OpenAi => assert_eq!(answer.json()["error"]["code"], "invalid_api_key"),
            Shape::Anthropic => assert_eq!(answer.json()["error"]["type"], "authentication_error"),
            Shape::Ollama => assert!(answer.json()["error"].is_string()),
        }
    }
}

#[tokio::test]
async fn an_account_answers_as_it_stands() {
    let simulator = started(Shape::OpenAi);
    let status = async || {
        let answer = call(&simulator, Shape::OpenAi, VALID_KEY, hello("sim-ok"))
            .send()
            .await;
        (
            answer.status,
            answer.json()["error"]["code"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        )
    };
    simulator.set_account(VALID_KEY, Account::OutOfMoney);
    assert_eq!(status().await, (429, "insufficient_quota".to_owned()));
    simulator.set_account(VALID_KEY, Account::Revoked);
    assert_eq!(status().await, (401, "invalid_api_key".to_owned()));
    simulator.rate_limit(VALID_KEY, Duration::from_secs(3600));
    assert_eq!(status().await, (429, "rate_limit_exceeded".to_owned()));
    simulator.accept(VALID_KEY);
    assert_eq!(status().await.0, 200);
}

#[tokio::test]
async fn every_row_of_the_table_of_faults_is_answered_as_it_stands() {
    for shape in SHAPES {
        let simulator = started(shape);
        for fault in faults(shape) {
            let model = format!("sim-fault-{}", fault.name);
            let answer = call(&simulator, shape, VALID_KEY, hello(&model))
                .send()
                .await
                .expect(fault.status);
            assert_eq!(
                answer.header("content-type") == Some("application/json"),
                fault.is_json(),
                "{}",
                fault.name
            );
            assert!(
                !answer.text().contains("{model}") && !answer.text().contains("{key}"),
                "{}",
                answer.text()
            );
            for (name, _) in fault.headers {
                assert!(!answer.header(name).unwrap().contains('{'), "{}", fault.name);
            }
        }
    }
}

#[tokio::test]
async fn usage_comes_in_a_stream_only_if_it_was_asked_for() {
    let simulator = started(Shape::OpenAi);
    let plain = call(&simulator, Shape::OpenAi, VALID_KEY, streamed("sim-ok"))
        .send()
        .await;
    assert!(!plain.text().contains("usage"), "{}", plain.text());
    let mut body = streamed("sim-cached");
    body["stream_options"] = json!({"include_usage": true});
    let events = call(&simulator, Shape::OpenAi, VALID_KEY, body)
        .send()
        .await
        .events();
    let last: Value = serde_json::from_str(&events[events.len() - 2]).unwrap();
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"]["prompt_tokens_details"]["cached_tokens"], 64);
    let total = last["usage"]["prompt_tokens"].as_u64().unwrap()
        + last["usage"]["completion_tokens"].as_u64().unwrap();
    assert_eq!(last["usage"]["total_tokens"], total);
    assert_eq!(events.last().unwrap(), "[DONE]");
}

#[tokio::test]
async fn cached_input_stands_beside_the_other_input_where_the_provider_has_it_so() {
    let simulator = started(Shape::Anthropic);
    let answer = call(&simulator, Shape::Anthropic, VALID_KEY, hello("sim-cached"))
        .send()
        .await
        .expect(200);
    let (usage, billed) = (&answer.json()["usage"], simulator.last().usage.unwrap());
    assert_eq!(usage["input_tokens"], billed.input);
    assert_eq!(usage["cache_read_input_tokens"], billed.cache_read);
    assert_eq!(usage["cache_creation_input_tokens"], billed.cache_write);
}

#[tokio::test]
async fn the_limit_of_the_caller_cuts_the_answer() {
    for shape in SHAPES {
        let simulator = started(shape);
        let mut body = hello("sim-long-500");
        match shape {
            Shape::Ollama => body["options"] = json!({"num_predict": 7}),
            _ => body["max_tokens"] = json!(7),
        }
        let answer = call(&simulator, shape, VALID_KEY, body).send().await.expect(200);
        let json = answer.json();
        let (finish, wanted) = match shape {
            Shape::OpenAi => (&json["choices"][0]["finish_reason"], "length"),
            Shape::Anthropic => (&json["stop_reason"], "max_tokens"),
            Shape::Ollama => (&json["done_reason"], "length"),
        };
        assert_eq!(finish, wanted);
        assert_eq!(simulator.last().usage.unwrap().output, 7);
    }
}

#[tokio::test]
async fn several_answers_to_one_question_are_all_billed() {
    let simulator = started(Shape::OpenAi);
    let mut body = hello("sim-ok");
    body["n"] = json!(3);
    let answer = call(&simulator, Shape::OpenAi, VALID_KEY, body)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(answer["choices"].as_array().unwrap().len(), 3);
    assert_eq!(answer["usage"]["completion_tokens"], 18);
}

#[tokio::test]
async fn tools_are_called_in_parallel_and_their_results_are_heard() {
    let tools = json!([{"type": "function", "function": {"name": "weather", "parameters":
        {"type": "object", "properties": {"city": {"type": "string"}}}}}]);
    let simulator = started(Shape::OpenAi);
    let mut body = hello("sim-parallel-tools");
    body["tools"] = tools;
    let answer = call(&simulator, Shape::OpenAi, VALID_KEY, body.clone())
        .send()
        .await
        .expect(200)
        .json();
    let message = answer["choices"][0]["message"].clone();
    let calls = message["tool_calls"].as_array().unwrap().clone();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0]["function"]["arguments"], r#"{"city":"text 1"}"#);
    assert_ne!(calls[0]["id"], calls[1]["id"]);

    let messages = body["messages"].as_array_mut().unwrap();
    messages.push(message);
    messages.push(json!({"role": "tool", "tool_call_id": calls[0]["id"], "content": "sunny"}));
    let refused = call(&simulator, Shape::OpenAi, VALID_KEY, body.clone())
        .send()
        .await
        .expect(400);
    assert!(
        refused.text().contains(calls[1]["id"].as_str().unwrap()),
        "{}",
        refused.text()
    );

    let messages = body["messages"].as_array_mut().unwrap();
    messages.push(json!({"role": "tool", "tool_call_id": calls[1]["id"], "content": "rainy"}));
    let answer = call(&simulator, Shape::OpenAi, VALID_KEY, body)
        .send()
        .await
        .expect(200);
    assert!(said(Shape::OpenAi, &answer).ends_with("(tools said: sunny; rainy)"));
}

#[tokio::test]
async fn results_of_tools_must_stand_in_the_next_message_where_the_provider_wants_it() {
    let simulator = started(Shape::Anthropic);
    let tool = json!([{"name": "weather", "input_schema": {"type": "object"}}]);
    let turn = |content: Value| {
        json!({"model": "sim-ok", "tools": tool, "messages": [
            {"role": "user", "content": "Weather?"},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}},
                {"type": "tool_use", "id": "toolu_2", "name": "weather", "input": {}}]},
            {"role": "user", "content": content}]})
    };
    let result = |id: &str| json!({"type": "tool_result", "tool_use_id": id, "content": id});
    let text = json!({"type": "text", "text": "Well?"});
    let refused = [
        json!([result("toolu_1")]),
        json!([text, result("toolu_1"), result("toolu_2")]),
        json!([result("toolu_1"), result("toolu_2"), result("toolu_3")]),
        json!("nothing"),
    ];
    for content in refused {
        call(&simulator, Shape::Anthropic, VALID_KEY, turn(content))
            .send()
            .await
            .expect(400);
    }
    let good = turn(json!([result("toolu_2"), result("toolu_1"), text]));
    call(&simulator, Shape::Anthropic, VALID_KEY, good)
        .send()
        .await
        .expect(200);
}

#[tokio::test]
async fn what_the_real_provider_refuses_is_refused() {
    let openai = started(Shape::OpenAi);
    let with = |mut body: Value, name: &str, value: Value| {
        body[name] = value;
        body
    };
    let refused = call(
        &openai,
        Shape::OpenAi,
        VALID_KEY,
        with(hello("gpt-5-mini"), "max_tokens", json!(9)),
    );
    let error = refused.send().await.expect(400).json()["error"].clone();
    assert_eq!(
        (&error["code"], &error["param"]),
        (&json!("unsupported_parameter"), &json!("max_tokens"))
    );
    for (name, value) in [
        ("top_k", json!(4)),
        ("n", json!(0)),
        ("stream_options", json!({"include_usage": true})),
    ] {
        call(
            &openai,
            Shape::OpenAi,
            VALID_KEY,
            with(hello("sim-ok"), name, value),
        )
        .send()
        .await
        .expect(400);
    }
    call(&openai, Shape::OpenAi, VALID_KEY, hello("gpt-nonsense"))
        .send()
        .await
        .expect(404);

    let anthropic = started(Shape::Anthropic);
    let url = format!("{}/v1/messages", anthropic.base_url());
    let good = with(hello("claude-sonnet-5-5"), "max_tokens", json!(10));
    let request = |body: &Value| Request::post(&url).json(body).header("x-api-key", VALID_KEY);
    let versioned = |body: &Value| request(body).header("anthropic-version", "2023-06-01");
    versioned(&good).send().await.expect(200);
    request(&good).send().await.expect(400);
    versioned(&good).bearer(VALID_KEY).send().await.expect(400);
    versioned(&hello("claude-sonnet-5-5")).send().await.expect(400);
    versioned(&with(good.clone(), "temperature", json!(1)))
        .send()
        .await
        .expect(400);
    versioned(&with(good.clone(), "seed", json!(1)))
        .send()
        .await
        .expect(400);
    let old = with(
        with(hello("claude-haiku-4-5"), "max_tokens", json!(10)),
        "temperature",
        json!(0.5),
    );
    versioned(&old).send().await.expect(200);
    request(&old)
        .header("anthropic-version", "2026-10-21")
        .send()
        .await
        .expect(400);

    let ollama = started(Shape::Ollama);
    let mut body = hello("llama3.1");
    body["messages"] = json!([{"role": "assistant", "content": "", "tool_calls":
        [{"function": {"name": "f", "arguments": "{}"}}]}]);
    call(&ollama, Shape::Ollama, VALID_KEY, body)
        .send()
        .await
        .expect(400);
}

#[tokio::test]
async fn a_caller_who_leaves_is_seen_at_every_stage() {
    for shape in SHAPES {
        let simulator = started(shape);
        // Before the head.
        let hanging = call(&simulator, shape, VALID_KEY, hello("sim-hang"));
        let waited = tokio::time::timeout(Duration::from_millis(100), hanging.try_send()).await;
        assert!(waited.is_err());
        simulator.idle().await;
        assert_eq!(simulator.last().outcome, Outcome::PeerGone);
        // In the middle of an endless stream.
        let mut open = call(&simulator, shape, VALID_KEY, streamed("sim-never-stops"))
            .open()
            .await;
        open.read_until("on ").await;
        assert_eq!(simulator.last().outcome, Outcome::Running);
        drop(open);
        simulator.idle().await;
        let recorded = simulator.last();
        assert_eq!(recorded.outcome, Outcome::PeerGone);
        assert!(recorded.output_sent > 0);
        // While nothing comes.
        let mut open = call(&simulator, shape, VALID_KEY, streamed("sim-hang-mid-stream"))
            .open()
            .await;
        open.next().await.unwrap();
        drop(open);
        simulator.idle().await;
        assert_eq!(simulator.last().outcome, Outcome::PeerGone);
    }
}

#[tokio::test]
async fn a_caller_who_leaves_within_the_body_was_there() {
    use std::io::Write;
    let simulator = started(Shape::OpenAi);
    let mut socket = TcpStream::connect(simulator.address).unwrap();
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: sim\r\ncontent-length: 100\r\n\r\n{\"model\":";
    socket.write_all(head.as_bytes()).unwrap();
    simulator.until(|_| simulator.in_flight() == 1).await;
    drop(socket);
    simulator.idle().await;
    assert_eq!(simulator.last().outcome, Outcome::PeerGone);
}

#[tokio::test]
async fn what_breaks_off_never_arrives_whole() {
    let broken = [
        "cut",
        "reset",
        "reset-mid-stream",
        "garbage",
        "half-head",
        "bad-chunk",
        "short-length",
    ];
    for shape in SHAPES {
        let simulator = started(shape);
        for word in broken {
            for body in [hello(&format!("sim-{word}")), streamed(&format!("sim-{word}"))] {
                let failed = call(&simulator, shape, VALID_KEY, body).try_send().await;
                assert!(failed.is_err(), "{shape:?} {word}: {failed:?}");
                simulator.idle().await;
                assert_eq!(simulator.last().outcome, Outcome::Broken, "{shape:?} {word}");
            }
        }
    }
}

#[tokio::test]
async fn a_stream_without_its_end_marker_is_correct_http() {
    let simulator = started(Shape::OpenAi);
    let answer = call(&simulator, Shape::OpenAi, VALID_KEY, streamed("sim-cut-clean"))
        .send()
        .await
        .expect(200);
    assert!(answer.text().contains("finish_reason\":\"stop\""));
    assert!(!answer.text().contains("[DONE]"));
}

#[tokio::test]
async fn an_error_half_way_follows_text() {
    for shape in SHAPES {
        let simulator = started(shape);
        let body = streamed("sim-error-mid-stream");
        let text = call(&simulator, shape, VALID_KEY, body)
            .send()
            .await
            .expect(200)
            .text();
        assert!(said_in_stream(shape, &text).starts_with("Simulated"));
        assert!(text.contains("\"error\""), "{text}");
        assert!(
            !text.contains("[DONE]") && !text.contains("message_stop") && !text.contains("\"done\":true")
        );
    }
}

#[tokio::test]
async fn a_huge_event_stands_in_a_stream_that_goes_on() {
    let simulator = started(Shape::OpenAi);
    let answer = call(&simulator, Shape::OpenAi, VALID_KEY, streamed("sim-huge-event-2"))
        .send()
        .await
        .expect(200);
    let longest = answer.events().iter().map(String::len).max().unwrap();
    assert!(longest > 2 * 1024 * 1024);
    assert!(
        answer
            .events()
            .iter()
            .all(|event| event == "[DONE]" || serde_json::from_str::<Value>(event).is_ok())
    );
}

#[tokio::test]
async fn a_script_is_played_entry_by_entry() {
    let simulator = started(Shape::OpenAi);
    simulator.script(["sim-status-500", "sim-fault-overloaded", "sim-ok"]);
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(
            call(&simulator, Shape::OpenAi, VALID_KEY, hello("sim-empty-500"))
                .send()
                .await
                .status,
        );
    }
    assert_eq!(seen, [500, 503, 200, 500]);
    let played: Vec<_> = simulator
        .inferences()
        .into_iter()
        .filter_map(|one| one.behaviour)
        .collect();
    assert_eq!(
        played,
        [
            "sim-status-500",
            "sim-fault-overloaded",
            "sim-ok",
            "sim-empty-500"
        ]
    );
}

#[tokio::test]
async fn the_words_of_the_user_choose_a_behaviour_whatever_the_model() {
    let simulator = started(Shape::OpenAi);
    let body =
        json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "Please [[sim-status-418]]"}]});
    call(&simulator, Shape::OpenAi, VALID_KEY, body)
        .send()
        .await
        .expect(418);
}

#[tokio::test]
async fn a_structured_answer_fits_its_schema() {
    let schema = json!({"type": "object", "additionalProperties": false, "required": ["city"],
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}});
    let simulator = started(Shape::OpenAi);
    let mut body = hello("sim-ok");
    body["response_format"] = json!({"type": "json_schema",
        "json_schema": {"name": "trip", "strict": true, "schema": schema}});
    let answer = call(&simulator, Shape::OpenAi, VALID_KEY, body)
        .send()
        .await
        .expect(200);
    let value: Value = serde_json::from_str(&said(Shape::OpenAi, &answer)).unwrap();
    assert_eq!(value, json!({"city": "text 1", "days": 42}));
}

#[tokio::test]
async fn canned_answers_are_counted_and_not_kept() {
    let simulator = started(Shape::OpenAi);
    let answer = call(&simulator, Shape::OpenAi, VALID_KEY, hello("sim-canned"))
        .send()
        .await
        .expect(200);
    assert_eq!(answer.json()["usage"]["total_tokens"], 356);
    let stream = call(&simulator, Shape::OpenAi, VALID_KEY, streamed("sim-canned-fast"))
        .send()
        .await
        .expect(200);
    assert_eq!(stream.events().len(), 104);
    call(&simulator, Shape::OpenAi, "sk-wrong", hello("sim-canned"))
        .send()
        .await
        .expect(401);
    assert_eq!((simulator.served(), simulator.requests().len()), (3, 1));
}

#[tokio::test]
async fn a_redirect_leads_where_the_test_wants_it() {
    let simulator = started(Shape::OpenAi);
    simulator.redirect_to("http://127.0.0.1:1/trap");
    let answer = call(&simulator, Shape::OpenAi, VALID_KEY, hello("sim-redirect-308"))
        .send()
        .await
        .expect(308);
    assert_eq!(answer.header("location"), Some("http://127.0.0.1:1/trap"));
}

#[tokio::test]
async fn the_catalogue_lists_models_in_the_shape_of_the_provider() {
    for (shape, path, pointer) in [
        (Shape::OpenAi, "/v1/models", "/data/0/id"),
        (Shape::Anthropic, "/v1/models?limit=1", "/data/0/id"),
        (Shape::Ollama, "/api/tags", "/models/0/name"),
    ] {
        let simulator = started(shape);
        let request = Request::get(format!("http://{}{path}", simulator.address)).bearer(VALID_KEY);
        let listed = request
            .header("anthropic-version", "2023-06-01")
            .send()
            .await
            .expect(200)
            .json();
        assert_eq!(listed.pointer(pointer), Some(&json!("sim-ok")));
        assert_eq!(simulator.inferences().len(), 0);
    }
}

#[test]
fn a_dropped_simulator_is_gone() {
    let simulator = Simulator::start(Shape::OpenAi);
    let address = simulator.address;
    assert!(TcpStream::connect(address).is_ok());
    drop(simulator);
    assert!(TcpStream::connect(address).is_err());
    let again = Simulator::bind(Shape::OpenAi, address).unwrap();
    assert_eq!(again.address, address);
}

#[tokio::test]
async fn the_key_is_repeated_where_the_test_wants_it() {
    for shape in SHAPES {
        let simulator = started(shape);
        for word in [
            "echo-key",
            "echo-key-pieces",
            "echo-key-header",
            "echo-key-error",
            "error-echo-key",
        ] {
            for body in [hello(&format!("sim-{word}")), streamed(&format!("sim-{word}"))] {
                let answer = call(&simulator, shape, VALID_KEY, body.clone()).send().await;
                let text = answer.text();
                let said = if body["stream"] == true {
                    said_in_stream(shape, &text)
                } else {
                    said(shape, &answer)
                };
                let everything = format!("{:?}{text}{said}", answer.headers);
                assert!(everything.contains(VALID_KEY), "{shape:?} {word}: {everything}");
            }
        }
        let commented = call(&simulator, shape, VALID_KEY, streamed("sim-echo-key-comment"))
            .send()
            .await;
        assert_eq!(
            commented.text().starts_with(": worker called with sk-"),
            shape != Shape::Ollama
        );
    }
}

#[tokio::test]
async fn reasoning_is_shown_or_hidden_and_billed_in_any_case() {
    let simulator = started(Shape::OpenAi);
    let hidden = call(&simulator, Shape::OpenAi, VALID_KEY, streamed("sim-reasoning"))
        .send()
        .await;
    let shown = call(
        &simulator,
        Shape::OpenAi,
        VALID_KEY,
        streamed("sim-shown-reasoning"),
    )
    .send()
    .await;
    assert!(!hidden.text().contains("step by step") && !hidden.text().contains("reasoning_content"));
    assert!(shown.text().contains("\"reasoning_content\":\"moment, \""));
    simulator.idle().await;
    for recorded in simulator.requests() {
        let usage = recorded.usage.unwrap();
        assert_eq!(
            (usage.reasoning, usage.output, recorded.output_sent),
            (11, 17, 17)
        );
    }
}
