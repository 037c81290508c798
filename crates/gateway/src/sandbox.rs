//! Plays the sandbox's script: the same bytes a provider would send, at the script's own pace.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use freehold_wire::sandbox::{self, SandboxStep};
use http::{HeaderMap, HeaderName, HeaderValue};

/// A script that is being played.
pub(crate) struct Player {
    status: u16,
    headers: HeaderMap,
    steps: VecDeque<SandboxStep>,
}

impl Player {
    /// The answer of the sandbox to a request with this body.
    pub(crate) fn start(body: &Bytes, created_seconds: i64) -> Self {
        let reply = sandbox::chat(body, created_seconds);
        let headers = reply.headers.into_iter();
        Self {
            status: reply.status,
            headers: headers
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect(),
            steps: reply.steps.into(),
        }
    }

    /// The status it answers with.
    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// The headers it answers with.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The next piece, when its time has come.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        loop {
            let delay_ms = self.steps.front()?.delay_ms;
            if delay_ms > 0 {
                tokio::time::sleep(Duration::from_millis(delay_ms)).await;
            }
            // Taken only now, so that a wait that is broken off loses nothing.
            let step = self.steps.pop_front()?;
            if !step.bytes.is_empty() {
                return Some(step.bytes);
            }
        }
    }

    /// Everything at once.
    pub(crate) async fn collect(&mut self) -> Bytes {
        let mut whole = BytesMut::new();
        while let Some(piece) = self.next().await {
            whole.extend_from_slice(&piece);
        }
        whole.freeze()
    }
}
