//! When a provider says that a retry makes sense. Every source there is, the most exact first.

use http::HeaderMap;
use jiff::Timestamp;

/// Longer waits than this are no hint any more.
const WAIT_MAX_MS: u64 = 7 * 24 * 3600 * 1000;

/// Milliseconds until a retry makes sense, as the provider says outright.
///
/// Points in time are read against the reply's own `date` header: nothing here knows the time of day.
pub(crate) fn told(headers: &HeaderMap) -> Option<u64> {
    let found = header(headers, "retry-after-ms")
        .and_then(|text| decimal_ms(text, 1))
        .or_else(|| header(headers, "retry-after").and_then(|text| seconds_or_date(headers, text)));
    found.filter(|wait| *wait <= WAIT_MAX_MS)
}

/// The same for a refusal for lack of quota or capacity, whose limits and words tell as well.
pub(crate) fn told_or_implied(headers: &HeaderMap, message: Option<&str>) -> Option<u64> {
    let implied = || {
        longest(headers, "anthropic-ratelimit-", |text| {
            until(headers, text.parse().ok()?)
        })
        .or_else(|| longest(headers, "x-ratelimit-", duration_ms))
        .or_else(|| message.and_then(from_text))
        .filter(|wait| *wait <= WAIT_MAX_MS)
    };
    told(headers).or_else(implied)
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn seconds_or_date(headers: &HeaderMap, text: &str) -> Option<u64> {
    decimal_ms(text, 1000).or_else(|| until(headers, http_date(text)?))
}

fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text)
        .ok()
}

/// Milliseconds from the reply's own date to `moment`; 0 if that has passed.
fn until(headers: &HeaderMap, moment: Timestamp) -> Option<u64> {
    let now = http_date(header(headers, "date")?)?;
    Some(u64::try_from(moment.as_millisecond() - now.as_millisecond()).unwrap_or(0))
}

/// The longest wait among the reset headers of a family whose remaining count is 0, or of the family as a whole.
fn longest(headers: &HeaderMap, family: &str, read: impl Fn(&str) -> Option<u64>) -> Option<u64> {
    let mut exhausted = None;
    let mut any = None;
    for (name, value) in headers {
        let name = name.as_str();
        if !name.starts_with(family) {
            continue;
        }
        // The two families name a reset `<family><what>-reset` and `<family>reset-<what>`.
        let remaining = if name.ends_with("-reset") {
            name.replace("-reset", "-remaining")
        } else if name.contains("reset-") {
            name.replace("reset-", "remaining-")
        } else {
            continue;
        };
        let Some(wait) = value.to_str().ok().and_then(&read) else {
            continue;
        };
        any = any.max(Some(wait));
        if header(headers, &remaining) == Some("0") {
            exhausted = exhausted.max(Some(wait));
        }
    }
    exhausted.or(any)
}

/// A number such as `5.289` times `scale`, rounded up.
fn decimal_ms(text: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let thousandths: u64 = format!("{fraction:0<3.3}").parse().ok()?;
    let beyond = u64::from(fraction.bytes().skip(3).any(|digit| digit != b'0'));
    whole
        .checked_mul(scale)?
        .checked_add((thousandths + beyond).checked_mul(scale)?.div_ceil(1000))
}

/// A duration such as `1s`, `6m0s`, `12ms`, `1h2m3.5s`.
fn duration_ms(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut total = 0_u64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(number_end);
        let unit_end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        let scale = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        total = total.checked_add(decimal_ms(number, scale)?)?;
        rest = next;
    }
    Some(total)
}

/// What follows "try again in" or "retry in".
fn from_text(message: &str) -> Option<u64> {
    let lower = message.to_ascii_lowercase();
    let after = ["try again in ", "retry in ", "retry after "]
        .iter()
        .find_map(|words| lower.split_once(words).map(|(_, after)| after))?;
    let end = after
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '.')
        .unwrap_or(after.len());
    let (amount, next) = after.split_at(end);
    let amount = amount.trim_end_matches('.');
    duration_ms(amount).or_else(|| {
        let unit = next.trim_start();
        let scale = if unit.starts_with("ms") || unit.starts_with("millisecond") {
            1
        } else if unit.starts_with("min") {
            60_000
        } else {
            1000
        };
        decimal_ms(amount, scale)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn wait(headers: &[(&'static str, &'static str)], message: Option<&str>) -> Option<u64> {
        let map = headers
            .iter()
            .map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        told_or_implied(&map, message)
    }

    #[test]
    fn each_source_is_read_and_the_more_exact_one_wins() {
        let date = ("date", "Wed, 21 Oct 2026 07:28:00 GMT");
        for (headers, message, expected) in [
            (
                &[("retry-after-ms", "250"), ("retry-after", "9")][..],
                None,
                Some(250),
            ),
            (&[("retry-after", "9")], Some("try again in 1s"), Some(9_000)),
            (&[("retry-after", "0.25")], None, Some(250)),
            (
                &[("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT"), date],
                None,
                Some(30_000),
            ),
            (
                &[("retry-after", "Wed, 21 Oct 2026 07:27:30 GMT"), date],
                None,
                Some(0),
            ),
            (&[("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT")], None, None),
            (
                &[
                    ("anthropic-ratelimit-requests-reset", "2026-10-21T07:28:07Z"),
                    date,
                ],
                None,
                Some(7_000),
            ),
            (
                &[
                    ("x-ratelimit-reset-requests", "6m0s"),
                    ("x-ratelimit-reset-tokens", "12ms"),
                ],
                None,
                Some(360_000),
            ),
            (
                &[
                    ("x-ratelimit-reset-requests", "6m0s"),
                    ("x-ratelimit-reset-tokens", "12ms"),
                    ("x-ratelimit-remaining-tokens", "0"),
                ],
                None,
                Some(12),
            ),
            (&[], Some("Limit 15000. Please try again in 5.289s."), Some(5_289)),
            (&[], Some("Please try again in 20 seconds"), Some(20_000)),
            (&[], Some("slow down"), None),
            (&[("retry-after", "-1")], None, None),
            (&[("retry-after", "99999999999999999999")], None, None),
            (&[("retry-after", "9999999999")], None, None),
        ] {
            assert_eq!(wait(headers, message), expected, "{headers:?} {message:?}");
        }
    }
}
