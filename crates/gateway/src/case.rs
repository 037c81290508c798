//! One request on its way: who and what, and all that has happened to it so far. Every case ends in `settle`.

use std::sync::Arc;
use std::time::Duration;

use freehold_domain::ledger::Reservation;
use freehold_domain::record::{Attempt, Expected};

use crate::Gateway;
use crate::authenticate::Caller;
use crate::limit::Share;
use crate::metadata::Adjusted;
use crate::receive::Received;
use crate::route::Candidate;

/// One request from a known caller.
pub(crate) struct Case {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) received: Received,
    pub(crate) caller: Caller,
    /// The model the caller named; empty until the body was read.
    pub(crate) model_requested: Arc<str>,
    pub(crate) stream: bool,
    pub(crate) expected: Option<Expected>,
    pub(crate) adjusted: Option<Adjusted>,
    /// Whether it is only asked what would happen: then nothing is taken or held.
    pub(crate) rehearsal: bool,
    pub(crate) reservation: Option<Reservation>,
    /// Its share of the rates, given back when it ends.
    pub(crate) share: Option<Share>,
    pub(crate) attempts: Vec<Attempt>,
    /// The candidate tried last.
    pub(crate) candidate: Option<Candidate>,
    /// Time spent waiting for providers.
    pub(crate) upstream: Duration,
    /// From receipt to the first byte of the answer.
    pub(crate) first_byte: Option<Duration>,
}

impl Case {
    /// The case of a request that was just received.
    pub(crate) fn new(gateway: Arc<Gateway>, received: Received, caller: Caller) -> Self {
        Self {
            gateway,
            received,
            caller,
            model_requested: Arc::from(""),
            stream: false,
            expected: None,
            adjusted: None,
            rehearsal: false,
            reservation: None,
            share: None,
            attempts: Vec::new(),
            candidate: None,
            upstream: Duration::ZERO,
            first_byte: None,
        }
    }

    /// Time spent here so far, rather than waiting for providers.
    pub(crate) fn overhead(&self) -> Duration {
        self.received.started.elapsed().saturating_sub(self.upstream)
    }
}
