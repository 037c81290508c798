//! A whole answer of Ollama as a chat completion.

use std::borrow::Cow;

use bytes::Bytes;
use freehold_domain::time::Timestamp;
use freehold_domain::tokens::TokenUsage;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::adapter::{ChatReply, ReplyContext, classify};
use crate::error::ReplyFault;
use crate::json::{Object, write_text};
use crate::openai;
use crate::usage::{Count, FinishReason, ReportedUsage};

/// A whole answer, or one line of a stream.
#[derive(Deserialize)]
pub(super) struct View<'a> {
    #[serde(borrow, default)]
    pub(super) model: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    created_at: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) message: Option<Message<'a>>,
    #[serde(default)]
    pub(super) done: bool,
    #[serde(borrow, default)]
    done_reason: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    prompt_eval_count: Option<&'a RawValue>,
    #[serde(borrow, default)]
    eval_count: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow, default)]
    pub(super) content: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) thinking: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) tool_calls: Option<Vec<Call<'a>>>,
}

#[derive(Deserialize)]
pub(super) struct Call<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    function: Function<'a>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
}

impl View<'_> {
    /// Seconds since 1970-01-01 UTC at which the answer was made, if it says so.
    pub(super) fn created_seconds(&self) -> Option<i64> {
        let moment = Timestamp::parse(self.created_at.as_deref()?)?;
        Some(moment.as_micros().div_euclid(1_000_000))
    }

    /// Why the answer ended.
    pub(super) fn finish_reason(&self, has_calls: bool) -> FinishReason {
        match self.done_reason.as_deref() {
            Some("length") => FinishReason::Length,
            _ if has_calls => FinishReason::ToolCalls,
            _ => FinishReason::Stop,
        }
    }

    /// Whether a model was loaded or unloaded and nothing was answered.
    pub(super) fn is_no_answer(&self) -> bool {
        matches!(self.done_reason.as_deref(), Some("load" | "unload"))
    }

    /// The report. A prompt that was cached whole is not counted; an answer always is.
    pub(super) fn report(&self) -> Option<ReportedUsage> {
        let count = |raw: Option<&RawValue>| Count::read(raw.map(RawValue::get)).or_missing();
        let (input, output) = (count(self.prompt_eval_count)?, count(self.eval_count)?);
        let mut raw = Vec::new();
        let mut object = Object::begin(&mut raw);
        for (name, count) in [("prompt_eval_count", input), ("eval_count", output)] {
            if let Some(count) = count {
                object.number(name, count);
            }
        }
        object.end();
        Some(ReportedUsage {
            tokens: TokenUsage {
                input: input.unwrap_or(0),
                output: output?,
                ..TokenUsage::default()
            },
            raw: String::from_utf8(raw).unwrap_or_default().into(),
            service_tier: None,
            fast: false,
            inference_geo: None,
            web_searches: 0,
            cost_usd: None,
        })
    }
}

impl Call<'_> {
    /// The call's id. Older servers give none; one is made from the time and the number.
    pub(super) fn id(&self, created_seconds: i64, number: u64) -> Cow<'_, str> {
        match self.id.as_deref() {
            Some(id) if !id.is_empty() => Cow::Borrowed(id),
            _ => Cow::Owned(format!("call_{created_seconds}_{number}")),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.function.name
    }

    /// The arguments as JSON. Some servers write the object as a string.
    pub(super) fn arguments(&self) -> Cow<'_, str> {
        let json = self.function.arguments.map(RawValue::get);
        let json = json.filter(|json| *json != "null").unwrap_or("{}");
        crate::json::text(json).unwrap_or(Cow::Borrowed(json))
    }
}

pub(super) fn read(context: &ReplyContext<'_>, body: &Bytes) -> Result<ChatReply, ReplyFault> {
    if body.trim_ascii().is_empty() {
        return Err(ReplyFault::Unreadable("empty"));
    }
    let text = std::str::from_utf8(body).map_err(|_| ReplyFault::Unreadable("not valid UTF-8"))?;
    let view: Option<View<'_>> = serde_json::from_str(text).ok();
    let message = view.as_ref().and_then(|view| view.message.as_ref());
    let (Some(view), Some(message)) = (&view, message) else {
        return Err(classify::inside_success(text).map_or(
            ReplyFault::Unreadable("not the JSON of an answer"),
            ReplyFault::Refused,
        ));
    };
    if !view.done || view.is_no_answer() {
        return Err(ReplyFault::Unreadable("not a finished answer"));
    }
    let created = view.created_seconds().unwrap_or(context.created_seconds);
    let usage = view.report();
    let calls = message.tool_calls.as_deref().unwrap_or_default();
    let finish_reason = view.finish_reason(!calls.is_empty());

    let mut out = Vec::with_capacity(body.len() + 256);
    let mut reply = Object::begin(&mut out);
    reply.text("id", &format!("chatcmpl-{created}"));
    reply.text("object", "chat.completion");
    reply.raw("created", &created.to_string());
    reply.text("model", view.model.as_deref().unwrap_or_default());
    reply.list("choices", |choices| {
        choices.object(|choice| {
            choice.number("index", 0);
            choice.object("message", |out| write_message(out, message, calls, created));
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
        output_bytes: output_bytes(message, calls),
        finish_reason: Some(finish_reason),
        model: view.model.as_deref().map(Into::into),
        choices: 1,
    })
}

fn write_message(out: &mut Object<'_>, message: &Message<'_>, calls: &[Call<'_>], created: i64) {
    out.text("role", "assistant");
    let content = message.content.as_deref().unwrap_or_default();
    if content.is_empty() && !calls.is_empty() {
        out.raw("content", "null");
    } else {
        out.text("content", content);
    }
    out.raw("refusal", "null");
    if let Some(thinking) = message
        .thinking
        .as_deref()
        .filter(|thinking| !thinking.is_empty())
    {
        out.text("reasoning_content", thinking);
    }
    if calls.is_empty() {
        return;
    }
    out.list("tool_calls", |list| {
        for (number, call) in (0_u64..).zip(calls) {
            list.object(|out| {
                out.text("id", &call.id(created, number));
                out.text("type", "function");
                out.object("function", |function| {
                    function.text("name", call.name());
                    write_text(function.member("arguments"), &call.arguments());
                });
            });
        }
    });
}

fn output_bytes(message: &Message<'_>, calls: &[Call<'_>]) -> u64 {
    let texts = [&message.content, &message.thinking]
        .into_iter()
        .flatten()
        .map(|text| text.len());
    let calls = calls
        .iter()
        .map(|call| call.name().len() + call.arguments().len());
    u64::try_from(texts.chain(calls).sum::<usize>()).unwrap_or(u64::MAX)
}
