//! Finds a secret wherever it leaked to, in any of the disguises that software gives to text on its way.
//!
//! A secret is looked for in windows of twelve bytes, so that a part of it is found too, and in these forms of each
//! window: as it is, in base64 of both alphabets at all three alignments, in hexadecimal of both cases, escaped byte by
//! byte for URLs and for JSON, as UTF-16 of both byte orders, and as the list of numbers that a debug print makes.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::chance::Chance;

/// Twelve characters of chance do not stand anywhere by accident, and a hint of four stays allowed.
const WINDOW: usize = 12;

/// A secret to look for.
#[derive(Debug, Clone)]
pub struct Canary {
    secret: Vec<u8>,
    /// By their first four bytes.
    needles: HashMap<[u8; 4], BTreeSet<Needle>>,
    /// Whether a needle begins with these two bytes: what most of the places in a large file are turned away by.
    begins: Vec<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Needle {
    bytes: Vec<u8>,
    form: &'static str,
}

/// A place where the secret stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Find {
    /// The file or stream.
    pub sink: String,
    /// In which form.
    pub form: &'static str,
    /// How many bytes from its beginning.
    pub offset: usize,
}

impl Canary {
    /// Looks for `secret`. Its beginning up to the last `-` or `_` is taken as a prefix that may be seen, if enough is
    /// left after it.
    ///
    /// # Panics
    /// If the rest is too short to be looked for.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        let rest = secret.rsplit(['-', '_']).next().unwrap_or_default();
        let looked_for = if rest.len() >= 2 * WINDOW { rest } else { secret };
        Self::of_bytes(secret.as_bytes(), looked_for.as_bytes())
    }

    /// Looks for these bytes, such as a root key before it is put into text.
    ///
    /// # Panics
    /// If they are too few to be looked for.
    #[must_use]
    pub fn binary(secret: &[u8]) -> Self {
        Self::of_bytes(secret, secret)
    }

    /// A new secret with this prefix, to be planted and looked for.
    #[must_use]
    pub fn made(prefix: &str, chance: &Chance) -> Self {
        Self::new(&format!("{prefix}{}", chance.text(40)))
    }

    /// The secret itself, to be planted.
    ///
    /// # Panics
    /// If it is binary.
    #[must_use]
    pub fn secret(&self) -> &str {
        std::str::from_utf8(&self.secret).expect("a secret made of text")
    }

    fn of_bytes(secret: &[u8], looked_for: &[u8]) -> Self {
        assert!(
            looked_for.len() >= WINDOW,
            "{} bytes are too few to be looked for",
            looked_for.len()
        );
        let mut canary = Self {
            secret: secret.to_vec(),
            needles: HashMap::new(),
            begins: vec![false; 1 << 16],
        };
        for needle in looked_for.windows(WINDOW).flat_map(disguises) {
            if let Some((&start, _)) = needle.bytes.split_first_chunk::<4>()
                && let Some(begins) = canary.begins.get_mut(pair(start[0], start[1]))
            {
                *begins = true;
                canary.needles.entry(start).or_default().insert(needle);
            }
        }
        canary
    }

    /// The first place of each form in `bytes`, which came from `sink`.
    #[must_use]
    pub fn search(&self, sink: &str, bytes: &[u8]) -> Vec<Find> {
        let mut finds: Vec<Find> = Vec::new();
        for (offset, start) in bytes.windows(4).enumerate() {
            let &[first, second, third, fourth] = start else {
                continue;
            };
            if self.begins.get(pair(first, second)) != Some(&true) {
                continue;
            }
            let needles = self
                .needles
                .get(&[first, second, third, fourth])
                .into_iter()
                .flatten();
            for needle in needles {
                let here = bytes
                    .get(offset..)
                    .is_some_and(|rest| rest.starts_with(&needle.bytes));
                if here && finds.iter().all(|find| find.form != needle.form) {
                    finds.push(Find {
                        sink: sink.to_owned(),
                        form: needle.form,
                        offset,
                    });
                }
            }
        }
        finds
    }

    /// The places in a file, or in all files of a directory and those below it. Names are searched too.
    ///
    /// # Errors
    /// If something cannot be read: what was not searched is not clean.
    pub fn search_path(&self, path: &Path) -> io::Result<Vec<Find>> {
        let name = path.display().to_string();
        let mut finds = self.search(&format!("the name {name}"), name.as_bytes());
        let kind = fs::symlink_metadata(path)?.file_type();
        if kind.is_dir() {
            for entry in fs::read_dir(path)? {
                match self.search_path(&entry?.path()) {
                    // A database removes its own files while it runs.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    found => finds.extend(found?),
                }
            }
        } else if kind.is_file() {
            finds.extend(self.search(&name, &fs::read(path)?));
        }
        Ok(finds)
    }

    /// Nothing of the secret stands in `bytes`.
    ///
    /// # Panics
    /// If something does; with the place.
    pub fn assert_absent(&self, sink: &str, bytes: impl AsRef<[u8]>) {
        let finds = self.search(sink, bytes.as_ref());
        assert!(finds.is_empty(), "a secret leaked: {finds:#?}");
    }

    /// Nothing of the secret stands in this file, or in any file of this directory.
    ///
    /// # Panics
    /// If something does, with the place; or if something cannot be read.
    pub fn assert_absent_from_path(&self, path: &Path) {
        let finds = self
            .search_path(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(finds.is_empty(), "a secret leaked: {finds:#?}");
    }
}

