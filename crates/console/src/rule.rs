//! What a field may hold: one function per kind of value, each giving the value or the words that say what is allowed.

use std::borrow::Cow;
use std::fmt::Display;

use freehold_domain::time::Timestamp;
use freehold_vault::Secret;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::fields::Allowed;

/// The longest pattern for models.
const PATTERN_CHARS_MAX: usize = 200;
/// The most patterns in one list.
const PATTERNS_MAX: usize = 200;

fn read<T: DeserializeOwned>(raw: &RawValue) -> Option<T> {
    // The error is dropped on purpose: it quotes the value.
    serde_json::from_str(raw.get()).ok()
}

/// Text of `min` to `max` characters on one line, white space at its ends taken off.
pub(crate) fn text(min: usize, max: usize) -> impl Fn(&RawValue) -> Result<String, Allowed> {
    move |raw| {
        read::<String>(raw)
            .map(|text| text.trim().to_owned())
            .filter(|text| (min..=max).contains(&text.chars().count()) && !text.chars().any(char::is_control))
            .ok_or_else(|| format!("text of {min} to {max} characters on one line").into())
    }
}

/// Lower-case letters, digits and hyphens, not a hyphen first.
pub(crate) fn slug(raw: &RawValue) -> Result<String, Allowed> {
    read::<String>(raw).filter(|text| is_slug(text)).ok_or(
        "a name of 1 to 63 lower-case letters, digits and hyphens that does not begin with a hyphen".into(),
    )
}

