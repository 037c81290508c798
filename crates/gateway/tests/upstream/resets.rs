//! What the end of a shared connection, or of one request on it, says about whether the request was run.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use freehold_gateway::upstream::UpstreamError;
use h2::Reason;
use http::Response;

use super::encrypted_provider::{Encrypted, NAME};
use super::provider::{call, settings};

/// A provider that ends each request with `reason`.
async fn resetting(reason: Reason) -> Encrypted {
    Encrypted::scripted(&["h2"], move |stream| async move {
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            respond.send_reset(reason);
        }
    })
    .await
}

#[tokio::test]
async fn a_request_that_was_refused_unseen_may_be_sent_again() {
    let encrypted = resetting(Reason::REFUSED_STREAM).await;
    let error = encrypted
        .client(settings())
        .send(call(&encrypted.endpoint(NAME)))
        .await
        .unwrap_err();
    assert!(matches!(error, UpstreamError::NotSent(_)), "{error:?}");
    assert!(!error.may_have_run());
}

#[tokio::test]
async fn a_request_that_was_broken_off_may_have_run() {
    for reason in [
        Reason::INTERNAL_ERROR,
        Reason::CANCEL,
        Reason::ENHANCE_YOUR_CALM,
        Reason::PROTOCOL_ERROR,
    ] {
        let encrypted = resetting(reason).await;
        let error = encrypted
            .client(settings())
            .send(call(&encrypted.endpoint(NAME)))
            .await
            .unwrap_err();
        assert!(matches!(error, UpstreamError::Lost(_)), "{reason:?}: {error:?}");
        assert!(error.may_have_run());
    }
}

#[tokio::test]
async fn a_body_that_is_reset_is_no_whole_body() {
    let encrypted = Encrypted::scripted(&["h2"], |stream| async move {
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            let mut body = respond.send_response(Response::new(()), false).unwrap();
            body.send_data(Bytes::from_static(b"half"), false).unwrap();
            body.send_reset(Reason::INTERNAL_ERROR);
        }
    })
    .await;
    let client = encrypted.client(settings());
    let result = match client.send(call(&encrypted.endpoint(NAME))).await {
        Ok(mut reply) => reply.collect(100).await.map(|_| ()),
        Err(error) => Err(error),
    };
    assert!(result.unwrap_err().may_have_run());
}

#[tokio::test]
async fn a_connection_that_is_closed_in_order_is_replaced_without_a_failure() {
    let served = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&served);
    let encrypted = Encrypted::scripted(&["h2"], move |stream| {
        let served = Arc::clone(&counted);
        async move {
            let mut connection = h2::server::handshake(stream).await.unwrap();
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                served.fetch_add(1, Ordering::SeqCst);
                let mut body = respond.send_response(Response::new(()), false).unwrap();
                body.send_data(Bytes::from_static(b"{}"), true).unwrap();
                // One request per connection, and then no more.
                connection.graceful_shutdown();
            }
        }
    })
    .await;
    let (client, endpoint) = (encrypted.client(settings()), encrypted.endpoint(NAME));
    for _ in 0..10 {
        // Between the reply and the news that the connection takes no more, a request may be turned away unseen.
        let mut tries = 0;
        let body = loop {
            tries += 1;
            match client.send(call(&endpoint)).await {
                Ok(mut reply) => break reply.collect(100).await.unwrap(),
                Err(error) => assert!(!error.may_have_run() && tries < 5, "{error:?}"),
            }
        };
        assert_eq!(body, "{}");
    }
    assert_eq!(served.load(Ordering::SeqCst), 10);
    assert_eq!(encrypted.provider.connections(), 10);
}
