//! Streams: forwarded as they come, however they are cut, kept alive in silence, and honest about a broken end.

use std::time::{Duration, Instant};

use freehold_testkit::freehold::Freehold;
use freehold_testkit::simulator::{Shape, Simulator};
use serde_json::{Value, json};

use crate::support::answer::{metadata, text};
use crate::support::tenant::{ask_stream, ask_stream_with_usage};
use crate::support::{Tenant, options, server};

async fn tenant_of(kind: &str, provider: &Simulator) -> Tenant {
    let tenant = Tenant::new(server().await).await;
    tenant.store_key(kind, provider).await;
    tenant
}

#[tokio::test]
async fn the_first_piece_comes_before_the_last_was_made() {
    let provider = Simulator::start(Shape::OpenAi);
    let tenant = tenant_of("openai", &provider).await;
    let mut stream = tenant
        .open_chat(&ask_stream("openai/sim-long-20+drip-100", "slowly"))
        .await;
    let began = Instant::now();
    stream.read_until("word").await;
    let first = began.elapsed();
    drop(stream.rest().await.unwrap());
    let whole = began.elapsed();
    assert!(
        first < Duration::from_millis(700) && whole > Duration::from_millis(1_500),
        "{first:?} of {whole:?}"
    );
    let record = tenant.only_record().await;
    assert!(
        record["first_byte_ms"].as_u64().unwrap() * 2 < record["latency_ms"].as_u64().unwrap(),
        "{record}"
    );
}

#[tokio::test]
async fn a_stream_is_understood_however_it_is_cut() {
    for (kind, shape, cuts) in [
        (
            "openai",
            Shape::OpenAi,
            &[
                "crlf",
                "cr",
                "no-space",
                "comments",
                "bytewise",
                "one-packet",
                "split-data",
            ][..],
        ),
        (
            "anthropic",
            Shape::Anthropic,
            &["crlf", "cr", "no-space", "comments", "bytewise", "one-packet"],
        ),
        ("ollama", Shape::Ollama, &["crlf", "bytewise", "one-packet"]),
    ] {
        let provider = Simulator::start(shape);
        let tenant = tenant_of(kind, &provider).await;
        for cut in cuts {
            let reply = tenant
                .chat(&ask_stream_with_usage(
                    &format!("{kind}/sim-ok+{cut}"),
                    "cut me anywhere",
                ))
                .await;
            let said: String = reply
                .events()
                .iter()
                .filter_map(|event| serde_json::from_str::<Value>(event).ok())
                .filter_map(|chunk| {
                    chunk["choices"][0]["delta"]["content"]
                        .as_str()
                        .map(str::to_owned)
                })
                .collect();
            // What is split over several data lines is passed on so, and put together by the reader of events.
            if *cut != "split-data" {
                assert_eq!(
                    said,
                    "Simulated answer to: cut me anywhere",
                    "{kind} {cut}: {}",
                    reply.text()
                );
            }
            let record = tenant
                .record(metadata(&reply)["request_id"].as_str().unwrap())
                .await;
            assert_eq!(record["outcome"], "ok", "{kind} {cut}");
            assert_eq!(
                record["tokens"]["output"],
                provider.last().usage.unwrap().output,
                "{kind} {cut}"
            );
            assert_eq!(record["usage_source"], "provider", "{kind} {cut}");
        }
    }
}

#[tokio::test]
async fn a_silent_provider_does_not_make_a_silent_stream() {
    let provider = Simulator::start(Shape::OpenAi);
    let server = Freehold::start(options().toml("[limits]\nheartbeat_seconds = 1")).await;
    let tenant = Tenant::new(&server).await;
    tenant.store_key("openai", &provider).await;
    let reply = tenant.chat(&ask_stream("openai/sim-drip-2500", "so quiet")).await;
    let beats = reply
        .text()
        .lines()
        .filter(|line| line.starts_with(": keep-alive"))
        .count();
    assert!(beats >= 2, "{}", reply.text());
    assert!(text(&reply).starts_with("Simulated"), "{}", reply.text());
}

