//! The phases of a round, and what one of them costs on one target.

use std::io;
use std::time::Duration;

use crate::flags::Flags;
use crate::load::{self, Pattern, Sample};
use crate::machine::{machine_time, process_time};
use crate::target::{Name, Target};

/// Requests a second where the load is fixed.
const PER_SECOND: u32 = 500;
/// Streams at the same time.
const STREAMS: u32 = 20;
/// Events of a canned stream.
const EVENTS: u64 = 104;
/// How long a paced stream lasts, about: connections begin spread over it, so that their events do not come together.
const STREAM: Duration = Duration::from_millis(1_040);

/// One kind of load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// As many small requests as go.
    Saturation,
    /// Small requests at a fixed rate.
    Steady,
    /// Streams with an event every 10 ms.
    Paced,
    /// Streams as fast as they go.
    Fast,
}

impl Phase {
    pub(crate) const ALL: [Self; 4] = [Self::Saturation, Self::Steady, Self::Paced, Self::Fast];

    /// The phase of this name on the command line.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "requests" => Some(Self::Saturation),
            "steady" => Some(Self::Steady),
            "streams" => Some(Self::Paced),
            "fast" => Some(Self::Fast),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Saturation => "requests, saturated",
            Self::Steady => "requests, 500 a second",
            Self::Paced => "streams, 10 ms an event",
            Self::Fast => "streams, saturated",
        }
    }

    pub(crate) fn is_stream(self) -> bool {
        matches!(self, Self::Paced | Self::Fast)
    }

    fn model(self) -> &'static str {
        match self {
            Self::Saturation | Self::Steady | Self::Paced => "sim-canned",
            Self::Fast => "sim-canned-fast",
        }
    }

    fn pattern(self, flags: &Flags) -> Pattern {
        let connections = if self == Self::Saturation {
            flags.connections
        } else {
            STREAMS
        };
        let spread = match self {
            Self::Saturation | Self::Fast => Duration::ZERO,
            Self::Steady => Duration::from_secs(1) * connections / PER_SECOND,
            Self::Paced => STREAM,
        };
        Pattern {
            connections,
            duration: flags.duration,
            per_second: (self == Self::Steady).then_some(PER_SECOND),
            spread,
            events_min: if self.is_stream() { EVENTS } else { 0 },
        }
    }
}

/// A phase on a target in a round.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    pub(crate) phase: Phase,
    pub(crate) target: Name,
    pub(crate) round: usize,
    pub(crate) sample: Sample,
    /// Answers before the measured ones.
    pub(crate) warm_up: u64,
    /// Processor time of the target's process.
    pub(crate) spent: Duration,
    /// Processor time of everything that has no part in the run.
    pub(crate) others: Duration,
}

impl Measured {
    /// Processor time of the target in microseconds for each request, or of streams for each event.
    pub(crate) fn cost_us(&self) -> f64 {
        let count = if self.phase.is_stream() {
            self.sample.events
        } else {
            self.sample.answered
        };
        self.spent.as_secs_f64() * 1e6 / count.max(1) as f64
    }

    /// Requests a second, or of streams events a second.
    pub(crate) fn per_second(&self) -> f64 {
        let count = if self.phase.is_stream() {
            self.sample.events
        } else {
            self.sample.answered
        };
        count as f64 / self.sample.elapsed.as_secs_f64().max(f64::EPSILON)
    }
}

/// Processor time of the target and of everybody who has no part in the run.
fn clocks(target: &Target, provider: u32) -> io::Result<(Duration, Duration)> {
    let spent = target.process.map_or(Ok(Duration::ZERO), process_time)?;
    let ours = spent + process_time(provider)? + process_time(std::process::id())?;
    Ok((spent, machine_time()?.saturating_sub(ours)))
}

/// Loads `target`: for a fifth of the time to warm up, then measured.
pub(crate) async fn run(
    flags: &Flags,
    phase: Phase,
    round: usize,
    target: &Target,
    provider: u32,
) -> io::Result<Measured> {
    let request = target.request(phase.model(), phase.is_stream());
    let pattern = phase.pattern(flags);
    let warm_up = Pattern {
        duration: pattern.duration / 5,
        spread: Duration::ZERO,
        ..pattern
    };
    let failed =
        |error: io::Error| io::Error::other(format!("{}, {}: {error}", phase.name(), target.name.text()));
    let lines = load::connect(target.address, &pattern).await.map_err(failed)?;
    let (lines, before) = load::run(lines, &request, &warm_up).await.map_err(failed)?;
    let (spent_before, others_before) = clocks(target, provider)?;
    let (_, sample) = load::run(lines, &request, &pattern).await.map_err(failed)?;
    let (spent, others) = clocks(target, provider)?;
    Ok(Measured {
        phase,
        target: target.name,
        round,
        warm_up: before.answered,
        sample,
        spent: spent.saturating_sub(spent_before),
        others: others.saturating_sub(others_before),
    })
}
