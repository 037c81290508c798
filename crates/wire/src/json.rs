//! Reading and writing JSON without building a tree: values as borrowed text, where they stand, and what is spliced in.

mod scan;
mod splice;
mod write;

use std::borrow::Cow;

pub(crate) use scan::{ScanFault, Scanner};
pub(crate) use splice::Splice;
pub(crate) use write::{List, Object};

/// Replies and errors may nest this deep.
pub(crate) const DEPTH_MAX: usize = 128;

/// Where a part stands in a text, as byte offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    /// Where `part`, which was borrowed from `whole`, stands in it.
    pub(crate) fn of(part: &str, whole: &str) -> Self {
        let start = part.as_ptr().addr().saturating_sub(whole.as_ptr().addr());
        Self {
            start,
            end: start + part.len(),
        }
    }
}

/// The name behind a member's key as it is written, quotes included. Escapes are resolved: `"mod\u0065l"` is `model`.
pub(crate) fn name(key: &str) -> Cow<'_, str> {
    text(key).unwrap_or(Cow::Borrowed(key))
}

/// The text behind a JSON string; nothing if the value is no string or holds half a surrogate pair.
pub(crate) fn text(json: &str) -> Option<Cow<'_, str>> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str::<String>(json).ok().map(Cow::Owned)
}

/// Appends `text` as a JSON string.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    // Writing to a vector cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// A member of an object: its name, and its value as it is written.
pub(crate) type Member<'a> = (Cow<'a, str>, &'a str);

/// The members of a JSON object in order; nothing if the text is none.
pub(crate) fn members(json: &str) -> Option<Vec<Member<'_>>> {
    let mut members = Vec::new();
    let mut scanner = Scanner::new(json, DEPTH_MAX);
    scanner
        .object(|scanner, key| {
            members.push((name(key), scanner.value()?));
            Ok::<(), ScanFault>(())
        })
        .ok()?;
    scanner.end().ok()?;
    Some(members)
}

/// The value of a member that is not null.
pub(crate) fn member<'a>(members: &[Member<'a>], name: &str) -> Option<&'a str> {
    members
        .iter()
        .find(|(known, value)| known == name && *value != "null")
        .map(|(_, value)| *value)
}

/// The items of a JSON list as they are written; nothing if the text is none.
pub(crate) fn items(json: &str) -> Option<Vec<&str>> {
    let mut items = Vec::new();
    let mut scanner = Scanner::new(json, DEPTH_MAX);
    scanner
        .list(|scanner| {
            items.push(scanner.value()?);
            Ok::<(), ScanFault>(())
        })
        .ok()?;
    scanner.end().ok()?;
    Some(items)
}
