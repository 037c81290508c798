//! Runs the real executable as its users do: on a fresh data directory, a free port and a written configuration.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::client::{Answer, Request};
use crate::process::{Process, free_port};
use crate::simulator::Simulator;

/// How long the server may take to be ready, and to drain.
const PATIENCE: Duration = Duration::from_secs(60);

/// How the server is to be started.
#[derive(Debug, Clone)]
pub struct Options {
    executable: PathBuf,
    private_targets: Vec<String>,
    tables: String,
    environment: Vec<(String, String)>,
    data: Option<PathBuf>,
    port: Option<u16>,
}

impl Options {
    /// The executable at `path` with defaults: SQLite, no provider, text logs at `info`.
    #[must_use]
    pub fn new(executable: impl Into<PathBuf>) -> Self {
        Self {
            executable: executable.into(),
            private_targets: Vec::new(),
            tables: String::new(),
            environment: Vec::new(),
            data: None,
            port: None,
        }
    }

    /// The server may call this simulator.
    #[must_use]
    pub fn simulator(self, simulator: &Simulator) -> Self {
        let address = simulator.address.to_string();
        self.private_target(&address)
    }

    /// The server may call this target, in the form of the setting `egress.private_targets`.
    #[must_use]
    pub fn private_target(mut self, target: &str) -> Self {
        self.private_targets.push(target.to_owned());
        self
    }

    /// The platform has a key of its own for `provider`, which is at `simulator`.
    #[must_use]
    pub fn platform_key(self, provider: &str, key: &str, simulator: &Simulator) -> Self {
        let url = simulator.base_url();
        self.simulator(simulator).toml(&format!(
            "[[platform_keys]]\nprovider = {provider:?}\nkey = {key:?}\nbase_url = {url:?}\n"
        ))
    }

    /// The configuration file has these lines, whole tables, besides what the other options write.
    #[must_use]
    pub fn toml(mut self, tables: &str) -> Self {
        self.tables.push_str(tables);
        self.tables.push('\n');
        self
    }

    /// The environment of the server has this. It has nothing else of this process but `PATH`.
    #[must_use]
    pub fn environment(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// The server works on this database instead of SQLite.
    #[must_use]
    pub fn database(self, url: impl Into<String>) -> Self {
        self.environment("FREEHOLD_DATABASE_URL", url)
    }

    /// The server works with this Redis.
    #[must_use]
    pub fn redis(self, url: impl Into<String>) -> Self {
        self.environment("FREEHOLD_REDIS_URL", url)
    }

    /// The server logs by this filter.
    #[must_use]
    pub fn log(self, filter: &str) -> Self {
        self.environment("FREEHOLD_LOG", filter)
    }

    /// The data directory is this one, which is left in place at the end, instead of a fresh one.
    #[must_use]
    pub fn data(mut self, directory: impl Into<PathBuf>) -> Self {
        self.data = Some(directory.into());
        self
    }

    /// The server listens on this port of loopback instead of a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }
}

/// A server that did not come to be ready.
#[derive(Debug)]
pub struct NotReady {
    /// How it ended, or nothing if it was still running.
    pub status: Option<ExitStatus>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl std::fmt::Display for NotReady {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ended = self
            .status
            .map_or("not ready in time".to_owned(), |status| status.to_string());
        write!(
            out,
            "{ended}\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout, self.stderr
        )
    }
}

impl std::error::Error for NotReady {}

/// A running server. Dropped, it is killed, and its files are removed.
#[derive(Debug)]
pub struct Freehold {
    options: Options,
    scratch: Arc<TempDir>,
    port: u16,
    process: Process,
    operator_token: String,
    virtual_key: String,
    /// What earlier runs of this server said.
    said_before: String,
}

impl Freehold {
    /// A server of these options is ready.
    ///
    /// # Panics
    /// If it does not come to be ready; with its output.
    pub async fn start(options: Options) -> Self {
        Self::try_start(options)
            .await
            .unwrap_or_else(|failed| panic!("the server did not start: {failed}"))
    }

