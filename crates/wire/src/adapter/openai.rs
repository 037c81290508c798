//! OpenAI, and everyone who speaks its chat protocol: the body is forwarded as it came, with a few changes spliced in.
//!
//! What sets one such provider apart from another is a row in [`habits`]; adding one is adding a row.

mod habits;
mod reply;
mod request;
mod stream;
mod view;

use bytes::Bytes;
use freehold_domain::provider::ProviderKind;
use http::{HeaderMap, Method};

use super::{
    Adapter, AuthScheme, ChatReply, ChatTarget, OutboundRequest, ReplyContext, StreamDecoder, ValidationCall,
    Verdict, classify,
};
use crate::error::{ReplyFault, RequestFault, UpstreamFault};
use crate::openai::chat::ChatRequest;
use habits::Habits;

/// An adapter for one row of the table.
pub(super) struct OpenaiShaped {
    habits: Habits,
}

/// The adapter of `kind`, if it speaks this protocol.
pub(super) fn shaped(kind: ProviderKind) -> Option<&'static OpenaiShaped> {
    habits::TABLE.iter().find(|adapter| adapter.habits.kind == kind)
}

impl Adapter for OpenaiShaped {
    fn auth_scheme(&self) -> AuthScheme {
        self.habits.auth_scheme
    }

    fn chat(&self, request: &ChatRequest, target: &ChatTarget<'_>) -> Result<OutboundRequest, RequestFault> {
        Ok(request::outbound(&self.habits, request, target))
    }

    fn chat_reply(&self, _: &ReplyContext<'_>, body: Bytes) -> Result<ChatReply, ReplyFault> {
        reply::read(&self.habits, body)
    }

    fn chat_stream(&self, context: &ReplyContext<'_>) -> Box<dyn StreamDecoder> {
        Box::new(stream::PassThrough::new(self.habits, context))
    }

    fn classify(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> UpstreamFault {
        classify::classify(status, headers, body)
    }

    fn validation(&self) -> ValidationCall {
        ValidationCall {
            method: Method::GET,
            path: self.habits.validation_path,
            headers: &[("accept", "application/json")],
            body: Bytes::new(),
        }
    }

    fn read_validation(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> Verdict {
        classify::verdict(
            status,
            body,
            self.classify(status, headers, body).class,
            self.habits.forbidden,
        )
    }
}
