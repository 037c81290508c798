//! The bodies of both directions: the request's, which knows whether it was begun, and the reply's, which knows the time.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use super::error::UpstreamError;
use super::origin::InFlight;
use super::scrub::KeyScrubber;

/// A request's body. A provider that was given none of it has nothing to run.
pub(super) struct RequestBody {
    rest: Bytes,
    begun: Arc<AtomicBool>,
}

impl RequestBody {
    /// The body `bytes`, and the flag that is raised when hyper takes it to be written. A request without a body counts as
    /// begun from the start, since nothing tells when its head is written.
    pub(super) fn new(bytes: Bytes) -> (Self, Arc<AtomicBool>) {
        let begun = Arc::new(AtomicBool::new(bytes.is_empty()));
        let body = Self {
            rest: bytes,
            begun: Arc::clone(&begun),
        };
        (body, begun)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        self.begun.store(true, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.rest)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

/// How long a reply may take once its head is there.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyLimits {
    /// Between two pieces.
    pub(super) idle: Duration,
    /// From the sending of the request to the end of the reply.
    pub(super) total: Duration,
    pub(super) total_deadline: Instant,
}

/// A reply's body, without the key that was sent for it. Dropping it ends the provider's work: the connection is closed,
/// or of a shared one the stream is reset.
pub(super) struct ReplyBody {
    /// Nothing once the body has ended, well or badly.
    incoming: Option<Incoming>,
    /// Was armed for the head; moved only when it fires or when the body waits for the first time.
    timer: Pin<Box<Sleep>>,
    limits: BodyLimits,
    last_piece: Instant,
    scrubber: Option<KeyScrubber>,
    _in_flight: InFlight,
}

impl ReplyBody {
    pub(super) fn new(
        incoming: Incoming,
        timer: Pin<Box<Sleep>>,
        limits: BodyLimits,
        scrubber: Option<KeyScrubber>,
        in_flight: InFlight,
    ) -> Self {
        Self {
            incoming: Some(incoming),
            timer,
            limits,
            last_piece: Instant::now(),
            scrubber,
            _in_flight: in_flight,
        }
    }

    /// Whether the key was in what came so far.
    pub(super) fn key_was_repeated(&self) -> bool {
        self.scrubber.as_ref().is_some_and(KeyScrubber::found)
    }

    /// The length the provider announced.
    pub(super) fn announced_bytes(&self) -> Option<u64> {
        self.incoming
            .as_ref()
            .and_then(|incoming| incoming.size_hint().exact())
    }

    fn scrubbed(&mut self, piece: Bytes) -> Bytes {
        match &mut self.scrubber {
            Some(scrubber) => scrubber.scrub(piece).0,
            None => piece,
        }
    }

    /// Which deadline has passed, if one has; else the timer is set to the next.
    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<UpstreamError> {
        loop {
            let idle_deadline = self.last_piece + self.limits.idle;
            let deadline = idle_deadline.min(self.limits.total_deadline);
            if self.timer.deadline() > deadline {
                self.timer.as_mut().reset(deadline);
            }
            ready!(self.timer.as_mut().poll(context));
            let now = Instant::now();
            if now >= self.limits.total_deadline {
                return Poll::Ready(UpstreamError::TotalTimeout {
                    limit: self.limits.total,
                });
            }
            if now >= idle_deadline {
                return Poll::Ready(UpstreamError::IdleTimeout {
                    limit: self.limits.idle,
                });
            }
            self.timer.as_mut().reset(deadline);
        }
    }

    /// The next piece that may go on; nothing at the end. After an error there is nothing more.
    pub(super) fn poll_piece(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        loop {
            let Some(incoming) = &mut self.incoming else {
                return Poll::Ready(None);
            };
            let failure = match Pin::new(incoming).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers are nobody's: what they say is of the connection.
                    let Ok(piece) = frame.into_data() else { continue };
                    self.last_piece = Instant::now();
                    let piece = self.scrubbed(piece);
                    if piece.is_empty() {
                        continue;
                    }
                    return Poll::Ready(Some(Ok(piece)));
                }
                Poll::Ready(None) => {
                    self.incoming = None;
                    let held = self.scrubber.as_mut().map(|scrubber| scrubber.finish().0);
                    return Poll::Ready(held.filter(|held| !held.is_empty()).map(Ok));
                }
                Poll::Ready(Some(Err(error))) => UpstreamError::Broken(Box::new(error)),
                Poll::Pending => ready!(self.poll_deadline(context)),
            };
            self.incoming = None;
            return Poll::Ready(Some(Err(failure)));
        }
    }
}
