//! How deep a JSON text nests, without reading it otherwise.

/// Whether brackets in `text` nest deeper than `depth_max`. The text need not be valid JSON.
pub(crate) fn nests_deeper_than(text: &[u8], depth_max: usize) -> bool {
    let mut rest = text;
    let mut depth = 0_usize;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'"' => rest = after_string(rest),
            b'{' | b'[' => {
                depth += 1;
                if depth > depth_max {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// What follows the string whose opening quote was just read.
fn after_string(mut rest: &[u8]) -> &[u8] {
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
        let skip = if rest.get(at) == Some(&b'"') { 1 } else { 2 };
        let after = rest.get(at + skip..).unwrap_or_default();
        if skip == 1 {
            return after;
        }
        rest = after;
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_count_outside_strings_only() {
        assert!(!nests_deeper_than(br#"{"a":["[[[[\"[[[["]}"#, 2));
        assert!(nests_deeper_than(br#"{"a":[[]]}"#, 2));
        assert!(!nests_deeper_than(br#"[[],[],[[]]]"#, 3));
        assert!(!nests_deeper_than(b"\"never closed [[[[", 1));
    }
}
