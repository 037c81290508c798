//! A scanner over JSON: one pass from front to back, borrowing, checking the grammar, building nothing.
//!
//! A library's views cost several times as much where a body has many small members of which few matter, and can tell
//! neither how deep a text nests nor where a value stands.

/// Why a text cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScanFault {
    /// It is no JSON from this byte on.
    Syntax(usize),
    /// It nests deeper than allowed.
    TooDeep,
}

/// Reads one JSON text.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth_left: usize,
}

impl<'a> Scanner<'a> {
    /// A scanner at the start of `text`, which may nest `depth_max` levels deep.
    pub(crate) const fn new(text: &'a str, depth_max: usize) -> Self {
        Self {
            text,
            at: 0,
            depth_left: depth_max,
        }
    }

    /// Where the scanner stands, in bytes.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    /// The next byte that is no white space, without passing it. It tells what kind of value follows.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.byte(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other,
            }
        }
    }

    /// Passes a value and answers it as it is written.
    pub(crate) fn value(&mut self) -> Result<&'a str, ScanFault> {
        let first = self.peek();
        let start = self.at;
        match first {
            Some(b'"') => self.string()?,
            Some(b'{') => self.object(|scanner, _| scanner.value().map(|_| ()))?,
            Some(b'[') => self.list(|scanner| scanner.value().map(|_| ()))?,
            Some(b't') => self.word("true")?,
            Some(b'f') => self.word("false")?,
            Some(b'n') => self.word("null")?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => return Err(ScanFault::Syntax(self.at)),
        }
        Ok(self.since(start))
    }

    /// Passes a value and answers it unless it is null.
    pub(crate) fn given(&mut self) -> Result<Option<&'a str>, ScanFault> {
        self.value().map(|value| (value != "null").then_some(value))
    }

    /// Passes an object. `each` gets the key of every member as it is written, quotes included, and must pass its value.
    pub(crate) fn object<E: From<ScanFault>>(
        &mut self,
        mut each: impl FnMut(&mut Self, &'a str) -> Result<(), E>,
    ) -> Result<(), E> {
        self.open(b'{')?;
        if self.close(b'}') {
            return Ok(());
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(ScanFault::Syntax(self.at).into());
            }
            let start = self.at;
            self.string()?;
            let key = self.since(start);
            if self.peek() != Some(b':') {
                return Err(ScanFault::Syntax(self.at).into());
            }
            self.at += 1;
            each(self, key)?;
            if self.close(b'}') {
                return Ok(());
            }
            self.comma()?;
        }
    }

    /// Passes a list. `each` must pass one item.
    pub(crate) fn list<E: From<ScanFault>>(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.open(b'[')?;
        if self.close(b']') {
            return Ok(());
        }
        loop {
            each(self)?;
            if self.close(b']') {
                return Ok(());
            }
            self.comma()?;
        }
    }

    /// Makes sure that nothing but white space follows.
    pub(crate) fn end(&mut self) -> Result<(), ScanFault> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(ScanFault::Syntax(self.at)),
        }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// What was passed since `start`. Both ends stand beside ASCII, so they are ends of characters.
    fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn open(&mut self, bracket: u8) -> Result<(), ScanFault> {
        if self.peek() != Some(bracket) {
            return Err(ScanFault::Syntax(self.at));
        }
        self.depth_left = self.depth_left.checked_sub(1).ok_or(ScanFault::TooDeep)?;
        self.at += 1;
        Ok(())
    }

    fn close(&mut self, bracket: u8) -> bool {
        let closes = self.peek() == Some(bracket);
        if closes {
            self.at += 1;
            self.depth_left += 1;
        }
        closes
    }

    fn comma(&mut self) -> Result<(), ScanFault> {
        if self.peek() != Some(b',') {
            return Err(ScanFault::Syntax(self.at));
        }
        self.at += 1;
        Ok(())
    }

    /// Passes a string, the scanner standing at its opening quote.
    fn string(&mut self) -> Result<(), ScanFault> {
        self.at += 1;
        loop {
            self.at += plain_length(self.text.as_bytes().get(self.at..).unwrap_or_default());
            match self.byte(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                _ => return Err(ScanFault::Syntax(self.at)),
            }
        }
    }

    fn escape(&mut self) -> Result<(), ScanFault> {
        let length = match self.byte(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') => {
                let digits = self.text.as_bytes().get(self.at + 2..self.at + 6);
                if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                    return Err(ScanFault::Syntax(self.at));
                }
                6
            }
            _ => return Err(ScanFault::Syntax(self.at)),
        };
        self.at += length;
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<(), ScanFault> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if !rest.starts_with(word.as_bytes()) {
            return Err(ScanFault::Syntax(self.at));
        }
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Result<(), ScanFault> {
        if self.byte(self.at) == Some(b'-') {
            self.at += 1;
        }
        if self.byte(self.at) == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte(self.at) == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), ScanFault> {
        let start = self.at;
        while self.byte(self.at).is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start {
            Err(ScanFault::Syntax(self.at))
        } else {
            Ok(())
        }
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
const SPACES: u64 = 0x2020_2020_2020_2020;
const QUOTES: u64 = 0x2222_2222_2222_2222;
const BACKSLASHES: u64 = 0x5C5C_5C5C_5C5C_5C5C;

/// How many bytes at the start are neither a quote nor a backslash nor a control character. Eight bytes at a time: a
/// subtraction borrows into the high bit of the lowest byte that matches, and of none below it.
fn plain_length(bytes: &[u8]) -> usize {
    let (blocks, rest) = bytes.as_chunks::<8>();
    for (number, block) in blocks.iter().enumerate() {
        let word = u64::from_le_bytes(*block);
        let control = word.wrapping_sub(SPACES);
        let quote = (word ^ QUOTES).wrapping_sub(ONES);
        let backslash = (word ^ BACKSLASHES).wrapping_sub(ONES);
        let found = (control | quote | backslash) & !word & HIGH_BITS;
        if found != 0 {
            return number * 8 + (found.trailing_zeros() / 8) as usize;
        }
    }
    let plain = |byte: &&u8| !matches!(byte, b'"' | b'\\' | 0..=0x1F);
    blocks.len() * 8 + rest.iter().take_while(plain).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    fn is_json(text: &str) -> bool {
        let mut scanner = Scanner::new(text, 128);
        scanner.value().is_ok() && scanner.end().is_ok()
    }

    #[test]
    fn values_come_as_they_are_written() {
        let mut members = Vec::new();
        let mut scanner = Scanner::new(r#" { "a" : [1, {"b":"\"}"}] ,"c":-0.5e+3,"d": "ü" } "#, 4);
        let read = scanner.object(|scanner, key| {
            members.push((key, scanner.value()?));
            Ok::<(), ScanFault>(())
        });
        assert_eq!((read, scanner.end()), (Ok(()), Ok(())));
        let expected = [
            ("\"a\"", r#"[1, {"b":"\"}"}]"#),
            ("\"c\"", "-0.5e+3"),
            ("\"d\"", "\"ü\""),
        ];
        assert_eq!(members, expected);
    }

    #[test]
    fn depth_is_counted_and_given_back() {
        assert_eq!(Scanner::new("[[[]]]", 2).value(), Err(ScanFault::TooDeep));
        assert_eq!(Scanner::new("[[],[],[[]]]", 3).value(), Ok("[[],[],[[]]]"));
        assert_eq!(Scanner::new("[[],[],[[]]]", 2).value(), Err(ScanFault::TooDeep));
    }

    #[test]
    fn the_end_of_a_plain_run_is_found_at_every_place() {
        for special in [b'"', b'\\', 0, 0x1F] {
            for filler in [b' ', b'a', 0x7F, 0x80, 0xA2, 0xDC, 0xFF, b'!', b'#', b'[', b']'] {
                for length in 0..20 {
                    let mut bytes = vec![filler; length];
                    assert_eq!(plain_length(&bytes), length);
                    bytes.push(special);
                    bytes.extend([filler; 9]);
                    assert_eq!(
                        plain_length(&bytes),
                        length,
                        "{special} after {length} of {filler}"
                    );
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        #[test]
        fn the_scanner_takes_what_serde_takes(
            text in r#"([\[\]{}:, \n]|"a"|"\\n"|"\\u00e4"|"\\ud8"|"\\x"|null|true|nul|-?[0-9]{1,3}|0[0-9]|1\.|1\.5|1e5|1e|-|"ü|[\x01"\\]){0,12}"#
        ) {
            prop_assert_eq!(is_json(&text), serde_json::from_str::<IgnoredAny>(&text).is_ok(), "{}", text);
        }

        #[test]
        fn the_scanner_takes_strings_that_serde_takes(inner in "([a-zü]{0,12}|\\\\.|\\\\u[0-9a-g]{4}|[\\x00-\\x30]){0,6}") {
            let text = format!("[\"{inner}\"]");
            prop_assert_eq!(is_json(&text), serde_json::from_str::<IgnoredAny>(&text).is_ok(), "{}", text);
        }
    }
}
