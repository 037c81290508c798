//! What Anthropic's errors mean. Texts matter: an empty account is told as a malformed request.

use http::HeaderMap;

use crate::adapter::classify;
use crate::adapter::error_view::{ErrorView, tells_of_billing, tells_of_context};
use crate::error::{FaultClass, UpstreamFault};

pub(super) fn classify(compatible: bool, status: u16, headers: &HeaderMap, body: &[u8]) -> UpstreamFault {
    let mut view = ErrorView::read(body);
    let class = class(compatible, status, headers, &view);
    view.code = view.cause.take().or(view.code);
    view.into_fault(class, status, headers)
}

/// The error inside a body or event that came with status 200; nothing if there is none.
pub(super) fn inside_success(compatible: bool, text: &str) -> Option<UpstreamFault> {
    let mut view = ErrorView::read_json(text.trim().as_bytes())?;
    let status = match view.kind.as_deref() {
        Some("timeout_error") => 504,
        Some("conflict_error") => 409,
        Some("request_too_large") => 413,
        Some("overloaded_error") => 529,
        Some("authentication_error" | "permission_error" | "billing_error" | "not_found_error") | None => {
            return classify::inside_success(text);
        }
        Some("rate_limit_error") => 429,
        Some("invalid_request_error") => 400,
        Some("api_error") => 500,
        Some(_) => return classify::inside_success(text),
    };
    // Headers belong to the success; a limit that is told inside of it is one of speed.
    let class = class(
        compatible || status == 429 && view.cause.is_none(),
        status,
        &HeaderMap::new(),
        &view,
    );
    view.code = view.cause.take().or(view.code);
    Some(view.into_fault(class, 200, &HeaderMap::new()))
}

fn class(compatible: bool, status: u16, headers: &HeaderMap, view: &ErrorView) -> FaultClass {
    let words = view.words();
    let cause = view.cause.as_deref().unwrap_or_default();
    match status {
        400 if words.contains("usage limits") || tells_of_billing(&words) => FaultClass::Billing,
        400 | 413 if status == 413 || tells_of_context(&words) => FaultClass::ContextLength,
        400 if words.contains("content filtering policy") => FaultClass::ContentFilter,
        403 if words.contains("has been disabled") => FaultClass::AuthForbidden,
        404 if !compatible && !words.starts_with("model:") && !words.is_empty() => FaultClass::BadRequest,
        429 if cause.ends_with("spend_limit_reached") => FaultClass::Billing,
        // A limit of speed always says when to come back; one without is a limit of money.
        429 if !compatible && cause != "ramp_limit_exceeded" && !tells_when(headers) => FaultClass::Billing,
        429 => FaultClass::RateLimited,
        504 => FaultClass::Timeout,
        529 => FaultClass::Overloaded,
        _ => classify::class(status, view),
    }
}

fn tells_when(headers: &HeaderMap) -> bool {
    headers
        .keys()
        .any(|name| name.as_str() == "retry-after" || name.as_str().starts_with("anthropic-ratelimit-"))
}
