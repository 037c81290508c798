//! The one type that holds a secret: wiped when dropped, never printed, never serialised, looked into at one place.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use zeroize::Zeroizing;

/// The longest secret that is taken from a person, in bytes.
pub const PASTED_BYTES_MAX: usize = 4096;

/// What a person pasted cannot be a provider's secret. The texts repeat nothing of what was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PastedSecretError {
    /// Nothing was left after trimming.
    #[error("the key is empty; paste the key itself, without quotes or `Bearer`")]
    Empty,
    /// Longer than any provider's key.
    #[error("the key is longer than {PASTED_BYTES_MAX} bytes; paste the key alone, not a file around it")]
    TooLong,
    /// A line break, tab or another control character inside.
    #[error(
        "the key has a line break or another control character at character {position}; copy it again as one line"
    )]
    ControlCharacter {
        /// Counted from 1, after trimming.
        position: usize,
    },
    /// Something that is no plain letter, digit or sign.
    #[error(
        "the key has a character that is not plain ASCII at character {position}, often an invisible one that came \
         along with the copy; copy it again from the provider's page"
    )]
    NotAscii {
        /// Counted from 1, after trimming.
        position: usize,
    },
}

/// Bytes that must stay unknown: a provider key, a virtual key, a token, a root key in text form.
///
/// Can be read from JSON and not written to it, and shows nothing when formatted.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// The secret that is the bytes of `text`, without a copy.
    #[must_use]
    pub fn from_text(text: String) -> Self {
        Self::from_bytes(text.into_bytes())
    }

    /// The secret that is `bytes`, without a copy.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The secret in a buffer that is wiped already.
    pub(crate) const fn from_wiped(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// The bytes themselves. Each use is a place where a secret can leak, so the uses are counted by a check.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it begins with `start`, such as the scheme of a URL that holds a password.
    #[must_use]
    pub fn starts_with(&self, start: &[u8]) -> bool {
        self.0.starts_with(start)
    }

    /// The secret fit for an HTTP header, as its owner meant it: without white space, quotes and `Bearer` around it.
    ///
    /// # Errors
    /// If what is left is empty, too long, or holds what no header value may hold.
    pub fn tidied(&self) -> Result<Self, PastedSecretError> {
        let Ok(text) = std::str::from_utf8(&self.0) else {
            let position = String::from_utf8_lossy(&self.0)
                .chars()
                .take_while(char::is_ascii)
                .count()
                + 1;
            return Err(PastedSecretError::NotAscii { position });
        };
        let kept = without_bearer(without_frame(text));
        if kept.is_empty() {
            return Err(PastedSecretError::Empty);
        }
        if kept.len() > PASTED_BYTES_MAX {
            return Err(PastedSecretError::TooLong);
        }
        for (index, character) in kept.chars().enumerate() {
            let position = index + 1;
            if !character.is_ascii() {
                return Err(PastedSecretError::NotAscii { position });
            }
            if character.is_ascii_control() {
                return Err(PastedSecretError::ControlCharacter { position });
            }
        }
        Ok(Self::from_bytes(kept.as_bytes().to_vec()))
    }
}

/// `text` without white space and quotes at its ends, typographic quotes among them.
fn without_frame(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '“' | '”' | '‘' | '’'))
}

/// `text` without a leading `Bearer`, in any case.
fn without_bearer(text: &str) -> &str {
    match text.split_at_checked("bearer".len()) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => {
            let key = without_frame(rest);
            // `bearerABC` is a key of its own; `Bearer` alone is a scheme without a key.
            if key.len() < rest.len() || rest.is_empty() {
                key
            } else {
                text
            }
        }
        _ => text,
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(…)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Asked for a string, a format words its own error about a wrong type, and repeats the value. Asked for anything,
        // it hands the value to the visitor, which does not.
        deserializer.deserialize_any(SecretVisitor)
    }
}

struct SecretVisitor;

/// What serde would say about a number or a truth value repeats it, and it may be somebody's password.
macro_rules! refuse_without_repeating {
    ($($method:ident: $type:ty),*) => {
        $(fn $method<E: de::Error>(self, _: $type) -> Result<Secret, E> {
            Err(E::custom("the key must be a string"))
        })*
    };
}

