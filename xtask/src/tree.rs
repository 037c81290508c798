//! The files of the project, read once: everything that is tracked or about to be, nothing that is ignored.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::rust::Source;

/// All text files by their path from the root, with `/` between folders.
pub(crate) struct Tree {
    files: BTreeMap<String, File>,
}

/// One text file.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
    /// Read apart, if it is Rust.
    pub(crate) rust: Option<Source>,
    /// Whether the whole file is for tests and measurements only.
    pub(crate) test: bool,
}

impl Tree {
    /// Reads the checkout at `root`. A file with a zero byte is not text and left out.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let listing = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .context("could not run git, which lists the files of the project")?;
        if !listing.status.success() {
            bail!(
                "git could not list the files: {}",
                String::from_utf8_lossy(&listing.stderr).trim()
            );
        }
        let mut texts = Vec::new();
        for path in String::from_utf8_lossy(&listing.stdout)
            .split('\0')
            .filter(|path| !path.is_empty())
        {
            // Listed and not there: deleted and not yet committed, a link to nowhere, or a folder of its own.
            let Ok(bytes) = std::fs::read(root.join(path)) else {
                continue;
            };
            if !bytes.contains(&0) {
                texts.push((path.to_owned(), String::from_utf8_lossy(&bytes).into_owned()));
            }
        }
        Ok(Self::of(texts))
    }

    /// The tree of these files.
    pub(crate) fn of(texts: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>) -> Self {
        let mut files = BTreeMap::new();
        for (path, text) in texts {
            let (path, text) = (path.into(), text.into());
            let rust = path.ends_with(".rs").then(|| Source::read(&text));
            let test = path
                .split('/')
                .any(|folder| matches!(folder, "tests" | "benches" | "examples" | "fuzz"));
            files.insert(
                path.clone(),
                File {
                    path,
                    text,
                    rust,
                    test,
                },
            );
        }
        let mut tree = Self { files };
        tree.mark_test_modules();
        tree
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &File> {
        self.files.values()
    }

    pub(crate) fn get(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }

    /// The Rust files that end up in a program.
    pub(crate) fn product(&self) -> impl Iterator<Item = (&File, &Source)> {
        self.files()
            .filter(|file| !file.test)
            .filter_map(|file| Some((file, file.rust.as_ref()?)))
    }

    /// Marks the files of modules that are declared for tests only, and all below them.
    fn mark_test_modules(&mut self) {
        let mut stems = BTreeSet::new();
        for file in self.files.values() {
            let Some(stem) = file.path.strip_suffix(".rs") else {
                continue;
            };
            let folder = match stem.rsplit_once('/') {
                Some((folder, "lib" | "main" | "mod")) => folder,
                _ => stem,
            };
            for module in file.rust.iter().flat_map(|source| &source.test_modules) {
                stems.insert(format!("{folder}/{module}"));
            }
        }
        for file in self.files.values_mut() {
            let below = |stem: &String| {
                file.path
                    .strip_prefix(stem.as_str())
                    .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
            };
            file.test |= stems.iter().any(below);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_test_modules_are_tests() {
        let tree = Tree::of([
            ("crates/a/src/lib.rs", "#[cfg(test)]\nmod probes;\nmod ledger;"),
            ("crates/a/src/ledger.rs", "#[cfg(test)]\nmod tests;"),
            ("crates/a/src/ledger/tests.rs", ""),
            ("crates/a/src/ledger/rows.rs", ""),
            ("crates/a/src/probes/one.rs", ""),
            ("crates/a/tests/it.rs", ""),
        ]);
        let tests: Vec<&str> = tree
            .files()
            .filter(|file| file.test)
            .map(|file| file.path.as_str())
            .collect();
        assert_eq!(
            tests,
            [
                "crates/a/src/ledger/tests.rs",
                "crates/a/src/probes/one.rs",
                "crates/a/tests/it.rs"
            ]
        );
    }
}
