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
    /// The line, counted from 1, from which on the file differs from what its generator gives.
    Stale(usize),
    /// Neither is the file in the tree nor does the program know the command.
    NotYet,
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
        let outcome = one(root, generated, mode, print(&program, generated.arguments))?;
        current &= !matches!(outcome, Outcome::Stale(_));
        match outcome {
            Outcome::Current => println!("{}: current", generated.path),
            Outcome::Written => println!("{}: written by `freehold {command}`", generated.path),
            Outcome::NotYet => println!(
                "{}: not there yet, and `freehold {command}` neither",
                generated.path
            ),
            Outcome::Stale(line) => println!(
                "{}:{line}: is not what `freehold {command}` prints\n    why: it is read as the truth about the program\
                 \n    way out: run `cargo xtask generate` and commit the file",
                generated.path
            ),
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

/// What the program prints, or why it printed nothing of use.
fn print(program: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|error| format!("could not run {}: {error}", program.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(format!(
            "{}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        ));
    }
    if text.trim().is_empty() {
        return Err("it printed nothing".to_owned());
    }
    Ok(format!("{}\n", text.trim_end()))
}

fn one(
    root: &Path,
    generated: &Generated,
    mode: Mode,
    printed: Result<String, String>,
) -> anyhow::Result<Outcome> {
    let path = root.join(generated.path);
    let there = std::fs::read_to_string(&path).ok();
    let printed = match printed {
        Ok(printed) => printed,
        Err(_) if there.is_none() => return Ok(Outcome::NotYet),
        Err(error) => bail!(
            "`freehold {}` should print {}: {error}",
            generated.arguments.join(" "),
            generated.path
        ),
    };
    if there.as_deref() == Some(printed.as_str()) {
        return Ok(Outcome::Current);
    }
    if mode == Mode::Check {
        let there = there.unwrap_or_default();
        let same = there
            .lines()
            .zip(printed.lines())
            .take_while(|(left, right)| left == right)
            .count();
        return Ok(Outcome::Stale(same + 1));
    }
    std::fs::write(&path, printed).with_context(|| format!("could not write {}", path.display()))?;
    Ok(Outcome::Written)
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

    fn printed(text: &str) -> Result<String, String> {
        Ok(text.to_owned())
    }

    #[test]
    fn a_stale_file_is_told_with_its_first_line_that_differs_and_mended_by_writing() {
        let folder = Folder::new("stale");
        std::fs::write(folder.0.join(FILE.path), "one\ntwo\n").unwrap();
        let check = |text| one(&folder.0, &FILE, Mode::Check, printed(text)).unwrap();
        assert_eq!(check("one\ntwo\n"), Outcome::Current);
        assert_eq!(check("one\nthree\n"), Outcome::Stale(2));
        assert_eq!(
            one(&folder.0, &FILE, Mode::Write, printed("one\nthree\n")).unwrap(),
            Outcome::Written
        );
        assert_eq!(check("one\nthree\n"), Outcome::Current);
    }

    #[test]
    fn a_missing_file_is_stale_once_its_command_exists() {
        let folder = Folder::new("missing");
        let unknown = || Err("unknown command".to_owned());
        assert_eq!(
            one(&folder.0, &FILE, Mode::Check, unknown()).unwrap(),
            Outcome::NotYet
        );
        assert_eq!(
            one(&folder.0, &FILE, Mode::Check, printed("one\n")).unwrap(),
            Outcome::Stale(1)
        );
        std::fs::write(folder.0.join(FILE.path), "one\n").unwrap();
        assert!(one(&folder.0, &FILE, Mode::Check, unknown()).is_err());
    }
}
