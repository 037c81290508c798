//! The members of a JSON object, handed out one by one to rules that say what is allowed.
//!
//! This stands in the place of a derived reader for one reason: a derived reader quotes the value it refuses, and here any
//! value may be somebody's key in the wrong field. Refusals made here name the field and what is allowed, and repeat nothing.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::{ApiError, Code};

/// What a rule asks for, put so that it follows "`field` must be".
pub(crate) type Allowed = Cow<'static, str>;

/// The members of one JSON object.
pub(crate) struct Fields<'a> {
    /// What stands before a member's name in messages: empty, or `limits.`.
    path: String,
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
}

/// What a change does to a field that can be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change<T> {
    /// Not mentioned: stays as it is.
    Keep,
    /// `null`: is empty afterwards.
    Clear,
    /// Is this afterwards.
    Set(T),
}

impl<'a> Fields<'a> {
    /// The members of the object that is the whole body; refused if there are others than `known`.
    pub(crate) fn of_body(bytes: &'a [u8], known: &[&str]) -> Result<Self, ApiError> {
        let malformed = |message: String| ApiError::new(Code::InvalidRequest, message);
        if bytes.trim_ascii().is_empty() {
            return Err(malformed("The body is empty; send a JSON object.".to_owned()));
        }
        let raw: &RawValue = serde_json::from_slice(bytes).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            malformed(format!(
                "The body is not valid JSON; the fault is near line {line}, column {column}."
            ))
        })?;
        let members = members(raw).ok_or_else(|| malformed("The body must be a JSON object.".to_owned()))?;
        Self::checked(String::new(), members, known)
    }

    fn checked(
        path: String,
        members: Vec<(Cow<'a, str>, &'a RawValue)>,
        known: &[&str],
    ) -> Result<Self, ApiError> {
        let mut seen = HashSet::new();
        for (name, _) in &members {
            if !known.contains(&name.as_ref()) {
                let shown = shown_name(&path, name);
                let message = match &shown {
                    Some(shown) => format!("`{shown}` is not a known field; known are {}.", known.join(", ")),
                    None => format!(
                        "The body has a field that is not known; known are {}.",
                        known.join(", ")
                    ),
                };
                let error = ApiError::new(Code::InvalidRequest, message);
                return Err(match shown {
                    Some(shown) => error.about(shown),
                    None => error,
                });
            }
            if !seen.insert(name.as_ref()) {
                let at = format!("{path}{name}");
                return Err(ApiError::invalid(
                    at.clone(),
                    format!("`{at}` is given more than once; give it once."),
                ));
            }
        }
        Ok(Self { path, members })
    }

    /// The field's value; refused if it is absent or null.
    pub(crate) fn required<T>(
        &mut self,
        name: &'static str,
        rule: impl Fn(&RawValue) -> Result<T, Allowed>,
    ) -> Result<T, ApiError> {
        match self.take(name) {
            Some(raw) => self.judge(name, raw, rule),
            None => {
                let at = format!("{}{name}", self.path);
                Err(ApiError::invalid(
                    at.clone(),
                    format!("`{at}` is missing; it is required."),
                ))
            }
        }
    }

    /// The field's value; nothing if it is absent or null.
    pub(crate) fn optional<T>(
        &mut self,
        name: &'static str,
        rule: impl Fn(&RawValue) -> Result<T, Allowed>,
    ) -> Result<Option<T>, ApiError> {
        match self.take(name) {
            Some(raw) if raw.get() != "null" => self.judge(name, raw, rule).map(Some),
            _ => Ok(None),
        }
    }

    /// The field's new value; nothing if it is absent. `null` is refused like any other wrong value.
    pub(crate) fn replaced<T>(
        &mut self,
        name: &'static str,
        rule: impl Fn(&RawValue) -> Result<T, Allowed>,
    ) -> Result<Option<T>, ApiError> {
        self.take(name).map(|raw| self.judge(name, raw, rule)).transpose()
    }

    /// What becomes of a field that can be empty.
    pub(crate) fn change<T>(
        &mut self,
        name: &'static str,
        rule: impl Fn(&RawValue) -> Result<T, Allowed>,
    ) -> Result<Change<T>, ApiError> {
        match self.take(name) {
            None => Ok(Change::Keep),
            Some(raw) if raw.get() == "null" => Ok(Change::Clear),
            Some(raw) => self.judge(name, raw, rule).map(Change::Set),
        }
    }

    /// The members of the object in field `name`, which may have the members `known` only.
    pub(crate) fn object(&mut self, name: &'static str, known: &[&str]) -> Result<Change<Self>, ApiError> {
        let at = format!("{}{name}", self.path);
        match self.take(name) {
            None => Ok(Change::Keep),
            Some(raw) if raw.get() == "null" => Ok(Change::Clear),
            Some(raw) => match members(raw) {
                Some(members) => Self::checked(format!("{at}."), members, known).map(Change::Set),
                None => Err(ApiError::invalid(
                    at.clone(),
                    format!("`{at}` must be a JSON object."),
                )),
            },
        }
    }

    fn take(&self, name: &str) -> Option<&'a RawValue> {
        self.members
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, raw)| *raw)
    }

    fn judge<T>(
        &self,
        name: &'static str,
        raw: &RawValue,
        rule: impl Fn(&RawValue) -> Result<T, Allowed>,
    ) -> Result<T, ApiError> {
        rule(raw).map_err(|allowed| {
            let at = format!("{}{name}", self.path);
            ApiError::invalid(at.clone(), format!("`{at}` must be {allowed}."))
        })
    }
}

