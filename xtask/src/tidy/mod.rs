//! What must hold of the source tree as a whole and what no compiler checks: floors, borders, bans, licences, words.
//!
//! Each rule is a function from the tree to findings. A place that may break a rule stands in `exceptions`, with a reason.

mod borders;
mod changelog;
mod dialects;
mod exceptions;
mod finding;
mod floors;
mod graph;
mod licence;
mod links;
mod manners;
mod secrets;
mod sizes;
mod words;

use std::path::Path;
use std::time::Instant;

use crate::cargo;
use crate::tree::Tree;
use exceptions::Exceptions;
use finding::Finding;

/// Runs every rule over the workspace at `root`, prints what it found, and answers whether all of them hold.
///
/// # Errors
/// If the tree or cargo's data cannot be read.
pub(crate) fn run(root: &Path) -> anyhow::Result<bool> {
    let started = Instant::now();
    let tree = Tree::read(root)?;
    let metadata = cargo::metadata(root)?;
    let resolved = cargo::resolved(root)?;
    let mut exceptions = Exceptions::of_the_project();

    let mut findings: Vec<Finding> = Vec::new();
    findings.extend(floors::check(root, &tree, &metadata));
    findings.extend(borders::check(&tree, &mut exceptions));
    findings.extend(secrets::check(&tree, &mut exceptions));
    findings.extend(manners::check(&tree, &mut exceptions));
    findings.extend(graph::check(&resolved));
    findings.extend(dialects::check(&tree));
    findings.extend(words::check(&tree, root));
    findings.extend(sizes::check(&tree));
    findings.extend(links::check(&tree));
    findings.extend(changelog::check(&tree));

    for report in sizes::long_functions(&tree)
        .into_iter()
        .chain(exceptions.unused(&tree))
    {
        println!("note: {report}");
    }
    print!("{}", finding::by_rule(&mut findings));
    let sources = tree.product().count();
    println!(
        "tidy: {sources} source files, {} others, {} crates in the graph, {} findings, {} ms",
        tree.files().count() - sources,
        resolved.len(),
        findings.len(),
        started.elapsed().as_millis(),
    );
    Ok(findings.is_empty())
}
