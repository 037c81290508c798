//! What a request asks, in no provider's words. Each dialect reads its own bodies into this.

use serde_json::Value;

/// A request for an answer, as far as the answer depends on it.
#[derive(Debug, Clone, Default)]
pub(super) struct Ask {
    pub(super) model: String,
    pub(super) stream: bool,
    /// Whether a stream is to end with usage. Providers that always report it set this.
    pub(super) wants_usage: bool,
    /// The most output tokens that the caller takes.
    pub(super) output_limit: Option<u64>,
    /// How many answers are wanted to the one question; 0 where a dialect knows no such thing.
    pub(super) copies: u64,
    pub(super) input: Counter,
    /// The text that the user said last.
    pub(super) said: String,
    pub(super) images: u64,
    /// What the tools answered, if they spoke last.
    pub(super) tool_results: Vec<String>,
    pub(super) tools: Vec<Tool>,
    pub(super) choice: Choice,
    /// Whether several tools may be called at once.
    pub(super) parallel: bool,
    pub(super) format: Format,
}

/// A tool that may be called.
#[derive(Debug, Clone)]
pub(super) struct Tool {
    pub(super) name: String,
    /// The JSON schema of its arguments.
    pub(super) schema: Value,
}

/// Whether tools are called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Choice {
    #[default]
    Auto,
    Never,
    Must,
    Named(String),
}

/// The form of the text that is asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Format {
    #[default]
    Text,
    Json,
    Schema(Value),
}

/// Counts input tokens by a rule that anyone can repeat: a token per four bytes of text, rounded up for each text, four
/// for the frame of a message and 85 for an image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counter(u64);

impl Counter {
    pub(super) fn text(&mut self, text: &str) {
        self.0 += length(text).div_ceil(4);
    }

    pub(super) fn message(&mut self) {
        self.0 += 4;
    }

    pub(super) fn image(&mut self) {
        self.0 += 85;
    }

    pub(super) fn at_most(&mut self, limit: u64) {
        self.0 = self.0.min(limit);
    }

    pub(super) fn tokens(self) -> u64 {
        self.0
    }
}

impl Ask {
    /// Ends what was said so far: a new message of the user makes older words and tool results history.
    pub(super) fn new_turn(&mut self) {
        self.said.clear();
        self.tool_results.clear();
        self.images = 0;
    }

    /// The behaviour that the user's own words ask for, as in `[[sim-drip]]`.
    pub(super) fn directive(&self) -> Option<&str> {
        let (_, rest) = self.said.split_once("[[")?;
        let (name, _) = rest.split_once("]]")?;
        name.starts_with("sim-").then_some(name)
    }
}

/// The length of `text` in bytes.
pub(super) fn length(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}
