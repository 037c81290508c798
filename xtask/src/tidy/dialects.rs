//! The migrations of both databases go in lockstep: the same numbers, the same names, no gap.

use std::collections::BTreeSet;

use super::finding::{Finding, Rule};
use crate::tree::Tree;

const DIALECTS: Rule = Rule {
    name: "dialects",
    why: "nothing may work on one database only, and a migration's number is its place in the order for ever",
    way_out: "give both folders a file of the same name, `NNNN_name.sql`, numbered on from the last",
};

const FOLDER: &str = "crates/store/migrations";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let names = |dialect: &str| -> BTreeSet<&str> {
        let folder = format!("{FOLDER}/{dialect}/");
        tree.files()
            .filter_map(|file| file.path.strip_prefix(&folder))
            .filter(|name| name.ends_with(".sql"))
            .collect()
    };
    let (sqlite, postgres) = (names("sqlite"), names("postgres"));
    let mut findings = Vec::new();
    for (dialect, own, other) in [("sqlite", &sqlite, &postgres), ("postgres", &postgres, &sqlite)] {
        for (expected, name) in (1_usize..).zip(own) {
            let path = format!("{FOLDER}/{dialect}/{name}");
            if !other.contains(name) {
                findings.push(DIALECTS.at(&path, 0, "has no counterpart in the other dialect"));
            }
            match name
                .split_once('_')
                .and_then(|(number, _)| (number.len() == 4).then_some(number.parse::<usize>()))
            {
                Some(Ok(number)) if number == expected => {}
                Some(Ok(_)) => {
                    findings.push(DIALECTS.at(&path, 0, format!("should be number {expected:04}")))
                }
                _ => findings.push(DIALECTS.at(&path, 0, "is not named `NNNN_name.sql`")),
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(names: &[&str]) -> Vec<String> {
        let tree = Tree::of(names.iter().map(|name| (format!("{FOLDER}/{name}"), "")));
        check(&tree)
            .into_iter()
            .map(|finding| format!("{} {}", finding.path, finding.what))
            .collect()
    }

    #[test]
    fn a_migration_of_one_dialect_only_is_found() {
        assert_eq!(
            found(&["sqlite/0001_start.sql", "postgres/0001_start.sql"]),
            [""; 0]
        );
        let found = found(&["sqlite/0001_start.sql", "postgres/0001_begin.sql"]);
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn a_gap_a_doubled_number_and_a_bad_name_are_found() {
        for names in [
            ["0001_a.sql", "0003_b.sql"],
            ["0001_a.sql", "0001_b.sql"],
            ["0001_a.sql", "2_b.sql"],
        ] {
            let both: Vec<String> = ["sqlite", "postgres"]
                .iter()
                .flat_map(|d| names.map(|n| format!("{d}/{n}")))
                .collect();
            let both: Vec<&str> = both.iter().map(String::as_str).collect();
            assert_eq!(found(&both).len(), 2, "{names:?}");
        }
    }
}
