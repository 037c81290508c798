//! Where a secret is looked into, and that its type cannot be shown or written out.

use super::exceptions::Exceptions;
use super::finding::{Finding, Rule};
use crate::rust::{line_of, words};
use crate::tree::Tree;

const LOOKED_INTO: Rule = Rule {
    name: "secret looked into",
    why: "a provider key is opened in two places only: where it is sealed and where the upstream header is written",
    way_out: "pass the `Secret` on as it is; if a new place is truly needed, it gets a line and a reason in \
              xtask/src/tidy/exceptions.rs",
};

const SHOWN: Rule = Rule {
    name: "secret shown",
    why: "a secret that can be printed or serialised will be, in a log, a reply or a crash report",
    way_out: "show the fingerprint instead",
};

/// The types that hold a secret in the open, and the traits that would give it away.
const TYPES: &[&str] = &["Secret", "Credential", "RootKey", "DataKey", "Dek", "Kek"];
const TRAITS: &[&str] = &[
    "Display",
    "Serialize",
    "ToString",
    "LowerHex",
    "UpperHex",
    "Deref",
];

pub(super) fn check(tree: &Tree, exceptions: &mut Exceptions) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, source) in tree
        .product()
        .filter(|(file, _)| file.path.starts_with("crates/"))
    {
        if !file.path.starts_with("crates/vault/") {
            for name in [".expose(", "::expose(", "::expose)", "::expose,", "expose_secret"] {
                for offset in words(&source.product, name) {
                    let what = format!(
                        "looks into a secret with `{}`",
                        name.trim_end_matches(['(', ')', ','])
                    );
                    if !exceptions.excuse(LOOKED_INTO.name, &file.path, &what) {
                        findings.push(LOOKED_INTO.at(&file.path, line_of(&file.text, offset), what));
                    }
                }
            }
        }
        for holder in TYPES {
            for shown in TRAITS {
                let implementation = format!("{shown} for {holder}");
                for offset in words(&source.product, &implementation) {
                    let what = format!("implements `{implementation}`");
                    findings.push(SHOWN.at(&file.path, line_of(&file.text, offset), what));
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<&'static str> {
        let findings = check(&Tree::of([(path, text)]), &mut Exceptions::of_the_project());
        findings.into_iter().map(|finding| finding.rule.name).collect()
    }

    #[test]
    fn a_secret_is_looked_into_in_the_vault_and_once_upstream() {
        let text = "let a = key.expose();";
        assert_eq!(found("crates/vault/src/envelope.rs", text), [""; 0]);
        assert_eq!(found("crates/gateway/src/upstream/auth.rs", text), [""; 0]);
        assert_eq!(
            found("crates/gateway/src/upstream/auth.rs", &text.repeat(2)),
            ["secret looked into"]
        );
        assert_eq!(found("crates/console/src/keys.rs", text), ["secret looked into"]);
        assert_eq!(
            found("crates/console/src/keys.rs", "keys.map(Secret::expose)"),
            ["secret looked into"]
        );
    }

    #[test]
    fn a_secret_that_can_be_shown_is_found_even_in_the_vault() {
        assert_eq!(
            found("crates/vault/src/secret.rs", "impl fmt::Display for Secret {}"),
            ["secret shown"]
        );
        assert_eq!(
            found("crates/vault/src/secret.rs", "impl fmt::Debug for Secret {}"),
            [""; 0]
        );
    }
}