/// Two bytes as an index.
fn pair(first: u8, second: u8) -> usize {
    usize::from(first) << 8 | usize::from(second)
}

/// All forms of one window.
fn disguises(window: &[u8]) -> Vec<Needle> {
    let mut needles = vec![needle("plain", window)];
    for alignment in 0..3 {
        needles.push(needle("base64", based(&STANDARD_NO_PAD, alignment, window)));
        needles.push(needle("base64url", based(&URL_SAFE_NO_PAD, alignment, window)));
    }
    needles.extend([
        needle("hex", each(window, |text, byte| write!(text, "{byte:02x}"))),
        needle("HEX", each(window, |text, byte| write!(text, "{byte:02X}"))),
        needle("percent", each(window, |text, byte| write!(text, "%{byte:02x}"))),
        needle("percent", each(window, |text, byte| write!(text, "%{byte:02X}"))),
        needle(
            "JSON escapes",
            each(window, |text, byte| write!(text, "\\u{byte:04x}")),
        ),
        needle(
            "JSON escapes",
            each(window, |text, byte| write!(text, "\\u{byte:04X}")),
        ),
        needle(
            "UTF-16LE",
            window.iter().flat_map(|&byte| [byte, 0]).collect::<Vec<_>>(),
        ),
        needle(
            "UTF-16BE",
            window.iter().flat_map(|&byte| [0, byte]).collect::<Vec<_>>(),
        ),
        needle("numbers", numbers(window, ", ")),
        needle("numbers", numbers(window, ",")),
    ]);
    needles
}

fn needle(form: &'static str, bytes: impl Into<Vec<u8>>) -> Needle {
    Needle {
        bytes: bytes.into(),
        form,
    }
}

/// The part of the base64 of a text that depends on `window` alone, where `alignment` bytes of its group of three stand
/// before the window.
fn based(alphabet: &impl Engine, alignment: usize, window: &[u8]) -> String {
    let mut padded = vec![0; alignment];
    padded.extend_from_slice(window);
    let text = alphabet.encode(&padded);
    // A character holds six bits. Those that hold a bit of a neighbour are left out on both sides.
    let first = (alignment * 8).div_ceil(6);
    let last = padded.len() * 8 / 6;
    text.get(first..last).unwrap_or_default().to_owned()
}

fn each(window: &[u8], mut write: impl FnMut(&mut String, u8) -> std::fmt::Result) -> String {
    let mut text = String::new();
    for &byte in window {
        let _ = write(&mut text, byte);
    }
    text
}

