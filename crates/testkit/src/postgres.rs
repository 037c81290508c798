//! A PostgreSQL server that lives as long as the test that needs it, and leaves nothing behind.

use std::fs;
use std::io;
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::process::{Process, free_port};

const USER: &str = "freehold";
/// Part of every URL, so that a search for leaked secrets has something to find.
const PASSWORD: &str = "throw-away-0b7Qm2XkVd9LsT4n";
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    scratch: TempDir,
    port: u16,
    durable: bool,
    account: Option<Account>,
    process: Process,
    databases: AtomicU32,
}

/// Whom the server runs as, where we are root: it refuses to be root itself.
#[derive(Debug, Clone, Copy)]
struct Account {
    user: u32,
    group: u32,
}

impl Postgres {
    /// The server of this test process: started by the first that asks, stopped when the process ends.
    ///
    /// # Panics
    /// If PostgreSQL is not installed or does not start; with what is to be done.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A server of its own, fast and not durable: what it has written may be lost with the machine, not with the
    /// server.
    ///
    /// # Panics
    /// As [`Self::shared`].
    #[must_use]
    pub fn start() -> Self {
        Self::started(false)
    }

    /// A server of its own that waits for the disk as one in production does.
    ///
    /// # Panics
    /// As [`Self::shared`].
    #[must_use]
    pub fn start_durable() -> Self {
        Self::started(true)
    }

    fn started(durable: bool) -> Self {
        let programs = programs();
        let account = account();
        let scratch = tempfile::Builder::new().prefix("freehold-postgres-").tempdir();
        let scratch = scratch.expect("a temporary directory");
        let password_file = scratch.path().join("password");
        fs::write(&password_file, PASSWORD).expect("a writable temporary directory");
        for path in [scratch.path(), &password_file] {
            if let Some(account) = account {
                chown(path, Some(account.user), Some(account.group)).expect("root may give files away");
            }
        }
        fs::set_permissions(&password_file, fs::Permissions::from_mode(0o600)).expect("a file of ours");
        let mut command = program(&programs, "initdb", account, scratch.path());
        command
            .arg("--pgdata")
            .arg(scratch.path().join("data"))
            .arg("--pwfile")
            .arg(&password_file)
            .args([
                "--username",
                USER,
                "--auth",
                "scram-sha-256",
                "--encoding",
                "UTF8",
                "--locale",
                "C",
                "--no-sync",
            ]);
        succeed(&mut command, "initdb");
        let port = free_port();
        let process = launch(&programs, account, scratch.path(), port, durable);
        let mut server = Self {
            programs,
            scratch,
            port,
            durable,
            account,
            process,
            databases: AtomicU32::new(0),
        };
        server.wait_until_ready();
        server
    }

