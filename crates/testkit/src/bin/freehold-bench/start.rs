//! How long the gateway takes from its start to its first good word, on a fresh data directory and on one it knows.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long a start, and an end, may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is asked.
const PAUSE: Duration = Duration::from_millis(1);

/// Medians.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Starts {
    pub(crate) first: Duration,
    pub(crate) again: Duration,
}

/// Times `count` first starts of `executable`, each followed by a second one on the same directory.
///
/// # Errors
/// If it is not ready in time.
pub(crate) fn time(executable: &Path, count: usize) -> io::Result<Starts> {
    let (mut first, mut again) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let directory = tempfile::Builder::new().prefix("freehold-bench-").tempdir()?;
        first.push(once(executable, directory.path())?);
        again.push(once(executable, directory.path())?);
    }
    first.sort_unstable();
    again.sort_unstable();
    let middle = |sorted: &[Duration]| sorted.get(sorted.len() / 2).copied().unwrap_or_default();
    Ok(Starts {
        first: middle(&first),
        again: middle(&again),
    })
}

fn once(executable: &Path, directory: &Path) -> io::Result<Duration> {
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let mut command = Command::new(executable);
    command
        .arg("serve")
        .arg("--listen")
        .arg(address.to_string())
        .arg("--data-dir")
        .arg(directory.join("data"))
        .current_dir(directory)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let begin = Instant::now();
    let mut child = command.spawn()?;
    let ready = wait(&mut child, address, begin);
    end(&mut child)?;
    ready
}

fn wait(child: &mut Child, address: SocketAddr, begin: Instant) -> io::Result<Duration> {
    while begin.elapsed() < PATIENCE {
        if is_ready(address).unwrap_or(false) {
            return Ok(begin.elapsed());
        }
        if let Some(status) = child.try_wait()? {
            return Err(io::Error::other(format!("the gateway did not start: {status}")));
        }
        sleep(PAUSE);
    }
    Err(io::Error::other(format!(
        "the gateway was not ready within {PATIENCE:?}"
    )))
}

fn is_ready(address: SocketAddr) -> io::Result<bool> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n")?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    Ok(head.ends_with(b"200"))
}

/// Asks it to end, and waits until it has.
fn end(child: &mut Child) -> io::Result<()> {
    if let Some(id) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process(id, Signal::TERM);
    }
    let asked = Instant::now();
    while child.try_wait()?.is_none() {
        if asked.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::other(format!(
                "the gateway did not end within {PATIENCE:?}"
            )));
        }
        sleep(PAUSE);
    }
    Ok(())
}
