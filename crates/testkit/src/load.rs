//! A bounded load: so many connections, so many requests or so long, and an account of every reply that was seen whole.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// A reply that takes longer counts as broken.
const PATIENCE: Duration = Duration::from_secs(60);
/// The end of a body that is kept, to see whether a stream came to its own end.
const TAIL: usize = 256;

/// How much is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// This many requests.
    Requests(u64),
    /// Whatever goes in this time.
    For(Duration),
}

/// The load that is to be made.
pub struct Load {
    address: String,
    connections: usize,
    bound: Bound,
    per_second: Option<u64>,
    leave_after_bytes: Option<usize>,
    make: Box<dyn Fn(u64) -> Request<Full<Bytes>> + Send + Sync>,
}

/// A reply that was seen whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Which request of this load, from 0.
    pub number: u64,
    /// The value of `x-request-id`, empty if there was none.
    pub request_id: String,
    /// Its status.
    pub status: u16,
    /// Milliseconds after the load began.
    pub at_ms: u64,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Requests that were begun.
    pub begun: u64,
    /// Replies seen whole, in the order in which they were.
    pub seen: Vec<Seen>,
    /// Requests that got no connection.
    pub refused: u64,
    /// Requests whose reply broke off or never came: what became of them is not known.
    pub broken: u64,
    /// Replies that were left on purpose.
    pub left: u64,
    /// From the moment a request was due to its last byte, in microseconds, ascending; whole replies only.
    pub latencies_us: Vec<u64>,
    /// The same to its first byte.
    pub first_bytes_us: Vec<u64>,
    /// How long it took.
    pub elapsed: Duration,
}

/// A load that is running. Dropped, it stops.
pub struct Running {
    shared: Arc<Shared>,
    workers: JoinSet<()>,
}

struct Shared {
    load: Load,
    begin: Instant,
    next: AtomicU64,
    stopped: AtomicBool,
    report: Mutex<Report>,
}

impl Load {
    /// Requests to `address` (`host:port`), made by `make` from their number. A request names only its path.
    pub fn new(
        address: impl Into<String>,
        connections: usize,
        bound: Bound,
        make: impl Fn(u64) -> Request<Full<Bytes>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            address: address.into(),
            connections,
            bound,
            per_second: None,
            leave_after_bytes: None,
            make: Box::new(make),
        }
    }

    /// A `POST` of the same JSON body over and over, with this key.
    #[must_use]
    pub fn post(
        address: &str,
        path: &str,
        key: &str,
        body: &serde_json::Value,
        connections: usize,
        bound: Bound,
    ) -> Self {
        let body = Bytes::from(body.to_string());
        let (path, key, host) = (path.to_owned(), format!("Bearer {key}"), address.to_owned());
        Self::new(address, connections, bound, move |_| {
            let request = Request::post(&path)
                .header("host", &host)
                .header("authorization", &key);
            let request = request
                .header("content-type", "application/json")
                .body(Full::new(body.clone()));
            request.expect("a request of correct parts")
        })
    }

    /// Requests are due at this pace, whether the earlier ones are answered or not; one that waits for a connection is
    /// late, and its latency tells.
    #[must_use]
    pub fn per_second(mut self, rate: u64) -> Self {
        self.per_second = Some(rate);
        self
    }

    /// Every reply is left, and its connection closed, after this many bytes of its body.
    #[must_use]
    pub fn leave_after(mut self, bytes: usize) -> Self {
        self.leave_after_bytes = Some(bytes);
        self
    }

    /// Begins.
    #[must_use]
    pub fn start(self) -> Running {
        let connections = self.connections;
        let shared = Arc::new(Shared {
            load: self,
            begin: Instant::now(),
            next: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            report: Mutex::default(),
        });
        let mut workers = JoinSet::new();
        for _ in 0..connections {
            workers.spawn(work(Arc::clone(&shared)));
        }
        Running { shared, workers }
    }

    /// Runs to its end.
    pub async fn run(self) -> Report {
        self.start().finish().await
    }
}

impl Running {
    /// Replies seen whole so far.
    #[must_use]
    pub fn seen(&self) -> usize {
        self.shared.report().seen.len()
    }

    /// No further request is begun.
    pub fn stop(&self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
    }

    /// Waits for the end.
    pub async fn finish(mut self) -> Report {
        while self.workers.join_next().await.is_some() {}
        let mut report = std::mem::take(&mut *self.shared.report());
        report.elapsed = self.shared.begin.elapsed();
        report.latencies_us.sort_unstable();
        report.first_bytes_us.sort_unstable();
        report
    }
}

impl Report {
    /// Replies seen whole, by status.
    #[must_use]
    pub fn statuses(&self) -> BTreeMap<u16, u64> {
        let mut statuses = BTreeMap::new();
        for seen in &self.seen {
            *statuses.entry(seen.status).or_default() += 1;
        }
        statuses
    }

    /// The request ids of all replies seen whole with this status.
    #[must_use]
    pub fn acknowledged(&self, status: u16) -> Vec<&str> {
        let of_status = self.seen.iter().filter(|seen| seen.status == status);
        of_status.map(|seen| seen.request_id.as_str()).collect()
    }

