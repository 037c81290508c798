//! What no source file does: print, end the process, leave work undone, silence a lint, skip a test, open without a purpose.

use super::exceptions::Exceptions;
use super::finding::{Finding, Rule};
use crate::rust::{beginnings, line_of};
use crate::tree::{File, Tree};

const PRINTING: Rule = Rule {
    name: "printing",
    why: "a server speaks through its log, which is filtered and holds no secret; only commands talk on the terminal",
    way_out: "use `tracing`, or return the text to the command in crates/server that shows it",
};

const EXIT: Rule = Rule {
    name: "exit",
    why: "ending the process skips destructors: running requests would stay unsettled",
    way_out: "return an error up to crates/server/src/main.rs",
};

const UNDONE: Rule = Rule {
    name: "undone",
    why: "what is not there yet is left out, not left to panic",
    way_out: "finish it, or remove the path that leads there",
};

const SILENCED: Rule = Rule {
    name: "silenced lint",
    why: "`allow` stays when its cause is gone and nobody notices",
    way_out: "use `#[expect(…, reason = \"…\")]`; tests may use `allow`, with a reason",
};

const SKIPPED: Rule = Rule {
    name: "skipped test",
    why: "a test that does not run proves nothing and looks as if it did",
    way_out: "mend it or delete it",
};

const TEST_NAME: Rule = Rule {
    name: "test name",
    why: "a test is a claim; its name is the sentence that is shown when it no longer holds",
    way_out: "name the claim: `a_client_that_leaves_is_still_settled`",
};

const PURPOSE: Rule = Rule {
    name: "purpose",
    why: "who opens a file learns in its first line whether it is the right one",
    way_out: "begin with `//!` and one sentence",
};

pub(super) fn check(tree: &Tree, exceptions: &mut Exceptions) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, source) in tree.product() {
        let code = source.product.as_str();
        let mut found: Vec<(usize, Rule, String)> = Vec::new();
        if !talks(&file.path) {
            collect(
                &mut found,
                PRINTING,
                code,
                &["println!", "print!", "eprintln!", "eprint!"],
            );
            collect(&mut found, EXIT, code, &["process::exit", "process::abort"]);
        }
        collect(&mut found, UNDONE, code, &["todo!", "unimplemented!", "dbg!"]);
        collect(&mut found, SILENCED, code, &["#[allow(", "#![allow("]);
        keep(&mut findings, file, found, exceptions);
    }
    for file in tree.files() {
        let Some(source) = &file.rust else { continue };
        let code = source.code.as_str();
        let mut found = Vec::new();
        collect(&mut found, SKIPPED, code, &["#[ignore"]);
        let named = beginnings(code, "fn test_")
            .into_iter()
            .filter(|&offset| is_test(code, offset));
        found.extend(named.map(|offset| (offset, TEST_NAME, "`fn test_`".to_owned())));
        // What is left of a test when the product is taken out; there, `allow` needs no more than a reason.
        for name in ["#[allow(", "#![allow("] {
            let in_tests = |offset: &usize| file.test || !at(&source.product, *offset).starts_with(name);
            let bare = |offset: &usize| {
                !at(code, *offset)
                    .split(")]")
                    .next()
                    .unwrap_or_default()
                    .contains("reason")
            };
            let offsets = beginnings(code, name).into_iter().filter(in_tests).filter(bare);
            found.extend(offsets.map(|offset| (offset, SILENCED, format!("`{name}` without a reason"))));
        }
        if !file.text.starts_with("//!") {
            found.push((0, PURPOSE, "does not say what it is for".to_owned()));
        }
        keep(&mut findings, file, found, exceptions);
    }
    findings
}

fn at(text: &str, offset: usize) -> &str {
    text.get(offset..).unwrap_or_default()
}

