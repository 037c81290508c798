//! Rates: how many requests and tokens in a minute, and how many requests at once. A bucket that drains evenly.
//!
//! All limits of a request are evaluated first; then all are taken, or none: a refused request eats no one's share.

use crate::time::Timestamp;

/// Levels are kept in parts of which a minute has as many milliseconds: then a millisecond drains exactly the rate, and
/// nothing is lost to rounding however often it is looked at.
const SCALE: i64 = 60_000;

/// Limits on the rate of one scope. Absent ones do not limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RateLimits {
    /// Requests in a minute.
    pub requests_per_minute: Option<u64>,
    /// Tokens in a minute, in and out.
    pub tokens_per_minute: Option<u64>,
    /// Requests at the same time.
    pub concurrent_requests: Option<u64>,
}

impl RateLimits {
    /// The narrower of each limit.
    #[must_use]
    pub fn narrowed_by(self, other: Self) -> Self {
        let narrower = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Self {
            requests_per_minute: narrower(self.requests_per_minute, other.requests_per_minute),
            tokens_per_minute: narrower(self.tokens_per_minute, other.tokens_per_minute),
            concurrent_requests: narrower(self.concurrent_requests, other.concurrent_requests),
        }
    }
}

/// Which rate would be passed, and when there is room again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateBreach {
    /// Name of the limit, as in the plan.
    pub name: &'static str,
    /// What it counts.
    pub unit: &'static str,
    /// How much is allowed.
    pub allowed: u64,
    /// How much there would have been.
    pub requested: u64,
    /// After how long the request would pass; at least one.
    pub retry_after_ms: u64,
}

/// One drained bucket.
#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    /// In parts. Below zero after a refund of more than was taken.
    level: i64,
}

impl Bucket {
    fn drain(&mut self, elapsed_ms: i64, per_minute: u64) {
        let drained = elapsed_ms.saturating_mul(i64::try_from(per_minute).unwrap_or(i64::MAX));
        self.level = self.level.saturating_sub(drained).max(0);
    }

    /// Milliseconds until `amount` fits below `per_minute`; nothing if it fits now.
    ///
    /// An amount larger than the whole bucket fits once the bucket is empty: it must pass some time.
    fn wait_ms(&self, amount: u64, per_minute: u64) -> Option<u64> {
        let capacity = scaled(per_minute);
        let over = self
            .level
            .saturating_add(scaled(amount).min(capacity))
            .saturating_sub(capacity);
        if over <= 0 {
            return None;
        }
        Some(
            u64::try_from(over)
                .unwrap_or(u64::MAX)
                .div_ceil(per_minute.max(1)),
        )
    }

    fn remaining(&self, per_minute: u64) -> u64 {
        u64::try_from((scaled(per_minute) - self.level).max(0) / SCALE).unwrap_or(0)
    }

    fn reset_ms(&self, per_minute: u64) -> u64 {
        u64::try_from(self.level.max(0))
            .unwrap_or(0)
            .div_ceil(per_minute.max(1))
    }
}

fn scaled(amount: u64) -> i64 {
    i64::try_from(amount)
        .unwrap_or(i64::MAX / SCALE)
        .saturating_mul(SCALE)
}

/// How much of a rate is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateState {
    /// How much a minute allows.
    pub limit: u64,
    /// How much can be taken now.
    pub remaining: u64,
    /// After how long all of it can be taken again.
    pub reset_ms: u64,
}

/// What one scope has used of its rates.
#[derive(Debug, Clone, Default)]
pub struct RateMeter {
    requests: Bucket,
    tokens: Bucket,
    running: u64,
    drained_at: Option<Timestamp>,
}

impl RateMeter {
    fn drain(&mut self, now: Timestamp, limits: &RateLimits) {
        let elapsed_ms = self
            .drained_at
            .map_or(0, |before| now.millis_since(before))
            .max(0);
        if elapsed_ms == 0 && self.drained_at.is_some_and(|before| before <= now) {
            return;
        }
        // A rate that does not limit now may limit later: then it begins empty.
        self.requests.drain(
            elapsed_ms,
            limits.requests_per_minute.unwrap_or(u64::from(u32::MAX)),
        );
        self.tokens.drain(
            elapsed_ms,
            limits.tokens_per_minute.unwrap_or(u64::from(u32::MAX)),
        );
        self.drained_at = Some(now);
    }

    /// The first limit that one more request of about `tokens` tokens would pass; nothing if it fits. Takes nothing.
    pub fn breach(&mut self, now: Timestamp, limits: &RateLimits, tokens: u64) -> Option<RateBreach> {
        self.drain(now, limits);
        if let Some(allowed) = limits.concurrent_requests
            && self.running >= allowed
        {
            let requested = self.running + 1;
            return Some(RateBreach {
                name: "concurrent_requests",
                unit: "requests",
                allowed,
                requested,
                retry_after_ms: 1_000,
            });
        }
        if let Some(allowed) = limits.requests_per_minute
            && let Some(retry_after_ms) = self.requests.wait_ms(1, allowed)
        {
            let requested = allowed + 1;
            return Some(RateBreach {
                name: "requests_per_minute",
                unit: "requests",
                allowed,
                requested,
                retry_after_ms,
            });
        }
        if let Some(allowed) = limits.tokens_per_minute
            && let Some(retry_after_ms) = self.tokens.wait_ms(tokens, allowed)
        {
            let used = allowed.saturating_sub(self.tokens.remaining(allowed));
            let requested = used.saturating_add(tokens);
            return Some(RateBreach {
                name: "tokens_per_minute",
                unit: "tokens",
                allowed,
                requested,
                retry_after_ms,
            });
        }
        None
    }

