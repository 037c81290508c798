//! What a simulated provider saw: every request, how far its answer got, and who ended it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method};
use serde_json::Value;
use tokio::sync::watch;

/// More requests than any test looks at; the oldest go first, so that a long run has a bound.
const KEPT_MAX: usize = 100_000;

/// Tokens of one answer in one shape for all providers. The classes do not overlap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Input that was neither read from nor written to a prompt cache.
    pub input: u64,
    /// Input read from a prompt cache.
    pub cache_read: u64,
    /// Input written to a prompt cache.
    pub cache_write: u64,
    /// All output, reasoning included.
    pub output: u64,
    /// The part of `output` that was reasoning.
    pub reasoning: u64,
}

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It has not ended.
    Running,
    /// All bytes of the answer went to the socket.
    Complete,
    /// The caller closed the connection before that.
    PeerGone,
    /// The simulator broke it off on purpose.
    Broken,
}

/// One request as it came in, and what became of it.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Counts from 1 over the life of the simulator.
    pub number: u64,
    /// The method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// All header fields, credentials included.
    pub headers: HeaderMap,
    /// The body, as far as it arrived.
    pub body: Bytes,
    /// The model that was asked for, where the body named one.
    pub model: Option<String>,
    /// The behaviour that was played.
    pub behaviour: Option<String>,
    /// The status that was answered.
    pub status: Option<u16>,
    /// What the answer would cost if it is delivered whole.
    pub usage: Option<Usage>,
    /// Output tokens that went to the socket so far: what a provider would bill after a caller left.
    pub output_sent: u64,
    /// How it ended.
    pub outcome: Outcome,
}

impl Recorded {
    /// The body as JSON; null if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The value of a header as text, or nothing.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether this was a call for a model's answer, and not a look at the catalogue or at a path that is not there.
    #[must_use]
    pub fn is_inference(&self) -> bool {
        self.method == Method::POST && !self.path.contains("count_tokens")
    }
}

/// All requests of one simulator.
#[derive(Debug)]
pub(super) struct Journal {
    kept: Mutex<VecDeque<Recorded>>,
    next: AtomicU64,
    in_flight: AtomicU64,
    changed: watch::Sender<()>,
}

impl Journal {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            kept: Mutex::new(VecDeque::new()),
            next: AtomicU64::new(1),
            in_flight: AtomicU64::new(0),
            changed: watch::Sender::new(()),
        })
    }

    /// Counts a request whose head has arrived; the entry that comes back tells how it goes on.
    pub(super) fn open(self: &Arc<Self>, head: Arc<Parts>) -> Entry {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        self.announce();
        Entry {
            number,
            journal: Arc::clone(self),
            head,
            keeping: Keeping::Open,
            outcome: Outcome::PeerGone,
            output_sent: 0,
        }
    }

    /// Wakes those who wait for something to happen. Whoever begins to wait later looks first.
    fn announce(&self) {
        if self.changed.receiver_count() > 0 {
            self.changed.send_replace(());
        }
    }

    pub(super) fn all(&self) -> Vec<Recorded> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().cloned().collect()
    }

    pub(super) fn clear(&self) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) fn served(&self) -> u64 {
        self.next.load(Ordering::SeqCst).saturating_sub(1)
    }

    pub(super) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::SeqCst)
    }

    /// Wakes whenever something happened.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    fn insert(&self, recorded: Recorded) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT_MAX {
            kept.pop_front();
        }
        // A slow body is written down after later requests with a fast one.
        let index = kept.partition_point(|earlier| earlier.number < recorded.number);
        kept.insert(index, recorded);
    }

    fn update(&self, number: u64, change: impl FnOnce(&mut Recorded)) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(index) = kept.binary_search_by_key(&number, |recorded| recorded.number)
            && let Some(recorded) = kept.get_mut(index)
        {
            change(recorded);
        }
    }
}

/// Whether a request is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeping {
    /// Not yet.
    Open,
    Written,
    /// It is counted, and that is all.
    Counted,
}

/// The running end of one request. Dropped before it was told how it ended, it takes the caller as gone: the server
/// drops what it works on when the connection closes.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) number: u64,
    journal: Arc<Journal>,
    head: Arc<Parts>,
    keeping: Keeping,
    outcome: Outcome,
    output_sent: u64,
}

impl Entry {
    /// The request stands in the journal, with this body.
    pub(super) fn write_down(&mut self, body: Bytes) {
        self.keeping = Keeping::Written;
        self.journal.insert(Recorded {
            number: self.number,
            method: self.head.method.clone(),
            path: self.head.uri.to_string(),
            headers: self.head.headers.clone(),
            body,
            model: None,
            behaviour: None,
            status: None,
            usage: None,
            output_sent: 0,
            outcome: Outcome::Running,
        });
        self.journal.announce();
    }

    /// The request is not written down.
    pub(super) fn count_only(&mut self) {
        self.keeping = Keeping::Counted;
    }

    /// Adds to what is written down.
    pub(super) fn note(&self, change: impl FnOnce(&mut Recorded)) {
        self.journal.update(self.number, change);
        self.journal.announce();
    }

    /// Counts output tokens that are on their way to the socket.
    pub(super) fn sent(&mut self, tokens: u64) {
        self.output_sent = self.output_sent.saturating_add(tokens);
    }

    /// Settles how it ended; the entry is closed when it is dropped.
    pub(super) fn ended(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if self.keeping == Keeping::Open {
            self.write_down(Bytes::new());
        }
        if self.keeping == Keeping::Written {
            let (outcome, output_sent) = (self.outcome, self.output_sent);
            self.journal.update(self.number, |recorded| {
                recorded.outcome = outcome;
                recorded.output_sent = output_sent;
            });
        }
        self.journal.in_flight.fetch_sub(1, Ordering::SeqCst);
        self.journal.announce();
    }
}
