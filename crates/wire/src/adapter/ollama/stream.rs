//! Ollama's lines as chunks. Calls come whole, and the last line says `done`.

use super::reply::View;
use crate::adapter::classify;
use crate::adapter::translated::{Chunks, Translation};
use crate::error::StreamFault;

/// The translation of one stream.
pub(super) struct Lines {
    created_seconds: i64,
    begun: bool,
    calls: u64,
}

impl Lines {
    pub(super) const fn new(created_seconds: i64) -> Self {
        Self {
            created_seconds,
            begun: false,
            calls: 0,
        }
    }
}

impl Translation for Lines {
    fn event(&mut self, json: &str, chunks: &mut Chunks<'_>) -> Result<(), StreamFault> {
        let Ok(line) = serde_json::from_str::<View<'_>>(json) else {
            return Err(classify::inside_success(json).map_or(
                StreamFault::Unreadable("a line that is not JSON"),
                StreamFault::Refused,
            ));
        };
        if line.error.is_some_and(|error| error.get() != "null") {
            return Err(classify::inside_success(json).map_or(
                StreamFault::Unreadable("an error without a word"),
                StreamFault::Refused,
            ));
        }
        if !self.begun {
            self.begun = true;
            self.created_seconds = line.created_seconds().unwrap_or(self.created_seconds);
            let id = format!("chatcmpl-{}", self.created_seconds);
            chunks.learn(Some(&id), Some(self.created_seconds), line.model.as_deref());
            chunks.begin();
        }
        if let Some(message) = &line.message {
            chunks.reasoning(message.thinking.as_deref().unwrap_or_default());
            chunks.content(message.content.as_deref().unwrap_or_default());
            for call in message.tool_calls.as_deref().unwrap_or_default() {
                chunks.call(
                    self.calls,
                    &call.id(self.created_seconds, self.calls),
                    call.name(),
                );
                chunks.arguments(self.calls, &call.arguments());
                self.calls += 1;
            }
        }
        if line.done {
            if line.is_no_answer() {
                return Err(StreamFault::Unreadable(
                    "no answer: a model was loaded or unloaded",
                ));
            }
            chunks.report(line.report());
            chunks.finish(line.finish_reason(self.calls > 0));
        }
        Ok(())
    }

    fn closed_early(&mut self, _: &mut Chunks<'_>) -> Result<(), StreamFault> {
        Err(StreamFault::CutShort)
    }
}
