//! Clients that leave: one record each, what was made is counted, and the provider is let go at once.

use std::time::{Duration, Instant};

use freehold_testkit::freehold::Freehold;
use freehold_testkit::simulator::{Outcome, Shape, Simulator};

use crate::support::connection::Connection;
use crate::support::tenant::{ask, ask_stream};
use crate::support::{Tenant, options, server};

/// Moments of leaving, spread over half a second by a fixed rule.
fn moments(count: u64) -> impl Iterator<Item = Duration> {
    (0..count).map(|number| Duration::from_millis(5 + number * 7_919 % 500))
}

async fn leave_at_random(stream: bool) {
    const CLIENTS: u64 = 30;
    let server = server().await;
    let provider = Simulator::start(Shape::OpenAi);
    let tenant = Tenant::new(server).await;
    let key = tenant.store_key("openai", &provider).await;
    // Neither form is answered whole within the time that the clients stay.
    let model = if stream {
        "openai/sim-long-400+drip-10"
    } else {
        "openai/sim-silent-then-answer-5000"
    };
    let body = if stream {
        ask_stream(model, "wait for me")
    } else {
        ask(model, "wait for me")
    }
    .to_string();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        tenant.key,
        body.len()
    );
    let clients = moments(CLIENTS).map(|moment| {
        let request = request.clone();
        async move {
            let mut connection = Connection::open(server.port()).await;
            assert!(connection.send(request.as_bytes()).await);
            tokio::time::sleep(moment).await;
            drop(connection);
        }
    });
    futures_util::future::join_all(clients).await;
    let left = Instant::now();
    provider.idle().await;
    let let_go = left.elapsed();
    assert!(
        let_go < Duration::from_secs(1),
        "the providers were let go after {let_go:?}"
    );
    let seen = provider.inferences();
    assert!(
        seen.iter().all(|seen| seen.outcome == Outcome::PeerGone),
        "{seen:#?}"
    );

    let records = tenant.records_once_there_are(CLIENTS as usize).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(tenant.records().await.len(), CLIENTS as usize, "exactly one each");
    for record in &records {
        assert_eq!(record["outcome"], "client_gone", "{record:#}");
        let output = record["tokens"]["output"].as_u64().unwrap();
        assert!(
            stream || output == 0,
            "nothing came, so nothing is counted: {record:#}"
        );
        assert!(output < 400, "{record:#}");
    }
    assert!(
        ["valid", "unknown"].contains(&tenant.status(&key).await.as_str()),
        "a client that leaves says nothing about the key"
    );
}

#[tokio::test]
async fn clients_that_leave_a_stream_leave_one_record_each() {
    leave_at_random(true).await;
}

#[tokio::test]
async fn clients_that_leave_while_they_wait_leave_one_record_each() {
    leave_at_random(false).await;
}

#[tokio::test]
async fn a_stream_without_end_ends_when_its_client_leaves() {
    let server = server().await;
    let provider = Simulator::start(Shape::OpenAi);
    let tenant = Tenant::new(server).await;
    tenant.store_key("openai", &provider).await;
    let mut stream = tenant
        .open_chat(&ask_stream("openai/sim-never-stops+drip-10", "endless"))
        .await;
    for _ in 0..5 {
        stream.read_until("on ").await;
    }
    drop(stream);
    let left = Instant::now();
    provider.idle().await;
    assert!(left.elapsed() < Duration::from_secs(1), "{:?}", left.elapsed());
    let record = tenant.only_record().await;
    assert_eq!(record["outcome"], "client_gone");
    assert!(
        record["tokens"]["output"].as_u64() >= Some(3),
        "what came is counted: {record:#}"
    );
}

#[tokio::test]
async fn a_client_that_stays_and_reads_nothing_holds_the_provider_no_longer_than_the_deadline() {
    let provider = Simulator::start(Shape::OpenAi);
    let server = Freehold::start(options().toml("[limits]\nrequest_deadline_seconds = 2")).await;
    let tenant = Tenant::new(&server).await;
    tenant.store_key("openai", &provider).await;
    let body = ask_stream("openai/sim-never-stops", "into the void").to_string();
    let mut connection = Connection::open(server.port()).await;
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        tenant.key,
        body.len()
    );
    assert!(connection.send(request.as_bytes()).await);
    let began = Instant::now();
    let record = tenant.only_record().await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(record["denial"]["code"], "upstream_timeout", "{record:#}");
    provider.idle().await;
}

#[tokio::test]
async fn a_client_that_leaves_the_sandbox_leaves_one_record_too() {
    let tenant = Tenant::new(server().await).await;
    for model in ["sandbox/slow", "sandbox/hang"] {
        let mut stream = tenant.open_chat(&ask_stream(model, "good bye")).await;
        if model == "sandbox/slow" {
            stream.read_until("good").await;
        }
        drop(stream);
    }
    let records = tenant.records_once_there_are(2).await;
    assert!(
        records.iter().all(|record| record["outcome"] == "client_gone"),
        "{records:#?}"
    );
}