#[tokio::test]
async fn a_stream_that_breaks_off_ends_with_an_error_and_never_looks_whole() {
    for (kind, shape) in [
        ("openai", Shape::OpenAi),
        ("anthropic", Shape::Anthropic),
        ("ollama", Shape::Ollama),
    ] {
        let provider = Simulator::start(shape);
        let tenant = tenant_of(kind, &provider).await;
        for fault in ["cut", "cut-clean", "reset-mid-stream", "error-mid-stream"] {
            let reply = tenant
                .chat(&ask_stream(&format!("{kind}/sim-long-30+{fault}"), "break"))
                .await;
            let context = format!("{kind} {fault}: {}", reply.text());
            assert_eq!(reply.status, 200, "{context}");
            assert!(!reply.text().contains("[DONE]"), "{context}");
            let last: Value = serde_json::from_str(reply.events().last().unwrap()).unwrap();
            assert!(last["error"]["code"].is_string(), "{context}");
            let record = tenant.record(last["error"]["request_id"].as_str().unwrap()).await;
            assert_eq!(record["outcome"], "failed", "{context}");
            assert_eq!(record["usage_source"], "estimated", "{context}");
            assert!(
                record["tokens"]["output"].as_u64().unwrap() > 0,
                "what came is counted: {context}"
            );
        }
        let sent = provider.inferences().len();
        assert_eq!(sent, 4, "{kind}: after the first byte nobody else is asked");
    }
}

#[tokio::test]
async fn a_stream_that_is_no_stream_is_an_error_before_it_begins_or_in_it() {
    let provider = Simulator::start(Shape::OpenAi);
    let tenant = tenant_of("openai", &provider).await;
    for fault in [
        "html-200",
        "error-in-200",
        "garbage",
        "half-head",
        "bad-chunk",
        "gzip-bomb-64",
        "header-bomb",
        "empty-500",
    ] {
        let body = ask_stream(&format!("openai/sim-{fault}"), "no stream");
        let reply = tenant.chat(&body).await;
        let context = format!("{fault}: {} {}", reply.status, reply.text());
        assert!(!reply.text().contains("[DONE]"), "{context}");
        assert!(reply.text().contains("\"error\""), "{context}");
        assert!(reply.status == 200 || reply.status == 502, "{context}");
    }
    let records = tenant.records().await;
    assert_eq!(records.len(), 8);
    assert!(
        records.iter().all(|record| record["outcome"] == "failed"),
        "{records:#?}"
    );
}

#[tokio::test]
async fn a_huge_event_passes_and_what_it_held_is_estimated() {
    let provider = Simulator::start(Shape::OpenAi);
    let tenant = tenant_of("openai", &provider).await;
    let reply = tenant.chat(&ask_stream("openai/sim-huge-event-4", "large")).await;
    assert_eq!(reply.status, 200);
    assert!(
        reply.body.len() > 4 * 1024 * 1024 || reply.text().contains("\"error\""),
        "{} bytes",
        reply.body.len()
    );
    assert_eq!(tenant.records().await.len(), 1);
}

#[tokio::test]
async fn a_client_that_reads_slowly_gets_everything() {
    let provider = Simulator::start(Shape::OpenAi);
    let tenant = tenant_of("openai", &provider).await;
    let mut body = ask_stream("openai/sim-long-3000", "all of it");
    body["max_tokens"] = json!(3_000);
    let mut stream = tenant.open_chat(&body).await;
    let mut whole = Vec::new();
    while let Some(piece) = stream.next().await.unwrap() {
        whole.extend_from_slice(&piece);
        if whole.len() < 100_000 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let words = String::from_utf8(whole).unwrap().matches("word ").count();
    assert_eq!(words, 3_000);
}
