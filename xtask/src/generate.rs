//! Files that a program writes and people read: written anew, or compared with what stands in the tree.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

/// What to do with what a generator gives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Puts it into the tree.
    Write,
    /// Compares it with what is there.
    Check,
}

/// A file and the arguments with which `freehold` prints it.
struct Generated {
    path: &'static str,
    arguments: &'static [&'static str],
}

const GENERATED: &[Generated] = &[
    Generated {
        path: "docs/openapi.json",
        arguments: &["openapi"],
    },
    Generated {
        path: "docs/CONFIG.md",
        arguments: &["config", "reference"],
    },
];

/// What came of one file.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Current,
    Written,
    Missing,
    /// The line, counted from 1, from which on the file differs from what its generator gives.
    Stale(usize),
}

/// Runs every generator in the workspace at `root`; answers whether all files are (now) current.
///
/// # Errors
/// If the program cannot be built or run, or gives nothing for a file that stands in the tree.
pub(crate) fn run(root: &Path, mode: Mode) -> anyhow::Result<bool> {
    let program = program(root)?;
    let mut current = true;
    for generated in GENERATED {
        let command = generated.arguments.join(" ");
        let text = print(&program, generated.arguments)
            .with_context(|| format!("`freehold {command}` should print {}", generated.path))?;
        let outcome = one(root, generated, mode, &text)?;
        let found = match outcome {
            Outcome::Current | Outcome::Written => None,
            Outcome::Missing => Some(format!("{}: is not there", generated.path)),
            Outcome::Stale(line) => Some(format!(
                "{}:{line}: is not what the program prints",
                generated.path
            )),
        };
        match found {
            None if outcome == Outcome::Written => {
                println!("{}: written by `freehold {command}`", generated.path)
            }
            None => println!("{}: current", generated.path),
            Some(found) => {
                current = false;
                println!(
                    "{found}; `freehold {command}` writes it\n    why: it is read as the truth about the program\
                     \n    way out: run `cargo xtask generate` and commit the file"
                );
            }
        }
    }
    Ok(current)
}

/// The executable: `FREEHOLD_BIN` if it is set, else the debug build, brought up to date.
#[expect(
    clippy::disallowed_methods,
    reason = "a tool of the build takes its few settings from the environment"
)]
fn program(root: &Path) -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("FREEHOLD_BIN") {
        return Ok(root.join(path));
    }
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |path| root.join(path));
    let built = Command::new(option_env!("CARGO").unwrap_or("cargo"))
        .args([
            "build",
            "--quiet",
            "--package",
            "freehold-server",
            "--bin",
            "freehold",
        ])
        .current_dir(root)
        .status()
        .context("could not run cargo")?;
    if !built.success() {
        bail!("freehold does not build");
    }
    Ok(target.join("debug/freehold"))
}

/// What the program prints, ended by one line break.
fn print(program: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("could not run {}", program.display()))?;
    if !output.status.success() {
        bail!(
            "{}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let text = String::from_utf8_lossy(&output.stdout);
    if text.trim().is_empty() {
        bail!("it printed nothing");
    }
    Ok(format!("{}\n", text.trim_end()))
}

fn one(root: &Path, generated: &Generated, mode: Mode, text: &str) -> anyhow::Result<Outcome> {
    let path = root.join(generated.path);
    let there = std::fs::read_to_string(&path).ok();
    match (there, mode) {
        (Some(there), _) if there == text => Ok(Outcome::Current),
        (None, Mode::Check) => Ok(Outcome::Missing),
        (Some(there), Mode::Check) => {
            let same = there
                .lines()
                .zip(text.lines())
                .take_while(|(left, right)| left == right)
                .count();
            Ok(Outcome::Stale(same + 1))
        }
        (_, Mode::Write) => {
            std::fs::write(&path, text).with_context(|| format!("could not write {}", path.display()))?;
            Ok(Outcome::Written)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: Generated = Generated {
        path: "reference.md",
        arguments: &["reference"],
    };

    /// A folder of its own for one test, gone afterwards.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("freehold-xtask-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            drop(std::fs::remove_dir_all(&self.0));
        }
    }

    #[test]
    fn a_stale_file_is_told_with_its_first_line_that_differs_and_mended_by_writing() {
        let folder = Folder::new("stale");
        std::fs::write(folder.0.join(FILE.path), "one\ntwo\n").unwrap();
        let check = |text| one(&folder.0, &FILE, Mode::Check, text).unwrap();
        assert_eq!(check("one\ntwo\n"), Outcome::Current);
        assert_eq!(check("one\nthree\n"), Outcome::Stale(2));
        assert_eq!(
            one(&folder.0, &FILE, Mode::Write, "one\nthree\n").unwrap(),
            Outcome::Written
        );
        assert_eq!(check("one\nthree\n"), Outcome::Current);
    }

    #[test]
    fn a_missing_file_is_told() {
        let folder = Folder::new("missing");
        assert_eq!(
            one(&folder.0, &FILE, Mode::Check, "one\n").unwrap(),
            Outcome::Missing
        );
    }

    #[test]
    fn a_program_that_prints_nothing_or_fails_generates_nothing() {
        assert!(print(Path::new("true"), &[]).is_err());
        assert!(print(Path::new("false"), &[]).is_err());
        assert_eq!(print(Path::new("echo"), &["one"]).unwrap(), "one\n");
    }
}
