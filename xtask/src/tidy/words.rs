//! What must not stand in any file: places and tools of the machine it was written on, and where packages were fetched from.

use std::path::Path;

use super::finding::{Finding, Rule};
use crate::rust::{beginnings, line_of};
use crate::tree::{File, Tree};

const LOCAL: Rule = Rule {
    name: "local word",
    why: "the project speaks of itself alone: a path or tool of one machine means nothing on another",
    way_out: "use a path relative to the file or the root, or say what is meant without it",
};

const MIRROR: Rule = Rule {
    name: "registry",
    why: "a lock file that names a mirror cannot be installed from where the mirror is not reached",
    way_out: "leave the address out or make it the public registry: for npm, `omit-lockfile-registry-resolved=true`",
};

/// Written in halves, so that this table does not find itself.
const WORDS: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("far", "m-"),
    concat!("../sha", "red"),
    concat!("/ro", "ot/"),
];

/// The only source of crates, and the only host that an npm lock file may name.
const CRATES: &str = "registry+https://github.com/rust-lang/crates.io-index";
const NPM: &str = "https://registry.npmjs.org/";

pub(super) fn check(tree: &Tree, root: &Path) -> Vec<Finding> {
    let root = format!("{}/", root.display());
    let mut findings = Vec::new();
    for file in tree.files() {
        for word in WORDS.iter().copied().chain([root.as_str()]) {
            for offset in beginnings(&file.text, word)
                .into_iter()
                .filter(|&offset| is_outermost(&file.text, offset))
            {
                findings.push(LOCAL.at(&file.path, line_of(&file.text, offset), format!("`{word}`")));
            }
        }
        findings.extend(registries(file));
    }
    findings
}

/// Whether the word is no later part of a longer path or name, such as `docs/work/` or `server-farm-size`.
fn is_outermost(text: &str, offset: usize) -> bool {
    let before = text.get(..offset).and_then(|text| text.chars().next_back());
    !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '}' | '~'))
}

fn registries(file: &File) -> Vec<Finding> {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let line = line.trim();
        let foreign = match name {
            "Cargo.lock" => line.starts_with("source = ") && !line.contains(CRATES),
            "package-lock.json" | "npm-shrinkwrap.json" => {
                line.starts_with("\"resolved\"") && !line.contains(NPM)
            }
            ".npmrc" => line.starts_with("registry") || line.contains(":registry"),
            "pip.conf" => line.contains("index-url"),
            "config.toml" if file.path.ends_with(".cargo/config.toml") => line.contains("replace-with"),
            _ if name.starts_with("requirements") => {
                line.contains("index-url") || line.contains("find-links")
            }
            _ => false,
        };
        if foreign {
            findings.push(MIRROR.at(&file.path, index + 1, line.to_owned()));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<usize> {
        check(&Tree::of([(path, text)]), Path::new("/home/someone/freehold"))
            .into_iter()
            .map(|f| f.line)
            .collect()
    }

    #[test]
    fn paths_and_tools_of_a_machine_are_found_in_any_file() {
        for word in WORDS {
            assert_eq!(
                found("docs/A.md", &format!("one\nsee `{word}x`\n")),
                [2],
                "{word}"
            );
        }
        assert_eq!(found("docs/A.md", "in /home/someone/freehold/target"), [1]);
    }

    #[test]
    fn parts_of_longer_paths_are_free() {
        let (work, farm) = (WORDS[0], WORDS[1]);
        assert_eq!(
            found(
                "docs/A.md",
                &format!("crates{work}a server-{farm}size Cargo.toml")
            ),
            [0_usize; 0]
        );
    }

    #[test]
    fn mirrors_in_lock_files_are_found() {
        let npm = "{\n\"resolved\": \"https://registry.npmjs.org/a/-/a-1.0.0.tgz\",\n\"resolved\": \"http://10.0.0.1/a.tgz\"\n}";
        assert_eq!(found("web/package-lock.json", npm), [3]);
        let cargo = format!("source = \"{CRATES}\"\nsource = \"registry+https://mirror/index\"\n");
        assert_eq!(found("Cargo.lock", &cargo), [2]);
        assert_eq!(
            found(
                "tests/sdk/requirements.txt",
                "--index-url http://mirror\nopenai==1.0\n"
            ),
            [1]
        );
    }
}