fn numbers(window: &[u8], between: &str) -> String {
    let numbers: Vec<String> = window.iter().map(u8::to_string).collect();
    numbers.join(between)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    fn canary() -> Canary {
        Canary::made("sk-canary-", &Chance::seeded(99))
    }

    /// Every disguise of a secret that stands between other text, `before` bytes of it in front.
    fn planted(secret: &str, before: usize) -> Vec<(&'static str, Vec<u8>)> {
        let text = format!("{}{secret} and more", "x".repeat(before));
        let escaped = |form: fn(u8) -> String| text.bytes().map(form).collect::<String>().into_bytes();
        vec![
            ("plain", text.clone().into_bytes()),
            ("base64", STANDARD.encode(&text).into_bytes()),
            ("base64url", URL_SAFE.encode(&text).into_bytes()),
            ("hex", escaped(|byte| format!("{byte:02x}"))),
            ("HEX", escaped(|byte| format!("{byte:02X}"))),
            ("percent", escaped(|byte| format!("%{byte:02X}"))),
            ("percent", escaped(|byte| format!("%{byte:02x}"))),
            ("JSON escapes", escaped(|byte| format!("\\u{byte:04x}"))),
            ("JSON escapes", escaped(|byte| format!("\\u{byte:04X}"))),
            (
                "UTF-16LE",
                text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            ),
            (
                "UTF-16BE",
                text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            ),
            ("numbers", format!("{:?}", text.as_bytes()).into_bytes()),
            ("numbers", serde_json::to_vec(text.as_bytes()).unwrap()),
        ]
    }

    #[test]
    fn every_planted_disguise_is_found_at_every_alignment() {
        let canary = canary();
        for before in 0..7 {
            for (form, bytes) in planted(canary.secret(), before) {
                let finds = canary.search("planted", &bytes);
                assert!(
                    finds.iter().any(|find| find.form == form),
                    "{form} after {before} bytes: {finds:?}"
                );
            }
        }
    }

    #[test]
    fn a_part_of_the_secret_is_found_in_every_disguise() {
        let canary = canary();
        let random = canary.secret().strip_prefix("sk-canary-").unwrap();
        for start in 0..random.len() - WINDOW {
            for (form, bytes) in planted(&random[start..start + WINDOW + 1], 1) {
                let finds = canary.search("planted", &bytes);
                assert!(
                    finds.iter().any(|find| find.form == form),
                    "{form} from {start}: {finds:?}"
                );
            }
        }
    }

    #[test]
    fn nothing_is_found_where_nothing_was_planted() {
        let (canary, chance) = (canary(), Chance::seeded(5));
        let mut noise = vec![0; 1 << 20];
        chance.fill(&mut noise);
        noise.extend(chance.text(1 << 20).into_bytes());
        for other in [
            canary.secret().get(..18).unwrap(),
            "sk-canary-",
            "a hint: …",
            &chance.text(40),
        ] {
            noise.extend(other.bytes());
        }
        assert_eq!(canary.search("noise", &noise), []);
    }

    #[test]
    fn files_are_searched_wherever_they_lie() {
        let directory = tempfile::tempdir().unwrap();
        let canary = canary();
        fs::create_dir_all(directory.path().join("a/b")).unwrap();
        fs::write(directory.path().join("a/b/freehold.db-wal"), "nothing yet").unwrap();
        canary.assert_absent_from_path(directory.path());
        fs::write(directory.path().join("a/b/freehold.db-wal"), canary.secret()).unwrap();
        let finds = canary.search_path(directory.path()).unwrap();
        assert_eq!((finds.len(), finds[0].form, finds[0].offset), (1, "plain", 10));
        assert!(finds[0].sink.ends_with("a/b/freehold.db-wal"));
    }

    #[test]
    fn a_binary_secret_is_found_in_text() {
        let key: Vec<u8> = (100..132).collect();
        let canary = Canary::binary(&key);
        assert_eq!(
            canary.search("text", format!("{key:?}").as_bytes())[0].form,
            "numbers"
        );
        assert_eq!(
            canary.search("text", STANDARD.encode(&key).as_bytes())[0].form,
            "base64"
        );
    }
}
