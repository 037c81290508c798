//! Checks and generators of the workspace, run as `cargo xtask <command>`.
//!
//! Nothing here is part of the product; what the checks hold is told in `docs/BUILD.md`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool talks on the terminal"
)]

mod cargo;
mod generate;
mod rust;
mod tidy;
mod tree;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

const USAGE: &str = "\
usage: cargo xtask <command>

  tidy                 what must hold of the source tree as a whole; fails with file, line, reason and way out
  generate             writes the generated files anew
  generate --check     fails if a generated file is not what its generator would write
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        ["tidy"] => root().and_then(|root| tidy::run(&root)),
        ["generate"] => root().and_then(|root| generate::run(&root, generate::Mode::Write)),
        ["generate", "--check"] => root().and_then(|root| generate::run(&root, generate::Mode::Check)),
        [] | ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(64);
        }
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The folder of the workspace: the one above this crate, wherever the command was called from.
fn root() -> anyhow::Result<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_path_buf)
        .context("xtask lies in no workspace")
}
