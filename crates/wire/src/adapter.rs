//! What every kind of provider is asked in the same words, and the table of those that are served.

mod anthropic;
mod classify;
mod error_view;
mod ollama;
mod openai;
mod translated;

use std::borrow::Cow;

use bytes::Bytes;
use freehold_domain::provider::ProviderKind;
use freehold_domain::tokens::TokenUsage;
use http::{HeaderMap, Method};

use crate::error::{ReplyFault, RequestFault, StreamFault, UpstreamFault};
use crate::openai::chat::ChatRequest;
use crate::usage::{FinishReason, ReportedUsage};

/// How a provider wants the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthScheme {
    /// Not at all.
    None,
    /// As `authorization: Bearer KEY`; left out where there is no key.
    Bearer,
    /// As the value of this header; left out where there is no key.
    Header(&'static str),
}

/// What is decided about a request before it is written for a provider.
#[derive(Debug, Clone, Copy, Default)]
pub struct ChatTarget<'a> {
    /// The provider's own name of the model.
    pub model: &'a str,
    /// The output tokens granted to each choice: the provider is told exactly this. Nothing leaves the caller's word.
    pub max_output_tokens: Option<u64>,
    /// The most the model can give, from the catalogue, for providers that want a limit in any case.
    pub model_max_output_tokens: Option<u64>,
    /// Whether the model reasons, if that is known. `OpenAI`'s reasoning models know `max_completion_tokens` only.
    pub reasoning: Option<bool>,
    /// Whether the model takes `temperature` and `top_p`, if that is known. Where it does not, they are refused.
    pub sampling: Option<bool>,
}

/// A request as the provider is to get it. Authentication is added by whoever holds the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundRequest {
    /// Appended to the base URL.
    pub path: Cow<'static, str>,
    /// Headers in lower case, `content-type` included.
    pub headers: &'static [(&'static str, &'static str)],
    /// The body.
    pub body: Bytes,
}

/// What a translation of a reply needs beside the reply.
#[derive(Debug, Clone, Copy)]
pub struct ReplyContext<'a> {
    /// The request that is answered.
    pub request: &'a ChatRequest,
    /// Seconds since 1970-01-01 UTC, for providers whose replies carry no time.
    pub created_seconds: i64,
}

/// A whole reply, in the shape of the surface that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatReply {
    /// The body for the caller.
    pub body: Bytes,
    /// What the provider reported, if its report can be trusted.
    pub usage: Option<ReportedUsage>,
    /// Bytes of generated text and tool arguments, for estimates.
    pub output_bytes: u64,
    /// Why the first choice ended.
    pub finish_reason: Option<FinishReason>,
    /// The model that answered, as the provider names it.
    pub model: Option<String>,
    /// How many choices there are.
    pub choices: u32,
}

/// What is known of a stream so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StreamProgress {
    /// The last report of the provider that can be trusted. Reports are cumulative.
    pub usage: Option<ReportedUsage>,
    /// What the provider told of the input before the answer was whole. It is no report: the output is not in it.
    pub input_so_far: Option<TokenUsage>,
    /// Bytes of generated text and tool arguments, for estimates.
    pub output_bytes: u64,
    /// Data events that came.
    pub events: u64,
    /// Why the last choice to end ended.
    pub finish_reason: Option<FinishReason>,
    /// The model that answers, as the provider names it.
    pub model: Option<Box<str>>,
}

/// Reads one provider's stream and gives the caller's.
pub trait StreamDecoder: Send {
    /// Takes a piece of the provider's stream and appends what the caller gets now: never the end marker, and never a
    /// usage chunk that the caller did not ask for.
    ///
    /// # Errors
    /// When the stream holds an error or what cannot be read. What was appended before stands.
    fn push(&mut self, piece: Bytes, out: &mut Vec<Bytes>) -> Result<(), StreamFault>;

    /// Takes note that the provider closed the stream, and appends what was still held back.
    ///
    /// # Errors
    /// When the end of the stream was not marked, even if text came.
    fn end(&mut self, out: &mut Vec<Bytes>) -> Result<(), StreamFault>;

    /// Whether the end marker came; what follows it is ignored.
    fn finished(&self) -> bool;

    /// What is known so far.
    fn progress(&self) -> &StreamProgress;

    /// Appends a chunk that ends every open choice with the reason `length`, for a stream that we end at our ceiling.
    fn cut_off(&mut self, out: &mut Vec<Bytes>);

    /// The last bytes for the caller: the metadata and the end marker. The metadata rides on the usage chunk if the
    /// caller asked for one (made from `usage_for_client` if the provider sent none), else on a comment.
    fn trailer(&mut self, metadata_json: &str, usage_for_client: Option<&TokenUsage>) -> Bytes;
}

/// A call that costs nothing and tells whether a key is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidationCall {
    /// The method.
    pub method: Method,
    /// Appended to the base URL.
    pub path: &'static str,
    /// Headers in lower case.
    pub headers: &'static [(&'static str, &'static str)],
    /// The body, often empty.
    pub body: Bytes,
}

/// What the answer to a validation call says about the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The key is good.
    Accepted,
    /// The provider refuses the key.
    Rejected {
        /// One sentence, without any part of the key.
        reason: String,
    },
    /// The answer says nothing about the key.
    Undecided {
        /// One sentence.
        reason: String,
    },
}

/// One kind of provider: pure functions from bytes to bytes.
pub trait Adapter: Send + Sync {
    /// How the key is sent.
    fn auth_scheme(&self) -> AuthScheme;

    /// Writes the request for the provider.
    ///
    /// # Errors
    /// Names the parameter that the provider cannot serve.
    fn chat(&self, request: &ChatRequest, target: &ChatTarget<'_>) -> Result<OutboundRequest, RequestFault>;

    /// At most how many input tokens the provider adds of its own, such as instructions for the use of tools. They are
    /// billed and stand nowhere in the request.
    fn added_input_tokens(&self, _: &ChatRequest) -> u64 {
        0
    }

    /// Reads a whole reply of status 200.
    ///
    /// # Errors
    /// When the reply holds an error or cannot be read.
    fn chat_reply(&self, context: &ReplyContext<'_>, body: Bytes) -> Result<ChatReply, ReplyFault>;

    /// Begins to read a stream of status 200.
    fn chat_stream(&self, context: &ReplyContext<'_>) -> Box<dyn StreamDecoder>;

    /// Brings an answer of another status into our classes.
    fn classify(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> UpstreamFault;

    /// The call that checks a key.
    fn validation(&self) -> ValidationCall;

    /// Reads the answer to that call. A time-out, a 429 or a 5xx never decides.
    fn read_validation(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> Verdict;
}

/// The adapter of a kind of provider; nothing if the kind is not served yet.
#[must_use]
pub fn adapter(kind: ProviderKind) -> Option<&'static dyn Adapter> {
    match kind {
        ProviderKind::Openai | ProviderKind::OpenaiCompatible | ProviderKind::Sandbox => {
            openai::shaped(kind).map(|adapter| adapter as &'static dyn Adapter)
        }
        ProviderKind::Anthropic => Some(&anthropic::ANTHROPIC),
        ProviderKind::Ollama => Some(&ollama::Ollama),
        ProviderKind::AnthropicCompatible => Some(&anthropic::COMPATIBLE),
        _ => None,
    }
}
