//! One breaker for each provider key: after repeated failures it pauses the key, then lets one request try.

use freehold_domain::time::Timestamp;

/// Failures in a row that open it.
const FAILURES_MAX: u32 = 10;
/// First pause; each further failure doubles it.
const PAUSE_FIRST_MS: i64 = 1_000;
/// Longest pause.
const PAUSE_MAX_MS: i64 = 30_000;
/// Longest pause a provider can ask for.
const COOL_DOWN_MAX_MS: u64 = 300_000;
/// After this a probe that never reported back no longer blocks the next one.
const PROBE_MAX_MS: i64 = 60_000;

/// Whether a key may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Requests pass.
    Closed,
    /// Paused, with this many milliseconds to go.
    Open(u64),
    /// The pause is over: this request is the one that tries.
    Probe,
}

/// Failure count and pause of one key.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    failures: u32,
    open_until: Option<Timestamp>,
    probing_since: Option<Timestamp>,
    /// Until then others are tried first: the provider asked for quiet, or the account is out of money.
    avoid_until: Option<Timestamp>,
}

impl Breaker {
    /// Whether others should be tried first at `now`. Claims nothing.
    pub(crate) fn is_avoided(&self, now: Timestamp) -> bool {
        self.open_until
            .max(self.avoid_until)
            .is_some_and(|until| now < until)
    }

    /// Whether a request may try the key now. `Probe` claims the one place there is.
    pub(crate) fn enter(&mut self, now: Timestamp) -> Gate {
        let Some(until) = self.open_until else {
            return Gate::Closed;
        };
        if now < until {
            return Gate::Open(u64::try_from(until.millis_since(now)).unwrap_or(0).max(1));
        }
        match self.probing_since {
            Some(since) if now.millis_since(since) < PROBE_MAX_MS => Gate::Open(1_000),
            _ => {
                self.probing_since = Some(now);
                Gate::Probe
            }
        }
    }

    /// The key answered, in whatever words: the way to the provider works.
    pub(crate) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// The provider broke, could not be reached or did not answer in time.
    pub(crate) fn failed(&mut self, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        self.probing_since = None;
        if self.failures >= FAILURES_MAX {
            let doublings = (self.failures - FAILURES_MAX).min(5);
            self.open_until = Some(now.plus_millis((PAUSE_FIRST_MS << doublings).min(PAUSE_MAX_MS)));
        }
    }

    /// The provider asked to be left alone for `retry_after_ms`.
    pub(crate) fn cool_down(&mut self, now: Timestamp, retry_after_ms: u64) {
        let pause = i64::try_from(retry_after_ms.min(COOL_DOWN_MAX_MS)).unwrap_or(0);
        self.avoid_until = Some(now.plus_millis(pause)).max(self.avoid_until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_micros(ms * 1000)
    }

    #[test]
    fn repeated_failures_open_it_and_one_success_closes_it() {
        let mut breaker = Breaker::default();
        for _ in 0..FAILURES_MAX - 1 {
            breaker.failed(at(0));
        }
        assert_eq!(breaker.enter(at(0)), Gate::Closed);
        breaker.failed(at(0));
        assert_eq!(breaker.enter(at(0)), Gate::Open(1_000));
        assert_eq!(breaker.enter(at(1_000)), Gate::Probe);
        assert_eq!(
            breaker.enter(at(1_000)),
            Gate::Open(1_000),
            "only one request tries"
        );
        breaker.succeeded();
        assert_eq!(breaker.enter(at(1_001)), Gate::Closed);
    }

    #[test]
    fn a_failed_probe_doubles_the_pause() {
        let mut breaker = Breaker::default();
        for _ in 0..FAILURES_MAX {
            breaker.failed(at(0));
        }
        assert_eq!(breaker.enter(at(1_000)), Gate::Probe);
        breaker.failed(at(1_000));
        assert_eq!(breaker.enter(at(1_000)), Gate::Open(2_000));
    }

    #[test]
    fn a_probe_that_never_reports_back_does_not_pause_the_key_for_ever() {
        let mut breaker = Breaker::default();
        for _ in 0..FAILURES_MAX {
            breaker.failed(at(0));
        }
        assert_eq!(breaker.enter(at(1_000)), Gate::Probe);
        assert_eq!(breaker.enter(at(1_000 + PROBE_MAX_MS)), Gate::Probe);
    }

    #[test]
    fn a_pause_the_provider_asks_for_puts_others_first_but_not_for_days() {
        let mut breaker = Breaker::default();
        breaker.cool_down(at(0), u64::MAX);
        assert!(breaker.is_avoided(at(299_999)));
        assert!(!breaker.is_avoided(at(300_000)));
        assert_eq!(
            breaker.enter(at(0)),
            Gate::Closed,
            "a key that is all there is may still be tried"
        );
    }
}
