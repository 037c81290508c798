//! A reading of Rust source that knows code from comments, literals and tests, and nothing more.
//!
//! It parses no grammar: the checks of `tidy` ask only whether a name stands in code, and what literals say.

use std::ops::Range;

/// One source file, taken apart. Offsets and line numbers are those of the file.
pub(crate) struct Source {
    /// The text with comments and the insides of literals blanked.
    pub(crate) code: String,
    /// As `code`, with the tests blanked too.
    pub(crate) product: String,
    /// Every string literal outside the tests.
    pub(crate) product_literals: Vec<Literal>,
    /// Modules that are declared here, in a file of their own, for tests only.
    pub(crate) test_modules: Vec<String>,
}

/// A string literal, as it is written between its quotes.
pub(crate) struct Literal {
    pub(crate) offset: usize,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn read(text: &str) -> Self {
        let (code, literals) = blank(text);
        let tests = test_items(&code);
        let mut product = code.clone().into_bytes();
        for item in &tests {
            erase(&mut product, item.clone());
        }
        Self {
            product: String::from_utf8_lossy(&product).into_owned(),
            product_literals: literals
                .into_iter()
                .filter(|literal| !tests.iter().any(|item| item.contains(&literal.offset)))
                .collect(),
            test_modules: tests
                .iter()
                .filter_map(|item| module_in_own_file(code.get(item.clone())?))
                .collect(),
            code,
        }
    }
}

/// The line of `offset` in `text`, counted from 1.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
}

/// Where `needle` stands in `text` as a whole word: no letter, digit or `_` continues it at either end.
pub(crate) fn words(text: &str, needle: &str) -> Vec<usize> {
    let ends_in_word = needle.bytes().last().is_some_and(is_word);
    let continues = |offset: usize| {
        text.as_bytes()
            .get(offset + needle.len())
            .copied()
            .is_some_and(is_word)
    };
    beginnings(text, needle)
        .into_iter()
        .filter(|&offset| !(ends_in_word && continues(offset)))
        .collect()
}

/// Where a word of `text` begins with `needle`, however it goes on.
pub(crate) fn beginnings(text: &str, needle: &str) -> Vec<usize> {
    let starts_in_word = needle.bytes().next().is_some_and(is_word);
    let preceded = |offset: usize| {
        text.as_bytes()
            .get(offset.wrapping_sub(1))
            .copied()
            .is_some_and(is_word)
    };
    let offsets = text.match_indices(needle).map(|(offset, _)| offset);
    offsets
        .filter(|&offset| !(starts_in_word && preceded(offset)))
        .collect()
}

/// Where the bracket that opens at `open` is closed, or the end of the text.
pub(crate) fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return offset;
                }
            }
            _ => {}
        }
    }
    code.len()
}

fn is_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

fn erase(text: &mut [u8], range: Range<usize>) {
    for byte in text
        .get_mut(range)
        .into_iter()
        .flatten()
        .filter(|byte| **byte != b'\n')
    {
        *byte = b' ';
    }
}

/// The text with comments and literals blanked, and the string literals that were in it.
fn blank(text: &str) -> (String, Vec<Literal>) {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut literals = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = text.get(at..).unwrap_or_default();
        let end = if rest.starts_with("//") {
            let end = at + rest.find('\n').unwrap_or(rest.len());
            erase(&mut out, at..end);
            end
        } else if rest.starts_with("/*") {
            let end = at + block_comment(rest);
            erase(&mut out, at..end);
            end
        } else if let Some((inside, end)) = string(rest) {
            literals.push(Literal {
                offset: at + inside.start,
                text: rest.get(inside.clone()).unwrap_or_default().to_owned(),
            });
            erase(&mut out, at + inside.start..at + inside.end);
            at + end
        } else if let Some(length) = character(rest) {
            erase(&mut out, at + 1..(at + length).saturating_sub(1));
            at + length
        } else if is_word(byte) {
            // A word is taken whole, so that the `r` that ends one never opens a raw string.
            at + rest.bytes().take_while(|&byte| is_word(byte)).count()
        } else {
            at + rest.chars().next().map_or(1, char::len_utf8)
        };
        at = end;
    }
    (String::from_utf8_lossy(&out).into_owned(), literals)
}

/// The length of the block comment that `rest` starts with; they nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(two) = rest.as_bytes().get(at..at + 2) {
        match two {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => (depth, at) = (depth.saturating_sub(1), at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// If `rest` starts with a string literal of any kind: what is between its quotes, and its length.
fn string(rest: &str) -> Option<(Range<usize>, usize)> {
    let prefix = rest
        .bytes()
        .take_while(|byte| matches!(byte, b'b' | b'c' | b'r'))
        .count();
    let (kind, body) = rest.split_at_checked(prefix)?;
    if !matches!(kind, "" | "b" | "c" | "r" | "br" | "cr") {
        return None;
    }
    if kind.ends_with('r') {
        let hashes = body.bytes().take_while(|&byte| byte == b'#').count();
        let start = prefix + hashes + 1;
        let inside = body.get(hashes..)?.strip_prefix('"')?;
        let quote = format!("\"{}", "#".repeat(hashes));
        let length = inside.find(&quote).unwrap_or(inside.len());
        return Some((
            start..start + length,
            (start + length + quote.len()).min(rest.len()),
        ));
    }
    let inside = body.strip_prefix('"')?;
    let mut escaped = false;
    let length = inside
        .bytes()
        .position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        })
        .unwrap_or(inside.len());
    let start = prefix + 1;
    Some((start..start + length, (start + length + 1).min(rest.len())))
}

