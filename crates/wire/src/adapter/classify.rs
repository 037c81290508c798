//! What errors mean, for all who do not say it in their own way: codes first, then words, then the status.

use http::HeaderMap;

use super::Verdict;
use super::error_view::{ErrorView, tells_of_billing, tells_of_context};
use crate::error::{FaultClass, StreamFault, UpstreamFault};

/// Brings an answer with an error into our classes.
pub(super) fn classify(status: u16, headers: &HeaderMap, body: &[u8]) -> UpstreamFault {
    let view = ErrorView::read(body);
    let class = class(status, &view);
    view.into_fault(class, status, headers)
}

/// The error inside a body or event that came with status 200; nothing if there is none.
pub(super) fn inside_success(text: &str) -> Option<UpstreamFault> {
    let view = ErrorView::read_json(text.trim().as_bytes())?;
    if view.message.is_none() && view.kind.is_none() && view.code.is_none() {
        return None;
    }
    // Some providers put the status that they would have sent into the code.
    let told = view.code.as_deref().and_then(|code| code.parse::<u16>().ok());
    let status = told.filter(|status| (400..600).contains(status));
    let class = match status.or_else(|| status_of_kind(view.kind.as_deref())) {
        Some(status) => class(status, &view),
        // Without any sign of a status, the words that come with a refusal tell; else the provider broke.
        None => by_code(400, &view)
            .or_else(|| by_words(400, &view.words()))
            .unwrap_or_else(|| class(500, &view)),
    };
    Some(view.into_fault(class, status.unwrap_or(200), &HeaderMap::new()))
}

/// The status that usually comes with a type of error.
fn status_of_kind(kind: Option<&str>) -> Option<u16> {
    Some(match kind? {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "requests"
        | "tokens"
        | "rate_limit_error"
        | "rate_limit_exceeded"
        | "rate_limited"
        | "insufficient_quota" => 429,
        "service_unavailable_error" | "overloaded_error" => 503,
        "server_error" | "api_error" | "internal_server_error" => 500,
        _ => return None,
    })
}

/// The class of an error that came with this status.
pub(super) fn class(status: u16, view: &ErrorView) -> FaultClass {
    let words = view.words();
    by_code(status, view)
        .or_else(|| by_words(status, &words))
        .unwrap_or_else(|| by_status(status))
}

/// Codes and types are the most exact sign.
fn by_code(status: u16, view: &ErrorView) -> Option<FaultClass> {
    let code = view.code.as_deref().unwrap_or_default();
    let kind = view.kind.as_deref().unwrap_or_default();
    Some(match code {
        "context_length_exceeded" => FaultClass::ContextLength,
        "content_policy_violation" | "content_filter" => FaultClass::ContentFilter,
        "billing_hard_limit_reached" | "billing_not_active" | "credit_balance_exhausted" => {
            FaultClass::Billing
        }
        "invalid_api_key" | "account_deactivated" => FaultClass::AuthInvalid,
        "organization_restricted" | "unsupported_country_region_territory" => FaultClass::AuthForbidden,
        "model_not_found" if status == 403 => FaultClass::AuthForbidden,
        "model_not_found" | "model_decommissioned" | "DeploymentNotFound" => FaultClass::ModelNotFound,
        "server_is_overloaded" | "capacity_exceeded" | "3505" => FaultClass::Overloaded,
        "3051" => FaultClass::ContextLength,
        "slow_down" if status == 503 => FaultClass::Overloaded,
        "rate_limit_exceeded" if status == 429 && view.words().contains("per day") => FaultClass::QuotaDaily,
        // Its message may advise to add a payment method, which must not be taken for an empty account.
        "slow_down" | "rate_limit_exceeded" if status == 429 => FaultClass::RateLimited,
        _ if kind == "insufficient_quota"
            || code == "insufficient_quota"
            || code.contains("spend_limit")
            || code.contains("usage_limit") =>
        {
            FaultClass::Billing
        }
        _ => match kind {
            "invalid_model" => FaultClass::ModelNotFound,
            _ => return None,
        },
    })
}

