//! Encrypted connections: whose certificate counts, and how many requests share one.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use freehold_gateway::upstream::{ConnectPhase, UpstreamClient, UpstreamError, UpstreamSettings};
use futures_util::future::join_all;
use http::Response;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::net::TcpStream;
use tokio::sync::{Barrier, Notify};

use super::encrypted_provider::{Encrypted, NAME};
use super::provider::{Provider, Scripted, call, endpoint, policy, settings, text};

#[tokio::test]
async fn http_2_is_spoken_where_it_is_offered_and_the_older_protocol_elsewhere() {
    for (protocols, version) in [
        (&["h2", "http/1.1"][..], "HTTP/2.0"),
        (&["http/1.1"], "HTTP/1.1"),
        (&[], "HTTP/1.1"),
    ] {
        let encrypted =
            Encrypted::answering(
                protocols,
                |version| async move { text(200, &format!("{version:?}")) },
            )
            .await;
        let (client, endpoint) = (encrypted.client(settings()), encrypted.endpoint(NAME));
        for _ in 0..5 {
            let mut reply = client.send(call(&endpoint)).await.unwrap();
            assert_eq!(reply.collect(100).await.unwrap(), version);
        }
        assert_eq!(encrypted.provider.connections(), 1);
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused_before_the_request_is_sent() {
    let answered = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&answered);
    let encrypted = Encrypted::answering(&["h2"], move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        async { text(200, "{}") }
    })
    .await;
    let client = encrypted.client(settings());
    for name in ["api.example.org", "evil-api.example.com", "example.com"] {
        let error = client.send(call(&encrypted.endpoint(name))).await.unwrap_err();
        assert!(matches!(error, UpstreamError::Tls(_)), "{error:?}");
        assert_eq!((error.may_have_run(), error.word()), (false, "tls_error"));
    }
    assert_eq!(
        client
            .send(call(&encrypted.endpoint(NAME)))
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(answered.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_certificate_that_the_system_does_not_trust_is_refused() {
    let encrypted = Encrypted::answering(&["h2"], |_| async { text(200, "{}") }).await;
    let resolver = Scripted::new(|_| Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]));
    let listed = encrypted.provider.address.to_string();
    let client = UpstreamClient::with_resolver(policy(&[&listed]), settings(), resolver);
    let error = client.send(call(&encrypted.endpoint(NAME))).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Tls(_)), "{error:?}");
}

#[tokio::test]
async fn a_handshake_that_hangs_is_given_up() {
    let silent = Provider::scripted(|stream: TcpStream| async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        drop(stream);
    })
    .await;
    let limit = Duration::from_millis(150);
    let client = super::provider::client(
        &["127.0.0.0/8:*"],
        UpstreamSettings {
            connect: limit,
            ..settings()
        },
    );
    let endpoint = endpoint(&format!("https://{}", silent.address));
    // Those behind wait for the first and are given up with it, not after it.
    let began = std::time::Instant::now();
    for result in join_all((0..20).map(|_| client.send(call(&endpoint)))).await {
        let error = result.unwrap_err();
        assert!(
            matches!(error, UpstreamError::ConnectTimeout { .. }) && !error.may_have_run(),
            "{error:?}"
        );
        assert!(!matches!(
            error,
            UpstreamError::ConnectTimeout {
                phase: ConnectPhase::Resolve,
                ..
            }
        ));
    }
    assert!(
        began.elapsed() < limit + Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn those_who_wait_for_a_connection_that_fails_fail_with_it() {
    let closing = Provider::scripted(|stream: TcpStream| async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(stream);
    })
    .await;
    let (client, endpoint) = (
        closing.client(),
        endpoint(&format!("https://{}", closing.address)),
    );
    let began = std::time::Instant::now();
    for result in join_all((0..200).map(|_| client.send(call(&endpoint)))).await {
        let error = result.unwrap_err();
        assert!(
            matches!(error, UpstreamError::Tls(_)) && !error.may_have_run(),
            "{error:?}"
        );
    }
    // One after the other they would take ten seconds.
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert!(closing.connections() <= 6, "{}", closing.connections());
    assert!(client.send(call(&endpoint)).await.is_err());
    assert!(
        closing.connections() >= 2,
        "a failure must not outlive those who waited for it"
    );
}

#[tokio::test]
async fn a_provider_that_speaks_in_the_clear_on_an_encrypted_port_is_refused() {
    let plain = Provider::answering(|_| text(200, "{}")).await;
    let endpoint = endpoint(&format!("https://{}", plain.address));
    let error = plain.client().send(call(&endpoint)).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Tls(_)), "{error:?}");
    assert!(plain.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_requests_at_once_share_few_connections_and_none_waits_for_another() {
    // Nobody is answered before all have arrived, and no connection takes more than a hundred.
    let all = Arc::new(Barrier::new(200));
    let encrypted = Encrypted::answering(&["h2", "http/1.1"], move |_| {
        let all = Arc::clone(&all);
        async move {
            all.wait().await;
            text(200, "{}")
        }
    })
    .await;
    let (client, endpoint) = (encrypted.client(settings()), encrypted.endpoint(NAME));
    for round in 1..=3 {
        let calls = (0..200).map(|_| async { client.send(call(&endpoint)).await?.collect(10).await });
        for body in join_all(calls).await {
            assert_eq!(body.unwrap(), "{}");
        }
        assert!(
            encrypted.provider.connections() <= 6,
            "{} in round {round}",
            encrypted.provider.connections()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_to_an_origin_of_the_older_protocol_does_not_queue() {
    let all = Arc::new(Barrier::new(50));
    let encrypted = Encrypted::answering(&["http/1.1"], move |_| {
        let all = Arc::clone(&all);
        async move {
            all.wait().await;
            text(200, "{}")
        }
    })
    .await;
    let (client, endpoint) = (encrypted.client(settings()), encrypted.endpoint(NAME));
    for result in join_all((0..50).map(|_| client.send(call(&endpoint)))).await {
        assert_eq!(result.unwrap().status(), 200);
    }
    assert_eq!(encrypted.provider.connections(), 50);
}

/// Tells when it is dropped.
struct Watched(Arc<Notify>);

impl Drop for Watched {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::test]
async fn a_reply_that_is_dropped_ends_its_stream_and_leaves_the_connection() {
    let left = Arc::new(Notify::new());
    let on_left = Arc::clone(&left);
    let encrypted = Encrypted::answering(&["h2"], move |_| {
        let watched = Watched(Arc::clone(&on_left));
        async move {
            let pieces = futures_util::stream::unfold(watched, |watched| async move {
                tokio::time::sleep(Duration::from_millis(10)).await;
                Some((
                    Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"data: 1\n\n"))),
                    watched,
                ))
            });
            Response::new(BodyExt::boxed(StreamBody::new(SyncStream(Box::pin(pieces)))))
        }
    })
    .await;
    let (client, endpoint) = (encrypted.client(settings()), encrypted.endpoint(NAME));
    for _ in 0..3 {
        let mut reply = client.send(call(&endpoint)).await.unwrap();
        reply.next().await.unwrap().unwrap();
        drop(reply);
        tokio::time::timeout(Duration::from_secs(1), left.notified())
            .await
            .expect("the stream went on");
    }
    assert_eq!(encrypted.provider.connections(), 1);
}

/// A stream that may be named in a body that must be shareable; it is only ever polled by its owner.
struct SyncStream<S>(std::pin::Pin<Box<S>>);

impl<S: futures_util::Stream> futures_util::Stream for SyncStream<S> {
    type Item = S::Item;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<S::Item>> {
        self.0.as_mut().poll_next(context)
    }
}