    /// The latency that `percent` of the whole replies did not exceed; zero if there were none.
    #[must_use]
    pub fn latency(&self, percent: f64) -> Duration {
        percentile(&self.latencies_us, percent)
    }

    /// The same to the first byte.
    #[must_use]
    pub fn first_byte(&self, percent: f64) -> Duration {
        percentile(&self.first_bytes_us, percent)
    }
}

/// The value at this rank of an ascending list.
fn percentile(ascending_us: &[u64], percent: f64) -> Duration {
    let count = u32::try_from(ascending_us.len()).unwrap_or(u32::MAX);
    let rank = (f64::from(count) * percent / 100.0).ceil().max(1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between one and the length of a list"
    )]
    let rank = rank as usize;
    let value = ascending_us.get(rank.min(ascending_us.len()).saturating_sub(1));
    Duration::from_micros(value.copied().unwrap_or_default())
}

impl Shared {
    fn report(&self) -> std::sync::MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the next request and the moment it is due, if there is one.
    fn take(&self) -> Option<(u64, Instant)> {
        if self.stopped.load(Ordering::SeqCst) {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        let due = match self.load.per_second {
            None => Instant::now(),
            Some(rate) => {
                self.begin + Duration::from_secs(number) / u32::try_from(rate).unwrap_or(u32::MAX).max(1)
            }
        };
        let within = match self.load.bound {
            Bound::Requests(requests) => number < requests,
            Bound::For(duration) => due < self.begin + duration,
        };
        within.then_some((number, due))
    }

    fn now_us(&self, since: Instant) -> u64 {
        u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// How one exchange ended.
enum Ended {
    Whole(Seen, u64, u64),
    Refused,
    Broken,
    Left,
}

async fn work(shared: Arc<Shared>) {
    let mut connection = None;
    while let Some((number, due)) = shared.take() {
        sleep_until(due).await;
        shared.report().begun += 1;
        let ended = timeout(PATIENCE, exchange(&shared, &mut connection, number, due)).await;
        let mut refused = false;
        {
            let mut report = shared.report();
            match ended {
                Ok(Ended::Whole(seen, first_byte_us, latency_us)) => {
                    report.seen.push(seen);
                    report.first_bytes_us.push(first_byte_us);
                    report.latencies_us.push(latency_us);
                }
                Ok(Ended::Refused) => {
                    report.refused += 1;
                    refused = true;
                }
                Ok(Ended::Left) => report.left += 1,
                Ok(Ended::Broken) | Err(_) => {
                    report.broken += 1;
                    connection = None;
                }
            }
        }
        if refused {
            // A server that is down is asked again, but not a hundred thousand times a second.
            sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn exchange(
    shared: &Shared,
    connection: &mut Option<SendRequest<Full<Bytes>>>,
    number: u64,
    due: Instant,
) -> Ended {
    let Some(mut sender) = usable(connection.take(), &shared.load.address).await else {
        return Ended::Refused;
    };
    let Ok(reply) = sender.send_request((shared.load.make)(number)).await else {
        return Ended::Broken;
    };
    let status = reply.status().as_u16();
    let header = |name| {
        reply
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let request_id = header("x-request-id").to_owned();
    let streams = header("content-type").starts_with("text/event-stream");
    let mut body = reply.into_body();
    let (mut first_byte_us, mut length, mut tail) = (None, 0, Vec::new());
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Ended::Broken };
        let Some(bytes) = frame.data_ref() else { continue };
        first_byte_us.get_or_insert_with(|| shared.now_us(due));
        length += bytes.len();
        if shared.load.leave_after_bytes.is_some_and(|limit| length >= limit) {
            return Ended::Left;
        }
        tail.extend_from_slice(bytes);
        let surplus = tail.len().saturating_sub(TAIL);
        tail.drain(..surplus);
    }
    if streams && !came_to_its_end(&tail) {
        return Ended::Broken;
    }
    *connection = Some(sender);
    let latency_us = shared.now_us(due);
    let seen = Seen {
        number,
        request_id,
        status,
        at_ms: shared.now_us(shared.begin) / 1000,
    };
    Ended::Whole(seen, first_byte_us.unwrap_or(latency_us), latency_us)
}

/// Whether a stream of events ended with the marker of its protocol: only then does the caller know that it is whole.
fn came_to_its_end(tail: &[u8]) -> bool {
    [&b"[DONE]"[..], b"message_stop", b"response.completed"]
        .iter()
        .any(|marker| memchr::memmem::find(tail, marker).is_some())
}

/// The connection that is open, if it still is, or a new one.
async fn usable(open: Option<SendRequest<Full<Bytes>>>, address: &str) -> Option<SendRequest<Full<Bytes>>> {
    if let Some(mut sender) = open
        && sender.ready().await.is_ok()
    {
        return Some(sender);
    }
    let stream = TcpStream::connect(address).await.ok()?;
    stream.set_nodelay(true).ok()?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    Some(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_value_that_occurred() {
        let values: Vec<u64> = (1..=200).collect();
        let at = |percent| percentile(&values, percent).as_micros();
        assert_eq!((at(50.0), at(99.0), at(100.0), at(0.0)), (100, 198, 200, 1));
        assert_eq!(percentile(&[], 50.0), Duration::ZERO);
    }
}
