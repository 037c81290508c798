//! Clients that dawdle: half a head, half a body, a body that is too large. None of them holds a place for long.

use std::time::{Duration, Instant};

use freehold_testkit::freehold::Freehold;
use serde_json::json;

use crate::support::connection::Connection;
use crate::support::tenant::ask;
use crate::support::{Tenant, answer, options, server};

/// The head of a chat request with a body of `length` bytes.
fn head(tenant: &Tenant, length: usize) -> String {
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n",
        tenant.key
    )
}

#[tokio::test]
async fn a_client_that_sends_half_a_head_is_closed_after_ten_seconds() {
    let server = server().await;
    let opened = Instant::now();
    let mut halves = Vec::new();
    for half in [
        "",
        "G",
        "GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ",
        "GET /healthz HTTP/1.1\r\nhost: x\r\n",
        "PRI * HT",
    ] {
        let mut connection = Connection::open(server.port()).await;
        assert!(connection.send(half.as_bytes()).await);
        halves.push(async move {
            connection.until_closed().await;
            opened.elapsed()
        });
    }
    for closed in futures_util::future::join_all(halves).await {
        assert!((9..=13).contains(&closed.as_secs()), "closed after {closed:?}");
    }
}

#[tokio::test]
async fn a_second_request_that_dawdles_on_an_open_connection_is_closed_too() {
    let server = server().await;
    let mut connection = Connection::open(server.port()).await;
    assert!(connection.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await);
    assert_eq!(connection.response().await.unwrap().status, 200);
    let began = Instant::now();
    assert!(connection.send(b"GET /healthz HTTP/1.1\r\nhos").await);
    connection.until_closed().await;
    assert!(began.elapsed() < Duration::from_secs(13), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_body_that_stands_still_is_refused_as_a_time_out_and_is_on_record() {
    let server = server().await;
    let tenant = Tenant::new(server).await;
    let mut connection = Connection::open(server.port()).await;
    let whole = ask("sandbox/echo", "never comes whole").to_string();
    let (half, _) = whole.split_at(whole.len() / 2);
    assert!(
        connection
            .send(format!("{}{half}", head(&tenant, whole.len())).as_bytes())
            .await
    );
    let reply = connection.response().await.unwrap();
    assert_eq!(reply.status, 408, "{}", reply.text());
    assert!(reply.text().contains("request_timeout"), "{}", reply.text());
    let record = tenant.only_record().await;
    assert_eq!(
        (&record["outcome"], &record["denial"]["status"]),
        (&json!("denied"), &json!(408))
    );
}

#[tokio::test]
async fn a_body_that_comes_slowly_but_steadily_is_waited_for() {
    let server = server().await;
    let tenant = Tenant::new(server).await;
    let mut connection = Connection::open(server.port()).await;
    let whole = ask("sandbox/echo", "slow and steady").to_string();
    assert!(connection.send(head(&tenant, whole.len()).as_bytes()).await);
    for byte in whole.as_bytes().chunks(8) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(connection.send(byte).await);
    }
    assert_eq!(connection.response().await.unwrap().status, 200);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_on_record_as_refused() {
    let server = server().await;
    let tenant = Tenant::new(server).await;
    let mut connection = Connection::open(server.port()).await;
    assert!(
        connection
            .send(format!("{}{{\"model\":", head(&tenant, 500)).as_bytes())
            .await
    );
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(connection);
    let record = tenant.only_record().await;
    assert!(
        ["denied", "client_gone"].contains(&record["outcome"].as_str().unwrap()),
        "{record}"
    );
    assert_eq!(record["tokens"]["output"], 0);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_whether_it_says_so_or_not() {
    let server = Freehold::start(options().toml("[limits]\nbody_bytes_max = 4096")).await;
    let tenant = Tenant::new(&server).await;
    let told = tenant.chat(&ask("sandbox/echo", &"x".repeat(5_000))).await;
    assert_eq!(answer::refusal(&told), (413, "request_too_large".to_owned()));
    assert!(
        told.text().contains("4096"),
        "it names the limit: {}",
        told.text()
    );

    let mut untold = Connection::open(server.port()).await;
    let head = head(&tenant, 0).replace("content-length: 0", "transfer-encoding: chunked");
    assert!(untold.send(head.as_bytes()).await);
    for _ in 0..6 {
        if !untold
            .send(format!("400\r\n{}\r\n", "x".repeat(0x400)).as_bytes())
            .await
        {
            break;
        }
    }
    assert_eq!(untold.response().await.unwrap().status, 413);

    let fits = tenant.chat(&ask("sandbox/echo", &"x".repeat(3_000))).await;
    assert_eq!(fits.status, 200);
    assert_eq!(tenant.records().await.len(), 3, "refused ones are on record too");
}

#[tokio::test]
async fn a_client_that_sends_to_the_end_before_it_reads_still_reads_the_refusal() {
    let server = server().await;
    let tenant = Tenant::new(server).await;
    let known = head(&tenant, 20_000_000);
    let stranger = known.replace(&tenant.key, "fh_nobody");
    let nowhere = known.replace("/v1/chat/completions", "/v1/nowhere");
    for (head, status) in [(known, 413), (stranger, 401), (nowhere, 404)] {
        let mut connection = Connection::open(server.port()).await;
        assert!(connection.send(head.as_bytes()).await);
        let piece = vec![b' '; 1_000_000];
        for sent in 0..20 {
            assert!(
                connection.send(&piece).await,
                "hung up on after {sent} of 20 pieces"
            );
        }
        assert_eq!(
            connection.response().await.map(|reply| reply.status),
            Some(status)
        );
    }
}

#[tokio::test]
async fn a_huge_body_of_a_stranger_is_refused_before_it_is_read() {
    let server = server().await;
    let mut connection = Connection::open(server.port()).await;
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer fh_nobody\r\n\
        content-length: 9000000\r\n\r\n";
    assert!(connection.send(head.as_bytes()).await);
    let reply = connection.response().await.unwrap();
    assert_eq!(reply.status, 401, "answered without one byte of the body");
}

#[tokio::test]
async fn a_management_body_that_is_too_large_is_refused() {
    let tenant = Tenant::new(server().await).await;
    let label = "x".repeat(300 * 1024);
    let reply = tenant
        .post(
            "/v1/byok/providers",
            &json!({"provider": "openai", "label": label}),
        )
        .await;
    assert_eq!(answer::refusal(&reply), (413, "request_too_large".to_owned()));
}