    /// A server of these options is ready, or what it said instead.
    ///
    /// # Errors
    /// If it ended or was not ready within a minute.
    ///
    /// # Panics
    /// If there is no such executable, or no room for its files.
    pub async fn try_start(options: Options) -> Result<Self, NotReady> {
        let scratch = Arc::new(
            tempfile::Builder::new()
                .prefix("freehold-")
                .tempdir()
                .expect("a temporary directory"),
        );
        for folder in ["home", "tmp"] {
            std::fs::create_dir(scratch.path().join(folder)).expect("a writable temporary directory");
        }
        let port = options.port.unwrap_or_else(free_port);
        std::fs::write(scratch.path().join("freehold.toml"), toml(&options))
            .expect("a writable temporary directory");
        let process = launch(&options, scratch.path(), port);
        let mut server = Self {
            options,
            scratch,
            port,
            process,
            operator_token: String::new(),
            virtual_key: String::new(),
            said_before: String::new(),
        };
        server.wait_until_ready().await?;
        Ok(server)
    }

    /// Runs another command of the executable (`verify`, `config check` …) on the files of this server, to its end.
    ///
    /// # Panics
    /// If it cannot be run.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = command(&self.options, self.scratch.path(), self.port);
        command.args(arguments).output().expect("the executable runs")
    }

    /// The URL of `path` on this server.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The port on loopback on which it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// The operator token that the first start printed, or that the environment set.
    #[must_use]
    pub fn operator_token(&self) -> &str {
        &self.operator_token
    }

    /// The virtual key of the first workspace, as the first start printed it.
    #[must_use]
    pub fn virtual_key(&self) -> &str {
        &self.virtual_key
    }

