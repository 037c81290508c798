//! What cargo knows: the manifests of our own crates, and every crate that any build of them can contain.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};
use serde::Deserialize;

/// Our own crates, as their manifests state them.
#[derive(Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
}

/// One of our crates.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest_path: String,
    pub(crate) dependencies: Vec<Dependency>,
}

/// One line of a manifest.
#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Nothing for an ordinary one, else `dev` or `build`.
    pub(crate) kind: Option<String>,
}

/// A crate of the resolved graph.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Resolved {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The licence expression; empty if the crate states none.
    pub(crate) licence: String,
    /// Whether it lies in this workspace.
    pub(crate) ours: bool,
}

/// Reads the manifests of the workspace at `root`.
pub(crate) fn metadata(root: &Path) -> anyhow::Result<Metadata> {
    let json = cargo(
        root,
        &["metadata", "--no-deps", "--offline", "--format-version", "1"],
    )?;
    serde_json::from_str(&json).context("cargo metadata has a form that is not understood")
}

/// Every crate that a build of the workspace can contain: all features, all platforms, tests and build scripts too.
///
/// It asks `cargo tree` and not `cargo metadata`: the latter lists optional dependencies that no feature turns on.
pub(crate) fn resolved(root: &Path) -> anyhow::Result<Vec<Resolved>> {
    let listing = cargo(
        root,
        &[
            "tree",
            "--locked",
            "--workspace",
            "--all-features",
            "--target",
            "all",
            "--edges",
            "normal,build,dev",
            "--prefix",
            "none",
            "--format",
            "{p}|{l}",
        ],
    )?;
    let mut crates: Vec<Resolved> = listing.lines().filter_map(resolved_line).collect();
    crates.sort();
    crates.dedup();
    if crates.is_empty() {
        bail!("cargo tree listed no crate");
    }
    Ok(crates)
}

/// `name v1.2.3 (where)|licence (*)`, where the last two are not always there.
fn resolved_line(line: &str) -> Option<Resolved> {
    let (package, licence) = line.split_once('|')?;
    let mut parts = package.splitn(3, ' ');
    let (name, version) = (parts.next()?, parts.next()?);
    Some(Resolved {
        name: name.to_owned(),
        version: version.trim_start_matches('v').to_owned(),
        licence: licence.trim_end_matches("(*)").trim().to_owned(),
        ours: parts.next().is_some_and(|place| place.starts_with("(/")),
    })
}

/// Runs cargo at `root` and answers what it printed.
fn cargo(root: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let program = option_env!("CARGO").unwrap_or("cargo");
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root)
        .output()
        .with_context(|| format!("could not run {program}"))?;
    if !output.status.success() {
        bail!(
            "cargo {} failed:\n{}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    String::from_utf8(output.stdout).context("cargo printed something that is not text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_graph_is_taken_apart() {
        let ours = resolved_line("freehold-domain v0.1.0 (/somewhere/crates/domain)|Apache-2.0 (*)").unwrap();
        assert!(ours.ours);
        assert_eq!(
            (ours.name.as_str(), ours.licence.as_str()),
            ("freehold-domain", "Apache-2.0")
        );
        let theirs = resolved_line("serde_derive v1.0.229 (proc-macro)|MIT OR Apache-2.0").unwrap();
        assert!(!theirs.ours);
        assert_eq!(
            (theirs.version.as_str(), theirs.licence.as_str()),
            ("1.0.229", "MIT OR Apache-2.0")
        );
        assert_eq!(resolved_line("unstated v1.0.0|").unwrap().licence, "");
    }
}
