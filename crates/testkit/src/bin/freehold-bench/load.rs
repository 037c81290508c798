//! Load on one target: so many connections, each one exchange after the other, as fast as it goes or by the clock.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use crate::line::Line;

/// How a target is loaded.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    pub(crate) connections: u32,
    /// No exchange is begun after so long.
    pub(crate) duration: Duration,
    /// All connections together begin so many exchanges a second; as many as go, if it is not said.
    pub(crate) per_second: Option<u32>,
    /// How long after another the first and the last connection begin.
    pub(crate) spread: Duration,
    /// Events that an answer has at least.
    pub(crate) events_min: u64,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample {
    /// Answers read to their end.
    pub(crate) answered: u64,
    /// Events in them.
    pub(crate) events: u64,
    /// From the first request to the end of the last answer.
    pub(crate) elapsed: Duration,
    /// From each request to its end, or of streams to the first byte of the body; shortest first.
    pub(crate) waits: Vec<Duration>,
}

impl Sample {
    /// The wait that so many of a hundred do not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let index = (self.waits.len() * percent / 100).min(self.waits.len().saturating_sub(1));
        self.waits.get(index).copied().unwrap_or_default()
    }
}

/// Opens the pattern's connections.
pub(crate) async fn connect(address: SocketAddr, pattern: &Pattern) -> io::Result<Vec<Line>> {
    let mut lines = Vec::new();
    for _ in 0..pattern.connections {
        lines.push(Line::open(address).await?);
    }
    Ok(lines)
}

/// Loads the target at the other end of `lines` with `request`; the lines come back for more.
///
/// # Errors
/// If any answer is not what it should be: on loopback, without faults, every one is.
pub(crate) async fn run(
    lines: Vec<Line>,
    request: &Bytes,
    pattern: &Pattern,
) -> io::Result<(Vec<Line>, Sample)> {
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for (line, index) in lines.into_iter().zip(0..) {
        let schedule = Schedule::of(pattern, begin, index);
        tasks.spawn(drive(line, request.clone(), schedule, pattern.events_min));
    }
    let mut lines = Vec::new();
    let mut whole = Sample::default();
    while let Some(ended) = tasks.join_next().await {
        let (line, sample) = ended.map_err(io::Error::other)??;
        lines.push(line);
        whole.answered += sample.answered;
        whole.events += sample.events;
        whole.waits.extend(sample.waits);
    }
    whole.elapsed = begin.elapsed();
    whole.waits.sort_unstable();
    Ok((lines, whole))
}

/// When one connection begins its exchanges.
struct Schedule {
    next: Instant,
    every: Option<Duration>,
    end: Instant,
}

impl Schedule {
    fn of(pattern: &Pattern, begin: Instant, index: u32) -> Self {
        Self {
            next: begin + pattern.spread * index / pattern.connections,
            every: pattern
                .per_second
                .map(|rate| Duration::from_secs(1) * pattern.connections / rate),
            end: begin + pattern.duration,
        }
    }

    /// Waits for the next beginning; false when it is all over.
    async fn turn(&mut self) -> bool {
        let now = Instant::now();
        if self.next > now {
            sleep_until(self.next.into()).await;
        }
        let goes_on = self.next.max(now) < self.end;
        if let Some(every) = self.every {
            self.next += every;
        }
        goes_on
    }
}

async fn drive(
    mut line: Line,
    request: Bytes,
    mut schedule: Schedule,
    events_min: u64,
) -> io::Result<(Line, Sample)> {
    let mut sample = Sample::default();
    while schedule.turn().await {
        let sent = Instant::now();
        let answer = line.exchange(&request).await?;
        if answer.events < events_min {
            let (came, wanted) = (answer.events, events_min);
            return Err(io::Error::other(format!(
                "a stream ended after {came} of {wanted} events"
            )));
        }
        let end = if answer.events > 0 {
            answer.first_byte
        } else {
            Instant::now()
        };
        sample.waits.push(end - sent);
        sample.answered += 1;
        sample.events += answer.events;
    }
    Ok((line, sample))
}
