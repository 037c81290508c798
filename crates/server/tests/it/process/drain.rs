//! Asked to stop, the process lets running requests finish, takes no new ones, settles everything, and ends well.

use std::time::{Duration, Instant};

use freehold_testkit::client::Request;
use freehold_testkit::freehold::Freehold;
use freehold_testkit::simulator::{Shape, Simulator};

use crate::support::tenant::{ask, ask_stream};
use crate::support::{Tenant, answer, options};

/// Waits for the end of a server that was asked to end.
async fn ended(server: &mut Freehold) -> std::process::ExitStatus {
    crate::support::eventually("the end of the process", async || {
        (!server.is_running()).then_some(())
    })
    .await;
    server.terminate().await
}

#[tokio::test]
async fn running_streams_finish_and_are_on_record_and_the_process_ends_well() {
    let mut server = Freehold::start(options()).await;
    let tenant = Tenant::new(&server).await;
    let mut streams = Vec::new();
    for _ in 0..5 {
        let mut stream = tenant
            .open_chat(&ask_stream("sandbox/slow", "one after the other"))
            .await;
        assert_eq!(stream.status, 200);
        stream.read_until("one").await;
        streams.push(stream);
    }
    let whole = tokio::spawn({
        let tenant = tenant.clone();
        async move { tenant.chat(&ask("sandbox/slow", "whole")).await }
    });
    // The whole reply shows nothing until its end; this one has reached the server once it takes its place in the queue.
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.ask_to_end();
    for stream in streams {
        let rest = stream.rest().await.unwrap();
        assert!(rest.ends_with(b"data: [DONE]\n\n"), "a stream was cut");
    }
    assert_eq!(whole.await.unwrap().status, 200);
    assert!(ended(&mut server).await.success());

    server.restart().await;
    let tenant = tenant.at(&server);
    let records = tenant.records().await;
    assert_eq!(records.len(), 6);
    assert!(
        records.iter().all(|record| record["outcome"] == "ok"),
        "{records:#?}"
    );
    assert!(
        !server.output().contains("left behind"),
        "a clean stop leaves nothing to mend: {}",
        server.output()
    );
}

#[tokio::test]
async fn new_requests_are_refused_while_it_drains() {
    let mut server = Freehold::start(options()).await;
    let tenant = Tenant::new(&server).await;
    let mut stream = tenant
        .open_chat(&ask_stream("sandbox/slow", "holds the door"))
        .await;
    stream.read_until("holds").await;
    server.ask_to_end();
    let refused = crate::support::eventually("the refusal", async || {
        match tenant
            .request(http::Method::POST, "/v1/chat/completions")
            .json(&ask("sandbox/echo", "late"))
            .try_send()
            .await
        {
            Err(_) => Some(()),
            Ok(late) if late.status == 503 => {
                assert_eq!(answer::code(&late), "server_draining");
                Some(())
            }
            Ok(_) => None,
        }
    });
    refused.await;
    assert!(server.is_running(), "it waits for the stream");
    let ready = Request::get(server.url("/readyz")).try_send().await;
    assert!(ready.is_err() || ready.is_ok_and(|ready| ready.status == 503));
    assert!(stream.rest().await.unwrap().ends_with(b"data: [DONE]\n\n"));
    assert!(ended(&mut server).await.success());
}

#[tokio::test]
async fn it_ends_at_once_where_nothing_runs() {
    let mut server = Freehold::start(options()).await;
    let _ = server.admin_get("/admin/v1/workspaces").await.expect(200);
    let asked = Instant::now();
    assert!(server.terminate().await.success());
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_stream_that_outlives_the_time_to_drain_is_ended_and_settled() {
    let provider = Simulator::start(Shape::OpenAi);
    let mut server = Freehold::start(options().toml("[limits]\ndrain_seconds = 1")).await;
    let tenant = Tenant::new(&server).await;
    tenant.store_key("openai", &provider).await;
    let mut stream = tenant
        .open_chat(&ask_stream("openai/sim-never-stops+drip-20", "on"))
        .await;
    stream.read_until("on ").await;
    let asked = Instant::now();
    let _ = server.terminate().await;
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    server.restart().await;
    let record = tenant.at(&server).only_record().await;
    assert_ne!(record["outcome"], "ok");
    assert_ne!(
        record["tokens"]["output"], 0,
        "what was generated is counted: {record}"
    );
}

#[tokio::test]
async fn a_second_signal_does_not_wait() {
    let mut server = Freehold::start(options()).await;
    let tenant = Tenant::new(&server).await;
    let mut stream = tenant.open_chat(&ask_stream("sandbox/hang", "for ever")).await;
    server.ask_to_end();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(server.is_running());
    let asked = Instant::now();
    let status = server.terminate().await;
    assert!(asked.elapsed() < Duration::from_secs(3));
    assert!(!status.success());
    drop(stream.next().await);
}
