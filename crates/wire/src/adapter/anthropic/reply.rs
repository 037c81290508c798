//! A whole answer of Anthropic as a chat completion.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::error;
use super::usage::Figures;
use crate::adapter::{ChatReply, ReplyContext};
use crate::error::ReplyFault;
use crate::json::{Object, write_text};
use crate::openai;
use crate::usage::FinishReason;

#[derive(Deserialize)]
struct View<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    content: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    stop_reason: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
}

/// A block of an answer.
#[derive(Deserialize)]
pub(super) struct Block<'a> {
    #[serde(borrow, rename = "type", default)]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) thinking: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) input: Option<&'a RawValue>,
}

/// Why an answer ended. What nobody knows yet is an end like any other.
pub(super) fn finish_reason(stop_reason: Option<&str>, has_calls: bool) -> FinishReason {
    match stop_reason {
        Some("max_tokens" | "model_context_window_exceeded") => FinishReason::Length,
        Some("tool_use") => FinishReason::ToolCalls,
        Some("refusal") => FinishReason::ContentFilter,
        None if has_calls => FinishReason::ToolCalls,
        _ => FinishReason::Stop,
    }
}

#[derive(Default)]
struct Answer<'a> {
    text: String,
    reasoning: String,
    thinking_blocks: Vec<&'a str>,
    calls: Vec<Block<'a>>,
}

pub(super) fn read(
    compatible: bool,
    context: &ReplyContext<'_>,
    body: &Bytes,
) -> Result<ChatReply, ReplyFault> {
    if body.trim_ascii().is_empty() {
        return Err(ReplyFault::Unreadable("empty"));
    }
    let text = std::str::from_utf8(body).map_err(|_| ReplyFault::Unreadable("not valid UTF-8"))?;
    let view: Option<View<'_>> = serde_json::from_str(text).ok();
    let Some((view, content)) = view.and_then(|mut view| view.content.take().map(|content| (view, content)))
    else {
        return Err(error::inside_success(compatible, text).map_or(
            ReplyFault::Unreadable("not the JSON of an answer"),
            ReplyFault::Refused,
        ));
    };
    let mut answer = Answer::default();
    for raw in content {
        let block: Block<'_> = serde_json::from_str(raw.get())
            .map_err(|_| ReplyFault::Unreadable("an answer with a broken block"))?;
        answer.take(raw.get(), block);
    }
    let mut figures = Figures::default();
    if let Some(usage) = view.usage {
        figures.take(usage.get());
    }
    let usage = figures.report();
    let finish_reason = finish_reason(view.stop_reason.as_deref(), !answer.calls.is_empty());

    let mut out = Vec::with_capacity(body.len() + 256);
    let mut reply = Object::begin(&mut out);
    reply.text("id", view.id.as_deref().unwrap_or("chatcmpl-freehold"));
    reply.text("object", "chat.completion");
    reply.raw("created", &context.created_seconds.to_string());
    reply.text("model", view.model.as_deref().unwrap_or_default());
    reply.list("choices", |choices| {
        choices.object(|choice| {
            choice.number("index", 0);
            choice.object("message", |message| answer.write(message));
            choice.raw("logprobs", "null");
            choice.text("finish_reason", finish_reason.as_str());
        });
    });
    if let Some(usage) = &usage {
        openai::usage::write(reply.member("usage"), &usage.tokens);
    }
    reply.end();
    Ok(ChatReply {
        body: out.into(),
        usage,
        output_bytes: answer.bytes(),
        finish_reason: Some(finish_reason),
        model: view.model.map(Cow::into_owned),
        choices: 1,
    })
}

impl<'a> Answer<'a> {
    fn take(&mut self, raw: &'a str, block: Block<'a>) {
        match block.kind.as_ref() {
            "text" => self.text.push_str(block.text.as_deref().unwrap_or_default()),
            "thinking" => {
                self.reasoning
                    .push_str(block.thinking.as_deref().unwrap_or_default());
                self.thinking_blocks.push(raw);
            }
            "redacted_thinking" => self.thinking_blocks.push(raw),
            "tool_use" => self.calls.push(block),
            _ => {}
        }
    }

    fn write(&self, message: &mut Object<'_>) {
        message.text("role", "assistant");
        if self.text.is_empty() && !self.calls.is_empty() {
            message.raw("content", "null");
        } else {
            message.text("content", &self.text);
        }
        message.raw("refusal", "null");
        if !self.reasoning.is_empty() {
            message.text("reasoning_content", &self.reasoning);
        }
        if !self.thinking_blocks.is_empty() {
            // Clients that send these back let the model go on from its own thoughts.
            message.list("thinking_blocks", |list| {
                for block in &self.thinking_blocks {
                    list.item().extend_from_slice(block.as_bytes());
                }
            });
        }
        if self.calls.is_empty() {
            return;
        }
        message.list("tool_calls", |list| {
            for call in &self.calls {
                list.object(|out| {
                    out.text("id", call.id.as_deref().unwrap_or_default());
                    out.text("type", "function");
                    out.object("function", |function| {
                        function.text("name", call.name.as_deref().unwrap_or_default());
                        write_text(
                            function.member("arguments"),
                            call.input.map_or("{}", RawValue::get),
                        );
                    });
                });
            }
        });
    }

    fn bytes(&self) -> u64 {
        let calls: usize = self
            .calls
            .iter()
            .map(|call| {
                call.name.as_deref().map_or(0, str::len) + call.input.map_or(0, |input| input.get().len())
            })
            .sum();
        u64::try_from(self.text.len() + self.reasoning.len() + calls).unwrap_or(u64::MAX)
    }
}
