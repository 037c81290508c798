//! Ollama in its own protocol, local or cloud: lines of JSON, arguments as objects, options in a corner of their own.

mod messages;
mod reply;
mod request;
mod stream;

use bytes::Bytes;
use http::{HeaderMap, Method};

use super::classify::{self, Forbidden};
use super::translated::TranslatedStream;
use super::{
    Adapter, AuthScheme, ChatReply, ChatTarget, OutboundRequest, ReplyContext, StreamDecoder, ValidationCall,
    Verdict,
};
use crate::error::{ReplyFault, RequestFault, UpstreamFault};
use crate::openai::chat::ChatRequest;
use crate::sse::Framing;

/// The adapter.
pub(super) struct Ollama;

impl Adapter for Ollama {
    fn auth_scheme(&self) -> AuthScheme {
        AuthScheme::Bearer
    }

    fn chat(&self, request: &ChatRequest, target: &ChatTarget<'_>) -> Result<OutboundRequest, RequestFault> {
        request::outbound(request, target)
    }

    fn chat_reply(&self, context: &ReplyContext<'_>, body: Bytes) -> Result<ChatReply, ReplyFault> {
        reply::read(context, &body)
    }

    fn chat_stream(&self, context: &ReplyContext<'_>) -> Box<dyn StreamDecoder> {
        let translation = stream::Lines::new(context.created_seconds);
        Box::new(TranslatedStream::new(Framing::Lines, context, translation))
    }

    fn classify(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> UpstreamFault {
        classify::classify(status, headers, body)
    }

    fn validation(&self) -> ValidationCall {
        // The list in OpenAI's shape is the one that the cloud gives to known keys only.
        ValidationCall {
            method: Method::GET,
            path: "/v1/models",
            headers: &[("accept", "application/json")],
            body: Bytes::new(),
        }
    }

    fn read_validation(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> Verdict {
        let class = self.classify(status, headers, body).class;
        classify::verdict(status, body, class, Forbidden::KeyIsRefused)
    }
}