/// Whether the function at `offset` stands under an attribute that makes it a test.
fn is_test(code: &str, offset: usize) -> bool {
    let before = code.get(..offset).unwrap_or_default().trim_end();
    let before = before.strip_suffix("async").unwrap_or(before).trim_end();
    let attribute = before
        .ends_with(']')
        .then(|| before.rsplit("#[").next())
        .flatten();
    attribute.is_some_and(|attribute| attribute.contains("test"))
}

/// Whether a file belongs to a program that may print and end itself.
fn talks(path: &str) -> bool {
    ["crates/server/", "crates/testkit/", "xtask/"]
        .iter()
        .any(|folder| path.starts_with(folder))
}

fn collect(found: &mut Vec<(usize, Rule, String)>, rule: Rule, code: &str, names: &[&str]) {
    for name in names {
        // The end of a name may go on: `#[ignore = "…"]`, `fn test_one`.
        found.extend(
            beginnings(code, name)
                .into_iter()
                .map(|offset| (offset, rule, format!("`{name}`"))),
        );
    }
}

fn keep(
    findings: &mut Vec<Finding>,
    file: &File,
    found: Vec<(usize, Rule, String)>,
    exceptions: &mut Exceptions,
) {
    for (offset, rule, what) in found {
        if !exceptions.excuse(rule.name, &file.path, &what) {
            findings.push(rule.at(&file.path, line_of(&file.text, offset), what));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<&'static str> {
        let findings = check(
            &Tree::of([(path, format!("//! A file.\n{text}"))]),
            &mut Exceptions::none(),
        );
        findings.into_iter().map(|finding| finding.rule.name).collect()
    }

    #[test]
    fn each_bad_manner_is_found() {
        let cases = [
            ("printing", "fn a() { println!(\"b\") }"),
            ("exit", "fn a() { std::process::exit(1) }"),
            ("undone", "fn a() { todo!() }"),
            ("undone", "fn a() { unimplemented!(\"b\") }"),
            ("silenced lint", "#[allow(dead_code)]\nfn a() {}"),
            ("silenced lint", "#![allow(dead_code)]"),
            (
                "skipped test",
                "#[cfg(test)]\nmod tests {\n#[test]\n#[ignore = \"slow\"]\nfn a() {}\n}",
            ),
            (
                "test name",
                "#[cfg(test)]\nmod tests {\n#[test]\nfn test_a() {}\n}",
            ),
        ];
        for (rule, text) in cases {
            assert_eq!(found("crates/gateway/src/a.rs", text), [rule], "{text}");
        }
    }

    #[test]
    fn commands_may_print_and_words_in_comments_are_free() {
        assert_eq!(
            found(
                "crates/server/src/doctor.rs",
                "fn a() { println!(\"b\"); std::process::exit(1) }"
            ),
            [""; 0]
        );
        let text = "// todo!() #[ignore]\nfn a() { writeln!(b, \"println!\") }\n#![cfg_attr(test, allow(a, reason = \"b\"))]";
        assert_eq!(found("crates/gateway/src/a.rs", text), [""; 0]);
    }

    #[test]
    fn tests_may_allow_with_a_reason() {
        let inline = "#[cfg(test)]\nmod tests {\n#[allow(dead_code, reason = \"a probe\")]\nfn a() {}\n}";
        assert_eq!(found("crates/a/src/b.rs", inline), [""; 0]);
        assert_eq!(
            found("crates/a/src/b.rs", &inline.replace(", reason = \"a probe\"", "")),
            ["silenced lint"]
        );
        assert_eq!(
            found(
                "crates/a/tests/it.rs",
                "#![allow(clippy::unwrap_used, reason = \"tests may\")]"
            ),
            [""; 0]
        );
        assert_eq!(
            found("crates/a/tests/it.rs", "#![allow(clippy::unwrap_used)]"),
            ["silenced lint"]
        );
    }

    #[test]
    fn a_file_without_a_purpose_is_found() {
        let findings = check(
            &Tree::of([("crates/a/src/lib.rs", "use b::c;\n")]),
            &mut Exceptions::none(),
        );
        assert_eq!(findings.len(), 1);
    }
}
