//! Takes the key in use out of what a provider sends, even where it comes in pieces.

use bytes::{Bytes, BytesMut};

use super::auth::OpenKey;

/// What stands in the place of the key.
const REDACTED: &[u8] = b"[redacted]";
/// A reply that ends within the key, so far into it, ends in no ordinary word.
const TELLING_BYTES: usize = 12;

/// Reads a reply piece by piece and takes one key out of it.
///
/// What could be the beginning of the key is held back until the next piece decides. Keys begin rarely, so nearly every
/// piece leaves as it came, without a copy.
pub(super) struct KeyScrubber {
    key: OpenKey,
    held: Bytes,
    found: bool,
}

impl KeyScrubber {
    pub(super) fn new(key: OpenKey) -> Self {
        Self {
            key,
            held: Bytes::new(),
            found: false,
        }
    }

    /// The part of the reply that may go on now, and whether the key was taken out of it.
    pub(super) fn scrub(&mut self, piece: Bytes) -> (Bytes, bool) {
        let text = if self.held.is_empty() {
            piece
        } else {
            joined(&std::mem::take(&mut self.held), &piece)
        };
        let (text, found) = self.without_key(text);
        self.found |= found;
        let begun = self.key.begun_at_end_of(&text);
        if begun == 0 {
            return (text, found);
        }
        let mut text = text;
        self.held = text.split_off(text.len() - begun);
        (text, found)
    }

    /// What was held back when the reply ended: less than the key, or nothing if it was most likely a part of it.
    pub(super) fn finish(&mut self) -> (Bytes, bool) {
        let held = std::mem::take(&mut self.held);
        if held.len() < TELLING_BYTES {
            return (held, false);
        }
        self.found = true;
        (Bytes::from_static(REDACTED), true)
    }

    /// Whether the key was in anything so far.
    pub(super) fn found(&self) -> bool {
        self.found
    }

    fn without_key(&self, text: Bytes) -> (Bytes, bool) {
        let Some(mut start) = self.key.find_in(&text) else {
            return (text, false);
        };
        let mut clean = BytesMut::with_capacity(text.len());
        let mut rest = text;
        loop {
            clean.extend_from_slice(&rest.split_to(start));
            clean.extend_from_slice(REDACTED);
            let _key = rest.split_to(self.key.len());
            match self.key.find_in(&rest) {
                Some(next) => start = next,
                None => break,
            }
        }
        clean.extend_from_slice(&rest);
        (clean.freeze(), true)
    }
}

impl std::fmt::Debug for KeyScrubber {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What is held back is a part of the key.
        out.debug_struct("KeyScrubber")
            .field("found", &self.found)
            .finish_non_exhaustive()
    }
}

fn joined(held: &[u8], piece: &[u8]) -> Bytes {
    let mut text = BytesMut::with_capacity(held.len() + piece.len());
    text.extend_from_slice(held);
    text.extend_from_slice(piece);
    text.freeze()
}

#[cfg(test)]
mod tests {
    use freehold_vault::Secret;
    use freehold_wire::adapter::AuthScheme;

    use super::super::auth::Credential;
    use super::*;

    const KEY: &str = "sk-sk-canary-0123456789abcdef";

    fn scrubber() -> KeyScrubber {
        Credential::new(AuthScheme::Bearer, Secret::from_text(KEY.to_owned()))
            .unwrap()
            .scrubber()
    }

    fn scrubbed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (String, bool) {
        let mut scrubber = scrubber();
        let mut out = Vec::new();
        for piece in pieces {
            out.extend_from_slice(&scrubber.scrub(Bytes::copy_from_slice(piece)).0);
        }
        out.extend_from_slice(&scrubber.finish().0);
        (String::from_utf8(out).unwrap(), scrubber.found())
    }

    #[test]
    fn a_key_is_taken_out_wherever_the_reply_is_cut_into_two_or_three() {
        let reply = format!("data: {{\"a\":\"Bearer {KEY}\"}}\n\n: {KEY}{KEY} s sk-s\n\n");
        let clean = reply.replace(KEY, "[redacted]");
        let bytes = reply.as_bytes();
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(
                    scrubbed(pieces),
                    (clean.clone(), true),
                    "cut at {first} and {second}"
                );
            }
        }
    }

    #[test]
    fn a_key_is_taken_out_of_a_reply_that_drips() {
        let reply = format!("x{KEY}y");
        assert_eq!(
            scrubbed(reply.as_bytes().chunks(1)),
            ("x[redacted]y".to_owned(), true)
        );
    }

    #[test]
    fn what_only_begins_like_the_key_comes_through_whole() {
        for reply in [
            "",
            "s",
            "sk-",
            "sk-sk-canar",
            "ask sk-sk-sk-canary-012345678 ssss",
            "sk-sk-canary-0123456789abcdeg",
        ] {
            for size in 1..=reply.len().max(1) {
                assert_eq!(
                    scrubbed(reply.as_bytes().chunks(size)),
                    (reply.to_owned(), false),
                    "pieces of {size}"
                );
            }
        }
    }

    #[test]
    fn a_reply_that_ends_within_the_key_does_not_give_most_of_it_away() {
        assert_eq!(
            scrubbed([&b"x sk-sk-canary-0123456789abcde"[..]]),
            ("x [redacted]".to_owned(), true)
        );
    }

    #[test]
    fn a_piece_without_the_key_leaves_without_a_copy() {
        let piece = Bytes::from_static(b"data: {\"choices\":[{\"delta\":{\"content\":\"ask\"}}]}\n\n");
        let (same, found) = scrubber().scrub(piece.clone());
        assert_eq!(
            (same.as_ptr(), same.len(), found),
            (piece.as_ptr(), piece.len(), false)
        );
    }

    #[test]
    fn what_is_held_back_is_not_shown() {
        let mut scrubber = scrubber();
        assert_eq!(scrubber.scrub(Bytes::from_static(b"x sk-sk-canary")).0, "x ");
        assert!(!format!("{scrubber:?}").contains("canary"));
    }
}
