//! The executable run by hand, where a test looks at how it starts rather than at what it serves.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use super::EXECUTABLE;

/// The executable in a working directory, with nothing of this process's environment.
pub(crate) fn freehold(directory: &Path) -> Command {
    let mut command = Command::new(EXECUTABLE);
    command
        .current_dir(directory)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs the executable with these arguments to its end.
pub(crate) fn run(directory: &Path, arguments: &[&str]) -> Output {
    freehold(directory).args(arguments).output().unwrap()
}

/// The exit code.
#[track_caller]
pub(crate) fn code(output: &Output) -> i32 {
    output
        .status
        .code()
        .unwrap_or_else(|| panic!("ended by a signal: {output:?}"))
}

/// Both streams as text.
pub(crate) fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// A server started by hand; killed when it is dropped.
pub(crate) struct Started(pub(crate) Child);

impl Started {
    /// The server runs.
    pub(crate) fn serve(directory: &Path, arguments: &[&str]) -> Self {
        Self(freehold(directory).arg("serve").args(arguments).spawn().unwrap())
    }

    /// Reads standard output up to the first line with `text` in it and answers that line.
    pub(crate) fn line_with(&mut self, text: &str) -> String {
        let out = self.0.stdout.as_mut().unwrap();
        let mut lines = BufReader::new(out).lines();
        lines
            .by_ref()
            .map_while(Result::ok)
            .find(|line| line.contains(text))
            .unwrap_or_else(|| {
                let mut error = String::new();
                drop(self.0.stderr.take().unwrap().read_to_string(&mut error));
                panic!("it never said {text:?}: {error}")
            })
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
