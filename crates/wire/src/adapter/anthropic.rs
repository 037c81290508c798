//! Anthropic, and everyone who speaks its messages protocol.

mod error;
mod messages;
mod reply;
mod request;
mod stream;
mod thinking;
mod tools;
mod usage;

use bytes::Bytes;
use http::{HeaderMap, Method};

use super::classify::{Forbidden, verdict};
use super::translated::TranslatedStream;
use super::{
    Adapter, AuthScheme, ChatReply, ChatTarget, OutboundRequest, ReplyContext, StreamDecoder, ValidationCall,
    Verdict,
};
use crate::error::{ReplyFault, RequestFault, UpstreamFault};
use crate::openai::chat::ChatRequest;
use crate::sse::Framing;

/// The version of the protocol that every model and every imitator knows.
const VERSION: &str = "2023-06-01";

/// The instructions that come with tools are told to be up to 675 tokens long, those for a schema are shorter.
const TOOLS_TOKENS: u64 = 700;
const FORMAT_TOKENS: u64 = 400;

/// An adapter for Anthropic itself or for an imitator.
pub(super) struct AnthropicShaped {
    compatible: bool,
}

pub(super) static ANTHROPIC: AnthropicShaped = AnthropicShaped { compatible: false };
pub(super) static COMPATIBLE: AnthropicShaped = AnthropicShaped { compatible: true };

impl Adapter for AnthropicShaped {
    fn auth_scheme(&self) -> AuthScheme {
        AuthScheme::Header("x-api-key")
    }

    fn chat(&self, request: &ChatRequest, target: &ChatTarget<'_>) -> Result<OutboundRequest, RequestFault> {
        request::outbound(self.compatible, request, target)
    }

    fn added_input_tokens(&self, request: &ChatRequest) -> u64 {
        let tools = if request.has_tools() { TOOLS_TOKENS } else { 0 };
        tools
            + if request.has_response_format() {
                FORMAT_TOKENS
            } else {
                0
            }
    }

    fn chat_reply(&self, context: &ReplyContext<'_>, body: Bytes) -> Result<ChatReply, ReplyFault> {
        reply::read(self.compatible, context, &body)
    }

    fn chat_stream(&self, context: &ReplyContext<'_>) -> Box<dyn StreamDecoder> {
        let translation = stream::Messages::new(self.compatible);
        Box::new(TranslatedStream::new(Framing::Events, context, translation))
    }

    fn classify(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> UpstreamFault {
        error::classify(self.compatible, status, headers, body)
    }

    fn validation(&self) -> ValidationCall {
        ValidationCall {
            method: Method::GET,
            path: "/v1/models?limit=1",
            headers: &[("accept", "application/json"), ("anthropic-version", VERSION)],
            body: Bytes::new(),
        }
    }

    fn read_validation(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> Verdict {
        let forbidden = if self.compatible {
            Forbidden::KeyIsRefused
        } else {
            Forbidden::KeyIsReal
        };
        verdict(
            status,
            body,
            self.classify(status, headers, body).class,
            forbidden,
        )
    }
}
