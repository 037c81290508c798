//! Lets one connection attempt go ahead where one connection may serve all who wait.
//!
//! Without it a burst of requests to an origin that speaks HTTP/2 would make as many connections as there are requests,
//! and throw all but one away.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use freehold_domain::egress::Scheme;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::sleep;

use super::connector::ConnectFailure;

/// How long an attempt that another one made superfluous waits for its request to notice.
const SUPERFLUOUS_LINGER: Duration = Duration::from_secs(1);

/// The attempts to connect to one origin, one at a time until it is known that each request needs its own connection.
pub(super) struct Turnstile {
    /// Holds why the last attempt failed, for those who waited for it.
    turn: Mutex<Option<ConnectFailure>>,
    /// Connections made that carry many requests each.
    shared_made: AtomicU64,
    /// Attempts that failed.
    failed: AtomicU64,
    /// Whether the last connection made carries one request at a time.
    is_exclusive: AtomicBool,
}

/// The right to connect. Given up without an end, as when the request was dropped, it goes to the next who waits.
pub(super) struct Turn<'a> {
    turnstile: &'a Turnstile,
    last_failure: MutexGuard<'a, Option<ConnectFailure>>,
}

impl Turnstile {
    /// One for an origin spoken to by `scheme`; only encrypted connections can turn out to carry many requests.
    pub(super) fn new(scheme: Scheme) -> Self {
        Self {
            turn: Mutex::default(),
            shared_made: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            is_exclusive: AtomicBool::new(scheme != Scheme::Https),
        }
    }

    /// Whether each connection carries one request at a time. False until the first connection has shown it.
    pub(super) fn is_exclusive(&self) -> bool {
        self.is_exclusive.load(Ordering::Relaxed)
    }

    /// The right to connect once the attempt in front has ended, or nothing where none is needed.
    ///
    /// # Errors
    /// What the attempt in front failed with, if it did; or that it made a connection which serves all who wait.
    pub(super) async fn take_turn(&self) -> Result<Option<Turn<'_>>, ConnectFailure> {
        if self.is_exclusive() {
            return Ok(None);
        }
        let shared_before = self.shared_made.load(Ordering::Relaxed);
        let failed_before = self.failed.load(Ordering::Relaxed);
        let last_failure = self.turn.lock().await;
        if self.shared_made.load(Ordering::Relaxed) != shared_before {
            drop(last_failure);
            // The pool is about to hand the new connection to the request, which then forgets this attempt.
            sleep(SUPERFLUOUS_LINGER).await;
            return Err(ConnectFailure::Superfluous);
        }
        if let Some(failure) = last_failure.as_ref()
            && self.failed.load(Ordering::Relaxed) != failed_before
        {
            // To try again one after the other would let the last one wait for all the failures of the others.
            return Err(failure.clone());
        }
        Ok((!self.is_exclusive()).then_some(Turn {
            turnstile: self,
            last_failure,
        }))
    }
}

impl Turn<'_> {
    /// Ends the attempt with what came of it: whether the connection carries many requests, or why there is none.
    pub(super) fn end(mut self, result: Result<bool, &ConnectFailure>) {
        match result {
            Ok(is_shared) => {
                self.turnstile.is_exclusive.store(!is_shared, Ordering::Relaxed);
                self.turnstile
                    .shared_made
                    .fetch_add(u64::from(is_shared), Ordering::Relaxed);
            }
            Err(failure) => {
                *self.last_failure = Some(failure.clone());
                self.turnstile.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}