    /// The URL of a fresh, empty database.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::SeqCst));
        let mut command = self.client("createdb");
        succeed(command.arg(&name), "createdb");
        self.url(&name)
    }

    /// The URL of the database of this name.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{}/{name}", self.port)
    }

    /// What the server logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.stderr()
    }

    /// The directory with all its files.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.scratch.path()
    }

    /// All content of a database as text, for a search.
    ///
    /// # Panics
    /// If it cannot be had.
    #[must_use]
    pub fn dump(&self, name: &str) -> Vec<u8> {
        let mut command = self.client("pg_dump");
        succeed(command.arg(name), "pg_dump")
    }

    /// The server dies as if it crashed; its files stay.
    pub fn crash(&mut self) {
        self.process.signal(Signal::QUIT);
        let end = Instant::now() + PATIENCE;
        while self.process.ended().is_none() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The server stands still: connections stay open and get no answer.
    pub fn freeze(&self) {
        self.process.signal(Signal::STOP);
    }

    /// The server goes on.
    pub fn thaw(&self) {
        self.process.signal(Signal::CONT);
    }

    /// The server runs again on the same files and the same port.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) {
        self.crash();
        self.process = launch(
            &self.programs,
            self.account,
            self.scratch.path(),
            self.port,
            self.durable,
        );
        self.wait_until_ready();
    }

    fn client(&self, name: &str) -> Command {
        let mut command = program(&self.programs, name, self.account, self.scratch.path());
        command
            .env("PGPASSWORD", PASSWORD)
            .args(["--host", "127.0.0.1", "--username", USER]);
        command.arg("--port").arg(self.port.to_string());
        command
    }

    fn wait_until_ready(&mut self) {
        let end = Instant::now() + PATIENCE;
        loop {
            let ended = self.process.ended();
            assert!(
                ended.is_none() && Instant::now() < end,
                "PostgreSQL did not start: {ended:?}\n{}",
                self.log()
            );
            // The port opens before the server takes connections, and asking it costs a process: first things first.
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok()
                && self
                    .client("pg_isready")
                    .output()
                    .is_ok_and(|output| output.status.success())
            {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Its files go with it, so there is nothing that it should still write.
        self.crash();
    }
}

/// The directory with the server's programs.
fn programs() -> PathBuf {
    let mut folders = crate::process::search_path();
    let installed = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut versions: Vec<PathBuf> = installed.map(|entry| entry.path().join("bin")).collect();
    versions.sort_by_key(|path| {
        let version = path
            .parent()
            .and_then(Path::file_name)
            .map(|name| name.to_string_lossy().into_owned());
        version.and_then(|version| version.parse::<u32>().ok())
    });
    // The newest first, and all of them before the links that some systems put elsewhere: a link leads to some of the
    // programs, the folder has all.
    folders.splice(0..0, versions.into_iter().rev());
    folders.extend(["/usr/local/pgsql/bin", "/opt/homebrew/bin"].map(PathBuf::from));
    folders
        .into_iter()
        .find(|folder| ["initdb", "postgres", "createdb"].iter().all(|name| folder.join(name).is_file()))
        .unwrap_or_else(|| {
            panic!(
                "PostgreSQL is not installed: no initdb, postgres and createdb in PATH or /usr/lib/postgresql. \
                Install it (`apt-get install postgresql`); this test does not pass without it"
            )
        })
}

fn launch(programs: &Path, account: Option<Account>, scratch: &Path, port: u16, durable: bool) -> Process {
    let mut command = program(programs, "postgres", account, scratch);
    command
        .arg("-D")
        .arg(scratch.join("data"))
        .arg("-p")
        .arg(port.to_string())
        .arg("-k")
        .arg(scratch);
    let fast: &[&str] = if durable {
        &[]
    } else {
        &["fsync=off", "full_page_writes=off", "synchronous_commit=off"]
    };
    let settings = [
        "listen_addresses=127.0.0.1",
        "max_connections=200",
        "shared_buffers=64MB",
        "max_wal_senders=0",
    ];
    for setting in settings
        .iter()
        .chain(&["wal_level=minimal", "log_min_messages=warning"])
        .chain(fast)
    {
        command.arg("-c").arg(setting);
    }
    Process::start(&mut command, "QUIT", Some(scratch))
        .unwrap_or_else(|error| panic!("cannot run {}: {error}", programs.join("postgres").display()))
}

fn program(programs: &Path, name: &str, account: Option<Account>, scratch: &Path) -> Command {
    let mut command = Command::new(programs.join(name));
    command
        .env_clear()
        .env("PATH", programs)
        .env("LC_ALL", "C")
        .env("HOME", scratch)
        .current_dir(scratch);
    if let Some(account) = account {
        command.uid(account.user).gid(account.group);
    }
    command
}

fn succeed(command: &mut Command, name: &str) -> Vec<u8> {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("cannot run {name}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{name} failed, {}: {said}",
        output.status
    );
    output.stdout
}

/// The account of PostgreSQL, or else nobody's, if we are root.
fn account() -> Option<Account> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let accounts = read_accounts().expect("a readable list of accounts");
    let found = ["postgres", "nobody"].iter().find_map(|name| {
        let line = accounts
            .lines()
            .find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2).map(str::parse);
        match (fields.next(), fields.next()) {
            (Some(Ok(user)), Some(Ok(group))) => Some(Account { user, group }),
            _ => None,
        }
    });
    Some(found.expect("PostgreSQL does not run as root, and there is neither an account postgres nor nobody"))
}

fn read_accounts() -> io::Result<String> {
    fs::read_to_string("/etc/passwd")
}
