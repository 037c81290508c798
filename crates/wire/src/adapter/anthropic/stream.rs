//! Anthropic's events as chunks. Blocks follow one another and never mix.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error;
use super::reply::{Block, finish_reason};
use super::usage::Figures;
use crate::adapter::translated::{Chunks, Translation};
use crate::error::StreamFault;
use crate::json::Object;

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    message: Option<Message<'a>>,
    #[serde(borrow, default)]
    content_block: Option<&'a RawValue>,
    #[serde(borrow, default)]
    delta: Option<Delta<'a>>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    thinking: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    signature: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    partial_json: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    stop_reason: Option<Cow<'a, str>>,
}

/// A longer thought is not gathered, so that memory stays bounded, and cannot be given back.
const THOUGHT_BYTES_MAX: usize = 1 << 20;

/// The block that is running.
enum Running {
    None,
    Call {
        /// Its arguments, if they came whole with its head.
        input: Option<Box<str>>,
        told: bool,
    },
    /// A thought, gathered so that it can be given back with its signature.
    Thought {
        text: String,
        signature: String,
    },
}

/// The translation of one stream.
pub(super) struct Messages {
    compatible: bool,
    running: Running,
    calls: u64,
    stop_reason: Option<Box<str>>,
    figures: Figures,
}

impl Messages {
    pub(super) fn new(compatible: bool) -> Self {
        Self {
            compatible,
            running: Running::None,
            calls: 0,
            stop_reason: None,
            figures: Figures::default(),
        }
    }

    fn start_block(&mut self, raw: &str, chunks: &mut Chunks<'_>) -> Result<(), StreamFault> {
        let block: Block<'_> =
            serde_json::from_str(raw).map_err(|_| StreamFault::Unreadable("an event with a broken block"))?;
        match block.kind.as_ref() {
            "text" => chunks.content(block.text.as_deref().unwrap_or_default()),
            "thinking" => {
                let text = block.thinking.unwrap_or_default();
                chunks.reasoning(&text);
                self.running = Running::Thought {
                    text: text.into_owned(),
                    signature: String::new(),
                };
            }
            "redacted_thinking" => give_thought(chunks, raw),
            "tool_use" => {
                let number = self.calls;
                self.calls += 1;
                chunks.call(
                    number,
                    block.id.as_deref().unwrap_or_default(),
                    block.name.as_deref().unwrap_or_default(),
                );
                let input = block.input.map(RawValue::get).filter(|input| *input != "null");
                self.running = Running::Call {
                    input: input.map(Into::into),
                    told: false,
                };
            }
            _ => {}
        }
        Ok(())
    }

    fn delta(&mut self, delta: &Delta<'_>, chunks: &mut Chunks<'_>) {
        if let Some(text) = &delta.text {
            chunks.content(text);
        }
        if let Some(thinking) = &delta.thinking {
            chunks.reasoning(thinking);
        }
        match &mut self.running {
            Running::Call { told, .. } => {
                let piece = delta.partial_json.as_deref().unwrap_or_default();
                *told |= !piece.is_empty();
                chunks.arguments(self.calls.saturating_sub(1), piece);
            }
            Running::Thought { text, .. } if text.len() > THOUGHT_BYTES_MAX => {}
            Running::Thought { text, signature } => {
                text.push_str(delta.thinking.as_deref().unwrap_or_default());
                signature.push_str(delta.signature.as_deref().unwrap_or_default());
            }
            Running::None => {}
        }
    }

    fn stop_block(&mut self, chunks: &mut Chunks<'_>) {
        match std::mem::replace(&mut self.running, Running::None) {
            // Arguments that never came in pieces came whole with the head, or are none.
            Running::Call { input, told: false } => {
                chunks.arguments(self.calls.saturating_sub(1), input.as_deref().unwrap_or("{}"));
            }
            Running::Thought { text, signature } if !signature.is_empty() => {
                let mut block = Vec::new();
                let mut out = Object::begin(&mut block);
                out.text("type", "thinking");
                out.text("thinking", &text);
                out.text("signature", &signature);
                out.end();
                give_thought(chunks, std::str::from_utf8(&block).unwrap_or_default());
            }
            _ => {}
        }
    }

    fn finish(&mut self, chunks: &mut Chunks<'_>) {
        self.stop_block(chunks);
        chunks.report(self.figures.report());
        chunks.finish(finish_reason(self.stop_reason.as_deref(), self.calls > 0));
    }
}

/// Gives a signed thought to the caller, who may send it back.
fn give_thought(chunks: &mut Chunks<'_>, block: &str) {
    chunks.delta(|delta| {
        delta.list("thinking_blocks", |list| {
            list.item().extend_from_slice(block.as_bytes())
        })
    });
}

impl Translation for Messages {
    fn event(&mut self, json: &str, chunks: &mut Chunks<'_>) -> Result<(), StreamFault> {
        if json == "[DONE]" {
            // Some imitators send the marker of the other protocol.
            return Ok(());
        }
        let Ok(event) = serde_json::from_str::<Event<'_>>(json) else {
            return Err(StreamFault::Unreadable("an event that is not JSON"));
        };
        match event.kind.as_ref() {
            "message_start" => {
                if let Some(message) = event.message {
                    chunks.learn(message.id.as_deref(), None, message.model.as_deref());
                    if let Some(usage) = message.usage {
                        self.figures.take(usage.get());
                        if let Some(usage) = self.figures.report() {
                            chunks.report_input(usage.tokens);
                        }
                    }
                }
                chunks.begin();
            }
            "content_block_start" => {
                if let Some(block) = event.content_block {
                    self.start_block(block.get(), chunks)?;
                }
            }
            "content_block_delta" => {
                if let Some(delta) = event.delta {
                    self.delta(&delta, chunks);
                }
            }
            "content_block_stop" => self.stop_block(chunks),
            "message_delta" => {
                if let Some(reason) = event.delta.and_then(|delta| delta.stop_reason) {
                    self.stop_reason = Some(reason.into());
                }
                if let Some(usage) = event.usage {
                    self.figures.take(usage.get());
                    chunks.report(self.figures.report());
                }
            }
            "message_stop" => self.finish(chunks),
            "error" => return Err(refused(self.compatible, json)),
            _ if event.error.is_some_and(|error| error.get() != "null") => {
                return Err(refused(self.compatible, json));
            }
            _ => {}
        }
        Ok(())
    }

    fn closed_early(&mut self, chunks: &mut Chunks<'_>) -> Result<(), StreamFault> {
        if self.compatible && self.stop_reason.is_some() {
            self.finish(chunks);
            return Ok(());
        }
        Err(StreamFault::CutShort)
    }
}

fn refused(compatible: bool, json: &str) -> StreamFault {
    error::inside_success(compatible, json).map_or(
        StreamFault::Unreadable("an error without a word"),
        StreamFault::Refused,
    )
}
