//! A PostgreSQL server of this test run alone, and a fresh database in it for each test.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio_postgres::NoTls;

static SERVER: OnceLock<Server> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// Waits for the end of its input, which comes when the test process ends, however that happens; then stops the server.
const GUARDIAN: &str = r#""$0" -D "$1" -k "$1" -c listen_addresses= -c max_connections=200 -c shared_buffers=32MB \
    > "$1/log" 2>&1 & server=$!; cat > /dev/null; kill -INT $server; wait $server; rm -rf "$1""#;

struct Server {
    directory: PathBuf,
    _guardian: Child,
}

fn binary(name: &str) -> PathBuf {
    let mut places: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    places.extend(["/usr/local/bin".into(), "/usr/bin".into()]);
    let found = places
        .into_iter()
        .map(|place| place.join(name))
        .find(|path| path.exists());
    found.unwrap_or_else(|| panic!("{name} is needed for these tests: install PostgreSQL's server"))
}

/// The command as an ordinary user: the server refuses to run as root.
fn unprivileged(program: &Path, directory: &Path) -> Command {
    let mut command = Command::new(program);
    let own = std::fs::metadata("/proc/self").unwrap();
    if std::os::unix::fs::MetadataExt::uid(&own) == 0 {
        let nobody = 65_534;
        std::os::unix::fs::chown(directory, Some(nobody), Some(nobody)).unwrap();
        command.uid(nobody).gid(nobody);
    }
    command
}

impl Server {
    fn start() -> Self {
        let directory = tempfile::Builder::new()
            .prefix("freehold-postgres")
            .permissions(PermissionsExt::from_mode(0o700))
            .tempdir()
            .unwrap()
            .keep();
        let made = unprivileged(&binary("initdb"), &directory)
            .args(["-U", "freehold", "-A", "trust", "-E", "UTF8", "--no-sync", "-D"])
            .arg(&directory)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&made.stderr).into_owned();
        assert!(made.status.success(), "initdb: {said}");
        let guardian = unprivileged(Path::new("/bin/sh"), &directory)
            .args(["-c", GUARDIAN])
            .arg(binary("postgres"))
            .arg(&directory)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            directory,
            _guardian: guardian,
        }
    }

    fn url(&self, database: &str) -> String {
        let directory = self.directory.display().to_string().replace('/', "%2F");
        format!("postgres://freehold@{directory}/{database}")
    }
}

async fn administrator(server: &Server) -> tokio_postgres::Client {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        match tokio_postgres::connect(&server.url("postgres"), NoTls).await {
            Ok((client, connection)) => {
                tokio::spawn(connection);
                return client;
            }
            Err(error) if Instant::now() > end => {
                let log = std::fs::read_to_string(server.directory.join("log"));
                let _ = std::io::stderr().write_all(log.unwrap_or_default().as_bytes());
                panic!("the server does not answer: {error}");
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// The address of an empty database.
pub(crate) async fn empty_database() -> String {
    let server = SERVER.get_or_init(Server::start);
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let administrator = administrator(server).await;
    administrator
        .batch_execute(&format!("CREATE DATABASE {name}"))
        .await
        .unwrap();
    server.url(&name)
}
