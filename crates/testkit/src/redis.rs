//! A Redis server that lives as long as the test that needs it. It keeps nothing: what is in it may be lost.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::process::{Process, free_port, search_path};

const PATIENCE: Duration = Duration::from_secs(30);
const DATABASES: u32 = 1024;

/// A running server.
#[derive(Debug)]
pub struct Redis {
    program: PathBuf,
    scratch: TempDir,
    port: u16,
    process: Process,
    databases: AtomicU32,
}

impl Redis {
    /// The server of this test process: started by the first that asks, stopped when the process ends.
    ///
    /// # Panics
    /// If Redis is not installed or does not start; with what is to be done.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Redis> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A server of its own.
    ///
    /// # Panics
    /// As [`Self::shared`].
    #[must_use]
    pub fn start() -> Self {
        let program = search_path()
            .into_iter()
            .map(|folder| folder.join("redis-server"))
            .find(|program| program.is_file())
            .unwrap_or_else(|| {
                panic!(
                    "Redis is not installed: no redis-server in PATH. Install it (`apt-get install redis-server`); \
                    this test does not pass without it"
                )
            });
        let scratch = tempfile::Builder::new()
            .prefix("freehold-redis-")
            .tempdir()
            .expect("a temporary directory");
        let port = free_port();
        let process = launch(&program, scratch.path(), port);
        let mut server = Self {
            program,
            scratch,
            port,
            process,
            databases: AtomicU32::new(0),
        };
        server.wait_until_ready();
        server
    }

    /// The URL of a database that no other caller of this server got.
    ///
    /// # Panics
    /// If all are given away.
    #[must_use]
    pub fn database(&self) -> String {
        let number = self.databases.fetch_add(1, Ordering::SeqCst);
        assert!(
            number < DATABASES,
            "this server has no more than {DATABASES} databases"
        );
        format!("redis://127.0.0.1:{}/{number}", self.port)
    }

    /// Everything in it is gone.
    ///
    /// # Panics
    /// If the server does not answer.
    pub fn flush(&self) {
        assert_eq!(self.say("FLUSHALL").as_deref(), Some("+OK"));
    }

    /// The server dies; nothing of it is left.
    pub fn crash(&mut self) {
        self.process.kill();
    }

    /// The server stands still: connections stay open and get no answer.
    pub fn freeze(&self) {
        self.process.signal(Signal::STOP);
    }

    /// The server goes on.
    pub fn thaw(&self) {
        self.process.signal(Signal::CONT);
    }

    /// An empty server runs on the same port.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) {
        self.process.kill();
        self.process = launch(&self.program, self.scratch.path(), self.port);
        self.wait_until_ready();
    }

    /// The first line of the answer to a command of plain words.
    fn say(&self, words: &str) -> Option<String> {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        socket.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        socket.write_all(format!("{words}\r\n").as_bytes()).ok()?;
        let mut answer = [0; 128];
        let length = socket.read(&mut answer).ok()?;
        let text = String::from_utf8_lossy(answer.get(..length)?).into_owned();
        text.lines().next().map(str::to_owned)
    }

    fn wait_until_ready(&mut self) {
        let end = Instant::now() + PATIENCE;
        while self.say("PING").as_deref() != Some("+PONG") {
            let ended = self.process.ended();
            let said = self.process.stdout();
            assert!(
                ended.is_none() && Instant::now() < end,
                "Redis did not start: {ended:?}\n{said}"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn launch(program: &Path, scratch: &Path, port: u16) -> Process {
    let mut command = Command::new(program);
    command
        .env_clear()
        .current_dir(scratch)
        .arg("--port")
        .arg(port.to_string())
        .arg("--dir")
        .arg(scratch);
    command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    command.arg("--databases").arg(DATABASES.to_string());
    Process::start(&mut command, "KILL", Some(scratch))
        .unwrap_or_else(|error| panic!("cannot run {}: {error}", program.display()))
}
