//! Rates in force on this node: one meter for each workspace and one for each virtual key, in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use freehold_domain::denial::{Denial, DenialCode, Limit, Quantity, Remedy};
use freehold_domain::rate::{RateBreach, RateLimits, RateMeter, RateState};
use freehold_domain::time::Timestamp;
use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use crate::authenticate::Caller;

/// What one workspace or virtual key has used of its rates.
#[derive(Default)]
pub(crate) struct RateScope(Mutex<RateMeter>);

impl RateScope {
    fn meter(&self) -> MutexGuard<'_, RateMeter> {
        // The meter is plain numbers, whole after every call.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The meters of everybody this node has met. They outlive snapshots.
#[derive(Default)]
pub(crate) struct RateBook(Mutex<HashMap<Uuid, Arc<RateScope>>>);

impl RateBook {
    fn scopes(&self) -> MutexGuard<'_, HashMap<Uuid, Arc<RateScope>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The meter of the workspace or virtual key with this id.
    pub(crate) fn scope(&self, id: Uuid) -> Arc<RateScope> {
        Arc::clone(self.scopes().entry(id).or_default())
    }

    /// Meters that nobody holds any more are forgotten.
    pub(crate) fn forget_unused(&self) {
        self.scopes().retain(|_, scope| Arc::strong_count(scope) > 1);
    }
}

/// A running request's share of its rates. Dropped, it ends without having taken a token.
pub(crate) struct Share {
    workspace: Arc<RateScope>,
    /// Nothing where the key has no rates of its own.
    key: Option<Arc<RateScope>>,
    expected: u64,
    /// What the request took, once that is known.
    taken: u64,
}

impl Share {
    /// The request ended and took so many tokens.
    pub(crate) fn settle(mut self, tokens: u64) {
        self.taken = tokens;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        for scope in std::iter::once(&self.workspace).chain(&self.key) {
            scope.meter().release(self.expected, self.taken);
        }
    }
}

/// The limits of the caller's workspace and of its key.
fn limits(caller: &Caller) -> [RateLimits; 2] {
    let (plan, key) = (&caller.workspace.plan, &caller.key.limits);
    let of_plan = RateLimits {
        requests_per_minute: plan.requests_per_minute,
        tokens_per_minute: plan.tokens_per_minute,
        concurrent_requests: plan.concurrent_requests,
    };
    let of_key = RateLimits {
        requests_per_minute: key.requests_per_minute,
        tokens_per_minute: key.tokens_per_minute,
        concurrent_requests: key.concurrent_requests,
    };
    [of_plan, of_key]
}

/// A share for one request of about `tokens` tokens: of all rates, or of none.
///
/// # Errors
/// `RateLimitExceeded`, with the time after which the request would pass.
pub(crate) fn enter(caller: &Caller, now: Timestamp, tokens: u64) -> Result<Share, Denial> {
    evaluate(caller, now, tokens, true)?;
    let [_, of_key] = limits(caller);
    Ok(Share {
        workspace: Arc::clone(&caller.workspace.rates),
        key: (of_key != RateLimits::default()).then(|| Arc::clone(&caller.rates)),
        expected: tokens,
        taken: 0,
    })
}

/// Whether there is a share for one request of about `tokens` tokens. Takes none.
///
/// # Errors
/// As [`enter`].
pub(crate) fn rehearse(caller: &Caller, now: Timestamp, tokens: u64) -> Result<(), Denial> {
    evaluate(caller, now, tokens, false)
}

fn evaluate(caller: &Caller, now: Timestamp, tokens: u64, take: bool) -> Result<(), Denial> {
    let [of_plan, of_key] = limits(caller);
    // Always the workspace first, so that two requests never wait for each other.
    let mut workspace = caller.workspace.rates.meter();
    if of_key == RateLimits::default() {
        if let Some(breach) = workspace.breach(now, &of_plan, tokens) {
            return Err(denial(caller, &breach, "workspace"));
        }
        if take {
            workspace.take(tokens);
        }
        return Ok(());
    }
    let mut key = caller.rates.meter();
    for (meter, limits, whose) in [
        (&mut workspace, of_plan, "workspace"),
        (&mut key, of_key, "virtual key"),
    ] {
        if let Some(breach) = meter.breach(now, &limits, tokens) {
            return Err(denial(caller, &breach, whose));
        }
    }
    if take {
        workspace.take(tokens);
        key.take(tokens);
    }
    Ok(())
}

fn denial(caller: &Caller, breach: &RateBreach, whose: &str) -> Denial {
    let seconds = breach.retry_after_ms.div_ceil(1_000);
    let message = format!(
        "This {whose} may use {} {} ({}); try again in {seconds} s.",
        breach.allowed, breach.unit, breach.name
    );
    let mut denial = Denial::new(DenialCode::RateLimitExceeded, message);
    denial.tier = Some(caller.workspace.plan.name.as_str().into());
    denial.limit = Some(Box::new(Limit {
        name: breach.name,
        unit: breach.unit,
        allowed: Quantity::of(breach.allowed),
        requested: Quantity::of(breach.requested),
        resets_at: None,
    }));
    denial.retry_after_ms = Some(breach.retry_after_ms);
    denial.remedies.push(Remedy::Wait {
        retry_after_ms: breach.retry_after_ms,
        would_allow: true,
    });
    denial
}

/// What is left of requests and tokens: of the workspace's or the key's, whichever is less.
pub(crate) fn state(caller: &Caller, now: Timestamp) -> (Option<RateState>, Option<RateState>) {
    let [of_plan, of_key] = limits(caller);
    let workspace = caller.workspace.rates.meter().state(now, &of_plan);
    if of_key == RateLimits::default() {
        return workspace;
    }
    let key = caller.rates.meter().state(now, &of_key);
    let tighter = |one: Option<RateState>, other: Option<RateState>| match (one, other) {
        (Some(one), Some(other)) => Some(if one.remaining <= other.remaining {
            one
        } else {
            other
        }),
        (one, other) => one.or(other),
    };
    (tighter(workspace.0, key.0), tighter(workspace.1, key.1))
}

/// How many requests may run at once, and how many do: of the workspace or the key, whichever leaves less.
pub(crate) fn running(caller: &Caller) -> Option<(u64, u64)> {
    let [of_plan, of_key] = limits(caller);
    let scope = |limits: RateLimits, scope: &RateScope| {
        limits
            .concurrent_requests
            .map(|limit| (limit, scope.meter().running()))
    };
    let scopes = [
        scope(of_plan, &caller.workspace.rates),
        scope(of_key, &caller.rates),
    ];
    scopes
        .into_iter()
        .flatten()
        .min_by_key(|(limit, running)| limit.saturating_sub(*running))
}

/// The headers by which OpenAI's clients know what is left.
pub(crate) fn write_headers(headers: &mut HeaderMap, caller: &Caller, now: Timestamp) {
    const REQUESTS: [HeaderName; 3] = [
        HeaderName::from_static("x-ratelimit-limit-requests"),
        HeaderName::from_static("x-ratelimit-remaining-requests"),
        HeaderName::from_static("x-ratelimit-reset-requests"),
    ];
    const TOKENS: [HeaderName; 3] = [
        HeaderName::from_static("x-ratelimit-limit-tokens"),
        HeaderName::from_static("x-ratelimit-remaining-tokens"),
        HeaderName::from_static("x-ratelimit-reset-tokens"),
    ];
    let (requests, tokens) = state(caller, now);
    for ([limit, remaining, reset], state) in [(REQUESTS, requests), (TOKENS, tokens)] {
        let Some(state) = state else { continue };
        headers.insert(limit, state.limit.into());
        headers.insert(remaining, state.remaining.into());
        if let Ok(value) = HeaderValue::from_str(&duration(state.reset_ms)) {
            headers.insert(reset, value);
        }
    }
}

/// A duration as OpenAI writes it: `12ms`, `5.2s`, `1m0s`.
fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms}ms"),
        1_000..60_000 if ms.is_multiple_of(1_000) => format!("{}s", ms / 1_000),
        1_000..60_000 => format!("{}.{:03}s", ms / 1_000, ms % 1_000),
        _ => format!("{}m{}s", ms / 60_000, ms % 60_000 / 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_clients_read_them() {
        for (ms, text) in [
            (0, "0ms"),
            (12, "12ms"),
            (5_200, "5.200s"),
            (20_000, "20s"),
            (60_000, "1m0s"),
            (361_000, "6m1s"),
        ] {
            assert_eq!(duration(ms), text);
        }
    }
}
