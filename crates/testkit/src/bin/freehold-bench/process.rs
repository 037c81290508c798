//! The other processes of a run: each has its own, so that the system tells what each of them spends.

use std::io::{self, BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use freehold_testkit::simulator::{Shape, Simulator, VALID_KEY};

/// This program in another role. Dropped, it ends.
pub(crate) struct Servant {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Servant {
    /// This program runs with `words` and listens.
    ///
    /// # Errors
    /// If it does not say where.
    pub(crate) fn start(words: &[String]) -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut said)?;
        }
        let address = said
            .trim()
            .parse()
            .map_err(|_| io::Error::other(format!("{words:?} does not listen")))?;
        Ok(Self { child, address })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Servant {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Says where this process listens, and stays until the one that started it is gone.
pub(crate) fn serve_at(address: SocketAddr) -> io::Result<()> {
    crate::say(&address.to_string());
    io::stdin().read_to_end(&mut Vec::new()).map(drop)
}

/// The role of the provider, which answers without thought.
pub(crate) fn provider() -> io::Result<()> {
    let simulator = Simulator::bind(Shape::OpenAi, (Ipv4Addr::LOCALHOST, 0).into())?;
    simulator.accept(VALID_KEY);
    serve_at(simulator.address)
}

/// Builds the gateway as users do, and answers where it lies: beside this program.
///
/// # Errors
/// If it does not build.
pub(crate) fn build() -> io::Result<PathBuf> {
    let status = Command::new("cargo")
        .args([
            "build",
            "--locked",
            "--release",
            "--package",
            "freehold-server",
            "--bin",
            "freehold",
        ])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .status()?;
    if !status.success() {
        return Err(io::Error::other("the gateway does not build"));
    }
    Ok(std::env::current_exe()?.with_file_name("freehold"))
}
