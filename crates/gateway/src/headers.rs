//! The headers of our own on every reply.

use freehold_domain::id::RequestId;
use freehold_domain::money::Nanodollars;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::case::Case;
use crate::limit;
use crate::route::Candidate;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const ATTRIBUTION: HeaderName = HeaderName::from_static("x-freehold-attribution");
const PROVIDER: HeaderName = HeaderName::from_static("x-freehold-provider");
const COST: HeaderName = HeaderName::from_static("x-freehold-cost-usd");
const OVERHEAD: HeaderName = HeaderName::from_static("x-freehold-overhead-us");

/// About how many headers an answer has.
const HEADERS: usize = 24;

/// The headers that every reply of a provider carries: its own that may pass, then ours.
pub(crate) fn of_answer(headers: &mut HeaderMap, case: &Case, candidate: &Candidate, upstream: &HeaderMap) {
    // Room for all at once, the client's connection headers among them: the map grows by rehashing.
    headers.reserve(HEADERS);
    headers.extend(upstream.iter().map(|(name, value)| (name.clone(), value.clone())));
    of_caller(headers, case);
    headers.insert(
        ATTRIBUTION,
        HeaderValue::from_static(candidate.attribution.as_str()),
    );
    insert(headers, PROVIDER, &candidate.provider);
    let overhead_us = u64::try_from(case.overhead().as_micros()).unwrap_or(u64::MAX);
    headers.insert(OVERHEAD, overhead_us.into());
}

/// The headers that every reply to a known caller carries: the request's id, and what is left of the rates.
pub(crate) fn of_caller(headers: &mut HeaderMap, case: &Case) {
    limit::write_headers(headers, &case.caller, case.received.at);
    request_id(headers, case.received.id);
}

/// Names the request.
pub(crate) fn request_id(headers: &mut HeaderMap, id: RequestId) {
    insert(headers, REQUEST_ID, &id.to_string());
}

/// Says what the reply cost.
pub(crate) fn cost(headers: &mut HeaderMap, cost: Nanodollars) {
    insert(headers, COST, &cost.to_string());
}

/// Says that the reply is JSON.
pub(crate) fn json(headers: &mut HeaderMap) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
}

/// Says when to come back, if that is known.
pub(crate) fn retry_after(headers: &mut HeaderMap, retry_after_ms: Option<u64>) {
    if let Some(ms) = retry_after_ms {
        headers.insert(RETRY_AFTER, ms.div_ceil(1_000).max(1).into());
    }
}

/// Sets a header whose value is ours; one that cannot be sent is left out.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
