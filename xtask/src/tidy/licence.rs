//! Licence expressions: whether what a crate demands can be met with the licences we accept.

/// Licences under which a dependency may come. Each lets us ship under Apache-2.0 by keeping its notice.
pub(super) const ACCEPTED: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "Unlicense",
    "CC0-1.0",
    "0BSD",
    "BSL-1.0",
    // Data and no code: the list of certificate authorities.
    "CDLA-Permissive-2.0",
];

/// Whether `expression` is met by accepted licences alone. What cannot be read is not met.
///
/// Reads `OR`, `AND`, `WITH`, brackets, and the old `/` for `OR`. `AND` binds more tightly than `OR`.
pub(super) fn is_met(expression: &str) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    let met = either(&mut words);
    met == Some(true) && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn either(words: &mut Words<'_>) -> Option<bool> {
    let mut met = both(words)?;
    while words.next_if_eq(&"OR").is_some() {
        met |= both(words)?;
    }
    Some(met)
}

fn both(words: &mut Words<'_>) -> Option<bool> {
    let mut met = one(words)?;
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words)?;
    }
    Some(met)
}

fn one(words: &mut Words<'_>) -> Option<bool> {
    match words.next()? {
        "(" => {
            let met = either(words)?;
            (words.next()? == ")").then_some(met)
        }
        "OR" | "AND" | "WITH" | ")" => None,
        name => {
            // An exception only adds permissions.
            if words.next_if_eq(&"WITH").is_some() {
                words.next()?;
            }
            Some(ACCEPTED.contains(&name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_met_by_one_and_a_sum_by_all() {
        for met in [
            "MIT",
            "MIT OR GPL-3.0-only",
            "MIT/Apache-2.0",
            "Apache-2.0 / MIT",
            "MIT OR Apache-2.0 OR LGPL-2.1-or-later",
            "Apache-2.0 WITH LLVM-exception",
            "ISC AND (Apache-2.0 OR ISC) AND (Apache-2.0 OR ISC OR MIT-0)",
        ] {
            assert!(is_met(met), "{met}");
        }
        for unmet in [
            "",
            "GPL-3.0-only",
            "MIT AND MPL-2.0",
            "MIT AND (GPL-2.0-only OR MPL-2.0)",
            "MIT OR",
            "(MIT",
            "MIT)",
            "MIT Zlib",
        ] {
            assert!(!is_met(unmet), "{unmet}");
        }
    }

    #[test]
    fn and_binds_more_tightly_than_or() {
        assert!(is_met("MIT OR GPL-3.0-only AND MPL-2.0"));
        assert!(!is_met("GPL-3.0-only OR MIT AND MPL-2.0"));
    }
}