    /// One request of about `tokens` tokens runs. To be called right after [`RateMeter::breach`] found none.
    pub fn take(&mut self, tokens: u64) {
        self.requests.level = self.requests.level.saturating_add(SCALE);
        self.tokens.level = self.tokens.level.saturating_add(scaled(tokens));
        self.running += 1;
    }

    /// The request of about `expected` tokens ended and took `actual`.
    pub fn release(&mut self, expected: u64, actual: u64) {
        self.running = self.running.saturating_sub(1);
        self.tokens.level = self
            .tokens
            .level
            .saturating_add(scaled(actual))
            .saturating_sub(scaled(expected));
    }

    /// What is left of requests and of tokens, where they are limited.
    pub fn state(&mut self, now: Timestamp, limits: &RateLimits) -> (Option<RateState>, Option<RateState>) {
        self.drain(now, limits);
        let state = |bucket: &Bucket, limit: Option<u64>| {
            limit.map(|limit| RateState {
                limit,
                remaining: bucket.remaining(limit),
                reset_ms: bucket.reset_ms(limit),
            })
        };
        (
            state(&self.requests, limits.requests_per_minute),
            state(&self.tokens, limits.tokens_per_minute),
        )
    }

    /// How many requests run now.
    #[must_use]
    pub fn running(&self) -> u64 {
        self.running
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_micros(ms * 1_000)
    }

    fn limits(requests: u64, tokens: u64, concurrent: u64) -> RateLimits {
        RateLimits {
            requests_per_minute: Some(requests),
            tokens_per_minute: Some(tokens),
            concurrent_requests: Some(concurrent),
        }
    }

    fn admit(
        meter: &mut RateMeter,
        now: Timestamp,
        limits: &RateLimits,
        tokens: u64,
    ) -> Result<(), RateBreach> {
        match meter.breach(now, limits, tokens) {
            Some(breach) => Err(breach),
            None => {
                meter.take(tokens);
                Ok(())
            }
        }
    }

    #[test]
    fn a_minute_holds_as_many_requests_as_the_limit_says_and_drains_evenly() {
        let (mut meter, limits) = (RateMeter::default(), limits(3, 1_000_000, 100));
        for _ in 0..3 {
            admit(&mut meter, at(0), &limits, 1).unwrap();
        }
        let breach = admit(&mut meter, at(0), &limits, 1).unwrap_err();
        assert_eq!(
            (breach.name, breach.retry_after_ms),
            ("requests_per_minute", 20_000)
        );
        assert!(admit(&mut meter, at(19_999), &limits, 1).is_err());
        admit(&mut meter, at(20_000), &limits, 1).unwrap();
    }

    #[test]
    fn waiting_as_long_as_told_is_enough() {
        let (mut meter, limits) = (RateMeter::default(), limits(7, 1_000, 100));
        let mut now = 0;
        for round in 0..200 {
            match admit(&mut meter, at(now), &limits, 150 + round % 7) {
                Ok(()) => meter.release(150 + round % 7, 150 + round % 7),
                Err(breach) => {
                    now += i64::try_from(breach.retry_after_ms).unwrap() + 1;
                    admit(&mut meter, at(now), &limits, 1).unwrap();
                    meter.release(1, 1);
                }
            }
        }
    }

    #[test]
    fn a_refused_request_eats_no_share() {
        let (mut meter, limits) = (RateMeter::default(), limits(10, 100, 100));
        admit(&mut meter, at(0), &limits, 90).unwrap();
        for _ in 0..50 {
            assert_eq!(
                admit(&mut meter, at(0), &limits, 20).unwrap_err().name,
                "tokens_per_minute"
            );
        }
        assert_eq!(meter.state(at(0), &limits).0.unwrap().remaining, 9);
    }

    #[test]
    fn what_was_expected_is_corrected_to_what_was_taken() {
        let (mut meter, limits) = (RateMeter::default(), limits(100, 1_000, 100));
        admit(&mut meter, at(0), &limits, 900).unwrap();
        meter.release(900, 100);
        assert_eq!(meter.state(at(0), &limits).1.unwrap().remaining, 900);
    }

    #[test]
    fn a_request_larger_than_the_whole_minute_passes_once_the_minute_is_empty() {
        let (mut meter, limits) = (RateMeter::default(), limits(100, 100, 100));
        admit(&mut meter, at(0), &limits, 500).unwrap();
        assert!(admit(&mut meter, at(60_000), &limits, 1).is_err());
        admit(&mut meter, at(300_000), &limits, 500).unwrap();
    }

    #[test]
    fn only_so_many_run_at_once() {
        let (mut meter, limits) = (RateMeter::default(), limits(100, 10_000, 2));
        admit(&mut meter, at(0), &limits, 1).unwrap();
        admit(&mut meter, at(0), &limits, 1).unwrap();
        assert_eq!(
            admit(&mut meter, at(0), &limits, 1).unwrap_err().name,
            "concurrent_requests"
        );
        meter.release(1, 1);
        admit(&mut meter, at(0), &limits, 1).unwrap();
    }

    #[test]
    fn a_clock_that_steps_back_neither_fills_nor_empties_anything() {
        let (mut meter, limits) = (RateMeter::default(), limits(2, 1_000, 100));
        admit(&mut meter, at(100_000), &limits, 1).unwrap();
        admit(&mut meter, at(40_000), &limits, 1).unwrap();
        assert!(admit(&mut meter, at(40_000), &limits, 1).is_err());
        admit(&mut meter, at(70_000), &limits, 1).unwrap();
    }
}
