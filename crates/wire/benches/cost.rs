//! What one request and one reply cost in this crate: `cargo bench -p freehold-wire`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a measurement talks on the terminal"
)]

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use freehold_domain::provider::ProviderKind;
use freehold_wire::adapter::{Adapter, ChatTarget, ReplyContext, adapter};
use freehold_wire::openai::chat::ChatRequest;
use freehold_wire::splice_metadata;

const ROUNDS: u32 = 500;
const ATTEMPTS: u32 = 400;
const METADATA: &str =
    r#"{"request_id":"req_0","cost_attribution":"byok","provider_used":"openai","model_used":"gpt-x"}"#;

/// Prints the quickest of many short runs: what the work costs when nobody else is on the machine.
fn measure(name: &str, mut work: impl FnMut()) {
    let mut best = u128::MAX;
    for _ in 0..ATTEMPTS {
        let begun = Instant::now();
        for _ in 0..ROUNDS {
            work();
        }
        best = best.min(begun.elapsed().as_nanos() / u128::from(ROUNDS));
    }
    println!("{name:<36} {best:>8} ns");
}

fn main() {
    let words = "The quick brown fox jumps over the lazy dog and says \\\"hello\\\" to it. ".repeat(14);
    let body = Bytes::from(format!(
        r#"{{"model":"openai/gpt-x","messages":[{{"role":"system","content":"Be brief."}},{{"role":"user","content":"{words}"}}],"temperature":0.2,"max_tokens":400}}"#
    ));
    let streamed = Bytes::from(String::from_utf8(body.to_vec()).unwrap().replacen(
        '{',
        r#"{"stream":true,"#,
        1,
    ));
    let text = "Answers come in words like these, one after the other. ".repeat(9);
    let reply = Bytes::from(format!(
        r#"{{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"gpt-x","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}","refusal":null}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":241,"completion_tokens":120,"total_tokens":361,"prompt_tokens_details":{{"cached_tokens":0,"audio_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":0,"audio_tokens":0}}}},"system_fingerprint":"fp_1"}}"#
    ));
    println!("request {} bytes, reply {} bytes", body.len(), reply.len());
    let target = ChatTarget {
        model: "gpt-x",
        max_output_tokens: Some(300),
        ..ChatTarget::default()
    };
    let request = ChatRequest::parse(body.clone()).unwrap();
    let stream_request = ChatRequest::parse(streamed.clone()).unwrap();
    let openai: &dyn Adapter = adapter(ProviderKind::Openai).unwrap();
    let anthropic: &dyn Adapter = adapter(ProviderKind::Anthropic).unwrap();
    let context = ReplyContext {
        request: &request,
        created_seconds: 1,
    };

    measure("parse", || {
        black_box(ChatRequest::parse(black_box(body.clone())).unwrap());
    });
    measure("write for openai", || {
        black_box(openai.chat(black_box(&request), &target).unwrap());
    });
    measure("write for openai, streamed", || {
        black_box(openai.chat(black_box(&stream_request), &target).unwrap());
    });
    measure("write for anthropic", || {
        black_box(anthropic.chat(black_box(&request), &target).unwrap());
    });
    measure("read openai's reply", || {
        black_box(openai.chat_reply(&context, black_box(reply.clone())).unwrap());
    });
    measure("splice metadata", || {
        black_box(splice_metadata(black_box(&reply), METADATA).unwrap());
    });
    measure("all of it", || {
        let request = ChatRequest::parse(black_box(body.clone())).unwrap();
        black_box(openai.chat(&request, &target).unwrap());
        let context = ReplyContext {
            request: &request,
            created_seconds: 1,
        };
        let reply = openai.chat_reply(&context, reply.clone()).unwrap();
        black_box(splice_metadata(&reply.body, METADATA).unwrap());
    });
    let event = Bytes::from_static(
        b"data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"gpt-x\",\"service_tier\":\"default\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" words\"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null,\"obfuscation\":\"aB3xYz\"}\n\n",
    );
    let mut decoder = openai.chat_stream(&ReplyContext {
        request: &stream_request,
        created_seconds: 1,
    });
    let mut out = Vec::with_capacity(8);
    measure("one event of openai's stream", || {
        decoder.push(black_box(event.clone()), &mut out).unwrap();
        black_box(&out);
        out.clear();
    });
}