/// The name of an unknown field, if it is a name somebody may have meant. Keys are longer, and have digits.
fn shown_name(path: &str, name: &str) -> Option<String> {
    let is_word = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let is_plain = match name.len() {
        1..=24 => name
            .bytes()
            .all(|byte| is_word(byte) || byte.is_ascii_digit() || byte == b'-'),
        25..=40 => name.bytes().all(is_word),
        _ => false,
    };
    is_plain.then(|| format!("{path}{name}"))
}

fn members<'a>(raw: &'a RawValue) -> Option<Vec<(Cow<'a, str>, &'a RawValue)>> {
    struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);
    impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Collect;
            impl<'de> Visitor<'de> for Collect {
                type Value = Vec<(Cow<'de, str>, &'de RawValue)>;
                fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                    out.write_str("a JSON object")
                }
                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                    let mut members = Vec::new();
                    while let Some((Name(name), value)) = map.next_entry()? {
                        members.push((name, value));
                    }
                    Ok(members)
                }
            }
            deserializer.deserialize_map(Collect).map(Members)
        }
    }
    let Members(members) = serde_json::from_str(raw.get()).ok()?;
    Some(members)
}

/// A member's name, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule;

    const KNOWN: [&str; 3] = ["label", "priority", "limits"];

    fn refusal(body: &str) -> String {
        let read = || -> Result<(), ApiError> {
            let mut fields = Fields::of_body(body.as_bytes(), &KNOWN)?;
            fields.optional("label", rule::text(1, 5))?;
            fields.optional("priority", rule::integer(-5, 5))?;
            if let Change::Set(mut limits) = fields.object("limits", &["tokens"])? {
                limits.required("tokens", rule::integer(0, 5))?;
            }
            Ok(())
        };
        format!("{:?}", read().expect_err(body))
    }

    #[test]
    fn every_refusal_names_the_field_and_what_is_allowed() {
        for (body, expected) in [
            (
                r#"{"priority":"x"}"#,
                "`priority` must be a whole number from -5 to 5",
            ),
            (
                r#"{"priority":6}"#,
                "`priority` must be a whole number from -5 to 5",
            ),
            (
                r#"{"priority":1.5}"#,
                "`priority` must be a whole number from -5 to 5",
            ),
            (
                r#"{"label":"abcdef"}"#,
                "`label` must be text of 1 to 5 characters",
            ),
            (r#"{"label":7}"#, "`label` must be text of 1 to 5 characters"),
            (
                r#"{"labl":"a"}"#,
                "`labl` is not a known field; known are label, priority, limits",
            ),
            (r#"{"label":"a","label":"b"}"#, "`label` is given more than once"),
            (
                r#"{"limits":{"tokens":null}}"#,
                "`limits.tokens` must be a whole number",
            ),
            (r#"{"limits":{}}"#, "`limits.tokens` is missing"),
            (
                r#"{"limits":{"x":1}}"#,
                "`limits.x` is not a known field; known are tokens",
            ),
            (r#"{"limits":[]}"#, "`limits` must be a JSON object"),
            ("[]", "The body must be a JSON object"),
            ("\"text\"", "The body must be a JSON object"),
            (" ", "The body is empty"),
            ("{\"label\":", "not valid JSON; the fault is near line 1"),
            ("{} {}", "not valid JSON"),
        ] {
            let refused = refusal(body);
            assert!(refused.contains(expected), "{body}: {refused}");
        }
    }

    #[test]
    fn no_refusal_repeats_what_was_sent() {
        const CANARY: &str = "sk-canary-0123456789abcdef";
        for body in [
            format!(r#"{{"priority":"{CANARY}"}}"#),
            format!(r#"{{"limits":"{CANARY}"}}"#),
            format!(r#"{{"limits":{{"tokens":"{CANARY}"}}}}"#),
            format!(r#"{{"{CANARY}":1}}"#),
            format!(r#"{{"limits":{{"{CANARY}":1}}}}"#),
            format!(r#""{CANARY}""#),
            format!(r#"{{"label":"{CANARY}"#),
            format!(r#"{{"label":"{CANARY}"}}"#),
            CANARY.to_owned(),
        ] {
            let refused = refusal(&body);
            assert!(
                !refused.contains("canary") && !refused.contains("0123"),
                "{refused}"
            );
        }
    }

    #[test]
    fn absent_and_null_are_told_apart() {
        let mut fields = Fields::of_body(br#"{"label":null}"#, &KNOWN).unwrap();
        assert_eq!(fields.change("label", rule::text(1, 5)).unwrap(), Change::Clear);
        assert_eq!(
            fields.change("priority", rule::integer(0_i32, 5)).unwrap(),
            Change::Keep
        );
        assert!(fields.replaced("label", rule::text(1, 5)).is_err());
        assert_eq!(fields.optional("label", rule::text(1, 5)).unwrap(), None);
    }

    #[test]
    fn a_name_written_with_escapes_is_the_same_name() {
        let mut fields = Fields::of_body(br#"{"l\u0061bel":"x"}"#, &KNOWN).unwrap();
        assert_eq!(fields.required("label", rule::text(1, 5)).unwrap(), "x");
        assert!(refusal(r#"{"l\u0061bel":"a","label":"b"}"#).contains("more than once"));
    }
}
