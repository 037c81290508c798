//! The gateway's only HTTP client. It knows no redirects, no proxies and no cookies.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use freehold_domain::egress::EgressPolicy;
use http::header::{CONTENT_ENCODING, HeaderMap};
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use super::auth::Credential;
use super::body::{BodyLimits, ReplyBody, RequestBody};
use super::call::{Deadlines, OutboundCall};
use super::connector::Shared;
use super::error::UpstreamError;
use super::headers;
use super::origin::Origins;
use super::reply::UpstreamReply;
use super::resolve::{Resolve, SystemResolver};
use super::tls::LazyTls;

/// What all calls have in common.
#[derive(Debug, Clone, Copy)]
pub struct UpstreamSettings {
    /// Until a connection stands, encryption included.
    pub connect: Duration,
    /// For calls that bring no deadlines of their own.
    pub deadlines: Deadlines,
    /// How many destinations are kept connected at once; people who store keys choose some of them.
    pub origins_max: usize,
}

impl Default for UpstreamSettings {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            deadlines: Deadlines::default(),
            origins_max: 1024,
        }
    }
}

/// The way out. Copies share their connections.
#[derive(Clone)]
pub struct UpstreamClient {
    origins: Arc<Origins>,
    deadlines: Deadlines,
}

impl UpstreamClient {
    /// A client that sends where `policy` allows, by the system's resolver and root certificates.
    #[must_use]
    pub fn new(policy: Arc<EgressPolicy>, settings: UpstreamSettings) -> Self {
        Self::with_resolver(policy, settings, Arc::new(SystemResolver))
    }

    /// A client that asks `resolver` instead of the system's.
    #[must_use]
    pub fn with_resolver(
        policy: Arc<EgressPolicy>,
        settings: UpstreamSettings,
        resolver: Arc<dyn Resolve>,
    ) -> Self {
        Self::with_parts(policy, settings, resolver, None)
    }

    /// A client that asks `resolver`, and trusts what `tls` trusts, where that is given, instead of the system's root
    /// certificates.
    #[must_use]
    pub fn with_parts(
        policy: Arc<EgressPolicy>,
        settings: UpstreamSettings,
        resolver: Arc<dyn Resolve>,
        tls: Option<rustls::ClientConfig>,
    ) -> Self {
        let shared = Shared {
            policy,
            resolver,
            tls: tls.map_or_else(LazyTls::default, LazyTls::given),
            connect_limit: settings.connect,
        };
        Self {
            origins: Arc::new(Origins::new(Arc::new(shared), settings.origins_max)),
            deadlines: settings.deadlines,
        }
    }

    /// The reply to `call`, once its head is there. Dropping the future, or the reply, ends the provider's work.
    ///
    /// # Errors
    /// When no reply came that could be one. [`UpstreamError::may_have_run`] says whether asking again may pay twice.
    pub async fn send(&self, call: OutboundCall<'_>) -> Result<UpstreamReply, UpstreamError> {
        let began = Instant::now();
        let deadlines = call.deadlines.unwrap_or(self.deadlines);
        let uri = call.endpoint.uri(&call.path)?;
        let headers = headers::outbound(call.passed, call.headers, call.credential.as_ref())?;
        let in_flight = self.origins.enter(call.endpoint.base(), began)?;
        let (body, begun) = RequestBody::new(call.body);
        let mut request = Request::new(body);
        *request.method_mut() = call.method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        let mut timer = Box::pin(sleep_until(began + deadlines.headers));
        let answered = pin!(in_flight.shard().client.request(request));
        let response = match before(timer.as_mut(), answered).await {
            Some(Ok(response)) => checked(response)?,
            Some(Err(error)) => return Err(UpstreamError::from_client(error, begun.load(Ordering::Relaxed))),
            None => {
                let sent = begun.load(Ordering::Relaxed);
                return Err(UpstreamError::HeadersTimeout {
                    sent,
                    limit: deadlines.headers,
                });
            }
        };
        let limits = BodyLimits {
            idle: deadlines.idle,
            total: deadlines.total,
            total_deadline: began + deadlines.total,
        };
        let scrubber = call.credential.as_ref().map(Credential::scrubber);
        let (head, incoming) = response.into_parts();
        let body = ReplyBody::new(incoming, timer, limits, scrubber, in_flight);
        Ok(UpstreamReply::new(
            head.status.as_u16(),
            head.headers,
            body,
            call.credential,
        ))
    }
}

/// What `future` gives, unless the timer fires first. The timer stays armed, for the body.
async fn before<F: Future>(mut timer: Pin<&mut Sleep>, mut future: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|context| {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        timer.as_mut().poll(context).map(|()| None)
    })
    .await
}

/// The response, if it is one that ends here: no redirect, no other protocol, nothing compressed.
fn checked(response: Response<Incoming>) -> Result<Response<Incoming>, UpstreamError> {
    let status = response.status();
    if status.is_redirection() {
        return Err(UpstreamError::Redirect {
            status: status.as_u16(),
        });
    }
    if status.is_informational() {
        return Err(UpstreamError::Protocol(
            "an interim answer in place of a final one".into(),
        ));
    }
    if is_encoded(response.headers()) {
        return Err(UpstreamError::Encoded);
    }
    Ok(response)
}

fn is_encoded(headers: &HeaderMap) -> bool {
    let is_plain = |value: &[u8]| value.is_empty() || value.eq_ignore_ascii_case(b"identity");
    headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|value| !is_plain(value.as_bytes()))
}

impl std::fmt::Debug for UpstreamClient {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("UpstreamClient")
            .field("deadlines", &self.deadlines)
            .finish_non_exhaustive()
    }
}
