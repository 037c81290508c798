//! How long files and functions are.

use super::finding::{Finding, Rule};
use crate::rust::{beginnings, closing, line_of};
use crate::tree::{File, Tree};

const LONG_FILE: Rule = Rule {
    name: "long file",
    why: "files that hold many things are where a project rots first: adapter, configuration, main handler, queries",
    way_out: "split it by noun; if it is one thing, say so in the comment at its top: \"One thing: …\" and what it is",
};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 100;

/// With these words a long file says at its top that it is one thing.
const MARKER: &str = "one thing";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files().filter(|file| !file.test && is_source(&file.path)) {
        let lines = file.text.lines().count();
        if lines > FILE_LINES_MAX && !opening_comment(file).to_lowercase().contains(MARKER) {
            findings.push(LONG_FILE.at(
                &file.path,
                0,
                format!("{lines} lines, and no word of why it is one thing"),
            ));
        }
    }
    findings
}

/// Functions that do not fit on a screen or two, in words. Some are right; each is worth a look.
pub(super) fn long_functions(tree: &Tree) -> Vec<String> {
    let mut reports = Vec::new();
    for (file, source) in tree.product() {
        let code = source.product.as_str();
        for start in beginnings(code, "fn ") {
            let rest = code.get(start..).unwrap_or_default();
            let Some(open) = rest
                .find(['{', ';'])
                .filter(|at| rest.as_bytes().get(*at) == Some(&b'{'))
            else {
                continue;
            };
            let body = code.get(start..closing(code, start + open)).unwrap_or_default();
            let lines = body.lines().count();
            if lines > FUNCTION_LINES_MAX {
                let name: String = rest
                    .chars()
                    .skip(3)
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                reports.push(format!(
                    "{}:{}: `fn {name}` is {lines} lines long",
                    file.path,
                    line_of(code, start)
                ));
            }
        }
    }
    reports
}

/// Whether people write the file by hand and it ends up in the product.
fn is_source(path: &str) -> bool {
    let written = [".rs", ".ts", ".tsx", ".css", ".sql", ".py", ".sh"]
        .iter()
        .any(|ending| path.ends_with(ending));
    let generated = [".gen.ts", ".d.ts"].iter().any(|ending| path.ends_with(ending));
    written && !generated && !path.contains("/generated/") && !path.starts_with("tests/")
}

/// The comment lines that a file starts with.
fn opening_comment(file: &File) -> String {
    let comment = |line: &&str| {
        line.is_empty()
            || ["//", "/*", "*", "#", "--"]
                .iter()
                .any(|start| line.starts_with(start))
    };
    file.text
        .lines()
        .map(str::trim)
        .take_while(comment)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: String) -> usize {
        check(&Tree::of([(path.to_owned(), text)])).len()
    }

    #[test]
    fn a_long_file_gives_its_reason() {
        let lines = "let a = 1;\n".repeat(FILE_LINES_MAX + 1);
        assert_eq!(found("crates/a/src/lib.rs", lines.clone()), 1);
        assert_eq!(
            found(
                "crates/a/src/lib.rs",
                format!("//! Rows.\n//!\n//! One thing: a table.\n{lines}")
            ),
            0
        );
        assert_eq!(
            found(
                "crates/a/src/lib.rs",
                format!("//! Rows.\nlet a = \"one thing\";\n{lines}")
            ),
            1
        );
        assert_eq!(found("crates/a/tests/it.rs", lines.clone()), 0);
        assert_eq!(found("web/src/api.gen.ts", lines), 0);
    }

    #[test]
    fn a_long_function_is_told() {
        let short = "fn short() {\n}\ntrait T { fn none(&self); }\n";
        let long = format!(
            "{short}fn long(a: u8) {{\n{}}}\n",
            "    a();\n".repeat(FUNCTION_LINES_MAX)
        );
        let reports = long_functions(&Tree::of([("crates/a/src/lib.rs", long)]));
        assert_eq!(reports.len(), 1, "{reports:?}");
        assert!(reports[0].contains("lib.rs:4: `fn long`"), "{reports:?}");
    }
}