impl Visitor<'_> for SecretVisitor {
    type Value = Secret;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret, E> {
        Ok(Secret::from_bytes(text.as_bytes().to_vec()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Secret, E> {
        Ok(Secret::from_text(text))
    }

    refuse_without_repeating!(
        visit_bool: bool, visit_i64: i64, visit_i128: i128, visit_u64: u64, visit_u128: u128, visit_f64: f64, visit_char: char
    );
}

#[cfg(test)]
mod tests {
    use std::marker::PhantomData;

    use super::*;

    const CANARY: &str = "sk-canary-0123456789abcdef";

    fn tidied(text: &str) -> Result<String, PastedSecretError> {
        let secret = Secret::from_text(text.to_owned()).tidied()?;
        Ok(String::from_utf8(secret.expose().to_vec()).unwrap())
    }

    #[test]
    fn formatting_a_secret_shows_nothing_of_it() {
        #[derive(Debug)]
        struct Request {
            api_key: Option<Secret>,
        }
        let request = Request {
            api_key: Some(Secret::from_text(CANARY.to_owned())),
        };
        for shown in [
            format!("{request:?}"),
            format!("{request:#?}"),
            format!("{:02x?}", request.api_key),
        ] {
            assert!(shown.contains("Secret(…)"), "{shown}");
            assert!(
                !shown.contains("canary") && !shown.contains("sk-") && !shown.contains("0123"),
                "{shown}"
            );
        }
    }

    /// Whether the type has the traits: an inherent constant hides the trait's of the same name where its bounds hold.
    macro_rules! implements {
        ($type:ty: $($bound:path),+) => {{
            #[allow(dead_code, reason = "of the two constants one is never chosen, which is the point")]
            trait Otherwise {
                const IMPLEMENTED: bool = false;
            }
            struct Probe<T>(PhantomData<T>);
            impl<T> Otherwise for Probe<T> {}
            #[allow(dead_code, reason = "of the two constants one is never chosen, which is the point")]
            impl<T: $($bound +)+> Probe<T> {
                const IMPLEMENTED: bool = true;
            }
            Probe::<$type>::IMPLEMENTED
        }};
    }

    #[test]
    #[expect(
        clippy::allow_attributes,
        reason = "which half of the probe goes unused differs from type to type"
    )]
    fn a_secret_can_be_neither_serialised_nor_displayed_nor_copied_nor_compared() {
        assert!(
            implements!(String: serde::Serialize),
            "the probe itself must be able to say yes"
        );
        assert!(
            implements!(Secret: fmt::Debug),
            "the probe itself must be able to say yes"
        );
        assert!(!implements!(Secret: serde::Serialize));
        assert!(!implements!(Secret: fmt::Display));
        assert!(!implements!(Secret: fmt::LowerHex));
        assert!(!implements!(Secret: Clone));
        assert!(!implements!(Secret: PartialEq));
        assert!(!implements!(Secret: AsRef<[u8]>));
        assert!(!implements!(Secret: std::ops::Deref));
    }

    #[test]
    fn a_secret_is_read_from_json_and_a_wrong_type_is_not_repeated() {
        let secret: Secret = serde_json::from_str(r#""sk-\u0061bc""#).unwrap();
        assert_eq!(secret.expose(), b"sk-abc");
        for wrong in [
            "8675309",
            "-8675309",
            "8675309.5",
            "true",
            "[8675309]",
            r#"{"key":8675309}"#,
            "null",
        ] {
            let error = serde_json::from_str::<Secret>(wrong).unwrap_err().to_string();
            assert!(!error.contains("8675309") && !error.contains("true"), "{error}");
        }
    }

    #[test]
    fn what_people_paste_around_a_key_is_taken_off() {
        for pasted in [
            "sk-abc",
            "  sk-abc\r\n",
            "\"sk-abc\"",
            "“sk-abc”",
            "Bearer sk-abc",
            "bearer \"sk-abc\"",
            " 'Bearer  sk-abc' \n",
            "\u{a0}sk-abc\u{a0}",
        ] {
            assert_eq!(tidied(pasted).as_deref(), Ok("sk-abc"), "{pasted:?}");
        }
        assert_eq!(tidied("bearerabc").as_deref(), Ok("bearerabc"));
        assert_eq!(tidied("two words").as_deref(), Ok("two words"));
    }

    #[test]
    fn what_cannot_be_a_key_is_refused_with_its_place_and_without_its_content() {
        for empty in ["", "  ", "\"\"", "Bearer", "Bearer  ", "\n"] {
            assert_eq!(tidied(empty), Err(PastedSecretError::Empty), "{empty:?}");
        }
        assert_eq!(
            tidied("sk-a\r\nHost: x"),
            Err(PastedSecretError::ControlCharacter { position: 5 })
        );
        assert_eq!(
            tidied("sk-\u{7f}"),
            Err(PastedSecretError::ControlCharacter { position: 4 })
        );
        assert_eq!(
            tidied("sk\u{200b}-abc"),
            Err(PastedSecretError::NotAscii { position: 3 })
        );
        let not_text = Secret::from_bytes(vec![b'a', b'b', 0xff]).tidied();
        assert_eq!(not_text.unwrap_err(), PastedSecretError::NotAscii { position: 3 });
        assert!(tidied(&"k".repeat(PASTED_BYTES_MAX)).is_ok());
        assert_eq!(
            tidied(&"k".repeat(PASTED_BYTES_MAX + 1)),
            Err(PastedSecretError::TooLong)
        );
    }
}