    /// The directory with everything this server writes: data, temporary files, home.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        data(&self.options, self.scratch.path())
    }

    /// All that it wrote to standard output and standard error, over all its runs.
    #[must_use]
    pub fn output(&self) -> String {
        format!(
            "{}{}{}",
            self.said_before,
            self.process.stdout(),
            self.process.stderr()
        )
    }

    /// A `GET` as the first workspace.
    pub async fn get(&self, path: &str) -> Answer {
        Request::get(self.url(path))
            .bearer(&self.virtual_key)
            .send()
            .await
    }

    /// A `POST` as the first workspace.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        Request::post(self.url(path))
            .bearer(&self.virtual_key)
            .json(body)
            .send()
            .await
    }

    /// A `GET` as the operator.
    pub async fn admin_get(&self, path: &str) -> Answer {
        Request::get(self.url(path))
            .bearer(&self.operator_token)
            .send()
            .await
    }

    /// A `POST` as the operator.
    pub async fn admin_post(&self, path: &str, body: &Value) -> Answer {
        Request::post(self.url(path))
            .bearer(&self.operator_token)
            .json(body)
            .send()
            .await
    }

    /// Stores a provider key of the first workspace that leads to `simulator`, and answers the reply.
    pub async fn store_key(&self, provider: &str, key: &str, simulator: &Simulator) -> Answer {
        let body =
            serde_json::json!({"provider": provider, "api_key": key, "base_url": simulator.base_url()});
        self.post("/v1/byok/providers", &body).await
    }

    /// Kills it without any warning, as a power cut would.
    pub fn kill9(&mut self) {
        self.process.kill();
    }

    /// Stops it where it stands; it keeps its sockets and its memory.
    pub fn freeze(&self) {
        self.process.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.process.signal(Signal::CONT);
    }

    /// Asks it to end, without waiting.
    pub fn ask_to_end(&self) {
        self.process.signal(Signal::TERM);
    }

    /// Asks it to end and waits until it has.
    ///
    /// # Panics
    /// If it has not within a minute.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.ask_to_end();
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.process.ended() {
                return status;
            }
            assert!(
                Instant::now() < end,
                "it did not drain within {PATIENCE:?}: {}",
                self.output()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Whether it is running.
    pub fn is_running(&mut self) -> bool {
        self.process.ended().is_none()
    }

    /// Starts it again on the same files and the same port, ended or not.
    ///
    /// # Panics
    /// If it does not come to be ready.
    pub async fn restart(&mut self) {
        self.process.kill();
        self.said_before = self.output();
        self.process = launch(&self.options, self.scratch.path(), self.port);
        if let Err(failed) = self.wait_until_ready().await {
            panic!("the server did not start again: {failed}");
        }
    }

    async fn wait_until_ready(&mut self) -> Result<(), NotReady> {
        let end = Instant::now() + PATIENCE;
        loop {
            let status = self.process.ended();
            if status.is_some() || Instant::now() > end {
                // The last words may still be in the pipe.
                tokio::time::sleep(Duration::from_millis(50)).await;
                return Err(NotReady {
                    status,
                    stdout: self.process.stdout(),
                    stderr: self.process.stderr(),
                });
            }
            let ready = Request::get(self.url("/readyz")).try_send().await;
            if ready.is_ok_and(|answer| answer.status == 200) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let said = self.output();
        let given = self
            .options
            .environment
            .iter()
            .find(|(name, _)| name == "FREEHOLD_ADMIN_TOKEN");
        if self.operator_token.is_empty() {
            let printed = token(&said, "fho_").unwrap_or_default();
            self.operator_token = given.map_or(printed, |(_, value)| value.clone());
        }
        if self.virtual_key.is_empty() {
            self.virtual_key = token(&said, "fh_").unwrap_or_default();
        }
        Ok(())
    }
}

fn data(options: &Options, scratch: &Path) -> PathBuf {
    options.data.clone().unwrap_or_else(|| scratch.join("data"))
}

fn command(options: &Options, scratch: &Path, port: u16) -> Command {
    let mut command = Command::new(&options.executable);
    command
        .current_dir(scratch)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", scratch.join("home"))
        .env("TMPDIR", scratch.join("tmp"))
        .env("FREEHOLD_CONFIG", scratch.join("freehold.toml"))
        .env("FREEHOLD_LISTEN", format!("127.0.0.1:{port}"))
        .env("FREEHOLD_DATA_DIR", data(options, scratch))
        .envs(options.environment.iter().map(|(name, value)| (name, value)));
    command
}

fn launch(options: &Options, scratch: &Path, port: u16) -> Process {
    let mut command = command(options, scratch, port);
    Process::start(command.arg("serve"), "KILL", Some(scratch))
        .unwrap_or_else(|error| panic!("cannot run {}: {error}", options.executable.display()))
}

fn toml(options: &Options) -> String {
    let mut text = String::new();
    if !options.private_targets.is_empty() {
        let targets = &options.private_targets;
        let _ = writeln!(text, "[egress]\nprivate_targets = {targets:?}\n");
    }
    text.push_str(&options.tables);
    text
}

/// The first token with this prefix in `text`.
fn token(text: &str, prefix: &str) -> Option<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let start = text
        .match_indices(prefix)
        .map(|(index, _)| index)
        .find(|index| !text.get(..*index).is_some_and(|before| before.ends_with(is_part)))?;
    let rest = text.get(start..)?;
    let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    rest.get(..end).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_by_their_prefix_wherever_they_stand() {
        let said = "operator token: fho_0a1B_xyz\n\nvirtual key: fh_9Z8y_abc (shown once)\n";
        assert_eq!(token(said, "fho_").as_deref(), Some("fho_0a1B_xyz"));
        assert_eq!(token(said, "fh_").as_deref(), Some("fh_9Z8y_abc"));
        assert_eq!(token("nothing here", "fh_"), None);
    }

    #[tokio::test]
    async fn an_executable_that_ends_at_once_is_reported_with_its_words() {
        let failed = Freehold::try_start(Options::new("/bin/ls").port(1))
            .await
            .unwrap_err();
        assert!(failed.status.is_some_and(|status| !status.success()));
        assert!(failed.stderr.contains("serve"), "{failed}");
    }
}