/// Where there is no code, the message tells.
fn by_words(status: u16, words: &str) -> Option<FaultClass> {
    let found = match status {
        400 | 413 | 422 if tells_of_context(words) => FaultClass::ContextLength,
        400 if words.contains("api key")
            && ["incorrect", "invalid", "not valid", "expired"]
                .iter()
                .any(|word| words.contains(word)) =>
        {
            FaultClass::AuthInvalid
        }
        400 | 403 | 429 if tells_of_billing(words) => FaultClass::Billing,
        400 if words.contains("model not exist")
            || words.contains("model")
                && (words.contains("does not exist") || words.contains("not found")) =>
        {
            FaultClass::ModelNotFound
        }
        400 if words.contains("content exists risk") || words.contains("content management policy") => {
            FaultClass::ContentFilter
        }
        401 if words.contains("ip ") && words.contains("not authorized") => FaultClass::AuthForbidden,
        403 if words.contains("authorization failed") => FaultClass::AuthInvalid,
        404 if words.contains("not found for account") => FaultClass::AuthForbidden,
        429 if words.contains("capacity") || words.contains("overloaded") => FaultClass::Overloaded,
        429 if words.contains("per day") => FaultClass::QuotaDaily,
        500 if words.contains("overloaded") || words.contains("resourceexhausted") => FaultClass::Overloaded,
        _ => return None,
    };
    Some(found)
}

const fn by_status(status: u16) -> FaultClass {
    match status {
        401 => FaultClass::AuthInvalid,
        402 => FaultClass::Billing,
        403 => FaultClass::AuthForbidden,
        404 | 410 => FaultClass::ModelNotFound,
        408 | 522 | 524 => FaultClass::Timeout,
        413 => FaultClass::ContextLength,
        429 => FaultClass::RateLimited,
        498 | 503 | 529 => FaultClass::Overloaded,
        409 | 424 | 425 | 499 => FaultClass::UpstreamError,
        400..=499 => FaultClass::BadRequest,
        _ => FaultClass::UpstreamError,
    }
}

/// What it means that something else than a stream came.
pub(super) fn no_stream(text: &[u8]) -> StreamFault {
    let text = String::from_utf8_lossy(text);
    inside_success(&text).map_or(
        StreamFault::Unreadable("something else than events"),
        StreamFault::Refused,
    )
}

/// What an answer to a validation call means. `forbidden` is what a 403 means at this provider.
pub(super) fn verdict(status: u16, body: &[u8], class: FaultClass, forbidden: Forbidden) -> Verdict {
    if (200..300).contains(&status) {
        return accepted_if_json(body);
    }
    // A page for people comes from something in between, which knows nothing of keys.
    let page = body.trim_ascii_start().starts_with(b"<");
    match class {
        FaultClass::AuthInvalid if !page => Verdict::Rejected {
            reason: format!("the provider refused the key ({status})"),
        },
        FaultClass::AuthForbidden if !page => match forbidden {
            Forbidden::KeyIsReal => Verdict::Accepted,
            Forbidden::KeyIsRefused => Verdict::Rejected {
                reason: format!("the provider does not admit the key ({status})"),
            },
        },
        _ => Verdict::Undecided {
            reason: format!("the provider answered {status}, which says nothing about the key"),
        },
    }
}

/// What a refused permission says about the key that asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Forbidden {
    /// A key of limited scope is refused the list of models and still works.
    KeyIsReal,
    /// The server knows no scopes: the key is not admitted.
    KeyIsRefused,
}

/// A key is accepted by an answer of the API, not by a page that a proxy put in its place.
fn accepted_if_json(body: &[u8]) -> Verdict {
    match serde_json::from_slice::<serde::de::IgnoredAny>(body) {
        Ok(_) => Verdict::Accepted,
        Err(_) => Verdict::Undecided {
            reason: "the answer is not the provider's list of models; check base_url".to_owned(),
        },
    }
}
