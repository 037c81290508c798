//! The credential of one attempt: written into one header, and looked for in what comes back. The one place outside the
//! vault where a provider key lies open.

use std::sync::Arc;

use bytes::Bytes;
use freehold_vault::Secret;
use freehold_wire::adapter::AuthScheme;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::error::UpstreamError;
use super::scrub::KeyScrubber;

/// A provider key, open for one attempt. Copies share the one secret, which is wiped with the last of them.
#[derive(Clone)]
pub struct Credential {
    header: CredentialHeader,
    key: OpenKey,
}

#[derive(Debug, Clone, Copy)]
enum CredentialHeader {
    Bearer,
    Named(&'static str),
}

impl Credential {
    /// The credential that sends `secret` as `scheme` asks; nothing where the provider wants none or there is none.
    #[must_use]
    pub fn new(scheme: AuthScheme, secret: Secret) -> Option<Self> {
        let header = match scheme {
            AuthScheme::None => return None,
            AuthScheme::Bearer => CredentialHeader::Bearer,
            AuthScheme::Header(name) => CredentialHeader::Named(name),
        };
        (!secret.is_empty()).then(|| Self {
            header,
            key: OpenKey::new(secret),
        })
    }

    /// A reader of replies that takes the key out wherever a provider repeats it.
    pub(super) fn scrubber(&self) -> KeyScrubber {
        KeyScrubber::new(self.key.clone())
    }

    /// The key for looking, not for reading.
    pub(super) fn key(&self) -> &OpenKey {
        &self.key
    }

    /// Writes the header of the credential, in place of any of that name.
    pub(super) fn write(&self, headers: &mut HeaderMap) -> Result<(), UpstreamError> {
        let (name, prefix) = match self.header {
            CredentialHeader::Bearer => (AUTHORIZATION, "Bearer "),
            CredentialHeader::Named(name) => {
                let name = HeaderName::from_lowercase(name.as_bytes());
                (
                    name.map_err(|_| UpstreamError::Malformed("credential's header"))?,
                    "",
                )
            }
        };
        let key = self.key.bytes();
        let mut text = Zeroizing::new(Vec::with_capacity(prefix.len() + key.len()));
        text.extend_from_slice(prefix.as_bytes());
        text.extend_from_slice(key);
        // The header owns the text, so that it is wiped with the request and not only given back.
        let value = HeaderValue::from_maybe_shared(Bytes::from_owner(text));
        let mut value = value.map_err(|_| UpstreamError::Malformed("credential"))?;
        value.set_sensitive(true);
        headers.insert(name, value);
        Ok(())
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Credential(…)")
    }
}

/// After so many places that looked like the key and were not, setting up a search pays.
const MISSES_MAX: usize = 32;

/// A key that can be looked for and not looked at.
#[derive(Clone)]
pub(super) struct OpenKey {
    secret: Arc<Secret>,
    /// Where in the key the character stands that is met least in other texts.
    mark: usize,
}

impl OpenKey {
    fn new(secret: Secret) -> Self {
        let mut key = Self {
            secret: Arc::new(secret),
            mark: 0,
        };
        let rarest = key
            .bytes()
            .iter()
            .enumerate()
            .min_by_key(|(_, byte)| frequency(**byte));
        key.mark = rarest.map_or(0, |(at, _)| at);
        key
    }

    fn bytes(&self) -> &[u8] {
        self.secret.expose()
    }

    /// How long it is.
    pub(super) fn len(&self) -> usize {
        self.bytes().len()
    }

    /// Where it begins in `text`.
    ///
    /// Looks for the one character first: replies come in small pieces, and setting up a search for the whole key costs
    /// more than reading such a piece. A text that is full of that character gets the whole search after all.
    pub(super) fn find_in(&self, text: &[u8]) -> Option<usize> {
        let key = self.bytes();
        let mark = *key.get(self.mark)?;
        let candidates = memchr::memchr_iter(mark, text).filter_map(|at| at.checked_sub(self.mark));
        for (misses, start) in candidates.enumerate() {
            let rest = text.get(start..)?;
            if rest.starts_with(key) {
                return Some(start);
            }
            if misses == MISSES_MAX {
                return memchr::memmem::find(rest, key).map(|found| start + found);
            }
        }
        None
    }

