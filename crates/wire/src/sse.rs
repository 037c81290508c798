//! Server-sent events: where one ends, and what data it holds. Nothing is copied unless an event has several data lines.

use std::borrow::Cow;

use crate::error::StreamFault;

/// Finds where events end, however the stream is cut into pieces.
///
/// Lines end in `\n`, `\r\n` or `\r`. After a bare `\r` the end is known only with the next byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Boundary {
    /// At the start of a line.
    #[default]
    LineStart,
    /// Inside a line.
    Text,
    /// After the `\r` that ended a line; a `\n` may belong to it.
    AfterReturn,
    /// After the `\r` of an empty line; a `\n` may belong to it.
    AfterBlankReturn,
}

impl Boundary {
    /// How many bytes of `piece` belong to the running event, if it ends within them.
    pub(crate) fn find(&mut self, piece: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(&byte) = piece.get(at) {
            at += 1;
            *self = match (*self, byte) {
                (Self::AfterBlankReturn, b'\n') | (Self::LineStart, b'\n') => {
                    *self = Self::LineStart;
                    return Some(at);
                }
                (Self::AfterBlankReturn, _) => {
                    *self = Self::LineStart;
                    return Some(at - 1);
                }
                (Self::AfterReturn, b'\n') | (Self::Text, b'\n') => Self::LineStart,
                (Self::LineStart | Self::AfterReturn, b'\r') => Self::AfterBlankReturn,
                (Self::Text, b'\r') => Self::AfterReturn,
                (Self::LineStart | Self::AfterReturn | Self::Text, _) => {
                    // Most bytes are inside a line: go to its end at once, and let the loop read what ends it.
                    at = memchr::memchr2(b'\n', b'\r', piece.get(at..).unwrap_or_default())
                        .map_or(piece.len(), |skip| at + skip);
                    Self::Text
                }
            };
        }
        None
    }
}

/// An event or a line longer than this cannot be translated; no provider sends such.
const GATHERED_BYTES_MAX: usize = 4 << 20;

/// What the parts of a stream are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Server-sent events.
    Events,
    /// Lines, each of which is a JSON text.
    Lines,
}

/// Gathers the pieces of a stream into whole events or lines, for those who translate them.
#[derive(Debug)]
pub(crate) struct Gatherer {
    framing: Framing,
    boundary: Boundary,
    begun: Vec<u8>,
}

impl Gatherer {
    pub(crate) const fn new(framing: Framing) -> Self {
        Self {
            framing,
            boundary: Boundary::LineStart,
            begun: Vec::new(),
        }
    }

    /// Hands each event or line that ends in `piece` to `each`.
    pub(crate) fn push(
        &mut self,
        piece: &[u8],
        mut each: impl FnMut(&[u8]) -> Result<(), StreamFault>,
    ) -> Result<(), StreamFault> {
        let mut rest = piece;
        while let Some(end) = self.find(rest) {
            let (event, after) = rest.split_at(end);
            rest = after;
            if self.begun.is_empty() {
                each(event)?;
            } else {
                self.begun.extend_from_slice(event);
                each(&std::mem::take(&mut self.begun))?;
            }
        }
        self.begun.extend_from_slice(rest);
        if self.begun.len() > GATHERED_BYTES_MAX {
            return Err(StreamFault::Unreadable("an event that is too long"));
        }
        Ok(())
    }

    /// What came after the last end.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.begun)
    }

    fn find(&mut self, piece: &[u8]) -> Option<usize> {
        match self.framing {
            Framing::Events => self.boundary.find(piece),
            Framing::Lines => memchr::memchr(b'\n', piece).map(|at| at + 1),
        }
    }

    pub(crate) const fn framing(&self) -> Framing {
        self.framing
    }
}

impl Framing {
    /// The JSON that an event or line holds, if any.
    pub(crate) fn data(self, event: &[u8]) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Lines => Some(Cow::Borrowed(event)),
            Self::Events => data(event),
        }
    }
}

/// Whether this is JSON or a page for people, where an event should be.
pub(crate) fn is_no_event(event: &[u8]) -> bool {
    matches!(event.trim_ascii_start().first(), Some(b'{' | b'[' | b'<'))
}

/// The data of an event: its `data:` lines, joined; nothing if it has none.
pub(crate) fn data(event: &[u8]) -> Option<Cow<'_, [u8]>> {
    let mut found: Option<Cow<'_, [u8]>> = None;
    for line in lines(event) {
        let Some(value) = line.strip_prefix(b"data") else {
            continue;
        };
        let value = match value.split_first() {
            None => value,
            Some((b':', value)) => value.strip_prefix(b" ").unwrap_or(value),
            Some(_) => continue,
        };
        match &mut found {
            None => found = Some(Cow::Borrowed(value)),
            Some(joined) => {
                let joined = joined.to_mut();
                joined.push(b'\n');
                joined.extend_from_slice(value);
            }
        }
    }
    found
}

fn lines(event: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = event.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(event);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        rest = after
            .strip_prefix(b"\r\n")
            .or_else(|| after.get(1..))
            .unwrap_or_default();
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The events of `stream` when it arrives in pieces of `size` bytes.
    fn events(stream: &[u8], size: usize) -> Vec<Vec<u8>> {
        let mut boundary = Boundary::default();
        let mut events = Vec::new();
        let mut event = Vec::new();
        for piece in stream.chunks(size) {
            let mut piece = piece;
            while let Some(end) = boundary.find(piece) {
                event.extend_from_slice(&piece[..end]);
                events.push(std::mem::take(&mut event));
                piece = &piece[end..];
            }
            event.extend_from_slice(piece);
        }
        events.push(event);
        events
    }

    #[test]
    fn events_end_at_a_blank_line_in_every_notation_and_every_cut() {
        let stream = b"data: 1\n\ndata: 2\r\n\r\ndata: 3\r\rdata:4\n\r\n: x\n\n\n\r\n\rdata: 5\n\nrest";
        let whole = events(stream, stream.len());
        let shown: Vec<_> = whole.iter().map(|event| String::from_utf8_lossy(event)).collect();
        assert_eq!(
            shown,
            [
                "data: 1\n\n",
                "data: 2\r\n\r\n",
                "data: 3\r\r",
                "data:4\n\r\n",
                ": x\n\n",
                "\n",
                "\r\n",
                "\r",
                "data: 5\n\n",
                "rest"
            ]
        );
        for size in 1..stream.len() {
            assert_eq!(events(stream, size), whole, "pieces of {size}");
        }
    }

    #[test]
    fn data_lines_are_joined_and_everything_else_is_skipped() {
        for (event, expected) in [
            (&b"data: {\"a\":1}\n\n"[..], Some("{\"a\":1}")),
            (b"event: x\r\ndata:{}\r\n\r\n", Some("{}")),
            (b"data: {\ndata: }\n\n", Some("{\n}")),
            (b": comment data: x\n\n", None),
            (b"database: x\n\n", None),
            (b"data\n\n", Some("")),
            (b"\xEF\xBB\xBFdata: 1\n\n", Some("1")),
            (b"\n", None),
            (b"", None),
        ] {
            let found = data(event).map(|data| String::from_utf8_lossy(&data).into_owned());
            assert_eq!(found.as_deref(), expected);
        }
    }
}
