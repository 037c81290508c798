//! Writing an answer as OpenAI would send it, whole or as a stream.

use bytes::Bytes;
use freehold_domain::tokens::TokenUsage;

use super::body::{Asked, word_count};
use super::rule::{Answer, Output};
use super::{SandboxReply, SandboxStep};
use crate::adapter::ReplyContext;
use crate::json::write_text;
use crate::openai::chat::ChatRequest;
use crate::openai::chat::chunk::{Envelope, end_marker};
use crate::openai::error::error_body;
use crate::openai::usage;
use crate::usage::FinishReason;

/// An answer cut to its limit.
struct Cut {
    /// Words with the white space that follows each; empty for calls.
    words: Vec<String>,
    calls: Vec<(String, String)>,
    tokens: u64,
    finish_reason: FinishReason,
}

pub(super) fn play(
    request: &ChatRequest,
    asked: &Asked,
    answer: &Answer,
    created_seconds: i64,
) -> SandboxReply {
    let cut = cut(answer, asked);
    let usage = TokenUsage {
        input: asked.prompt_tokens,
        output: cut.tokens * u64::from(asked.choices),
        ..TokenUsage::default()
    };
    let mut envelope = Envelope::new(&ReplyContext {
        request,
        created_seconds,
    });
    envelope.learn(Some("\"chatcmpl-sandbox\""), None, Some(request.model()));
    let usage = answer.reports_usage.then_some(&usage);
    if request.stream() {
        stream(&envelope, asked, answer, &cut, usage)
    } else {
        whole(&envelope, asked, answer, &cut, usage)
    }
}

/// The sandbox gives no more tokens than this in all choices together, so that no request can fill the memory.
const TOKENS_MAX: u64 = 65_536;

fn cut(answer: &Answer, asked: &Asked) -> Cut {
    let most = TOKENS_MAX / u64::from(asked.choices).max(1);
    let limit = asked.limit.map_or(most, |limit| limit.min(most));
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    match &answer.output {
        Output::Text(text) => {
            let all: Vec<&str> = words(text);
            let cut: Vec<String> = all.iter().take(limit).map(|word| (*word).to_owned()).collect();
            Cut {
                tokens: u64::try_from(cut.len()).unwrap_or(u64::MAX),
                finish_reason: if cut.len() < all.len() {
                    FinishReason::Length
                } else {
                    FinishReason::Stop
                },
                words: cut,
                calls: Vec::new(),
            }
        }
        Output::Calls(calls) => Cut {
            words: Vec::new(),
            tokens: calls.iter().map(|(_, arguments)| 1 + word_count(arguments)).sum(),
            calls: calls.clone(),
            finish_reason: FinishReason::ToolCalls,
        },
    }
}

/// The text cut before each word, so that nothing is lost. White space at the start belongs to the first.
fn words(text: &str) -> Vec<&str> {
    let mut cuts: Vec<usize> = Vec::new();
    let mut in_space = true;
    for (at, character) in text.char_indices() {
        let space = character.is_whitespace();
        if in_space && !space {
            cuts.push(if cuts.is_empty() { 0 } else { at });
        }
        in_space = space;
    }
    let ends = cuts.iter().skip(1).copied().chain([text.len()]);
    cuts.iter()
        .zip(ends)
        .filter_map(|(&start, end)| text.get(start..end))
        .collect()
}

fn whole(
    envelope: &Envelope,
    asked: &Asked,
    answer: &Answer,
    cut: &Cut,
    usage: Option<&TokenUsage>,
) -> SandboxReply {
    if answer.breaks {
        return SandboxReply::whole(200, broken());
    }
    let mut out = Vec::with_capacity(512);
    envelope.open(&mut out, "chat.completion");
    out.extend_from_slice(b",\"choices\":[");
    for index in 0..asked.choices {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(
            format!("{{\"index\":{index},\"message\":{{\"role\":\"assistant\",\"content\":").as_bytes(),
        );
        if cut.calls.is_empty() {
            write_text(&mut out, &cut.words.concat());
        } else {
            out.extend_from_slice(b"null,\"tool_calls\":[");
            for (number, (name, arguments)) in cut.calls.iter().enumerate() {
                if number > 0 {
                    out.push(b',');
                }
                call(&mut out, index, number, name, arguments);
            }
            out.push(b']');
        }
        out.extend_from_slice(b",\"refusal\":null},\"logprobs\":null,\"finish_reason\":");
        write_text(&mut out, cut.finish_reason.as_str());
        out.push(b'}');
    }
    out.push(b']');
    if let Some(usage) = usage {
        out.extend_from_slice(b",\"usage\":");
        usage::write(&mut out, usage);
    }
    out.push(b'}');
    let mut reply = SandboxReply::whole(200, Bytes::from(out));
    let words = u64::try_from(cut.words.len()).unwrap_or(u64::MAX);
    for step in &mut reply.steps {
        step.delay_ms = answer
            .first_delay_ms
            .saturating_add(answer.delay_ms.saturating_mul(words));
    }
    reply
}

