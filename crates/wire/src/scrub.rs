//! Taking what looks like a credential out of a text that others will read.

use std::borrow::Cow;

/// Beginnings of provider keys, each followed by the key itself.
const PREFIXES: &[&str] = &[
    "sk-", "AIza", "AQ.", "gsk_", "xai-", "nvapi-", "pplx-", "hf_", "csk-", "fw_", "tgp_v1_", "fh_", "ABSK",
    "Bearer ", "bearer ", "key=",
];

/// Fewer characters than this after a prefix are a word, not a key.
const KEY_LENGTH_MIN: usize = 6;

/// The text with everything that looks like a credential replaced by `[redacted]`.
///
/// What follows a known prefix is taken up to the first character that cannot stand in a key. Masked keys such as
/// `sk-ab***yz` are taken whole: a short mask gives most of a key away.
#[must_use]
pub fn scrub_patterns(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut rest = text;
    let mut kept_from = text;
    let mut before = None;
    while let Some(first) = rest.chars().next() {
        let key_length = if before.is_some_and(is_key_character) {
            0
        } else {
            key_length(rest)
        };
        if key_length == 0 {
            before = Some(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        }
        let kept = kept_from.len() - rest.len();
        out.push_str(kept_from.get(..kept).unwrap_or_default());
        out.push_str("[redacted]");
        rest = rest.get(key_length..).unwrap_or_default();
        kept_from = rest;
        before = None;
    }
    if out.is_empty() && kept_from.len() == text.len() {
        return Cow::Borrowed(text);
    }
    out.push_str(kept_from);
    Cow::Owned(out)
}

/// How many bytes of what stands at the start of `text` are a credential; 0 if none.
fn key_length(text: &str) -> usize {
    // A word that is masked is a key, whatever its prefix.
    let word = text
        .find(|c| !is_key_character(c))
        .map_or(text, |end| text.get(..end).unwrap_or_default());
    if word.contains("***") {
        return word.len();
    }
    for prefix in PREFIXES {
        let Some(after) = text.strip_prefix(prefix) else {
            continue;
        };
        let length: usize = after
            .chars()
            .take_while(|&c| is_key_character(c))
            .map(char::len_utf8)
            .sum();
        if length >= KEY_LENGTH_MIN {
            return prefix.len() + length;
        }
    }
    0
}

fn is_key_character(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || matches!(character, '-' | '_' | '.' | '*' | '+' | '/' | '=' | '…' | '•')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_taken_out_and_the_sentence_stays() {
        for (text, expected) in [
            (
                "Incorrect API key provided: sk-proj-abc****wxyz. See",
                "Incorrect API key provided: [redacted] See",
            ),
            ("AIzaSyA1234567 is bad", "[redacted] is bad"),
            ("header 'Bearer gsk_1234567'", "header '[redacted]'"),
            ("url?key=abcdefgh&x=1", "url?[redacted]&x=1"),
            (
                "Your api key: ****abcd is invalid",
                "Your api key: [redacted] is invalid",
            ),
            ("a nvapi-1234567 b xai-1234567 c", "a [redacted] b [redacted] c"),
        ] {
            assert_eq!(scrub_patterns(text), expected);
        }
    }

    #[test]
    fn words_that_begin_like_a_key_stay() {
        for text in [
            "a sk-y word",
            "task-oriented text",
            "key= value",
            "",
            "plain ä text",
        ] {
            assert!(matches!(scrub_patterns(text), Cow::Borrowed(_)), "{text}");
        }
    }
}
