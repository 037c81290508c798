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
            key: OpenKey(Arc::new(secret)),
        })
    }

    /// A reader of replies that takes the key out wherever a provider repeats it.
    #[must_use]
    pub fn scrubber(&self) -> KeyScrubber {
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

/// A key that can be looked for and not looked at.
#[derive(Clone)]
pub(super) struct OpenKey(Arc<Secret>);

impl OpenKey {
    fn bytes(&self) -> &[u8] {
        self.0.expose()
    }

    /// How long it is.
    pub(super) fn len(&self) -> usize {
        self.bytes().len()
    }

    /// Where it begins in `text`.
    pub(super) fn find_in(&self, text: &[u8]) -> Option<usize> {
        memchr::memmem::find(text, self.bytes())
    }

    /// How many bytes at the end of `text` could be the beginning of the key: as many as possible, less than all of it.
    pub(super) fn begun_at_end_of(&self, text: &[u8]) -> usize {
        let key = self.bytes();
        let Some((first, _)) = key.split_first() else {
            return 0;
        };
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
    fn the_longest_possible_beginning_of_the_key_is_found_at_the_end() {
        let key = OpenKey(Arc::new(Secret::from_text("abcabd".to_owned())));
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
