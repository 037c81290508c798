//! What a rule says about a place: where, what, why it matters, and the way out.

use std::fmt;

/// Why a rule exists and what to do instead. One per rule, shown with each finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rule {
    /// The name by which `exceptions` refers to it.
    pub(crate) name: &'static str,
    pub(crate) why: &'static str,
    pub(crate) way_out: &'static str,
}

/// A place where a rule does not hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    pub(crate) path: String,
    /// Counted from 1; 0 if the finding is about the file as a whole.
    pub(crate) line: usize,
    pub(crate) what: String,
    pub(crate) rule: Rule,
}

impl Rule {
    pub(crate) fn at(self, path: &str, line: usize, what: impl Into<String>) -> Finding {
        Finding {
            path: path.to_owned(),
            line,
            what: what.into(),
            rule: self,
        }
    }
}

/// All findings, those of one rule together and under it why it exists and what to do.
pub(super) fn by_rule(findings: &mut [Finding]) -> String {
    findings.sort_by(|left, right| left.rule.cmp(&right.rule).then_with(|| left.cmp(right)));
    let mut text = String::new();
    for group in findings.chunk_by(|left, right| left.rule == right.rule) {
        for finding in group {
            text.push_str(&format!("{finding}\n"));
        }
        if let Some(Finding { rule, .. }) = group.first() {
            text.push_str(&format!(
                "    why: {}\n    way out: {}\n\n",
                rule.why, rule.way_out
            ));
        }
    }
    text
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            line,
            what,
            rule,
        } = self;
        match line {
            0 => write!(out, "{path}: {what} [{}]", rule.name),
            line => write!(out, "{path}:{line}: {what} [{}]", rule.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_of_a_rule_is_given_once_under_all_that_it_found() {
        let [one, two] = ["one", "two"].map(|name| Rule {
            name,
            why: "because",
            way_out: "this",
        });
        let mut findings = [
            two.at("b.rs", 0, "w"),
            one.at("a.rs", 3, "x"),
            two.at("a.rs", 10, "y"),
            two.at("a.rs", 9, "z"),
        ];
        let text = by_rule(&mut findings);
        assert_eq!(
            text,
            "a.rs:3: x [one]\n    why: because\n    way out: this\n\n\
             a.rs:9: z [two]\na.rs:10: y [two]\nb.rs: w [two]\n    why: because\n    way out: this\n\n"
        );
    }
}
