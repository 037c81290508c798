//! Which headers go to a provider, and which come back to the caller. Both ways by allow-list: what nobody thought of
//! stays here.

use http::header::{ACCEPT_ENCODING, CONNECTION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::auth::{Credential, OpenKey};
use super::error::UpstreamError;

/// Longer values than this are no identifiers and no limits.
const VALUE_BYTES_MAX: usize = 256;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-upstream-request-id");
/// What providers call the id of a request, at the end of the header's name.
const REQUEST_ID_ENDINGS: [&str; 4] = ["request-id", "correlation-id", "generation-id", "reqid"];
const RATE_LIMIT: &str = "ratelimit";

/// The headers of a request: what was let through of the caller's, the adapter's, ours, and the credential last, so that
/// nothing can stand beside it.
pub(super) fn outbound(
    passed: HeaderMap,
    of_adapter: &[(&'static str, &'static str)],
    credential: Option<&Credential>,
) -> Result<HeaderMap, UpstreamError> {
    let mut headers = passed;
    headers.reserve(of_adapter.len() + 4);
    for (name, value) in of_adapter {
        let name =
            HeaderName::from_lowercase(name.as_bytes()).map_err(|_| UpstreamError::Malformed("header"))?;
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(USER_AGENT, HeaderValue::from_static("freehold"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if let Some(credential) = credential {
        credential.write(&mut headers)?;
    }
    Ok(headers)
}

/// Of a caller's headers those that an adapter lets through by name. Names that say who asks, from where, or where the
/// message ends are let through by no adapter.
pub(super) fn passed(of_caller: &HeaderMap, names: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for name in names {
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
            continue;
        };
        if is_never_passed(name.as_str()) || is_connection_option(of_caller, name.as_str()) {
            continue;
        }
        for value in of_caller.get_all(&name) {
            headers.append(name.clone(), value.clone());
        }
    }
    headers
}

/// Of a provider's headers those that a caller may see, under names that tell ours from theirs.
pub(super) fn for_caller(of_provider: &HeaderMap, key: Option<&OpenKey>) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(of_provider.len());
    for (name, value) in of_provider {
        let Some(name) = name_for_caller(name) else {
            continue;
        };
        let is_plain = value.len() <= VALUE_BYTES_MAX && value.to_str().is_ok();
        if is_plain && key.is_none_or(|key| key.find_in(value.as_bytes()).is_none()) {
            headers.insert(name, value.clone());
        }
    }
    headers
}

fn name_for_caller(name: &HeaderName) -> Option<HeaderName> {
    let text = name.as_str();
    if *name == CONTENT_TYPE || text.starts_with("retry-after") {
        return Some(name.clone());
    }
    let mut rest = text;
    loop {
        if let Some(measure) = rest
            .strip_prefix(RATE_LIMIT)
            .and_then(|rest| rest.strip_prefix('-'))
        {
            return renamed(measure);
        }
        if REQUEST_ID_ENDINGS.contains(&rest) {
            return Some(REQUEST_ID);
        }
        (_, rest) = rest.split_once('-')?;
    }
}

/// Our name for a rate limit's measure. Those that come with nearly every reply are not made anew each time.
fn renamed(measure: &str) -> Option<HeaderName> {
    macro_rules! known {
        ($($known:literal)*) => {
            match measure {
                $($known => Some(HeaderName::from_static(concat!("x-upstream-ratelimit-", $known))),)*
                other => HeaderName::try_from(format!("x-upstream-{RATE_LIMIT}-{other}")).ok(),
            }
        };
    }
    known!("limit-requests" "limit-tokens" "remaining-requests" "remaining-tokens" "reset-requests" "reset-tokens"
        "requests-limit" "tokens-limit" "requests-remaining" "tokens-remaining" "requests-reset" "tokens-reset"
        "input-tokens-limit" "input-tokens-remaining" "input-tokens-reset"
        "output-tokens-limit" "output-tokens-remaining" "output-tokens-reset")
}

/// Whether a header of this name speaks of who asks, from where, or of the connection, whatever an adapter thinks of it.
fn is_never_passed(name: &str) -> bool {
    const WHOLE: [&str; 16] = [
        "accept-encoding",
        "connection",
        "content-length",
        "date",
        "expect",
        "forwarded",
        "host",
        "keep-alive",
        "metadata-flavor",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "via",
        "x-real-ip",
    ];
    const PARTS: [&str; 15] = [
        "access-key",
        "api-key",
        "apikey",
        "authenticat",
        "authorization",
        "client-ip",
        "connecting-ip",
        "cookie",
        "organization",
        "project",
        "secret",
        "subscription-key",
        "token",
        "workspace",
        "x-forwarded",
    ];
    const BEGINNINGS: [&str; 4] = ["proxy-", "x-amz-", "x-aws-", "x-freehold-"];
    // Some servers read an underscore as a hyphen, and the names of gateway scripts with and without their prefix.
    let name = name.replace('_', "-");
    let name = name.strip_prefix("http-").unwrap_or(&name);
    WHOLE.contains(&name)
        || PARTS.iter().any(|part| name.contains(part))
        || BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}

/// Whether the caller said that the header concerns only the connection between us.
fn is_connection_option(of_caller: &HeaderMap, name: &str) -> bool {
    of_caller
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|option| option.trim().eq_ignore_ascii_case(name))
}
