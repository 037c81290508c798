//! How connections are shared, and when they end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use freehold_gateway::upstream::{UpstreamError, UpstreamSettings};
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::provider::{Provider, call, client, read_head, settings, text};

/// A provider that writes `beginning` after the request's head, and tells when the other side is gone.
async fn watching(beginning: &'static str) -> (Provider, Arc<Notify>, Arc<Notify>) {
    let (asked, left) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (on_asked, on_left) = (Arc::clone(&asked), Arc::clone(&left));
    let provider = Provider::scripted(move |mut stream: TcpStream| {
        let (asked, left) = (Arc::clone(&on_asked), Arc::clone(&on_left));
        async move {
            read_head(&mut stream).await;
            asked.notify_one();
            stream.write_all(beginning.as_bytes()).await.unwrap();
            // The request's body, then the end.
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
            left.notify_one();
        }
    })
    .await;
    (provider, asked, left)
}

#[tokio::test]
async fn requests_one_after_the_other_share_a_connection() {
    let provider = Provider::answering(|_| text(200, "{}")).await;
    let (client, endpoint) = (provider.client(), provider.endpoint());
    for _ in 0..50 {
        let mut reply = client.send(call(&endpoint)).await.unwrap();
        assert_eq!(reply.collect(10).await.unwrap(), "{}");
    }
    assert_eq!((provider.requests().len(), provider.connections()), (50, 1));
}

#[tokio::test]
async fn copies_of_a_client_share_its_connections() {
    let provider = Provider::answering(|_| text(200, "{}")).await;
    let (client, endpoint) = (provider.client(), provider.endpoint());
    for _ in 0..5 {
        client
            .clone()
            .send(call(&endpoint))
            .await
            .unwrap()
            .collect(10)
            .await
            .unwrap();
    }
    assert_eq!(provider.connections(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_requests_at_once_are_all_answered() {
    let provider = Provider::answering(|seen| text(200, &seen.path)).await;
    let (client, endpoint) = (provider.client(), provider.endpoint());
    for _ in 0..3 {
        let calls = (0..200).map(|_| async { client.send(call(&endpoint)).await?.collect(100).await });
        for body in join_all(calls).await {
            assert_eq!(body.unwrap(), "/chat/completions");
        }
    }
    assert_eq!(provider.requests().len(), 600);
    assert!(
        provider.connections() <= 600 - 200,
        "{} connections: nothing was reused",
        provider.connections()
    );
}

#[tokio::test]
async fn a_reply_that_is_dropped_closes_its_connection() {
    for beginning in [
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\ndata: 1\n\n",
    ] {
        let (provider, _, left) = watching(beginning).await;
        let endpoint = provider.endpoint();
        let mut reply = provider.client().send(call(&endpoint)).await.unwrap();
        assert_eq!(reply.next().await.unwrap().unwrap(), "data: 1\n\n");
        assert!(
            timeout(Duration::from_millis(50), left.notified()).await.is_err(),
            "left before it was dropped"
        );
        drop(reply);
        timeout(Duration::from_secs(1), left.notified())
            .await
            .expect("the connection stayed open");
    }
}

#[tokio::test]
async fn a_reply_that_was_never_read_closes_its_connection_too() {
    let (provider, _, left) = watching("HTTP/1.1 200 OK\r\n\r\ndata: 1\n\n").await;
    let endpoint = provider.endpoint();
    let client = provider.client();
    drop(client.send(call(&endpoint)).await.unwrap());
    timeout(Duration::from_secs(1), left.notified())
        .await
        .expect("the connection stayed open");
}

#[tokio::test]
async fn a_call_that_is_dropped_before_the_head_closes_its_connection() {
    let (provider, asked, left) = watching("").await;
    let endpoint = provider.endpoint();
    let client = provider.client();
    tokio::select! {
        _ = client.send(call(&endpoint)) => panic!("answered"),
        () = asked.notified() => {}
    }
    timeout(Duration::from_secs(1), left.notified())
        .await
        .expect("the connection stayed open");
}

#[tokio::test]
async fn a_connection_that_the_provider_closed_while_idle_costs_no_request() {
    let provider = Provider::scripted(|mut stream: TcpStream| async move {
        read_head(&mut stream).await;
        let mut body = [0; 13];
        stream.read_exact(&mut body).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
            .await
            .unwrap();
    })
    .await;
    let (client, endpoint) = (provider.client(), provider.endpoint());
    for _ in 0..20 {
        assert_eq!(
            client
                .send(call(&endpoint))
                .await
                .unwrap()
                .collect(10)
                .await
                .unwrap(),
            "{}"
        );
        // Long enough for the end to arrive; without it the request may be written before the end is seen.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(provider.connections(), 20);
}

#[tokio::test]
async fn the_number_of_destinations_is_bounded_and_idle_ones_make_room() {
    let held = Arc::new(AtomicUsize::new(0));
    let mut providers = Vec::new();
    for _ in 0..4 {
        let held = Arc::clone(&held);
        providers.push(
            Provider::answering(move |_| {
                held.fetch_add(1, Ordering::SeqCst);
                text(200, "{}")
            })
            .await,
        );
    }
    let listed: Vec<String> = providers
        .iter()
        .map(|provider| provider.address.to_string())
        .collect();
    let listed: Vec<&str> = listed.iter().map(String::as_str).collect();
    let client = client(
        &listed,
        UpstreamSettings {
            origins_max: 2,
            ..settings()
        },
    );
    let endpoints: Vec<_> = providers.iter().map(Provider::endpoint).collect();
    for endpoint in endpoints.iter().chain(&endpoints) {
        client
            .send(call(endpoint))
            .await
            .unwrap()
            .collect(10)
            .await
            .unwrap();
    }
    let first = client.send(call(&endpoints[0])).await.unwrap();
    let second = client.send(call(&endpoints[1])).await.unwrap();
    let error = client.send(call(&endpoints[2])).await.unwrap_err();
    assert!(
        matches!(error, UpstreamError::TooManyOrigins(2)) && !error.may_have_run(),
        "{error}"
    );
    drop(second);
    client.send(call(&endpoints[2])).await.unwrap();
    drop(first);
    assert_eq!(held.load(Ordering::SeqCst), 11);
}