/// The length of the character literal that `rest` starts with; a lifetime is none.
fn character(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix('\'')?;
    if let Some(escape) = inside.strip_prefix('\\') {
        // The escaped character may itself be the quote.
        let skipped = escape.chars().next()?.len_utf8();
        return Some(2 + skipped + escape.get(skipped..)?.find('\'')? + 1);
    }
    let length = inside.chars().next()?.len_utf8();
    inside.get(length..)?.starts_with('\'').then_some(1 + length + 1)
}

/// The items under `#[cfg(test)]`, their attributes included.
fn test_items(code: &str) -> Vec<Range<usize>> {
    if ["#![cfg(test)]", "#![cfg(all(test"]
        .iter()
        .any(|inner| code.contains(inner))
    {
        let whole = 0..code.len();
        return Vec::from([whole]);
    }
    let mut items: Vec<Range<usize>> = Vec::new();
    for (start, _) in code.match_indices("#[cfg(") {
        let condition = code.get(start + "#[cfg(".len()..).unwrap_or_default();
        let for_tests = condition.starts_with("test)") || condition.starts_with("all(test");
        if for_tests && items.last().is_none_or(|last| last.end <= start) {
            items.push(start..item_end(code, start));
        }
    }
    items
}

/// The end of the item, field or arm whose first attribute starts at `start`.
fn item_end(code: &str, start: usize) -> usize {
    const ITEMS: &[&str] = &[
        "pub",
        "mod",
        "fn",
        "impl",
        "use",
        "const",
        "static",
        "struct",
        "enum",
        "trait",
        "type",
        "async",
        "unsafe",
        "extern",
        "macro_rules",
        "let",
    ];
    let mut at = start;
    while let Some(rest) = code.get(at..).filter(|rest| rest.trim_start().starts_with('#')) {
        let open = at + rest.find('[').unwrap_or(rest.len());
        at = closing(code, open) + 1;
    }
    let is_item = ITEMS
        .iter()
        .any(|word| words(code.get(at..).unwrap_or_default().trim_start(), word).first() == Some(&0));
    while let Some(&byte) = code.as_bytes().get(at) {
        match byte {
            b'{' => return (closing(code, at) + 1).min(code.len()),
            b';' => return at + 1,
            b',' if !is_item => return at + 1,
            b'}' | b')' | b']' => return at,
            b'(' | b'[' => at = closing(code, at) + 1,
            _ => at += 1,
        }
    }
    code.len()
}

/// The name in `#[cfg(test)] mod name;`.
fn module_in_own_file(item: &str) -> Option<String> {
    let declaration = item.trim_end().strip_suffix(';')?;
    let name = declaration.rsplit_once("mod ")?.1.trim();
    name.bytes().all(is_word).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_not_code() {
        let source =
            Source::read("let a = \"fn \\\" b\"; // fn c\n/* fn /* d */ fn e */ let f = r#\"fn \"g\"#;");
        assert!(!source.code.contains("fn"), "{}", source.code);
        assert!(source.code.contains("let f"));
        let texts: Vec<&str> = source
            .product_literals
            .iter()
            .map(|literal| literal.text.as_str())
            .collect();
        assert_eq!(texts, ["fn \\\" b", "fn \"g"]);
    }

    #[test]
    fn a_quote_in_a_character_opens_no_string() {
        let source =
            Source::read("let a = ['\"', '\\'', '\\\\', 'é']; fn b<'x>(c: &'x str) {} let d = \"e\";");
        assert!(source.code.contains("fn b<'x>(c: &'x str)"));
        assert_eq!(source.product_literals.len(), 1);
    }

    #[test]
    fn a_word_that_ends_in_r_opens_no_raw_string() {
        let source = Source::read("bar!(\"a\"); let r#type = br##\"b\"#\"##; tail()");
        let texts: Vec<&str> = source
            .product_literals
            .iter()
            .map(|literal| literal.text.as_str())
            .collect();
        assert_eq!(texts, ["a", "b\"#"]);
        assert!(source.code.contains("tail()"));
    }

    #[test]
    fn offsets_and_lines_stay_those_of_the_file() {
        let text = "// é\nlet a = \"ü\n\";\nneedle";
        let source = Source::read(text);
        assert_eq!(source.code.len(), text.len());
        assert_eq!(line_of(text, words(&source.code, "needle")[0]), 4);
    }

    #[test]
    fn tests_are_not_product() {
        let source = Source::read(
            "fn kept() {}\n#[cfg(test)]\n#[allow(dead_code)]\nmod tests { fn gone() { if x { \"gone\" } } }\nfn kept_too() {}\n\
             #[cfg(test)]\nuse a::{gone};\nenum E { #[cfg(test)] Gone(A, B), Kept }\n#[cfg(test)] fn f<A, B>() { gone() }",
        );
        for kept in ["kept()", "kept_too", "Kept"] {
            assert!(source.product.contains(kept), "{kept} in {}", source.product);
        }
        assert!(
            !source.product.contains("gone") && !source.product.contains("Gone"),
            "{}",
            source.product
        );
        assert!(source.product_literals.is_empty());
        assert!(source.code.contains("gone"));
    }

    #[test]
    fn a_test_module_in_its_own_file_is_known_by_name() {
        assert_eq!(
            Source::read("#[cfg(test)]\nmod probes;\nmod other;").test_modules,
            ["probes"]
        );
        assert!(
            Source::read("#[cfg(test)]\nmod tests { use super::*; }")
                .test_modules
                .is_empty()
        );
    }

    #[test]
    fn a_word_is_found_whole_only() {
        assert_eq!(words("rand::x strand::y", "rand::"), [0]);
        assert_eq!(words("a_todo!( todo!(", "todo!("), [9]);
    }
}