    /// How many bytes at the end of `text` could be the beginning of the key: as many as possible, less than all of it.
    pub(super) fn begun_at_end_of(&self, text: &[u8]) -> usize {
        let key = self.bytes();
        let (Some(first), Some(last)) = (key.first(), text.last()) else {
            return 0;
        };
        // A piece of a stream ends in a line break, which no key has in it.
        if memchr::memchr(*last, key).is_none() {
            return 0;
        }
        let tail_length = text.len().min(key.len() - 1);
        let Some(tail) = text.get(text.len() - tail_length..) else {
            return 0;
        };
        memchr::memchr_iter(*first, tail)
            .filter_map(|start| tail.get(start..))
            .find(|end| key.starts_with(end))
            .map_or(0, <[u8]>::len)
    }
}

/// How often a character is met in replies, roughly: prose and field names are lower case, ids and numbers are digits.
const fn frequency(byte: u8) -> u8 {
    match byte {
        b'A'..=b'Z' => 0,
        b'j' | b'q' | b'x' | b'z' => 1,
        b'0'..=b'9' | b'b' | b'g' | b'k' | b'v' | b'w' | b'y' => 2,
        b'a'..=b'z' => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk-canary-0123456789abcdef";

    fn written(scheme: AuthScheme) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer theirs"));
        headers.append(AUTHORIZATION, HeaderValue::from_static("Basic theirs"));
        headers.append("x-api-key", HeaderValue::from_static("theirs"));
        let credential = Credential::new(scheme, Secret::from_text(KEY.to_owned())).unwrap();
        credential.write(&mut headers).unwrap();
        headers
    }

    #[test]
    fn the_header_replaces_every_other_of_its_name_and_is_marked_sensitive() {
        for (scheme, name, text) in [
            (AuthScheme::Bearer, "authorization", format!("Bearer {KEY}")),
            (AuthScheme::Header("x-api-key"), "x-api-key", KEY.to_owned()),
        ] {
            let headers = written(scheme);
            let values: Vec<_> = headers.get_all(name).iter().collect();
            assert_eq!(values, [text.as_str()]);
            assert!(values[0].is_sensitive());
            assert!(!format!("{headers:?}").contains("canary"), "{headers:?}");
        }
    }

    #[test]
    fn a_provider_that_wants_no_key_gets_none_and_an_empty_key_is_none() {
        assert!(Credential::new(AuthScheme::None, Secret::from_text(KEY.to_owned())).is_none());
        assert!(Credential::new(AuthScheme::Bearer, Secret::from_text(String::new())).is_none());
    }

    #[test]
    fn a_key_that_is_no_header_value_is_refused_without_being_repeated() {
        for text in ["sk-canary\r\nHost: h", "sk-canary\0", "sk-canary\n"] {
            let credential = Credential::new(AuthScheme::Bearer, Secret::from_text(text.to_owned())).unwrap();
            let error = credential.write(&mut HeaderMap::new()).unwrap_err();
            assert!(matches!(error, UpstreamError::Malformed(_)));
            assert!(!format!("{error} {error:?} {credential:?}").contains("canary"));
        }
    }

    #[test]
    fn a_key_is_found_at_its_first_place_whatever_its_rarest_character_is() {
        for key in ["k", "sk-Zabc", "Zbc", "abcZ", "aaaa", "sk-0123"] {
            let open = OpenKey::new(Secret::from_text(key.to_owned()));
            for (before, after) in [
                ("", ""),
                ("Z", "Z"),
                ("aaZ", "bc"),
                ("sk-", "0"),
                ("sk-sk-Zab", ""),
            ] {
                let text = format!("{before}{key}{after}{key}");
                assert_eq!(open.find_in(text.as_bytes()), text.find(key), "{key} in {text}");
            }
            let crowded = format!("{}{key}", format!("{}#", &key[..key.len() - 1]).repeat(100));
            assert_eq!(open.find_in(crowded.as_bytes()), crowded.find(key), "{key}");
            assert_eq!(open.find_in(&key.as_bytes()[1..]), None);
            assert_eq!(open.find_in(b""), None);
        }
    }

    #[test]
    fn the_longest_possible_beginning_of_the_key_is_found_at_the_end() {
        let key = OpenKey::new(Secret::from_text("abcabd".to_owned()));
        for (text, length) in [
            ("", 0),
            ("x", 0),
            ("a", 1),
            ("xab", 2),
            ("abca", 4),
            ("xabcab", 5),
            ("abcabc", 3),
            ("abcabd", 0),
            ("aaaa", 1),
        ] {
            assert_eq!(key.begun_at_end_of(text.as_bytes()), length, "{text:?}");
        }
    }
}
