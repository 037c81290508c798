//! The fragments from which the changelog is put together.

use super::finding::{Finding, Rule};
use crate::tree::Tree;

const FRAGMENT: Rule = Rule {
    name: "changelog",
    why: "each change that a user sees brings its own file, so that two changes never meet in one line",
    way_out: "name it `changelog.d/<slug>.<kind>.md`, kind one of feature, fix, breaking, security; see changelog.d/README.md",
};

const KINDS: &[&str] = &["feature", "fix", "breaking", "security"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files() {
        let Some(name) = file
            .path
            .strip_prefix("changelog.d/")
            .filter(|name| *name != "README.md")
        else {
            continue;
        };
        let parts: Vec<&str> = name.split('.').collect();
        let well_named =
            matches!(parts.as_slice(), [slug, kind, "md"] if is_slug(slug) && KINDS.contains(kind));
        if !well_named {
            findings.push(FRAGMENT.at(&file.path, 0, "is not named as a fragment"));
        } else if file.text.trim().is_empty() {
            findings.push(FRAGMENT.at(&file.path, 0, "is empty"));
        }
    }
    findings
}

fn is_slug(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, text: &str) -> usize {
        check(&Tree::of([(format!("changelog.d/{name}"), text)])).len()
    }

    #[test]
    fn a_fragment_has_a_slug_a_kind_and_a_text() {
        assert_eq!(found("README.md", ""), 0);
        assert_eq!(found("provider-keys.feature.md", "Keys."), 0);
        for name in [
            "provider-keys.md",
            "Provider Keys.feature.md",
            "a.improvement.md",
            "a.b.fix.md",
            "a/b.fix.md",
            "a.fix.txt",
        ] {
            assert_eq!(found(name, "Keys."), 1, "{name}");
        }
        assert_eq!(found("a.fix.md", " \n"), 1);
    }
}