/// Whether `text` is a slug.
pub(crate) fn is_slug(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// True or false.
pub(crate) fn boolean(raw: &RawValue) -> Result<bool, Allowed> {
    read(raw).ok_or("true or false".into())
}

/// A whole number from `min` to `max`.
pub(crate) fn integer<T>(min: T, max: T) -> impl Fn(&RawValue) -> Result<T, Allowed>
where
    T: DeserializeOwned + PartialOrd + Display + Copy,
{
    move |raw| {
        read(raw)
            .filter(|number| (min..=max).contains(number))
            .ok_or_else(|| format!("a whole number from {min} to {max}").into())
    }
}

/// The most that a limit may be: a value that every database holds.
const LIMIT_MAX: u64 = 1_000_000_000_000;

/// A limit of at least one: what should be possible never is not a limit.
pub(crate) fn limit(raw: &RawValue) -> Result<u64, Allowed> {
    integer(1, LIMIT_MAX)(raw)
}

/// An exact amount from `min` to `max`, of money or credits.
pub(crate) fn amount<T>(
    unit: &'static str,
    places: u8,
    min: T,
    max: T,
) -> impl Fn(&RawValue) -> Result<T, Allowed>
where
    T: DeserializeOwned + PartialOrd + Display,
{
    move |raw| {
        read(raw).filter(|amount| (&min..=&max).contains(&amount)).ok_or_else(|| {
            format!(
                "an amount of {unit} from {min} to {max} with at most {places} decimal places, best as a string such as \"12.5\""
            )
            .into()
        })
    }
}

/// One of `all`, by name.
pub(crate) fn one_of<T: Copy, const N: usize>(
    all: [T; N],
    name: fn(T) -> &'static str,
) -> impl Fn(&RawValue) -> Result<T, Allowed> {
    move |raw| {
        read::<String>(raw)
            .and_then(|text| all.into_iter().find(|one| name(*one) == text))
            .ok_or_else(|| format!("one of {}", all.map(name).join(", ")).into())
    }
}

/// Some of `all`, by name, at least one.
pub(crate) fn some_of<T: Copy, const N: usize>(
    all: [T; N],
    name: fn(T) -> &'static str,
) -> impl Fn(&RawValue) -> Result<Vec<T>, Allowed> {
    move |raw| {
        let named = |text: String| all.into_iter().find(|one| name(*one) == text);
        read::<Vec<String>>(raw)
            .filter(|texts| (1..=N).contains(&texts.len()))
            .and_then(|texts| texts.into_iter().map(named).collect())
            .ok_or_else(|| format!("a list of one or more of {}", all.map(name).join(", ")).into())
    }
}

/// A moment.
pub(crate) fn moment(raw: &RawValue) -> Result<Timestamp, Allowed> {
    read::<String>(raw)
        .and_then(|text| Timestamp::parse(&text))
        .ok_or("a time as RFC 3339 writes it, such as 2027-01-31T00:00:00Z".into())
}

/// Patterns of models.
pub(crate) fn patterns(raw: &RawValue) -> Result<Vec<String>, Allowed> {
    read::<Vec<String>>(raw)
        .filter(|patterns| patterns.len() <= PATTERNS_MAX && patterns.iter().all(|pattern| is_pattern(pattern)))
        .ok_or_else(|| {
            format!(
                "a list of at most {PATTERNS_MAX} model names or patterns such as \"openai/gpt-5*\", each of 1 to \
                 {PATTERN_CHARS_MAX} characters without white space"
            )
            .into()
        })
}

fn is_pattern(text: &str) -> bool {
    (1..=PATTERN_CHARS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// An `http` or `https` address a person can follow.
pub(crate) fn link(raw: &RawValue) -> Result<String, Allowed> {
    read::<String>(raw)
        .filter(|text| text.len() <= 2000)
        .filter(|text| url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https")))
        .ok_or("an address that begins with https:// or http://".into())
}

/// Any text, to be judged later by somebody who knows more.
pub(crate) fn raw_text(raw: &RawValue) -> Result<String, Allowed> {
    read(raw).ok_or("text".into())
}

/// A provider's key as people paste it, straight into the type that cannot be printed.
pub(crate) fn secret(raw: &RawValue) -> Result<Secret, Allowed> {
    let pasted: Secret = read(raw).ok_or("the provider's key as text")?;
    pasted
        .tidied()
        .map_err(|error| format!("the provider's key as text: {error}").into())
}

/// The IANA name of a time zone, in the spelling of the time zone database.
pub(crate) fn time_zone(raw: &RawValue) -> Result<String, Allowed> {
    let allowed = || Cow::from("the IANA name of a time zone, such as Europe/Berlin or UTC");
    let text: String = read(raw).ok_or_else(allowed)?;
    let zone = jiff::tz::TimeZone::get(&text).map_err(|_| allowed())?;
    match zone.iana_name() {
        Some(name) if !zone.is_unknown() => Ok(name.to_owned()),
        _ => Err(allowed()),
    }
}

#[cfg(test)]
mod tests {
    use freehold_domain::money::{Credits, Nanodollars};

    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn time_zones_are_known_without_a_zoneinfo_directory_and_spelt_one_way() {
        assert_eq!(time_zone(&raw("\"europe/berlin\"")).unwrap(), "Europe/Berlin");
        assert_eq!(time_zone(&raw("\"UTC\"")).unwrap(), "UTC");
        for unknown in [
            "\"Mars/Olympus\"",
            "\"\"",
            "7",
            "null",
            "\"Etc/Unknown\"",
            "\"../../etc/passwd\"",
        ] {
            assert!(time_zone(&raw(unknown)).is_err(), "{unknown}");
        }
    }

    #[test]
    fn amounts_are_taken_as_strings_and_numbers_and_never_rounded() {
        let credits = amount("credits", 6, Credits::ZERO, Credits::from_units(5_000_000));
        assert_eq!(credits(&raw("\"2.5\"")).unwrap().units(), 2_500_000);
        assert_eq!(credits(&raw("2.5")).unwrap().units(), 2_500_000);
        assert_eq!(credits(&raw("5")).unwrap().units(), 5_000_000);
        for refused in [
            "5.1",
            "-1",
            "\"0.0000001\"",
            "\"x\"",
            "true",
            "null",
            "1e400",
            "\"1e2\"",
        ] {
            assert!(credits(&raw(refused)).is_err(), "{refused}");
        }
        let money = amount("US dollars", 9, Nanodollars::ZERO, Nanodollars::MAX);
        assert!(money(&raw("99999999999999999999")).is_err());
    }

    #[test]
    fn text_is_trimmed_and_must_be_one_line() {
        assert_eq!(text(1, 3)(&raw("\" äöü \"")).unwrap(), "äöü");
        for refused in [
            "\"\"",
            "\"   \"",
            "\"abcd\"",
            "\"a\\nb\"",
            "\"a\\u0000b\"",
            "1",
            "[]",
        ] {
            assert!(text(1, 3)(&raw(refused)).is_err(), "{refused}");
        }
    }

    #[test]
    fn patterns_hold_no_white_space_and_nothing_invisible() {
        assert_eq!(patterns(&raw(r#"["openai/*","gpt-5"]"#)).unwrap().len(), 2);
        assert!(patterns(&raw("[]")).unwrap().is_empty());
        for refused in [r#"[""]"#, r#"["a b"]"#, r#"["a\u200b"]"#, r#""openai/*""#, "[1]"] {
            assert!(patterns(&raw(refused)).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_key_is_tidied_and_a_refusal_repeats_nothing_of_it() {
        assert_eq!(secret(&raw("\" Bearer sk-abc \"")).unwrap().expose(), b"sk-abc");
        for refused in ["\"\"", "\"sk-canary\\n77\"", "77", "null", "[\"sk-canary\"]"] {
            let allowed = secret(&raw(refused)).unwrap_err();
            assert!(
                !allowed.contains("canary") && !allowed.contains("77"),
                "{allowed}"
            );
        }
    }
}
