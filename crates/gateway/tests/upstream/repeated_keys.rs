//! A provider that repeats the key, wherever it does.

use freehold_gateway::upstream::UpstreamReply;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::provider::{KEY, Provider, call, call_with, credential, read_head, text};
use freehold_wire::adapter::AuthScheme;

async fn all_of(mut reply: UpstreamReply) -> (String, bool) {
    let mut all = format!("{:?}\n", reply.take_headers());
    while let Some(piece) = reply.next().await {
        all.push_str(std::str::from_utf8(&piece.unwrap()).unwrap());
    }
    (all, reply.key_was_repeated())
}

/// The reply to a call with the key, after `pieces` were written one by one, each as a chunk of its own.
async fn reply_in(pieces: Vec<String>, end: String) -> (String, bool) {
    let provider = Provider::scripted(move |mut stream| {
        let (pieces, end) = (pieces.clone(), end.clone());
        async move {
            read_head(&mut stream).await;
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-t\r\n\r\n")
                .await;
            for piece in pieces {
                let _ = stream
                    .write_all(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes())
                    .await;
                tokio::task::yield_now().await;
            }
            let _ = stream.write_all(format!("0\r\n{end}\r\n").as_bytes()).await;
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    })
    .await;
    let endpoint = provider.endpoint();
    let client = provider.client();
    all_of(client.send(call(&endpoint)).await.unwrap()).await
}

#[tokio::test]
async fn the_key_does_not_come_back_in_a_body_however_it_is_cut() {
    let replies = [
        format!("{{\"error\":{{\"message\":\"Incorrect API key provided: {KEY}.\"}}}}"),
        format!("data: {{\"content\":\"{KEY}\"}}\n\ndata: [DONE]\n\n"),
        format!(": {KEY}\n\ndata: 1\n\n"),
        format!("event: {KEY}\ndata: 1\n\n"),
        format!("{KEY}{KEY}{KEY}"),
        format!("<html>Bearer {KEY}</html>"),
    ];
    for reply in &replies {
        for count in 1..=9 {
            let size = reply.len().div_ceil(count);
            let pieces = reply
                .as_bytes()
                .chunks(size)
                .map(|piece| String::from_utf8(piece.to_vec()).unwrap())
                .collect();
            let (all, repeated) = reply_in(pieces, String::new()).await;
            assert!(
                repeated && all.ends_with(&reply.replace(KEY, "[redacted]")),
                "{count} pieces: {all}"
            );
        }
    }
}

#[tokio::test]
async fn the_key_does_not_come_back_in_a_trailer() {
    let (all, repeated) = reply_in(vec!["{}".to_owned()], format!("x-t: {KEY}\r\n")).await;
    assert!(!all.contains(KEY) && all.ends_with("{}") && !repeated, "{all}");
}

#[tokio::test]
async fn the_key_does_not_come_back_in_a_header() {
    for name in [
        "content-type",
        "retry-after",
        "x-request-id",
        "x-ratelimit-limit-tokens",
        "x-key",
        "www-authenticate",
    ] {
        let provider = Provider::answering(move |_| {
            let mut reply = text(401, "{}");
            reply
                .headers_mut()
                .insert(name, format!("x {KEY}").parse().unwrap());
            reply
        })
        .await;
        let endpoint = provider.endpoint();
        let (all, _) = all_of(provider.client().send(call(&endpoint)).await.unwrap()).await;
        assert!(!all.contains(KEY), "{name}: {all}");
    }
}

#[tokio::test]
async fn a_reply_to_a_call_without_a_key_comes_as_it_was_sent() {
    let provider = Provider::answering(|_| text(200, KEY)).await;
    let endpoint = provider.endpoint();
    let call = call_with(&endpoint, credential(AuthScheme::None));
    let (all, repeated) = all_of(provider.client().send(call).await.unwrap()).await;
    assert!(all.ends_with(KEY) && !repeated);
}

#[tokio::test]
async fn no_failure_names_the_key_or_what_the_provider_said() {
    let said = "HTTP/1.1 200 OK\r\nbad header: sk-canary\r\n\r\n";
    let provider = Provider::writing(said).await;
    let endpoint = provider.endpoint();
    let call = call(&endpoint);
    assert!(!format!("{call:?}").contains("canary"));
    let error = provider.client().send(call).await.unwrap_err();
    let mut shown = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        shown.push_str(&format!(" {error} {error:?}"));
        cause = error.source();
    }
    assert!(!shown.contains("canary"), "{shown}");
}
