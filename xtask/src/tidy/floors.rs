//! Which of our crates may import which, and which libraries have one owner.

use std::path::Path;

use super::finding::{Finding, Rule};
use crate::cargo::{Dependency, Metadata, Package};
use crate::rust::line_of;
use crate::tree::Tree;

const FLOOR: Rule = Rule {
    name: "floor",
    why: "a crate imports only from the floors below it, and neighbours never import each other (docs/ARCHITECTURE.md)",
    way_out: "put the shared type or port into crates/domain, or join the two in crates/server; a new crate gets its line \
              in xtask/src/tidy/floors.rs",
};

const OWNER: Rule = Rule {
    name: "owned library",
    why: "what only one crate may know stays out of the others' manifests, so that it can be changed in one place",
    way_out: "call the port in crates/domain that the owning crate makes real",
};

/// A crate and what it may import of ours. `freehold-testkit` may be a dev-dependency of all.
const FLOORS: &[(&str, &[&str])] = &[
    ("freehold-domain", &[]),
    ("freehold-vault", &["freehold-domain"]),
    ("freehold-wire", &["freehold-domain"]),
    ("freehold-store", &["freehold-domain"]),
    (
        "freehold-gateway",
        &["freehold-domain", "freehold-vault", "freehold-wire"],
    ),
    ("freehold-console", &["freehold-domain", "freehold-vault"]),
    (
        "freehold-server",
        &[
            "freehold-domain",
            "freehold-vault",
            "freehold-wire",
            "freehold-store",
            "freehold-gateway",
            "freehold-console",
        ],
    ),
    ("freehold-testkit", &["freehold-domain", "freehold-wire"]),
    ("xtask", &[]),
];

/// A library and the crates that may name it in their manifest.
const OWNERS: &[(&str, &[&str])] = &[
    ("rusqlite", &["freehold-store", "freehold-testkit"]),
    ("tokio-postgres", &["freehold-store", "freehold-testkit"]),
    ("tokio-postgres-rustls", &["freehold-store"]),
    ("deadpool-postgres", &["freehold-store"]),
    ("redis", &["freehold-store", "freehold-testkit"]),
];

/// What floor 0 does not know: transport, run time, storage, cryptography.
const NOT_IN_DOMAIN: &[&str] = &[
    "tokio",
    "hyper",
    "http",
    "axum",
    "tower",
    "rustls",
    "aws-lc-rs",
    "toml",
    "tracing-subscriber",
    "utoipa",
];

pub(super) fn check(root: &Path, tree: &Tree, metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let path = Path::new(&package.manifest_path)
            .strip_prefix(root)
            .unwrap_or(Path::new(&package.manifest_path));
        let path = path.to_string_lossy();
        let text = tree.get(&path).map_or("", |file| file.text.as_str());
        findings.extend(package_findings(package, &path, text));
    }
    findings
}

fn package_findings(package: &Package, path: &str, text: &str) -> Vec<Finding> {
    let Some((_, below)) = FLOORS.iter().find(|(name, _)| *name == package.name) else {
        return vec![FLOOR.at(path, 1, format!("`{}` stands on no floor", package.name))];
    };
    let dev_only = |dependency: &Dependency| dependency.kind.as_deref() == Some("dev");
    let mut findings = Vec::new();
    for dependency in &package.dependencies {
        let name = dependency.name.as_str();
        let line = line_of_dependency(text, name);
        if FLOORS.iter().any(|(ours, _)| *ours == name) {
            let testkit = name == "freehold-testkit" && dev_only(dependency);
            if !testkit && !below.contains(&name) {
                findings.push(FLOOR.at(path, line, format!("`{}` imports `{name}`", package.name)));
            }
        }
        let owned = OWNERS.iter().find(|(library, _)| *library == name);
        if let Some((_, owners)) = owned.filter(|(_, owners)| !owners.contains(&package.name.as_str())) {
            let what = format!(
                "`{}` depends on `{name}`, which belongs to {}",
                package.name,
                owners.join(" and ")
            );
            findings.push(OWNER.at(path, line, what));
        }
        if package.name == "freehold-domain" && NOT_IN_DOMAIN.contains(&name) && !dev_only(dependency) {
            findings.push(OWNER.at(path, line, format!("`freehold-domain` depends on `{name}`")));
        }
    }
    findings
}

/// The line of a manifest that names the dependency; the first line if it is written in a form we do not know.
fn line_of_dependency(text: &str, name: &str) -> usize {
    let starts = |line: &str| {
        line.trim_start()
            .strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
    };
    let offset: usize = text
        .split_inclusive('\n')
        .take_while(|line| !starts(line))
        .map(str::len)
        .sum();
    if offset >= text.len() {
        1
    } else {
        line_of(text, offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        Package {
            name: name.to_owned(),
            manifest_path: "Cargo.toml".to_owned(),
            dependencies: dependencies
                .iter()
                .map(|(name, kind)| Dependency {
                    name: (*name).to_owned(),
                    kind: kind.map(str::to_owned),
                })
                .collect(),
        }
    }

    fn whats(package: &Package) -> Vec<String> {
        package_findings(package, "Cargo.toml", "")
            .into_iter()
            .map(|finding| finding.what)
            .collect()
    }

    #[test]
    fn neighbours_and_upper_floors_are_found() {
        let gateway = package(
            "freehold-gateway",
            &[("freehold-console", None), ("freehold-domain", None)],
        );
        assert_eq!(whats(&gateway), ["`freehold-gateway` imports `freehold-console`"]);
        let domain = package(
            "freehold-domain",
            &[("freehold-wire", Some("dev")), ("serde", None)],
        );
        assert_eq!(whats(&domain), ["`freehold-domain` imports `freehold-wire`"]);
    }

    #[test]
    fn the_testkit_is_for_tests_only() {
        assert!(whats(&package("freehold-store", &[("freehold-testkit", Some("dev"))])).is_empty());
        let server = package(
            "freehold-server",
            &[("freehold-testkit", None), ("freehold-store", None)],
        );
        assert_eq!(whats(&server), ["`freehold-server` imports `freehold-testkit`"]);
    }

    #[test]
    fn a_crate_without_a_floor_is_found() {
        assert_eq!(
            whats(&package("freehold-attic", &[])),
            ["`freehold-attic` stands on no floor"]
        );
    }

    #[test]
    fn a_library_with_an_owner_is_found_elsewhere() {
        assert_eq!(
            whats(&package("freehold-gateway", &[("rusqlite", None)])).len(),
            1
        );
        assert!(whats(&package("freehold-store", &[("rusqlite", None)])).is_empty());
        assert_eq!(
            whats(&package(
                "freehold-domain",
                &[("tokio", None), ("tokio", Some("dev"))]
            ))
            .len(),
            1
        );
    }

    #[test]
    fn a_finding_points_at_the_line_of_the_manifest() {
        let text = "[package]\nname = \"x\"\n\n[dependencies]\nserde.workspace = true\nserde_json = \"1\"\n";
        assert_eq!(line_of_dependency(text, "serde"), 5);
        assert_eq!(line_of_dependency(text, "serde_json"), 6);
        assert_eq!(line_of_dependency(text, "absent"), 1);
    }
}
