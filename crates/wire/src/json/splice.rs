//! Changing a few places of a text and leaving every other byte as it was.

use bytes::Bytes;

use super::Span;

/// Changes to one text, in the order of their places.
pub(crate) struct Splice<'a> {
    source: &'a Bytes,
    edits: Vec<(Span, Vec<u8>)>,
}

impl<'a> Splice<'a> {
    /// No change yet to `source`.
    pub(crate) fn new(source: &'a Bytes) -> Self {
        Self {
            source,
            edits: Vec::with_capacity(4),
        }
    }

    /// Puts `text` in the place of `span`.
    pub(crate) fn replace(&mut self, span: Span, text: Vec<u8>) {
        self.edits.push((span, text));
    }

    /// Puts `text` at `at`. What was put there before stays in front.
    pub(crate) fn insert(&mut self, at: usize, text: Vec<u8>) {
        self.replace(Span { start: at, end: at }, text);
    }

    /// The changed text; the source itself if nothing changed. Places must not overlap.
    pub(crate) fn finish(mut self) -> Bytes {
        if self.edits.is_empty() {
            return self.source.clone();
        }
        self.edits.sort_by_key(|(span, _)| span.start);
        let added: usize = self.edits.iter().map(|(_, text)| text.len()).sum();
        let mut out = Vec::with_capacity(self.source.len() + added);
        let mut at = 0;
        for (span, text) in &self.edits {
            out.extend_from_slice(self.source.get(at..span.start).unwrap_or_default());
            out.extend_from_slice(text);
            at = span.end;
        }
        out.extend_from_slice(self.source.get(at..).unwrap_or_default());
        Bytes::from(out)
    }
}
