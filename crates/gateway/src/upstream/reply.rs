//! A provider's reply: its head as it came, its body as it comes.

use std::future::poll_fn;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;

use super::auth::Credential;
use super::body::ReplyBody;
use super::error::UpstreamError;
use super::headers;

/// A reply whose head is there. Dropping it ends the provider's work on it.
pub struct UpstreamReply {
    status: u16,
    headers: HeaderMap,
    body: ReplyBody,
    credential: Option<Credential>,
}

impl UpstreamReply {
    pub(super) fn new(
        status: u16,
        headers: HeaderMap,
        body: ReplyBody,
        credential: Option<Credential>,
    ) -> Self {
        Self {
            status,
            headers,
            body,
            credential,
        }
    }

    /// The HTTP status: 200 to 299 or 400 to 599.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The headers as the provider sent them, for its adapter. They must not reach a caller.
    #[must_use]
    pub fn provider_headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The headers that a caller may see: content type, when to retry, and, renamed, rate limits and the request's id.
    #[must_use]
    pub fn take_headers(&mut self) -> HeaderMap {
        headers::for_caller(&self.headers, self.credential.as_ref().map(Credential::key))
    }

    /// The next piece of the body, without the key that was sent for it; nothing at the end.
    ///
    /// # Errors
    /// When the reply breaks off or a deadline passes. There is nothing after an error.
    pub async fn next(&mut self) -> Option<Result<Bytes, UpstreamError>> {
        poll_fn(|context| self.body.poll_piece(context)).await
    }

    /// What is left of the body, if it is at most `bytes_max` long.
    ///
    /// # Errors
    /// When it is longer, breaks off, or a deadline passes.
    pub async fn collect(&mut self, bytes_max: usize) -> Result<Bytes, UpstreamError> {
        let too_large = UpstreamError::TooLarge { bytes_max };
        if self
            .body
            .announced_bytes()
            .is_some_and(|bytes| bytes > bytes_max as u64)
        {
            return Err(too_large);
        }
        let Some(first) = self.next().await.transpose()? else {
            return Ok(Bytes::new());
        };
        if first.len() > bytes_max {
            return Err(too_large);
        }
        let Some(second) = self.next().await.transpose()? else {
            return Ok(first);
        };
        let mut whole = BytesMut::with_capacity(first.len() + second.len());
        whole.extend_from_slice(&first);
        let mut piece = second;
        loop {
            if piece.len() > bytes_max - whole.len() {
                return Err(too_large);
            }
            whole.extend_from_slice(&piece);
            match self.next().await.transpose()? {
                Some(next) => piece = next,
                None => return Ok(whole.freeze()),
            }
        }
    }

    /// Whether the provider repeated the key in its body, where it was taken out.
    #[must_use]
    pub fn key_was_repeated(&self) -> bool {
        self.body.key_was_repeated()
    }
}

impl std::fmt::Debug for UpstreamReply {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("UpstreamReply")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
