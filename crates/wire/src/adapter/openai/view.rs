//! Borrowed views of replies and chunks: what metering needs, lenient about everything that imitators get wrong.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json;
use crate::usage::FinishReason;

/// A whole reply or one chunk of a stream.
#[derive(Deserialize)]
pub(super) struct View<'a> {
    #[serde(borrow, default)]
    pub(super) id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) object: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) created: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) model: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) service_tier: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) choices: Option<Vec<Choice<'a>>>,
    #[serde(borrow, default)]
    pub(super) usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) detail: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) message: Option<&'a RawValue>,
    /// Groq's own corner.
    #[serde(borrow, default)]
    pub(super) x_groq: Option<Groq<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Groq<'a> {
    #[serde(borrow, default)]
    pub(super) usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct Choice<'a> {
    #[serde(borrow, default)]
    index: Option<&'a RawValue>,
    #[serde(borrow, default)]
    finish_reason: Option<&'a RawValue>,
    /// In a whole reply.
    #[serde(borrow, default)]
    message: Option<Output<'a>>,
    /// In a chunk.
    #[serde(borrow, default)]
    delta: Option<Output<'a>>,
    /// Moonshot puts the report here.
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Output<'a> {
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reasoning_content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow, default)]
    refusal: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tool_calls: Option<Vec<ToolCall<'a>>>,
    #[serde(borrow, default)]
    function_call: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct ToolCall<'a> {
    #[serde(borrow, default)]
    function: Option<Function<'a>>,
    #[serde(borrow, default)]
    custom: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
}

impl<'a> View<'a> {
    pub(super) fn read(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The provider's report, wherever it was put.
    pub(super) fn report(&self) -> Option<&'a str> {
        given(self.usage)
            .or_else(|| given(self.x_groq.as_ref()?.usage))
            .or_else(|| {
                self.choices
                    .as_ref()?
                    .iter()
                    .find_map(|choice| given(choice.usage))
            })
    }

    /// Whether this is an error in the clothes of a success.
    pub(super) fn is_error(&self) -> bool {
        let answers = self.choices.is_some() || given(self.usage).is_some();
        given(self.error).is_some()
            || self
                .x_groq
                .as_ref()
                .is_some_and(|corner| given(corner.error).is_some())
            || self.object.is_some_and(|object| object.get() == "\"error\"")
            || !answers && (given(self.detail).is_some() || given(self.message).is_some())
    }

    pub(super) fn service_tier(&self) -> Option<std::borrow::Cow<'a, str>> {
        json::text(self.service_tier?.get())
    }

    pub(super) fn model(&self) -> Option<std::borrow::Cow<'a, str>> {
        json::text(self.model?.get())
    }
}

impl Choice<'_> {
    /// The choice's number; the first if the provider does not say.
    pub(super) fn index(&self) -> u32 {
        self.index
            .map_or(Some(0), |index| index.get().parse().ok())
            .unwrap_or(u32::MAX)
    }

    /// Why the choice ended, if it did.
    pub(super) fn finish_reason(&self) -> Option<FinishReason> {
        let reason = json::text(self.finish_reason?.get())?;
        Some(match reason.as_ref() {
            "" | "null" => return None,
            "length" | "model_length" | "max_tokens" => FinishReason::Length,
            "tool_calls" | "function_call" | "tool_use" => FinishReason::ToolCalls,
            "content_filter" => FinishReason::ContentFilter,
            "error" | "network_error" | "insufficient_system_resource" => FinishReason::Error,
            _ => FinishReason::Stop,
        })
    }

    /// Bytes of text and tool arguments in this choice.
    pub(super) fn output_bytes(&self) -> u64 {
        let output = self.message.as_ref().or(self.delta.as_ref());
        output.map_or(0, Output::bytes)
    }
}

impl Output<'_> {
    fn bytes(&self) -> u64 {
        // Providers that give reasoning under both names give the same text twice.
        let reasoning = text_bytes(self.reasoning_content).max(text_bytes(self.reasoning));
        let calls = self.tool_calls.iter().flatten().map(|call| {
            call.function.as_ref().map_or(0, Function::bytes)
                + call.custom.as_ref().map_or(0, Function::bytes)
        });
        text_bytes(self.content)
            + text_bytes(self.refusal)
            + reasoning
            + calls.sum::<u64>()
            + self.function_call.as_ref().map_or(0, Function::bytes)
    }
}

impl Function<'_> {
    fn bytes(&self) -> u64 {
        text_bytes(self.name) + text_bytes(self.arguments) + text_bytes(self.input)
    }
}

/// A value that is there and not null.
pub(super) fn given(raw: Option<&RawValue>) -> Option<&str> {
    raw.map(RawValue::get).filter(|text| *text != "null")
}

/// Bytes of a text as it is written in JSON, without its quotes; of anything else, as it is written.
fn text_bytes(raw: Option<&RawValue>) -> u64 {
    let Some(text) = given(raw) else { return 0 };
    let quotes = if text.starts_with('"') { 2 } else { 0 };
    u64::try_from(text.len().saturating_sub(quotes)).unwrap_or(u64::MAX)
}
