//! Writing JSON straight into bytes, with the commas in the right places.

use super::write_text;

/// An object that is being written. [`Object::end`] closes it.
pub(crate) struct Object<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

impl<'o> Object<'o> {
    /// Opens an object.
    pub(crate) fn begin(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true }
    }

    /// Writes a name; its value is to be appended to what is answered.
    pub(crate) fn member(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    pub(crate) fn text(&mut self, name: &str, value: &str) {
        write_text(self.member(name), value);
    }

    pub(crate) fn number(&mut self, name: &str, value: u64) {
        let mut digits = itoa::Buffer::new();
        self.raw(name, digits.format(value));
    }

    pub(crate) fn boolean(&mut self, name: &str, value: bool) {
        self.raw(name, if value { "true" } else { "false" });
    }

    /// A value that is JSON already.
    pub(crate) fn raw(&mut self, name: &str, json: &str) {
        self.member(name).extend_from_slice(json.as_bytes());
    }

    /// An object inside this one.
    pub(crate) fn object(&mut self, name: &str, write: impl FnOnce(&mut Object<'_>)) {
        let mut inner = Object::begin(self.member(name));
        write(&mut inner);
        inner.end();
    }

    /// A list inside this object.
    pub(crate) fn list(&mut self, name: &str, write: impl FnOnce(&mut List<'_>)) {
        let mut inner = List::begin(self.member(name));
        write(&mut inner);
        inner.end();
    }

    pub(crate) fn end(self) {
        self.out.push(b'}');
    }
}

/// A list that is being written. [`List::end`] closes it.
pub(crate) struct List<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

impl<'o> List<'o> {
    /// Opens a list.
    pub(crate) fn begin(out: &'o mut Vec<u8>) -> Self {
        out.push(b'[');
        Self { out, empty: true }
    }

    /// The next item is to be appended to what is answered.
    pub(crate) fn item(&mut self) -> &mut Vec<u8> {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        self.out
    }

    pub(crate) fn object(&mut self, write: impl FnOnce(&mut Object<'_>)) {
        let mut inner = Object::begin(self.item());
        write(&mut inner);
        inner.end();
    }

    pub(crate) fn end(self) {
        self.out.push(b']');
    }
}
