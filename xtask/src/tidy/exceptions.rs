//! The places that may break a rule, each with its reason. One table, so that its growth is seen in review.

use crate::tree::Tree;

/// A file, or a folder if it ends in `/`, that may break one rule a number of times.
struct Exception {
    rule: &'static str,
    path: &'static str,
    /// The part of the finding that is excused, such as a name; empty excuses every finding of the rule.
    what: &'static str,
    /// How often it may.
    times: usize,
    reason: &'static str,
}

const ANY: usize = usize::MAX;

const TABLE: &[Exception] = &[
    Exception {
        rule: "secret looked into",
        path: "crates/gateway/src/upstream/auth.rs",
        what: "",
        times: 1,
        reason: "the one place that writes the credential into the header of a request to a provider",
    },
    Exception {
        rule: "provider word",
        path: "crates/gateway/src/authenticate.rs",
        what: "api-key`",
        times: ANY,
        reason: "the SDKs of Anthropic and Google send our own virtual key under these header names",
    },
    Exception {
        rule: "provider word",
        path: "crates/console/src/access.rs",
        what: "api-key`",
        times: ANY,
        reason: "the same virtual key under the same header names as at the gateway",
    },
    Exception {
        rule: "provider word",
        path: "crates/console/src/api/usage_records/reply.rs",
        what: "_tokens`",
        times: 2,
        reason: "an example in the API's document: what a provider reported, kept in a record as it came",
    },
];

/// The table in use: each exception wears out as it is used.
pub(crate) struct Exceptions {
    entries: &'static [Exception],
    used: Vec<usize>,
}

impl Exceptions {
    pub(crate) fn of_the_project() -> Self {
        Self::of(TABLE)
    }

    fn of(entries: &'static [Exception]) -> Self {
        Self {
            entries,
            used: vec![0; entries.len()],
        }
    }

    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self::of(&[])
    }

    /// Whether `rule` may be broken once more at `path` in the way that `what` tells.
    pub(crate) fn excuse(&mut self, rule: &str, path: &str, what: &str) -> bool {
        for (entry, used) in self.entries.iter().zip(&mut self.used) {
            let covers = entry.path == path || entry.path.ends_with('/') && path.starts_with(entry.path);
            if entry.rule == rule && covers && what.contains(entry.what) && *used < entry.times {
                *used += 1;
                return true;
            }
        }
        false
    }

    /// The exceptions that nothing needed, in words, so that they leave the table again.
    pub(crate) fn unused(&self, tree: &Tree) -> Vec<String> {
        let unused = self
            .entries
            .iter()
            .zip(&self.used)
            .filter(|(_, used)| **used == 0);
        unused
            .map(|(entry, _)| {
                let there = tree.files().any(|file| file.path.starts_with(entry.path));
                let why = if there {
                    "nothing there needs it"
                } else {
                    "no such file"
                };
                format!(
                    "unused exception from \"{}\" for {} ({why}): {}",
                    entry.rule, entry.path, entry.reason
                )
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_wears_out() {
        let mut exceptions = Exceptions::of(&[Exception {
            rule: "rule",
            path: "crates/a/",
            what: "`b`",
            times: 1,
            reason: "a test",
        }]);
        assert!(!exceptions.excuse("other rule", "crates/a/src/lib.rs", "`b`"));
        assert!(!exceptions.excuse("rule", "crates/c/src/lib.rs", "`b`"));
        assert!(!exceptions.excuse("rule", "crates/a/src/lib.rs", "`c`"));
        assert!(exceptions.excuse("rule", "crates/a/src/lib.rs", "uses `b`"));
        assert!(!exceptions.excuse("rule", "crates/a/src/lib.rs", "uses `b`"));
    }

    #[test]
    fn an_exception_that_nothing_needs_is_told() {
        let exceptions = Exceptions::of(&[Exception {
            rule: "r",
            path: "a.rs",
            what: "",
            times: ANY,
            reason: "x",
        }]);
        assert_eq!(exceptions.unused(&Tree::of([("b.rs", "")])).len(), 1);
    }
}
