//! The documents' links to files of the project lead somewhere.

use super::finding::{Finding, Rule};
use crate::tree::Tree;

const LINK: Rule = Rule {
    name: "link",
    why: "a reader who follows a link to nothing stops trusting the page",
    way_out: "correct the path, or leave the link out until the file is there",
};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files().filter(|file| file.path.ends_with(".md")) {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut fenced = false;
        for (index, line) in file.text.lines().enumerate() {
            fenced ^= line.trim_start().starts_with("```");
            for target in targets(line).filter(|_| !fenced) {
                let path = resolve(folder, target);
                let there = tree.get(&path).is_some() || tree.files().any(|file| is_below(&file.path, &path));
                if !there {
                    findings.push(LINK.at(
                        &file.path,
                        index + 1,
                        format!("links to `{target}`, which is not there"),
                    ));
                }
            }
        }
    }
    findings
}

/// The targets of `[text](target)` in a line that are paths, without the place inside the file.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let ends = line
        .match_indices("](")
        .map(|(offset, bracket)| offset + bracket.len());
    let inside = ends.filter_map(move |start| line.get(start..)?.split([')', ' ']).next());
    let paths = inside.filter_map(|target| target.split('#').next());
    paths.filter(|path| !path.is_empty() && !path.contains(':') && !path.starts_with('/'))
}

/// `target` seen from `folder`, as a path from the root.
fn resolve(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<usize> {
        let tree = Tree::of([("docs/A.md", text), ("README.md", ""), ("docs/adr/0001-a.md", "")]);
        check(&tree).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_link_to_nothing_is_found() {
        assert_eq!(found("a\n[b](B.md) and [c](../C.md#d)\n"), [2, 2]);
    }

    #[test]
    fn files_folders_places_and_the_outside_are_left_alone() {
        assert_eq!(
            found("[a](../README.md) [b](adr) [c](adr/0001-a.md#d) [e](#f) [g](https://h.i/j)"),
            [0_usize; 0]
        );
        assert_eq!(found("```\n[a](B.md)\n```"), [0_usize; 0]);
    }
}
