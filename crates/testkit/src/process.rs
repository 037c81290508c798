//! Child processes that never outlive the test that started them, and free ports for them.

use std::io::{self, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process};

/// A shell that waits for the end of this process, however it ends, then stops what it watches and clears away.
///
/// Destructors are not run when a test is killed, and statics never are; the pipe to the shell closes in any case.
#[derive(Debug)]
pub(crate) struct Watchdog(Child);

impl Watchdog {
    /// Watches over the process `id` and over a directory that goes with it.
    ///
    /// # Errors
    /// If there is no shell.
    pub(crate) fn over(id: u32, signal: &str, directory: Option<&Path>) -> io::Result<Self> {
        // The marks of a terminal's interruption reach the shell too, and must not end it before its work is done.
        const SCRIPT: &str = "trap '' INT TERM HUP QUIT; cat >/dev/null; kill -s \"$2\" \"$1\" 2>/dev/null; \
            n=0; while kill -0 \"$1\" 2>/dev/null && [ $n -lt 50 ]; do sleep 0.1; n=$((n+1)); done; \
            kill -s KILL \"$1\" 2>/dev/null; [ -n \"$3\" ] && rm -rf \"$3\"";
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", SCRIPT, "watchdog"])
            .arg(id.to_string())
            .arg(signal)
            .arg(directory.unwrap_or_else(|| Path::new("")))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Ok(Self(command.spawn()?))
    }

    /// Sends the watchdog home: what it watched is gone.
    fn dismiss(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.dismiss();
    }
}

/// A running child process. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    output: Arc<Mutex<Output>>,
    #[cfg_attr(not(test), expect(dead_code, reason = "it is held for what its end does"))]
    watchdog: Watchdog,
}

/// What a process said so far.
#[derive(Debug, Default)]
struct Output {
    out: Vec<u8>,
    err: Vec<u8>,
}

impl Process {
    /// `command` runs, its output is kept, and it dies with this process at the latest.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(crate) fn start(
        command: &mut Command,
        on_orphan: &str,
        directory: Option<&Path>,
    ) -> io::Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let watchdog = Watchdog::over(child.id(), on_orphan, directory)?;
        let output = Arc::new(Mutex::new(Output::default()));
        if let Some(out) = child.stdout.take() {
            follow(out, Arc::clone(&output), |output| &mut output.out);
        }
        if let Some(err) = child.stderr.take() {
            follow(err, Arc::clone(&output), |output| &mut output.err);
        }
        Ok(Self {
            child,
            output,
            watchdog,
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn stdout(&self) -> String {
        let output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&output.out).into_owned()
    }

    pub(crate) fn stderr(&self) -> String {
        let output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&output.err).into_owned()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(id) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(id, signal);
        }
    }

    /// Kills it at once and waits for its end.
    pub(crate) fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn follow(
    mut pipe: impl Read + Send + 'static,
    output: Arc<Mutex<Output>>,
    which: fn(&mut Output) -> &mut Vec<u8>,
) {
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(length @ 1..) = pipe.read(&mut buffer) {
            let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
            which(&mut output).extend_from_slice(buffer.get(..length).unwrap_or_default());
        }
    });
}

/// A port on loopback that nobody listens on at the moment.
///
/// Below the range from which the system takes ports for outgoing connections, so that none of those gets it between
/// now and its use; and from another place in each process, because tests run side by side.
///
/// # Panics
/// If there is none.
pub(crate) fn free_port() -> u16 {
    const FIRST: u16 = 15_000;
    const COUNT: u16 = 16_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id().wrapping_mul(97) % u32::from(COUNT)).unwrap_or_default();
    for _ in 0..COUNT {
        let offset = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, FIRST + offset)).is_ok() {
            return FIRST + offset;
        }
    }
    panic!("no free port on loopback");
}

/// The folders in which the system looks for programs, and those that are often left out of it.
pub(crate) fn search_path() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path()).collect();
    folders.extend(["/usr/local/bin", "/usr/bin", "/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    folders
}

#[expect(
    clippy::disallowed_methods,
    reason = "programs are found where the shell of the tester finds them"
)]
fn path() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn what_is_watched_ends_with_the_one_who_started_it() {
        let directory = tempfile::tempdir().unwrap().keep();
        std::fs::write(directory.join("file"), "content").unwrap();
        let mut process =
            Process::start(Command::new("/bin/sleep").arg("600"), "TERM", Some(&directory)).unwrap();
        assert!(process.ended().is_none());
        // What the system does when this process ends in any way.
        drop(process.watchdog.0.stdin.take());
        let end = Instant::now() + Duration::from_secs(20);
        while directory.exists() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
            process.ended();
        }
        assert!(!directory.exists());
        assert!(process.ended().is_some());
    }

    #[test]
    fn output_of_both_kinds_is_kept() {
        let mut command = Command::new("/bin/sh");
        let mut process =
            Process::start(command.args(["-c", "echo out; echo err >&2"]), "KILL", None).unwrap();
        let end = Instant::now() + Duration::from_secs(20);
        while (process.stdout().is_empty() || process.stderr().is_empty()) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
            process.ended();
        }
        assert_eq!(
            (process.stdout().as_str(), process.stderr().as_str()),
            ("out\n", "err\n")
        );
    }

    #[test]
    fn free_ports_are_free_and_differ() {
        let (one, other) = (free_port(), free_port());
        assert_ne!(one, other);
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, one)).is_ok());
    }
}