fn call(out: &mut Vec<u8>, choice: u32, number: usize, name: &str, arguments: &str) {
    out.extend_from_slice(
        format!("{{\"id\":\"call_sandbox_{choice}_{number}\",\"type\":\"function\",").as_bytes(),
    );
    out.extend_from_slice(b"\"function\":{\"name\":");
    write_text(out, name);
    out.extend_from_slice(b",\"arguments\":");
    write_text(out, arguments);
    out.extend_from_slice(b"}}");
}

fn broken() -> Bytes {
    let message = "the sandbox was asked to break in the middle";
    error_body(message, "server_error", Some("server_error"), None, &[])
}

fn stream(
    envelope: &Envelope,
    asked: &Asked,
    answer: &Answer,
    cut: &Cut,
    usage: Option<&TokenUsage>,
) -> SandboxReply {
    let mut steps = Vec::with_capacity(cut.words.len() + 4);
    let mut send = |delay_ms, bytes| steps.push(SandboxStep { delay_ms, bytes });
    let choices = 0..asked.choices;
    for index in choices.clone() {
        let delta = b"{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}";
        send(
            if index == 0 { answer.first_delay_ms } else { 0 },
            envelope.chunk(index, delta, None),
        );
    }
    let words = if answer.breaks {
        cut.words.len() / 2
    } else {
        cut.words.len()
    };
    for word in cut.words.iter().take(words) {
        let mut delta = b"{\"content\":".to_vec();
        write_text(&mut delta, word);
        delta.push(b'}');
        for index in choices.clone() {
            send(
                if index == 0 { answer.delay_ms } else { 0 },
                envelope.chunk(index, &delta, None),
            );
        }
    }
    if answer.breaks {
        send(0, [b"data: ", broken().as_ref(), b"\n\n"].concat().into());
        return event_stream(steps);
    }
    for index in choices.clone() {
        for (number, (name, arguments)) in cut.calls.iter().enumerate() {
            for delta in call_deltas(index, number, name, arguments) {
                send(0, envelope.chunk(index, &delta, None));
            }
        }
    }
    for index in choices {
        send(0, envelope.chunk(index, b"{}", Some(cut.finish_reason)));
    }
    if let Some(usage) = usage.filter(|_| envelope.include_usage()) {
        let mut chunk = b"data: ".to_vec();
        envelope.open(&mut chunk, "chat.completion.chunk");
        chunk.extend_from_slice(b",\"choices\":[],\"usage\":");
        usage::write(&mut chunk, usage);
        chunk.extend_from_slice(b"}\n\n");
        send(0, chunk.into());
    }
    let mut end = Vec::new();
    end_marker(&mut end);
    send(0, end.into());
    event_stream(steps)
}

/// A call as a stream has it: first its head with empty arguments, then the arguments.
fn call_deltas(choice: u32, number: usize, name: &str, arguments: &str) -> [Vec<u8>; 2] {
    let mut head =
        format!("{{\"tool_calls\":[{{\"index\":{number},\"id\":\"call_sandbox_{choice}_{number}\",")
            .into_bytes();
    head.extend_from_slice(b"\"type\":\"function\",\"function\":{\"name\":");
    write_text(&mut head, name);
    head.extend_from_slice(b",\"arguments\":\"\"}}]}");
    let mut rest =
        format!("{{\"tool_calls\":[{{\"index\":{number},\"function\":{{\"arguments\":").into_bytes();
    write_text(&mut rest, arguments);
    rest.extend_from_slice(b"}}]}");
    [head, rest]
}

fn event_stream(steps: Vec<SandboxStep>) -> SandboxReply {
    SandboxReply {
        status: 200,
        headers: vec![("content-type", "text/event-stream; charset=utf-8")],
        steps,
    }
}
