//! A clock that is set by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use freehold_domain::time::{Clock, Timestamp};

/// Tells the time that it was set to, and moves only when it is moved. Its clones are one clock.
#[derive(Debug, Clone)]
pub struct FakeClock(Arc<AtomicI64>);

impl FakeClock {
    /// A clock that stands at this RFC 3339 moment.
    ///
    /// # Panics
    /// If the text is no such moment.
    #[must_use]
    pub fn at(moment: &str) -> Self {
        let start = Timestamp::parse(moment).unwrap_or_else(|| panic!("{moment:?} is not an RFC 3339 time"));
        Self(Arc::new(AtomicI64::new(start.as_micros())))
    }

    /// It stands at `moment`, which may lie in its past.
    pub fn set(&self, moment: Timestamp) {
        self.0.store(moment.as_micros(), Ordering::SeqCst);
    }

    /// It stands later by `duration`.
    pub fn advance(&self, duration: Duration) {
        self.0.fetch_add(
            i64::try_from(duration.as_micros()).unwrap_or(i64::MAX),
            Ordering::SeqCst,
        );
    }

    /// It stands earlier by `duration`, as after a correction of the system's clock.
    pub fn fall_back(&self, duration: Duration) {
        self.0.fetch_sub(
            i64::try_from(duration.as_micros()).unwrap_or(i64::MAX),
            Ordering::SeqCst,
        );
    }
}

impl Default for FakeClock {
    /// A Saturday in autumn 2026, at midnight.
    fn default() -> Self {
        Self::at("2026-11-21T00:00:00Z")
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_moves_only_when_it_is_moved() {
        let clock = FakeClock::default();
        let same = clock.clone();
        assert_eq!(clock.now(), clock.now());
        clock.advance(Duration::from_millis(1500));
        assert_eq!(same.now().to_string(), "2026-11-21T00:00:01.5Z");
        clock.fall_back(Duration::from_secs(2));
        assert_eq!(same.now().to_string(), "2026-11-20T23:59:59.5Z");
    }
}
