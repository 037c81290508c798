//! One call to a provider, before it is sent.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use freehold_wire::adapter::{OutboundRequest, ValidationCall};
use http::{HeaderMap, Method};

use super::auth::Credential;
use super::endpoint::Endpoint;
use super::headers;

/// How long each phase of a call may take. Connecting has a deadline of its own, in the client's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// Until the reply's head; minutes are legitimate, since models think before they answer.
    pub headers: Duration,
    /// Between two pieces of the reply's body.
    pub idle: Duration,
    /// Until the reply's end.
    pub total: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            headers: Duration::from_secs(10 * 60),
            idle: Duration::from_secs(5 * 60),
            total: Duration::from_secs(60 * 60),
        }
    }
}

impl Deadlines {
    /// For calls that only ask whether somebody is there.
    const CHECK: Self = Self {
        headers: Duration::from_secs(15),
        idle: Duration::from_secs(10),
        total: Duration::from_secs(20),
    };

    /// The deadlines with none later than `total`.
    #[must_use]
    pub fn within(self, total: Duration) -> Self {
        Self {
            headers: self.headers.min(total),
            idle: self.idle.min(total),
            total: self.total.min(total),
        }
    }
}

/// A call to a provider: whole but for the headers that the client adds.
#[derive(Debug)]
pub struct OutboundCall<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) method: Method,
    pub(super) path: Cow<'static, str>,
    pub(super) passed: HeaderMap,
    pub(super) headers: &'static [(&'static str, &'static str)],
    pub(super) credential: Option<Credential>,
    pub(super) body: Bytes,
    pub(super) deadlines: Option<Deadlines>,
}

impl<'a> OutboundCall<'a> {
    /// A call that asks for work, under the client's deadlines.
    #[must_use]
    pub fn post(endpoint: &'a Endpoint, request: OutboundRequest, credential: Option<Credential>) -> Self {
        Self {
            endpoint,
            method: Method::POST,
            path: request.path,
            passed: HeaderMap::new(),
            headers: request.headers,
            credential,
            body: request.body,
            deadlines: None,
        }
    }

    /// A call that costs nothing, under short deadlines.
    #[must_use]
    pub fn check(endpoint: &'a Endpoint, call: ValidationCall, credential: Option<Credential>) -> Self {
        Self {
            endpoint,
            method: call.method,
            path: Cow::Borrowed(call.path),
            passed: HeaderMap::new(),
            headers: call.headers,
            credential,
            body: call.body,
            deadlines: Some(Deadlines::CHECK),
        }
    }

    /// The call with its own deadlines.
    #[must_use]
    pub fn with_deadlines(mut self, deadlines: Deadlines) -> Self {
        self.deadlines = Some(deadlines);
        self
    }

    /// The call with those of the caller's headers that are `names` and may be passed at all. What the adapter says of the
    /// same name wins.
    #[must_use]
    pub fn with_caller_headers(mut self, of_caller: &HeaderMap, names: &[&str]) -> Self {
        self.passed = headers::passed(of_caller, names);
        self
    }
}
