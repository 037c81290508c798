//! What may be in the graph of dependencies: licences we accept, one TLS and crypto library, none of the banned.

use super::finding::{Finding, Rule};
use super::licence;
use crate::cargo::Resolved;

const BANNED: Rule = Rule {
    name: "banned crate",
    why: "each of these was decided against; the reason stands beside its name in xtask/src/tidy/graph.rs",
    way_out: "`cargo tree --workspace --target all -i <name>` tells who brings it: turn off the feature, or choose another",
};

const TWICE: Rule = Rule {
    name: "two versions",
    why: "two versions of this one mean two sets of types, or two TLS stacks with their own settings",
    way_out: "`cargo tree --workspace --target all -d` tells who holds the old one back",
};

const LICENCE: Rule = Rule {
    name: "licence",
    why: "Freehold is given away under Apache-2.0, and every part of it must allow that",
    way_out: "choose another crate; if there is none, name it in ACCEPTED_AS_THEY_ARE with its reason",
};

/// Crates that no build may contain, with the reason.
const BANS: &[(&str, &str)] = &[
    ("ring", "a second crypto library beside aws-lc-rs"),
    ("openssl", "a second TLS library beside rustls"),
    ("openssl-sys", "a second TLS library beside rustls"),
    ("native-tls", "a second TLS library beside rustls"),
    ("boring", "a second TLS library beside rustls"),
    ("boring-sys", "a second TLS library beside rustls"),
    (
        "sqlx",
        "its macros build both database drivers twice; SQL is checked by tests on both engines instead",
    ),
    (
        "sqlx-core",
        "its macros build both database drivers twice; SQL is checked by tests on both engines instead",
    ),
    ("diesel", "SQL is written as SQL"),
    (
        "reqwest",
        "requests to providers go through our own client, which checks every address it connects to",
    ),
];

/// Crates of which one version is enough.
const ONCE: &[&str] = &[
    "rustls",
    "aws-lc-rs",
    "aws-lc-sys",
    "hyper",
    "http",
    "h2",
    "tokio",
    "tokio-rustls",
    "serde_json",
];

/// Crates whose licence is not on the list and that come in all the same: name, licence as stated, reason.
const ACCEPTED_AS_THEY_ARE: &[(&str, &str, &str)] = &[];

pub(super) fn check(resolved: &[Resolved]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in resolved.iter().filter(|package| !package.ours) {
        let Resolved {
            name,
            version,
            licence,
            ..
        } = package;
        if let Some((_, reason)) = BANS.iter().find(|(banned, _)| banned == name) {
            findings.push(BANNED.at(
                "Cargo.lock",
                0,
                format!("{name} {version} is in the graph: {reason}"),
            ));
        }
        let excused = ACCEPTED_AS_THEY_ARE
            .iter()
            .any(|(excused, stated, _)| excused == name && stated == licence);
        if !licence::is_met(licence) && !excused {
            let stated = if licence.is_empty() { "no licence" } else { licence };
            findings.push(LICENCE.at("Cargo.lock", 0, format!("{name} {version} states `{stated}`")));
        }
    }
    for once in ONCE {
        let versions: Vec<&str> = resolved
            .iter()
            .filter(|package| package.name == *once)
            .map(|package| package.version.as_str())
            .collect();
        if versions.len() > 1 {
            findings.push(TWICE.at(
                "Cargo.lock",
                0,
                format!("{once} is in the graph as {}", versions.join(" and ")),
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(crates: &[(&str, &str, &str)]) -> Vec<&'static str> {
        let resolved: Vec<Resolved> = crates
            .iter()
            .map(|(name, version, licence)| Resolved {
                name: (*name).to_owned(),
                version: (*version).to_owned(),
                licence: (*licence).to_owned(),
                ours: false,
            })
            .collect();
        check(&resolved)
            .into_iter()
            .map(|finding| finding.rule.name)
            .collect()
    }

    #[test]
    fn a_banned_crate_a_foreign_licence_and_a_second_version_are_found() {
        assert_eq!(
            found(&[("ring", "0.17.14", "Apache-2.0 AND ISC")]),
            ["banned crate"]
        );
        assert_eq!(found(&[("a", "1.0.0", "AGPL-3.0-only")]), ["licence"]);
        assert_eq!(found(&[("a", "1.0.0", "")]), ["licence"]);
        assert_eq!(
            found(&[("rustls", "0.22.0", "MIT"), ("rustls", "0.23.0", "MIT")]),
            ["two versions"]
        );
    }

    #[test]
    fn an_ordinary_graph_passes() {
        assert_eq!(
            found(&[
                ("rustls", "0.23.0", "Apache-2.0 OR ISC OR MIT"),
                ("syn", "2.0.0", "MIT"),
                ("syn", "3.0.0", "MIT")
            ]),
            [""; 0]
        );
    }
}
